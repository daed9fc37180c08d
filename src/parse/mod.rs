//! Reads expositions: bytes and a format in, families and samples borrowed from those bytes out. A malformed line costs
//! itself and a diagnostic, never its neighbours; nothing here knows what the samples are for.

mod any_reader;
mod content_type;
mod decimal;
mod departure;
mod diagnostic;
mod error;
mod escape;
mod escaping;
mod family;
mod format;
mod held;
mod labels;
mod lanes;
mod limits;
mod line;
mod lines;
mod model;
mod native;
mod number;
mod openmetrics2;
mod protobuf;
mod reader;
mod recent;
mod scan;
mod sink;
mod strict;
#[cfg(test)]
mod tests;
mod token;
mod totals;
mod wire;

pub use any_reader::Reader;
pub use diagnostic::{Diagnostic, Severity};
pub use error::ParseError;
pub use escaping::EscapingScheme;
pub use format::Format;
pub(crate) use lanes::value_end;
pub use limits::ReaderLimits;
pub use model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
pub use native::{NativeBucket, NativeBuckets, NativeHistogram, ResetHint, Span};
pub use number::{canonical_bound, canonical_number};
pub(crate) use scan::tail;
pub use sink::{Room, Sink, Taken};
pub use strict::Strictness;
pub use totals::Totals;
