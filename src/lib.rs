//! Fetches OpenMetrics and Prometheus endpoints on a schedule and brings their metrics to Datadog.

pub mod aggregate;
pub mod cli;
pub mod config;
pub mod discover;
pub mod map;
pub mod parse;
pub mod scrape;
pub mod time;
