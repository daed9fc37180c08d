//! The aggregator seen from outside: submissions in, batches out.

mod dropped_labels;
mod gauges;
mod groups;
mod identity;
mod laws;
mod native;
mod rules;
mod starts;
mod target;
