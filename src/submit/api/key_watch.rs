//! When the intake is to be asked about the API key: now and then, and before anything is tried again that was refused
//! because of it.

use std::time::Duration;

use tokio::time::Instant;

/// What is known of the key.
#[derive(Debug)]
pub(super) struct KeyWatch {
    period: Duration,
    due: Instant,
    is_asked: bool,
    /// Whether a payload was refused because of it, and nobody was asked since.
    is_doubted: bool,
    /// Whether the last answer was that it is not valid.
    is_invalid: bool,
}

impl KeyWatch {
    /// A key that was just put to use; to be asked about once in each `period`.
    pub(super) fn new(now: Instant, period: Duration) -> Self {
        Self { period, due: now + period, is_asked: false, is_doubted: false, is_invalid: false }
    }

    /// A payload was refused because of it.
    pub(super) fn doubt(&mut self) {
        self.is_doubted = true;
    }

    /// It is another one.
    pub(super) fn believe(&mut self) {
        (self.is_doubted, self.is_invalid) = (false, false);
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.is_doubted
    }

    /// Whether to ask now, which then counts as done. `would_retry`: something that was refused is to be tried again.
    pub(super) fn is_to_be_asked(&mut self, now: Instant, would_retry: bool) -> bool {
        let is_due = now >= self.due || (self.is_doubted && would_retry);
        let asks = is_due && !self.is_asked;
        self.is_asked |= asks;
        asks
    }

    /// When to ask next, if nothing is refused before.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        (!self.is_asked).then_some(self.due).filter(|due| *due > now)
    }

    /// It is valid; tells whether that is news.
    pub(super) fn valid(&mut self, now: Instant) -> bool {
        self.answered(now);
        self.is_doubted = false;
        std::mem::take(&mut self.is_invalid)
    }

    /// It is not; tells whether that is news.
    pub(super) fn invalid(&mut self, now: Instant) -> bool {
        self.answered(now);
        !std::mem::replace(&mut self.is_invalid, true)
    }

    /// Nobody could be asked: a payload has to find out.
    pub(super) fn unknown(&mut self, now: Instant) {
        self.answered(now);
        self.is_doubted = false;
    }

    fn answered(&mut self, now: Instant) {
        self.is_asked = false;
        self.due = now + self.period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn once_an_hour_and_one_at_a_time() {
        let start = Instant::now();
        let mut key = KeyWatch::new(start, HOUR);
        assert!(!key.is_to_be_asked(start + HOUR / 2, false));
        assert_eq!(key.next(start), Some(start + HOUR));
        assert!(key.is_to_be_asked(start + HOUR, false));
        assert!(!key.is_to_be_asked(start + HOUR, false), "the answer is not there yet");
        assert!(!key.valid(start + HOUR), "no news");
        assert!(!key.is_to_be_asked(start + HOUR, false));
        assert!(key.is_to_be_asked(start + HOUR * 2, false));
        assert!(key.invalid(start + HOUR * 2));
        assert!(!key.invalid(start + HOUR * 3), "said before");
        assert!(key.valid(start + HOUR * 4));
    }

    #[test]
    fn a_refused_key_is_asked_about_before_a_payload_tries() {
        let start = Instant::now();
        let mut key = KeyWatch::new(start, HOUR);
        key.doubt();
        assert!(!key.is_to_be_asked(start, false));
        assert!(key.is_to_be_asked(start, true) && key.is_doubted());
        key.invalid(start);
        assert!(key.is_doubted() && key.is_to_be_asked(start, true));
        key.unknown(start);
        assert!(!key.is_doubted() && !key.is_to_be_asked(start, true));
    }
}
