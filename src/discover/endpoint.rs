//! The address of an exposition as the settings give it.

use std::fmt;

use super::location::{Location, UrlProblem, redact};
use crate::config::Secret;
use crate::percent;

/// Where an exposition is fetched: an `http://`, `https://` or `unix://` URL.
///
/// It keeps the text of the settings unchanged, because that text is a tag of every metric. `Display` and `Debug` show
/// the URL without user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    text: Box<str>,
    location: Location,
    user: Option<UserInfo>,
}

/// User name and password out of a URL, with percent signs decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserInfo {
    pub(crate) username: Secret,
    pub(crate) password: Secret,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// In `unix:///run/app.sock/metrics` the path of the socket ends at the first `.sock`; the rest is the path of the
    /// request. Characters that a URL cannot hold are percent-encoded; a fragment is left out.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let failed = |problem| EndpointError { url: redact(text.trim()), problem };
        let (location, user_info) = Location::parse(text.trim()).map_err(failed)?;
        let user = user_info.map(|info| {
            let (username, password) = info.split_once(':').unwrap_or((info, ""));
            UserInfo {
                username: Secret::new(percent::decode(username)),
                password: Secret::new(percent::decode(password)),
            }
        });
        Ok(Self { text: text.into(), location, user })
    }

    /// The text of the settings, credentials included: what the endpoint tag shows.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    pub(crate) fn user(&self) -> Option<&UserInfo> {
        self.user.as_ref()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.location)
    }
}

/// A text that is no URL of an exposition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not the URL of an exposition: {problem}")]
pub struct EndpointError {
    /// Without credentials.
    url: String,
    problem: UrlProblem,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Endpoint::parse(text).unwrap().to_string()
    }

    #[test]
    fn keeps_the_text_and_shows_no_credentials() {
        let endpoint = Endpoint::parse("http://us%40er:p%3Aw:x@Host:9100/metrics?a=b").unwrap();
        assert_eq!(endpoint.text(), "http://us%40er:p%3Aw:x@Host:9100/metrics?a=b");
        assert_eq!(endpoint.to_string(), "http://host:9100/metrics?a=b");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(http://host:9100/metrics?a=b)");
        let user = endpoint.user().unwrap();
        assert_eq!((user.username.expose(), user.password.expose()), ("us@er", "p:w:x"));
    }

    #[test]
    fn masks_query_values_that_are_secrets() {
        assert_eq!(shown("http://h/m?api_key=abc&x=1&access_token=q"), "http://h/m?api_key=***&x=1&access_token=***");
    }

    #[test]
    fn makes_any_path_a_valid_one() {
        assert_eq!(shown("http://h:80"), "http://h:80/");
        assert_eq!(shown("HTTPS://h?x=1#part"), "https://h/?x=1");
        assert_eq!(
            shown(r#"http://h/federate?match[]={job="a b"}&p=100%"#),
            "http://h/federate?match[]=%7Bjob=%22a%20b%22%7D&p=100%25"
        );
        assert_eq!(shown("http://h/\u{e9}%20/../a/./b"), "http://h/a/b");
        assert_eq!(shown("http://[::1]:9/m"), "http://[::1]:9/m");
    }

    #[test]
    fn splits_a_unix_socket_from_the_request() {
        let parsed = |text: &str| {
            let endpoint = Endpoint::parse(text).unwrap();
            let location = endpoint.location();
            (location.socket().unwrap().display().to_string(), location.path_and_query().to_owned())
        };
        assert_eq!(parsed("unix:///run/a.sock/metrics"), ("/run/a.sock".into(), "/metrics".into()));
        assert_eq!(parsed("unix:///run/a.sock"), ("/run/a.sock".into(), "/".into()));
        assert_eq!(parsed("unix:///run/a.sock.d/b.sock/m?x=1"), ("/run/a.sock".into(), "/.d/b.sock/m?x=1".into()));
        assert_eq!(shown("unix:///run/a.sock/metrics"), "unix:///run/a.sock/metrics");
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| Endpoint::parse(text).unwrap_err().to_string();
        for (text, part) in [
            ("localhost:9100/metrics", "write `http://localhost:9100/metrics`"),
            ("", "it is empty"),
            ("ftp://h/", "`ftp` is not supported"),
            ("http:///metrics", "names no host"),
            ("http://h:99999/", "`99999` is not a port"),
            ("http://h:0/", "`0` is not a port"),
            ("http://h st/", "not a host name"),
            ("http://h\u{e9}/", "punycode"),
            ("http://[::g]/", "not an IPv6 address"),
            ("unix:///run/app/metrics", "`.sock`"),
            ("unix://run/app.sock", "absolute"),
        ] {
            assert!(message(text).contains(part), "{}", message(text));
        }
        for text in [
            "http://user:hunter2@h:x/",
            "user:hunter2@h/m",
            "http://user:hun@ter2@/",
            "http://u:hun/t@h/",
            "http://u:hun?t@h/",
        ] {
            assert!(!message(text).contains("hun"), "{}", message(text));
        }
    }
}
