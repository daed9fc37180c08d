//! Metric names and tags as Datadog stores them.
//!
//! The intake repairs what does not fit, silently. Names are repaired here, so that what is shown is what will be
//! found; tags are only cut to their length, for the intake knows the letters of all scripts better.

use std::borrow::Cow;

/// The greatest length of a name or tag, in characters.
const LENGTH: usize = 200;

/// The name with every character that is no ASCII letter, digit, `_` or `.` replaced by `_`, from its first letter on,
/// cut to 200 characters. `None` when it holds no letter.
pub(crate) fn metric_name(name: &str) -> Option<Cow<'_, str>> {
    let start = name.find(|c: char| c.is_ascii_alphabetic())?;
    let name = cut(&name[start..]);
    if name.bytes().all(is_fit) {
        return Some(Cow::Borrowed(name));
    }
    let fit = |c: char| if u8::try_from(c).is_ok_and(is_fit) { c } else { '_' };
    Some(Cow::Owned(name.chars().map(fit).collect()))
}

fn is_fit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// The first 200 characters.
pub(super) fn cut(text: &str) -> &str {
    cut_to(text, LENGTH)
}

/// The first `length` characters.
pub(crate) fn cut_to(text: &str, length: usize) -> &str {
    if text.len() <= length {
        return text;
    }
    text.char_indices().nth(length).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_repaired_as_documented() {
        for (given, expected) in [
            ("node.load1", "node.load1"),
            ("job:requests:rate5m", "job_requests_rate5m"),
            ("_private", "private"),
            ("9lives", "lives"),
            ("größe.in-bytes", "gr__e.in_bytes"),
            ("a b\nc", "a_b_c"),
        ] {
            assert_eq!(metric_name(given).as_deref(), Some(expected), "{given}");
        }
        for given in ["", "_", "1.2", "::", "é"] {
            assert_eq!(metric_name(given), None, "{given}");
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut(&"a".repeat(201)), "a".repeat(200));
        assert_eq!(cut(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(cut(&"é".repeat(300)), "é".repeat(200));
        assert_eq!(metric_name(&format!("__{}", "a".repeat(250))).as_deref(), Some(&*"a".repeat(200)));
    }
}
