//! Lists of numbers, each kept once and known by a small number of its own: the texts of series of Datadog, and the orders
//! of their tags. All of them stand in one vector, so that a list costs its numbers and a few words.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::texts::{make_room, make_room_for};

/// So few numbers that are no longer needed are not worth moving all the rest.
const FEW_NUMBERS: usize = 1024;
/// Of a length: the list cannot be found, but it can be read.
const UNFOUND: u32 = 1 << 31;

/// Lists by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    spans: Vec<Span>,
    numbers: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
    free: Vec<u32>,
    /// How many of `numbers` belong to no list.
    unused: usize,
}

/// Where a list stands. One without length is none at present.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    fn is_found(self) -> bool {
        self.length != 0 && self.length & UNFOUND == 0
    }

    #[inline]
    fn length(self) -> usize {
        (self.length & !UNFOUND) as usize
    }

    #[inline]
    fn numbers(self, all: &[u32]) -> &[u32] {
        &all[self.start as usize..][..self.length()]
    }
}

impl Lists {
    /// The number of a list, given out now if there is none of these numbers in this order; whether it was.
    ///
    /// # Panics
    ///
    /// With 2^32 lists, or numbers in them, or 2^31 in one, for which limits leave no room.
    pub(crate) fn intern(&mut self, list: &[u32]) -> (u32, bool) {
        let hash = self.hasher.hash_one(list);
        let (spans, all) = (&self.spans, &self.numbers);
        if let Some(&known) = self.index.find(hash, |&known| spans[known as usize].numbers(all) == list) {
            return (known, false);
        }
        self.grow();
        let id = self.add(list);
        let (spans, all, hasher) = (&self.spans, &self.numbers, &self.hasher);
        self.index.insert_unique(hash, id, |&id| hasher.hash_one(spans[id as usize].numbers(all)));
        (id, true)
    }

    fn add(&mut self, list: &[u32]) -> u32 {
        let length = u32::try_from(list.len()).ok().filter(|length| *length < UNFOUND);
        let length = length.expect("a series has fewer labels than 2^31, for which a line has no room");
        let span = Span { start: place(self.numbers.len()), length };
        make_room(&mut self.numbers, list.len());
        self.numbers.extend_from_slice(list);
        if let Some(id) = self.free.pop() {
            self.spans[id as usize] = span;
            return id;
        }
        make_room(&mut self.spans, 1);
        self.spans.push(span);
        place(self.spans.len() - 1)
    }

    /// Makes a larger index of one that is full. Lists are hashed for it in the order in which they stand in memory, and
    /// not, as a table that grows by itself does, in that of their hashes.
    fn grow(&mut self) {
        if self.index.len() < self.index.capacity() {
            return;
        }
        let (spans, all, hasher) = (&self.spans, &self.numbers, &self.hasher);
        let hash = |id: u32| hasher.hash_one(spans[id as usize].numbers(all));
        let mut index = HashTable::with_capacity(self.index.len() * 3 / 2 + 8);
        for (id, _) in (0..).zip(spans).filter(|(_, span)| span.is_found()) {
            index.insert_unique(hash(id), id, |&id| hash(id));
        }
        self.index = index;
    }

    /// Makes room for so many lists in all, if they are as long as those that there are.
    pub(crate) fn expect(&mut self, lists: usize) {
        let numbers = lists * self.numbers.len() / self.spans.len().max(1);
        make_room_for(&mut self.spans, lists);
        make_room_for(&mut self.numbers, numbers);
    }

    /// A list; an empty one if it was released.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> &[u32] {
        self.spans[id as usize].numbers(&self.numbers)
    }

    /// Whether there is a list of this number that can be found.
    pub(crate) fn is_found(&self, id: u32) -> bool {
        self.spans.get(id as usize).is_some_and(|span| span.is_found())
    }

    /// How many numbers a list has.
    #[inline]
    pub(crate) fn length(&self, id: u32) -> usize {
        self.spans[id as usize].length()
    }

    /// A list is found no longer, but can be read until it is released. Gives whether it could be found.
    pub(crate) fn retire(&mut self, id: u32) -> bool {
        let span = self.spans[id as usize];
        if !span.is_found() {
            return false;
        }
        let hash = self.hasher.hash_one(span.numbers(&self.numbers));
        if let Ok(found) = self.index.find_entry(hash, |&other| other == id) {
            found.remove();
        }
        self.spans[id as usize].length |= UNFOUND;
        true
    }

    /// The number of a list that cannot be found will be given out again.
    pub(crate) fn release(&mut self, id: u32) {
        let span = &mut self.spans[id as usize];
        self.unused += span.length();
        span.length = 0;
        self.free.push(id);
    }

    /// Closes the gaps between lists when they take more room than the lists.
    pub(crate) fn tidy(&mut self) {
        if self.unused <= self.numbers.len() / 3 + FEW_NUMBERS {
            return;
        }
        let mut numbers = Vec::with_capacity(self.numbers.len() - self.unused);
        for span in &mut self.spans {
            let start = numbers.len() as u32;
            numbers.extend_from_slice(span.numbers(&self.numbers));
            span.start = start;
        }
        let is_little = numbers.len() < self.numbers.capacity() / 4;
        put_back(&mut self.numbers, numbers, is_little);
        self.unused = 0;
    }

    /// How many lists can be found.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }
}

/// Puts what was kept of something large back into its place, unless next to nothing was: large blocks that come and go
/// in changing sizes would leave holes in the memory of the process.
fn put_back<T: Clone>(place: &mut T, kept: T, is_little: bool) {
    if is_little {
        *place = kept;
    } else {
        place.clone_from(&kept);
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 lists, and numbers in them, fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_kept_once_until_it_is_retired() {
        let mut lists = Lists::default();
        let (one, other) = (lists.intern(&[1, 2]), lists.intern(&[2, 1]));
        assert!(one.1 && other.1 && one.0 != other.0);
        assert_eq!(lists.intern(&[1, 2]), (one.0, false));
        assert!(lists.retire(one.0) && !lists.retire(one.0));
        assert_eq!((lists.get(one.0), lists.len()), (&[1, 2][..], 1));
        let again = lists.intern(&[1, 2]);
        assert!(again.1 && again.0 != one.0);
        lists.release(one.0);
        assert_eq!(lists.intern(&[3]), (one.0, true), "the number is given out again");
    }

    #[test]
    fn many_lists_are_found_while_others_go() {
        let mut lists = Lists::default();
        let ids: Vec<_> = (0..1000).map(|number| lists.intern(&[number, 7]).0).collect();
        for id in ids.iter().step_by(2) {
            assert!(lists.retire(*id));
        }
        for number in 1000..3000 {
            lists.intern(&[number, 7]);
        }
        for (id, number) in ids.iter().zip(0..).skip(1).step_by(2) {
            assert_eq!(lists.intern(&[number, 7]), (*id, false));
        }
        assert_eq!(lists.len(), 2500);
    }

    #[test]
    fn lists_that_come_and_go_take_no_room_for_long() {
        let mut lists = Lists::default();
        let (kept, _) = lists.intern(&[1, 2, 3]);
        for number in 10..20_000 {
            let (id, _) = lists.intern(&[number, 1]);
            lists.retire(id);
            lists.release(id);
            lists.tidy();
        }
        assert!(lists.numbers.capacity() < 4 * FEW_NUMBERS && lists.spans.len() == 2);
        assert_eq!(lists.get(kept), [1, 2, 3]);
    }
}
