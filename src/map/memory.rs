//! What is remembered of a target from one scrape to the next: its series with their plans, its groups, its contexts.
//! A series that is missing from successful scrapes for long is forgotten, with everything that only it needed.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::absence::{Census, RETAIN_SCRAPES, Sweeping};
use super::context::{ContextId, Contexts};
use super::origin::{GroupId, Origin, Part, SeriesId};
use super::plan::Plan;
use super::roster::{Cut, Piece, Replay, Roster};
use super::selection::FamilyId;
use super::submission::MetricKind;
use crate::config::GaugeAggregation;
use crate::slots::NOWHERE;
use crate::texts::{make_room_for, reach};

/// What becomes of the values of a series.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) plan: Plan,
    pub(crate) group: Option<(GroupId, Part)>,
}

impl Series {
    /// One that submits gauges, to be filled in.
    const PLAIN: Self = Self {
        plan: Plan::Metric { kind: MetricKind::Gauge, context: NOWHERE, gauges: GaugeAggregation::Last },
        group: None,
    };
}

// There is one for each series of each target, so that what it takes counts.
const _: () = assert!(size_of::<Option<Series>>() <= 24);

/// A series that is not known, by the fingerprint of its text, if it was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown(Option<u32>);

impl Unknown {
    /// One that is new without having been looked up ([`Roster::shows_new`]).
    pub(super) const SHOWN: Self = Self(None);

    fn looked_up(fingerprint: u32) -> Self {
        Self(Some(fingerprint))
    }
}

/// A plan that was just made.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// The group of the series, which was joined for it, and what it can say of it.
    pub(crate) group: Option<(GroupId, Part)>,
    /// The family that the plan was made for.
    pub(crate) family: FamilyId,
    /// The state of the shared labels that the plan was made with.
    pub(crate) sharing: u32,
    /// Whether a value says nothing but what becomes of it by the plan.
    pub(crate) is_plain: bool,
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
    pub(super) roster: Roster,
    /// By the number of the series.
    series: Vec<Option<Series>>,
    groups: Groups,
    /// How many scrapes succeeded.
    age: u32,
    sweeping: Sweeping,
}

/// The groups by their name: the family and the labels that all their series have.
#[derive(Debug, Default)]
struct Groups {
    by_name: HashTable<u32>,
    hasher: RandomState,
    /// The name of each group, and how many series it has.
    slots: Vec<Option<(Box<str>, u32)>>,
    free: Vec<GroupId>,
    /// Groups that were left by all; their numbers are given out again once that was told.
    left: Vec<GroupId>,
    /// The group that was joined last: most series of a group come one after the other.
    last: Option<GroupId>,
}

impl Groups {
    fn join(&mut self, name: &str) -> GroupId {
        if let Some(last) = self.last
            && let Some(Some((known, members))) = self.slots.get_mut(last.index())
            && **known == *name
        {
            *members += 1;
            return last;
        }
        let id = self.join_any(name);
        self.last = Some(id);
        id
    }

    fn join_again(&mut self, id: GroupId) -> bool {
        let Some(Some((_, members))) = self.slots.get_mut(id.index()) else { return false };
        *members += 1;
        true
    }

    fn join_any(&mut self, name: &str) -> GroupId {
        let hash = self.hasher.hash_one(name);
        let slots = &mut self.slots;
        let is_meant = |&place: &u32| slots[place as usize].as_ref().is_some_and(|(known, _)| **known == *name);
        if let Some(&known) = self.by_name.find(hash, is_meant) {
            if let Some((_, members)) = &mut slots[known as usize] {
                *members += 1;
            }
            return GroupId::new(known);
        }
        let id = self.free.pop().unwrap_or_else(|| {
            slots.push(None);
            GroupId::new(place(slots.len() - 1))
        });
        slots[id.index()] = Some((name.into(), 1));
        let hasher = &self.hasher;
        let name_of = |place: u32| slots[place as usize].as_ref().map_or("", |(name, _)| name);
        self.by_name.insert_unique(hash, id.place(), |&place| hasher.hash_one(name_of(place)));
        id
    }

    fn leave(&mut self, id: GroupId) {
        let slot = &mut self.slots[id.index()];
        if let Some((_, members)) = slot {
            *members -= 1;
        }
        if let Some((name, _)) = slot.take_if(|(_, members)| *members == 0) {
            let hash = self.hasher.hash_one(&*name);
            if let Ok(found) = self.by_name.find_entry(hash, |&place| place == id.place()) {
                found.remove();
            }
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
    pub(crate) fn new(contexts: Contexts) -> Self {
        Self { contexts, ..Self::default() }
    }

    /// How many series are remembered.
    pub(crate) fn len(&self) -> usize {
        self.roster.len()
    }

    /// How many bytes the remembered series have as exposed.
    pub(crate) fn bytes(&self) -> u64 {
        self.roster.bytes()
    }

    /// How many scrapes succeeded.
    pub(crate) fn age(&self) -> u32 {
        self.age
    }

    /// The series that is exposed as `text`, whose name was noted, or else what [`Memory::plan`] needs to know of it.
    pub(crate) fn find(&mut self, text: &[u8]) -> Result<SeriesId, Unknown> {
        self.roster.index_family();
        self.find_indexed(text)
    }

    /// The series of this name with these labels, whether or not the name was noted.
    pub(super) fn find_named(&mut self, name: &str, labels: &str) -> Option<SeriesId> {
        if !self.roster.may_know(name) {
            return None;
        }
        self.roster.index_all();
        self.find_indexed([name, labels].concat().as_bytes()).ok()
    }

    /// The series that is exposed as `text`, if it is in the index, which is not so of all in the first body.
    pub(super) fn find_indexed(&self, text: &[u8]) -> Result<SeriesId, Unknown> {
        self.roster.find_or_fingerprint(text).map_err(Unknown::looked_up)
    }

    /// Notes that a series was seen, if it is known; gives its number, or else what [`Memory::plan`] needs to know of it.
    pub(crate) fn touch(&mut self, text: &str) -> Result<SeriesId, Unknown> {
        let id = self.find(text.as_bytes())?;
        self.roster.came(id);
        self.roster.entry_mut(id).seen = self.age;
        Ok(id)
    }

    /// Whether the plan of a series was made for this family and these shared labels.
    pub(crate) fn is_planned(&self, id: SeriesId, family: FamilyId, sharing: u32) -> bool {
        let entry = self.roster.entry(id);
        entry.family == family && entry.sharing == sharing
    }

    /// Notes that a series, though called like one that tells when another began, does so for none that ever came.
    pub(crate) fn note_unrelated(&mut self, id: SeriesId) {
        let births = self.roster.births();
        self.roster.entry_mut(id).unrelated = births;
    }

    /// Remembers a plan of the series that is exposed as `text`, which may be cut; `known` is what [`Memory::touch`] gave.
    pub(super) fn plan(
        &mut self,
        text: &str,
        cut: Option<Cut>,
        known: Result<SeriesId, Unknown>,
        planned: Planned,
    ) -> SeriesId {
        let Planned { plan, group, family, sharing, is_plain } = planned;
        for context in plan.contexts() {
            self.contexts.hold(context);
        }
        let id = known.unwrap_or_else(|Unknown(fingerprint)| self.roster.enter(text, cut, fingerprint));
        let replay = if is_plain { replay_of(&plan) } else { Replay::Not };
        self.planned(id, family, sharing, replay, group.is_some() || plan.grows());
        if let Some(old) = self.series[id.index()].replace(Series { plan, group }) {
            self.let_go(&old);
        }
        id
    }

    /// Remembers a new series that is exposed as `text` and becomes a plain metric. Nothing is handed over here that is
    /// written in several pieces and read in one, for which the processor would have to wait.
    #[expect(clippy::too_many_arguments, reason = "each a number of its own")]
    pub(super) fn plan_metric(
        &mut self,
        text: &[u8],
        head: Piece,
        stem: Piece,
        rest: Piece,
        Unknown(fingerprint): Unknown,
        kind: MetricKind,
        context: ContextId,
        gauges: GaugeAggregation,
        group: Option<(GroupId, Part)>,
        family: FamilyId,
        sharing: u32,
    ) -> SeriesId {
        self.contexts.hold(context);
        let id = self.roster.enter_pieces(text, head, stem, rest, fingerprint);
        self.planned(id, family, sharing, Replay::Same, group.is_some() || kind.grows());
        self.series[id.index()] = Some(Series::PLAIN);
        if let Some(Series { plan: Plan::Metric { kind: known, context: to, gauges: how }, group: part_of }) =
            &mut self.series[id.index()]
        {
            (*known, *to, *how, *part_of) = (kind, context, gauges, group);
        }
        id
    }

    /// Notes what a plan was made for, before it gets its place.
    #[inline]
    fn planned(&mut self, id: SeriesId, family: FamilyId, sharing: u32, replay: Replay, grows: bool) {
        let entry = self.roster.entry_mut(id);
        (entry.family, entry.sharing, entry.seen, entry.replay) = (family, sharing, self.age, replay);
        // Also if its growth counted once: what it would go on from is remembered for as long as the series.
        entry.grows |= grows;
        reach(&mut self.series, id.index(), || None);
    }

    /// The group of this name, with one more series.
    pub(crate) fn join(&mut self, group: &str) -> GroupId {
        self.groups.join(group)
    }

    /// Whether a group has but one series.
    pub(super) fn is_alone(&self, group: GroupId) -> bool {
        self.groups.slots[group.index()].as_ref().is_some_and(|(_, members)| *members == 1)
    }

    /// One more series of a group, unless all have left it.
    pub(crate) fn join_again(&mut self, group: GroupId) -> bool {
        self.groups.join_again(group)
    }

    /// Before a series that is new: makes room for as many as a body of so many bytes has, and gives how many that are, if
    /// there is no room for one more.
    #[inline]
    pub(crate) fn expect(&mut self, body_bytes: u64) -> Option<usize> {
        let series = self.roster.expect(body_bytes)?;
        make_room_for(&mut self.series, series);
        self.contexts.expect(series);
        Some(series)
    }

    /// A series that is remembered.
    pub(crate) fn get(&self, id: SeriesId) -> &Series {
        self.series[id.index()].as_ref().expect("a series is asked for between its planning and its forgetting")
    }

    /// Whether a series is the one that is exposed as `text`.
    pub(crate) fn is(&self, id: SeriesId, text: &str) -> bool {
        self.roster.is(id, text.as_bytes())
    }

    /// The text of a series, if it is remembered.
    pub(crate) fn text(&self, id: SeriesId) -> Option<String> {
        self.roster.text(id)
    }

    /// Where the values of a series come from.
    pub(crate) fn origin(&self, id: SeriesId) -> Origin {
        Origin { series: id, group: self.get(id).group }
    }

    /// The context of a bucket whose lower bound is known by now; made by `make` of the one without it if it is another
    /// than before.
    pub(crate) fn bucket_context(
        &mut self,
        id: SeriesId,
        lower: f64,
        make: impl FnOnce(ContextId, &mut Contexts) -> ContextId,
    ) -> Option<ContextId> {
        let Some(Series { plan: Plan::Bucket(plan), .. }) = self.series[id.index()].as_mut() else { return None };
        if let Some((known, context)) = plan.submitted
            && known.to_bits() == lower.to_bits()
        {
            return Some(context);
        }
        let context = make(plan.base?, &mut self.contexts);
        self.contexts.hold(context);
        if let Some((_, old)) = plan.submitted.replace((lower, context)) {
            self.contexts.let_go(old);
        }
        Some(context)
    }

    /// Ends a scrape: tells what changed plans have left, and, from time to time after a successful one, what was
    /// forgotten because it was missing for long; and then the age before which nothing that is remembered was seen last.
    pub(crate) fn end_scrape(&mut self, success: bool) -> (Forgotten, Option<u32>) {
        let mut forgotten = Forgotten::default();
        self.roster.end();
        let oldest = if success { self.grow_older(&mut forgotten) } else { None };
        self.contexts.clear_away();
        forgotten.contexts = self.contexts.release_unheld();
        forgotten.groups = self.groups.take_left();
        (forgotten, oldest)
    }

    fn grow_older(&mut self, forgotten: &mut Forgotten) -> Option<u32> {
        self.age += 1;
        if !self.sweeping.begin_if_due(self.age, self.roster.births(), self.roster.len()) {
            return None;
        }
        self.sweep(forgotten);
        (self.age - 1).checked_sub(RETAIN_SCRAPES)
    }

    /// Forgets the series that have been absent for too long.
    fn sweep(&mut self, forgotten: &mut Forgotten) {
        let present = self.age - 1;
        let mut census = Census::default();
        for (_, entry) in self.roster.entries() {
            census.add(present - entry.seen, entry.grows);
        }
        let patience = self.sweeping.patience(&census);
        let leaving = self.roster.entries().filter(|(_, entry)| patience.ends(present - entry.seen, entry.grows));
        forgotten.series.extend(leaving.map(|(series, _)| series));
        for &series in &forgotten.series {
            self.roster.leave(series);
            if let Some(series) = self.series[series.index()].take() {
                self.let_go(&series);
            }
        }
        self.roster.tidy();
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

/// What may be replayed of a plan.
fn replay_of(plan: &Plan) -> Replay {
    match plan {
        Plan::Drop(reason) => Replay::Drop(*reason),
        Plan::Metric { .. } => Replay::Same,
        Plan::Changed(_)
        | Plan::CounterGauge(_)
        | Plan::Bucket(_)
        | Plan::Native(_)
        | Plan::ServiceCheck(_)
        | Plan::Metadata(_) => Replay::Not,
    }
}
