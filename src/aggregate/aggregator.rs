//! The aggregator of one target: takes the submissions of a scrape and gives them out as one batch, remembering from
//! scrape to scrape what counters and buckets grow from.
//!
//! A context is looked up by its text only when its number is new; after that a submission costs two array accesses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::distribution::{Allowance, Bounds, Bucket};
use super::point::{Batch, Point, PointKind, SeriesKey, SketchPoint};
use super::refused::{Refused, RefusedCounts};
use super::state::State;
use crate::map::{Context, ContextId, Contexts, Submission, Tag};
use crate::time::UnixTime;

/// For how many successful scrapes without it a context is remembered: an hour at the default interval of 15 seconds. A
/// series that comes back within it continues where it was, where the Agent, which forgets buckets after two scrapes,
/// would count their whole past again.
pub const RETAIN_COMMITS: u32 = 240;

/// How many successful scrapes pass between two searches for what can be forgotten. Remembering may last this much
/// longer.
const SWEEP_COMMITS: u32 = 16;

/// Turns the submissions of one target into points and sketches.
#[derive(Debug)]
pub struct Aggregator {
    /// Whole seconds, at least 1.
    interval: u32,
    /// Tags of every series, whatever its context.
    tags: Vec<Tag>,
    /// How many scrapes succeeded.
    age: u32,
    swept: u32,
    /// By the number of the context.
    links: Vec<Option<Link>>,
    /// By the number in links. `None` where a slot waits for its next use.
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Numbers of slots in the order in which they were first seen.
    order: Vec<u32>,
    by_series: HashMap<Arc<SeriesKey>, u32>,
    allowance: Allowance,
    refused: RefusedCounts,
}

/// What a context's number stands for. Contexts that differ only in the order of their tags link to one slot.
#[derive(Debug)]
struct Link {
    /// Tells this use of the number from a later one: while it is held here, its address is not given out again.
    context: Arc<Context>,
    id: ContextId,
    slot: u32,
    /// The age at the last submission.
    seen: u32,
}

/// A series.
#[derive(Debug)]
struct Slot {
    series: Arc<SeriesKey>,
    /// The age at the last submission.
    seen: u32,
    /// `None` until a value was accepted.
    state: Option<State>,
}

impl Aggregator {
    /// An aggregator whose series have `tags` beside those of their contexts.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<Tag>) -> Self {
        self.tags = tags;
        self
    }

    /// An aggregator for a target that is scraped every `interval`, which becomes the interval of counts. It stays the
    /// same however long scrapes take, since what was stored before is not rescaled when it changes.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval: u32::try_from(interval.as_secs()).unwrap_or(u32::MAX).max(1),
            tags: Vec::new(),
            age: 0,
            swept: 0,
            links: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            order: Vec::new(),
            by_series: HashMap::new(),
            allowance: Allowance::default(),
            refused: RefusedCounts::default(),
        }
    }

    /// Takes a submission made at the moment `at`.
    ///
    /// # Panics
    ///
    /// When `contexts` does not know the context.
    pub fn accept(&mut self, submission: Submission, contexts: &Contexts, at: UnixTime) {
        let context = match submission {
            Submission::Metric { context, .. } | Submission::Bucket { context, .. } => context,
        };
        let number = self.slot_of(context, contexts);
        let slot = self.slots[number].as_mut().expect("a slot is not forgotten before the links to it");
        slot.seen = self.age;
        if let Err(reason) = slot.accept(submission, at, &mut self.allowance) {
            self.refused.add(reason);
        }
    }

    /// Ends a scrape, also one that failed midway: gives what came since the last commit, all with the time `at`.
    pub fn commit(&mut self, at: UnixTime) -> Batch {
        let timestamp = at.whole_seconds();
        let mut batch = Batch { points: Vec::with_capacity(self.order.len()), sketches: Vec::new() };
        for &number in &self.order {
            let Some(Slot { series, state: Some(state), .. }) = &mut self.slots[number as usize] else {
                continue;
            };
            if let State::Distribution(distribution) = state {
                let sketch = distribution.take();
                batch.sketches.extend(sketch.map(|sketch| SketchPoint {
                    series: Arc::clone(series),
                    sketch,
                    timestamp,
                }));
                continue;
            }
            match state.take() {
                None => {}
                Some(Err(reason)) => self.refused.add(reason),
                Some(Ok((kind, value))) => {
                    let interval = if kind == PointKind::Gauge { 0 } else { self.interval };
                    batch.points.push(Point { series: Arc::clone(series), kind, value, timestamp, interval });
                }
            }
        }
        self.allowance = Allowance::default();
        batch
    }

    /// Tells, after its commit, that a scrape succeeded. Contexts that are missing from successful scrapes grow old;
    /// beyond [`RETAIN_COMMITS`] they are forgotten and their numbers returned, for the owner to release those that no
    /// plan uses. Failed scrapes tell nothing about what the target still has, and do not call this.
    ///
    /// Any submission keeps a context, also a refused one. A number is returned once; an owner that releases contexts
    /// of its own accord as well must pass over those that it gave out anew since.
    pub fn expire(&mut self) -> Vec<ContextId> {
        self.age += 1;
        if self.age - self.swept < SWEEP_COMMITS {
            return Vec::new();
        }
        self.swept = self.age;
        match (self.age - 1).checked_sub(RETAIN_COMMITS) {
            Some(oldest) => self.forget_before(oldest),
            None => Vec::new(),
        }
    }

    /// What was refused since the last call, by reason.
    pub fn take_refused(&mut self) -> Vec<(Refused, u64)> {
        self.refused.take()
    }

    /// How many series are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no series is remembered.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The slot of a context, noting that it was seen.
    fn slot_of(&mut self, id: ContextId, contexts: &Contexts) -> usize {
        let context = contexts.get(id);
        if let Some(Some(link)) = self.links.get_mut(id.index())
            && Arc::ptr_eq(&link.context, context)
        {
            link.seen = self.age;
            return link.slot as usize;
        }
        self.link(id, context)
    }

    /// Links a number that is new, or stands for another context than before, to the slot of its series.
    #[cold]
    fn link(&mut self, id: ContextId, context: &Arc<Context>) -> usize {
        let series = series_of(context, &self.tags);
        let slot = match self.by_series.get(&series) {
            Some(slot) => *slot,
            None => self.new_slot(Arc::new(series)),
        };
        if self.links.len() <= id.index() {
            self.links.resize_with(id.index() + 1, || None);
        }
        self.links[id.index()] = Some(Link { context: Arc::clone(context), id, slot, seen: self.age });
        slot as usize
    }

    fn new_slot(&mut self, series: Arc<SeriesKey>) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 series fit in memory")
        });
        self.slots[number as usize] = Some(Slot { series: Arc::clone(&series), seen: self.age, state: None });
        self.order.push(number);
        self.by_series.insert(series, number);
        number
    }

    /// Forgets what was not seen since the age `oldest`: series, buckets within them, and numbers, which it returns.
    fn forget_before(&mut self, oldest: u32) -> Vec<ContextId> {
        let (slots, by_series, free) = (&mut self.slots, &mut self.by_series, &mut self.free);
        self.order.retain(|&number| {
            let place = &mut slots[number as usize];
            if let Some(forgotten) = place.take_if(|slot| slot.seen < oldest) {
                by_series.remove(&forgotten.series);
                free.push(number);
                return false;
            }
            if let Some(Slot { state: Some(State::Distribution(distribution)), .. }) = place {
                distribution.forget_before(oldest);
            }
            true
        });
        let links = self.links.iter_mut();
        links.filter_map(|place| place.take_if(|link| link.seen < oldest)).map(|link| link.id).collect()
    }
}

impl Slot {
    fn accept(&mut self, submission: Submission, at: UnixTime, allowance: &mut Allowance) -> Result<(), Refused> {
        match submission {
            Submission::Metric { kind, value, flush_first_value, .. } => {
                if !value.is_finite() {
                    return Err(Refused::NotFinite);
                }
                let state = self.state.get_or_insert_with(|| State::new(kind));
                state.add(kind, value, flush_first_value, at)
            }
            Submission::Bucket { lower, upper, value, flush_first_value, multiple_buckets, .. } => {
                let count = u64::try_from(value).map_err(|_| Refused::NegativeBucket)?;
                // The Agent passes over an empty bucket before it remembers its count. So the first count above zero is
                // the first one, taken whole where `flush` says that it began in our watch; and a bucket that was
                // reset to zero and soon exceeds what it had before counts from there.
                if count == 0 {
                    return Ok(());
                }
                let bounds = Bounds::new(lower, upper)?;
                let bucket = Bucket { bounds, count, flush: flush_first_value, one_of_several: multiple_buckets };
                match self.state.get_or_insert_with(|| State::Distribution(Box::default())) {
                    State::Distribution(distribution) => distribution.add(bucket, self.seen, allowance),
                    _ => Err(Refused::KindChanged),
                }
            }
        }
    }
}

/// What Datadog stores a context with some more tags as: the set of its tags counts, not their order.
fn series_of(context: &Context, more: &[Tag]) -> SeriesKey {
    let mut tags = [&context.tags, more].concat();
    tags.sort_unstable();
    tags.dedup();
    SeriesKey { metric: Arc::clone(&context.name), tags: tags.into(), host: Arc::clone(&context.hostname) }
}
