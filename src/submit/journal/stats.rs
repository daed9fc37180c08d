//! What the journal counts, readable while it waits for the disk.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::log::Log;
use crate::time::UnixTime;

/// A reading of the counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JournalStats {
    /// Bytes of its files.
    pub bytes: u64,
    /// How many files there are.
    pub segments: u64,
    /// How often the disk did not do what it was to do.
    pub failures: u64,
    /// Files that were found damaged or of another version.
    pub damaged: u64,
    /// Since when the disk takes nothing; `None` while it does.
    pub failing_since: Option<UnixTime>,
}

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct SharedJournalStats(Mutex<JournalStats>);

impl SharedJournalStats {
    fn lock(&self) -> MutexGuard<'_, JournalStats> {
        // Numbers are whole whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self) -> JournalStats {
        self.lock().clone()
    }

    pub(super) fn measure(&self, log: &Log) {
        let mut stats = self.lock();
        (stats.bytes, stats.segments) = (log.bytes(), log.len() as u64);
    }

    pub(super) fn damaged(&self, files: u64) {
        self.lock().damaged += files;
    }

    /// Says once that the disk fails.
    pub(super) fn fail(&self, directory: &Path, error: &io::Error, now: UnixTime) {
        let mut stats = self.lock();
        stats.failures += 1;
        if stats.failing_since.is_none() {
            stats.failing_since = Some(now);
            tracing::warn!(
                "the data directory `{}` cannot be written to: {error}; delivery goes on in memory, and what waits would \
                 not survive an end of the process: give the disk room, or name another directory with `data_dir`",
                directory.display()
            );
        }
    }

    pub(super) fn succeed(&self, directory: &Path) {
        if self.lock().failing_since.take().is_some() {
            tracing::info!("the data directory `{}` can be written to again", directory.display());
        }
    }
}
