//! `metric_relabel_configs`: the first thing that happens to a sample, on its name and labels as exposed.

use std::borrow::Cow;

use crate::config::Instance;
use crate::parse::{Family, MetricType, Role, Sample};
use crate::relabel::{LabelBuilder, RelabelObserver, RelabelRule, Relabeler, Verdict};
use crate::unique::Pair;

use super::dropped::DropReason;
use super::labels::LabelSet;
use super::trace::{NoTrace, Step, Trace};

/// The label that holds the name of the sample.
const NAME: &str = "__name__";

/// A sample as the rules left it.
pub(crate) struct Relabeled<'a> {
    /// The name, if the rules gave it another.
    pub(crate) name: Option<String>,
    pub(crate) labels: LabelSet<'a>,
}

impl<'a> Relabeled<'a> {
    /// Applies the rules to a sample; without rules it stays as it is, and its labels go into a vector that is empty.
    pub(crate) fn of(
        sample: &Sample<'a>,
        instance: &Instance,
        room: Vec<Pair<'a>>,
        trace: &mut impl Trace,
    ) -> Result<Self, DropReason> {
        let rules = &instance.metric_relabel_configs;
        if rules.is_empty() {
            return Ok(Self { name: None, labels: LabelSet::of(sample, room) });
        }
        let name = sample.name.text();
        let own = sample.labels.iter().map(|label| (label.name.text(), label.value.text()));
        let mut labels = LabelBuilder::new(std::iter::once((Cow::Borrowed(NAME), name.clone())).chain(own));
        match rules.apply(&mut labels, &mut Observer { rules, trace }) {
            Verdict::Kept => {}
            Verdict::Dropped { rule } => {
                let RelabelRule { at, action } = &rules.rules()[rule];
                trace.step(Step::RelabelDropped { rule: rule + 1, at: *at, action: action.as_str() });
                return Err(DropReason::Relabeled);
            }
        }
        let new = labels.get(NAME);
        if new.is_empty() {
            return Err(DropReason::RelabeledNameless);
        }
        let new = (new != name).then(|| new.to_owned());
        let labels = labels.into_labels().filter(|(name, _)| name != NAME);
        Ok(Self { name: new, labels: LabelSet::from_unique(labels) })
    }

    /// Only the labels; none of a sample that is dropped.
    pub(crate) fn labels_of(sample: &Sample<'a>, instance: &Instance) -> LabelSet<'a> {
        Self::of(sample, instance, Vec::new(), &mut NoTrace).map(|sample| sample.labels).unwrap_or_default()
    }
}

/// Passes on what rules do.
struct Observer<'o, T> {
    rules: &'o Relabeler,
    trace: &'o mut T,
}

impl<T: Trace> RelabelObserver for Observer<'_, T> {
    fn changed(&mut self, rule: usize, label: &str, before: &str, after: &str) {
        let RelabelRule { at, action } = &self.rules.rules()[rule];
        let action = action.as_str();
        self.trace.step(Step::Relabeled { rule: rule + 1, at: *at, action, label, from: before, to: after });
    }
}

/// The family of a sample that got the name `new`, and its type: the new name without the suffix that the sample has in
/// its own family. A part of a histogram or summary that lost its suffix is part of it no longer.
pub(crate) fn family_of<'n>(new: &'n str, family: &Family, sample: &Sample<'_>) -> (&'n str, MetricType) {
    let old = sample.name.text();
    let suffix = match old.strip_prefix(family.name.as_str()) {
        Some(suffix) => suffix,
        // `x_created` of a counter that is announced as `x_total`.
        None if sample.role == Role::Created => "_created",
        None => "",
    };
    match (new.strip_suffix(suffix).filter(|stem| !stem.is_empty()), sample.role) {
        (Some(stem), _) => (stem, family.metric_type),
        (None, Role::Total | Role::Info) => (new, family.metric_type),
        (None, _) => (new, MetricType::Unknown),
    }
}
