//! What exporters say of their metrics (type, unit, help), brought to where Datadog keeps it.
//!
//! A [`Collector`] watches the scrapes of a target, a [`Catalogue`] has what all targets say, by the names that Datadog
//! stores, and [`fn@bring`] changes what Datadog has where it differs.

mod bring;
mod catalogue;
mod change;
mod collect;
mod csv;
mod report;

pub(crate) use bring::{Errand, Pace, bring};
pub(crate) use catalogue::Catalogue;
pub(crate) use collect::Collector;
pub(crate) use csv::csv;
pub(crate) use report::{Entry, State, json, summary, text};
