//! What is remembered of a target from one scrape to the next: its series with their plans, its groups, its contexts.
//! A series that is missing from successful scrapes for long is forgotten, with everything that only it needed.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::{ContextId, Contexts};
use super::origin::{GroupId, Origin, Part, SeriesId};
use super::plan::Plan;
use super::selection::FamilyId;

/// For how many successful scrapes without it a series is remembered: an hour at the default interval of 15 seconds. A
/// series that comes back within it continues where it was, where the Agent, which forgets buckets after two scrapes,
/// would count their whole past again.
pub const RETAIN_SCRAPES: u32 = 240;

/// How many successful scrapes pass between two searches for what can be forgotten. Remembering may last this much
/// longer.
const SWEEP_SCRAPES: u32 = 16;

/// A series and what becomes of its values.
#[derive(Debug)]
pub(crate) struct Series {
    /// Name and label block as exposed.
    text: Arc<str>,
    pub(crate) plan: Plan,
    /// The family that the plan was made for.
    family: FamilyId,
    /// The state of the shared labels that the plan was made with.
    sharing: u32,
    pub(crate) group: Option<(GroupId, Part)>,
    /// The age at the last scrape that had it.
    seen: u32,
}

/// What to forget of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Series that were not exposed for long.
    pub series: Vec<SeriesId>,
    /// Contexts that no series submits to any more.
    pub contexts: Vec<ContextId>,
    /// Groups without series.
    pub groups: Vec<GroupId>,
}

impl Forgotten {
    /// Adds what was forgotten later.
    pub(crate) fn append(&mut self, later: Self) {
        self.series.extend(later.series);
        self.contexts.extend(later.contexts);
        self.groups.extend(later.groups);
    }
}

/// The memory of one target.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) contexts: Contexts,
    by_text: HashMap<Arc<str>, SeriesId>,
    series: Vec<Option<Series>>,
    free: Vec<SeriesId>,
    groups: Groups,
    /// How many bytes the texts of all series have.
    bytes: u64,
    /// How many scrapes succeeded.
    age: u32,
    swept: u32,
}

/// The groups by their name: the family and the labels that all their series have.
#[derive(Debug, Default)]
struct Groups {
    by_name: HashMap<Arc<str>, GroupId>,
    /// The name of each group, and how many series it has.
    slots: Vec<Option<(Arc<str>, u32)>>,
    free: Vec<GroupId>,
    /// Groups that were left by all; their numbers are given out again once that was told.
    left: Vec<GroupId>,
}

impl Groups {
    fn join(&mut self, name: &str) -> GroupId {
        if let Some(&id) = self.by_name.get(name) {
            if let Some((_, members)) = &mut self.slots[id.index()] {
                *members += 1;
            }
            return id;
        }
        let name: Arc<str> = Arc::from(name);
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            GroupId::new(place(self.slots.len() - 1))
        });
        self.slots[id.index()] = Some((Arc::clone(&name), 1));
        self.by_name.insert(name, id);
        id
    }

    fn leave(&mut self, id: GroupId) {
        let slot = &mut self.slots[id.index()];
        if let Some((_, members)) = slot {
            *members -= 1;
        }
        if let Some((name, _)) = slot.take_if(|(_, members)| *members == 0) {
            self.by_name.remove(&name);
            self.left.push(id);
        }
    }

    /// The groups that were left by all since the last call.
    fn take_left(&mut self) -> Vec<GroupId> {
        self.free.extend_from_slice(&self.left);
        std::mem::take(&mut self.left)
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 series fit in memory")
}

impl Memory {
    /// How many series are remembered.
    pub(crate) fn len(&self) -> usize {
        self.by_text.len()
    }

    /// How many bytes the remembered series have as exposed.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many scrapes succeeded.
    pub(crate) fn age(&self) -> u32 {
        self.age
    }

    /// The series that is exposed as `text`, if it is known.
    pub(crate) fn find(&self, text: &str) -> Option<SeriesId> {
        self.by_text.get(text).copied()
    }

    /// The series that is exposed as `text`, if it is known and its plan was made for this family and these shared
    /// labels. Notes that it was seen.
    pub(crate) fn planned(&mut self, text: &str, family: FamilyId, sharing: u32) -> Option<SeriesId> {
        let id = *self.by_text.get(text)?;
        let series = self.series[id.index()].as_mut()?;
        series.seen = self.age;
        (series.family == family && series.sharing == sharing).then_some(id)
    }

    /// Notes that a series was seen, if it is known.
    pub(crate) fn touch(&mut self, text: &str) {
        if let Some(id) = self.by_text.get(text)
            && let Some(series) = &mut self.series[id.index()]
        {
            series.seen = self.age;
        }
    }

    /// Remembers a plan; `group` is the name of the group of the series and what it can say of it.
    pub(crate) fn plan(
        &mut self,
        text: &str,
        plan: Plan,
        group: Option<(&str, Part)>,
        family: FamilyId,
        sharing: u32,
    ) -> SeriesId {
        for context in plan.contexts() {
            self.contexts.hold(context);
        }
        let group = group.map(|(name, part)| (self.groups.join(name), part));
        let id = if let Some(&id) = self.by_text.get(text) {
            id
        } else {
            let id = self.free.pop().unwrap_or_else(|| {
                self.series.push(None);
                SeriesId::new(place(self.series.len() - 1))
            });
            self.by_text.insert(Arc::from(text), id);
            self.bytes += text.len() as u64;
            id
        };
        let text = self.series[id.index()].as_ref().map_or_else(|| Arc::from(text), |old| Arc::clone(&old.text));
        let series = Series { text, plan, family, sharing, group, seen: self.age };
        if let Some(old) = self.series[id.index()].replace(series) {
            self.let_go(&old);
        }
        id
    }

    /// A series that is remembered.
    pub(crate) fn get(&self, id: SeriesId) -> &Series {
        self.series[id.index()].as_ref().expect("a series is asked for between its planning and its forgetting")
    }

    /// The text of a series, if it is remembered.
    pub(crate) fn text(&self, id: SeriesId) -> Option<&str> {
        self.series.get(id.index())?.as_ref().map(|series| &*series.text)
    }

    /// Where the values of a series come from.
    pub(crate) fn origin(&self, id: SeriesId) -> Origin {
        Origin { series: id, group: self.get(id).group }
    }

    /// The context of a bucket whose lower bound is known by now; made by `make` if it is another than before.
    pub(crate) fn bucket_context(
        &mut self,
        id: SeriesId,
        lower: f64,
        make: impl FnOnce(&super::plan::BucketPlan, &mut Contexts) -> ContextId,
    ) -> Option<ContextId> {
        let Some(Series { plan: Plan::Bucket(plan), .. }) = self.series[id.index()].as_mut() else { return None };
        if let Some((known, context)) = plan.submitted
            && known.to_bits() == lower.to_bits()
        {
            return Some(context);
        }
        let context = make(plan, &mut self.contexts);
        self.contexts.hold(context);
        if let Some((_, old)) = plan.submitted.replace((lower, context)) {
            self.contexts.let_go(old);
        }
        Some(context)
    }

    /// Ends a scrape: tells what changed plans have left, and, from time to time after a successful one, what was
    /// forgotten because it was missing for long, with the age at which it would have had to be seen.
    pub(crate) fn end_scrape(&mut self, success: bool) -> (Forgotten, Option<u32>) {
        let mut forgotten = Forgotten::default();
        let oldest = if success { self.grow_older(&mut forgotten) } else { None };
        forgotten.contexts = self.contexts.release_unheld();
        forgotten.groups = self.groups.take_left();
        (forgotten, oldest)
    }

    fn grow_older(&mut self, forgotten: &mut Forgotten) -> Option<u32> {
        self.age += 1;
        if self.age - self.swept < SWEEP_SCRAPES {
            return None;
        }
        self.swept = self.age;
        let oldest = (self.age - 1).checked_sub(RETAIN_SCRAPES)?;
        self.forget_before(oldest, forgotten);
        Some(oldest)
    }

    fn forget_before(&mut self, oldest: u32, forgotten: &mut Forgotten) {
        for place in 0..self.series.len() {
            let Some(series) = self.series[place].take_if(|series| series.seen < oldest) else { continue };
            let id = SeriesId::new(self::place(place));
            self.by_text.remove(&series.text);
            self.bytes -= series.text.len() as u64;
            self.let_go(&series);
            self.free.push(id);
            forgotten.series.push(id);
        }
    }

    /// A series no longer needs what its plan needed.
    fn let_go(&mut self, series: &Series) {
        for context in series.plan.contexts() {
            self.contexts.let_go(context);
        }
        if let Some((group, _)) = series.group {
            self.groups.leave(group);
        }
    }
}
