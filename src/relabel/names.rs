//! Which texts are names of labels.

/// What Prometheus calls a validation scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameValidation {
    /// Any text but the empty one: the default since Prometheus 3.
    #[default]
    Utf8,
    /// ASCII letters, digits and `_`, with no digit at the beginning.
    Legacy,
}

impl NameValidation {
    /// Whether a label may be called `name`.
    pub fn accepts(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                name.bytes().all(fits) && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_names_are_identifiers() {
        for (name, legacy) in [("a", true), ("_a9", true), ("9a", false), ("a-b", false), ("a:b", false), ("é", false)]
        {
            assert_eq!(NameValidation::Legacy.accepts(name), legacy, "{name}");
            assert!(NameValidation::Utf8.accepts(name), "{name}");
        }
        assert!(!NameValidation::Legacy.accepts(""));
        assert!(!NameValidation::Utf8.accepts(""));
    }
}
