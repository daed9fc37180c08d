//! The aggregator seen from outside: submissions in, batches out.
#![allow(clippy::float_cmp, reason = "all values are whole numbers or written as they are computed")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod again;
mod dropped_labels;
mod gauges;
mod groups;
mod identity;
mod laws;
mod native;
mod restart;
mod rules;
mod starts;
mod target;
