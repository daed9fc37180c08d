//! Texts that much has in common: names, tags and hosts, and pieces of series as exposed, each kept once for as long as
//! something has it. All of them stand together, so that a text costs its bytes and a few words, and what is made of texts
//! is a list of numbers.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Stands for no text.
pub(crate) const NOTHING: u32 = u32::MAX;

/// So little of what is no longer needed is not worth moving all the rest.
const FEW_BYTES: usize = 4096;

/// What has fewer bytes than this may have room for twice as many.
const LITTLE: usize = 1 << 20;

/// Texts by their numbers. They are kept as bytes: whoever brings one knows that it is UTF-8, and those who compare texts
/// need not find that out again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    all: Vec<u8>,
    records: Vec<Record>,
    index: HashTable<u32>,
    hasher: RandomState,
    free: Vec<u32>,
    /// How many bytes of `all` are still needed.
    needed: usize,
}

/// What is known of a text, in one place, so that one look at the memory finds all of it.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Its first bytes as a number: of two texts with different ones the lower number has the lower text.
    beginning: u64,
    start: usize,
    length: u32,
    holders: u32,
    /// See [`Texts::follower`].
    follower: u32,
    /// Half of the hash of the text: enough to find it, and to move it in the index without a look at it.
    hash: u32,
}

impl Record {
    #[inline]
    fn bytes(self, all: &[u8]) -> &[u8] {
        &all[self.start..self.start + self.length as usize]
    }
}

/// Half of a hash as a whole one: tables look at both its ends.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Texts {
    /// The number of a text, with one more holder.
    ///
    /// # Panics
    ///
    /// With a text of 4 GiB, or 2^32 texts; limits on what a target exposes keep both away.
    pub(crate) fn hold(&mut self, text: &[u8]) -> u32 {
        let hash = (self.hasher.hash_one(text) >> 32) as u32;
        let (records, all) = (&self.records, &*self.all);
        let is_it = |&id: &u32| {
            let record = &records[id as usize];
            record.hash == hash && is_same(record.bytes(all), text)
        };
        if let Some(&known) = self.index.find(spread(hash), is_it) {
            self.records[known as usize].holders += 1;
            return known;
        }
        let id = self.add(text, hash);
        let records = &self.records;
        self.index.insert_unique(spread(hash), id, |&id| spread(records[id as usize].hash));
        id
    }

    /// The number of a text that nobody else will hold: it cannot be looked up.
    ///
    /// # Panics
    ///
    /// As [`Texts::hold`].
    pub(crate) fn keep(&mut self, text: &[u8]) -> u32 {
        self.add(text, 0)
    }

    fn add(&mut self, text: &[u8], hash: u32) -> u32 {
        let length = u32::try_from(text.len()).expect("a text of a series is far shorter than 4 GiB");
        let beginning = beginning(text);
        if self.all.capacity() - self.all.len() < text.len() {
            self.make_room(text.len());
        }
        let record = Record { beginning, start: self.all.len(), length, holders: 1, follower: NOTHING, hash };
        self.all.extend_from_slice(text);
        self.needed += text.len();
        if let Some(id) = self.free.pop() {
            self.records[id as usize] = record;
            return id;
        }
        make_room(&mut self.records, 1);
        self.records.push(record);
        place(self.records.len() - 1)
    }

    /// What stands behind a text that is held, if that stands at the front of `bytes`.
    #[inline]
    pub(crate) fn behind<'b>(&self, id: u32, bytes: &'b [u8]) -> Option<&'b [u8]> {
        bytes.strip_prefix(self.bytes(id))
    }

    /// The bytes of a text.
    #[inline]
    pub(crate) fn bytes(&self, id: u32) -> &[u8] {
        self.records[id as usize].bytes(&self.all)
    }

    /// Makes room for texts of so many bytes more.
    pub(crate) fn expect(&mut self, texts: usize, bytes: usize) {
        let texts = self.records.len() + texts;
        make_room_for(&mut self.records, texts);
        self.all.reserve_exact(bytes);
    }

    /// One more holder of the text of a number, if there is one and it is this one. Finds that out faster than a text is
    /// looked up.
    #[inline]
    pub(crate) fn holds_if(&mut self, id: u32, text: &[u8]) -> bool {
        self.holds_both(id, b"", text)
    }

    /// The same of a text in two parts.
    #[inline]
    pub(crate) fn holds_both(&mut self, id: u32, first: &[u8], second: &[u8]) -> bool {
        let Some(record) = self.records.get_mut(id as usize) else { return false };
        if record.length as usize != first.len() + second.len() || record.holders == 0 {
            return false;
        }
        let (beginning, end) = record.bytes(&self.all).split_at(first.len());
        // The first parts are keys, and differ less often than values.
        let is_it = is_same(end, second) && is_same(beginning, first);
        record.holders += u32::from(is_it);
        is_it
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

    /// The first bytes of a text as a number: of two texts with different ones the lower number has the lower text.
    #[inline]
    pub(crate) fn beginning(&self, id: u32) -> u64 {
        self.records[id as usize].beginning
    }

    /// The text that was last noted to follow this one; a guess, which may be no text at all.
    #[inline]
    pub(crate) fn follower(&self, id: u32) -> u32 {
        self.records.get(id as usize).map_or(NOTHING, |record| record.follower)
    }

    /// Notes which text follows this one.
    pub(crate) fn note_follower(&mut self, id: u32, follower: u32) {
        if let Some(record) = self.records.get_mut(id as usize) {
            record.follower = follower;
        }
    }

    /// One holder less; the text goes with its last one.
    pub(crate) fn let_go(&mut self, id: u32) {
        let record = &mut self.records[id as usize];
        record.holders -= 1;
        if record.holders > 0 {
            return;
        }
        if let Ok(found) = self.index.find_entry(spread(record.hash), |&other| other == id) {
            found.remove();
        }
        self.needed -= record.length as usize;
        self.free.push(id);
    }

    /// A text.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> &str {
        text_of(self.bytes(id))
    }

    /// All numbers of texts are below this.
    pub(crate) fn places(&self) -> usize {
        self.records.len()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.all.capacity()
    }

    /// Makes room for another text. Where texts come and go, the gaps that some left are room for the others.
    fn make_room(&mut self, bytes: usize) {
        self.close_gaps_from(self.needed / 4);
        make_room(&mut self.all, bytes);
    }

    /// Closes the gaps between texts when they take half as much room as the texts.
    pub(crate) fn tidy(&mut self) {
        self.close_gaps_from(self.needed / 2);
    }

    /// Moves the texts together where the gaps have about so many bytes, in the order in which they stand. Where they are: as
    /// much again elsewhere, and given back, would be a hole in the memory of the process.
    fn close_gaps_from(&mut self, gaps: usize) {
        if self.all.len() < self.needed + gaps + FEW_BYTES {
            return;
        }
        let held = (0..).zip(&self.records).filter(|(_, record)| record.holders > 0);
        let mut held: Vec<(usize, u32)> = held.map(|(id, record)| (record.start, id)).collect();
        held.sort_unstable();
        let mut end = 0;
        for (start, id) in held {
            let record = &mut self.records[id as usize];
            self.all.copy_within(start..start + record.length as usize, end);
            record.start = end;
            end += record.length as usize;
        }
        self.all.truncate(end);
        if end < self.all.capacity() / 4 {
            self.all.shrink_to_fit();
        }
    }
}

/// Makes room for more elements. What is kept for each series grows by half at a time, and not to twice its size, unless it
/// is little.
pub(crate) fn make_room<T>(elements: &mut Vec<T>, more: usize) {
    let length = elements.len();
    if elements.capacity() - length < more {
        let is_little = length * size_of::<T>() < LITTLE;
        elements.reserve_exact(more.max(if is_little { length } else { length / 2 }));
    }
}

/// Makes room for so many elements in all. Untouched, it takes no memory.
pub(crate) fn make_room_for<T>(elements: &mut Vec<T>, all: usize) {
    elements.reserve_exact(all.saturating_sub(elements.len()));
}

/// Makes a list long enough for an element at `place`, which mostly is the next one.
#[inline]
pub(crate) fn reach<T>(elements: &mut Vec<T>, place: usize, mut empty: impl FnMut() -> T) {
    if elements.len() == place && elements.capacity() > place {
        elements.push(empty());
    } else {
        reach_far(elements, place, empty);
    }
}

fn reach_far<T>(elements: &mut Vec<T>, place: usize, empty: impl FnMut() -> T) {
    if let Some(more) = (place + 1).checked_sub(elements.len()).filter(|more| *more > 0) {
        make_room(elements, more);
        elements.resize_with(place + 1, empty);
    }
}

/// Whether two short texts are one. For texts of a few words this is faster than the function that is fast for all.
#[inline]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    if let (Some(last), Some(other_last)) = (one.last_chunk::<16>(), other.last_chunk::<16>()) {
        let (mut one, mut other) = (one, other);
        while let (Some((chunk, rest)), Some((other_chunk, other_rest))) =
            (one.split_first_chunk::<16>(), other.split_first_chunk::<16>())
        {
            if u128::from_ne_bytes(*chunk) != u128::from_ne_bytes(*other_chunk) {
                return false;
            }
            (one, other) = (rest, other_rest);
        }
        last == other_last
    } else if let (Some(first), Some(last)) = (one.first_chunk::<8>(), one.last_chunk::<8>()) {
        Some(first) == other.first_chunk::<8>() && Some(last) == other.last_chunk::<8>()
    } else if let (Some(first), Some(last)) = (one.first_chunk::<4>(), one.last_chunk::<4>()) {
        Some(first) == other.first_chunk::<4>() && Some(last) == other.last_chunk::<4>()
    } else {
        one.iter().zip(other).all(|(one, other)| one == other)
    }
}

/// The text of bytes that are known to be one.
pub(crate) fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("texts are UTF-8, and what is put together of texts is")
}

fn beginning(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 texts fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_if_all_bytes_are() {
        for length in 0..50 {
            let text: Vec<u8> = (0..length).map(|at| b'a' + at % 20).collect();
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &[&text[..], b"a"].concat()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] = b'z';
                assert!(!is_same(&text, &other) && !is_same(&other, &text), "byte {at} of {length}");
            }
        }
    }

    #[test]
    fn a_text_is_kept_once_and_goes_with_its_last_holder() {
        let mut texts = Texts::default();
        let (one, other) = (texts.hold(b"one"), texts.hold(b"other"));
        assert_eq!(texts.hold(b"one"), one);
        assert_eq!((texts.get(one), texts.get(other)), ("one", "other"));
        texts.let_go(one);
        assert_eq!(texts.hold(b"one"), one);
        texts.let_go(one);
        texts.let_go(one);
        assert_eq!(texts.hold(b"new"), one, "the number is given out again");
        assert_eq!((texts.get(one), texts.get(other)), ("new", "other"));
    }

    #[test]
    fn what_nobody_holds_takes_no_room_for_long() {
        let mut texts = Texts::default();
        let kept = texts.hold(b"kept");
        for number in 0..100_000 {
            let id = texts.hold(format!("a text that is not kept, number {number}").as_bytes());
            texts.let_go(id);
            texts.tidy();
        }
        assert!(texts.all.capacity() < 3 * FEW_BYTES, "{}", texts.all.capacity());
        assert_eq!((texts.get(kept), texts.records.len()), ("kept", 2));
    }
}
