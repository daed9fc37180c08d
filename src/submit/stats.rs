//! What became of everything that was handed to `submit`: counters for telemetry and the health page.
//!
//! In every count each point, each sketch, each service check and each event is one.

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
    /// The queue was full; the oldest went.
    QueueFull,
    /// Waited until the intake would no longer accept it.
    TooOld,
    /// The socket did not take it.
    SendFailed,
    /// Not delivered when the program had to stop, or handed in after that.
    Shutdown,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::NotFinite,
        Self::EmptySketch,
        Self::InvalidName,
        Self::TooLarge,
        Self::Rejected,
        Self::QueueFull,
        Self::TooOld,
        Self::SendFailed,
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
    /// Bytes of payloads that wait.
    pub queue_bytes: usize,
    /// How many wait.
    pub queue_payloads: usize,
    /// The last thing that went wrong, although it may have come right since.
    pub last_failure: Option<Failure>,
    /// When something was last delivered.
    pub last_success: Option<UnixTime>,
    /// Since when nothing is delivered although it is tried; `None` while all is well.
    pub unhealthy_since: Option<UnixTime>,
}

impl Stats {
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
        self.payloads_delivered += other.payloads_delivered;
        self.points_delivered += other.points_delivered;
        self.bytes_sent += other.bytes_sent;
        self.dropped.merge(&other.dropped);
        self.retries += other.retries;
        self.queue_bytes += other.queue_bytes;
        self.queue_payloads += other.queue_payloads;
        if self.last_failure.as_ref().map(|failure| failure.time)
            <= other.last_failure.as_ref().map(|failure| failure.time)
        {
            self.last_failure = other.last_failure;
        }
        if self.last_success <= other.last_success {
            self.last_success = other.last_success;
        }
        if self.unhealthy_since.is_none()
            || other.unhealthy_since.is_some_and(|since| Some(since) < self.unhealthy_since)
        {
            self.unhealthy_since = other.unhealthy_since;
        }
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
    /// Points, sketches, service checks and events that could not be delivered in time.
    pub given_up: u64,
}
