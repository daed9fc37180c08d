//! What the mapping does beyond the vectors of Datadog's check: the numbered differences, Retriever's own options, and
//! laws that hold whatever the settings and the expositions are.

#![allow(clippy::unwrap_used, reason = "a test whose helper cannot do its work has failed")]

mod differences;
mod figures;
mod histories;
mod laws;
#[path = "../protobuf/messages.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod messages;
mod native;
mod options;
mod points;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod program;
mod relabeling;
mod sharing;
mod target;
