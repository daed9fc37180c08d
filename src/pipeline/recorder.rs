//! Keeps what scrapes submit, for those who want to see it.

use crate::map::{Contexts, NativeSubmission, ServiceCheck, Submission, Submissions};

/// Keeps what a scrape submits, for those who want to see it.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Submissions and metadata in their order.
    pub submissions: Vec<Recorded>,
    /// Service checks in their order.
    pub service_checks: Vec<ServiceCheck>,
}

/// One thing that was submitted.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// A value.
    Submission(Submission),
    /// A native histogram.
    Native(NativeSubmission),
    /// A piece of metadata.
    Metadata {
        /// Its name.
        name: String,
        /// What it says.
        value: String,
    },
}

impl Submissions for Recorder {
    fn submit(&mut self, submission: &Submission, _: &Contexts) {
        self.submissions.push(Recorded::Submission(*submission));
    }

    fn native(&mut self, submission: NativeSubmission, _: &Contexts) {
        self.submissions.push(Recorded::Native(submission));
    }

    fn service_check(&mut self, check: ServiceCheck) {
        self.service_checks.push(check);
    }

    fn health(&mut self, check: ServiceCheck) {
        self.service_checks.insert(0, check);
    }

    fn metadata(&mut self, name: &str, value: &str) {
        self.submissions.push(Recorded::Metadata { name: name.to_owned(), value: value.to_owned() });
    }
}
