//! The hot path: lines of series that were planned before, replayed without being read.
//!
//! A line is replayed if all that it could say is its value: it begins with the text of a known series and a blank, the
//! series was planned for the open family and the present shared labels, and a plain number follows. Whatever is
//! otherwise ends the run, and the reader reads the line. What comes of a replayed line is then the same as if it had
//! been read: the plan is the same, and so is the submission but for its value.

use memchr::{memchr, memrchr};

use crate::parse::{Room, Tail, Taken, tail};

use super::mapping::Mapping;
use super::memory::Memory;
use super::origin::SeriesId;
use super::roster::{Replay, Roster};
use super::submission::Submissions;

impl<S: Submissions> Mapping<'_, S> {
    /// Replays the lines at the front of `lines` as far as they can be.
    pub(super) fn replay(&mut self, lines: &[u8], room: Room) -> Taken {
        let mut taken = Taken::default();
        if !self.open.replays || self.outcome.error.is_some() || self.failing.is_some() {
            return taken;
        }
        let format = self.circumstances.format;
        let (family, sharing, age) = (self.open.id, self.shared.generation(), self.memory.age());
        let flush_first_value = self.emitter.flush_first_value;
        let Memory { roster, .. } = &mut *self.memory;
        let mut timestamp = None;
        while taken.lines < room.lines {
            let rest = &lines[taken.bytes..];
            let Some((series, length)) = roster.recognise(rest).or_else(|| search(roster, rest)) else { break };
            let Some(Tail { value, timestamp_ms, length: tail }) = tail(&rest[length..], format) else { break };
            let entry = roster.entry(series);
            // The same series twice in a row may be a repetition.
            let is_planned = entry.family == family && entry.sharing == sharing && roster.last() != Some(series);
            if !is_planned || length + tail > room.line_bytes {
                break;
            }
            match entry.replay {
                Replay::Same if self.emitter.out.again(series, value, flush_first_value) => {}
                Replay::Same | Replay::Not => break,
                Replay::Drop(reason) => self.outcome.dropped.add(reason),
            }
            roster.entry_mut(series).seen = age;
            roster.came(series);
            taken.bytes += length + tail;
            taken.lines += 1;
            timestamp = timestamp_ms;
        }
        self.open.samples += taken.lines;
        if taken.lines > 0 {
            self.repetition.passed(roster.last(), timestamp);
        }
        taken
    }
}

/// The series at the front of `lines`, wherever it stood before, and where its text ends.
fn search(roster: &Roster, lines: &[u8]) -> Option<(SeriesId, usize)> {
    if !roster.is_search_worthwhile() {
        return None;
    }
    let line = &lines[..memchr(b'\n', lines)?];
    // No value and no timestamp has a brace.
    let length = memrchr(b'}', line).map_or_else(|| memchr(b' ', line), |brace| Some(brace + 1))?;
    let series = roster.find(&line[..length])?;
    (line.get(length) == Some(&b' ')).then_some((series, length))
}
