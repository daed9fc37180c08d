//! Reads expositions: bytes and a format in, families and samples borrowed from those bytes out. A malformed line costs
//! itself and a diagnostic, never its neighbours; nothing here knows what the samples are for.

mod departure;
mod diagnostic;
mod error;
mod escape;
mod family;
mod format;
mod held;
mod labels;
mod line;
mod lines;
mod model;
mod reader;
mod sink;
#[cfg(test)]
mod tests;
mod token;
mod wire;

pub use diagnostic::{Diagnostic, Severity};
pub use error::ParseError;
pub use format::Format;
pub use model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
pub use reader::{Reader, ReaderLimits, Totals};
pub use sink::Sink;
