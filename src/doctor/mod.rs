//! Walks the way from this machine to a target, and on to Datadog, and tells of each step what was found.
//!
//! The requests are those of [`scrape`](crate::scrape) and [`submit`](crate::submit) themselves, which tell an observer of
//! their steps; what is written here only says what that means. The files are of three kinds: those that examine
//! (`target`, `delivery`), those that word one kind of step each, and the forms in which all is printed.

mod answer;
mod collected;
mod delivery;
mod handshake;
mod intake;
mod json;
mod login;
mod model;
mod notes;
mod socket;
mod target;
mod text;
mod way;
mod words;

pub(crate) use delivery::examine_deliveries;
pub(crate) use json::json;
pub(crate) use model::{Diagnosis, Outcome};
pub(crate) use target::{examine_target, unusable};
pub(crate) use text::{summary, text};
