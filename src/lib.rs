//! Fetches OpenMetrics and Prometheus endpoints on a schedule and brings their metrics to Datadog.

pub mod aggregate;
pub mod cli;
pub mod config;
pub mod discover;
pub mod fixture;
pub mod map;
pub mod parse;
pub mod pipeline;
pub mod road;
pub mod scrape;
pub mod submit;
pub mod time;
