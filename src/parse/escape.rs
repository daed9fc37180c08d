//! The escapes of quoted text: `\\`, `\"` and `\n`.

/// Undoes the escapes, left to right, once; a backslash before anything else stays (rule P7).
pub(crate) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (replacement, used) = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => ("\\", 2),
            Some(b'"') => ("\"", 2),
            Some(b'n') => ("\n", 2),
            _ => ("\\", 1),
        };
        text.push_str(replacement);
        rest = &rest[at + used..];
    }
    text.push_str(rest);
    text
}
