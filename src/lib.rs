//! Fetches OpenMetrics and Prometheus endpoints on a schedule and brings their metrics to Datadog.
//!
//! Data moves in one direction, and each stage is a module that knows the types of those before it only:
//!
//! ```text
//! config ─▶ discover ─▶ scrape ─▶ parse ─▶ map ─▶ aggregate ─▶ submit
//!          targets      bytes     samples   plans   points      payloads
//! ```
//!
//! [`relabel`] has the rules that change labels, those of metrics and those of targets.
//! [`pipeline`] joins reading and mapping, [`road`] is the whole way of one target up to `submit`, [`fixture`] drives it
//! with recorded scrapes, [`explain`] tells what became of a series and why, `doctor` what became of a request,
//! `metadata` carries what exporters say of their metrics to Datadog, [`telemetry`] shows what the stages count, and [`cli`] has the commands. Everything between `scrape` and `submit` is
//! pure: time is passed in, and nothing waits or is fetched.

pub mod aggregate;
mod calendar;
pub mod cli;
pub mod config;
pub mod discover;
mod doctor;
pub mod explain;
pub mod fixture;
mod interned;
mod lists;
pub mod map;
mod metadata;
mod network;
pub mod parse;
mod percent;
pub mod pipeline;
pub mod relabel;
pub mod road;
pub mod scrape;
mod slots;
pub mod submit;
pub mod telemetry;
mod terminal;
mod texts;
mod throttle;
pub mod time;
mod unique;
pub mod unit;
mod unverified;
