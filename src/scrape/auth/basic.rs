//! Basic authentication towards targets.

use hyper::header::HeaderValue;

use crate::config::BasicAuth;
use crate::discover::UserInfo;
use crate::network::{authorization, latin1, pair};
pub(in crate::scrape) use crate::network::{basic_authorization, latin1_or_utf8};
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
