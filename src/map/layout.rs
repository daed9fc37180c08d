//! Series that are new but whose labels have names that were there before: what becomes of such labels is decided for the
//! first series of a family, and replayed for the next.
//!
//! A layout says nothing that the compilation of the series would not say. It is made only where no setting looks at the
//! value of a label, and where it does not fit, the series is compiled.

use std::sync::Arc;

use crate::config::{GaugeAggregation, Instance};
use crate::parse::{Label, MetricType, Role, Sample};
use crate::slots::HEAD;
use crate::texts::is_same;
use crate::unit::Unit;

use super::context::{ContextId, Contexts, TagDraft};
use super::group::GroupName;
use super::labels::{LabelSet, MOST_PLAIN, QUANTILE, UPPER_BOUND, reads_all_values, reads_value, tag_key};
use super::number::Bounds;
use super::origin::{GroupId, Part};
use super::plan::Plan;
use super::selection::{SelectedFamily, Shape};
use super::submission::MetricKind;

/// So many are learned of one family: a histogram has buckets, a sum and a count, and may have labels of several kinds.
const MOST: usize = 8;

/// What is known of the family whose series come.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    all: Vec<Layout>,
    grouped: Grouped,
}

/// The group of the series that was made last.
#[derive(Debug, Default)]
struct Grouped {
    /// With the place of its layout.
    group: Option<(usize, GroupId)>,
    /// The tags that are made of its labels.
    tags: Vec<u32>,
}

/// What becomes of series of one name whose labels have the same names in the same order.
#[derive(Debug)]
pub(super) struct Layout {
    name: String,
    role: Role,
    names: Vec<Box<str>>,
    /// The place of the label that is a bound or a quantile.
    bound: Option<usize>,
    /// The places of the labels that become tags, in the order of these.
    places: Vec<usize>,
    tags: Vec<TagDraft>,
    /// The texts of the context that was made last.
    draft: Vec<u32>,
    selected: Arc<SelectedFamily>,
    pub(super) kind: MetricKind,
    pub(super) gauges: GaugeAggregation,
    unit: Option<Unit>,
    pub(super) part: Option<Part>,
}

/// A series as it was compiled.
pub(super) struct Example<'e, 'a> {
    pub(super) selected: &'e Arc<SelectedFamily>,
    pub(super) sample: &'e Sample<'a>,
    pub(super) plan: &'e Plan,
    pub(super) part: Option<Part>,
}

impl Layouts {
    /// A family begins: what was decided holds for one opening of a family only.
    pub(super) fn begin(&mut self) {
        self.all.clear();
        self.grouped.group = None;
    }

    /// Decides for series to come as it was decided for this one, if what became of it depends on nothing but the names of
    /// its labels.
    pub(super) fn learn(
        &mut self,
        example: &Example<'_, '_>,
        static_tags: usize,
        instance: &Instance,
        contexts: &Contexts,
    ) {
        if self.all.len() < MOST && self.all.iter().all(|layout| !layout.is_named_as(example.sample)) {
            self.all.extend(Layout::of(example, static_tags, instance, contexts));
        }
    }

    /// The place of the layout of a sample, if there is one.
    #[inline]
    pub(super) fn of(&self, sample: &Sample<'_>) -> Option<usize> {
        let is_escaped = |label: &Label<'_>| label.value.is_escaped();
        let place = self.all.iter().position(|layout| layout.is_named_as(sample))?;
        (!sample.labels.iter().any(is_escaped)).then_some(place)
    }

    pub(super) fn get(&self, place: usize) -> &Layout {
        &self.all[place]
    }

    /// The context of a sample that has a layout; none where its bound may decide what becomes of it.
    pub(super) fn context(
        &mut self,
        place: usize,
        labels: &[Label<'_>],
        bounds: &mut Bounds,
        contexts: &mut Contexts,
    ) -> Option<ContextId> {
        let layout = &mut self.all[place];
        let bound = match layout.bound {
            // Of infinity there is no bucket; whatever else has such a bound is compiled, too.
            Some(at) => Some(bounds.canonical(labels[at].value.raw()).filter(|bound| !bound.ends_with("inf"))?),
            None => None,
        };
        let value = |tag: usize| match (layout.places[tag], bound) {
            (at, Some(bound)) if layout.bound == Some(at) => bound,
            (at, _) => labels[at].value.raw(),
        };
        Some(contexts.make_like(&mut layout.draft, &mut layout.tags, value, layout.unit))
    }

    /// The group that the series is in whose context was made last, if it is that of the one before it.
    pub(super) fn group(&self, place: usize) -> Option<GroupId> {
        let (layout, grouped) = (&self.all[place], &self.grouped);
        let (of, group) = grouped.group?;
        let is_alike = || layout.group_names().eq(self.all[of].group_names());
        (layout.group_tags() == grouped.tags && (place == of || is_alike())).then_some(group)
    }

    /// Notes the group of the series whose context was made last.
    pub(super) fn joined(&mut self, place: usize, group: GroupId) {
        let (layout, grouped) = (&self.all[place], &mut self.grouped);
        grouped.group = Some((place, group));
        grouped.tags.clear();
        grouped.tags.extend_from_slice(layout.group_tags());
    }
}

impl Layout {
    fn of<'a>(example: &Example<'_, 'a>, static_tags: usize, instance: &Instance, contexts: &Contexts) -> Option<Self> {
        let Example { selected, sample, plan, part } = *example;
        let Plan::Metric { kind, gauges, .. } = *plan else { return None };
        // A start time tells something beside what becomes of its value.
        let is_odd = sample.role == Role::Created || sample.name.is_escaped() || sample.labels.len() > MOST_PLAIN;
        if is_odd || reads_all_values(instance) {
            return None;
        }
        let bound = bound_of(selected, sample.labels, part)?;
        let name = |at: usize, label: &Label<'a>| if bound.at == Some(at) { bound.name } else { label.name.raw() };
        let labels = || sample.labels.iter().enumerate();
        let is_read = |(at, label): (usize, &Label<'a>)| {
            label.name.is_escaped()
                || [label.name.raw(), name(at, label)].iter().any(|name| reads_value(name, instance))
        };
        if labels().any(is_read) {
            return None;
        }
        let key =
            |(at, label): (usize, &Label<'a>)| Some((at, TagDraft::new(tag_key(name(at, label), instance).ok()?)));
        let mut keyed: Vec<_> = labels().filter_map(key).collect();
        if let (Some(bound), UPPER_BOUND) = (bound.at, bound.name) {
            // It is another label then, and stands behind all others.
            keyed.sort_by_key(|(at, _)| *at == bound);
        }
        let (places, tags): (Vec<_>, Vec<_>) = keyed.into_iter().unzip();
        let (draft, unit) = contexts.latest();
        // Of two labels with one name only one is a tag. And what tells groups apart can be seen in their tags only if all
        // of it is there.
        let is_complete = part.is_none() || tags.len() == sample.labels.len();
        (is_complete && draft.len() == HEAD + tags.len() + static_tags).then(|| Self {
            name: sample.name.raw().to_owned(),
            role: sample.role,
            names: sample.labels.iter().map(|label| label.name.raw().into()).collect(),
            bound: bound.at,
            places,
            tags,
            draft: draft.to_vec(),
            selected: Arc::clone(selected),
            kind,
            gauges,
            unit,
            part,
        })
    }

    #[inline]
    fn is_named_as(&self, sample: &Sample<'_>) -> bool {
        let is_named = |(label, name): (&Label<'_>, &str)| {
            is_same(label.name.raw().as_bytes(), name.as_bytes()) && !label.name.is_escaped()
        };
        self.role == sample.role
            && self.names.len() == sample.labels.len()
            && sample.labels.iter().zip(self.names.iter().map(|name| &**name)).all(is_named)
            && sample.name.raw() == self.name
            && !sample.name.is_escaped()
    }

    /// Makes the name of the group of such a series.
    pub(super) fn name_group(&self, labels: &[Label<'_>], name: &mut GroupName) {
        let bound = self.bound.map_or("", |at| &self.names[at]);
        name.set(&self.selected.name, &LabelSet::plain(labels), bound);
    }

    /// The names of the labels that all series of a group have in common.
    fn group_names(&self) -> impl Iterator<Item = &str> {
        let others = self.names.iter().enumerate().filter(|(at, _)| self.bound != Some(*at));
        others.map(|(_, name)| &**name)
    }

    /// The tags of these labels, of a series that has a group: all of them are there.
    fn group_tags(&self) -> &[u32] {
        let others = self.tags.len() - usize::from(self.bound.is_some());
        &self.draft[HEAD..HEAD + others]
    }
}

/// The label that is a bound or a quantile.
struct Bound {
    at: Option<usize>,
    /// Its name for the settings.
    name: &'static str,
}

/// The bound among labels; none where it is not the one that tells the series of their group apart.
fn bound_of(selected: &SelectedFamily, labels: &[Label<'_>], part: Option<Part>) -> Option<Bound> {
    let (exposed, name) = match (&selected.exposed, &selected.shape) {
        (MetricType::Histogram, Shape::Histogram) => ("le", UPPER_BOUND),
        (MetricType::Summary, Shape::Summary) => (QUANTILE, QUANTILE),
        (MetricType::Histogram | MetricType::Summary, _) => return None,
        _ if part.is_some() => return None,
        _ => return Some(Bound { at: None, name: UPPER_BOUND }),
    };
    let at = labels.iter().position(|label| label.name.raw() == exposed);
    // Of two bounds one would replace the other.
    let is_twice = exposed != name && labels.iter().any(|label| label.name.raw() == name);
    // All but the quantile stand before it only if it is the last.
    let is_inside = name == QUANTILE && at.is_some_and(|at| at + 1 != labels.len());
    (!is_twice && !is_inside).then_some(Bound { at, name })
}
