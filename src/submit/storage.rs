//! The data directory as the outputs share it: opened once, with what an earlier process left in it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::SubmitError;
use super::journal::{Done, Journal, Recovered, RecoveredPayload, SharedJournalStats};
use crate::aggregate::{MarksContent, TargetKey};
use crate::config::{DataDirectory, StorageSettings};
use crate::time::UnixTime;

/// The journal, which is only locked where the disk may be waited for.
pub(super) type SharedJournal = Arc<Mutex<Journal>>;

/// A data directory that belongs to this process.
#[derive(Debug)]
pub struct Storage {
    pub(super) journal: SharedJournal,
    pub(super) stats: Arc<SharedJournalStats>,
    pub(super) payloads: Vec<RecoveredPayload>,
    /// How old marks may be; none: they are not kept.
    pub(super) marks_age: Option<Duration>,
    pub(super) marks: HashMap<TargetKey, Vec<MarksContent>>,
}

impl Storage {
    /// Opens what the settings ask for; waits for the disk. `None`: nothing is kept on disk, because nothing is asked
    /// for, or because the usual directory cannot be used, which is said.
    ///
    /// # Errors
    ///
    /// When the settings name a directory that cannot be used, or that another process uses.
    pub fn open(settings: &StorageSettings, now: UnixTime) -> Result<Option<Self>, SubmitError> {
        if settings.is_off() {
            return Ok(None);
        }
        let open = |directory: &Path| Journal::open(directory, settings, now);
        let (journal, recovered) = match &settings.directory {
            DataDirectory::None => return Ok(None),
            DataDirectory::Configured(directory) => open(directory).map_err(SubmitError::storage)?,
            DataDirectory::Usual(directory) => match open(directory) {
                Ok(opened) => opened,
                Err(error) => {
                    tracing::warn!("{error}; nothing is kept on disk, and what waits would not survive a restart");
                    return Ok(None);
                }
            },
        };
        if let DataDirectory::Configured(directory) | DataDirectory::Usual(directory) = &settings.directory {
            tracing::info!("what must survive a restart is kept in `{}`", directory.display());
        }
        let Recovered { payloads, marks } = recovered;
        if !payloads.is_empty() {
            let points: u64 = payloads.iter().map(|payload| payload.head.entries).sum();
            tracing::info!(payloads = payloads.len(), points, "an earlier run left what was not delivered");
        }
        let stats = journal.stats();
        let journal = Arc::new(Mutex::new(journal));
        let marks = marks.into_iter().collect();
        Ok(Some(Self { journal, stats, payloads, marks_age: settings.state.then_some(settings.state_age), marks }))
    }

    /// Gives up the payloads, for there is no output that they could go to.
    pub(super) fn give_up_payloads(&mut self, now: UnixTime) {
        if self.payloads.is_empty() {
            return;
        }
        let points: u64 = self.payloads.iter().map(|payload| payload.head.entries).sum();
        tracing::warn!("{points} points that wait for the HTTP API are given up: it is no output any more");
        let payloads = std::mem::take(&mut self.payloads);
        let of = |payload: &RecoveredPayload| {
            let done = payload.left.iter().map(|&intake| Done { payload: payload.id, intake });
            done.collect::<Vec<_>>()
        };
        let done: Vec<Done> = payloads.iter().flat_map(of).collect();
        let segments: Vec<u64> = payloads.iter().map(|payload| payload.place.segment()).collect();
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).done(&done, &segments, now);
    }
}
