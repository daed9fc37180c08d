//! How long a series is remembered that is not exposed any more: what forgetting it would lose decides, and how much
//! room there is.

/// For how many successful scrapes without it a series is remembered whose growth counts, if there is room: an hour at
/// the default interval of 15 seconds. One that comes back within it continues where it was, where the Agent, which
/// forgets buckets after two scrapes, would count their whole past again.
pub const RETAIN_SCRAPES: u32 = 240;

/// For how many successful scrapes without it any series is remembered. Nothing is lost with one whose values stand for
/// themselves, but the work to plan it again: enough for a target that leaves something out now and then, or has replicas
/// that answer in turn.
pub const RETAIN_ANYWAY_SCRAPES: u32 = 4;

/// So many series more than were ever exposed at once may be remembered in any case, so that small targets keep all of
/// the hour.
pub const ROOM_FOR_ABSENT: usize = 10_000;

/// How many successful scrapes pass at most between two searches for what can be forgotten. Remembering may last this
/// much longer.
const SWEEP_SCRAPES: u32 = 16;

/// A search looks at every series. It is due earlier than that when one in so many is new since the last one, so that its
/// cost vanishes beside that of planning the new ones.
const SWEEP_SHARE: usize = 16;

/// For how many scrapes absent series are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// One whose growth counts.
    pub(super) growing: u32,
    /// Any other.
    pub(super) plain: u32,
}

impl Patience {
    /// Whether a series is forgotten after being absent for so many scrapes.
    pub(super) fn ends(self, absent: u32, grows: bool) -> bool {
        absent > if grows { self.growing } else { self.plain }
    }
}

/// The series of a target by how long they have been absent.
#[derive(Debug)]
pub(super) struct Census {
    /// How many are there.
    present: usize,
    /// How many are not, but are remembered anyway.
    recent: usize,
    /// How many of those whose growth counts have been absent for longer: first those that have been for the shortest.
    longer: [usize; (RETAIN_SCRAPES - RETAIN_ANYWAY_SCRAPES) as usize],
}

impl Default for Census {
    fn default() -> Self {
        Self { present: 0, recent: 0, longer: [0; _] }
    }
}

impl Census {
    pub(super) fn add(&mut self, absent: u32, grows: bool) {
        match absent.checked_sub(RETAIN_ANYWAY_SCRAPES + 1) {
            None if absent == 0 => self.present += 1,
            None => self.recent += 1,
            Some(longer) => {
                if let Some(number) = self.longer.get_mut(longer as usize).filter(|_| grows) {
                    *number += 1;
                }
            }
        }
    }

    /// For how long series are remembered so that those which were absent for the longest are forgotten first.
    fn patience(&self, room: usize) -> Patience {
        let mut taken = self.present + self.recent;
        let fitting = self.longer.iter().take_while(|&&number| {
            taken += number;
            taken <= room
        });
        Patience { growing: RETAIN_ANYWAY_SCRAPES + fitting.count() as u32, plain: RETAIN_ANYWAY_SCRAPES }
    }
}

/// When a target was searched for what can be forgotten, and what was found.
#[derive(Debug, Default)]
pub(super) struct Sweeping {
    /// The age of the memory then.
    age: u32,
    /// How many series had ever come then.
    births: u32,
    /// The most series that were ever found to be there at once. Arrays do not shrink, so their room is there as well.
    most: usize,
}

impl Sweeping {
    /// Whether it is time for a search, which then counts as begun, in a memory of this age, in which `remembered` of all the series are that ever
    /// came.
    pub(super) fn begin_if_due(&mut self, age: u32, births: u32, remembered: usize) -> bool {
        let born = births.wrapping_sub(self.births) as usize;
        let is_due = age - self.age >= SWEEP_SCRAPES || born.saturating_mul(SWEEP_SHARE) > remembered;
        if is_due {
            (self.age, self.births) = (age, births);
        }
        is_due
    }

    /// What follows from what a search found: half as many series again are remembered as ever were there at once, and
    /// not as are there now. While an exporter has lost what it exports, nothing new needs the room of what will come back
    /// all together.
    pub(super) fn patience(&mut self, census: &Census) -> Patience {
        self.most = self.most.max(census.present);
        census.patience(self.most + (self.most / 2).max(ROOM_FOR_ABSENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A census of `present` series, and of those that count and are absent: for how long, and how many.
    fn census(present: usize, absent: &[(u32, usize)]) -> Census {
        let mut census = Census::default();
        for &(absent, number) in [(0, present)].iter().chain(absent) {
            (0..number).for_each(|_| census.add(absent, true));
        }
        census
    }

    fn growing(sweeping: &mut Sweeping, present: usize, absent: &[(u32, usize)]) -> u32 {
        sweeping.patience(&census(present, absent)).growing
    }

    #[test]
    fn what_fits_stays_for_the_hour() {
        let all: Vec<_> = (1..=RETAIN_SCRAPES).map(|absent| (absent, 41)).collect();
        assert_eq!(growing(&mut Sweeping::default(), 10, &all), RETAIN_SCRAPES);
        assert_eq!(growing(&mut Sweeping::default(), 0, &[(RETAIN_SCRAPES, ROOM_FOR_ABSENT)]), RETAIN_SCRAPES);
        assert_eq!(growing(&mut Sweeping::default(), 0, &[(RETAIN_SCRAPES, ROOM_FOR_ABSENT + 1)]), RETAIN_SCRAPES - 1);
    }

    #[test]
    fn those_absent_for_the_longest_go_first_and_none_at_once() {
        let mut sweeping = Sweeping::default();
        assert_eq!(growing(&mut sweeping, 40_000, &[(7, 15_000), (50, 5_000), (51, 1), (200, 1)]), 50);
        assert_eq!(growing(&mut sweeping, 40_000, &[(7, 20_001)]), 6);
        assert_eq!(growing(&mut sweeping, 40_000, &[(1, 90_000), (4, 90_000), (5, 1)]), RETAIN_ANYWAY_SCRAPES);
    }

    #[test]
    fn what_was_there_once_has_room_to_come_back() {
        let mut sweeping = Sweeping::default();
        assert_eq!(growing(&mut sweeping, 100_000, &[(9, 50_000)]), RETAIN_SCRAPES);
        assert_eq!(growing(&mut sweeping, 10, &[(20, 99_990), (29, 50_000)]), RETAIN_SCRAPES);
        assert_eq!(growing(&mut sweeping, 11, &[(20, 99_990), (29, 50_000)]), 28);
    }

    #[test]
    fn what_does_not_grow_is_forgotten_soon_and_takes_no_room() {
        let mut census = census(40_000, &[(240, 20_000)]);
        for absent in 5..300 {
            (0..1000).for_each(|_| census.add(absent, false));
        }
        let patience = Sweeping::default().patience(&census);
        assert_eq!(patience, Patience { growing: RETAIN_SCRAPES, plain: RETAIN_ANYWAY_SCRAPES });
        let ends =
            [(4, false), (5, false), (240, true), (241, true)].map(|(absent, grows)| patience.ends(absent, grows));
        assert_eq!(ends, [false, true, false, true]);
    }

    #[test]
    fn a_search_is_due_after_some_scrapes_or_with_many_new_series() {
        let mut sweeping = Sweeping::default();
        assert!(sweeping.begin_if_due(1, 1600, 1600));
        assert!(!sweeping.begin_if_due(2, 1700, 1600));
        assert!(sweeping.begin_if_due(3, 1701, 1601));
        assert!(!sweeping.begin_if_due(3 + SWEEP_SCRAPES - 1, 1701, 1601));
        assert!(sweeping.begin_if_due(3 + SWEEP_SCRAPES, 1701, 1601));
    }
}
