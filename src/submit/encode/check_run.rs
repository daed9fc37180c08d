//! Entries of the JSON array that is the body of `POST /api/v1/check_run`.

use serde::Serialize;

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
    #[derive(Serialize)]
    struct Wire<'a> {
        check: &'a str,
        host_name: &'a str,
        status: u8,
        timestamp: i64,
        message: &'a str,
        tags: &'a [&'a str],
    }
    let wire = Wire {
        check: run.check,
        host_name: run.host_name,
        status: run.status.code(),
        timestamp: run.timestamp,
        message: run.message,
        tags: run.tags,
    };
    serde_json::to_writer(buffer, &wire).expect("text and numbers are written to memory without errors");
}
