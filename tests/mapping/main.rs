//! What the mapping does beyond the vectors of Datadog's check: the numbered differences, Retriever's own options, and
//! laws that hold whatever the settings and the expositions are.

#![allow(clippy::unwrap_used, reason = "a test whose helper cannot do its work has failed")]

mod differences;
mod histories;
mod laws;
mod relabeling;
mod sharing;
mod target;
