//! The hot path: lines of series that were planned before, replayed without being read; and lines of series that are new
//! but like others ([`Layouts`](super::layout::Layouts)), of which only that much is read.
//!
//! A line is replayed if all that it could say is its value: it begins with the text of a known series and a blank, the
//! series was planned for the open family and the present shared labels, and a plain number follows. Whatever is
//! otherwise ends the run, and the reader reads the line. What comes of a replayed line is then the same as if it had
//! been read: the plan is the same, and so is the submission but for its value.
//!
//! Series mostly come in the order of the scrape before. Where they do not, they are looked up ([`Ahead`]).

use crate::parse::{Format, Room, Taken, tail};

use super::ahead::Ahead;
use super::mapping::Mapping;
use super::origin::SeriesId;
use super::roster::Replay;
use super::selection::FamilyId;
use super::submission::Submissions;

/// What has to be so for a line to be replayed, and what is replayed with it.
#[derive(Clone, Copy)]
struct Run {
    format: Format,
    family: FamilyId,
    sharing: u32,
    age: u32,
    line_bytes: usize,
    flush_first_value: bool,
    /// Whether the samples may say when other series began.
    tells_starts: bool,
    /// The series of the line before, if that was read.
    before: Option<SeriesId>,
    /// Whether the sample before, if it was read, may be repeated.
    may_repeat: bool,
}

impl<S: Submissions> Mapping<'_, S> {
    /// Replays the lines at the front of `lines` as far as they can be.
    pub(super) fn replay(&mut self, lines: &[u8], room: Room) -> Taken {
        let mut taken = Taken::default();
        let Some(family) = self.open.replayed else { return taken };
        if self.outcome.error.is_some() || self.failing.is_some() {
            return taken;
        }
        // Among series that are all new nothing stands that is known, or like what is known.
        let roster = &self.memory.roster;
        let may_be_known = || roster.is_search_worthwhile() || roster.expects(lines).is_some();
        if self.drafts.layouts.is_empty() && !may_be_known() {
            return taken;
        }
        let format = self.circumstances.format;
        let before = self.repetition.read().filter(|_| format == Format::OpenMetrics);
        let mut run = Run {
            may_repeat: format == Format::OpenMetrics,
            before: before.and_then(|text| self.memory.find_indexed(text.as_bytes()).ok()),
            format,
            family,
            sharing: self.shared.generation(),
            age: self.memory.age(),
            line_bytes: room.line_bytes,
            flush_first_value: self.emitter.flush_first_value,
            tells_starts: self.open.tells_starts,
        };
        let (mut timestamp, mut ahead) = (None, Ahead::default());
        while taken.lines < room.lines {
            let (roster, rest) = (&self.memory.roster, &lines[taken.bytes..]);
            let known = ahead.take(taken).or_else(|| {
                if roster.expects_none() {
                    return None;
                }
                let stands = roster.stands(roster.expected(), rest).or_else(|| roster.stands_again(rest));
                stands.or_else(|| ahead.search(roster, lines, taken))
            });
            let read = match known {
                Some((series, length)) => self.line(run, series, rest, length),
                None => self.new_line(&run, rest),
            };
            let Some((length, timestamp_ms)) = read else { break };
            taken.bytes += length;
            taken.lines += 1;
            (run.before, run.may_repeat) = (None, false);
            timestamp = timestamp_ms;
        }
        self.open.samples += taken.lines;
        if taken.lines > 0 {
            self.repetition.passed(self.memory.roster.last(), timestamp);
        }
        taken
    }

    /// Whether the line at the front of `lines` is one of a series that is expected there, and could be replayed.
    pub(super) fn expects(&self, lines: &[u8], room: Room) -> bool {
        let (roster, format) = (&self.memory.roster, self.circumstances.format);
        let could_be = |(_, length): (SeriesId, usize)| {
            tail(&lines[length..], format).is_some_and(|tail| length + tail.length <= room.line_bytes)
        };
        room.lines > 0 && roster.expects(lines).is_some_and(could_be)
    }

    /// Replays a line whose series is known; gives how many bytes it has, and its timestamp. `None`, and nothing happens, if
    /// it cannot be.
    #[inline]
    fn line(&mut self, run: Run, series: SeriesId, line: &[u8], length: usize) -> Option<(usize, Option<i64>)> {
        let tail = tail(line.get(length..)?, run.format)?;
        let roster = &mut self.memory.roster;
        let entry = roster.entry(series);
        let is_planned = entry.family == run.family && entry.sharing == run.sharing;
        // The same series twice in a row may be a repetition.
        let repeats = roster.last() == Some(series) || run.before == Some(series);
        let tells = run.tells_starts && entry.unrelated != roster.births();
        if !is_planned || repeats || tells || length + tail.length > run.line_bytes {
            return None;
        }
        match entry.replay {
            Replay::Same if self.emitter.out.again(series, tail.value, run.flush_first_value) => {}
            Replay::Same | Replay::Not => return None,
            Replay::Drop(reason) => self.outcome.dropped.add(reason),
        }
        roster.entry_mut(series).seen = run.age;
        roster.came(series);
        Some((length + tail.length, tail.timestamp_ms))
    }

    /// Takes in a line whose series is new and like one before; otherwise as [`Mapping::line`].
    fn new_line(&mut self, run: &Run, line: &[u8]) -> Option<(usize, Option<i64>)> {
        let layouts = &mut self.drafts.layouts;
        if layouts.is_empty() || run.tells_starts {
            return None;
        }
        let like = layouts.read(line, &self.memory.roster.pieces)?;
        let (text, behind) = line.split_at(like.length());
        let tail = tail(behind, run.format)?;
        let length = like.length() + tail.length;
        if run.may_repeat && self.repetition.read().is_some_and(|read| read.as_bytes() == text) {
            return None;
        }
        let unknown = if self.memory.roster.shows_new() { None } else { Some(self.memory.find(text).err()?) };
        if length > run.line_bytes || self.make_room().is_err() {
            return None;
        }
        let series = self.alike(&like, text, unknown, run.sharing)?;
        self.apply_plain(series, tail.value);
        Some((length, tail.timestamp_ms))
    }
}
