//! The series of a target as they are recognised: their texts, who came behind whom, and what may be replayed of each.
//!
//! To recognise a series where it is expected takes a comparison of its text; elsewhere it is found by a hash of that.

mod index;
mod pieces;
mod unindexed;

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use index::Index;
use pieces::PiecedText;
pub(super) use pieces::{Cut, Meaning, Piece, Pieces};
use unindexed::Unindexed;

use super::dropped::DropReason;
use super::origin::SeriesId;
use super::selection::FamilyId;
use crate::texts::{make_room, make_room_for};

/// With so few series it is not worth the work to guess how many will come.
const FEW_SERIES: usize = 4096;

/// What a line has beside the text of its series, at least: a blank, a digit, and a line feed.
const SHORTEST_TAIL: u64 = 3;

/// There is no room made for more series than this before they come: a body may have much in it that is no series.
const MOST_AT_ONCE: u64 = 1 << 20;

/// So many texts fit into the caches of a core.
const FEW_TEXTS: usize = 16 << 10;

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

/// A series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    text: PiecedText,
    /// How many bytes it has.
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
    pub(super) pieces: Pieces,
    /// By the number of the series.
    entries: Vec<Entry>,
    /// Numbers, by the hash of the text.
    index: Index,
    unindexed: Unindexed,
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
            pieces: Pieces::default(),
            entries: Vec::new(),
            index: Index::default(),
            unindexed: Unindexed::default(),
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
        self.entries.len() - self.free.len()
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

    /// The series of this text, if it is in the index, or else the fingerprint that it would have.
    pub(super) fn find_or_fingerprint(&self, text: &[u8]) -> Result<SeriesId, u32> {
        let fingerprint = self.fingerprint(text);
        self.look_up(fingerprint, text).ok_or_else(|| {
            // It is new, and will be entered soon.
            std::hint::black_box(self.index.touch(fingerprint));
            fingerprint
        })
    }

    /// By what a text is looked up.
    #[inline]
    pub(super) fn fingerprint(&self, text: &[u8]) -> u32 {
        Index::fingerprint(self.hasher.hash_one(text))
    }

    fn look_up(&self, fingerprint: u32, text: &[u8]) -> Option<SeriesId> {
        let is_it = |&place: &u32| self.is(SeriesId::new(place), text);
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
        self.entries.get(series.index()).map_or(0, |entry| self.pieces.touch(entry.text))
    }

    /// The series of a text with this fingerprint; `candidate` is the likeliest one.
    #[inline]
    pub(super) fn verify(&self, candidate: Option<SeriesId>, fingerprint: u32, text: &[u8]) -> Option<SeriesId> {
        if self.is(candidate?, text) { candidate } else { self.look_up(fingerprint, text) }
    }

    /// Whether a series is the one of this text.
    #[inline]
    pub(super) fn is(&self, series: SeriesId, text: &[u8]) -> bool {
        let entry = self.entries.get(series.index()).filter(|entry| !entry.is_vacant);
        entry.is_some_and(|entry| entry.length as usize == text.len() && self.pieces.is(entry.text, text))
    }

    /// The text of a series, if there is one of this number.
    pub(super) fn text(&self, series: SeriesId) -> Option<String> {
        let entry = self.entries.get(series.index()).filter(|entry| !entry.is_vacant)?;
        Some(self.pieces.get(entry.text))
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

    /// Takes in a series that there is none of, and gives its number. `fingerprint` is that of its text, which may be cut;
    /// it is none if the series was not looked up ([`Roster::shows_new`]).
    ///
    /// # Panics
    ///
    /// With 2^32 series, which limits keep away.
    pub(super) fn enter(&mut self, text: &str, cut: Option<Cut>, fingerprint: Option<u32>) -> SeriesId {
        let (text, cut) = (text.as_bytes(), cut.filter(|_| self.keeps_pieces()));
        match cut {
            Some(cut) => {
                let PiecedText { head, stem, rest } = self.pieces.hold_cut(text, cut);
                self.admit(text.len(), head, stem, rest, fingerprint)
            }
            None => self.enter_whole(text, fingerprint),
        }
    }

    /// The same of a text that was put together of other texts, whose pieces are there; the stem is none if it has nothing in
    /// common with others.
    #[inline]
    pub(super) fn enter_pieces(
        &mut self,
        text: &[u8],
        head: Piece,
        stem: Piece,
        rest: Piece,
        fingerprint: Option<u32>,
    ) -> SeriesId {
        if stem == Piece::NONE || !self.keeps_pieces() {
            return self.enter_whole(text, fingerprint);
        }
        self.pieces.hold(head);
        self.pieces.hold(stem);
        self.pieces.hold(rest);
        self.admit(text.len(), head, stem, rest, fingerprint)
    }

    fn enter_whole(&mut self, text: &[u8], fingerprint: Option<u32>) -> SeriesId {
        let text_kept = self.pieces.keep(text);
        self.admit(text.len(), Piece::NONE, Piece::NONE, text_kept, fingerprint)
    }

    /// Whether texts are kept in pieces: one comparison is faster than three, and where there are few texts, little room is
    /// gained.
    fn keeps_pieces(&self) -> bool {
        self.len() >= FEW_TEXTS
    }

    fn admit(&mut self, length: usize, head: Piece, stem: Piece, rest: Piece, fingerprint: Option<u32>) -> SeriesId {
        self.births = self.births.wrapping_add(1).max(1);
        let entry = Entry {
            text: PiecedText { head, stem, rest },
            length: u32::try_from(length).expect("a line is shorter than 4 GiB"),
            next: NOBODY,
            family: FamilyId::NONE,
            sharing: 0,
            seen: 0,
            unrelated: 0,
            replay: Replay::Not,
            grows: false,
            is_vacant: false,
        };
        self.bytes += length;
        let place = if let Some(place) = self.free.pop() {
            self.entries[place as usize] = entry;
            place
        } else {
            make_room(&mut self.entries, 1);
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 series fit in memory")
        };
        match fingerprint {
            Some(fingerprint) => self.index.insert(fingerprint, place),
            None => self.unindexed.add(place),
        }
        let series = SeriesId::new(place);
        self.came(series);
        self.is_fresh = true;
        series
    }

    /// Before a series that is new: makes room for all series that a body of so many bytes has if they are like those that
    /// are known, if there is none. Gives how many that are.
    pub(super) fn expect(&mut self, body_bytes: u64) -> Option<usize> {
        let (known, places) = (self.len(), self.entries.len());
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
        let whole = expected.min(FEW_TEXTS) - known.min(FEW_TEXTS);
        self.pieces.expect(whole, whole * each as usize);
        Some(expected)
    }

    /// A series is no longer one; its number will be given out again.
    pub(super) fn leave(&mut self, series: SeriesId) {
        self.index_all();
        let place = series.place();
        let Some(text) = self.text(series) else { return };
        self.index.remove(self.fingerprint(text.as_bytes()), place);
        self.bytes -= text.len();
        let entry = &mut self.entries[series.index()];
        self.pieces.let_go(entry.text);
        (entry.is_vacant, entry.replay) = (true, Replay::Not);
        self.free.push(place);
    }

    /// Gives back the room of texts that are gone, if it is much.
    pub(super) fn tidy(&mut self) {
        self.pieces.tidy();
    }

    /// The series that came last, if it still is one.
    pub(super) fn last(&self) -> Option<SeriesId> {
        (self.last != NOBODY).then(|| SeriesId::new(self.last))
    }

    /// A body has ended.
    pub(super) fn end(&mut self) {
        self.pieces.forget();
        self.unindexed.end();
    }

    /// A family begins.
    pub(super) fn begin_family(&mut self) {
        self.unindexed.begin_family();
    }

    /// Notes that a series of this name is read, before it is looked up.
    pub(super) fn note_name(&mut self, name: &str) {
        self.unindexed.note_name(name);
    }

    /// Whether there may be a series of this name.
    pub(super) fn may_know(&self, name: &str) -> bool {
        self.unindexed.may_know(name)
    }

    /// Whether a series of the open family is new if its context is, so that it need not be looked up.
    #[inline]
    pub(super) fn shows_new(&self) -> bool {
        self.unindexed.shows_new()
    }

    /// Has all series in the index that one of the open family could be.
    #[inline]
    pub(super) fn index_family(&mut self) {
        while let Some(run) = self.unindexed.take_of_family() {
            self.index_run(run);
        }
    }

    /// Has all series in the index.
    pub(super) fn index_all(&mut self) {
        while let Some(run) = self.unindexed.take_any() {
            self.index_run(run);
        }
    }

    fn index_run(&mut self, run: Range<u32>) {
        let mut text = Vec::new();
        for place in run {
            self.pieces.copy(self.entries[place as usize].text, &mut text);
            self.index.insert(self.fingerprint(&text), place);
        }
    }

    /// A body begins.
    pub(super) fn begin(&mut self) {
        (self.last, self.missed) = (NOBODY, NOBODY);
        self.is_fresh = self.len() == 0;
        self.unindexed.begin(self.is_fresh);
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

    /// Whether nothing that is known is likely to come: among series that are all new.
    #[inline]
    pub(super) fn expects_none(&self) -> bool {
        self.is_fresh && self.missed == NOBODY
    }

    /// The series that is expected to come.
    #[inline]
    pub(super) fn expected(&self) -> u32 {
        // The first series of most bodies is the first one there ever was.
        self.entries.get(self.last as usize).map_or(if self.last == NOBODY { 0 } else { NOBODY }, |last| last.next)
    }

    /// The series at the front of `lines`, if it is the one that is expected, or the one that was expected where another one
    /// came: either may come now. Not for the hot path, where this is done step by step.
    pub(super) fn expects(&self, lines: &[u8]) -> Option<(SeriesId, usize)> {
        self.stands(self.expected(), lines).or_else(|| self.stands_again(lines))
    }

    /// The same of the one that was expected where another one came. A call of its own, so that what is at the expected place
    /// is found without one.
    #[inline(never)]
    pub(super) fn stands_again(&self, lines: &[u8]) -> Option<(SeriesId, usize)> {
        self.stands(self.missed, lines)
    }

    /// The series of a number at the front of `lines`, and where its text ends, if it stands there.
    #[inline]
    pub(super) fn stands(&self, place: u32, lines: &[u8]) -> Option<(SeriesId, usize)> {
        let entry = self.entries.get(place as usize).filter(|entry| !entry.is_vacant)?;
        let length = entry.length as usize;
        let stands = lines.get(length) == Some(&b' ') && self.pieces.is(entry.text, &lines[..length]);
        stands.then(|| (SeriesId::new(place), length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_series_that_come_and_go_share_their_room() {
        // Some are kept whole, and others in pieces.
        const SERIES: usize = FEW_TEXTS + 5000;
        let mut roster = Roster::default();
        let text = |number: usize| format!("metric{{of=\"{number}\",text=\"{}\"}}", "ü".repeat(number % 50));
        let enter = |roster: &mut Roster, number| {
            let text = text(number);
            let fingerprint = roster.fingerprint(text.as_bytes());
            let cut = Cut { stem: 7, rest: 8 + number % 3 };
            roster.enter(&text, Some(cut), Some(fingerprint))
        };
        let mut present: Vec<_> = (0..SERIES).map(|number| enter(&mut roster, number)).collect();
        let mut most = 0;
        for number in SERIES..5 * SERIES {
            let place = number % present.len();
            roster.leave(present[place]);
            present[place] = enter(&mut roster, number);
            roster.tidy();
            most = most.max(roster.pieces.capacity());
        }
        assert!(most < 2 * roster.bytes, "{most} for {}", roster.bytes);
        for number in 4 * SERIES..5 * SERIES {
            let series = roster.find_or_fingerprint(text(number).as_bytes()).ok();
            assert!(
                series == Some(present[number % SERIES])
                    && series.and_then(|series| roster.text(series)) == Some(text(number))
            );
        }
    }
}
