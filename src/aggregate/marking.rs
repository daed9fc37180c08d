//! The memory of a target across a restart: which readings have changed since they were last marked, and which marks of
//! an earlier process wait for their series.

use std::collections::HashMap;
use std::time::Duration;

use super::distribution::Bounds;
use super::mark::{self, Head, Mark, MarksError};
use super::marks::MarksContent;
use super::reading::{Before, NativePair, Reading, ReadingKind, Readings};
use super::starts::Starts;
use crate::map::{RETAIN_SCRAPES, SeriesId};
use crate::texts::reach;
use crate::time::UnixTime;

/// Gives the text of a series, if it is remembered.
pub(super) type Resolve<'r> = &'r dyn Fn(SeriesId) -> Option<String>;

/// What was marked.
#[derive(Debug, Default)]
pub(super) struct Marking {
    /// By the place of the reading.
    marked: Vec<Option<Marked>>,
    /// How many bytes the last marks of everything had, and those since then together.
    whole: usize,
    since: usize,
}

/// What was last marked of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Marked {
    hash: u64,
    bits: u64,
    kind: ReadingKind,
    bounds: Option<Bounds>,
    start: Option<UnixTime>,
    /// Whether it was read in the scrape of the marks.
    is_present: bool,
}

impl Marking {
    /// Marks of the scrape that just ended, whose number is `scrape`: of what changed, or of everything, where that takes
    /// no more.
    pub(super) fn marks(
        &mut self,
        head: &Head,
        readings: &Readings,
        starts: &Starts,
        scrape: u32,
        waiting: Option<&Waiting>,
        resolve: Resolve<'_>,
    ) -> MarksContent {
        let is_whole = self.since >= self.whole;
        let mut bytes = Vec::with_capacity(if is_whole { self.whole } else { 0 });
        mark::write_head(&mut bytes, head);
        for (place, reading) in readings.all.iter().enumerate() {
            // One that was forgotten, or never settled.
            if reading.before == Before::Nothing {
                continue;
            }
            reach(&mut self.marked, place, || None);
            let known = &mut self.marked[place];
            let hash = known.map(|known| known.hash).or_else(|| resolve(reading.series).map(|text| mark::hash(&text)));
            let Some(hash) = hash else { continue };
            let marked = Marked {
                hash,
                bits: reading.last,
                kind: reading.kind,
                bounds: readings.bounds_of(place as u32),
                start: starts.known(reading.series),
                is_present: reading.seen == scrape,
            };
            let native = readings.natives.get(&(place as u32)).and_then(|pair| pair.last.as_ref());
            let native = native.filter(|_| reading.kind == ReadingKind::Native);
            if is_whole || *known != Some(marked) || (native.is_some() && marked.is_present) {
                mark::write(&mut bytes, hash, &marked.mark(reading), native);
            }
            *known = Some(marked);
        }
        if is_whole {
            for (hash, mark) in waiting.iter().flat_map(|waiting| &waiting.marks) {
                mark::write(&mut bytes, *hash, mark, mark.native.as_ref());
            }
            (self.whole, self.since) = (bytes.len(), 0);
            MarksContent::Whole(bytes)
        } else {
            self.since += bytes.len();
            MarksContent::Changes(bytes)
        }
    }

    /// The reading at this place is one of another series from now on.
    pub(super) fn forget(&mut self, place: u32) {
        if let Some(known) = self.marked.get_mut(place as usize) {
            *known = None;
        }
    }
}

impl Marked {
    fn mark(&self, reading: &Reading) -> Mark {
        let Self { bits, kind, bounds, start, is_present, .. } = *self;
        let at = (!is_present).then_some(reading.last_at);
        Mark { kind, bits, native: None, at, bounds, start }
    }
}

/// Marks of an earlier process.
#[derive(Debug)]
pub(super) struct Waiting {
    marks: HashMap<u64, Mark>,
    pub(super) head: Head,
    /// Whether the next scrape is the first one after those that were marked, and the last of them succeeded: what begins
    /// anew began since then.
    is_next: bool,
    /// How many successful scrapes they wait for their series: as long as these would be remembered if there were room.
    /// Marks need little, and no more come to those that there are.
    patience: u32,
}

impl Waiting {
    /// The marks of one target in the order in which they were made; none if there are none that are younger than
    /// `age_limit`.
    pub(super) fn read(
        contents: &[MarksContent],
        now: UnixTime,
        age_limit: Duration,
    ) -> Result<Option<Self>, MarksError> {
        let mut marks = HashMap::new();
        let mut last = None;
        for content in contents {
            let (MarksContent::Whole(bytes) | MarksContent::Changes(bytes)) = content;
            let (head, some) = mark::read(bytes)?;
            if matches!(content, MarksContent::Whole(_)) {
                marks.clear();
            }
            marks.extend(some);
            last = Some(head);
        }
        let Some(head) = last.filter(|head: &Head| head.at.plus(age_limit) >= now) else { return Ok(None) };
        for mark in marks.values_mut() {
            mark.at.get_or_insert(head.at);
        }
        let is_next = head.watched_until == Some(head.at);
        Ok(Some(Self { marks, head, is_next, patience: RETAIN_SCRAPES }))
    }

    /// Gives the series that are read for the first time in the scrape `scrape` their marks as last readings. Tells
    /// whether any of them fell, or may have.
    pub(super) fn recall(
        &mut self,
        readings: &mut Readings,
        starts: &mut Starts,
        scrape: u32,
        resolve: Resolve<'_>,
    ) -> bool {
        let mut fell = false;
        for place in 0..readings.all.len() {
            let bounds = readings.bounds_of(place as u32);
            let reading = &mut readings.all[place];
            if reading.seen != scrape || reading.before != Before::Nothing {
                continue;
            }
            let mark = resolve(reading.series).and_then(|text| self.marks.remove(&mark::hash(&text)));
            let Some(mark) = mark else { continue };
            let is_same = mark.kind == reading.kind && mark.bounds == bounds;
            (reading.last, reading.last_at) = (mark.bits, mark.at.unwrap_or(self.head.at));
            reading.before = if is_same { Before::Comparable } else { Before::Foreign };
            reading.flush |= self.is_next;
            starts.keep(reading.series, mark.start);
            if mark.native.is_some() {
                let pair: &mut NativePair = readings.natives.entry(place as u32).or_default();
                pair.last = mark.native;
            }
            fell |= readings.fell(place as u32);
        }
        fell
    }

    /// Ends a scrape; whether there is still something to wait for.
    pub(super) fn goes_on(&mut self, succeeded: bool) -> bool {
        self.is_next = false;
        self.patience -= u32::from(succeeded);
        self.patience > 0 && !self.marks.is_empty()
    }
}
