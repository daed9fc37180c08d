//! What becomes of every value of one series: decided once by compiling, then replayed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{GaugeAggregation, Status};
use crate::time::UnixTime;

use super::context::ContextId;
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
        /// What several gauges of the context come to.
        gauges: GaugeAggregation,
    },
    /// Likewise, but another value is submitted.
    Changed(Box<ChangedPlan>),
    /// Each value becomes a gauge and a monotonic count, but for what `metric_patterns` leaves out.
    CounterGauge(Box<CounterGaugePlan>),
    /// Each value is a bucket that is submitted without those below it, once its histogram is complete.
    Bucket(Box<BucketPlan>),
    /// Each value is a native histogram that becomes a sketch.
    Native(ContextId),
    /// Each value becomes a service check.
    ServiceCheck(Arc<ServiceCheckPlan>),
    /// Each value stands for pieces of metadata: their names and what they say.
    Metadata(Arc<Vec<(String, String)>>),
}

impl Plan {
    /// Whether what becomes of a value depends on the value before.
    pub(super) fn grows(&self) -> bool {
        match self {
            Self::Metric { kind, .. } => kind.grows(),
            Self::Changed(plan) => plan.kind.grows(),
            Self::CounterGauge(plan) => plan.count.is_some(),
            Self::Bucket(_) | Self::Native(_) => true,
            Self::Drop(_) | Self::ServiceCheck(_) | Self::Metadata(_) => false,
        }
    }

    /// The contexts that it submits to, as far as they are known without a value.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = ContextId> {
        let (one, other) = match self {
            Self::Drop(_) | Self::ServiceCheck(_) | Self::Metadata(_) => (None, None),
            Self::Metric { context, .. } | Self::Native(context) => (Some(*context), None),
            Self::Changed(plan) => (Some(plan.context), None),
            Self::CounterGauge(plan) => (plan.total, plan.count),
            Self::Bucket(plan) => (plan.base, plan.submitted.map(|(_, context)| context)),
        };
        one.into_iter().chain(other)
    }
}

/// A metric whose values are not submitted as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedPlan {
    pub(crate) kind: MetricKind,
    pub(crate) context: ContextId,
    pub(crate) change: Change,
    pub(crate) gauges: GaugeAggregation,
}

/// A gauge and a monotonic count of the same values.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterGaugePlan {
    pub(crate) total: Option<ContextId>,
    pub(crate) count: Option<ContextId>,
    /// What several gauges of a context come to.
    pub(crate) gauges: GaugeAggregation,
}

/// What is done to a value before it is submitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It is divided by the scale and multiplied by 100.
    Percent {
        /// Not zero.
        scale: f64,
    },
    /// It is subtracted from the present time.
    UntilNow,
}

impl Change {
    /// What is submitted of a value at this time.
    pub(super) fn of(self, value: f64, now: UnixTime) -> f64 {
        match self {
            Self::Percent { scale } => value / scale * 100.0,
            Self::UntilNow => now.seconds() - value,
        }
    }
}

/// A bucket before its neighbours are known.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketPlan {
    /// Its context but for the lower bound; none if it is not submitted itself and others are told apart from it.
    pub(crate) base: Option<ContextId>,
    /// The bound.
    pub(crate) upper: f64,
    /// The context it was last submitted to, and the lower bound it had then.
    pub(crate) submitted: Option<(f64, ContextId)>,
}

/// A service check made of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCheckPlan {
    /// The full name.
    pub(crate) name: String,
    /// The status of each value, truncated to a whole number; others are unknown.
    pub(crate) statuses: Arc<BTreeMap<i64, Status>>,
    /// Its host.
    pub(crate) hostname: String,
}
