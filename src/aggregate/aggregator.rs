//! The aggregator of one target: takes the submissions of a scrape and gives them out as one batch, remembering from
//! scrape to scrape what counters and buckets grow from.
//!
//! Readings are remembered for each series of the exposition, and their growth is added up for each series of Datadog:
//! where dropped labels make several series one, each of them is compared with its own past. No text of a context is ever
//! looked at. Where a series submits what it submitted before, but for the value, all that happens is that the value is
//! put into its place.

use std::time::Duration;

use super::account::{Accounts, Collisions, CollisionsSoFar};
use super::distribution::{Allowance, Bounds};
use super::mark::{Head, MarksError};
use super::marking::{Marking, Waiting};
use super::marks::MarksContent;
use super::point::{Batch, Point};
use super::reading::{Incoming, ReadingKind, Readings};
use super::refused::{Refused, RefusedCounts};
use super::settle::Settling;
use super::starts::{Falls, Starts};
use super::sums::Sums;
use super::tally::{SlotKind, Tally};
use crate::config::GaugeAggregation;
use crate::map::{Begun, Forgotten, MetricKind, NativeSubmission, Origin, SeriesId, Submission};
use crate::slots::{NOWHERE, SlotId, Slots};
use crate::texts::{make_room_for, reach};
use crate::time::UnixTime;

/// Turns the submissions of one target into points and sketches.
#[derive(Debug)]
pub struct Aggregator {
    /// Whole seconds, at least 1.
    interval: u32,
    /// By the number of the series.
    routes: Vec<Route>,
    tally: Tally,
    readings: Readings,
    starts: Starts,
    falls: Falls,
    sums: Sums,
    /// Whether a reading of the present scrape is lower than the one before, or may be.
    fell: bool,
    /// The last moment at which a series of the target that there was would have been seen.
    watched_until: Option<UnixTime>,
    refused: RefusedCounts,
    collisions: CollisionsSoFar,
    /// Room for the next batch.
    points: Vec<Point>,
    /// What was marked; none if nothing is to be.
    marking: Option<Marking>,
    /// What an earlier process marked, until its series are seen.
    waiting: Option<Waiting>,
    /// The time and the number of the scrape that ended last.
    ended: Option<(UnixTime, u32)>,
}

/// Where the values of a series go if they are submitted as they last were.
#[derive(Clone, Copy, Debug, Default)]
enum Route {
    /// It is not known.
    #[default]
    Unknown,
    Gauge(SlotId),
    /// A gauge that is one of several.
    Gathered(SlotId),
    Count(SlotId),
    /// The place of a reading.
    Reading(u32),
    /// It is not known; but there is a reading, at this place.
    Read(u32),
    /// To several places, of which a reading is one.
    Several(u32),
}

impl Route {
    /// The place of the reading, if there is one.
    fn reading(self) -> Option<u32> {
        match self {
            Self::Reading(place) | Self::Read(place) | Self::Several(place) => Some(place),
            Self::Unknown | Self::Gauge(_) | Self::Gathered(_) | Self::Count(_) => None,
        }
    }

    /// The same without what it says of values to come.
    fn unknown(self) -> Self {
        match self {
            Self::Unknown | Self::Gauge(_) | Self::Gathered(_) | Self::Count(_) => Self::Unknown,
            Self::Reading(place) | Self::Read(place) => Self::Read(place),
            Self::Several(place) => Self::Several(place),
        }
    }
}

impl Aggregator {
    /// An aggregator for a target that is scraped every `interval`, which becomes the interval of counts. It stays the
    /// same however long scrapes take, since what was stored before is not rescaled when it changes. `watched_since`:
    /// when the process began that watches the target, if that is known.
    pub fn new(interval: Duration, watched_since: Option<UnixTime>) -> Self {
        Self {
            interval: u32::try_from(interval.as_secs()).unwrap_or(u32::MAX).max(1),
            routes: Vec::new(),
            tally: Tally::default(),
            readings: Readings::default(),
            starts: Starts::default(),
            falls: Falls::default(),
            sums: Sums::default(),
            fell: false,
            watched_until: watched_since,
            refused: RefusedCounts::default(),
            collisions: CollisionsSoFar::default(),
            points: Vec::new(),
            marking: None,
            waiting: None,
            ended: None,
        }
    }

    /// An aggregator that can tell its readings, so that a later process goes on where it was.
    #[must_use]
    pub fn with_marks(mut self) -> Self {
        self.marking = Some(Marking::default());
        self
    }

    /// Takes a submission of the present scrape.
    pub fn accept(&mut self, submission: &Submission) {
        let series = submission.origin().series;
        let accepted = match *submission {
            Submission::Metric { kind, context, origin, gauges, lower, value, flush_first_value } => {
                self.metric(context, kind, origin, gauges, lower, value, flush_first_value)
            }
            Submission::Bucket { context, origin, lower, upper, value, flush_first_value: flush, multiple_buckets } => {
                let count = u64::try_from(value).map_err(|_| Refused::NegativeBucket);
                count.and_then(|bits| {
                    let bounds = Some(Bounds::new(lower, upper)?);
                    self.tally.is(context, SlotKind::Distribution)?;
                    self.sums.are_wanted |= multiple_buckets && origin.group.is_some();
                    self.read(context, origin, &Incoming { kind: ReadingKind::Bucket, bits, bounds, flush });
                    Ok(())
                })
            }
        };
        if let Err(reason) = accepted {
            self.refuse(series, reason);
        }
    }

    /// Makes room for so many series in all, of which as many as so far tell how they grow.
    pub fn expect(&mut self, series: usize) {
        let readings = series * self.readings.all.len() / self.routes.len().max(1);
        make_room_for(&mut self.routes, series);
        make_room_for(&mut self.readings.all, readings);
        self.tally.expect(series);
    }

    /// Takes a native histogram of the present scrape.
    pub fn accept_native(&mut self, submission: NativeSubmission) {
        let NativeSubmission { context, origin, reading, flush_first_value: flush } = submission;
        let strange = |count: f64| !count.is_finite() || count < 0.0;
        if strange(reading.count) || reading.buckets.iter().any(|bucket| strange(bucket.count)) {
            return self.refuse(origin.series, Refused::NegativeBucket);
        }
        if let Err(reason) = self.tally.is(context, SlotKind::Distribution) {
            return self.refuse(origin.series, reason);
        }
        let incoming = Incoming { kind: ReadingKind::Native, bits: 0, bounds: None, flush };
        let place = self.read(context, origin, &incoming);
        self.readings.natives.entry(place).or_default().present = Some(reading);
        // Whether it did is worth finding out only once.
        self.fell |= origin.group.is_some();
    }

    /// Takes the sum of a histogram whose buckets go into a sketch, where the sum is not submitted itself. One that is not
    /// finite says nothing.
    pub fn group_sum(&mut self, origin: Origin, value: f64, flush_first_value: bool) {
        if value.is_finite() {
            let incoming =
                Incoming { kind: ReadingKind::Count, bits: value.to_bits(), bounds: None, flush: flush_first_value };
            self.read(NOWHERE, origin, &incoming);
        }
    }

    /// Takes a value of a series that submits what it submitted last, but for the value: to the same context, of the
    /// same kind, and between the same bounds. A value that is truncated to a whole number there is truncated here. False,
    /// and nothing happens, where the submission has to be made in full: if the last one was refused, if the series
    /// submits several things or a native histogram, or if it was forgotten where it goes to.
    #[inline]
    pub fn again(&mut self, series: SeriesId, value: f64, flush_first_value: bool) -> bool {
        let Some(&route) = self.routes.get(series.index()) else { return false };
        match route {
            _ if !value.is_finite() => return false,
            Route::Unknown | Route::Read(_) | Route::Several(_) => return false,
            Route::Gauge(slot) => {
                if let Some(replaced) = self.tally.gauge(slot, series, value) {
                    self.collisions.add(slot, replaced, series);
                }
            }
            Route::Gathered(slot) => self.tally.gather(slot, series, value),
            Route::Count(slot) => self.tally.add(slot, value),
            Route::Reading(place) => {
                let reading = &mut self.readings.all[place as usize];
                reading.present = match reading.kind {
                    ReadingKind::Count | ReadingKind::Rate => value.to_bits(),
                    ReadingKind::Bucket => match u64::try_from(value as i64) {
                        Ok(count) => count,
                        Err(_) => return false,
                    },
                    ReadingKind::Native => return false,
                };
                reading.seen = self.tally.scrape();
                reading.flush = flush_first_value;
                self.fell |= reading.is_lower();
            }
        }
        true
    }

    /// Notes when a series, or all of a group, began. Holds until the next commit, before or after the values came.
    pub fn begun(&mut self, begun: Begun, start: UnixTime) {
        self.starts.begun(begun, start);
    }

    /// Notes when the process of the target started: none of its counters began before. Holds until the next commit.
    pub fn process_started(&mut self, start: UnixTime) {
        self.starts.process_started(start);
    }

    /// Goes on where an earlier process was, before the first scrape: takes the marks of its target in the order in which
    /// they were made, unless the latest are older than `age_limit` at `now`. A series goes on from its last reading there
    /// as soon as it is read; one that the marks lack is a first one.
    ///
    /// # Errors
    ///
    /// When any of them cannot be read. Nothing is taken then: what lacks would be counted twice.
    pub fn restore(&mut self, marks: &[MarksContent], now: UnixTime, age_limit: Duration) -> Result<(), MarksError> {
        self.waiting = Waiting::read(marks, now, age_limit)?;
        if let Some(Waiting { head, .. }) = &self.waiting {
            self.watched_until = head.watched_until.or(self.watched_until);
            self.starts.restore_process(head.process);
        }
        Ok(())
    }

    /// Finds the marks of series that were read for the first time, before the scrape is committed. `resolve` gives the
    /// text of a series.
    pub fn recall(&mut self, resolve: &dyn Fn(SeriesId) -> Option<String>) {
        if let Some(waiting) = &mut self.waiting {
            self.fell |= waiting.recall(&mut self.readings, &mut self.starts, self.tally.scrape(), resolve);
        }
    }

    /// Marks of the scrape that was committed last, before anything is forgotten: of what changed since the marks before,
    /// or of everything, where these have become longer than that. `resolve` gives the text of a series. None if nothing is
    /// to be marked.
    pub fn marks(&mut self, resolve: &dyn Fn(SeriesId) -> Option<String>) -> Option<MarksContent> {
        let (at, scrape) = self.ended?;
        let head = Head { at, watched_until: self.watched_until, process: self.starts.last_process() };
        let marking = self.marking.as_mut()?;
        // A scrape that failed before it read anything says nothing.
        if self.watched_until != Some(at) && self.readings.all.iter().all(|reading| reading.seen != scrape) {
            return None;
        }
        Some(marking.marks(&head, &self.readings, &self.starts, scrape, self.waiting.as_ref(), resolve))
    }

    /// Ends a scrape, also one that failed midway: gives what came since the last commit, all with the time `at`. Who
    /// wants it is told how each growth came about. `slots` knows the series of all submissions.
    pub fn commit(&mut self, at: UnixTime, slots: &Slots, accounts: Option<&mut dyn Accounts>) -> Batch {
        let process = self.starts.process(at);
        let mut settling = Settling {
            slots,
            tally: &mut self.tally,
            starts: &mut self.starts,
            falls: &mut self.falls,
            sums: &mut self.sums,
            refused: &mut self.refused,
            allowance: Allowance::default(),
            process,
            watched_until: self.watched_until,
            slack: Duration::from_secs(u64::from(self.interval)),
            now: at,
            accounts,
        };
        settling.settle(&mut self.readings, std::mem::take(&mut self.fell));
        self.starts.finish();
        self.ended = Some((at, self.tally.scrape()));
        self.wait(false);
        self.collisions.tell(slots);
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        let sketches = self.tally.finish(&mut points, &mut self.refused);
        Batch { timestamp: at.whole_seconds(), interval: self.interval, points, sketches }
    }

    /// Takes back the room that a batch takes, once it was read.
    pub fn reuse(&mut self, batch: Batch) {
        self.points = batch.points;
    }

    /// Tells that a scrape succeeded: a series that it did not have, there was none of at `at`.
    pub fn succeeded(&mut self, at: UnixTime) {
        self.watched_until = Some(at);
        self.wait(true);
    }

    fn wait(&mut self, succeeded: bool) {
        if self.waiting.as_mut().is_some_and(|waiting| !waiting.goes_on(succeeded)) {
            self.waiting = None;
        }
    }

    /// Forgets what the mapping forgot. Numbers of series, contexts and groups may come again with another meaning.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        for &series in &forgotten.series {
            let route = self.routes.get_mut(series.index()).map(std::mem::take);
            if let Some(place) = route.and_then(Route::reading) {
                self.readings.close(place);
                if let Some(marking) = &mut self.marking {
                    marking.forget(place);
                }
            }
            self.starts.forget(series);
        }
        let mut gone = false;
        for &context in &forgotten.contexts {
            gone |= self.tally.close(context);
        }
        if gone {
            self.forget_routes();
        }
    }

    /// What was refused since the last call, by reason.
    pub fn take_refused(&mut self) -> Vec<(Refused, u64)> {
        self.refused.take()
    }

    /// Gauges that replaced each other since the last call.
    pub fn take_collisions(&mut self) -> Collisions {
        self.collisions.take()
    }

    /// How many series of Datadog are remembered.
    pub fn len(&self) -> usize {
        self.tally.len()
    }

    /// Whether no series is remembered.
    pub fn is_empty(&self) -> bool {
        self.tally.len() == 0
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one submission")]
    fn metric(
        &mut self,
        slot: SlotId,
        kind: MetricKind,
        origin: Origin,
        gauges: GaugeAggregation,
        lower: Option<f64>,
        value: f64,
        flush: bool,
    ) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Refused::NotFinite);
        }
        let series = origin.series;
        let kind = match self.tally.is(slot, SlotKind::of(kind, gauges))? {
            SlotKind::Gauge => {
                if let Some(replaced) = self.tally.gauge(slot, series, value) {
                    self.collisions.add(slot, replaced, series);
                }
                self.goes(series, Route::Gauge(slot));
                return Ok(());
            }
            SlotKind::Gathered(_) => {
                self.tally.gather(slot, series, value);
                self.goes(series, Route::Gathered(slot));
                return Ok(());
            }
            SlotKind::Count => {
                self.tally.add(slot, value);
                self.goes(series, Route::Count(slot));
                return Ok(());
            }
            SlotKind::MonotonicCount => ReadingKind::Count,
            SlotKind::Rate | SlotKind::Distribution => ReadingKind::Rate,
        };
        let bounds = lower.map(|lower| Bounds::new(lower, f64::INFINITY)).transpose()?;
        self.read(slot, origin, &Incoming { kind, bits: value.to_bits(), bounds, flush });
        Ok(())
    }

    /// Remembers the reading of a series until the commit, where all is known that its growth depends on. Gives its place.
    fn read(&mut self, slot: SlotId, origin: Origin, incoming: &Incoming) -> u32 {
        let series = origin.series;
        let before = self.routes.get(series.index()).copied().unwrap_or_default();
        let place = before.reading().unwrap_or_else(|| self.readings.open(series));
        let is_gauge_too = match before {
            Route::Gauge(slot) => self.tally.is_gauge_of(slot, series),
            Route::Several(_) => true,
            Route::Unknown | Route::Gathered(_) | Route::Count(_) | Route::Reading(_) | Route::Read(_) => false,
        };
        *self.route_mut(series) = if is_gauge_too { Route::Several(place) } else { Route::Reading(place) };
        self.readings.take(place, slot, origin, incoming, self.tally.scrape());
        self.fell |= self.readings.all[place as usize].is_lower();
        place
    }

    /// Remembers where values of a series go that are no readings.
    fn goes(&mut self, series: SeriesId, next: Route) {
        let route = self.route_mut(series);
        *route = route.reading().map_or(next, Route::Several);
    }

    fn route_mut(&mut self, series: SeriesId) -> &mut Route {
        reach(&mut self.routes, series.index(), Route::default);
        &mut self.routes[series.index()]
    }

    fn refuse(&mut self, series: SeriesId, reason: Refused) {
        self.refused.add(reason);
        if let Some(route) = self.routes.get_mut(series.index()) {
            *route = route.unknown();
        }
    }

    /// Forgets routes that lead to slots that are gone.
    fn forget_routes(&mut self) {
        for route in &mut self.routes {
            let slot = match *route {
                Route::Unknown | Route::Read(_) | Route::Several(_) => continue,
                Route::Gauge(slot) | Route::Gathered(slot) | Route::Count(slot) => slot,
                Route::Reading(place) => self.readings.all[place as usize].slot,
            };
            if slot != NOWHERE && !self.tally.is_open(slot) {
                *route = route.unknown();
            }
        }
    }
}
