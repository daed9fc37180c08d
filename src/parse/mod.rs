//! Reading.

mod diagnostic;
mod escape;
mod model;
mod sink;

pub use diagnostic::Diagnostic;
pub use model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
pub use sink::Sink;
