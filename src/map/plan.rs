//! What becomes of every value of one series: decided once by compiling, then replayed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Status;

use super::context::{ContextId, Tag};
use super::dropped::DropReason;
use super::submission::MetricKind;

/// The plan of one series.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Its values are dropped.
    Drop(DropReason),
    /// Each value becomes one submission.
    Metric {
        /// How the value is treated.
        kind: MetricKind,
        /// Name, tags and host.
        context: ContextId,
        /// What is done to the value.
        change: Change,
    },
    /// Each value becomes a gauge and a monotonic count, but for what `metric_patterns` leaves out.
    CounterGauge {
        /// The gauge.
        total: Option<ContextId>,
        /// The monotonic count.
        count: Option<ContextId>,
    },
    /// Each value is a bucket that is submitted without those below it, once its histogram is complete.
    Bucket(Box<BucketPlan>),
    /// Each value becomes a service check.
    ServiceCheck(Box<ServiceCheckPlan>),
    /// Each value stands for a piece of metadata.
    Metadata {
        /// The name of the metadata.
        name: Box<str>,
        /// What it says.
        value: Box<str>,
    },
}

/// What is done to a value before it is submitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It is divided by the scale and multiplied by 100.
    Percent {
        /// Not zero.
        scale: f64,
    },
    /// It is subtracted from the present time.
    UntilNow,
}

/// A bucket before its neighbours are known.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketPlan {
    /// What it has in common with the other buckets of its histogram: all labels but the bound.
    pub(crate) group: Vec<(String, String)>,
    /// The bound.
    pub(crate) upper: f64,
    /// Its tags but the one of the lower bound.
    pub(crate) tags: Vec<Tag>,
    /// Its host.
    pub(crate) hostname: Arc<str>,
}

/// A service check made of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCheckPlan {
    /// The full name.
    pub(crate) name: String,
    /// The status of each value, truncated to a whole number; others are unknown.
    pub(crate) statuses: BTreeMap<i64, Status>,
    /// Its host.
    pub(crate) hostname: String,
}
