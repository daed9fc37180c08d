//! What those who submit and the tasks that keep and send share: the open load, those that are closed, the store, the
//! counters.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::entries::Encoded;
use super::load::Load;
use super::store::{Ended, Store};
use crate::aggregate::Marks;
use crate::submit::stats::{DropReason, Dropped, IntakeStats, Stats};
use crate::time::UnixTime;

/// Bytes of entries that close a load: some payloads' worth, so that what remains of the last one matters little.
const LARGE: usize = 16 << 20;
/// Bytes of entries in closed loads that may wait for the disk; only one that hangs lets it come so far.
const MOST_CLOSED: usize = 128 << 20;

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Tells the loader that there is something new to look at.
    pub(super) loader: Notify,
}

impl Shared {
    pub(super) fn new(queue_bytes: usize) -> Self {
        let state = State {
            open: Load::default(),
            open_since: None,
            closed: VecDeque::new(),
            in_hand: 0,
            store: Store::new(queue_bytes),
            deadline: None,
            loads_are_in: false,
            has_ended: false,
            dropped: Dropped::default(),
        };
        Self { state: Mutex::new(state), loader: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and queues are whole between any two statements; a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct State {
    open: Load,
    open_since: Option<Instant>,
    /// The oldest first: they have to be kept in the order of their scrapes.
    closed: VecDeque<Load>,
    /// Entries of the load that is being compressed and kept.
    pub(super) in_hand: u64,
    pub(super) store: Store,
    /// Until when to deliver, once the program stops.
    pub(super) deadline: Option<Instant>,
    /// Whether all that was handed in before the program stopped is in the store.
    pub(super) loads_are_in: bool,
    /// Whether the senders have ended.
    pub(super) has_ended: bool,
    /// What was dropped before it was for any intake.
    pub(super) dropped: Dropped,
}

impl State {
    pub(super) fn is_draining(&self) -> bool {
        self.deadline.is_some()
    }

    /// Stops taking new deliveries.
    pub(super) fn drain(&mut self, deadline: Instant) {
        self.deadline.get_or_insert(deadline);
        self.wake_lanes();
    }

    /// Takes in a delivery of this time.
    pub(super) fn take(&mut self, encoded: Encoded, marks: Option<Marks>, time: UnixTime, now: Instant) {
        self.dropped.merge(&encoded.dropped);
        if self.is_draining() {
            self.dropped.add(DropReason::Shutdown, encoded.len());
            return;
        }
        self.open.add(encoded, marks, time);
        if self.open.is_empty() {
            return;
        }
        self.open_since.get_or_insert(now);
        if self.open.size() >= LARGE {
            self.close();
        }
    }

    /// Closes the open load; it holds whole deliveries only.
    fn close(&mut self) {
        self.open_since = None;
        if !self.open.is_empty() {
            self.closed.push_back(std::mem::take(&mut self.open));
        }
        while self.closed.len() > 1 && self.closed.iter().map(Load::size).sum::<usize>() > MOST_CLOSED {
            let oldest = self.closed.pop_front().map_or(0, |load| load.len());
            self.dropped.add(DropReason::QueueFull, oldest);
        }
    }

    /// The next load to be kept and sent: one that is large, has waited for `linger`, or is the last.
    pub(super) fn next_load(&mut self, now: Instant, linger: Duration) -> Option<Load> {
        let is_due = self.open_since.is_some_and(|since| self.is_draining() || now >= since + linger);
        if is_due {
            self.close();
        }
        let load = self.closed.pop_front();
        self.in_hand = load.as_ref().map_or(0, Load::len);
        load
    }

    /// When the open load is to be closed.
    pub(super) fn load_due(&self, linger: Duration) -> Option<Instant> {
        self.open_since.map(|since| since + linger)
    }

    pub(super) fn wake_lanes(&self) {
        for lane in self.store.lanes() {
            lane.wake.notify_one();
        }
    }

    /// The end: nothing is delivered any more.
    pub(super) fn end(&mut self) -> Ended {
        self.close();
        // What is in hand may yet be kept, but nobody knows.
        let late = self.closed.drain(..).map(|load| load.len()).sum::<u64>() + std::mem::take(&mut self.in_hand);
        self.dropped.add(DropReason::Shutdown, late);
        let mut ended = self.store.end();
        ended.given_up += late;
        ended
    }

    /// What was dropped, for whichever intake.
    pub(super) fn dropped(&self) -> Dropped {
        let mut dropped = self.dropped;
        dropped.merge(&self.store.past().dropped);
        for lane in self.store.lanes() {
            dropped.merge(&lane.stats.dropped);
        }
        dropped
    }

    pub(super) fn stats(&self) -> Stats {
        let (queue_bytes, queue_payloads) = self.store.waiting();
        let lanes = self.store.lanes();
        let intakes: Vec<_> =
            lanes.iter().map(|lane| IntakeStats { intake: lane.name.clone(), stats: lane.stats() }).collect();
        let mut stats = Stats { dropped: self.dropped, queue_bytes, queue_payloads, ..Stats::default() };
        stats.queue_memory_bytes = self.store.memory();
        stats.add(self.store.past());
        for intake in &intakes {
            stats.add(&intake.stats);
        }
        stats.intakes = intakes;
        stats
    }
}
