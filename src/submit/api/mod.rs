//! Delivery to Datadog's HTTP API: entries are packed into payloads where they are handed in, wait in a bounded queue,
//! and are sent and sent again by a task of its own.

mod answer;
mod client;
mod entries;
mod metadata;
mod packer;
mod payload;
mod queue;
mod retry;
mod sender;
mod state;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) use metadata::{MetadataAnswer, MetadataApi};
pub use retry::Backoff;
pub(crate) use validate::validate_key_observed;
pub use validate::{KeyCheck, validate_key};

use super::delivery::Delivery;
use super::enrich::Enricher;
use super::error::SubmitError;
use super::stats::{DropReason, Stats};
use crate::config::ApiSettings;
use client::Client;
use entries::Encoded;
use sender::Sender;
use state::Shared;

/// How the sender paces itself. The default is for production; tests are in more of a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long entries wait for others to fill a payload with.
    pub linger: Duration,
    /// Requests that may be under way together while all goes well.
    pub requests: usize,
    /// Waits after errors that pass.
    pub transient: Backoff,
    /// Waits while the intake refuses the API key or the URL.
    pub refused: Backoff,
}

impl Default for Pace {
    fn default() -> Self {
        Self { linger: Duration::from_secs(2), requests: 4, transient: Backoff::TRANSIENT, refused: Backoff::REFUSED }
    }
}

/// The HTTP API as an output.
#[derive(Debug)]
pub(super) struct Api {
    shared: Arc<Shared>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Api {
    /// Starts the task that sends; within a Tokio runtime.
    pub(super) fn start(settings: &ApiSettings, pace: Pace) -> Result<Self, SubmitError> {
        let client = Arc::new(Client::new(settings)?);
        let shared = Arc::new(Shared::new(settings.queue_bytes));
        let task = tokio::spawn(Sender::new(client, Arc::clone(&shared), pace).run());
        Ok(Self { shared, task: std::sync::Mutex::new(Some(task)) })
    }

    /// Hands other settings to the sender.
    pub(super) fn reconfigure(&self, settings: &ApiSettings) -> Result<(), SubmitError> {
        let client = Arc::new(Client::new(settings)?);
        self.shared.lock().reconfigure(client, settings.queue_bytes);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Encodes a delivery and leaves it to the sender. Never waits for the network.
    pub(super) fn submit(&self, delivery: &Delivery<'_>, enricher: &Enricher) {
        let encoded = Encoded::new(delivery, enricher);
        let packed = {
            let mut state = self.shared.lock();
            state.stats.dropped.merge(&encoded.dropped);
            let lists = [&encoded.series, &encoded.sketches, &encoded.service_checks];
            if state.is_draining() {
                let late = lists.iter().map(|entries| entries.len() as u64).sum();
                state.stats.dropped.add(DropReason::Shutdown, late);
                return;
            }
            lists.map(|entries| state.pack(entries, delivery.time))
        };
        for packed in packed {
            self.shared.queue(packed);
        }
        self.shared.wake.notify_one();
    }

    pub(super) fn stats(&self) -> Stats {
        self.shared.lock().stats()
    }

    /// Delivers what waits until `deadline`; gives the number of points that were given up.
    pub(super) async fn drain(&self, deadline: Instant) -> u64 {
        let task = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        self.shared.lock().drain(deadline);
        self.shared.wake.notify_one();
        if let Some(task) = task {
            // The sender ends at the deadline by itself; an error could only be its panic.
            let _ = task.await;
        }
        self.shared.lock().stats.dropped.count(DropReason::Shutdown)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            task.abort();
        }
    }
}
