//! Relabeling as Prometheus does it: rules that change, drop and choose sets of labels, one after the other.
//!
//! It belongs to no stage: the labels of metrics and those of targets go through the same [`Relabeler`]. Nothing is
//! read or remembered here, so equal labels always come out equal.

mod case;
mod class;
mod engine;
mod labels;
mod names;
mod pattern;
mod rule;
mod syntax;
mod template;

pub use engine::{NoObserver, RelabelObserver, Relabeler, Verdict};
pub use labels::LabelBuilder;
pub use names::NameValidation;
pub use pattern::{AnchoredRegex, RelabelRegexError};
pub use rule::{Action, RelabelRule, SourceLabels};
pub use template::Template;
