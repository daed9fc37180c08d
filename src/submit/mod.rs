//! The last stage: brings points, sketches and service checks to Datadog's HTTP API, to an Agent over `DogStatsD`, or
//! to the console. What was taken in is delivered at least once, or counted with the reason why it was not.
//!
//! [`Submitter`] is the door; [`Delivery`] is what goes through it.

mod api;
mod console;
mod delivery;
mod dogstatsd;
pub mod encode;
mod enrich;
mod error;
mod name;
mod stats;
mod submitter;

pub use api::{Backoff, KeyCheck, Pace, validate_key};
pub(crate) use api::{MetadataAnswer, MetadataApi, validate_key_observed};
pub use console::{Console, ConsoleFormat};
pub use delivery::Delivery;
pub(crate) use dogstatsd::{Reached, reach_dogstatsd};
pub use error::SubmitError;
pub(crate) use name::{cut_to, metric_name};
pub use stats::{Drained, DropReason, Dropped, Failure, Health, Stats};
pub use submitter::Submitter;
