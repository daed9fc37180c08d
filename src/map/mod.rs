//! Mapping.

mod context;
mod submission;

pub use context::{Context, ContextId, Contexts, Tag};
pub use submission::{MetricKind, ServiceCheck, Status, Submission, Submissions};
