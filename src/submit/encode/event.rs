//! Events as JSON, each a request of its own.

use serde::Serialize;

/// An event of the events API.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EventPost<'a> {
    /// One line.
    pub title: &'a str,
    /// Up to 4000 characters.
    pub text: &'a str,
    /// Seconds since the epoch.
    pub date_happened: i64,
    /// `normal` or `low`.
    pub priority: &'a str,
    /// `info`, `success`, `warning` or `error`.
    pub alert_type: &'a str,
    /// Left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub aggregation_key: &'a str,
    /// Left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub host: &'a str,
    /// What reports it; left out when empty.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub source_type_name: &'a str,
    /// `key:value`.
    pub tags: &'a [&'a str],
}

/// Appends an event.
pub fn encode_event(buffer: &mut Vec<u8>, event: &EventPost<'_>) {
    // A vector takes every byte, and nothing here can fail to be JSON.
    let _ = serde_json::to_writer(buffer, event);
}
