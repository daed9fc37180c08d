//! Packets that wait for the socket: bounded in bytes and in age, the oldest first out, the oldest first dropped.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::packet::Packet;
use crate::submit::stats::{DropReason, Dropped, Stats};
use crate::time::UnixTime;

/// Room for the scrapes of the time in which an Agent starts anew.
const LIMIT: usize = 16 << 20;
/// Distributions carry no time: one that arrives later than this tells of another minute.
const AGE_LIMIT: Duration = Duration::from_mins(1);

/// The packets and what became of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Instant, Packet)>,
    bytes: usize,
    /// Taken by the writer and not yet settled.
    taken: Option<(Instant, Packet)>,
    is_closed: bool,
    stats: Stats,
}

impl State {
    fn drop_first(&mut self, reason: DropReason) {
        if let Some((_, packet)) = self.waiting.pop_front() {
            self.bytes -= packet.bytes.len();
            self.stats.dropped.add(reason, packet.points);
        }
    }
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts packets in; what cannot stay is counted. `dropped` is what never became a packet.
    pub(super) fn put(&self, packets: Vec<Packet>, dropped: &Dropped, now: Instant) {
        let mut state = self.lock();
        state.stats.dropped.merge(dropped);
        for packet in packets {
            if state.is_closed {
                state.stats.dropped.add(DropReason::Shutdown, packet.points);
                continue;
            }
            state.bytes += packet.bytes.len();
            state.waiting.push_back((now, packet));
            while state.bytes > LIMIT {
                state.drop_first(DropReason::QueueFull);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// The packet to send next, which stays the same until it is settled. `None` when there will be no more.
    pub(super) async fn take(&self) -> Option<Packet> {
        loop {
            {
                let mut state = self.lock();
                if let Some((put, packet)) = state.taken.take() {
                    if put.elapsed() <= AGE_LIMIT {
                        state.taken = Some((put, packet.clone()));
                        return Some(packet);
                    }
                    state.stats.dropped.add(DropReason::TooOld, packet.points);
                }
                while state.waiting.front().is_some_and(|(put, _)| put.elapsed() > AGE_LIMIT) {
                    state.drop_first(DropReason::TooOld);
                }
                if let Some((put, packet)) = state.waiting.pop_front() {
                    state.bytes -= packet.bytes.len();
                    state.taken = Some((put, packet.clone()));
                    return Some(packet);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// The taken packet was written.
    pub(super) fn sent(&self) {
        let mut state = self.lock();
        if let Some((_, packet)) = state.taken.take() {
            state.stats.succeed(UnixTime::now(), packet.points, packet.bytes.len());
            state.stats.unhealthy_since = None;
        }
    }

    /// The taken packet is lost.
    pub(super) fn lost(&self, message: String) {
        let mut state = self.lock();
        if let Some((_, packet)) = state.taken.take() {
            state.stats.dropped.add(DropReason::SendFailed, packet.points);
        }
        state.stats.fail(UnixTime::now(), message);
    }

    /// There is no way to the listener at present; the taken packet waits.
    pub(super) fn unreachable(&self, message: String) {
        let mut state = self.lock();
        let now = UnixTime::now();
        state.stats.retries += 1;
        state.stats.fail(now, message);
        state.stats.unhealthy_since.get_or_insert(now);
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    /// Drops all that is left.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        let taken = state.taken.take().map_or(0, |(_, packet)| packet.points);
        state.stats.dropped.add(DropReason::Shutdown, taken);
        while !state.waiting.is_empty() {
            state.drop_first(DropReason::Shutdown);
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats { queue_bytes: state.bytes, queue_payloads: state.waiting.len(), ..state.stats.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: usize, points: u64) -> Packet {
        Packet { bytes: vec![0; bytes].into(), points }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_makes_room_and_the_old_are_dropped() {
        let outbox = Outbox::default();
        outbox.put(vec![packet(LIMIT / 2, 1), packet(LIMIT / 2, 10)], &Dropped::default(), Instant::now());
        tokio::time::advance(AGE_LIMIT / 2).await;
        outbox.put(vec![packet(1, 100)], &Dropped::default(), Instant::now());
        assert_eq!(outbox.stats().dropped.count(DropReason::QueueFull), 1);
        tokio::time::advance(AGE_LIMIT * 3 / 4).await;
        assert_eq!(outbox.take().await, Some(packet(1, 100)));
        assert_eq!(outbox.stats().dropped.count(DropReason::TooOld), 10);
        // One that was taken while nobody listened grows old as well.
        tokio::time::advance(AGE_LIMIT).await;
        outbox.put(vec![packet(1, 1000)], &Dropped::default(), Instant::now());
        assert_eq!(outbox.take().await, Some(packet(1, 1000)));
        assert_eq!(outbox.stats().dropped.count(DropReason::TooOld), 110);
    }

    #[tokio::test]
    async fn a_taken_packet_stays_until_it_is_settled() {
        let outbox = Outbox::default();
        outbox.put(vec![packet(1, 1), packet(2, 2), packet(3, 4)], &Dropped::default(), Instant::now());
        assert_eq!(outbox.take().await, Some(packet(1, 1)));
        outbox.unreachable("gone".into());
        assert!(outbox.stats().unhealthy_since.is_some());
        assert_eq!(outbox.take().await, Some(packet(1, 1)));
        outbox.sent();
        assert_eq!(outbox.stats().unhealthy_since, None);
        assert_eq!(outbox.take().await, Some(packet(2, 2)));
        outbox.lost("too long".into());
        outbox.close();
        outbox.put(vec![packet(9, 8)], &Dropped::default(), Instant::now());
        outbox.give_up();
        assert_eq!(outbox.take().await, None);
        let stats = outbox.stats();
        assert_eq!((stats.points_delivered, stats.dropped.count(DropReason::SendFailed)), (1, 2));
        assert_eq!(stats.dropped.count(DropReason::Shutdown), 12);
        assert_eq!((stats.queue_bytes, stats.queue_payloads), (0, 0));
    }
}
