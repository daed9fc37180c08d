//! What became of everything that was handed to `submit`: counters for telemetry and the health page.
//!
//! In every count each point, each sketch, each service check and each event is one. Where several intakes get the same,
//! it counts for each of them.

use super::journal::JournalStats;
use crate::time::UnixTime;

/// Why something was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// A value that is NaN or infinite, which Datadog cannot store.
    NotFinite,
    /// A sketch that holds no value.
    EmptySketch,
    /// A name without a single letter.
    InvalidName,
    /// Too large for a payload or packet of its own.
    TooLarge,
    /// The intake said that the payload is malformed.
    Rejected,
    /// The queue was full, in memory and on disk; the oldest went.
    QueueFull,
    /// Waited until the intake would no longer accept it.
    TooOld,
    /// The socket did not take it.
    SendFailed,
    /// What was kept on disk could not be read again.
    Unreadable,
    /// The settings do not name the intake any more.
    Removed,
    /// Not delivered when the program had to stop, or handed in after that.
    Shutdown,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::NotFinite,
        Self::EmptySketch,
        Self::InvalidName,
        Self::TooLarge,
        Self::Rejected,
        Self::QueueFull,
        Self::TooOld,
        Self::SendFailed,
        Self::Unreadable,
        Self::Removed,
        Self::Shutdown,
    ];

    /// A label for telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFinite => "not_finite",
            Self::EmptySketch => "empty_sketch",
            Self::InvalidName => "invalid_name",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
            Self::QueueFull => "queue_full",
            Self::TooOld => "too_old",
            Self::SendFailed => "send_failed",
            Self::Unreadable => "unreadable",
            Self::Removed => "removed",
            Self::Shutdown => "shutdown",
        }
    }
}

/// How many were dropped for which reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    pub(super) fn add(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] += count;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// The count of one reason.
    pub fn count(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// The count of all reasons.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each reason with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().zip(self.0)
    }
}

impl FromIterator<(DropReason, u64)> for Dropped {
    fn from_iter<I: IntoIterator<Item = (DropReason, u64)>>(counts: I) -> Self {
        let mut dropped = Self::default();
        counts.into_iter().for_each(|(reason, count)| dropped.add(reason, count));
        dropped
    }
}

/// The last thing that went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// When.
    pub time: UnixTime,
    /// What, where, and what to do about it.
    pub message: String,
}

/// A reading of all counters. They count from the start of the program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Payloads that the intake accepted, packets that the socket took, or scrapes that were shown or written to a file.
    pub payloads_delivered: u64,
    /// What was in them.
    pub points_delivered: u64,
    /// Bytes of delivered payloads, compressed where they are compressed.
    pub bytes_sent: u64,
    /// What was not delivered.
    pub dropped: Dropped,
    /// Attempts that failed and will be repeated.
    pub retries: u64,
    /// Bytes of payloads that wait, in memory or on disk.
    pub queue_bytes: usize,
    /// How many wait.
    pub queue_payloads: usize,
    /// Bytes of payloads in memory, with those that are being sent.
    pub queue_memory_bytes: usize,
    /// The last thing that went wrong, although it may have come right since.
    pub last_failure: Option<Failure>,
    /// When something was last delivered.
    pub last_success: Option<UnixTime>,
    /// Since when nothing is delivered although it is tried; `None` while all is well.
    pub unhealthy_since: Option<UnixTime>,
    /// The same for each intake of the HTTP API, the main one first.
    pub intakes: Vec<IntakeStats>,
    /// What is kept on disk; none: nothing is.
    pub journal: Option<JournalStats>,
}

/// A reading of the counters of one intake.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeStats {
    /// Its URL, with a number behind it if it is not the first of that URL.
    pub intake: String,
    /// Its counters.
    pub stats: Stats,
}

impl Stats {
    /// Adds the counters of an intake; what waits is not counted, since several wait for the same.
    pub(super) fn add(&mut self, intake: &Self) {
        self.payloads_delivered += intake.payloads_delivered;
        self.points_delivered += intake.points_delivered;
        self.bytes_sent += intake.bytes_sent;
        self.dropped.merge(&intake.dropped);
        self.retries += intake.retries;
        if self.last_success < intake.last_success {
            self.last_success = intake.last_success;
        }
        // While one fails, its failure is the one to tell of.
        let is_told = match (self.unhealthy_since, intake.unhealthy_since) {
            (None, Some(_)) => true,
            (Some(_), None) => false,
            _ => {
                self.last_failure.as_ref().map(|failure| failure.time)
                    < intake.last_failure.as_ref().map(|failure| failure.time)
            }
        };
        if is_told {
            self.last_failure.clone_from(&intake.last_failure);
        }
        if self.unhealthy_since.is_none()
            || intake.unhealthy_since.is_some_and(|since| Some(since) < self.unhealthy_since)
        {
            self.unhealthy_since = intake.unhealthy_since;
        }
    }

    pub(super) fn fail(&mut self, time: UnixTime, message: impl Into<String>) {
        self.last_failure = Some(Failure { time, message: message.into() });
    }

    pub(super) fn succeed(&mut self, time: UnixTime, points: u64, bytes: usize) {
        self.payloads_delivered += 1;
        self.points_delivered += points;
        self.bytes_sent += bytes as u64;
        self.last_success = Some(time);
    }

    /// Adds what became of things at another output.
    pub(super) fn merge(&mut self, other: Self) {
        self.add(&other);
        self.queue_bytes += other.queue_bytes;
        self.queue_payloads += other.queue_payloads;
        self.queue_memory_bytes += other.queue_memory_bytes;
        self.intakes.extend(other.intakes);
    }

    /// Whether metrics arrive, as a health page says it.
    pub fn health(&self) -> Health {
        match (&self.unhealthy_since, &self.last_failure) {
            (Some(since), Some(failure)) => Health::Failing { since: *since, message: failure.message.clone() },
            _ => Health::Fine,
        }
    }
}

/// Whether metrics arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// Nothing is known to the contrary.
    Fine,
    /// Attempts to deliver fail.
    Failing {
        /// Since when.
        since: UnixTime,
        /// The last failure.
        message: String,
    },
}

/// How a shutdown ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Points, sketches, service checks and events that could not be delivered in time and are lost.
    pub given_up: u64,
    /// Those that could not either, and that the next start finds in the data directory.
    pub kept: u64,
}
