//! Decides what becomes of samples: which are submitted, under which name, with which tags, as what.
//!
//! The mapping has two halves. *Compiling* turns a series (family, type, name, labels) into a [`Plan`] and is where all
//! settings act; *applying* a plan to a value makes [`Submission`]s.

mod absence;
mod ahead;
mod context;
mod cuts;
mod dropped;
mod emitter;
mod error;
mod first_value;
mod group;
mod labels;
mod layout;
mod lending;
mod limiter;
mod mapper;
mod mapping;
mod memory;
mod metadata;
mod native;
mod number;
mod open_family;
mod orders;
mod origin;
mod plan;
mod relabeled;
mod repetition;
mod replay;
mod resolve;
mod roster;
mod selection;
mod series;
mod sharing;
mod started;
mod submission;
mod tags;
mod trace;
mod waiting;

pub use crate::config::Status;
pub use absence::{RETAIN_ANYWAY_SCRAPES, RETAIN_SCRAPES, ROOM_FOR_ABSENT};
pub use context::{Context, ContextId, ContextTags, Contexts, Tag};
pub use dropped::{DropCounts, DropReason};
pub use error::MapError;
pub use mapper::{Ending, Mapper, Outcome};
pub use mapping::Mapping;
pub use memory::Forgotten;
pub use native::{NativeCount, NativeReading};
pub use origin::{GroupId, Origin, Part, SeriesId};
pub use plan::{BucketPlan, Change, ChangedPlan, CounterGaugePlan, Plan, ServiceCheckPlan};
pub use submission::{Begun, MetricKind, NativeSubmission, ServiceCheck, Submission, Submissions};
pub use trace::{Step, Trace};
