//! The aggregator of one target: takes the submissions of a scrape and gives them out as one batch, remembering from
//! scrape to scrape what counters and buckets grow from.
//!
//! Readings are remembered for each series of the exposition, and their growth is added up for each series of Datadog:
//! where dropped labels make several series one, each of them is compared with its own past. A context is looked up by
//! its text only when its number is new; after that a submission costs a few array accesses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::{Account, Accounts, Collision, Collisions};
use super::distribution::{Allowance, Bounds};
use super::growth::ProcessStart;
use super::point::{Batch, Point, PointKind, SeriesKey, SketchPoint};
use super::reading::{Present, Series, Value};
use super::refused::{Refused, RefusedCounts};
use super::settle::{Settled, settle};
use super::sketch::Sketch;
use super::state::State;
use crate::config::GaugeAggregation;
use crate::map::{
    Begun, Context, ContextId, Contexts, Forgotten, GroupId, MetricKind, NativeSubmission, Origin, Part, SeriesId,
    Submission, Tag,
};
use crate::time::UnixTime;

/// Turns the submissions of one target into points and sketches.
#[derive(Debug)]
pub struct Aggregator {
    /// Whole seconds, at least 1.
    interval: u32,
    /// Tags of every series, whatever its context.
    tags: Vec<Tag>,
    /// By the number of the context.
    links: Vec<Option<Link>>,
    /// By the number in links. `None` where a slot waits for its next use.
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Numbers of slots in the order in which they were first seen.
    order: Vec<u32>,
    by_key: HashMap<Arc<SeriesKey>, u32>,
    /// By the number of the series.
    series: Vec<Option<Series>>,
    /// Series with a reading since the last commit, in their order.
    present: Vec<SeriesId>,
    /// By the number of the series: when it began, as told since the last commit.
    starts: Vec<Option<UnixTime>>,
    /// By the number of the group.
    groups: Vec<Group>,
    /// The last moment at which a series of the target that there was would have been seen.
    watched_until: Option<UnixTime>,
    /// As told since the last commit.
    process_started: Option<UnixTime>,
    /// As it was last told.
    process: Option<ProcessStart>,
    allowance: Allowance,
    refused: RefusedCounts,
    collisions: Collisions,
}

/// What a context's number stands for. Contexts that differ only in the order of their tags link to one slot.
#[derive(Debug)]
struct Link {
    /// Tells this use of the number from a later one: while it is held here, its address is not given out again.
    context: Arc<Context>,
    slot: u32,
}

/// A series of Datadog.
#[derive(Debug)]
struct Slot {
    key: Arc<SeriesKey>,
    /// How many contexts link here.
    links: u32,
    /// `None` until a value was accepted.
    state: Option<State>,
}

/// What is known of a histogram or summary since the last commit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// When its series began, if the exposition says so.
    pub(super) start: Option<UnixTime>,
    /// Whether one of its counts or buckets fell; none if it has none.
    pub(super) fell: Option<bool>,
}

impl Aggregator {
    /// An aggregator for a target that is scraped every `interval`, which becomes the interval of counts. It stays the
    /// same however long scrapes take, since what was stored before is not rescaled when it changes. `watched_since`:
    /// when the process began that watches the target, if that is known.
    pub fn new(interval: Duration, watched_since: Option<UnixTime>) -> Self {
        Self {
            interval: u32::try_from(interval.as_secs()).unwrap_or(u32::MAX).max(1),
            tags: Vec::new(),
            links: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            order: Vec::new(),
            by_key: HashMap::new(),
            series: Vec::new(),
            present: Vec::new(),
            starts: Vec::new(),
            groups: Vec::new(),
            watched_until: watched_since,
            process_started: None,
            process: None,
            allowance: Allowance::default(),
            refused: RefusedCounts::default(),
            collisions: Collisions::default(),
        }
    }

    /// An aggregator whose series have `tags` beside those of their contexts.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<Tag>) -> Self {
        self.tags = tags;
        self
    }

    /// Takes a submission made at the moment `at`.
    ///
    /// # Panics
    ///
    /// When `contexts` does not know the context.
    pub fn accept(&mut self, submission: Submission, contexts: &Contexts, at: UnixTime) {
        let accepted = match submission {
            Submission::Metric { kind, context, origin, gauges, lower, value, flush_first_value } => {
                let slot = self.slot_of(context, contexts);
                self.metric(slot, kind, origin, gauges, lower, value, at, flush_first_value)
            }
            Submission::Bucket { context, origin, lower, upper, value, flush_first_value, .. } => {
                let slot = self.slot_of(context, contexts);
                let bucket = u64::try_from(value).map_err(|_| Refused::NegativeBucket);
                bucket
                    .and_then(|count| Ok(Value::Bucket(Bounds::new(lower, upper)?, count)))
                    .and_then(|value| self.read(slot, origin, Present { value, at, flush: flush_first_value }))
            }
        };
        if let Err(reason) = accepted {
            self.refused.add(reason);
        }
    }

    /// Takes a native histogram read at the moment `at`.
    ///
    /// # Panics
    ///
    /// When `contexts` does not know the context.
    pub fn accept_native(&mut self, submission: NativeSubmission, contexts: &Contexts, at: UnixTime) {
        let NativeSubmission { context, origin, reading, flush_first_value } = submission;
        let slot = self.slot_of(context, contexts);
        let strange = |count: f64| !count.is_finite() || count < 0.0;
        let accepted = if strange(reading.count) || reading.buckets.iter().any(|bucket| strange(bucket.count)) {
            Err(Refused::NegativeBucket)
        } else {
            self.read(slot, origin, Present { value: Value::Native(Box::new(reading)), at, flush: flush_first_value })
        };
        if let Err(reason) = accepted {
            self.refused.add(reason);
        }
    }

    /// Notes when a series, or all of a group, began. Holds until the next commit, before or after the values came.
    pub fn begun(&mut self, begun: Begun, start: UnixTime) {
        match begun {
            Begun::Series(series) => {
                if self.starts.len() <= series.index() {
                    self.starts.resize(series.index() + 1, None);
                }
                self.starts[series.index()] = Some(start);
            }
            Begun::Group(group) => group_mut(&mut self.groups, group).start = Some(start),
        }
    }

    /// Notes when the process of the target started: none of its counters began before. Holds until the next commit.
    pub fn process_started(&mut self, start: UnixTime) {
        self.process_started = Some(start);
    }

    /// Ends a scrape, also one that failed midway: gives what came since the last commit, all with the time `at`. Who
    /// wants it is told how each growth came about.
    pub fn commit(&mut self, at: UnixTime, mut accounts: Option<&mut dyn Accounts>) -> Batch {
        self.settle_groups();
        let process = self.process_started.take().map(|start| match self.process {
            Some(known) if known.at == start => known,
            _ => ProcessStart { at: start, told: at },
        });
        self.process = process.or(self.process);
        for id in std::mem::take(&mut self.present) {
            self.settle(id, process, &mut accounts);
        }
        self.starts.fill(None);
        self.groups.fill(Group::default());
        self.allowance = Allowance::default();
        self.points(at.whole_seconds())
    }

    /// Tells that a scrape succeeded: a series that it did not have, there was none of at `at`.
    pub fn succeeded(&mut self, at: UnixTime) {
        self.watched_until = Some(at);
    }

    /// Forgets what the mapping forgot. Numbers of series, contexts and groups may come again with another meaning.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        for series in &forgotten.series {
            if let Some(place) = self.series.get_mut(series.index()) {
                *place = None;
            }
        }
        let mut gone = false;
        for context in &forgotten.contexts {
            if let Some(link) = self.links.get_mut(context.index()).and_then(Option::take) {
                gone |= self.unlink(link.slot);
            }
        }
        if gone {
            let slots = &self.slots;
            self.order.retain(|&number| slots[number as usize].is_some());
        }
    }

    /// What was refused since the last call, by reason.
    pub fn take_refused(&mut self) -> Vec<(Refused, u64)> {
        self.refused.take()
    }

    /// Gauges that replaced each other since the last call.
    pub fn take_collisions(&mut self) -> Collisions {
        std::mem::take(&mut self.collisions)
    }

    /// How many series of Datadog are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no series is remembered.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one submission")]
    fn metric(
        &mut self,
        slot: u32,
        kind: MetricKind,
        origin: Origin,
        gauges: GaugeAggregation,
        lower: Option<f64>,
        value: f64,
        at: UnixTime,
        flush: bool,
    ) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Refused::NotFinite);
        }
        let state = slot_mut(&mut self.slots, slot).state.get_or_insert_with(|| State::new(kind, gauges));
        if !state.is(kind) {
            return Err(Refused::KindChanged);
        }
        match kind {
            MetricKind::Gauge => {
                if let Some(replaced) = state.gauge(origin.series, value) {
                    let key = &slot_mut(&mut self.slots, slot).key;
                    self.collisions.add(|| Collision { series: Arc::clone(key), replaced, by: origin.series });
                }
                Ok(())
            }
            MetricKind::Count => {
                state.add(value);
                Ok(())
            }
            MetricKind::MonotonicCount => {
                self.read(slot, origin, Present { value: Value::Count(value, lower), at, flush })
            }
            MetricKind::Rate => self.read(slot, origin, Present { value: Value::Rate(value), at, flush }),
        }
    }

    /// Remembers the reading of a series until the commit, where all is known that its growth depends on.
    fn read(&mut self, slot: u32, origin: Origin, present: Present) -> Result<(), Refused> {
        if let Value::Bucket(..) | Value::Native(_) = present.value {
            let state = &mut slot_mut(&mut self.slots, slot).state;
            let state = state.get_or_insert_with(|| State::Distribution(Box::<Sketch>::default()));
            if !matches!(state, State::Distribution(_)) {
                return Err(Refused::KindChanged);
            }
        }
        let place = origin.series.index();
        if self.series.len() <= place {
            self.series.resize_with(place + 1, || None);
        }
        let series = self.series[place].get_or_insert(Series { origin, slot, last: None, present: None });
        series.origin = origin;
        series.slot = slot;
        if series.present.replace(present).is_none() {
            self.present.push(origin.series);
        }
        Ok(())
    }

    /// Finds the groups of which a count or a bucket fell.
    fn settle_groups(&mut self) {
        for id in &self.present {
            let Some(Series { origin, last, present: Some(present), .. }) = &self.series[id.index()] else { continue };
            let Some((group, Part::Count)) = origin.group else { continue };
            let fell = last.as_ref().and_then(|last| present.value.fell(&last.value)).unwrap_or(false);
            let group = group_mut(&mut self.groups, group);
            group.fell = Some(group.fell.unwrap_or(false) | fell);
        }
    }

    /// Gives the growth of a series to its slot.
    fn settle(&mut self, id: SeriesId, process: Option<ProcessStart>, accounts: &mut Option<&mut dyn Accounts>) {
        let Some(series) = self.series[id.index()].as_mut() else { return };
        let group = series.origin.group.map(|(group, _)| *group_mut(&mut self.groups, group)).unwrap_or_default();
        let circumstances = super::settle::Circumstances {
            start: self.starts.get(id.index()).copied().flatten(),
            group,
            process,
            watched_until: self.watched_until,
            slack: Duration::from_secs(u64::from(self.interval)),
        };
        let slot = slot_mut(&mut self.slots, series.slot);
        let Some(Settled { growth, previous, present, amount }) =
            settle(series, &circumstances, slot.state.as_mut(), &mut self.allowance)
        else {
            return;
        };
        if let Some(accounts) = accounts {
            let (name, tags) = (&slot.key.metric, &slot.key.tags);
            accounts.account(Account {
                series: id,
                metric: name,
                tags,
                growth,
                previous,
                present,
                amount: amount.ok().flatten(),
            });
        }
        if let Err(reason) = amount {
            self.refused.add(reason);
        }
    }

    fn points(&mut self, timestamp: i64) -> Batch {
        let mut batch = Batch { points: Vec::with_capacity(self.order.len()), sketches: Vec::new() };
        for &number in &self.order {
            let Some(Slot { key, state: Some(state), .. }) = &mut self.slots[number as usize] else { continue };
            if let State::Distribution(sketch) = state {
                if !sketch.is_empty() {
                    let sketch = std::mem::take(&mut **sketch);
                    batch.sketches.push(SketchPoint { series: Arc::clone(key), sketch, timestamp });
                }
                continue;
            }
            match state.take() {
                None => {}
                Some(Err(reason)) => self.refused.add(reason),
                Some(Ok((kind, value))) => {
                    let interval = if kind == PointKind::Gauge { 0 } else { self.interval };
                    batch.points.push(Point { series: Arc::clone(key), kind, value, timestamp, interval });
                }
            }
        }
        batch
    }

    /// The slot of a context.
    fn slot_of(&mut self, id: ContextId, contexts: &Contexts) -> u32 {
        let context = contexts.get(id);
        if let Some(Some(link)) = self.links.get(id.index())
            && Arc::ptr_eq(&link.context, context)
        {
            return link.slot;
        }
        self.link(id, context)
    }

    /// Links a number that is new, or stands for another context than before, to the slot of its series.
    #[cold]
    fn link(&mut self, id: ContextId, context: &Arc<Context>) -> u32 {
        if self.links.len() <= id.index() {
            self.links.resize_with(id.index() + 1, || None);
        }
        if let Some(stale) = self.links[id.index()].take()
            && self.unlink(stale.slot)
        {
            self.order.retain(|&number| number != stale.slot);
        }
        let key = key_of(context, &self.tags);
        let slot = match self.by_key.get(&key) {
            Some(slot) => *slot,
            None => self.new_slot(Arc::new(key)),
        };
        slot_mut(&mut self.slots, slot).links += 1;
        self.links[id.index()] = Some(Link { context: Arc::clone(context), slot });
        slot
    }

    fn new_slot(&mut self, key: Arc<SeriesKey>) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 series fit in memory")
        });
        self.slots[number as usize] = Some(Slot { key: Arc::clone(&key), links: 0, state: None });
        self.order.push(number);
        self.by_key.insert(key, number);
        number
    }

    /// Takes a link from a slot, and tells whether it was the last one, so that the slot is gone.
    fn unlink(&mut self, number: u32) -> bool {
        let place = &mut self.slots[number as usize];
        if let Some(slot) = place {
            slot.links -= 1;
        }
        let Some(slot) = place.take_if(|slot| slot.links == 0) else { return false };
        self.by_key.remove(&slot.key);
        self.free.push(number);
        true
    }
}

fn slot_mut(slots: &mut [Option<Slot>], number: u32) -> &mut Slot {
    slots[number as usize].as_mut().expect("a slot is not forgotten before the links to it")
}

fn group_mut(groups: &mut Vec<Group>, id: GroupId) -> &mut Group {
    if groups.len() <= id.index() {
        groups.resize_with(id.index() + 1, Group::default);
    }
    &mut groups[id.index()]
}

/// What Datadog stores a context with some more tags as: the set of its tags counts, not their order.
fn key_of(context: &Context, more: &[Tag]) -> SeriesKey {
    let mut tags = [&context.tags, more].concat();
    tags.sort_unstable();
    tags.dedup();
    let (metric, host) = (Arc::clone(&context.name), Arc::clone(&context.hostname));
    SeriesKey { metric, tags: tags.into(), host, unit: context.unit }
}
