//! What an answer of the intake means for the payload and for those that wait.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};

use crate::calendar;
use crate::submit::name::cut_to;
use crate::time::UnixTime;

const RATE_LIMIT_RESET: &str = "x-ratelimit-reset";
/// Characters of a body that are worth a line of the log.
const EXCERPT: usize = 300;

/// The consequence of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Delivered.
    Accepted,
    /// Malformed: it would be refused again.
    Malformed(String),
    /// Split it.
    TooLarge,
    /// Nothing of this kind is accepted until the API key or the URL is put right.
    Refused(StatusCode),
    /// Try again, not before the given time if there is one.
    Later {
        /// Why.
        reason: String,
        /// As the intake asks.
        wait: Option<Duration>,
    },
}

impl Answer {
    /// Reads an answer.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Self {
        match status.as_u16() {
            200..=299 => Self::Accepted,
            400 => Self::Malformed(errors(body)),
            413 => Self::TooLarge,
            300..=399 | 401 | 403 | 404 => Self::Refused(status),
            _ => {
                let text = errors(body);
                let reason = if text.is_empty() { status.to_string() } else { format!("{status}: {text}") };
                Self::Later { reason, wait: ordered_wait(headers, now) }
            }
        }
    }
}

/// The messages of `{"errors":[…]}`, or the beginning of any other body, on one line.
pub(super) fn errors(body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let list = parsed.as_ref().and_then(|value| value.get("errors")).and_then(serde_json::Value::as_array);
    let text = match list {
        Some(list) => {
            let words = list.iter().map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join("; ")
        }
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut_to(&line, EXCERPT).to_owned()
}

/// How long the intake asks to be left alone.
pub(super) fn ordered_wait(headers: &HeaderMap, now: UnixTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str| text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let date = |text: &str| {
        let moment = calendar::from_http_date(text)?;
        u64::try_from(moment - now.whole_seconds()).ok().map(Duration::from_secs)
    };
    let after = text(RETRY_AFTER.as_str()).and_then(|text| seconds(text).or_else(|| date(text)));
    after.max(text(RATE_LIMIT_RESET).and_then(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let now = UnixTime::from_seconds(784_111_770.5);
        Answer::read(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), now)
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<Duration> {
        match read(429, headers, "") {
            Answer::Later { wait, .. } => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_status_has_its_consequence() {
        for status in [200, 202, 204] {
            assert_eq!(read(status, &[], ""), Answer::Accepted);
        }
        let errors = r#"{"errors":["Payload is not in the expected format","second\nline"]}"#;
        let expected = "Payload is not in the expected format; second line";
        assert_eq!(read(400, &[], errors), Answer::Malformed(expected.into()));
        assert_eq!(read(413, &[], ""), Answer::TooLarge);
        for status in [301, 401, 403, 404] {
            assert!(matches!(read(status, &[], ""), Answer::Refused(_)), "{status}");
        }
        for status in [402, 408, 418, 429, 500, 502, 503, 504] {
            assert!(matches!(read(status, &[], ""), Answer::Later { wait: None, .. }), "{status}");
        }
    }

    #[test]
    fn the_greater_order_to_wait_counts() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("x-ratelimit-reset", "9")]), Some(Duration::from_secs(9)));
        assert_eq!(wait(&[("retry-after", "7"), ("x-ratelimit-reset", "9")]), Some(Duration::from_secs(9)));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), None);
        assert_eq!(wait(&[("retry-after", "soon"), ("x-ratelimit-reset", "-1")]), None);
    }

    #[test]
    fn a_strange_body_is_one_short_line() {
        let long = "<html>\r\n".to_owned() + &"é".repeat(1000);
        let Answer::Malformed(text) = read(400, &[], &long) else { panic!("400 is malformed") };
        assert_eq!(text.chars().count(), 300);
        assert!(text.starts_with("<html>  é"));
    }
}
