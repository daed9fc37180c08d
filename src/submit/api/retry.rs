//! When a payload may be sent again: a gate for each kind, closed after a failure for a time that grows.
//!
//! The figures are the Agent's. Time and chance are handed in.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait that an intake can ask for: a mistaken header must not stop deliveries for a day.
const LONGEST_ORDER: Duration = Duration::from_mins(10);
/// So many failures after each other are more than a hiccup.
const UNHEALTHY_ERRORS: u32 = 3;

/// Waits that double from failure to failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Half of the longest first wait.
    pub base: Duration,
    /// The longest wait.
    pub ceiling: Duration,
}

impl Backoff {
    /// How the Agent waits after errors that pass: 2 to 4 seconds, 4 to 8, and so on up to 64.
    pub const TRANSIENT: Self = Self { base: Duration::from_secs(2), ceiling: Duration::from_secs(64) };
    /// How long to wait when someone has to change something first, such as the API key.
    pub const REFUSED: Self = Self { base: Duration::from_secs(30), ceiling: Duration::from_mins(5) };

    /// The wait after `errors` failures in a row; `chance` is from 0 to 1.
    fn wait(self, errors: u32, chance: f64) -> Duration {
        let longest = self.base.saturating_mul(2_u32.saturating_pow(errors));
        if longest > self.ceiling {
            return self.ceiling;
        }
        longest / 2 + (longest / 2).mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The number of failures from which on the wait no longer grows.
    fn most_errors(self) -> u32 {
        (0..32).find(|errors| self.base.saturating_mul(2_u32.saturating_pow(*errors)) > self.ceiling).unwrap_or(32)
    }
}

/// Whether payloads of one kind may be sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gate {
    errors: u32,
    closed_until: Option<Instant>,
    /// Whether it is the intake that said how long to wait.
    is_ordered: bool,
    refused: bool,
}

impl Gate {
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.closed_until.is_none_or(|until| until <= now)
    }

    /// When it opens, if it is closed.
    pub(super) fn opens_at(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    /// Whether the last attempts went wrong, so that one attempt at a time is enough.
    pub(super) fn is_probing(&self) -> bool {
        self.errors > 0
    }

    /// Whether the intake refuses what is sent until somebody changes something.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    pub(super) fn is_unhealthy(&self) -> bool {
        self.refused || self.errors >= UNHEALTHY_ERRORS
    }

    /// The intake took a payload, or found fault with that payload alone.
    pub(super) fn succeed(&mut self) {
        *self = Self { errors: self.errors.saturating_sub(2), ..Self::default() };
    }

    /// An attempt failed in a way that may pass; the intake may have said how long to wait.
    pub(super) fn fail(&mut self, now: Instant, backoff: Backoff, chance: f64, ordered: Option<Duration>) {
        self.close(now, backoff, chance);
        if let Some(wait) = ordered {
            let until = now + wait.min(LONGEST_ORDER);
            self.closed_until = self.closed_until.max(Some(until));
            self.is_ordered = true;
        }
    }

    /// The intake refuses everything of this kind.
    pub(super) fn refuse(&mut self, now: Instant, backoff: Backoff, chance: f64) {
        if !self.refused {
            *self = Self { refused: true, ..Self::default() };
        }
        self.close(now, backoff, chance);
    }

    fn close(&mut self, now: Instant, backoff: Backoff, chance: f64) {
        // Requests that were under way together fail together: that is one failure.
        if self.is_open(now) {
            self.errors = (self.errors + 1).min(backoff.most_errors());
            self.closed_until = Some(now + backoff.wait(self.errors, chance));
            self.is_ordered = false;
        }
    }

    /// Opens for a last attempt, unless the intake asked for none.
    pub(super) fn open(&mut self) {
        if !self.is_ordered {
            self.closed_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn waits_are_those_of_the_agent() {
        for (errors, least, most) in
            [(1, 2, 4), (2, 4, 8), (3, 8, 16), (4, 16, 32), (5, 32, 64), (6, 64, 64), (40, 64, 64)]
        {
            assert_eq!(Backoff::TRANSIENT.wait(errors, 0.0), seconds(least));
            assert_eq!(Backoff::TRANSIENT.wait(errors, 1.0), seconds(most));
        }
        assert_eq!(Backoff::TRANSIENT.most_errors(), 6);
    }

    #[test]
    fn a_gate_closes_opens_and_recovers_by_steps() {
        let start = Instant::now();
        let mut gate = Gate::default();
        assert!(gate.is_open(start) && !gate.is_probing());
        let mut now = start;
        for wait in [2, 4, 8, 16, 32, 64, 64] {
            gate.fail(now, Backoff::TRANSIENT, 0.0, None);
            assert!(!gate.is_open(now));
            assert_eq!(gate.opens_at(now), Some(now + seconds(wait)));
            now += seconds(wait);
            assert!(gate.is_open(now));
        }
        assert!(gate.is_unhealthy());
        gate.succeed();
        gate.fail(now, Backoff::TRANSIENT, 0.0, None);
        assert_eq!(gate.opens_at(now), Some(now + seconds(32)), "six failures less two, and one more");
        for _ in 0..3 {
            gate.succeed();
        }
        assert!(!gate.is_probing() && gate.is_open(now));
    }

    #[test]
    fn failures_of_one_moment_are_one() {
        let now = Instant::now();
        let mut gate = Gate::default();
        for _ in 0..4 {
            gate.fail(now, Backoff::TRANSIENT, 0.5, None);
        }
        assert_eq!(gate.opens_at(now), Some(now + seconds(3)));
        assert!(!gate.is_unhealthy());
    }

    #[test]
    fn the_intake_can_ask_for_a_longer_wait_but_not_for_ever() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.fail(now, Backoff::TRANSIENT, 0.0, Some(seconds(30)));
        assert_eq!(gate.opens_at(now), Some(now + seconds(30)));
        gate.open();
        assert!(!gate.is_open(now));
        gate.fail(now, Backoff::TRANSIENT, 0.0, Some(seconds(1)));
        assert_eq!(gate.opens_at(now), Some(now + seconds(30)));
        gate.fail(now, Backoff::TRANSIENT, 0.0, Some(seconds(1 << 40)));
        assert_eq!(gate.opens_at(now), Some(now + LONGEST_ORDER));
    }

    #[test]
    fn a_refusal_is_unhealthy_at_once_and_waits_longer() {
        let mut now = Instant::now();
        let mut gate = Gate::default();
        for wait in [30, 60, 120, 300, 300] {
            gate.refuse(now, Backoff::REFUSED, 0.0);
            assert!(gate.is_unhealthy() && gate.is_refused());
            assert_eq!(gate.opens_at(now), Some(now + seconds(wait)));
            now += seconds(wait);
        }
        gate.succeed();
        assert!(!gate.is_refused());
    }
}
