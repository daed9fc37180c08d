//! The series of a target as they are recognised: their texts one after the other in the order in which they first came,
//! who came behind whom, and what may be replayed of each.
//!
//! To recognise a series where it is expected takes one comparison; elsewhere it is found by a hash of its text.

mod index;

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use index::Index;

use super::dropped::DropReason;
use super::origin::SeriesId;
use super::selection::FamilyId;
use crate::texts::{make_room, make_room_for};

/// Texts begin at multiples of this, so that 32 bits can tell the place of any of 32 GiB.
const UNIT: usize = 8;

/// Below so many bytes it is not worth the work to close gaps.
const FEW_BYTES: usize = 64 << 10;

/// With so few series it is not worth the work to guess how many will come.
const FEW_SERIES: usize = 4096;

/// What a line has beside the text of its series, at least: a blank, a digit, and a line feed.
const SHORTEST_TAIL: u64 = 3;

/// There is no room made for more series than this before they come: a body may have much in it that is no series.
const MOST_AT_ONCE: u64 = 1 << 20;

/// Stands for no series.
const NOBODY: u32 = u32::MAX;

/// What a value of a recognised series becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// The same as the value before.
    Same,
    /// Nothing, for this reason.
    Drop(DropReason),
    /// That depends on more than its value.
    Not,
}

/// A series. The place in units where its text begins, and its length in bytes, are of the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    start: u32,
    length: u32,
    /// The series that came behind it when it came last.
    next: u32,
    /// The family that its plan was made for.
    pub(super) family: FamilyId,
    /// The state of the shared labels that its plan was made with.
    pub(super) sharing: u32,
    /// The age at the last scrape that had it.
    pub(super) seen: u32,
    /// How many series had ever come when it last told of the start of none of them.
    pub(super) unrelated: u32,
    pub(super) replay: Replay,
    /// Whether its growth counts, or ever did.
    pub(super) grows: bool,
    is_vacant: bool,
}

/// The series of a target.
#[derive(Debug)]
pub(super) struct Roster {
    arena: String,
    /// By the number of the series.
    entries: Vec<Entry>,
    /// Numbers, by the hash of the text.
    index: Index,
    hasher: RandomState,
    free: Vec<u32>,
    /// Bytes of the texts.
    bytes: usize,
    /// How many series ever came.
    births: u32,
    /// The series that came last.
    last: u32,
    /// The series that was expected there, if another one came.
    missed: u32,
    /// Whether the series that came last was new.
    is_fresh: bool,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            arena: String::new(),
            entries: Vec::new(),
            index: Index::default(),
            hasher: RandomState::default(),
            free: Vec::new(),
            bytes: 0,
            births: 0,
            last: NOBODY,
            missed: NOBODY,
            is_fresh: false,
        }
    }
}

impl Roster {
    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many bytes their texts have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// All series.
    pub(super) fn entries(&self) -> impl Iterator<Item = (SeriesId, &Entry)> {
        let all = (0..).map(SeriesId::new).zip(&self.entries);
        all.filter(|(_, entry)| !entry.is_vacant)
    }

    /// The series of this text, or else the fingerprint that it would have.
    pub(super) fn find_or_fingerprint(&self, text: &[u8]) -> Result<SeriesId, u32> {
        let fingerprint = self.fingerprint(text);
        self.look_up(fingerprint, text).ok_or(fingerprint)
    }

    /// The series of this text.
    pub(super) fn find(&self, text: &[u8]) -> Option<SeriesId> {
        self.find_or_fingerprint(text).ok()
    }

    /// By what a text is looked up.
    #[inline]
    pub(super) fn fingerprint(&self, text: &[u8]) -> u32 {
        Index::fingerprint(self.hasher.hash_one(text))
    }

    fn look_up(&self, fingerprint: u32, text: &[u8]) -> Option<SeriesId> {
        let is_it = |&place: &u32| self.entries.get(place as usize).is_some_and(|entry| self.text_of(entry) == text);
        self.index.candidates(fingerprint).find(is_it).map(SeriesId::new)
    }

    /// The series that a text with this fingerprint most likely is one of.
    #[inline]
    pub(super) fn candidate(&self, fingerprint: u32) -> Option<SeriesId> {
        self.index.candidates(fingerprint).next().map(SeriesId::new)
    }

    /// Something of the text of a series, read so that the text is at hand when it is compared.
    #[inline]
    pub(super) fn touch(&self, series: SeriesId) -> u8 {
        let text = self.entries.get(series.index()).map_or(&[][..], |entry| self.text_of(entry));
        let at = |at: usize| text.get(at).copied().unwrap_or_default();
        at(0) ^ at(text.len() / 2) ^ at(text.len().wrapping_sub(1))
    }

    /// The series of a text with this fingerprint; `candidate` is the likeliest one.
    #[inline]
    pub(super) fn verify(&self, candidate: Option<SeriesId>, fingerprint: u32, text: &[u8]) -> Option<SeriesId> {
        let entry = self.entries.get(candidate?.index())?;
        if self.text_of(entry) == text { candidate } else { self.look_up(fingerprint, text) }
    }

    /// The text of a series, if there is one of this number.
    pub(super) fn text(&self, series: SeriesId) -> Option<&str> {
        let entry = self.entries.get(series.index()).filter(|entry| !entry.is_vacant)?;
        let start = entry.start as usize * UNIT;
        self.arena.get(start..start + entry.length as usize)
    }

    pub(super) fn entry(&self, series: SeriesId) -> &Entry {
        &self.entries[series.index()]
    }

    pub(super) fn entry_mut(&mut self, series: SeriesId) -> &mut Entry {
        &mut self.entries[series.index()]
    }

    /// How many series ever came: never 0 when one is there.
    pub(super) fn births(&self) -> u32 {
        self.births
    }

    /// Takes in a series that there is none of, and gives its number. `fingerprint` is that of its text.
    ///
    /// # Panics
    ///
    /// With 2^32 series or 32 GiB of texts, which limits keep away.
    pub(super) fn enter(&mut self, text: &str, fingerprint: u32) -> SeriesId {
        self.births = self.births.wrapping_add(1).max(1);
        let room = text.len() + UNIT;
        if self.arena.capacity() - self.arena.len() < room {
            self.make_room(room);
        }
        pad(&mut self.arena);
        let entry = Entry {
            start: u32::try_from(self.arena.len() / UNIT).expect("texts are limited to less than 32 GiB"),
            length: u32::try_from(text.len()).expect("a line is shorter than 4 GiB"),
            next: NOBODY,
            family: FamilyId::NONE,
            sharing: 0,
            seen: 0,
            unrelated: 0,
            replay: Replay::Not,
            grows: false,
            is_vacant: false,
        };
        self.arena.push_str(text);
        self.bytes += text.len();
        let place = if let Some(place) = self.free.pop() {
            self.entries[place as usize] = entry;
            place
        } else {
            make_room(&mut self.entries, 1);
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 series fit in memory")
        };
        self.index.insert(fingerprint, place);
        let series = SeriesId::new(place);
        self.came(series);
        self.is_fresh = true;
        series
    }

    /// Before a series that is new: makes room for all series that a body of so many bytes has if they are like those that
    /// are known, if there is none. Gives how many that are.
    pub(super) fn expect(&mut self, body_bytes: u64) -> Option<usize> {
        let (known, places) = (self.index.len(), self.entries.len());
        if places < self.entries.capacity() || !self.free.is_empty() || known < FEW_SERIES {
            return None;
        }
        let each = self.bytes as u64 / known as u64 + SHORTEST_TAIL;
        // Those to come may be shorter. Room that is not touched costs nothing, and moving all of it does.
        let expected = (body_bytes / each).saturating_mul(2).min(MOST_AT_ONCE) as usize;
        if expected < places + places / 2 {
            return None;
        }
        make_room_for(&mut self.entries, expected);
        // No longer than the body, and where texts may begin.
        let bytes = (expected as u64 * each).min(body_bytes) as usize + expected * UNIT;
        self.arena.reserve_exact(bytes.saturating_sub(self.arena.len()));
        Some(expected)
    }

    /// A series is no longer one; its number will be given out again.
    pub(super) fn leave(&mut self, series: SeriesId) {
        let place = series.place();
        let Some(entry) = self.entries.get(series.index()).filter(|entry| !entry.is_vacant) else { return };
        let fingerprint = self.fingerprint(self.text_of(entry));
        self.index.remove(fingerprint, place);
        let entry = &mut self.entries[series.index()];
        self.bytes -= entry.length as usize;
        (entry.is_vacant, entry.replay) = (true, Replay::Not);
        self.free.push(place);
    }

    /// Closes the gaps between texts when they take half as much room as the texts.
    pub(super) fn tidy(&mut self) {
        let needed = self.needed();
        if self.arena.len() >= needed + needed / 2 + FEW_BYTES {
            self.close_gaps();
        }
    }

    /// Makes room for another text. Where series come and go, the gaps that some left are room for the others.
    fn make_room(&mut self, room: usize) {
        let needed = self.needed();
        if self.arena.len() >= needed + needed / 4 + FEW_BYTES {
            self.close_gaps();
        }
        if self.arena.capacity() - self.arena.len() < room {
            self.arena.reserve_exact(room.max(self.arena.len() / 2));
        }
    }

    /// How many bytes the texts take at most, each from where a text may begin.
    fn needed(&self) -> usize {
        self.bytes + self.index.len() * UNIT
    }

    /// Moves the texts together, in the order in which they stand. Where they are: as much again elsewhere, and given back,
    /// would be a hole in the memory of the process.
    fn close_gaps(&mut self) {
        let present = (0..).zip(&self.entries).filter(|(_, entry)| !entry.is_vacant);
        let mut present: Vec<(u32, u32)> = present.map(|(place, entry)| (entry.start, place)).collect();
        present.sort_unstable();
        let mut bytes = std::mem::take(&mut self.arena).into_bytes();
        let mut end = 0_usize;
        for (start, place) in present {
            let entry = &mut self.entries[place as usize];
            let (from, to) = (start as usize * UNIT, end.next_multiple_of(UNIT));
            bytes[end..to].fill(0);
            bytes.copy_within(from..from + entry.length as usize, to);
            entry.start = (to / UNIT) as u32;
            end = to + entry.length as usize;
        }
        bytes.truncate(end);
        if end < bytes.capacity() / 4 {
            bytes.shrink_to_fit();
        }
        self.arena = String::from_utf8(bytes).expect("whole texts, and zeros between them, are text");
    }

    /// The series that came last, if it still is one.
    pub(super) fn last(&self) -> Option<SeriesId> {
        (self.last != NOBODY).then(|| SeriesId::new(self.last))
    }

    /// A body begins.
    pub(super) fn begin(&mut self) {
        (self.last, self.missed) = (NOBODY, NOBODY);
        self.is_fresh = self.index.len() == 0;
    }

    /// A series came: from now on it is expected behind the one that came before it.
    pub(super) fn came(&mut self, series: SeriesId) {
        let expected = self.expected();
        if expected != series.place() {
            if let Some(before) = self.entries.get_mut(self.last as usize) {
                before.next = series.place();
            }
            self.missed = expected;
        }
        self.last = series.place();
        self.is_fresh = false;
    }

    /// Whether a series is worth being searched for: behind one that is new there are likely others.
    pub(super) fn is_search_worthwhile(&self) -> bool {
        !self.is_fresh
    }

    #[inline]
    fn expected(&self) -> u32 {
        // The first series of most bodies is the first one there ever was.
        self.entries.get(self.last as usize).map_or(if self.last == NOBODY { 0 } else { NOBODY }, |last| last.next)
    }

    /// The series that is expected to come, and the one that was expected where another one came: either may come now.
    #[inline]
    pub(super) fn expectation(&self) -> [u32; 2] {
        [self.expected(), self.missed]
    }

    /// The series of a number at the front of `lines`, and where its text ends, if it stands there.
    #[inline]
    pub(super) fn stands(&self, place: u32, lines: &[u8]) -> Option<(SeriesId, usize)> {
        let entry = self.entries.get(place as usize)?;
        let text = self.text_of(entry);
        let stands = lines.len() > text.len() && lines[text.len()] == b' ' && lines[..text.len()] == *text;
        (stands && !entry.is_vacant).then(|| (SeriesId::new(place), text.len()))
    }

    #[inline]
    fn text_of(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize * UNIT;
        self.arena.as_bytes().get(start..start + entry.length as usize).unwrap_or_default()
    }
}

/// Makes the next text begin where a text may.
fn pad(arena: &mut String) {
    let gap = arena.len().next_multiple_of(UNIT) - arena.len();
    arena.push_str(&"\0\0\0\0\0\0\0"[..gap]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_series_that_come_and_go_share_their_room() {
        let mut roster = Roster::default();
        let text = |number: usize| format!("metric{{of=\"{number}\",text=\"{}\"}}", "ü".repeat(number % 50));
        let enter = |roster: &mut Roster, number| {
            let text = text(number);
            let fingerprint = roster.fingerprint(text.as_bytes());
            roster.enter(&text, fingerprint)
        };
        let mut present: Vec<_> = (0..5000).map(|number| enter(&mut roster, number)).collect();
        let mut most = 0;
        for number in 5000..100_000 {
            let place = number % present.len();
            roster.leave(present[place]);
            present[place] = enter(&mut roster, number);
            most = most.max(roster.arena.capacity());
        }
        assert!(most < 2 * roster.bytes + 2 * FEW_BYTES, "{most} for {}", roster.bytes);
        for number in 95_000..100_000 {
            let series = roster.find(text(number).as_bytes());
            assert!(
                series == Some(present[number % 5000])
                    && series.and_then(|series| roster.text(series)) == Some(&*text(number))
            );
        }
    }
}
