//! Percent signs in URLs.

/// Whether `%` and two hexadecimal digits stand at this place.
pub(crate) fn is_encoded(text: &[u8], at: usize) -> bool {
    text[at] == b'%' && text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The text with `%41` and the like decoded; what does not decode to UTF-8 is replaced.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if is_encoded(bytes, at) {
            let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
            decoded.push(digit(bytes[at + 1]) << 4 | digit(bytes[at + 2]));
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
