//! Which targets are scraped, and where each of them is reached.
//!
//! There is one target for each instance of the settings; when these are read again, the schedule is handed a new set
//! and starts and stops what differs. Sources that find targets by themselves (a name that resolves to several
//! addresses, files of targets, Kubernetes) will change the set in the same way. What such a source says of a target
//! goes through [`JobDefaults`], as in Prometheus.

mod duration;
mod endpoint;
mod location;
mod target;
mod target_labels;

pub use duration::{DurationError, PrometheusDuration};
pub(crate) use endpoint::UserInfo;
pub use endpoint::{Endpoint, EndpointError};
pub(crate) use location::{Location, Origin, redact};
pub use target::{Place, Target, static_targets};
pub use target_labels::{JobDefaults, Relabeled, RelabeledTarget, TargetLabelsError};
