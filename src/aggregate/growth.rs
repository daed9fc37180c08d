//! How much of a reading is growth: what the reading before, the flag of the original, and start times say together.
//!
//! The flag says how the scrapes before went, and nothing about the series. Start times do, so they decide wherever they
//! are clear; and the series of one histogram or summary are reset together or not at all. What came before a first
//! reading is never guessed.

use std::time::Duration;

use crate::map::Part;
use crate::time::UnixTime;

/// All that is known about a reading when its growth is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// The reading before, if there is one.
    pub(super) previous: Option<Previous>,
    /// Whether the value is lower than the one before.
    pub(super) fell: bool,
    /// The flag of the submission: a first value, or one after a fall, began from zero since the scrape before.
    pub(super) flush: bool,
    /// When the series began, as exposed.
    pub(super) start: Option<UnixTime>,
    /// The start of the process: the series did not begin before.
    pub(super) process: Option<ProcessStart>,
    /// Whether a count or bucket of the same histogram or summary fell; none for a series that stands alone, or whose
    /// group has none of these.
    pub(super) group_fell: Option<bool>,
    /// What the series can say about its group.
    pub(super) part: Option<Part>,
    /// For a first reading: the last moment at which the series would have been seen.
    pub(super) watched_until: Option<UnixTime>,
    pub(super) now: UnixTime,
    /// How far the clocks of target and watcher may be apart before a start time counts as clearly earlier.
    pub(super) slack: Duration,
}

/// When the process of a target started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ProcessStart {
    pub(super) at: UnixTime,
    /// The scrape that told it first: whatever was read since was read of this process.
    pub(super) told: UnixTime,
}

/// The reading before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Previous {
    pub(super) at: UnixTime,
    pub(super) start: Option<UnixTime>,
}

/// How much of a reading is growth, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Growth {
    /// Nothing is known of what came before: the reading is only remembered.
    First,
    /// A first reading, and a start time that says that the series is older than that.
    FirstOfOld,
    /// All of a first reading: the scrape before did not have the series.
    FirstSinceScrape,
    /// All of a first reading: it began since it would have been seen before.
    FirstSinceStart,
    /// What it has more than the reading before.
    Grown,
    /// All of it: it began anew since the reading before.
    ResetByStart,
    /// All of it: it fell, so it began anew since the scrape before.
    ResetByFall,
    /// All of it: others of its histogram or summary fell, so it began anew with them.
    ResetWithGroup,
    /// It began anew, but when is not known, so nothing is claimed.
    ResetUnseen,
    /// It fell by this much, as a sum does when something negative was observed.
    Lowered,
    /// It fell though it did not begin anew: nothing is claimed.
    FellUnexplained,
}

/// What is taken of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Nothing,
    Zero,
    Whole,
    Difference,
}

impl Growth {
    pub(super) fn taken(self) -> Taken {
        match self {
            Self::First | Self::FirstOfOld => Taken::Nothing,
            Self::ResetUnseen | Self::FellUnexplained => Taken::Zero,
            Self::FirstSinceScrape
            | Self::FirstSinceStart
            | Self::ResetByStart
            | Self::ResetByFall
            | Self::ResetWithGroup => Taken::Whole,
            Self::Grown | Self::Lowered => Taken::Difference,
        }
    }
}

/// When a series began, seen from the moment of the reading before or of the scrape that lacked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Began {
    Since,
    Before,
    Unknown,
}

impl Evidence {
    pub(super) fn growth(&self) -> Growth {
        match self.previous {
            None => self.first(),
            Some(previous) => self.next(previous),
        }
    }

    fn first(&self) -> Growth {
        match self.began(self.watched_until, None) {
            Began::Since => Growth::FirstSinceStart,
            Began::Before => Growth::FirstOfOld,
            Began::Unknown if self.flush => Growth::FirstSinceScrape,
            Began::Unknown => Growth::First,
        }
    }

    fn next(&self, previous: Previous) -> Growth {
        let began = self.began(Some(previous.at), previous.start);
        if began == Began::Since {
            return Growth::ResetByStart;
        }
        let is_sum = self.part == Some(Part::Sum);
        let reset = match (began, self.group_fell) {
            (Began::Before, _) => false,
            // A sum falls for another reason too, so it goes with the counts beside it.
            (_, Some(group_fell)) => group_fell || (self.fell && !is_sum),
            (_, None) => self.fell,
        };
        match (reset, self.fell) {
            (true, true) if self.flush => Growth::ResetByFall,
            (true, false) if self.flush => Growth::ResetWithGroup,
            (true, _) => Growth::ResetUnseen,
            (false, false) => Growth::Grown,
            (false, true) if is_sum && self.group_fell.is_some() => Growth::Lowered,
            (false, true) => Growth::FellUnexplained,
        }
    }

    /// When it began, seen from `reference`; `known` is the start time that it had then.
    fn began(&self, reference: Option<UnixTime>, known: Option<UnixTime>) -> Began {
        let Some(reference) = reference else { return Began::Unknown };
        // A start in the future is one of another clock.
        let credible = |time: &UnixTime| *time <= self.now;
        match self.start.filter(credible) {
            Some(start) if start > reference && known != Some(start) => return Began::Since,
            // One that moved shows that something began, by a clock that is far behind.
            Some(start) if start.plus(self.slack) < reference && known.is_none_or(|known| known >= start) => {
                return Began::Before;
            }
            _ => {}
        }
        match self.process {
            Some(ProcessStart { at, told }) if credible(&at) && at > reference && told > reference => Began::Since,
            _ => Began::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(15);

    /// A reading at second 1030, the one before at 1015.
    fn evidence(previous: bool, fell: bool, flush: bool) -> Evidence {
        let at = UnixTime::from_seconds(1015.0);
        Evidence {
            previous: previous.then_some(Previous { at, start: None }),
            fell,
            flush,
            start: None,
            process: None,
            group_fell: None,
            part: None,
            watched_until: Some(at),
            now: UnixTime::from_seconds(1030.0),
            slack: INTERVAL,
        }
    }

    fn started(at: f64, of: Evidence) -> Growth {
        Evidence { start: Some(UnixTime::from_seconds(at)), ..of }.growth()
    }

    #[test]
    fn without_start_times_the_flag_decides() {
        assert_eq!(evidence(false, false, false).growth(), Growth::First);
        assert_eq!(evidence(false, false, true).growth(), Growth::FirstSinceScrape);
        assert_eq!(evidence(true, false, false).growth(), Growth::Grown);
        assert_eq!(evidence(true, true, true).growth(), Growth::ResetByFall);
        assert_eq!(evidence(true, true, false).growth(), Growth::ResetUnseen);
    }

    #[test]
    fn a_start_time_since_the_reading_before_is_a_reset_whatever_the_value() {
        for (fell, flush) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(started(1020.0, evidence(true, fell, flush)), Growth::ResetByStart);
        }
        assert_eq!(started(1020.0, evidence(false, false, false)), Growth::FirstSinceStart);
    }

    #[test]
    fn a_start_time_long_before_is_no_reset_and_no_first_value() {
        assert_eq!(started(500.0, evidence(true, true, true)), Growth::FellUnexplained);
        assert_eq!(started(500.0, evidence(true, false, true)), Growth::Grown);
        assert_eq!(started(500.0, evidence(false, false, true)), Growth::FirstOfOld);
    }

    #[test]
    fn a_start_time_that_clocks_may_have_moved_leaves_the_decision_to_the_flag() {
        assert_eq!(started(1010.0, evidence(false, false, true)), Growth::FirstSinceScrape);
        assert_eq!(started(1010.0, evidence(true, true, true)), Growth::ResetByFall);
        // In the future.
        assert_eq!(started(2000.0, evidence(true, false, true)), Growth::Grown);
        assert_eq!(started(2000.0, evidence(false, false, false)), Growth::First);
    }

    #[test]
    fn an_unchanged_start_time_is_no_new_one() {
        let ahead = UnixTime::from_seconds(1020.0);
        let at = UnixTime::from_seconds(1015.0);
        let known = Evidence { previous: Some(Previous { at, start: Some(ahead) }), ..evidence(true, false, true) };
        assert_eq!(started(1020.0, known), Growth::Grown);
    }

    #[test]
    fn a_process_start_is_a_bound_only() {
        let process = |at, of: Evidence| {
            let start = ProcessStart { at: UnixTime::from_seconds(at), told: of.now };
            Evidence { process: Some(start), ..of }.growth()
        };
        assert_eq!(process(1020.0, evidence(false, false, false)), Growth::FirstSinceStart);
        assert_eq!(process(1020.0, evidence(true, false, true)), Growth::ResetByStart);
        assert_eq!(process(500.0, evidence(false, false, true)), Growth::FirstSinceScrape);
        assert_eq!(process(500.0, evidence(true, true, true)), Growth::ResetByFall);
    }

    #[test]
    fn a_process_start_that_was_known_at_the_reading_before_is_no_new_one() {
        let [at, told] = [1020.0, 1015.0].map(UnixTime::from_seconds);
        let ahead = Evidence { process: Some(ProcessStart { at, told }), ..evidence(true, false, true) };
        assert_eq!(ahead.growth(), Growth::Grown);
    }

    #[test]
    fn a_start_time_that_moved_is_never_proof_that_nothing_began() {
        let moved = |known, fell| {
            let previous = Previous { at: UnixTime::from_seconds(1015.0), start: Some(UnixTime::from_seconds(known)) };
            started(900.0, Evidence { previous: Some(previous), ..evidence(true, fell, true) })
        };
        assert_eq!(moved(500.0, true), Growth::ResetByFall);
        assert_eq!(moved(500.0, false), Growth::Grown);
        // Unmoved, or back.
        assert_eq!(moved(900.0, true), Growth::FellUnexplained);
        assert_eq!(moved(950.0, true), Growth::FellUnexplained);
    }

    #[test]
    fn a_group_is_reset_together() {
        let of = |fell, flush, group_fell, part| {
            Evidence { group_fell: Some(group_fell), part: Some(part), ..evidence(true, fell, flush) }.growth()
        };
        assert_eq!(of(false, true, true, Part::Count), Growth::ResetWithGroup);
        assert_eq!(of(false, true, true, Part::Sum), Growth::ResetWithGroup);
        assert_eq!(of(false, false, true, Part::Sum), Growth::ResetUnseen);
        assert_eq!(of(true, true, true, Part::Sum), Growth::ResetByFall);
        // Something negative was observed.
        assert_eq!(of(true, true, false, Part::Sum), Growth::Lowered);
        // A sum without any count beside it decides for itself.
        let alone = Evidence { part: Some(Part::Sum), ..evidence(true, true, true) };
        assert_eq!(alone.growth(), Growth::ResetByFall);
    }

    #[test]
    fn nothing_is_known_before_the_watch_began() {
        let unwatched = Evidence { watched_until: None, ..evidence(false, false, false) };
        assert_eq!(started(1020.0, unwatched), Growth::First);
    }
}
