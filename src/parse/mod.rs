//! Reads expositions: bytes and a format in, families and samples borrowed from those bytes out. A malformed line costs
//! itself and a diagnostic, never its neighbours; nothing here knows what the samples are for.

mod content_type;
mod departure;
mod diagnostic;
mod error;
mod escape;
mod escaping;
mod family;
mod format;
mod held;
mod labels;
mod line;
mod lines;
mod model;
mod number;
mod reader;
mod sink;
#[cfg(test)]
mod tests;
mod token;
mod wire;

pub use content_type::MediaType;
pub use diagnostic::{Diagnostic, Severity};
pub use error::ParseError;
pub use escaping::EscapingScheme;
pub use format::Format;
pub use model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
pub use number::{canonical_bound, canonical_number};
pub use reader::{Reader, ReaderLimits, Totals};
pub use sink::Sink;
