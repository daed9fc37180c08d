//! Submission.

pub mod encode;
