//! Lengths of time as Prometheus writes them: `1h30m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The units from long to short, in milliseconds; those that are written only if nothing is left after them are marked.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * 86_400_000, true),
    ("w", 7 * 86_400_000, true),
    ("d", 86_400_000, false),
    ("h", 3_600_000, false),
    ("m", 60_000, false),
    ("s", 1_000, false),
    ("ms", 1, false),
];

/// The longest that Go's durations can hold, in milliseconds.
const LONGEST: u64 = (i64::MAX / 1_000_000) as u64;

/// A length of time in whole milliseconds, at most about 292 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrometheusDuration {
    milliseconds: u64,
}

impl PrometheusDuration {
    /// The same for everything else.
    pub fn as_duration(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

impl FromStr for PrometheusDuration {
    type Err = DurationError;

    /// Reads whole numbers with units, each unit once and the longer before the shorter; or `0`.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text == "0" {
            return Ok(Self { milliseconds: 0 });
        }
        let malformed = || DurationError { text: text.to_owned() };
        let (mut rest, mut units, mut milliseconds) = (text, UNITS.iter(), 0_u64);
        while !rest.is_empty() || text.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (word, after) = after.split_at(letters);
            let (_, factor, _) = units.find(|(unit, ..)| *unit == word).ok_or_else(malformed)?;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
            let sum = part.and_then(|part| milliseconds.checked_add(part));
            milliseconds = sum.filter(|sum| *sum <= LONGEST).ok_or_else(malformed)?;
            rest = after;
        }
        Ok(Self { milliseconds })
    }
}

impl fmt::Display for PrometheusDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.milliseconds;
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, factor, exact) in UNITS {
            let count = left / factor;
            if count > 0 && (!exact || left.is_multiple_of(factor)) {
                write!(f, "{count}{unit}")?;
                left -= count * factor;
            }
        }
        Ok(())
    }
}

/// A text that is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a length of time such as `30s` or `1h30m`")]
pub struct DurationError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_lengths_of_time() {
        for (text, milliseconds, written) in [
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
            ("15s", 15_000, "15s"),
            ("90m", 5_400_000, "1h30m"),
            ("1y2w3d4h5m6s7ms", 33_019_506_007, "382d4h5m6s7ms"),
            ("14d", 1_209_600_000, "2w"),
            ("365d", 31_536_000_000, "1y"),
            ("1000ms", 1_000, "1s"),
            ("007s", 7_000, "7s"),
        ] {
            let duration: PrometheusDuration = text.parse().unwrap();
            assert_eq!(duration.as_duration(), Duration::from_millis(milliseconds), "{text}");
            assert_eq!(duration.to_string(), written, "{text}");
        }
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in ["", "1", "s", "1s1m", "1m1m", "1.5s", "-1s", " 1s", "1 s", "300y", "1é", "99999999999999999999s"]
        {
            assert!(text.parse::<PrometheusDuration>().is_err(), "{text}");
        }
    }
}
