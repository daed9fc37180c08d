//! Decides what becomes of samples: which are submitted, under which name, with which tags, as what.
//!
//! The mapping has two halves. *Compiling* turns a series (family, type, name, labels) into a [`Plan`] and is where all
//! settings act; *applying* a plan to a value makes [`Submission`]s.

mod context;
mod differences;
mod dropped;
mod error;
mod family;
mod first_value;
mod labels;
mod mapper;
mod number;
mod plan;
mod series;
mod submission;
mod tags;
mod trace;

pub use crate::config::Status;
pub use context::{Context, ContextId, Contexts, Tag};
pub use dropped::{DropCounts, DropReason};
pub use error::MapError;
pub use mapper::{Mapper, Mapping, Outcome};
pub use plan::{BucketPlan, Change, Plan, ServiceCheckPlan};
pub use submission::{MetricKind, ServiceCheck, Submission, Submissions};
pub use trace::{NoTrace, Step, Trace};
