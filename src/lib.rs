//! Fetches OpenMetrics and Prometheus endpoints on a schedule and brings their metrics to Datadog.

pub mod aggregate;
pub mod cli;
pub mod config;
pub mod fixture;
pub mod map;
pub mod parse;
pub mod pipeline;
pub mod telemetry;
pub mod time;
