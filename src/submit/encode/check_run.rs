//! Entries of the JSON array that is the body of `POST /api/v1/check_run`.

use serde_json::json;

use crate::map::Status;

/// One report of a service check.
#[derive(Clone, Debug)]
pub struct CheckRun<'a> {
    /// The name.
    pub check: &'a str,
    /// Required by the intake, though it may be empty.
    pub host_name: &'a str,
    /// What it reports.
    pub status: Status,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Up to 500 characters; Datadog shows it only when the status is not OK.
    pub message: &'a str,
    /// `key:value` or bare.
    pub tags: &'a [&'a str],
}

/// Appends a report as a JSON object.
pub fn encode_check_run(buffer: &mut Vec<u8>, run: &CheckRun<'_>) {
    let object = json!({
        "check": run.check,
        "host_name": run.host_name,
        "status": run.status.code(),
        "timestamp": run.timestamp,
        "message": run.message,
        "tags": run.tags,
    });
    buffer.extend_from_slice(object.to_string().as_bytes());
}
