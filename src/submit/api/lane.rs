//! What one intake has before it: the payloads that it was not sent yet, and how it went so far.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Notify;

use super::client::Client;
use super::payload::PayloadKind;
use super::store::Key;
use crate::submit::journal::IntakeId;
use crate::submit::stats::Stats;

/// Which lane; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LaneId(pub(super) u32);

/// One intake with one API key.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: LaneId,
    /// What the journal calls it.
    pub(super) intake: IntakeId,
    /// What it is called where it is shown: its URL, and a number if it is not the first of that URL.
    pub(super) name: String,
    /// Tells its sender that there is something new to look at.
    pub(super) wake: Arc<Notify>,
    /// What the sender is to send with from now on.
    pub(super) replacement: Option<Arc<Client>>,
    pub(super) stats: Stats,
    waiting: [BTreeSet<Key>; PayloadKind::ALL.len()],
    bytes: usize,
}

impl Lane {
    pub(super) fn new(id: LaneId, intake: IntakeId, name: String) -> Self {
        Self {
            id,
            intake,
            name,
            wake: Arc::default(),
            replacement: None,
            stats: Stats::default(),
            waiting: Default::default(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, kind: PayloadKind, key: Key, length: usize) {
        if self.waiting[kind as usize].insert(key) {
            self.bytes += length;
        }
    }

    pub(super) fn take(&mut self, kind: PayloadKind, key: Key, length: usize) {
        if self.waiting[kind as usize].remove(&key) {
            self.bytes -= length;
        }
    }

    pub(super) fn waits(&self, kind: PayloadKind, key: Key) -> bool {
        self.waiting[kind as usize].contains(&key)
    }

    /// Whether a payload of this kind waits.
    pub(super) fn holds(&self, kind: PayloadKind) -> bool {
        !self.waiting[kind as usize].is_empty()
    }

    /// The newest payload whose kind `ready` accepts.
    pub(super) fn newest(&self, ready: impl Fn(PayloadKind) -> bool) -> Option<(PayloadKind, Key)> {
        let kinds = PayloadKind::ALL.into_iter().filter(|kind| ready(*kind));
        let newest = kinds.filter_map(|kind| Some((kind, *self.waiting[kind as usize].last()?)));
        newest.max_by_key(|(_, key)| *key)
    }

    /// Everything that waits.
    pub(super) fn all(&self) -> Vec<Key> {
        self.waiting.iter().flatten().copied().collect()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.iter_mut().for_each(BTreeSet::clear);
        self.bytes = 0;
    }

    pub(super) fn stats(&self) -> Stats {
        let queue_payloads = self.waiting.iter().map(BTreeSet::len).sum();
        Stats { queue_bytes: self.bytes, queue_payloads, ..self.stats.clone() }
    }
}
