//! Delivery to Datadog's HTTP API: entries gather in loads, which one task compresses and has the journal keep; then a
//! task for each intake sends the payloads and sends them again.

mod answer;
mod arranged;
mod client;
mod entries;
mod framing;
mod intakes;
mod key_watch;
mod lane;
mod load;
mod loader;
mod metadata;
mod packing;
mod payload;
mod reading;
mod retry;
mod sender;
mod state;
mod store;
mod validate;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub(crate) use metadata::{MetadataAnswer, MetadataApi};
pub use retry::Backoff;
pub(crate) use validate::validate_key_observed;
pub use validate::{KeyCheck, validate_key, validate_keys};

use super::delivery::Delivery;
use super::enrich::Enricher;
use super::error::SubmitError;
use super::journal::RecoveredPayload;
use super::stats::{Drained, Stats};
use super::storage::SharedJournal;
use crate::config::ApiSettings;
use crate::time::UnixTime;
use client::Client;
use entries::Encoded;
use intakes::{Named, assign, named};
use lane::{Lane, LaneId};
use loader::Loader;
use sender::Sender;
use state::Shared;

/// How long the journal may take to be closed once everything else has ended.
const CLOSING: Duration = Duration::from_secs(2);

/// How the senders pace themselves. The default is for production; tests are in more of a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long entries wait for others to fill a payload with.
    pub linger: Duration,
    /// Requests to one intake that may be under way together while all goes well.
    pub requests: usize,
    /// Waits after errors that pass.
    pub transient: Backoff,
    /// Waits while the intake refuses the API key or the URL.
    pub refused: Backoff,
    /// How often the intake is asked whether the API key is still valid.
    pub key_checks: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(2),
            requests: 4,
            transient: Backoff::TRANSIENT,
            refused: Backoff::REFUSED,
            key_checks: Duration::from_hours(1),
        }
    }
}

/// The HTTP API as an output.
#[derive(Debug)]
pub(super) struct Api {
    shared: Arc<Shared>,
    pace: Pace,
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    loader: Option<JoinHandle<()>>,
    senders: Vec<JoinHandle<()>>,
}

impl Tasks {
    fn abort(&mut self) {
        self.loader.iter().chain(&self.senders).for_each(JoinHandle::abort);
    }
}

impl Api {
    /// Starts the tasks that keep and send; within a Tokio runtime. `recovered`: what an earlier process left.
    pub(super) fn start(
        settings: &ApiSettings,
        pace: Pace,
        journal: Option<SharedJournal>,
        recovered: Vec<RecoveredPayload>,
    ) -> Result<Self, SubmitError> {
        let clients = clients(settings)?;
        let shared = Arc::new(Shared::new(settings.queue_bytes));
        let api = Self { shared: Arc::clone(&shared), pace, tasks: Mutex::default() };
        let intakes: Vec<_> = clients.into_iter().map(|(client, named)| (client, api.add_lane(named))).collect();
        {
            let mut state = shared.lock();
            for payload in recovered {
                state.store.recover(payload);
            }
            // Before the senders have any of it.
            state.store.expire(UnixTime::now());
        }
        let mut tasks = api.tasks();
        tasks.loader = Some(tokio::spawn(Loader::new(shared, journal, pace.linger).run()));
        tasks.senders = intakes.into_iter().map(|(client, lane)| api.spawn(lane, client)).collect();
        drop(tasks);
        Ok(api)
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        // Handles are whole whatever panicked elsewhere.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_lane(&self, named: Named) -> LaneId {
        self.shared.lock().store.add_lane(|id| Lane::new(id, named.id, named.name))
    }

    fn spawn(&self, lane: LaneId, client: Arc<Client>) -> JoinHandle<()> {
        tokio::spawn(Sender::new(lane, client, Arc::clone(&self.shared), self.pace).run())
    }

    /// Goes on with other settings: lanes follow their intakes, what waits for one that is gone is given up.
    pub(super) fn reconfigure(&self, settings: &ApiSettings) -> Result<(), SubmitError> {
        let clients = clients(settings)?;
        let present: Vec<_> = self.shared.lock().store.lanes().iter().map(|lane| (lane.id, lane.intake)).collect();
        let wanted: Vec<Named> = clients.iter().map(|(_, named)| named.clone()).collect();
        let lanes = assign(&wanted, &present);
        let (mut order, mut added) = (Vec::new(), Vec::new());
        for ((client, named), lane) in clients.into_iter().zip(&lanes) {
            let Some(id) = *lane else {
                let id = self.add_lane(named);
                order.push(id);
                added.push((id, client));
                continue;
            };
            order.push(id);
            if let Some(lane) = self.shared.lock().store.lane(id) {
                (lane.intake, lane.name, lane.replacement) = (named.id, named.name, Some(client));
            }
        }
        let mut state = self.shared.lock();
        state.wake_lanes();
        for (id, _) in present.into_iter().filter(|(id, _)| !order.contains(id)) {
            state.store.remove_lane(id);
        }
        state.store.arrange(&order);
        state.store.limit(settings.queue_bytes);
        drop(state);
        let mut tasks = self.tasks();
        tasks.senders.retain(|task| !task.is_finished());
        tasks.senders.extend(added.into_iter().map(|(id, client)| self.spawn(id, client)));
        self.shared.loader.notify_one();
        Ok(())
    }

    /// Encodes a delivery and leaves it to the tasks. Never waits for the disk or the network.
    pub(super) fn submit(&self, delivery: &Delivery<'_>, enricher: &Enricher) {
        let encoded = Encoded::new(delivery, enricher);
        self.shared.lock().take(encoded, delivery.marks.clone(), delivery.time, Instant::now());
        self.shared.loader.notify_one();
    }

    pub(super) fn stats(&self) -> Stats {
        self.shared.lock().stats()
    }

    /// Delivers what waits until `deadline`; tells what was not delivered.
    pub(super) async fn drain(&self, deadline: Instant) -> Drained {
        let Tasks { loader, senders } = std::mem::take(&mut *self.tasks());
        self.shared.lock().drain(deadline);
        self.shared.loader.notify_one();
        for sender in senders {
            // A sender ends at the deadline by itself; an error could only be its panic.
            let _ = sender.await;
        }
        self.shared.lock().has_ended = true;
        self.shared.loader.notify_one();
        if let Some(mut loader) = loader
            && timeout(CLOSING, &mut loader).await.is_err()
        {
            loader.abort();
        }
        let ended = self.shared.lock().end();
        Drained { given_up: ended.given_up, kept: ended.kept }
    }
}

/// A client for each intake of the settings.
fn clients(settings: &ApiSettings) -> Result<Vec<(Arc<Client>, Named)>, SubmitError> {
    let client = |(intake, named)| Ok((Arc::new(Client::new(intake, settings)?), named));
    settings.intakes().zip(named(settings)).map(client).collect()
}

impl Drop for Api {
    fn drop(&mut self) {
        self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner).abort();
    }
}
