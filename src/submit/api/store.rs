//! Payloads that wait, each until all intakes are done with it: bounded in bytes and in age, the newest first out, the
//! oldest first dropped.
//!
//! Bodies that the journal has leave memory when it is full, and are read again when it is their turn; others are given
//! up. Each intake has a lane of its own, so that one never waits for another.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::lane::{Lane, LaneId};
use super::payload::{Payload, PayloadKind};
use crate::submit::journal::{Done, PayloadId, Place, RecoveredPayload};
use crate::submit::stats::{DropReason, Stats};
use crate::time::UnixTime;

/// The place of a payload among all, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    id: PayloadId,
    /// 0 for a whole payload; the parts that it was split into are numbered.
    part: u64,
}

/// A body in memory, on disk, or both.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub(super) memory: Option<Bytes>,
    pub(super) place: Option<Place>,
}

/// A payload that is to be sent to one intake.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) kind: PayloadKind,
    pub(super) entries: u64,
    pub(super) created: UnixTime,
    pub(super) body: Body,
}

#[derive(Debug)]
struct Waiting {
    kind: PayloadKind,
    entries: u64,
    created: UnixTime,
    length: usize,
    body: Body,
    /// The lanes that are not done with it.
    todo: Vec<LaneId>,
    /// How many of them have it among what they wait to send.
    ready: usize,
    /// Those of them that are sending it.
    under_way: Vec<LaneId>,
    /// For lanes that send it in parts: how many of these are not done.
    parts: Vec<(LaneId, usize)>,
    /// What it is a part of.
    whole: Option<Key>,
}

impl Waiting {
    /// A payload that no lane knows of yet.
    fn new(
        kind: PayloadKind,
        entries: u64,
        created: UnixTime,
        length: usize,
        body: Body,
        todo: Vec<LaneId>,
        whole: Option<Key>,
    ) -> Self {
        let (ready, under_way, parts) = (0, Vec::new(), Vec::new());
        Self { kind, entries, created, length, body, todo, ready, under_way, parts, whole }
    }

    /// Whether lanes wait to send it, and none does.
    fn is_idle(&self) -> bool {
        self.ready > 0 && self.under_way.is_empty()
    }

    /// Whether a lane that is not done with it sends it as a whole.
    fn is_sent_whole(&self) -> bool {
        self.todo.iter().any(|lane| self.parts.iter().all(|(other, _)| other != lane))
    }
}

/// All payloads that wait.
#[derive(Debug)]
pub(super) struct Store {
    payloads: BTreeMap<Key, Waiting>,
    lanes: Vec<Lane>,
    /// What lanes counted that are gone.
    past: Stats,
    next_lane: u32,
    next_part: u64,
    /// Bytes of bodies in memory, and how many there may be.
    memory: usize,
    limit: usize,
    /// Those with a body in memory that the journal has too, and those that only memory has.
    copies: BTreeSet<Key>,
    only_here: BTreeSet<Key>,
    /// What the journal does not know yet: what is done, and segments of payloads that are done with.
    done: Vec<Done>,
    finished: Vec<u64>,
}

impl Store {
    /// A store that holds `limit` bytes of bodies in memory.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            payloads: BTreeMap::new(),
            lanes: Vec::new(),
            past: Stats::default(),
            next_lane: 0,
            next_part: 1,
            memory: 0,
            limit,
            copies: BTreeSet::new(),
            only_here: BTreeSet::new(),
            done: Vec::new(),
            finished: Vec::new(),
        }
    }

    /// The lanes in the order of their intakes.
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Puts the lanes into this order.
    pub(super) fn arrange(&mut self, order: &[LaneId]) {
        self.lanes.sort_by_key(|lane| order.iter().position(|id| *id == lane.id));
    }

    /// A lane that was not removed.
    pub(super) fn lane(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.id == id)
    }

    /// Adds a lane behind the others; what waits already is not for it.
    pub(super) fn add_lane(&mut self, lane: impl FnOnce(LaneId) -> Lane) -> LaneId {
        let id = LaneId(self.next_lane);
        self.next_lane += 1;
        self.lanes.push(lane(id));
        id
    }

    /// Removes a lane; what waits for it, and what it is sending, is given up.
    pub(super) fn remove_lane(&mut self, id: LaneId) {
        self.give_up_all(id, DropReason::Removed);
        let left: Vec<Key> =
            self.payloads.iter().filter(|(_, payload)| payload.todo.contains(&id)).map(|(key, _)| *key).collect();
        for key in left {
            self.give_up(id, key, DropReason::Removed);
        }
        if let Some(lane) = self.lane(id) {
            let gone = Stats { last_failure: None, unhealthy_since: None, ..lane.stats.clone() };
            self.past.add(&gone);
        }
        self.lanes.retain(|lane| lane.id != id);
    }

    /// What lanes counted that are gone.
    pub(super) fn past(&self) -> &Stats {
        &self.past
    }

    /// Takes in a payload for all lanes. `place`: where the journal has it.
    pub(super) fn add(&mut self, id: PayloadId, payload: Payload, place: Option<Place>) {
        let lanes: Vec<LaneId> = self.lanes.iter().map(|lane| lane.id).collect();
        if lanes.is_empty() {
            return;
        }
        self.insert(Key { id, part: 0 }, payload, place, lanes, None);
        self.make_room();
    }

    /// Takes in a payload of an earlier process for the lanes that were not done with it.
    pub(super) fn recover(&mut self, recovered: RecoveredPayload) {
        let RecoveredPayload { id, head, place, done, left: _ } = recovered;
        let key = Key { id, part: 0 };
        let todo: Vec<LaneId> =
            self.lanes.iter().filter(|lane| !done.contains(&lane.intake)).map(|lane| lane.id).collect();
        // One of a later version cannot be sent; one that is for nobody who is left need not be.
        let (Some(kind), false) = (PayloadKind::from_number(head.kind), todo.is_empty()) else {
            self.finished.push(place.segment());
            return;
        };
        let body = Body { memory: None, place: Some(place) };
        self.enter(key, Waiting::new(kind, head.entries, head.created, head.length, body, todo, None));
    }

    fn insert(&mut self, key: Key, payload: Payload, place: Option<Place>, todo: Vec<LaneId>, whole: Option<Key>) {
        let Payload { kind, body, entries, created } = payload;
        let length = body.len();
        self.memory += length;
        if place.is_some() {
            self.copies.insert(key)
        } else {
            self.only_here.insert(key)
        };
        let body = Body { memory: Some(body), place };
        self.enter(key, Waiting::new(kind, entries, created, length, body, todo, whole));
    }

    /// Puts a payload where its lanes find it.
    fn enter(&mut self, key: Key, mut payload: Waiting) {
        for lane in self.lanes.iter_mut().filter(|lane| payload.todo.contains(&lane.id)) {
            lane.push(payload.kind, key, payload.length);
            payload.ready += 1;
        }
        self.payloads.insert(key, payload);
    }

    /// Keeps to the limit: copies go first, then payloads that are nowhere else, the oldest first. The newest payload
    /// stays even when it alone exceeds the limit.
    fn make_room(&mut self) {
        while self.memory > self.limit
            && let Some(key) = self.copies.pop_first()
        {
            if let Some(payload) = self.payloads.get_mut(&key) {
                self.memory -= payload.body.memory.take().map_or(0, |body| body.len());
            }
        }
        let newest = self.only_here.last().copied();
        while self.memory > self.limit {
            // What is under way is in memory anyhow; what nobody waits to send would not make room.
            let is_idle = |key: &&Key| self.payloads.get(*key).is_some_and(Waiting::is_idle);
            let Some(oldest) = self.only_here.iter().find(is_idle).copied().filter(|key| Some(*key) != newest) else {
                return;
            };
            self.give_up_everywhere(oldest, DropReason::QueueFull);
        }
    }

    /// Gives up what lanes wait to send of a payload.
    fn give_up_everywhere(&mut self, key: Key, reason: DropReason) {
        let Some(payload) = self.payloads.get(&key) else { return };
        let kind = payload.kind;
        let waits = |lane: &&Lane| lane.waits(kind, key);
        let lanes: Vec<LaneId> = self.lanes.iter().filter(waits).map(|lane| lane.id).collect();
        for lane in lanes {
            self.drop_waiting(lane, key, reason);
        }
    }

    /// Takes a payload out of a lane that waits to send it, and counts it.
    fn drop_waiting(&mut self, lane: LaneId, key: Key, reason: DropReason) {
        if let Some(payload) = self.payloads.get_mut(&key)
            && let Some(lane) = self.lanes.iter_mut().find(|known| known.id == lane)
        {
            lane.take(payload.kind, key, payload.length);
            lane.stats.dropped.add(reason, payload.entries);
            payload.ready -= 1;
        }
        self.done(lane, key);
    }

    /// Holds `limit` bytes from now on.
    pub(super) fn limit(&mut self, limit: usize) {
        self.limit = limit;
        self.make_room();
    }

    /// Takes out the newest payload of a lane whose kind `ready` accepts.
    pub(super) fn pop(&mut self, lane: LaneId, ready: impl Fn(PayloadKind) -> bool) -> Option<Job> {
        let lane = self.lanes.iter_mut().find(|known| known.id == lane)?;
        let (kind, key) = lane.newest(ready)?;
        let payload = self.payloads.get_mut(&key)?;
        lane.take(kind, key, payload.length);
        payload.ready -= 1;
        payload.under_way.push(lane.id);
        Some(Job { key, kind, entries: payload.entries, created: payload.created, body: payload.body.clone() })
    }

    /// Puts back what was taken out.
    pub(super) fn put_back(&mut self, lane: LaneId, key: Key) {
        if self.release(lane, key).is_none() {
            return;
        }
        let Some(payload) = self.payloads.get_mut(&key) else { return };
        let is_gone = payload.body.memory.is_none() && payload.body.place.is_none();
        if let Some(lane) = self.lanes.iter_mut().find(|known| known.id == lane) {
            lane.push(payload.kind, key, payload.length);
            payload.ready += 1;
        }
        if is_gone {
            self.drop_waiting(lane, key, DropReason::QueueFull);
        }
        self.make_room();
    }

    /// What was taken out is delivered.
    pub(super) fn delivered(&mut self, lane: LaneId, key: Key) {
        if self.release(lane, key).is_some() {
            self.done(lane, key);
        }
    }

    /// What was taken out is not delivered, and never will be.
    pub(super) fn give_up(&mut self, lane: LaneId, key: Key, reason: DropReason) {
        let Some(entries) = self.release(lane, key) else { return };
        if let Some(lane) = self.lane(lane) {
            lane.stats.dropped.add(reason, entries);
        }
        self.done(lane, key);
    }

    /// A lane sends a payload no more; gives the number of entries. `None`: it was no lane's business any more.
    fn release(&mut self, lane: LaneId, key: Key) -> Option<u64> {
        let payload = self.payloads.get_mut(&key)?;
        let place = payload.under_way.iter().position(|other| *other == lane)?;
        payload.under_way.swap_remove(place);
        Some(payload.entries)
    }

    /// What was taken out is sent to this intake in parts, which together are the whole.
    pub(super) fn split(&mut self, lane: LaneId, key: Key, parts: Vec<Payload>) {
        if self.release(lane, key).is_none() {
            return;
        }
        let Some(payload) = self.payloads.get_mut(&key) else { return };
        payload.parts.push((lane, parts.len()));
        self.drop_needless_body(key);
        for part in parts {
            let part_key = Key { part: self.next_part, ..key };
            self.next_part += 1;
            self.insert(part_key, part, None, vec![lane], Some(key));
        }
        self.make_room();
    }

    /// Lets a body go that is only sent in parts any more, or not at all. The journal still has it, in case the process
    /// ends before its parts are done with.
    fn drop_needless_body(&mut self, key: Key) {
        let Some(payload) = self.payloads.get_mut(&key).filter(|payload| !payload.is_sent_whole()) else { return };
        self.memory -= payload.body.memory.take().map_or(0, |body| body.len());
        self.copies.remove(&key);
        self.only_here.remove(&key);
    }

    /// A lane needs a payload no longer.
    fn done(&mut self, lane: LaneId, key: Key) {
        let Some(payload) = self.payloads.get_mut(&key) else { return };
        payload.todo.retain(|other| *other != lane);
        let whole = payload.whole;
        if key.part == 0
            && payload.body.place.is_some()
            && let Some(lane) = self.lanes.iter().find(|known| known.id == lane)
        {
            self.done.push(Done { payload: key.id, intake: lane.intake });
        }
        self.drop_needless_body(key);
        if self.payloads.get(&key).is_some_and(|payload| payload.todo.is_empty())
            && let Some(payload) = self.payloads.remove(&key)
        {
            self.finished.extend(payload.body.place.map(|place| place.segment()));
        }
        if let Some(whole) = whole {
            self.part_done(lane, whole);
        }
    }

    fn part_done(&mut self, lane: LaneId, whole: Key) {
        let Some(payload) = self.payloads.get_mut(&whole) else { return };
        let Some((_, left)) = payload.parts.iter_mut().find(|(other, _)| *other == lane) else { return };
        *left -= 1;
        if *left == 0 {
            self.done(lane, whole);
        }
    }

    /// Gives up what has become too old.
    pub(super) fn expire(&mut self, now: UnixTime) {
        let is_old = |payload: &Waiting| now > payload.created.plus(payload.kind.age_limit());
        let waits = self.payloads.iter().filter(|(_, payload)| payload.ready > 0 && is_old(payload));
        let old: Vec<Key> = waits.map(|(key, _)| *key).collect();
        for key in old {
            self.give_up_everywhere(key, DropReason::TooOld);
        }
    }

    /// The journal had to drop these segments: what is not in memory is given up.
    pub(super) fn lose(&mut self, segments: &[u64]) {
        if segments.is_empty() {
            return;
        }
        let is_lost = |place: &Place| segments.contains(&place.segment());
        let mut gone = Vec::new();
        for (key, payload) in &mut self.payloads {
            if payload.body.place.take_if(|place| is_lost(place)).is_none() {
                continue;
            }
            if payload.body.memory.is_some() {
                self.copies.remove(key);
                self.only_here.insert(*key);
            } else if payload.parts.is_empty() || payload.ready > 0 {
                gone.push(*key);
            }
        }
        for key in gone {
            self.give_up_everywhere(key, DropReason::QueueFull);
        }
        self.make_room();
    }

    /// Takes what the journal does not know yet: what is done, and the segments of payloads that are done with.
    pub(super) fn take_notices(&mut self) -> (Vec<Done>, Vec<u64>) {
        (std::mem::take(&mut self.done), std::mem::take(&mut self.finished))
    }

    /// Whether there is something for the journal to know.
    pub(super) fn has_notices(&self) -> bool {
        !self.done.is_empty() || !self.finished.is_empty()
    }

    /// Gives up everything that a lane waits to send.
    fn give_up_all(&mut self, id: LaneId, reason: DropReason) {
        let Some(lane) = self.lane(id) else { return };
        for key in lane.all() {
            self.drop_waiting(id, key, reason);
        }
    }

    /// The process ends: counts what is lost by that, and tells how much stays in the journal.
    pub(super) fn end(&mut self) -> Ended {
        let mut ended = Ended::default();
        let keys: Vec<Key> = self.payloads.keys().copied().collect();
        for key in keys {
            let Some(payload) = self.payloads.get(&key) else { continue };
            let whole = payload.whole.and_then(|whole| self.payloads.get(&whole));
            let is_kept = payload.body.place.is_some() || whole.is_some_and(|whole| whole.body.place.is_some());
            let (entries, split) = (payload.entries, &payload.parts);
            // A whole that is sent in parts is counted by its parts.
            let todo = payload.todo.iter().filter(|lane| !split.iter().any(|(other, _)| other == *lane));
            for id in todo {
                let lane = self.lanes.iter_mut().find(|known| known.id == *id);
                match lane {
                    Some(_) if is_kept => ended.kept += entries,
                    Some(lane) => {
                        lane.stats.dropped.add(DropReason::Shutdown, entries);
                        ended.given_up += entries;
                    }
                    None => {}
                }
            }
        }
        self.payloads.clear();
        self.copies.clear();
        self.only_here.clear();
        self.memory = 0;
        self.lanes.iter_mut().for_each(Lane::clear);
        ended
    }

    /// Bytes of bodies that wait, and how many wait.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.payloads.values().filter(|payload| payload.ready > 0);
        waiting.fold((0, 0), |(bytes, count), payload| (bytes + payload.length, count + 1))
    }

    /// Bytes of bodies in memory.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}

/// What was left at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Entries that are lost.
    pub(super) given_up: u64,
    /// Entries that the next process finds.
    pub(super) kept: u64,
}
