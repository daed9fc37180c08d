//! Bytes as Datadog's intake reads them: each entry is complete in itself, so that a payload
//! is entries one after another and its size is known while it is written.
//!
//! The input types can say everything that the intake understands, more than Retriever sends.

mod check_run;
mod event;
mod point;
mod series;
mod sink;
mod sketches;
#[cfg(test)]
mod tests;
pub(super) mod wire;

pub use check_run::{CheckRun, encode_check_run};
pub use event::{EventPost, encode_event};
pub(super) use point::{DEVICE, Form, PointEncoder, Reading, time_field};
pub use series::{Origin, Series, encode_series};
pub(super) use sink::Sink;
pub use sketches::{SketchSeries, encode_sketch};
