//! Histograms without cumulation: their buckets wait until the family is complete, then each is submitted without those
//! below it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{HistogramMode, Instance};

use super::context::{Context, Contexts, Tag};
use super::dropped::{DropCounts, DropReason};
use super::family::{SelectedFamily, Suffix};
use super::labels::UPPER_BOUND;
use super::number::canonical;
use super::plan::BucketPlan;
use super::submission::{MetricKind, Submission};
use super::tags::finished;

const LOWER_BOUND: &str = "lower_bound";

/// What waits for the end of its family, in the order of the exposition.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    entries: Vec<Entry>,
    groups: HashMap<Vec<(String, String)>, Group>,
}

#[derive(Debug)]
enum Entry {
    Ready(Submission),
    Bucket(Box<BucketPlan>),
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
    fn difference(&self, upper: f64) -> Difference {
        let at = self.0.partition_point(|(bound, _)| *bound < upper);
        let value = self.0[at].1;
        match at.checked_sub(1).map(|below| self.0[below]) {
            Some((lower, below)) => Difference { lower, value: value - below },
            None if upper >= 0.0 => Difference { lower: 0.0, value },
            None => Difference { lower: f64::NEG_INFINITY, value },
        }
    }
}

impl Waiting {
    /// A sum or a count.
    pub(crate) fn ready(&mut self, submission: Submission) {
        self.entries.push(Entry::Ready(submission));
    }

    /// A bucket with its cumulative value.
    pub(crate) fn bucket(&mut self, plan: Box<BucketPlan>, value: f64) {
        // Zero is one bound, whatever its sign.
        let bound = plan.upper + 0.0;
        self.groups.entry(plan.group.clone()).or_default().0.push((bound, value));
        self.entries.push(Entry::Bucket(plan));
    }

    /// Submits what waited, and waits for the next family.
    pub(crate) fn finish(
        &mut self,
        family: &mut SelectedFamily<'_>,
        instance: &Instance,
        contexts: &mut Contexts,
        flush_first_value: bool,
        dropped: &mut DropCounts,
        mut submit: impl FnMut(Submission, &Contexts),
    ) {
        let Self { entries, groups } = std::mem::take(self);
        let mut groups = groups;
        groups.values_mut().for_each(Group::complete);
        for entry in entries {
            let submission = match entry {
                Entry::Ready(submission) => Ok(submission),
                Entry::Bucket(plan) => {
                    let difference = groups[&plan.group].difference(plan.upper + 0.0);
                    bucket(*plan, difference, family, instance, contexts, flush_first_value)
                }
            };
            match submission {
                Ok(submission) => submit(submission, contexts),
                Err(reason) => dropped.add(reason),
            }
        }
    }
}

fn bucket(
    plan: BucketPlan,
    Difference { lower, value }: Difference,
    family: &mut SelectedFamily<'_>,
    instance: &Instance,
    contexts: &mut Contexts,
    flush_first_value: bool,
) -> Result<Submission, DropReason> {
    let BucketPlan { upper, mut tags, hostname, .. } = plan;
    if !value.is_finite() {
        return Err(DropReason::NotFinite);
    }
    let bound_tags = match instance.histograms {
        HistogramMode::Distributions { bound_tags, .. } => bound_tags,
        HistogramMode::NoBuckets | HistogramMode::Cumulative | HistogramMode::Differences => {
            if upper.is_infinite() {
                return Err(DropReason::InfiniteBucket);
            }
            let name = family.names.metric(Suffix::Bucket, contexts)?;
            tags.push(lower_bound_tag(lower, instance, contexts));
            let context = contexts.intern(Context { name, tags: tags.into(), hostname });
            return Ok(Submission::Metric { kind: MetricKind::MonotonicCount, context, value, flush_first_value });
        }
    };
    // Only there both bounds are infinite.
    if upper == f64::NEG_INFINITY {
        return Err(DropReason::InfiniteBucket);
    }
    if bound_tags {
        tags.push(lower_bound_tag(lower, instance, contexts));
    } else {
        remove_bound_tags(&mut tags, instance);
    }
    let name = contexts.text(family.names.base());
    let context = contexts.intern(Context { name, tags: tags.into(), hostname });
    // Truncated as the original does.
    let value = value as i64;
    Ok(Submission::Bucket { context, lower, upper, value, flush_first_value, multiple_buckets: !bound_tags })
}

fn lower_bound_tag(lower: f64, instance: &Instance, contexts: &mut Contexts) -> Tag {
    contexts.text(&finished(&format!("{LOWER_BOUND}:{}", canonical(lower)), instance))
}

/// Removes every tag that begins like one of a bound, wherever it comes from: what the original does.
fn remove_bound_tags(tags: &mut Vec<Arc<str>>, instance: &Instance) {
    let upper = instance.rename_labels.get(UPPER_BOUND).map_or(UPPER_BOUND, String::as_str);
    let begins = |tag: &str, key: &str| tag.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    tags.retain(|tag| !begins(tag, upper) && !begins(tag, LOWER_BOUND));
}
