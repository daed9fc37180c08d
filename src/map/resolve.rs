//! From a sample to the series that it is a value of, with the plan that was made for it, or is made now.

use std::borrow::Cow;

use crate::parse::{Family, Format, MetricType, Role, Sample};
use crate::texts::text_of;
use crate::unit::Unit;

use super::cuts::Cuts;
use super::dropped::DropReason;
use super::error::MapError;
use super::group::GroupName;
use super::labels::{LabelRoom, known_name, without_prefix};
use super::layout::{Example, Fate, Layout, Layouts, Like};
use super::mapping::Mapping;
use super::memory::{Planned, Unknown};
use super::number::Bounds;
use super::open_family::Aside;
use super::origin::{GroupId, Part, SeriesId};
use super::plan::Plan;
use super::relabeled::{Relabeled, family_of};
use super::selection::Selected;
use super::series::{Candidate, Compiled, SeriesCompiler};
use super::submission::Submissions;
use super::trace::{NoTrace, Step};

/// What names and labels may take on average when there are as many series as there may be. Bytes.
const BYTES_FOR_EACH: u64 = 1 << 10;

/// What they may take in any case. Bytes.
const BYTES_FOR_ALL: u64 = 64 << 20;

/// What is made anew for each series that is new, in the place of that for the one before.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    labels: LabelRoom,
    bounds: Bounds,
    group: GroupName,
    cuts: Cuts,
    pub(super) layouts: Layouts,
}

impl Drafts {
    /// A family begins.
    pub(super) fn begin(&mut self) {
        self.layouts.begin();
        self.cuts.begin();
    }
}

impl<S: Submissions> Mapping<'_, S> {
    /// The series of a sample, or why it is none. The error fails the scrape.
    pub(super) fn resolve(
        &mut self,
        family: &Family,
        sample: &Sample<'_>,
    ) -> Result<Result<SeriesId, DropReason>, MapError> {
        if self.instance().metric_relabel_configs.is_empty()
            && let Some(reason) = self.left_out(family, sample)
        {
            return Ok(Err(reason));
        }
        self.memory.roster.note_name(sample.name.raw());
        // A native histogram has buckets, whatever its value is.
        if sample.native.is_none() && !sample.value.is_finite() {
            let _ = self.memory.touch(sample.series);
            return Ok(Err(DropReason::NotFinite));
        }
        let sharing = self.shared.generation();
        if self.shared.is_too_much() {
            return Err(MapError::too_many_shared_labels(self.instance().http.limits.labels));
        }
        let shows_new = self.memory.roster.shows_new();
        if shows_new
            && self.make_room().is_ok()
            && let Some(series) = self.fitting(sample, None, sharing)
        {
            return Ok(Ok(series));
        }
        let known = self.memory.touch(sample.series);
        if let Ok(series) = known
            && self.memory.is_planned(series, self.open.id, sharing)
            && self.emitter.out.trace().is_none()
        {
            return Ok(Ok(series));
        }
        if known.is_err() {
            self.make_room()?;
        }
        if let Err(unknown) = known
            && !shows_new
            && let Some(series) = self.fitting(sample, Some(unknown), sharing)
        {
            return Ok(Ok(series));
        }
        let Compiled { plan, part } = self.compile(family, sample, known.is_err())?;
        let group = part.map(|part| (self.memory.join(self.drafts.group.as_str()), part));
        // A start time is also told when nothing else comes of the sample.
        let is_plain = sample.role != Role::Created;
        let planned = Planned { plan, group, family: self.open.id, sharing, is_plain };
        let cut = if known.is_err() { self.drafts.cuts.of(sample) } else { None };
        Ok(Ok(self.memory.plan(sample.series, cut, known, planned)))
    }

    /// Before a series that is new: makes room for it, if there may be one more.
    pub(super) fn make_room(&mut self) -> Result<(), MapError> {
        self.check_memory(self.memory.len() + 1)?;
        if let Some(series) = self.memory.expect(self.bytes) {
            self.emitter.out.expect(series);
        }
        Ok(())
    }

    /// Takes in the series of a sample, if it has a layout; otherwise as [`Mapping::alike`].
    fn fitting(&mut self, sample: &Sample<'_>, unknown: Option<Unknown>, sharing: u32) -> Option<SeriesId> {
        let (layouts, text) = (&mut self.drafts.layouts, sample.series.as_bytes());
        let like = layouts.read(text, &self.memory.roster.pieces)?;
        let fits = like.length() == text.len() && layouts.get(like.place).role() == sample.role;
        if fits { self.alike(&like, text, unknown, sharing) } else { None }
    }

    /// Takes in a series that is exposed as `text`, if it is known what becomes of labels of such names. Not looked up before,
    /// it is looked up here unless it shows that it is new, and is not taken in if it is known.
    pub(super) fn alike(
        &mut self,
        like: &Like,
        text: &[u8],
        unknown: Option<Unknown>,
        sharing: u32,
    ) -> Option<SeriesId> {
        let Drafts { layouts, bounds, .. } = &mut self.drafts;
        let (contexts, pieces) = (&mut self.memory.contexts, &mut self.memory.roster.pieces);
        let (fate, is_new) = layouts.fate(like, text, bounds, contexts, pieces)?;
        let Layout { kind, gauges, part, head, .. } = *layouts.get(like.place);
        let unknown = match unknown {
            Some(unknown) => unknown,
            None if is_new => Unknown::SHOWN,
            None => self.memory.find(text).err()?,
        };
        let context = match fate {
            Fate::Submitted(context) => context,
            Fate::Infinite(group) => return self.infinite(like, text, unknown, sharing, (group, part?)),
        };
        let group = part.map(|part| (self.group_alike(like.place, text), part));
        let [stem, rest] = self.drafts.layouts.pieces();
        let family = self.open.id;
        Some(self.memory.plan_metric(text, head, stem, rest, unknown, kind, context, gauges, group, family, sharing))
    }

    /// Takes in a bucket without bound, if its group is still there.
    fn infinite(
        &mut self,
        like: &Like,
        text: &[u8],
        unknown: Unknown,
        sharing: u32,
        group: (GroupId, Part),
    ) -> Option<SeriesId> {
        if !self.memory.join_again(group.0) {
            return None;
        }
        let plan = Plan::Drop(DropReason::InfiniteBucket);
        let planned = Planned { plan, group: Some(group), family: self.open.id, sharing, is_plain: true };
        Some(self.memory.plan(text_of(text), Some(self.drafts.layouts.cut(like)), Err(unknown), planned))
    }

    /// Joins the group of such a series.
    fn group_alike(&mut self, place: usize, text: &[u8]) -> GroupId {
        let Drafts { layouts, group: name, .. } = &mut self.drafts;
        if let Some(group) = layouts.group(place).filter(|group| self.memory.join_again(*group)) {
            return group;
        }
        layouts.get(place).name_group(text, name);
        let group = self.memory.join(name.as_str());
        layouts.joined(place, group, self.memory.is_alone(group));
        group
    }

    /// Whether one more may be remembered of what there are so many: families or series.
    pub(super) fn check_memory(&self, known: usize) -> Result<(), MapError> {
        let limit = self.instance().http.limits.series;
        let bytes = limit.saturating_mul(BYTES_FOR_EACH).max(BYTES_FOR_ALL);
        if known as u64 > limit {
            Err(MapError::too_many_series(limit))
        } else if self.memory.bytes() + self.selection.bytes() > bytes {
            Err(MapError::too_many_bytes(bytes))
        } else {
            Ok(())
        }
    }

    /// Compiles a sample; of one that is new, others may have the layout.
    fn compile(&mut self, family: &Family, sample: &Sample<'_>, is_new: bool) -> Result<Compiled, MapError> {
        let relabeled = match self.emitter.out.trace() {
            Some(mut trace) => Relabeled::of(sample, self.emitter.instance, Vec::new(), &mut trace),
            None => Relabeled::of(sample, self.emitter.instance, self.drafts.labels.take(), &mut NoTrace),
        };
        let Relabeled { name, mut labels } = match relabeled {
            Ok(relabeled) => relabeled,
            Err(reason) => return Ok(self.dropped(reason)),
        };
        let selected = match &name {
            None => self.selected(family, sample),
            Some(name) => {
                let (name, metric_type) = family_of(name, family, sample);
                if let Some(trace) = self.emitter.out.trace() {
                    trace.step(Step::OfFamily(name));
                }
                self.select(name, metric_type)?
            }
        };
        let selected = match selected {
            Ok(selected) => selected,
            Err(reason) => return Ok(self.dropped(reason)),
        };
        let mut name = name.map_or_else(|| sample.name.text(), Cow::Owned);
        // The original renames the samples of such counters, which shows where a counter is treated as something else.
        let plain = self.circumstances.format == Format::PrometheusText && selected.exposed == MetricType::Counter;
        if plain && !name.ends_with("_total") {
            name.to_mut().push_str("_total");
        }
        let candidate = Candidate { sample, name: &name, labels: &mut labels };
        let (instance, static_tags, shared) = (self.emitter.instance, self.emitter.static_tags, &*self.shared);
        let contexts = &mut self.memory.contexts;
        // Relabeling changes names, not values.
        let unit = *self.open.unit.get_or_init(|| Unit::of_family(family.unit.as_deref(), &family.name));
        let Drafts { bounds, group, labels: room, layouts, cuts } = &mut self.drafts;
        let compiled = match self.emitter.out.trace() {
            Some(mut trace) => {
                SeriesCompiler { instance, static_tags, shared, unit, contexts, bounds, group, trace: &mut trace }
                    .compile(&selected, candidate)
            }
            None => {
                SeriesCompiler { instance, static_tags, shared, unit, contexts, bounds, group, trace: &mut NoTrace }
                    .compile(&selected, candidate)
            }
        };
        room.give_back(labels);
        // The first sample of a family may be its only one.
        if is_new
            && self.open.samples > 1
            && let Ok(Compiled { plan, part }) = &compiled
            && self.emitter.out.trace().is_none()
        {
            let example = Example { selected: &selected, sample, format: self.circumstances.format, plan, part: *part };
            let (contexts, pieces) = (&self.memory.contexts, &mut self.memory.roster.pieces);
            layouts.learn(&example, static_tags.len(), instance, contexts, cuts, pieces);
        }
        compiled
    }

    fn dropped(&mut self, reason: DropReason) -> Compiled {
        if let Some(trace) = self.emitter.out.trace() {
            trace.step(Step::Dropped(reason));
        }
        Compiled { plan: Plan::Drop(reason), part: None }
    }

    /// What becomes of a family, or of one that relabeling leads to.
    pub(super) fn select(&mut self, exposed: &str, metric_type: MetricType) -> Result<Selected, MapError> {
        let name = known_name(exposed, metric_type, self.circumstances.format, self.emitter.instance);
        let Some(trace) = self.emitter.out.trace() else { return self.selection.select(name, metric_type) };
        if name != exposed {
            trace.step(Step::FamilyRenamed { from: exposed, to: name });
        }
        self.selection.select_traced(name, metric_type, trace)
    }

    /// Why a sample that keeps its name is dropped with its family, if it is.
    fn left_out(&mut self, family: &Family, sample: &Sample<'_>) -> Option<DropReason> {
        match self.apart(family, sample) {
            Some(apart) => apart.err(),
            None => self.open.selected.as_ref().err().copied(),
        }
    }

    /// What becomes of the family of a sample that keeps its name.
    fn selected(&mut self, family: &Family, sample: &Sample<'_>) -> Selected {
        match self.apart(family, sample) {
            Some(apart) => apart,
            None => self.open.selected.clone(),
        }
    }

    /// What becomes of a sample of a text family that is no part of the family for the original, but a metric of its own
    /// without a type, if the settings mean that metric: `x_total` of a counter that is announced as `x`, and
    /// `x_created`.
    fn apart(&mut self, family: &Family, sample: &Sample<'_>) -> Option<Selected> {
        if self.circumstances.format != Format::PrometheusText {
            return None;
        }
        let aside = match sample.role {
            // With the name of the family it is part of it for everyone.
            Role::Total if *sample.name.text() != *family.name => &self.open.apart.total,
            Role::Created => &self.open.apart.created,
            _ => return None,
        };
        let found = match aside {
            Aside::WithFamily => return None,
            // Who listens hears of it at each sample.
            Aside::Own(own) if self.emitter.out.trace().is_none() => return Some(own.clone()),
            Aside::Own(_) | Aside::NotLookedUp => self.look_apart(sample),
        };
        let aside = found.clone().map_or(Aside::WithFamily, Aside::Own);
        match sample.role {
            Role::Total => self.open.apart.total = aside,
            _ => self.open.apart.created = aside,
        }
        found
    }

    fn look_apart(&mut self, sample: &Sample<'_>) -> Option<Selected> {
        let name = sample.name.text();
        let known = without_prefix(&name, self.emitter.instance);
        let selected = self.selection.select(known, MetricType::Unknown);
        let Ok(selected @ (Ok(_) | Err(DropReason::Excluded))) = selected else { return None };
        if let Some(trace) = self.emitter.out.trace() {
            trace.step(Step::Apart(known));
            // The same once more, told step by step.
            let _ = self.selection.select_traced(known, MetricType::Unknown, trace);
        }
        Some(selected)
    }
}
