//! Delivery to an Agent over `DogStatsD`: lines are packed where they are handed in, and a task of its own writes the
//! packets. The protocol has no answers, so only what the socket itself refuses is noticed.

mod distribution;
mod line;
mod origin;
mod outbox;
mod packet;
mod transport;
mod writer;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::delivery::Delivery;
use super::enrich::Enricher;
use super::stats::{DropReason, Dropped, Stats};
use crate::config::{DogstatsdAddress, DogstatsdSettings};
use line::Lines;
use origin::{Kernel, Origin};
use outbox::Outbox;
use packet::{Packet, Packets};

pub(crate) use transport::Reached;

/// Finds out whether somebody listens, as far as that can be known.
pub(crate) async fn reach_dogstatsd(address: &DogstatsdAddress) -> std::io::Result<Reached> {
    transport::reach(address).await
}

/// An Agent's listener as an output.
#[derive(Debug)]
pub(super) struct Dogstatsd {
    outbox: Arc<Outbox>,
    origin: Origin,
    packet_bytes: usize,
    distribution_values: Option<usize>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Dogstatsd {
    /// Starts the task that writes; within a Tokio runtime.
    pub(super) fn start(settings: &DogstatsdSettings) -> Self {
        let outbox = Arc::new(Outbox::default());
        let task = tokio::spawn(writer::write(settings.address.clone(), Arc::clone(&outbox)));
        Self {
            outbox,
            origin: Origin::of(&settings.identity, Kernel::usual()),
            packet_bytes: settings.packet_bytes,
            distribution_values: settings.distribution_values.map(NonZeroUsize::get),
            task: Mutex::new(Some(task)),
        }
    }

    /// Packs a delivery and leaves it to the writer. Never waits for the socket.
    pub(super) fn submit(&self, delivery: &Delivery<'_>, enricher: &Enricher) {
        let lines =
            Lines { enricher, origin: &self.origin, limit: self.packet_bytes, values: self.distribution_values };
        let (packets, dropped) = encode(delivery, &lines);
        self.outbox.put(packets, &dropped, Instant::now());
    }

    pub(super) fn stats(&self) -> Stats {
        self.outbox.stats()
    }

    /// Writes what waits until `deadline`; gives the number of points that were given up.
    pub(super) async fn drain(&self, deadline: Instant) -> u64 {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.outbox.close();
        if let Some(mut task) = task
            && timeout_at(deadline, &mut task).await.is_err()
        {
            task.abort();
            // Until the task is gone it may still take a packet.
            let _ = task.await;
        }
        self.outbox.give_up();
        self.outbox.stats().dropped.count(DropReason::Shutdown)
    }
}

impl Drop for Dogstatsd {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

fn encode(delivery: &Delivery<'_>, lines: &Lines<'_>) -> (Vec<Packet>, Dropped) {
    let mut packets = Packets::new(lines.limit);
    let mut dropped = Dropped::default();
    let mut add = |written: Result<Vec<String>, DropReason>| {
        let added = written.and_then(|lines| if packets.add(&lines) { Ok(()) } else { Err(DropReason::TooLarge) });
        if let Err(reason) = added {
            dropped.add(reason, 1);
        }
    };
    for point in delivery.points() {
        add(lines.point(&point).map(|line| vec![line]));
    }
    for sketch in delivery.sketches() {
        add(lines.sketch(&sketch));
    }
    for check in &delivery.service_checks {
        add(Ok(vec![lines.service_check(check, delivery.time.whole_seconds())]));
    }
    for event in &delivery.events {
        add(Ok(vec![lines.event(event)]));
    }
    (packets.finish(), dropped)
}
