//! When series, groups and the process of a target began, as the exposition says, and which groups were reset. Nothing
//! of it takes room for targets that say nothing.

use super::growth::ProcessStart;
use super::reading::Reading;
use crate::map::{Begun, GroupId, SeriesId};
use crate::time::UnixTime;

/// Start times of one target.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// By the number of the series, as told since the last commit.
    series: Vec<Option<UnixTime>>,
    /// By the number of the series: as it was last told, when it was read.
    known: Vec<Option<UnixTime>>,
    /// By the number of the group.
    groups: Vec<Option<UnixTime>>,
    /// Whether any is told since the last commit.
    told: bool,
    /// As told since the last commit.
    process_told: Option<UnixTime>,
    /// As it was last told.
    process: Option<ProcessStart>,
}

fn put<T: Clone>(all: &mut Vec<Option<T>>, place: usize, value: T) {
    if all.len() <= place {
        all.resize(place + 1, None);
    }
    all[place] = Some(value);
}

fn at(all: &[Option<UnixTime>], place: usize) -> Option<UnixTime> {
    all.get(place).copied().flatten()
}

impl Starts {
    pub(super) fn begun(&mut self, begun: Begun, start: UnixTime) {
        self.told = true;
        match begun {
            Begun::Series(series) => put(&mut self.series, series.index(), start),
            Begun::Group(group) => put(&mut self.groups, group.index(), start),
        }
    }

    pub(super) fn process_started(&mut self, start: UnixTime) {
        self.process_told = Some(start);
    }

    /// When the process started, told up to the scrape at `now`.
    pub(super) fn process(&mut self, now: UnixTime) -> Option<ProcessStart> {
        let process = self.process_told.take().map(|start| match self.process {
            Some(known) if known.at == start => known,
            _ => ProcessStart { at: start, told: now },
        });
        self.process = process.or(self.process);
        process
    }

    /// When the process started, as it was last told.
    pub(super) fn last_process(&self) -> Option<ProcessStart> {
        self.process
    }

    /// When the process started, as an earlier process of Retriever was told.
    pub(super) fn restore_process(&mut self, process: Option<ProcessStart>) {
        self.process = process.or(self.process);
    }

    /// When a series began, if the present scrape says so.
    pub(super) fn present(&self, reading: &Reading) -> Option<UnixTime> {
        let group = |group: GroupId| at(&self.groups, group.index());
        at(&self.series, reading.series.index()).or_else(|| reading.group().and_then(group))
    }

    /// When it began, as it was last told.
    pub(super) fn known(&self, series: SeriesId) -> Option<UnixTime> {
        at(&self.known, series.index())
    }

    /// Whether the present scrape says nothing new of the beginning of a series.
    #[inline]
    pub(super) fn is_as_known(&self, reading: &Reading) -> bool {
        !self.told || self.present(reading).is_none_or(|start| self.known(reading.series) == Some(start))
    }

    /// A series was read, and what the present scrape says of its beginning is known from now on.
    pub(super) fn keep(&mut self, series: SeriesId, start: Option<UnixTime>) {
        if let Some(start) = start {
            put(&mut self.known, series.index(), start);
        }
    }

    /// Ends a scrape.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.told) {
            self.series.fill(None);
            self.groups.fill(None);
        }
    }

    pub(super) fn forget(&mut self, series: SeriesId) {
        if let Some(known) = self.known.get_mut(series.index()) {
            *known = None;
        }
    }
}

/// Whether counts and buckets of groups fell in the present scrape. Filled only where something fell.
#[derive(Debug, Default)]
pub(super) struct Falls(Vec<Option<bool>>);

impl Falls {
    /// Notes a count or a bucket of a group, and whether it fell.
    pub(super) fn note(&mut self, group: GroupId, fell: bool) {
        let known = self.of(Some(group)).unwrap_or(false);
        put(&mut self.0, group.index(), known | fell);
    }

    /// Whether one of them fell; none if the group has none, or nothing fell at all.
    #[inline]
    pub(super) fn of(&self, group: Option<GroupId>) -> Option<bool> {
        self.0.get(group?.index()).copied().flatten()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
