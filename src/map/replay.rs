//! The hot path: lines of series that were planned before, replayed without being read.
//!
//! A line is replayed if all that it could say is its value: it begins with the text of a known series and a blank, the
//! series was planned for the open family and the present shared labels, and a plain number follows. Whatever is
//! otherwise ends the run, and the reader reads the line. What comes of a replayed line is then the same as if it had
//! been read: the plan is the same, and so is the submission but for its value.
//!
//! Series mostly come in the order of the scrape before. Where they do not, some lines are looked up together, so that
//! the memory need not be waited for line by line.

use memchr::{memchr, memrchr};

use crate::parse::{Format, Room, Tail, Taken, tail};

use super::mapping::Mapping;
use super::origin::SeriesId;
use super::roster::{Replay, Roster};
use super::selection::FamilyId;
use super::submission::Submissions;

/// At most so many lines are looked up together.
const TOGETHER: usize = 32;

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
}

/// A line that was looked up.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Where it begins.
    at: usize,
    /// The bytes of its series.
    length: usize,
    fingerprint: u32,
    series: Option<SeriesId>,
}

impl<S: Submissions> Mapping<'_, S> {
    /// Replays the lines at the front of `lines` as far as they can be.
    pub(super) fn replay(&mut self, lines: &[u8], room: Room) -> Taken {
        let mut taken = Taken::default();
        let Some(family) = self.open.replayed else { return taken };
        if self.outcome.error.is_some() || self.failing.is_some() {
            return taken;
        }
        // Among series that are all new nothing stands that is known.
        let roster = &self.memory.roster;
        let is_expected = |place: u32| roster.stands(place, lines).is_some();
        if !roster.is_search_worthwhile() && !roster.expectation().into_iter().any(is_expected) {
            return taken;
        }
        let format = self.circumstances.format;
        let before = self.repetition.read().filter(|_| format == Format::OpenMetrics);
        let mut run = Run {
            before: before.and_then(|text| self.memory.find(text)),
            format,
            family,
            sharing: self.shared.generation(),
            age: self.memory.age(),
            line_bytes: room.line_bytes,
            flush_first_value: self.emitter.flush_first_value,
            tells_starts: self.open.tells_starts,
        };
        let (mut timestamp, mut ahead) = (None, 1);
        'run: while taken.lines < room.lines {
            let rest = &lines[taken.bytes..];
            let [expected, missed] = self.memory.roster.expectation();
            let roster = &self.memory.roster;
            if let Some((series, length)) = roster.stands(expected, rest).or_else(|| roster.stands(missed, rest)) {
                let Some(tail) = self.line(run, series, rest, length) else { break };
                taken.bytes += length + tail.length;
                taken.lines += 1;
                run.before = None;
                (timestamp, ahead) = (tail.timestamp_ms, 1);
                continue;
            }
            let mut found = [Found::default(); TOGETHER];
            let count = look_up(roster, rest, &mut found[..ahead]);
            if count == 0 {
                break;
            }
            // One series may be gone, or new. The more lines stand elsewhere, the more are likely to.
            ahead = (ahead * 4).min(TOGETHER);
            let start = taken.bytes;
            for Found { at, length, series, .. } in &found[..count] {
                if taken.lines == room.lines {
                    break 'run;
                }
                let Some(series) = *series else { break 'run };
                let Some(tail) = self.line(run, series, &rest[*at..], *length) else { break 'run };
                taken.bytes = start + at + length + tail.length;
                taken.lines += 1;
                run.before = None;
                timestamp = tail.timestamp_ms;
            }
        }
        self.open.samples += taken.lines;
        if taken.lines > 0 {
            self.repetition.passed(self.memory.roster.last(), timestamp);
        }
        taken
    }

    /// Replays a line whose series is known; `None`, and nothing happens, if it cannot be.
    #[inline]
    fn line(&mut self, run: Run, series: SeriesId, line: &[u8], length: usize) -> Option<Tail> {
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
        Some(tail)
    }
}

/// How many bytes of a line its series has.
fn series_length(line: &[u8]) -> Option<usize> {
    // No value and no timestamp has a brace.
    memrchr(b'}', line).map_or_else(|| memchr(b' ', line), |brace| Some(brace + 1))
}

/// Looks up the series of the lines at the front of `lines`, wherever they stood before; gives how many lines there are.
fn look_up(roster: &Roster, lines: &[u8], found: &mut [Found]) -> usize {
    if !roster.is_search_worthwhile() {
        return 0;
    }
    let (mut at, mut count) = (0, 0);
    for found in &mut *found {
        let rest = &lines[at..];
        let Some(end) = memchr(b'\n', rest) else { break };
        let line = &rest[..end];
        let Some(length) = series_length(line) else { break };
        if line.get(length) != Some(&b' ') || line[0] == b'#' {
            break;
        }
        *found = Found { at, length, fingerprint: roster.fingerprint(&line[..length]), series: None };
        at += end + 1;
        count += 1;
    }
    let found = &mut found[..count];
    // One step for all of them before the next one for any: each waits for the memory, but not for the others.
    for found in &mut *found {
        found.series = roster.candidate(found.fingerprint);
    }
    let touched = found.iter().filter_map(|found| found.series).fold(0, |all, series| all ^ roster.touch(series));
    std::hint::black_box(touched);
    for found in &mut *found {
        let text = &lines[found.at..][..found.length];
        found.series = roster.verify(found.series, found.fingerprint, text);
    }
    count
}
