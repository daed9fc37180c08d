//! Basic authentication, and how text becomes the bytes of a header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::HeaderValue;

use super::secret_value;
use crate::config::BasicAuth;
use crate::discover::UserInfo;
use crate::scrape::error::{ClientError, ClientProblem};

/// The header of the settings.
pub(super) fn of_settings(auth: &BasicAuth) -> Result<HeaderValue, ClientError> {
    let text = pair(auth.username.expose(), auth.password.expose());
    let bytes = if auth.latin1 { latin1(&text).ok_or(ClientProblem::NotLatin1)? } else { text.into_bytes() };
    Ok(authorization(&bytes))
}

/// The header of the user of a URL.
pub(super) fn of_user(user: &UserInfo) -> HeaderValue {
    basic_authorization(user.username.expose(), user.password.expose())
}

/// The header of credentials that say nothing about their encoding.
pub(in crate::scrape) fn basic_authorization(username: &str, password: &str) -> HeaderValue {
    authorization(&latin1_or_utf8(&pair(username, password)))
}

fn pair(username: &str, password: &str) -> String {
    format!("{username}:{password}")
}

fn authorization(credentials: &[u8]) -> HeaderValue {
    secret_value(format!("Basic {}", BASE64.encode(credentials)).as_bytes())
        .expect("base64 has only characters that a header can hold")
}

/// What a header is encoded as: Latin-1 as HTTP once had it, UTF-8 where that does not suffice.
pub(in crate::scrape) fn latin1_or_utf8(text: &str) -> Vec<u8> {
    latin1(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn encodes_credentials_as_told() {
        let mut auth = BasicAuth { username: Secret::new("\u{fc}"), password: Secret::new(""), latin1: true };
        assert_eq!(of_settings(&auth).unwrap(), "Basic /Do=");
        auth.latin1 = false;
        assert_eq!(of_settings(&auth).unwrap(), "Basic w7w6");
        auth = BasicAuth { username: Secret::new("\u{20ac}"), latin1: true, ..auth };
        assert!(of_settings(&auth).unwrap_err().to_string().contains("use_legacy_auth_encoding: false"));
    }
}
