//! What those who submit and the task that sends share: open loads, the queue, the counters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::Client;
use super::packer::{Packed, Packer};
use super::payload::{Entries, Payload, PayloadKind};
use super::queue::Queue;
use crate::submit::stats::{DropReason, Stats};
use crate::time::UnixTime;

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Tells the sender that there is something new to look at.
    pub(super) wake: Notify,
}

impl Shared {
    pub(super) fn new(queue_bytes: usize) -> Self {
        let state = State {
            packers: PayloadKind::ALL.map(|kind| Packer::new(kind, kind.limits())),
            open_since: None,
            queue: Queue::new(queue_bytes),
            deadline: None,
            replacement: None,
            is_closed: false,
            stats: Stats::default(),
        };
        Self { state: Mutex::new(state), wake: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and queues are whole between any two statements; a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compresses what was packed and puts it into the queue. Compressing happens without the lock.
    pub(super) fn queue(&self, packed: Packed) {
        let (payloads, too_large) = packed.seal();
        let mut state = self.lock();
        state.stats.dropped.add(DropReason::TooLarge, too_large);
        for payload in payloads {
            state.push(payload);
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    packers: [Packer; PayloadKind::ALL.len()],
    /// Since when a packer holds something.
    pub(super) open_since: Option<Instant>,
    pub(super) queue: Queue,
    /// Until when to deliver, once the program stops.
    pub(super) deadline: Option<Instant>,
    /// What the sender is to send with from now on.
    pub(super) replacement: Option<Arc<Client>>,
    /// Whether the sender has ended, so that nobody would take a payload out.
    is_closed: bool,
    /// Without the measures of the queue, which [`State::stats`] adds.
    pub(super) stats: Stats,
}

impl State {
    pub(super) fn is_draining(&self) -> bool {
        self.deadline.is_some()
    }

    /// Stops taking new deliveries.
    pub(super) fn drain(&mut self, deadline: Instant) {
        self.deadline.get_or_insert(deadline);
    }

    /// Lets the sender go on with another client, and the queue hold so many bytes.
    pub(super) fn reconfigure(&mut self, client: Arc<Client>, queue_bytes: usize) {
        self.replacement = Some(client);
        let lost = self.queue.limit(queue_bytes);
        self.stats.dropped.add(DropReason::QueueFull, lost);
    }

    /// Adds entries to the open load of their kind; what is full has to be queued by the caller.
    pub(super) fn pack(&mut self, entries: &Entries, created: UnixTime) -> Packed {
        let packed = self.packers[entries.kind as usize].add(entries, created);
        if !entries.is_empty() {
            self.open_since.get_or_insert_with(Instant::now);
        }
        packed
    }

    /// Takes out all open loads.
    pub(super) fn unpack(&mut self) -> Vec<Packed> {
        self.open_since = None;
        self.packers.iter_mut().filter(|packer| !packer.is_empty()).map(Packer::take).collect()
    }

    /// Puts a payload into the queue and counts what had to make room.
    pub(super) fn push(&mut self, payload: Payload) {
        if self.is_closed {
            self.stats.dropped.add(DropReason::Shutdown, payload.entries);
            return;
        }
        let lost = self.queue.push(payload);
        self.stats.dropped.add(DropReason::QueueFull, lost);
    }

    /// Drops all that waits and whatever still comes.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        let waiting = self.queue.clear();
        self.stats.dropped.add(DropReason::Shutdown, waiting);
    }

    pub(super) fn stats(&self) -> Stats {
        Stats { queue_bytes: self.queue.bytes(), queue_payloads: self.queue.len(), ..self.stats.clone() }
    }
}
