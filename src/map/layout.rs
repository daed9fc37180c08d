//! Series that are new but whose labels have names that were there before: what becomes of such labels is decided for the
//! first series of a family, and replayed for the next.
//!
//! A layout says nothing that the compilation of the series would not say. It is made only where no setting looks at the
//! value of a label, and where it does not fit, the series is compiled.

use std::sync::Arc;

use crate::config::{GaugeAggregation, Instance};
use crate::parse::{Label, MetricType, Role, Sample};
use crate::slots::HEAD;
use crate::texts::{NOTHING, is_same};
use crate::unique;
use crate::unit::Unit;

use super::context::{ContextId, Contexts};
use super::group::GroupName;
use super::labels::{LabelSet, QUANTILE, UPPER_BOUND, tag_key};
use super::number::Bounds;
use super::origin::{GroupId, Part};
use super::plan::Plan;
use super::selection::{FamilyId, SelectedFamily, Shape};
use super::submission::MetricKind;

/// A histogram has buckets, a sum and a count; a summary has no more.
const MOST: usize = 4;

/// So many tags of a label are remembered.
const RECENT: usize = 64;

/// What is known of the families whose series come.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    all: Vec<Layout>,
    /// The place of the one that is made next.
    next: usize,
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
    family: FamilyId,
    name: String,
    role: Role,
    names: Vec<Box<str>>,
    /// The place of the label that is a bound or a quantile.
    bound: Option<usize>,
    /// The names of all other labels, one after the other.
    others: String,
    tags: Vec<LabelTag>,
    /// The texts of the context that was made last.
    draft: Vec<u32>,
    pub(super) selected: Arc<SelectedFamily>,
    pub(super) kind: MetricKind,
    pub(super) gauges: GaugeAggregation,
    unit: Option<Unit>,
    pub(super) part: Option<Part>,
}

/// A tag that is made of a label.
#[derive(Debug)]
pub(super) struct LabelTag {
    /// The place of the label.
    at: usize,
    /// With a colon.
    pub(super) key: String,
    /// Whether the tag was last the one that had followed the one before, and not that one again.
    pub(super) follows: bool,
    /// Tags that were there before, by something of their values: labels of few values have them in any order.
    pub(super) recent: [u32; RECENT],
}

impl LabelTag {
    fn new(at: usize, key: &str) -> Self {
        Self { at, key: format!("{key}:"), follows: false, recent: [NOTHING; RECENT] }
    }

    /// The place in `recent` of the tag of a value.
    #[inline]
    pub(super) fn recent_place(value: &str) -> usize {
        unique::mark(value) as usize % RECENT
    }
}

/// A series as it was compiled.
pub(super) struct Example<'e, 'a> {
    pub(super) family: FamilyId,
    pub(super) selected: &'e Arc<SelectedFamily>,
    pub(super) sample: &'e Sample<'a>,
    pub(super) plan: &'e Plan,
    pub(super) part: Option<Part>,
}

impl Layouts {
    /// Decides for series to come as it was decided for this one, if what became of it depends on nothing but the names of
    /// its labels.
    pub(super) fn learn(
        &mut self,
        example: &Example<'_, '_>,
        static_tags: usize,
        instance: &Instance,
        contexts: &Contexts,
    ) {
        let Some(layout) = Layout::of(example, static_tags, instance, contexts) else { return };
        self.next = (self.next + 1) % MOST;
        match self.all.get_mut(self.next) {
            Some(place) => {
                *place = layout;
                self.grouped.group = None;
            }
            None => self.all.push(layout),
        }
    }

    /// The layout of a sample of this family, if there is one.
    #[inline]
    pub(super) fn of(&self, family: FamilyId, sample: &Sample<'_>) -> Option<usize> {
        self.all.iter().position(|layout| layout.family == family && layout.fits(sample))
    }

    pub(super) fn get(&self, place: usize) -> &Layout {
        &self.all[place]
    }

    /// The context of a sample that has a layout; none where its bound decides what becomes of it.
    pub(super) fn context(
        &mut self,
        place: usize,
        labels: &[Label<'_>],
        bounds: &mut Bounds,
        contexts: &mut Contexts,
    ) -> Option<ContextId> {
        let layout = &mut self.all[place];
        let bound = match layout.bound {
            // Of infinity there is no bucket.
            Some(at) => Some(bounds.canonical(labels[at].value.raw()).filter(|bound| !bound.ends_with("inf"))?),
            None => None,
        };
        Some(layout.context(labels, bound, contexts))
    }

    /// The group that the series is in whose context was made last, if it is that of the one before it.
    pub(super) fn group(&self, place: usize) -> Option<GroupId> {
        let (layout, grouped) = (&self.all[place], &self.grouped);
        let (of, group) = grouped.group?;
        let is_alike = |of: &Layout| layout.family == of.family && layout.others == of.others;
        (layout.group_tags() == grouped.tags && (place == of || is_alike(&self.all[of]))).then_some(group)
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
        let Example { family, selected, sample, plan, part } = *example;
        let Plan::Metric { kind, gauges, .. } = *plan else { return None };
        let bound = bound_of(selected, sample.labels, part)?;
        let name = |at: usize, label: &Label<'a>| if bound.at == Some(at) { bound.name } else { label.name.raw() };
        let depends = |(at, label): (usize, &Label<'a>)| {
            label.name.is_escaped() || depends_on(label.name.raw(), instance) || depends_on(name(at, label), instance)
        };
        if sample.name.is_escaped() || any_depends(instance) || sample.labels.iter().enumerate().any(depends) {
            return None;
        }
        let keys =
            sample.labels.iter().enumerate().map(|(at, label)| Some((at, tag_key(name(at, label), instance).ok()?)));
        let mut tags: Vec<_> = keys.flatten().map(|(at, key)| LabelTag::new(at, key)).collect();
        if let (Some(at), UPPER_BOUND) = (bound.at, bound.name) {
            // It is another label then, and stands behind all others.
            tags.sort_by_key(|tag| tag.at == at);
        }
        let (draft, unit) = contexts.latest();
        // Of two labels with one name only one is a tag. And what tells groups apart can be seen in their tags only if all
        // of it is there.
        let is_complete = part.is_none() || tags.len() == sample.labels.len();
        if !is_complete || draft.len() != HEAD + tags.len() + static_tags {
            return None;
        }
        let others = sample.labels.iter().enumerate().filter(|(at, _)| bound.at != Some(*at));
        Some(Self {
            family,
            name: sample.name.raw().to_owned(),
            role: sample.role,
            names: sample.labels.iter().map(|label| label.name.raw().into()).collect(),
            bound: bound.at,
            others: others.flat_map(|(_, label)| [label.name.raw(), "\0"]).collect(),
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
    fn fits(&self, sample: &Sample<'_>) -> bool {
        let is_named = |(label, name): (&Label<'_>, &str)| {
            is_same(label.name.raw().as_bytes(), name.as_bytes())
                && !label.value.is_escaped()
                && !label.name.is_escaped()
        };
        self.role == sample.role
            && self.names.len() == sample.labels.len()
            && sample.labels.iter().zip(self.names.iter().map(|name| &**name)).all(is_named)
            && sample.name.raw() == self.name
            && !sample.name.is_escaped()
            && sample.native.is_none()
    }

    /// Makes the name of the group of such a series.
    pub(super) fn name_group(&self, labels: &[Label<'_>], name: &mut GroupName) {
        let bound = self.bound.map_or("", |at| &self.names[at]);
        name.set(&self.selected.name, &LabelSet::plain(labels), bound);
    }

    /// The context of such a series.
    fn context(&mut self, labels: &[Label<'_>], bound: Option<&str>, contexts: &mut Contexts) -> ContextId {
        let values = |tag: &LabelTag| match bound {
            Some(bound) if self.bound == Some(tag.at) => bound,
            _ => labels[tag.at].value.raw(),
        };
        contexts.make_like(&mut self.draft, &mut self.tags, values, self.unit)
    }

    /// The tags of the labels that all series of a group have in common.
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

/// Whether what becomes of a series depends on the values of its labels, whatever their names.
fn any_depends(instance: &Instance) -> bool {
    !instance.metric_relabel_configs.is_empty() || !instance.sharing.is_empty() || instance.disable_generic_tags
}

/// Whether what becomes of a series depends on the value of a label.
fn depends_on(name: &str, instance: &Instance) -> bool {
    instance.exclude_metrics_by_labels.contains_key(name)
        || instance.code_class_labels.iter().any(|label| label == name)
        || instance.hostname.as_ref().is_some_and(|rule| rule.label == name)
}
