//! The series of Datadog that the points of one target belong to: name, host and tags under a small number.
//!
//! A series is a list of numbers of texts, and most of its texts are those of other series too; so it takes a fraction
//! of the room that its text would, and is found and compared without looking at any.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::texts::{Texts, make_room, put_back, reach};
use crate::unit::Unit;

/// So few numbers that are no longer needed are not worth moving all the rest.
const FEW_NUMBERS: usize = 1024;
/// How many texts of a slot are no tags: its host and its name.
const HEAD: usize = 2;

/// A series of one target: its place in [`Slots`], dense from 0 and used again after the series was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub(super) u32);

/// Beyond all slots: where something goes that is only remembered.
pub(super) const NOWHERE: SlotId = SlotId(u32::MAX);

impl SlotId {
    /// The place in arrays that stand beside [`Slots`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All series of one target.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    texts: Texts,
    records: Vec<Record>,
    /// Numbers of texts: of each slot the host, the name, and the tags in the order of their text.
    numbers: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
    free: Vec<u32>,
    /// Slots that were let go since the last call of [`Slots::clear_away`], and those of the time before that.
    retired: Vec<u32>,
    leaving: Vec<u32>,
    /// How many of `numbers` belong to no slot.
    unused: usize,
    sorting: Sorting,
    /// The texts of the series that is looked up, and those of the one before, with which it likely has much in common.
    draft: Vec<u32>,
    previous: Vec<u32>,
    /// What the numbers that tags have elsewhere stood for here.
    foreign: Vec<u32>,
}

/// Sorts tags, and remembers how: those of the next series are mostly in the same disorder.
#[derive(Clone, Debug, Default)]
struct Sorting {
    order: Vec<u32>,
}

impl Sorting {
    /// The tags sorted, each once.
    fn sorted<'t>(&mut self, tags: impl IntoIterator<Item = (u32, &'t str)>) -> Vec<(u32, &'t str)> {
        let tags: Vec<(u32, &str)> = tags.into_iter().collect();
        if self.order.len() == tags.len() {
            let sorted: Vec<_> = self.order.iter().map(|&place| tags[place as usize]).collect();
            if sorted.is_sorted_by(|one, next| one.1 < next.1) {
                return sorted;
            }
        }
        self.order.clear();
        self.order.extend(0..place(tags.len()));
        self.order.sort_unstable_by_key(|&place| tags[place as usize].1);
        let mut sorted: Vec<_> = self.order.iter().map(|&place| tags[place as usize]).collect();
        sorted.dedup_by_key(|(_, tag)| *tag);
        sorted
    }
}

#[derive(Debug)]
struct Record {
    start: u32,
    count: u32,
    /// The bytes of all texts together.
    bytes: u32,
    remark: AtomicU32,
    unit: Option<Unit>,
}

impl Clone for Record {
    fn clone(&self) -> Self {
        let Self { start, count, bytes, unit, .. } = *self;
        Self { start, count, bytes, remark: AtomicU32::new(0), unit }
    }
}

impl Record {
    fn numbers<'s>(&self, all: &'s [u32]) -> &'s [u32] {
        &all[self.start as usize..][..self.count as usize]
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
        self.intern_numbered(metric, host, tags.into_iter().map(|tag| (u32::MAX, tag)), unit)
    }

    /// The number of a series of which each tag has a number that it most likely has in other series too. What the
    /// numbers are for is speed: they decide nothing.
    pub(super) fn intern_numbered<'t>(
        &mut self,
        metric: &str,
        host: &str,
        tags: impl IntoIterator<Item = (u32, &'t str)>,
        unit: Option<Unit>,
    ) -> SlotId {
        // The set of the tags counts, not their order.
        let tags = self.sorting.sorted(tags);
        let mut numbers = std::mem::take(&mut self.draft);
        numbers.clear();
        let mut bytes = 0;
        let head = [(u32::MAX, host), (u32::MAX, metric)];
        for (place, (foreign, text)) in head.into_iter().chain(tags).enumerate() {
            bytes += text.len();
            numbers.push(self.number_of(place, foreign, text));
        }
        let slot = self.intern_numbers(&numbers, bytes, unit);
        self.draft = std::mem::replace(&mut self.previous, numbers);
        slot
    }

    /// The number of a text: that of the one at its place in the series before, or that which its foreign number stood for
    /// the last time, if it is one of these.
    #[inline]
    fn number_of(&mut self, place: usize, foreign: u32, text: &str) -> u32 {
        if let Some(&number) = self.previous.get(place)
            && self.texts.holds_as(number, text)
        {
            return number;
        }
        if let Some(&number) = self.foreign.get(foreign as usize)
            && self.texts.holds_as(number, text)
        {
            return number;
        }
        let number = self.texts.hold(text);
        if foreign != u32::MAX {
            reach(&mut self.foreign, foreign as usize, || u32::MAX);
            self.foreign[foreign as usize] = number;
        }
        number
    }

    fn intern_numbers(&mut self, numbers: &[u32], bytes: usize, unit: Option<Unit>) -> SlotId {
        let hash = self.hasher.hash_one(numbers);
        let (records, all) = (&self.records, &self.numbers);
        if let Some(&known) = self.index.find(hash, |&slot| records[slot as usize].numbers(all) == numbers) {
            for &text in numbers {
                self.texts.let_go(text);
            }
            return SlotId(known);
        }
        let record = Record {
            start: place(self.numbers.len()),
            count: place(numbers.len()),
            bytes: place(bytes),
            remark: AtomicU32::new(0),
            unit,
        };
        make_room(&mut self.numbers, numbers.len());
        self.numbers.extend_from_slice(numbers);
        let slot = if let Some(slot) = self.free.pop() {
            self.records[slot as usize] = record;
            slot
        } else {
            make_room(&mut self.records, 1);
            self.records.push(record);
            place(self.records.len() - 1)
        };
        let (records, all, hasher) = (&self.records, &self.numbers, &self.hasher);
        self.index.insert_unique(hash, slot, |&slot| hasher.hash_one(records[slot as usize].numbers(all)));
        SlotId(slot)
    }

    /// A series is no longer one. It can be read until [`Slots::clear_away`] was called twice.
    pub(super) fn retire(&mut self, slot: SlotId) {
        let hash = self.hasher.hash_one(self.numbers(slot));
        if let Ok(found) = self.index.find_entry(hash, |&other| other == slot.0) {
            found.remove();
            self.retired.push(slot.0);
        }
    }

    /// Ends a scrape: numbers of series that were retired before the last one ended are given out again.
    pub(super) fn clear_away(&mut self) {
        let leaving = std::mem::replace(&mut self.leaving, std::mem::take(&mut self.retired));
        if leaving.is_empty() {
            return;
        }
        for slot in leaving {
            let record = &mut self.records[slot as usize];
            for &text in record.numbers(&self.numbers) {
                self.texts.let_go(text);
            }
            self.unused += record.count as usize;
            record.count = 0;
            self.free.push(slot);
        }
        self.texts.tidy();
        if self.unused > self.numbers.len() / 3 + FEW_NUMBERS {
            let mut numbers = Vec::with_capacity(self.numbers.len() - self.unused);
            for record in &mut self.records {
                let start = place(numbers.len());
                numbers.extend_from_slice(record.numbers(&self.numbers));
                record.start = start;
            }
            let is_little = numbers.len() < self.numbers.capacity() / 4;
            put_back(&mut self.numbers, numbers, is_little);
            self.unused = 0;
        }
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
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
        let Record { count, bytes, .. } = self.records[slot.index()];
        (count as usize, bytes as usize)
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
        self.records[slot.index()].numbers(&self.numbers)
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

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 series, and texts of series, fit in memory")
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
        assert!(slots.numbers.capacity() < 4 * FEW_NUMBERS);
        assert_eq!(slots.records.len(), 3);
        let SeriesRef { metric, host, .. } = slots.get(kept);
        assert_eq!((metric, host), ("kept", "host"));
    }
}
