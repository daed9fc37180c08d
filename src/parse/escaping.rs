//! The schemes by which an exporter escapes names that hold other characters than the classic ones, when the reader
//! asks for it (`escaping=` in `Accept` and `Content-Type`), and how they are undone.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A way to write any name with the characters of classic metric names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EscapingScheme {
    /// Names stay as they are; the text formats quote them.
    AllowUtf8,
    /// Every other character becomes `_`. Cannot be undone.
    Underscores,
    /// `.` becomes `_dot_`, `_` is doubled, every other character becomes `__`. Undone but for the last.
    Dots,
    /// `U__` stands before the name, `_` is doubled, every other character becomes its number between underscores.
    Values,
}

impl EscapingScheme {
    /// The scheme of this name in a header.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values]
            .into_iter()
            .find(|scheme| scheme.as_str() == name)
    }

    /// The name of the scheme in a header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Writes a metric or label name in this scheme.
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 => Cow::Borrowed(name),
            Self::Dots => replaced(name, "", |escaped, c, classic| match c {
                '_' => escaped.push_str("__"),
                '.' => escaped.push_str("_dot_"),
                _ if classic => escaped.push(c),
                _ => escaped.push_str("__"),
            }),
            Self::Underscores | Self::Values if is_classic(name) => Cow::Borrowed(name),
            Self::Underscores => replaced(name, "", |escaped, c, classic| escaped.push(if classic { c } else { '_' })),
            Self::Values => replaced(name, "U__", |escaped, c, classic| match c {
                '_' => escaped.push_str("__"),
                _ if classic => escaped.push(c),
                _ => write!(escaped, "_{:x}_", u32::from(c)).expect("a string takes text"),
            }),
        }
    }

    /// Undoes the scheme as far as it can be undone. A name that the scheme cannot have written stays as it is.
    pub fn unescape(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 | Self::Underscores => Cow::Borrowed(name),
            Self::Dots => Cow::Owned(name.replace("_dot_", ".").replace("__", "_")),
            Self::Values => name.strip_prefix("U__").and_then(unescape_values).map_or(Cow::Borrowed(name), Cow::Owned),
        }
    }
}

/// Whether `c` may stand at byte `at` of a classic metric name.
fn is_classic_at(at: usize, c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':' || c.is_ascii_digit() && at > 0
}

fn is_classic(name: &str) -> bool {
    name.char_indices().all(|(at, c)| is_classic_at(at, c))
}

/// `prefix` and what `write` makes of each character, told whether it is a classic one at its place.
fn replaced(name: &str, prefix: &str, write: impl Fn(&mut String, char, bool)) -> Cow<'static, str> {
    let mut escaped = String::with_capacity(prefix.len() + name.len() + 8);
    if !name.is_empty() {
        escaped.push_str(prefix);
    }
    for (at, c) in name.char_indices() {
        write(&mut escaped, c, is_classic_at(at, c));
    }
    Cow::Owned(escaped)
}

/// The digits of the largest character number.
const DIGITS: usize = 6;

fn unescape_values(mut rest: &str) -> Option<String> {
    let mut name = String::with_capacity(rest.len());
    while let Some((plain, escape)) = rest.split_once('_') {
        name.push_str(plain);
        let (number, behind) = escape.split_once('_')?;
        rest = behind;
        if number.is_empty() {
            name.push('_');
            continue;
        }
        let is_number = number.len() <= DIGITS && number.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(number, 16).ok().filter(|_| is_number)?;
        name.push(char::from_u32(number)?);
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_scheme_wrote_stay() {
        for name in ["U__a_", "U___zz_", "U___110000_", "U___d800_", "U___0000041_", "U___+4_", "U__a_2e", "x__y"] {
            assert_eq!(EscapingScheme::Values.unescape(name), name);
        }
        assert_eq!(EscapingScheme::Values.unescape("U___10FFFF_"), "\u{10FFFF}");
    }

    #[test]
    fn schemes_have_names() {
        for name in ["allow-utf-8", "underscores", "dots", "values"] {
            assert_eq!(EscapingScheme::from_name(name).map(EscapingScheme::as_str), Some(name));
        }
        assert_eq!(EscapingScheme::from_name("Dots"), None);
    }
}
