//! The headers of a request, and to whom each of them may be shown.

use hyper::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::error::{ClientError, ClientProblem};
use super::negotiation::accept;
use crate::config::{BasicAuth, HttpSettings};
use crate::discover::UserInfo;

const ENCODINGS: &str = "zstd, gzip, deflate";

/// Headers that say nothing about who asks. Any other header of the settings may be a key to the target.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, USER_AGENT];

/// The headers of all requests of one client.
pub(super) struct RequestHeaders {
    harmless: HeaderMap,
    /// Only for the origin that the settings name.
    guarded: HeaderMap,
    authorization: Option<HeaderValue>,
}

impl RequestHeaders {
    /// `headers` replaces all defaults, `extra_headers` adds; of names that differ in case only, the last counts.
    pub(super) fn new(settings: &HttpSettings, user_agent: &str) -> Result<Self, ClientError> {
        let mut list: Vec<(&str, &str)> =
            vec![("User-Agent", user_agent), ("Accept", "*/*"), ("Accept-Encoding", ENCODINGS)];
        if !settings.headers.is_empty() {
            list = settings.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        }
        for (name, value) in &settings.extra_headers {
            match list.iter_mut().find(|(other, _)| other == name) {
                Some(same) => same.1 = value.expose(),
                None => list.push((name, value.expose())),
            }
        }
        let accept = accept(settings);
        // Only this spelling and this value: so does Datadog's check.
        for (_, value) in list.iter_mut().filter(|header| **header == ("Accept", "*/*")) {
            *value = &accept;
        }
        let (mut harmless, mut guarded) = (HeaderMap::new(), HeaderMap::new());
        for (name, value) in list {
            let name: HeaderName = name.parse().map_err(|_| ClientProblem::HeaderName(name.to_owned()))?;
            let mut value = header_value(&name, value)?;
            if HARMLESS.contains(&name) {
                harmless.insert(name, value);
            } else {
                value.set_sensitive(true);
                guarded.insert(name, value);
            }
        }
        let authorization = settings.basic_auth.as_ref().map(basic).transpose()?;
        Ok(Self { harmless, guarded, authorization })
    }

    /// The headers of one request. `trusted`: whether it goes to the origin that the settings name.
    ///
    /// Basic authentication of the settings wins over that of the URL, and both over a header.
    pub(super) fn of_request(&self, trusted: bool, user: Option<&UserInfo>) -> HeaderMap {
        let mut headers = self.harmless.clone();
        if trusted {
            headers.extend(self.guarded.clone());
            let from_url = || user.map(|user| basic_authorization(user.username.expose(), user.password.expose()));
            if let Some(value) = self.authorization.clone().or_else(from_url) {
                headers.insert(AUTHORIZATION, value);
            }
        }
        headers
    }

    /// Whether there is anything that must not travel in the clear.
    pub(super) fn has_credentials(&self, user: Option<&UserInfo>) -> bool {
        !self.guarded.is_empty() || self.authorization.is_some() || user.is_some()
    }
}

fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_bytes(&latin1_or_utf8(value)).map_err(|_| ClientProblem::HeaderValue(name.to_string()).into())
}

fn basic(auth: &BasicAuth) -> Result<HeaderValue, ClientError> {
    let text = pair(auth.username.expose(), auth.password.expose());
    let bytes = if auth.latin1 { latin1(&text).ok_or(ClientProblem::NotLatin1)? } else { text.into_bytes() };
    Ok(authorization(&bytes))
}

fn pair(username: &str, password: &str) -> String {
    format!("{username}:{password}")
}

fn authorization(credentials: &[u8]) -> HeaderValue {
    let mut value = HeaderValue::from_str(&format!("Basic {}", base64(credentials)))
        .expect("base64 has only characters that a header can hold");
    value.set_sensitive(true);
    value
}

/// Basic authentication with credentials that say nothing about their encoding.
pub(super) fn basic_authorization(username: &str, password: &str) -> HeaderValue {
    authorization(&latin1_or_utf8(&pair(username, password)))
}

/// What a header is encoded as: Latin-1 as HTTP once had it, UTF-8 where that does not suffice.
fn latin1_or_utf8(text: &str) -> Vec<u8> {
    latin1(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            if digit <= group.len() {
                text.push(char::from(ALPHABET[(bits >> (18 - 6 * digit)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn sent(settings: &HttpSettings, trusted: bool) -> Vec<String> {
        let headers = RequestHeaders::new(settings, "retriever/1").unwrap().of_request(trusted, None);
        let mut headers: Vec<_> = headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn encodes_base64() {
        // RFC 4648, section 10.
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn defaults() {
        assert_eq!(
            sent(&HttpSettings::default(), true),
            [
                "accept: text/plain;version=0.0.4,*/*;q=0.1",
                "accept-encoding: zstd, gzip, deflate",
                "user-agent: retriever/1"
            ]
        );
        let latest = HttpSettings { use_latest_spec: true, ..HttpSettings::default() };
        assert_eq!(sent(&latest, true)[0], format!("accept: {}", accept(&latest)));
    }

    #[test]
    fn headers_replace_and_extra_headers_add() {
        let mut settings = HttpSettings { headers: pairs(&[("X-One", "1")]), ..HttpSettings::default() };
        assert_eq!(sent(&settings, true), ["x-one: 1"]);
        settings.extra_headers = pairs(&[("X-One", "2"), ("accept", "*/*")]);
        assert_eq!(sent(&settings, true), ["accept: */*", "x-one: 2"]);
        settings.headers.clear();
        settings.extra_headers = pairs(&[("user-agent", "me")]);
        assert_eq!(sent(&settings, true)[2], "user-agent: me");
    }

    #[test]
    fn only_harmless_headers_go_to_strangers() {
        let settings = HttpSettings {
            extra_headers: pairs(&[("X-Api-Key", "k"), ("Cookie", "c"), ("Accept-Language", "de")]),
            basic_auth: Some(BasicAuth { username: Secret::new("u"), password: Secret::new("p"), latin1: true }),
            ..HttpSettings::default()
        };
        assert!(sent(&settings, true).contains(&"authorization: Basic dTpw".to_owned()));
        let names: Vec<_> =
            sent(&settings, false).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["accept", "accept-encoding", "accept-language", "user-agent"]);
    }

    #[test]
    fn encodes_credentials_as_told() {
        let mut auth = BasicAuth { username: Secret::new("\u{fc}"), password: Secret::new(""), latin1: true };
        assert_eq!(basic(&auth).unwrap(), "Basic /Do=");
        auth.latin1 = false;
        assert_eq!(basic(&auth).unwrap(), "Basic w7w6");
        auth = BasicAuth { username: Secret::new("\u{20ac}"), latin1: true, ..auth };
        assert!(basic(&auth).unwrap_err().to_string().contains("use_legacy_auth_encoding: false"));
    }

    #[test]
    fn names_headers_that_cannot_be_sent_but_not_their_values() {
        let refused = |name: &str, value: &str| {
            let settings = HttpSettings { extra_headers: pairs(&[(name, value)]), ..HttpSettings::default() };
            RequestHeaders::new(&settings, "x").err().unwrap().to_string()
        };
        assert!(refused("a b", "v").starts_with("`a b` is not the name"));
        let message = refused("X-A", "hunter2\r\nX-B: 1");
        assert!(message.contains("`x-a`") && !message.contains("hunter2"), "{message}");
    }
}
