//! The series of Datadog that the points of one target belong to: name, host and tags under a small number.
//!
//! A series is a list of numbers of texts, and most of its texts are those of other series too; so it takes a fraction
//! of the room that its text would, and is found and compared without looking at any.

mod sorting;

use std::any::Any;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use sorting::Sorting;

use crate::lists::Lists;
use crate::texts::{Texts, make_room_for, reach};
use crate::unit::Unit;

/// How many texts of a slot are no tags: its host and its name.
pub(crate) const HEAD: usize = 2;

/// A series of one target: its place in [`Slots`], dense from 0 and used again after the series was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub(crate) u32);

/// Beyond all slots: where something goes that is only remembered.
pub(crate) const NOWHERE: SlotId = SlotId(u32::MAX);

impl SlotId {
    /// The place in arrays that stand beside [`Slots`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All series of one target.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    pub(crate) texts: Texts,
    /// Numbers of texts: of each slot the host, the name, and the tags in the order of their text.
    lists: Lists,
    /// By the number of the slot.
    records: Vec<Record>,
    /// Slots that were let go since the last call of [`Slots::clear_away`], and those of the time before that.
    retired: Vec<u32>,
    leaving: Vec<u32>,
    sorting: Sorting,
    /// The texts of the series that is looked up, as given and as kept.
    draft: Vec<u32>,
    sorted: Vec<u32>,
    kept: Kept,
}

/// What a reader keeps: not for a copy.
#[derive(Debug, Default)]
struct Kept(Mutex<Option<Box<dyn Any + Send>>>);

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is known of a slot beside its texts.
#[derive(Debug, Default)]
struct Record {
    /// The bytes of all texts together.
    bytes: u32,
    remark: AtomicU32,
    unit: Option<Unit>,
}

impl Clone for Record {
    fn clone(&self) -> Self {
        let Self { bytes, unit, .. } = *self;
        Self { bytes, remark: AtomicU32::new(0), unit }
    }
}

impl Slots {
    /// The number of a series, given out now if it is new. An empty host stands for the one of the submitter.
    ///
    /// # Panics
    ///
    /// With 2^32 series or tags, for which limits leave no room.
    pub fn intern<'t>(
        &mut self,
        metric: &str,
        host: &str,
        tags: impl IntoIterator<Item = &'t str>,
        unit: Option<Unit>,
    ) -> SlotId {
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        draft.extend([host, metric].map(|text| self.texts.hold(text.as_bytes())));
        draft.extend(tags.into_iter().map(|tag| self.texts.hold(tag.as_bytes())));
        let (slot, _) = self.intern_numbers(&draft, unit);
        self.draft = draft;
        slot
    }

    /// The number of a series of texts with these numbers: the host, the name, and the tags in any order, of which each was
    /// held for it; and whether it was given out now.
    pub(crate) fn intern_numbers(&mut self, numbers: &[u32], unit: Option<Unit>) -> (SlotId, bool) {
        let (head, tags) = numbers.split_at(HEAD.min(numbers.len()));
        let sorted = &mut self.sorted;
        sorted.clear();
        sorted.extend_from_slice(head);
        // The set of the tags counts, not their order.
        self.sorting.sort(tags, sorted, &mut self.texts);
        let (slot, is_new) = self.lists.intern(sorted);
        if is_new {
            let bytes = sorted.iter().map(|&text| self.texts.length(text)).sum::<usize>();
            reach(&mut self.records, slot as usize, Record::default);
            self.records[slot as usize] = Record { bytes: place(bytes), remark: AtomicU32::new(0), unit };
        } else {
            for &text in &*sorted {
                self.texts.let_go(text);
            }
        }
        (SlotId(slot), is_new)
    }

    /// Makes room for so many series in all.
    pub(crate) fn expect(&mut self, series: usize) {
        self.lists.expect(series);
        make_room_for(&mut self.records, series);
    }

    /// Where in the list of a series each of the tags stands that were given last, in their order; and what tells whether
    /// that is the same as before.
    pub(crate) fn places(&self) -> (&[u32], u64) {
        self.sorting.places()
    }

    /// Whether there is a series of this number that was not retired.
    pub(crate) fn is_present(&self, slot: SlotId) -> bool {
        self.lists.is_found(slot.0)
    }

    /// A series is no longer one, if it was one. It can be read until [`Slots::clear_away`] was called twice.
    pub(crate) fn retire(&mut self, slot: SlotId) -> bool {
        let was_one = self.lists.retire(slot.0);
        if was_one {
            self.retired.push(slot.0);
        }
        was_one
    }

    /// Ends a scrape: numbers of series that were retired before the last one ended are given out again.
    pub(crate) fn clear_away(&mut self) {
        let leaving = std::mem::replace(&mut self.leaving, std::mem::take(&mut self.retired));
        if leaving.is_empty() {
            return;
        }
        for slot in leaving {
            for &text in self.lists.get(slot) {
                self.texts.let_go(text);
            }
            self.lists.release(slot);
        }
        self.texts.tidy();
        self.lists.tidy();
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lists.len() == 0
    }

    /// A series.
    ///
    /// # Panics
    ///
    /// When [`Slots::intern`] did not give out the number.
    pub fn get(&self, slot: SlotId) -> SeriesRef<'_> {
        let numbers = self.numbers(slot);
        SeriesRef {
            metric: self.texts.get(numbers[1]),
            host: self.texts.get(numbers[0]),
            tags: Tags { texts: &self.texts, numbers: &numbers[HEAD..] },
            unit: self.unit(slot),
        }
    }

    /// How many texts a series has, name and host included, and how many bytes these are together.
    #[inline]
    pub(crate) fn extent(&self, slot: SlotId) -> (usize, usize) {
        (self.lists.length(slot.0), self.records[slot.index()].bytes as usize)
    }

    /// How many texts there may be: numbers of texts are below.
    pub(crate) fn texts(&self) -> usize {
        self.texts.places()
    }

    /// How many bytes the text of a number has.
    #[inline]
    pub(crate) fn text_length(&self, number: u32) -> usize {
        self.texts.length(number)
    }

    /// The text of a number.
    #[inline]
    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    /// The bytes of the text of a number.
    #[inline]
    pub(crate) fn text_bytes(&self, number: u32) -> &[u8] {
        self.texts.bytes(number)
    }

    /// How many series have the text of a number, as their name, their host or a tag.
    #[inline]
    pub(crate) fn text_holders(&self, number: u32) -> u32 {
        self.texts.holders(number)
    }

    /// What a reader keeps beside the series, gone with them; a new one as long as nothing of this type is kept.
    pub(crate) fn with_kept<T: Any + Default + Send, R>(&self, with: impl FnOnce(&mut T) -> R) -> R {
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = kept.take().and_then(|kept| kept.downcast().ok()).unwrap_or_default();
        let result = with(&mut *own);
        *kept = Some(own);
        result
    }

    /// Has nothing kept beside the series any more.
    pub(crate) fn forget_kept(&self) {
        *self.kept.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What its values are measured in, if that is known.
    #[inline]
    pub(crate) fn unit(&self, slot: SlotId) -> Option<Unit> {
        self.records[slot.index()].unit
    }

    /// What a reader once noted of a series; 0 if it noted nothing since the series was new.
    #[inline]
    pub(crate) fn remark(&self, slot: SlotId) -> u32 {
        self.records[slot.index()].remark.load(Ordering::Relaxed)
    }

    /// Notes something of a series that takes longer to find out than to look up.
    pub(crate) fn note(&self, slot: SlotId, remark: u32) {
        self.records[slot.index()].remark.store(remark, Ordering::Relaxed);
    }

    /// The texts of a series: its host, its name, and its tags in the order of their text.
    #[inline]
    pub(crate) fn numbers(&self, slot: SlotId) -> &[u32] {
        self.lists.get(slot.0)
    }
}

/// Metric name, tags and host as Datadog stores them.
#[derive(Clone, Copy, Debug)]
pub struct SeriesRef<'s> {
    /// The full name.
    pub metric: &'s str,
    /// Empty where the host of the submitter is meant.
    pub host: &'s str,
    /// Sorted, each once.
    pub tags: Tags<'s>,
    /// What its values are measured in, if that is known.
    pub unit: Option<Unit>,
}

/// The tags of a series: sorted, each once.
#[derive(Clone, Copy)]
pub struct Tags<'s> {
    texts: &'s Texts,
    numbers: &'s [u32],
}

impl<'s> Tags<'s> {
    /// Whether there is this one.
    pub fn contains(self, tag: &str) -> bool {
        self.numbers.binary_search_by(|&text| self.texts.get(text).cmp(tag)).is_ok()
    }

    /// One after the other.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'s str> + Clone {
        self.numbers.iter().map(|&text| self.texts.get(text))
    }
}

impl std::fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn place(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("the texts of a series are far shorter than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_of_tags_counts() {
        let mut slots = Slots::default();
        let one = slots.intern("x", "", ["b:2", "a:1", "b:2"], None);
        assert_eq!(slots.intern("x", "", ["a:1", "b:2"], None), one);
        assert_ne!(slots.intern("x", "h", ["a:1", "b:2"], None), one);
        assert_ne!(slots.intern("y", "", ["a:1", "b:2"], None), one);
        assert_eq!(slots.get(one).tags.iter().collect::<Vec<_>>(), ["a:1", "b:2"]);
        assert_eq!(slots.len(), 3);
    }

    #[test]
    fn a_retired_series_is_readable_until_it_is_cleared_away() {
        let mut slots = Slots::default();
        let old = slots.intern("old", "", ["a:1"], None);
        slots.retire(old);
        assert!(slots.is_empty());
        let again = slots.intern("old", "", ["a:1"], None);
        assert_ne!(again, old, "a series that returns is another one");
        slots.clear_away();
        assert_eq!(slots.get(old).metric, "old");
        slots.clear_away();
        let new = slots.intern("new", "", [], None);
        assert_eq!(new, old);
        assert_eq!((slots.get(new).metric, slots.get(again).tags.iter().next()), ("new", Some("a:1")));
    }

    #[test]
    fn series_that_come_and_go_take_no_room_for_long() {
        let mut slots = Slots::default();
        let kept = slots.intern("kept", "host", ["a:1"], None);
        for number in 0..10_000 {
            let (name, tag) = (format!("name{number}"), format!("tag{number}"));
            let slot = slots.intern(&name, "", [&*tag, "a:1"], None);
            slots.retire(slot);
            slots.clear_away();
        }
        assert_eq!(slots.records.len(), 3);
        let SeriesRef { metric, host, .. } = slots.get(kept);
        assert_eq!((metric, host), ("kept", "host"));
    }
}
