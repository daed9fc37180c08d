//! The last stage: brings points, sketches, service checks and events to Datadog's HTTP API, to an Agent over
//! `DogStatsD`, to a file and to the console. What was taken in is delivered at least once to each of the outputs, or
//! counted with the reason why it was not.
//!
//! [`Submitter`] is the door; [`Delivery`] is what goes through it.

mod api;
mod console;
mod delivery;
mod dogstatsd;
pub mod encode;
mod enrich;
mod error;
mod event;
mod frame;
mod journal;
mod marks_keeper;
mod name;
mod stats;
mod storage;
mod submitter;

pub use api::{Backoff, KeyCheck, Pace, validate_key, validate_keys};
pub(crate) use api::{MetadataAnswer, MetadataApi, validate_key_observed};
pub use console::Console;
pub use delivery::Delivery;
pub(crate) use dogstatsd::{Reached, reach_dogstatsd};
pub use error::SubmitError;
pub use event::{Event, EventAlertType, EventPriority};
pub use journal::JournalStats;
pub(crate) use name::{cut_to, metric_name};
pub use stats::{Drained, DropReason, Dropped, Failure, Health, IntakeStats, Stats};
pub use storage::Storage;
pub use submitter::Submitter;
