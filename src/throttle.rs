//! Keeps a message that could be said very often to once a minute.

use std::time::Duration;

use tokio::time::Instant;

const PERIOD: Duration = Duration::from_mins(1);

/// Remembers when a message was last said.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    last: Option<Instant>,
    withheld: u64,
}

impl Throttle {
    /// Whether to say it now; with how many times it was not said since the last time.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now < last + PERIOD) {
            self.withheld += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_minute() {
        let start = Instant::now();
        let mut throttle = Throttle::default();
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(59)), None);
        assert_eq!(throttle.pass(start + Duration::from_mins(1)), Some(2));
        assert_eq!(throttle.pass(start + Duration::from_secs(61)), None);
    }
}
