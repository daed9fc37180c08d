//! Reads expositions: bytes and a format in, families and samples borrowed from those bytes out. A malformed line costs
//! itself and a diagnostic, never its neighbours; nothing here knows what the samples are for.

mod decimal;
mod diagnostic;
mod error;
mod escape;
mod family;
mod format;
mod labels;
mod lanes;
mod line;
mod lines;
mod model;
mod reader;
mod recent;
mod scan;
mod sink;
#[cfg(test)]
mod tests;
mod token;

pub use diagnostic::Diagnostic;
pub use error::ParseError;
pub use format::Format;
pub use model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
pub use reader::{Reader, ReaderLimits, Totals};
pub use sink::Sink;
