//! The marks of all targets as a restart would need them: for each target the last whole ones and all changes since.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aggregate::{Marks, MarksContent, TargetKey};
use crate::time::UnixTime;

/// Bytes of changes that any target may have; beyond them, eight times its whole marks. The aggregator sends whole ones
/// long before.
const CHANGES_FLOOR: usize = 4 << 20;

/// Marks and the time of the scrape that they are of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimedMarks {
    pub(crate) time: UnixTime,
    pub(crate) marks: Marks,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct MarksRef<'m> {
    pub(super) time: UnixTime,
    pub(super) target: TargetKey,
    pub(super) is_whole: bool,
    pub(super) bytes: &'m [u8],
}

impl TimedMarks {
    pub(super) fn borrow(&self) -> MarksRef<'_> {
        let (is_whole, bytes) = match &self.marks.content {
            MarksContent::Whole(bytes) => (true, bytes),
            MarksContent::Changes(bytes) => (false, bytes),
        };
        MarksRef { time: self.time, target: self.marks.target, is_whole, bytes }
    }
}

/// What is kept of one target.
#[derive(Debug)]
struct Kept {
    /// Of the last scrape.
    time: UnixTime,
    whole: Vec<u8>,
    changes: Vec<Vec<u8>>,
    changes_bytes: usize,
}

/// What is kept of all targets.
#[derive(Debug, Default)]
pub(super) struct KeptMarks(BTreeMap<TargetKey, Kept>);

impl KeptMarks {
    /// Takes in what a scrape said. Changes without whole marks before them say nothing of the other series, and are
    /// not kept; nor is a target whose changes outgrow any use.
    pub(super) fn add(&mut self, timed: TimedMarks) {
        let TimedMarks { time, marks: Marks { target, content } } = timed;
        match content {
            MarksContent::Whole(whole) => {
                self.0.insert(target, Kept { time, whole, changes: Vec::new(), changes_bytes: 0 });
            }
            MarksContent::Changes(changes) => {
                let Some(kept) = self.0.get_mut(&target) else { return };
                kept.changes_bytes += changes.len();
                kept.time = time;
                if kept.changes_bytes > CHANGES_FLOOR.max(8 * kept.whole.len()) {
                    self.0.remove(&target);
                } else {
                    kept.changes.push(changes);
                }
            }
        }
    }

    /// Forgets the targets that were last scraped longer ago than `limit`.
    pub(super) fn expire(&mut self, now: UnixTime, limit: Duration) {
        self.0.retain(|_, kept| now <= kept.time.plus(limit));
    }

    /// Everything, in the order in which it has to be added again.
    pub(super) fn all(&self) -> Vec<MarksRef<'_>> {
        let mut all = Vec::new();
        for (&target, kept) in &self.0 {
            let time = kept.time;
            all.push(MarksRef { time, target, is_whole: true, bytes: &kept.whole });
            all.extend(kept.changes.iter().map(|bytes| MarksRef { time, target, is_whole: false, bytes }));
        }
        all
    }

    /// What is kept of each target: whole marks, then changes in their order.
    pub(super) fn by_target(&self) -> impl Iterator<Item = (TargetKey, Vec<MarksContent>)> {
        self.0.iter().map(|(&target, kept)| {
            let changes = kept.changes.iter().map(|changes| MarksContent::Changes(changes.clone()));
            (target, std::iter::once(MarksContent::Whole(kept.whole.clone())).chain(changes).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(target: u64, time: f64, content: MarksContent) -> TimedMarks {
        TimedMarks { time: UnixTime::from_seconds(time), marks: Marks { target: TargetKey(target), content } }
    }

    fn whole(text: &str) -> MarksContent {
        MarksContent::Whole(text.into())
    }

    fn changes(text: &str) -> MarksContent {
        MarksContent::Changes(text.into())
    }

    #[test]
    fn whole_marks_replace_and_changes_follow() {
        let mut kept = KeptMarks::default();
        kept.add(timed(1, 1.0, changes("nothing to change")));
        assert!(kept.all().is_empty());
        for content in [whole("a"), changes("b"), whole("c"), changes("d"), changes("e")] {
            kept.add(timed(1, 2.0, content));
        }
        let found: Vec<_> = kept.by_target().collect();
        assert_eq!(found, [(TargetKey(1), vec![whole("c"), changes("d"), changes("e")])]);
        let all: Vec<_> = kept.all().iter().map(|marks| (marks.is_whole, marks.bytes.to_vec())).collect();
        assert_eq!(all, [(true, b"c".to_vec()), (false, b"d".to_vec()), (false, b"e".to_vec())]);
    }

    #[test]
    fn targets_that_are_gone_are_forgotten() {
        let mut kept = KeptMarks::default();
        kept.add(timed(1, 100.0, whole("a")));
        kept.add(timed(2, 100.0, whole("b")));
        kept.add(timed(2, 200.0, changes("c")));
        kept.expire(UnixTime::from_seconds(260.0), Duration::from_mins(1));
        assert_eq!(kept.by_target().map(|(target, _)| target).collect::<Vec<_>>(), [TargetKey(2)]);
    }

    #[test]
    fn changes_without_end_are_not_kept() {
        let mut kept = KeptMarks::default();
        kept.add(timed(1, 1.0, whole("a")));
        for _ in 0..5 {
            kept.add(timed(1, 2.0, MarksContent::Changes(vec![0; 1 << 20])));
        }
        assert!(kept.all().is_empty());
        kept.add(timed(1, 3.0, whole("b")));
        assert_eq!(kept.all().len(), 1);
    }
}
