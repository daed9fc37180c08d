//! The aggregator seen from outside: submissions in, batches out.

mod expiry;
mod laws;
mod rules;
mod target;
