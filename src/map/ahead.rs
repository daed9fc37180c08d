//! Looks series up that stand elsewhere than in the scrape before, many together, so that the memory need not be waited
//! for line by line.
//!
//! Where objects are exposed in another order, the lines of each stay together: then only the first of every few lines
//! has to be looked up.

use memchr::{memchr, memrchr};

use crate::parse::Taken;

use super::origin::SeriesId;
use super::roster::Roster;

/// At most so many series are looked up together.
const TOGETHER: usize = 32;

/// At most so many lines stand from one of them to the next.
const APART: u64 = 8;

/// The series that were looked up, in the order of their lines.
#[derive(Default)]
pub(super) struct Ahead {
    found: [Found; TOGETHER],
    count: usize,
    /// How many of them were not taken yet.
    left: usize,
    /// How many lines stood before the one that was searched for last.
    searched: u64,
    /// Whether objects turned out to have different numbers of lines.
    is_uneven: bool,
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

impl Ahead {
    /// Takes the series of the line that begins behind what was `taken`, and how many bytes that has, if it was found.
    #[inline]
    pub(super) fn take(&mut self, taken: Taken) -> Option<(SeriesId, usize)> {
        let Found { series, length, .. } = *self.next(taken)?;
        let series = series?;
        self.left -= 1;
        self.searched = taken.lines;
        Some((series, length))
    }

    /// That line, if it was looked up.
    #[inline]
    fn next(&self, taken: Taken) -> Option<&Found> {
        self.found[self.count - self.left..self.count].first().filter(|next| next.at == taken.bytes)
    }

    /// Searches for the series of that line, which does not stand where it is expected, and of others behind it.
    pub(super) fn search(&mut self, roster: &Roster, lines: &[u8], taken: Taken) -> Option<(SeriesId, usize)> {
        if !roster.is_search_worthwhile() || self.next(taken).is_some() {
            return None;
        }
        let apart = taken.lines - self.searched;
        self.is_uneven |= self.left > 0;
        // One series may be gone, or new. The more lines stand elsewhere, the more are likely to.
        let together = if apart > APART { 1 } else { (self.count * 4).clamp(1, TOGETHER) };
        let apart = if self.is_uneven { 1 } else { apart.clamp(1, APART) as usize };
        self.count = look_up(roster, lines, taken.bytes, apart, &mut self.found[..together]);
        self.left = self.count;
        self.take(taken)
    }
}

/// How many bytes of a line its series has.
fn series_length(line: &[u8]) -> Option<usize> {
    // No value and no timestamp has a brace. An exemplar has, but no line that has one can be replayed.
    memrchr(b'}', line).map_or_else(|| memchr(b' ', line), |brace| Some(brace + 1))
}

/// Looks up the series of every `apart`th of the lines from `at` on, wherever they stood before; gives how many it did.
fn look_up(roster: &Roster, lines: &[u8], mut at: usize, apart: usize, found: &mut [Found]) -> usize {
    let samples = std::iter::from_fn(|| {
        let rest = &lines[at..];
        let end = memchr(b'\n', rest).filter(|_| rest[0] != b'#')?;
        let sample = (at, &rest[..end]);
        at += end + 1;
        Some(sample)
    });
    let mut count = 0;
    for (found, (at, line)) in found.iter_mut().zip(samples.step_by(apart)) {
        let Some(length) = series_length(line).filter(|&length| line.get(length) == Some(&b' ')) else { break };
        *found = Found { at, length, fingerprint: roster.fingerprint(&line[..length]), series: None };
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
