//! Lists of numbers of texts, each kept once and known by a small number of its own: what contexts, and series of Datadog,
//! are made of. All of them stand in one vector, so that a list costs its numbers and a few words.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::texts::make_room;

/// How many numbers at the front of a list stand for a name and a host; those behind them stand for tags.
pub(crate) const HEAD: usize = 2;

/// So few numbers that are no longer needed are not worth moving all the rest.
const FEW_NUMBERS: usize = 1024;
/// Among so few tags it is faster to look for one that is there twice than to sort them.
const FEW_TAGS: usize = 64;
/// Of a length: the list cannot be found, but it can be read.
const UNFOUND: u32 = 1 << 31;
/// Of a length: there was another list with the same set of tags.
const LIKENED: u32 = 1 << 30;

/// Lists by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    spans: Vec<Span>,
    numbers: Vec<u32>,
    /// By a hash in which the order of tags does not count, and neither does how often each is there.
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
    /// And what is known beside.
    length: u32,
}

impl Span {
    fn is_found(self) -> bool {
        self.length != 0 && self.length & UNFOUND == 0
    }

    #[inline]
    fn length(self) -> usize {
        (self.length & !(UNFOUND | LIKENED)) as usize
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
    /// With 2^30 lists, or numbers in them, for which limits leave no room.
    pub(crate) fn intern(&mut self, list: &[u32]) -> (u32, bool) {
        let hash = hash(&self.hasher, list);
        let mut is_like = false;
        for &known in self.index.iter_hash(hash) {
            let span = &mut self.spans[known as usize];
            let numbers = span.numbers(&self.numbers);
            if numbers == list {
                return (known, false);
            }
            if is_same_set(numbers, list) {
                span.length |= LIKENED;
                is_like = true;
            }
        }
        self.grow();
        let id = self.add(list, if is_like { LIKENED } else { 0 });
        let (spans, all, hasher) = (&self.spans, &self.numbers, &self.hasher);
        self.index.insert_unique(hash, id, |&id| self::hash(hasher, spans[id as usize].numbers(all)));
        (id, true)
    }

    /// The number of a list that only who is told it can find.
    pub(crate) fn push(&mut self, list: &[u32]) -> u32 {
        self.add(list, UNFOUND)
    }

    fn add(&mut self, list: &[u32], flags: u32) -> u32 {
        let span = Span { start: place(self.numbers.len()), length: place(list.len()) | flags };
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
        let hash = |id: u32| hash(hasher, spans[id as usize].numbers(all));
        let mut index = HashTable::with_capacity(self.index.len() * 3 / 2 + 8);
        for (id, _) in (0..).zip(spans).filter(|(_, span)| span.is_found()) {
            index.insert_unique(hash(id), id, |&id| hash(id));
        }
        self.index = index;
    }

    /// A list; an empty one if it was released.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> &[u32] {
        self.spans[id as usize].numbers(&self.numbers)
    }

    /// How many numbers a list has.
    #[inline]
    pub(crate) fn length(&self, id: u32) -> usize {
        self.spans[id as usize].length()
    }

    /// Whether there is, or was, another list with the same head and the same set of tags.
    #[inline]
    pub(crate) fn has_like(&self, id: u32) -> bool {
        self.spans[id as usize].length & LIKENED != 0
    }

    /// Lists with the same head and the same set of tags, and the list itself.
    pub(crate) fn like(&self, id: u32) -> impl Iterator<Item = u32> {
        let list = self.get(id);
        let known = self.index.iter_hash(hash(&self.hasher, list)).copied();
        known.filter(move |&known| is_same_set(self.get(known), list))
    }

    /// A list is found no longer, but can be read until it is released. Gives whether it could be found.
    pub(crate) fn retire(&mut self, id: u32) -> bool {
        let span = self.spans[id as usize];
        if !span.is_found() {
            return false;
        }
        if let Ok(found) = self.index.find_entry(hash(&self.hasher, span.numbers(&self.numbers)), |&other| other == id)
        {
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
        if self.unused <= self.numbers.len() / 2 + FEW_NUMBERS {
            return;
        }
        let mut numbers = Vec::with_capacity(self.numbers.len() - self.unused);
        for span in &mut self.spans {
            let start = numbers.len() as u32;
            numbers.extend_from_slice(span.numbers(&self.numbers));
            span.start = start;
        }
        (self.numbers, self.unused) = (numbers, 0);
    }

    /// How many lists can be found.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }
}

/// The same for lists with the same head and the same set of tags.
#[inline]
fn hash(hasher: &RandomState, list: &[u32]) -> u64 {
    let (head, tags) = list.split_at(HEAD.min(list.len()));
    let sum = |sum: u64, tag: &u32| sum.wrapping_add(hasher.hash_one(*tag));
    let tags = if tags.len() <= FEW_TAGS {
        let first = tags.iter().enumerate().filter(|&(place, tag)| !tags[..place].contains(tag));
        first.map(|(_, tag)| tag).fold(0, sum)
    } else {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        tags.iter().fold(0, sum)
    };
    hasher.hash_one((head, tags))
}

/// Whether lists have the same head and the same set of tags. Those with the same hash mostly do.
fn is_same_set(one: &[u32], other: &[u32]) -> bool {
    let (one_head, one) = one.split_at(HEAD.min(one.len()));
    let (other_head, other) = other.split_at(HEAD.min(other.len()));
    let set = |tags: &[u32]| {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        tags
    };
    one_head == other_head && set(one) == set(other)
}

fn place(index: usize) -> u32 {
    u32::try_from(index)
        .ok()
        .filter(|place| *place < LIKENED)
        .expect("fewer than 2^30 lists, and numbers in them, fit in memory")
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
    fn lists_with_the_same_set_of_tags_are_alike() {
        let mut lists = Lists::default();
        let ids = [&[1, 2, 5, 6][..], &[1, 2, 6, 5], &[2, 1, 5, 6], &[1, 2, 5, 6, 6], &[1, 2, 5]];
        let ids = ids.map(|list| lists.intern(list).0);
        assert_eq!(ids.map(|id| lists.has_like(id)), [true, true, false, true, false]);
        let mut like: Vec<_> = lists.like(ids[1]).collect();
        like.sort_unstable();
        assert_eq!(like, [ids[0], ids[1], ids[3]]);
        let many: Vec<u32> = (0..200).collect();
        let turned: Vec<u32> = many[..2].iter().chain(many[2..].iter().rev()).chain([&7, &7]).copied().collect();
        let ids = [many, turned].map(|list| lists.intern(&list).0);
        assert_eq!(lists.like(ids[0]).count(), 2);
        let apart = lists.push(&[1, 2, 5]);
        assert!(!lists.has_like(apart) && !lists.retire(apart));
        assert_eq!(lists.get(apart), [1, 2, 5]);
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
