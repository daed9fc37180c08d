//! Points in time as the stages exchange them: seconds since the Unix epoch, with their fraction.
//!
//! Only the edge of the program reads a clock; everything between `scrape` and `submit` is handed a [`UnixTime`].

use std::time::{Duration, SystemTime};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds. Always finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UnixTime(f64);

impl UnixTime {
    /// The moment `seconds` after the epoch; a value that is not finite is the epoch itself.
    pub fn from_seconds(seconds: f64) -> Self {
        Self(if seconds.is_finite() { seconds } else { 0.0 })
    }

    /// The present moment of the system clock; before the epoch it is the epoch itself.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(since.as_secs_f64())
    }

    /// Seconds with their fraction.
    pub fn seconds(self) -> f64 {
        self.0
    }

    /// Whole seconds, rounded down: the resolution of Datadog's intake.
    pub fn whole_seconds(self) -> i64 {
        self.0.floor() as i64
    }

    /// This moment moved by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs_f64())
    }
}
