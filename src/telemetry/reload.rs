//! What became of the attempts to read the settings again, and who may ask for one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use tokio::sync::{mpsc, oneshot};

use super::families::{Description, Families};
use crate::time::UnixTime;

/// What came of reading the settings again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// They differ, and are in effect.
    Applied,
    /// They are as they were.
    Unchanged,
    /// They cannot be used, so those before stay in effect.
    Failed,
}

impl Reload {
    const ALL: [Self; 3] = [Self::Applied, Self::Unchanged, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// Asks for the settings to be read again. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct ReloadRequests(mpsc::Sender<ReloadRequest>);

/// Somebody wants the settings to be read again, and to know what came of it: a line for people.
pub type ReloadRequest = oneshot::Sender<(Reload, String)>;

impl ReloadRequests {
    /// Requests, and where they arrive.
    pub fn channel() -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Asks and waits; none if nobody answers any more.
    pub(super) async fn ask(&self) -> Option<(Reload, String)> {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        answered.await.ok()
    }
}

/// The counters of reloads.
#[derive(Debug)]
pub(super) struct Reloads(Mutex<Counts>);

#[derive(Clone, Copy, Debug)]
struct Counts {
    /// In the order of [`Reload::ALL`].
    results: [u64; Reload::ALL.len()],
    last_succeeded: bool,
    last_success: UnixTime,
}

impl Reloads {
    /// The settings were read at the start, and never since.
    pub(super) fn new(started: UnixTime) -> Self {
        Self(Mutex::new(Counts { results: [0; Reload::ALL.len()], last_succeeded: true, last_success: started }))
    }

    pub(super) fn add(&self, reload: Reload, now: UnixTime) {
        // Counting cannot fail halfway.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.results[reload as usize] += 1;
        counts.last_succeeded = reload != Reload::Failed;
        if counts.last_succeeded {
            counts.last_success = now;
        }
    }
}

/// Shows [`Reloads`] on the metrics page.
#[derive(Debug)]
pub(super) struct ReloadCollector(pub(super) Arc<Reloads>);

impl Collector for ReloadCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = *self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut families = Families::new(encoder);
        let help = "How often the settings were read again, by result";
        let family = Description::new("retriever_settings_reloads", help);
        let results = Reload::ALL.into_iter().zip(counts.results);
        families.counters(&family, results.map(|(result, count)| ([("result", result.as_str())], count)))?;

        let help = "Whether the settings could be used when they were last read";
        let family = Description::new("retriever_settings_last_reload_successful", help);
        families.gauge(&family, u64::from(counts.last_succeeded))?;

        let help = "When the settings were last read and could be used, since the Unix epoch";
        let family = Description::with_unit("retriever_settings_last_reload_success_timestamp", Unit::Seconds, help);
        families.gauge(&family, counts.last_success.seconds())
    }
}
