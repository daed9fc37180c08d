//! Texts that much has in common: names, tags and hosts, each kept once for as long as something has it. All of them stand
//! in one string, so that a text costs its bytes and a few words, and what is made of texts is a list of numbers.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// So little of what is no longer needed is not worth moving all the rest.
const FEW_BYTES: usize = 4096;

/// Texts by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    all: String,
    records: Vec<Record>,
    index: HashTable<u32>,
    hasher: RandomState,
    free: Vec<u32>,
    /// How many bytes of `all` are still needed.
    needed: usize,
    state: State,
}

/// A state of a table of texts: see [`Texts::state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

impl State {
    fn new() -> Self {
        static STATES: AtomicU64 = AtomicU64::new(0);
        Self(STATES.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, Debug)]
struct Record {
    start: usize,
    length: u32,
    holders: u32,
}

impl Record {
    #[inline]
    fn text(self, all: &str) -> &str {
        &all[self.start..self.start + self.length as usize]
    }
}

impl Texts {
    /// The number of a text, with one more holder.
    ///
    /// # Panics
    ///
    /// With a text of 4 GiB, or 2^32 texts; limits on what a target exposes keep both away.
    pub(crate) fn hold(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        let (records, all) = (&self.records, &self.all);
        if let Some(&known) = self.index.find(hash, |&id| records[id as usize].text(all) == text) {
            self.records[known as usize].holders += 1;
            return known;
        }
        let length = u32::try_from(text.len()).expect("a text of a series is far shorter than 4 GiB");
        let record = Record { start: self.all.len(), length, holders: 1 };
        let spare = self.all.capacity() - self.all.len();
        if spare < text.len() {
            self.all.reserve_exact(text.len().max(self.all.len() / 2));
        }
        self.all.push_str(text);
        self.needed += text.len();
        let id = if let Some(id) = self.free.pop() {
            self.records[id as usize] = record;
            id
        } else {
            make_room(&mut self.records, 1);
            self.records.push(record);
            place(self.records.len() - 1)
        };
        let (records, all, hasher) = (&self.records, &self.all, &self.hasher);
        self.index.insert_unique(hash, id, |&id| hasher.hash_one(records[id as usize].text(all)));
        id
    }

    /// One more holder of the text of a number, if there is one and it is the right one. Finds that out faster than a text
    /// is looked up.
    #[inline]
    pub(crate) fn holds_if(&mut self, id: u32, is_right: impl FnOnce(&str) -> bool) -> bool {
        let Some(record) = self.records.get_mut(id as usize) else { return false };
        let is_right = record.holders > 0 && is_right(record.text(&self.all));
        record.holders += u32::from(is_right);
        is_right
    }

    /// One more holder of a text that is held.
    #[inline]
    pub(crate) fn hold_again(&mut self, id: u32) {
        self.records[id as usize].holders += 1;
    }

    /// How many bytes a text has.
    #[inline]
    pub(crate) fn length(&self, id: u32) -> usize {
        self.records[id as usize].length as usize
    }

    /// How often a text is held.
    #[inline]
    pub(crate) fn holders(&self, id: u32) -> u32 {
        self.records[id as usize].holders
    }

    /// Tells apart all states of all tables of texts, clones of one table excepted, between which a number may have become
    /// that of another text.
    #[inline]
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// One holder less; the text goes with its last one.
    pub(crate) fn let_go(&mut self, id: u32) {
        let record = &mut self.records[id as usize];
        record.holders -= 1;
        if record.holders > 0 {
            return;
        }
        let hash = self.hasher.hash_one(record.text(&self.all));
        if let Ok(found) = self.index.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        self.needed -= record.length as usize;
        self.free.push(id);
        self.state = State::new();
    }

    #[inline]
    pub(crate) fn get(&self, id: u32) -> &str {
        self.records[id as usize].text(&self.all)
    }

    /// All numbers of texts are below this.
    pub(crate) fn places(&self) -> usize {
        self.records.len()
    }

    /// Closes the gaps between texts when they take half as much room as the texts.
    pub(crate) fn tidy(&mut self) {
        if self.all.len() < self.needed + self.needed / 2 + FEW_BYTES {
            return;
        }
        let mut all = String::with_capacity(self.needed);
        for record in self.records.iter_mut().filter(|record| record.holders > 0) {
            let start = all.len();
            all.push_str(record.text(&self.all));
            record.start = start;
        }
        let is_little = all.len() < self.all.capacity() / 4;
        put_back(&mut self.all, all, is_little);
    }
}

/// Makes room for more elements. What is kept for each series grows by half at a time, and not to twice its size.
pub(crate) fn make_room<T>(elements: &mut Vec<T>, more: usize) {
    if elements.capacity() - elements.len() < more {
        elements.reserve_exact(more.max(elements.len() / 2));
    }
}

/// Puts what was kept of something large back into its place, unless next to nothing was: large blocks that come and go
/// in changing sizes would leave holes in the memory of the process.
pub(crate) fn put_back<T: Clone>(place: &mut T, kept: T, is_little: bool) {
    if is_little {
        *place = kept;
    } else {
        place.clone_from(&kept);
    }
}

/// Makes a list long enough for an element at `place`.
pub(crate) fn reach<T>(elements: &mut Vec<T>, place: usize, empty: impl FnMut() -> T) {
    if let Some(more) = (place + 1).checked_sub(elements.len()).filter(|more| *more > 0) {
        make_room(elements, more);
        elements.resize_with(place + 1, empty);
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 texts fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_goes_with_its_last_holder() {
        let mut texts = Texts::default();
        let (one, other) = (texts.hold("one"), texts.hold("other"));
        assert_eq!(texts.hold("one"), one);
        assert_eq!((texts.get(one), texts.get(other)), ("one", "other"));
        texts.let_go(one);
        assert_eq!(texts.hold("one"), one);
        texts.let_go(one);
        texts.let_go(one);
        assert_eq!(texts.hold("new"), one, "the number is given out again");
        assert_eq!((texts.get(one), texts.get(other)), ("new", "other"));
    }

    #[test]
    fn what_nobody_holds_takes_no_room_for_long() {
        let mut texts = Texts::default();
        let kept = texts.hold("kept");
        for number in 0..100_000 {
            let id = texts.hold(&format!("a text that is not kept, number {number}"));
            texts.let_go(id);
            texts.tidy();
        }
        assert!(texts.all.capacity() < 3 * FEW_BYTES, "{}", texts.all.capacity());
        assert_eq!((texts.get(kept), texts.records.len()), ("kept", 2));
    }
}
