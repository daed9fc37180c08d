//! The headers of a request, and to whom each of them may be shown.

use hyper::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, USER_AGENT};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::auth::latin1_or_utf8;
use super::error::{ClientError, ClientProblem};
use super::negotiation::accept;
use crate::config::HttpSettings;

const ENCODINGS: &str = "zstd, gzip, deflate";

/// Headers that say nothing about who asks. Any other header of the settings may be a key to the target.
const HARMLESS: [HeaderName; 4] = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, USER_AGENT];

/// The headers of all requests of one client.
pub(super) struct RequestHeaders {
    harmless: HeaderMap,
    /// Only for the origin that the settings name.
    guarded: HeaderMap,
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
        Ok(Self { harmless, guarded })
    }

    /// The headers of one request. `trusted`: whether it goes to the origin that the settings name.
    pub(super) fn of_request(&self, trusted: bool) -> HeaderMap {
        let mut headers = self.harmless.clone();
        if trusted {
            headers.extend(self.guarded.clone());
        }
        headers
    }

    /// Whether there is anything that must not travel in the clear.
    pub(super) fn are_secret(&self) -> bool {
        !self.guarded.is_empty()
    }
}

fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_bytes(&latin1_or_utf8(value)).map_err(|_| ClientProblem::HeaderValue(name.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn sent(settings: &HttpSettings, trusted: bool) -> Vec<String> {
        let headers = RequestHeaders::new(settings, "retriever/1").unwrap().of_request(trusted);
        let mut headers: Vec<_> = headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
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
            ..HttpSettings::default()
        };
        assert!(sent(&settings, true).contains(&"x-api-key: k".to_owned()));
        let names: Vec<_> =
            sent(&settings, false).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["accept", "accept-encoding", "accept-language", "user-agent"]);
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
