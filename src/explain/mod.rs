//! The road of single series, told so that somebody understands it who knows neither the code nor every setting: what
//! each step made of a series and which line of the settings did it; or why a metric is missing and what to write.
//!
//! Nothing is decided here a second time: a [`Listener`] travels on the same road as every scrape and writes down what it
//! is told.

mod advice;
mod asked;
mod collision;
mod growth;
mod histogram;
mod json;
mod listener;
mod missing;
mod model;
mod near;
mod seen;
mod selector;
mod source;
mod stage;
mod text;

pub use json::json;
pub use listener::Listener;
pub use model::{Dropped, Explanation, GrowthAccount, Hint, Missing, ScrapeAccount, SeriesAccount, Stage, StageKind};
pub use selector::{LabelMatcher, Operator, Selector, SelectorError};
pub use source::{Rule, Source};
pub use text::{Detail, text};

/// What is to be explained.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Every series.
    Everything,
    /// The series that a selector means.
    Selector(Selector),
}
