//! Which targets are scraped, and where each of them is reached.
//!
//! The set is static for now: one target for each instance of the settings, fixed at start. What will change it later
//! are the sources that find targets by themselves (a name that resolves to several addresses, files of targets,
//! Kubernetes); they will hand over a new set and the schedule will start and stop what differs. What such a source
//! says of a target goes through [`JobDefaults`], as in Prometheus.

mod duration;
mod endpoint;
mod location;
mod target_labels;

pub use duration::{DurationError, PrometheusDuration};
pub(crate) use endpoint::UserInfo;
pub use endpoint::{Endpoint, EndpointError};
pub(crate) use location::{Location, Origin, redact};
pub use target_labels::{JobDefaults, Relabeled, RelabeledTarget, TargetLabelsError};

/// One endpoint that is scraped on behalf of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Index of its instance among those that are scraped.
    pub instance: usize,
}

/// The targets of the settings: one for each instance, in their order.
pub fn static_targets(endpoints: impl IntoIterator<Item = Endpoint>) -> Vec<Target> {
    endpoints.into_iter().enumerate().map(|(instance, endpoint)| Target { endpoint, instance }).collect()
}
