//! Fetches OpenMetrics and Prometheus endpoints on a schedule and brings their metrics to Datadog.

pub mod aggregate;
pub mod config;
pub mod map;
pub mod parse;
pub mod submit;
pub mod time;
