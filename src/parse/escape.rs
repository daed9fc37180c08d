//! The escapes of quoted text and of `HELP` text.

use super::format::Format;

/// Undoes `\\`, `\"` and `\n`, left to right, once; a backslash before anything else stays (rule P7).
pub(crate) fn unescape(raw: &str) -> String {
    undo(raw, true)
}

/// Undoes the escapes of `HELP` text: `\\` and `\n`, in OpenMetrics also `\"` (rule P4).
pub(crate) fn unescape_help(raw: &str, format: Format) -> String {
    match format {
        Format::PrometheusText | Format::PrometheusProtobuf => undo(raw, false),
        Format::OpenMetrics | Format::OpenMetrics2 => undo(raw, true),
    }
}

fn undo(raw: &str, quotes: bool) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (replacement, used) = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => ("\\", 2),
            Some(b'"') if quotes => ("\"", 2),
            Some(b'n') => ("\n", 2),
            _ => ("\\", 1),
        };
        text.push_str(replacement);
        rest = &rest[at + used..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once_from_left_to_right() {
        assert_eq!(unescape(r#"a\\nb\nc\"d\te\"#), "a\\nb\nc\"d\\te\\");
        assert_eq!(unescape_help(r#"a\"b\\c\n"#, Format::PrometheusText), "a\\\"b\\c\n");
        assert_eq!(unescape_help(r#"a\"b\\c\n"#, Format::OpenMetrics), "a\"b\\c\n");
    }
}
