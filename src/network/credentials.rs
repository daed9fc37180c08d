//! User name and password as a header: basic authentication, towards targets and proxies alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::HeaderValue;

/// The header of credentials that say nothing about their encoding.
pub(crate) fn basic_authorization(username: &str, password: &str) -> HeaderValue {
    authorization(&latin1_or_utf8(&pair(username, password)))
}

/// A user name and a password as they are encoded together.
pub(crate) fn pair(username: &str, password: &str) -> String {
    format!("{username}:{password}")
}

/// The header of a pair.
pub(crate) fn authorization(pair: &[u8]) -> HeaderValue {
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(pair)))
        .expect("base64 has only characters that a header can hold");
    value.set_sensitive(true);
    value
}

/// What a header is encoded as: Latin-1 as HTTP once had it, UTF-8 where that does not suffice.
pub(crate) fn latin1_or_utf8(text: &str) -> Vec<u8> {
    latin1(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// The bytes of Latin-1; none if it does not have all of the characters.
pub(crate) fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
