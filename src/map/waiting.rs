//! What waits for the end of its family: buckets, each of which is submitted without those below it once all are known,
//! and with them everything that stands between them.

use std::collections::{HashMap, HashSet};

use crate::config::{GaugeAggregation, HistogramMode, Instance};

use super::context::ContextId;
use super::dropped::DropReason;
use super::emitter::Emission;
use super::labels::UPPER_BOUND;
use super::memory::Memory;
use super::number::canonical;
use super::origin::{GroupId, SeriesId};
use super::plan::Plan;
use super::submission::{MetricKind, Submission};
use super::tags::finished;

const LOWER_BOUND: &str = "lower_bound";

/// The emissions of a family, in the order of the exposition.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// What goes before all others.
    first: Vec<Emission>,
    entries: Vec<Entry>,
    /// Of each histogram, its bounds with their cumulative values.
    groups: HashMap<GroupId, Group>,
    /// Histograms that are exposed as native ones as well.
    natives: HashSet<GroupId>,
}

#[derive(Debug)]
enum Entry {
    Ready(Emission),
    Bucket(SeriesId, GroupId),
}

/// The buckets of one histogram: bounds with their cumulative values; sorted, each bound once, once complete.
#[derive(Debug, Default)]
struct Group(Vec<(f64, f64)>);

/// A bucket without those below it.
#[derive(Clone, Copy)]
struct Difference {
    lower: f64,
    value: f64,
}

impl Group {
    /// Of equal bounds the last value stays.
    fn complete(&mut self) {
        self.0.reverse();
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.0.dedup_by(|later, earlier| later.0.total_cmp(&earlier.0).is_eq());
    }

    /// The lowest bucket begins at zero, or at negative infinity if its bound is negative.
    fn difference(&self, upper: f64) -> Option<Difference> {
        let at = self.0.partition_point(|(bound, _)| *bound < upper);
        let value = self.0.get(at)?.1;
        Some(match at.checked_sub(1).and_then(|below| self.0.get(below)) {
            Some(&(lower, below)) => Difference { lower, value: value - below },
            None if upper >= 0.0 => Difference { lower: 0.0, value },
            None => Difference { lower: f64::NEG_INFINITY, value },
        })
    }
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.first.is_empty()
    }

    /// Something that goes before all others.
    pub(super) fn first(&mut self, emission: Emission) {
        self.first.push(emission);
    }

    /// Something that is ready.
    pub(super) fn ready(&mut self, emission: Emission) {
        self.entries.push(Entry::Ready(emission));
    }

    /// A bucket with its cumulative value.
    pub(super) fn bucket(&mut self, series: SeriesId, value: f64, memory: &Memory) {
        let known = memory.get(series);
        let (Plan::Bucket(plan), Some((group, _))) = (&known.plan, known.group) else { return };
        // Zero is one bound, whatever its sign.
        self.groups.entry(group).or_default().0.push((plan.upper + 0.0, value));
        self.entries.push(Entry::Bucket(series, group));
    }

    /// A native histogram came: it says more than the buckets of the same histogram.
    pub(super) fn native(&mut self, group: GroupId) {
        self.natives.insert(group);
    }

    /// Everything that waited, and waits for the next family. `dropped` is told what comes to nothing, and why.
    pub(super) fn finish(
        &mut self,
        instance: &Instance,
        memory: &mut Memory,
        mut dropped: impl FnMut(SeriesId, DropReason),
    ) -> Vec<Emission> {
        let Self { first, entries, mut groups, natives } = std::mem::take(self);
        groups.values_mut().for_each(Group::complete);
        let distributions = matches!(instance.histograms, HistogramMode::Distributions { .. });
        let mut emissions = first;
        emissions.reserve(entries.len());
        for entry in entries {
            let (series, group) = match entry {
                Entry::Ready(emission) => {
                    emissions.push(emission);
                    continue;
                }
                Entry::Bucket(series, group) => (series, group),
            };
            let made = if distributions && natives.contains(&group) {
                Err(DropReason::ReplacedByNative)
            } else {
                bucket(series, &groups[&group], instance, memory)
            };
            match made {
                Ok(emission) => emissions.push(emission),
                Err(reason) => dropped(series, reason),
            }
        }
        emissions
    }
}

fn bucket(series: SeriesId, group: &Group, instance: &Instance, memory: &mut Memory) -> Result<Emission, DropReason> {
    let Plan::Bucket(plan) = &memory.get(series).plan else { return Err(DropReason::BadBound) };
    let upper = plan.upper;
    let Difference { lower, value } = group.difference(upper + 0.0).ok_or(DropReason::BadBound)?;
    if !value.is_finite() {
        return Err(DropReason::NotFinite);
    }
    let origin = memory.origin(series);
    let bound_tags = match instance.histograms {
        HistogramMode::Distributions { bound_tags, .. } => bound_tags,
        HistogramMode::NoBuckets | HistogramMode::Cumulative | HistogramMode::Differences => {
            if upper.is_infinite() {
                return Err(DropReason::InfiniteBucket);
            }
            let context = context(series, lower, true, instance, memory)?;
            return Ok(Emission::Submission(Submission::Metric {
                kind: MetricKind::MonotonicCount,
                context,
                origin,
                gauges: GaugeAggregation::Last,
                lower: Some(lower),
                value,
                flush_first_value: false,
            }));
        }
    };
    // Only there both bounds are infinite.
    if upper == f64::NEG_INFINITY {
        return Err(DropReason::InfiniteBucket);
    }
    let context = context(series, lower, bound_tags, instance, memory)?;
    Ok(Emission::Submission(Submission::Bucket {
        context,
        origin,
        lower,
        upper,
        // Truncated as the original does.
        value: value as i64,
        flush_first_value: false,
        multiple_buckets: !bound_tags,
    }))
}

fn context(
    series: SeriesId,
    lower: f64,
    bound_tags: bool,
    instance: &Instance,
    memory: &mut Memory,
) -> Result<ContextId, DropReason> {
    let made = memory.bucket_context(series, lower, |base, contexts| {
        if bound_tags {
            let tag = format!("{LOWER_BOUND}:{}", canonical(lower));
            contexts.derive(base, |_| true, Some(&finished(&tag, instance)))
        } else {
            contexts.derive(base, |tag| !is_bound_tag(tag, instance), None)
        }
    });
    made.ok_or(DropReason::BadBound)
}

/// Whether a tag begins like one of a bound, wherever it comes from: what the original looks at.
fn is_bound_tag(tag: &str, instance: &Instance) -> bool {
    let upper = instance.rename_labels.get(UPPER_BOUND).map_or(UPPER_BOUND, String::as_str);
    [upper, LOWER_BOUND].iter().any(|key| tag.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
}
