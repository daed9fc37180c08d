//! Payloads that wait for the intake: bounded in bytes and in age, the newest first out, the oldest first dropped.

use std::collections::VecDeque;
use std::time::Duration;

use super::payload::{Payload, PayloadKind};
use crate::time::UnixTime;

/// How long a payload is worth sending. The intake accepts metrics up to an hour old and service checks up to ten
/// minutes, answers 202 to older ones all the same, and discards them; the rest is room for the way there.
fn age_limit(kind: PayloadKind) -> Duration {
    match kind {
        PayloadKind::Series | PayloadKind::Sketches => Duration::from_mins(55),
        PayloadKind::ServiceChecks => Duration::from_mins(9),
    }
}

/// The queue in memory.
#[derive(Debug)]
pub(super) struct Queue {
    /// By sequence, ascending.
    payloads: VecDeque<Payload>,
    bytes: usize,
    limit: usize,
    next_sequence: u64,
}

impl Queue {
    /// A queue for `limit` bytes of compressed payload.
    pub(super) fn new(limit: usize) -> Self {
        Self { payloads: VecDeque::new(), bytes: 0, limit, next_sequence: 1 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether a payload of this kind waits.
    pub(super) fn holds(&self, kind: PayloadKind) -> bool {
        self.payloads.iter().any(|payload| payload.kind == kind)
    }

    /// Puts a payload in, one that was taken out before in its old place. Gives the number of entries in payloads that
    /// had to make room. The newest payload stays even when it alone exceeds the limit.
    pub(super) fn push(&mut self, mut payload: Payload) -> u64 {
        if payload.sequence == 0 {
            payload.sequence = self.next_sequence;
            self.next_sequence += 1;
        }
        self.bytes += payload.body.len();
        let place = self.payloads.partition_point(|other| other.sequence <= payload.sequence);
        self.payloads.insert(place, payload);
        self.make_room()
    }

    /// Holds `limit` bytes from now on; gives the number of entries in payloads that had to go.
    pub(super) fn limit(&mut self, limit: usize) -> u64 {
        self.limit = limit;
        self.make_room()
    }

    fn make_room(&mut self) -> u64 {
        let mut lost = 0;
        while self.bytes > self.limit && self.payloads.len() > 1 {
            lost += self.payloads.pop_front().map_or(0, |oldest| self.forget(&oldest));
        }
        lost
    }

    fn forget(&mut self, payload: &Payload) -> u64 {
        self.bytes -= payload.body.len();
        payload.entries
    }

    /// Takes out the newest payload whose kind `ready` accepts.
    pub(super) fn pop(&mut self, ready: impl Fn(PayloadKind) -> bool) -> Option<Payload> {
        let place = self.payloads.iter().rposition(|payload| ready(payload.kind))?;
        let payload = self.payloads.remove(place)?;
        self.forget(&payload);
        Some(payload)
    }

    /// Drops what has become too old; gives the number of entries.
    pub(super) fn expire(&mut self, now: UnixTime) -> u64 {
        let mut lost = 0;
        let bytes = &mut self.bytes;
        self.payloads.retain(|payload| {
            let keep = now <= payload.created.plus(age_limit(payload.kind));
            if !keep {
                *bytes -= payload.body.len();
                lost += payload.entries;
            }
            keep
        });
        lost
    }

    /// Drops everything; gives the number of entries.
    pub(super) fn clear(&mut self) -> u64 {
        self.bytes = 0;
        self.payloads.drain(..).map(|payload| payload.entries).sum()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn payload(kind: PayloadKind, bytes: usize, entries: u64, created: f64) -> Payload {
        let body = Bytes::from(vec![0; bytes]);
        Payload { kind, body, entries, created: UnixTime::from_seconds(created), sequence: 0 }
    }

    fn series(bytes: usize, entries: u64) -> Payload {
        payload(PayloadKind::Series, bytes, entries, 0.0)
    }

    #[test]
    fn the_newest_leaves_first_and_returns_to_its_place() {
        let mut queue = Queue::new(1000);
        for entries in [1, 2, 3] {
            assert_eq!(queue.push(series(10, entries)), 0);
        }
        let newest = queue.pop(|_| true).unwrap();
        assert_eq!(newest.entries, 3);
        queue.push(series(10, 4));
        queue.push(newest);
        let order: Vec<u64> = std::iter::from_fn(|| queue.pop(|_| true)).map(|payload| payload.entries).collect();
        assert_eq!(order, [4, 3, 2, 1]);
        assert_eq!((queue.bytes(), queue.len()), (0, 0));
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let mut queue = Queue::new(100);
        queue.push(series(40, 1));
        queue.push(series(40, 10));
        assert_eq!(queue.push(series(70, 100)), 11);
        assert_eq!((queue.bytes(), queue.len()), (70, 1));
        assert_eq!(queue.push(series(500, 1000)), 100, "a payload beyond the limit stays while it is alone");
        assert_eq!((queue.bytes(), queue.len()), (500, 1));
    }

    #[test]
    fn what_returns_to_a_full_queue_is_the_oldest() {
        let mut queue = Queue::new(100);
        queue.push(series(60, 1));
        let taken = queue.pop(|_| true).unwrap();
        queue.push(series(60, 2));
        assert_eq!(queue.push(taken), 1);
        assert_eq!(queue.pop(|_| true).unwrap().entries, 2);
    }

    #[test]
    fn kinds_that_are_not_ready_are_passed_over() {
        let mut queue = Queue::new(100);
        queue.push(series(1, 1));
        queue.push(payload(PayloadKind::Sketches, 1, 2, 0.0));
        assert!(queue.holds(PayloadKind::Sketches) && !queue.holds(PayloadKind::ServiceChecks));
        assert_eq!(queue.pop(|kind| kind == PayloadKind::Series).unwrap().entries, 1);
        assert!(queue.pop(|kind| kind == PayloadKind::Series).is_none());
    }

    #[test]
    fn age_is_limited_by_kind() {
        let mut queue = Queue::new(100);
        queue.push(payload(PayloadKind::Series, 1, 1, 1000.0));
        queue.push(payload(PayloadKind::Sketches, 1, 10, 2000.0));
        queue.push(payload(PayloadKind::ServiceChecks, 1, 100, 4000.0));
        assert_eq!(queue.expire(UnixTime::from_seconds(1000.0 + 3300.0)), 0);
        assert_eq!(queue.expire(UnixTime::from_seconds(1000.0 + 3301.0)), 1);
        assert_eq!(queue.expire(UnixTime::from_seconds(4541.0)), 100);
        assert_eq!((queue.bytes(), queue.len()), (1, 1));
        assert_eq!(queue.clear(), 10);
    }
}
