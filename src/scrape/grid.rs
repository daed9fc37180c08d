//! The arithmetic of ticks: when a target is due, and how many ticks have passed. Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::discover::Place;
use crate::time::UnixTime;

/// The ticks of one target: all moments that lie as far behind a whole number of intervals since the Unix epoch as its
/// place says. So they are the same whenever the process was started, or the target added.
///
/// Moments are durations since the epoch; what does not fit into 584 years comes never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    offset: Duration,
    interval: Duration,
}

impl Grid {
    /// The ticks of a target. An interval of zero counts as a millisecond.
    pub fn new(place: Place, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { offset: place.offset(interval), interval }
    }

    /// The first tick at or after a moment.
    pub fn at_or_after(&self, moment: Duration) -> Option<Duration> {
        let steps = moment.saturating_sub(self.offset).as_nanos().div_ceil(self.interval.as_nanos());
        let nanos = self.interval.as_nanos().checked_mul(steps)?.checked_add(self.offset.as_nanos())?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }

    /// The first tick after a moment.
    pub fn after(&self, moment: Duration) -> Option<Duration> {
        self.at_or_after(moment.checked_add(Duration::from_nanos(1))?)
    }

    /// The tick that many ticks after the tick `tick`.
    pub fn nth_after(&self, tick: Duration, ticks: u64) -> Duration {
        let nanos = self.interval.as_nanos().saturating_mul(u128::from(ticks)).saturating_add(tick.as_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many ticks there are after the tick `tick`, up to and including a moment.
    pub fn passed(&self, tick: Duration, moment: Duration) -> u64 {
        let intervals = moment.saturating_sub(tick).as_nanos() / self.interval.as_nanos();
        u64::try_from(intervals).unwrap_or(u64::MAX)
    }
}

/// Tells how ticks lie in the time of this process, from one look at the clock of the system: what is done to that later
/// moves no tick.
#[derive(Clone, Copy, Debug)]
pub struct TickClock {
    start: Instant,
    since_epoch: Duration,
}

impl TickClock {
    /// It is `now`.
    pub fn set(now: UnixTime) -> Self {
        let since_epoch = Duration::try_from_secs_f64(now.seconds()).unwrap_or_default();
        Self { start: Instant::now(), since_epoch }
    }

    /// The present moment.
    pub(super) fn now(&self) -> Duration {
        self.since_epoch.saturating_add(self.start.elapsed())
    }

    /// When a moment comes, or came; none if it lies beyond what the clock of the process can say.
    pub(super) fn instant(&self, moment: Duration) -> Option<Instant> {
        self.start.checked_add(moment.saturating_sub(self.since_epoch))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ticks_stay_on_their_grid_and_never_lie_in_the_past(
            identity in ".*", interval in 1_u64..100_000, moment in 0_u64..4_000_000_000_000, later in 0_u64..10_000_000,
        ) {
            let interval = Duration::from_millis(interval);
            let grid = Grid::new(Place::of([&*identity]), interval);
            let (moment, later) = (Duration::from_millis(moment), Duration::from_millis(later));
            let (from, after) = (grid.at_or_after(moment).unwrap(), grid.after(moment).unwrap());
            prop_assert!(from >= moment && after > moment);
            prop_assert!(from < moment.max(grid.offset) + interval && after <= moment.max(grid.offset) + interval);
            for tick in [from, after] {
                prop_assert_eq!(tick.abs_diff(grid.offset).as_nanos() % interval.as_nanos(), 0);
                // However late one is, the ticks up to the next one are all accounted for.
                let now = tick + later;
                let next = grid.after(now).unwrap();
                let steps = next.abs_diff(tick).as_nanos() / interval.as_nanos();
                let passed = grid.passed(tick, now);
                prop_assert_eq!(u128::from(passed) + 1, steps);
                let last = grid.nth_after(tick, passed);
                prop_assert!(last <= now && next.abs_diff(last) == interval);
            }
        }
    }

    #[test]
    fn a_restart_moves_no_tick() {
        let grid = Grid::new(Place::of(["http://h/"]), Duration::from_secs(15));
        let first = grid.at_or_after(Duration::from_hours(500_000)).unwrap();
        let restarted = grid.at_or_after(first + Duration::from_millis(43_210)).unwrap();
        assert_eq!(restarted.abs_diff(first).as_nanos() % 15_000_000_000, 0);
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let now = Duration::from_hours(500_000);
        let never = Grid::new(Place::of(["x"]), Duration::MAX);
        assert!(never.after(now).is_none_or(|tick| tick > now));
        assert_eq!(never.after(Duration::MAX), None);
        assert_eq!(never.passed(Duration::ZERO, Duration::MAX), 1);
        let busy = Grid::new(Place::of(["x"]), Duration::ZERO);
        let tick = busy.at_or_after(now).unwrap();
        assert_eq!(busy.after(tick), Some(tick + Duration::from_millis(1)));
    }
}
