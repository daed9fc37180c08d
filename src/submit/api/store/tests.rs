//! What the store keeps, gives up and counts.

use proptest::prelude::*;

use super::*;
use crate::submit::journal::{IntakeId, PayloadHead};

/// A store with so many lanes.
fn store(limit: usize, lanes: u64) -> Store {
    let mut store = Store::new(limit);
    for number in 0..lanes {
        store.add_lane(|id| Lane::new(id, IntakeId(number), format!("http://{number}")));
    }
    store
}

fn payload(kind: PayloadKind, bytes: usize, entries: u64, created: f64) -> Payload {
    let body = Bytes::from(vec![0; bytes]);
    Payload { kind, body, entries, created: UnixTime::from_seconds(created) }
}

fn series(bytes: usize, entries: u64) -> Payload {
    payload(PayloadKind::Series, bytes, entries, 0.0)
}

/// Adds payloads of these sizes; each has as many entries as its number.
fn add(store: &mut Store, payloads: impl IntoIterator<Item = Payload>) {
    for payload in payloads {
        let id = PayloadId { sequence: payload.entries, index: 0 };
        store.add(id, payload, None);
    }
}

const FIRST: LaneId = LaneId(0);
const SECOND: LaneId = LaneId(1);

fn pop(store: &mut Store, lane: LaneId) -> Option<Job> {
    store.pop(lane, |_| true)
}

fn dropped(store: &Store, lane: usize, reason: DropReason) -> u64 {
    store.lanes()[lane].stats.dropped.count(reason)
}

#[test]
fn the_newest_leaves_first_and_returns_to_its_place() {
    let mut store = store(1000, 1);
    add(&mut store, [1, 2, 3].map(|entries| series(10, entries)));
    let newest = pop(&mut store, FIRST).unwrap();
    assert_eq!(newest.entries, 3);
    add(&mut store, [series(10, 4)]);
    store.put_back(FIRST, newest.key);
    let order: Vec<u64> = std::iter::from_fn(|| pop(&mut store, FIRST)).map(|job| job.entries).collect();
    assert_eq!(order, [4, 3, 2, 1]);
    assert_eq!((store.waiting(), store.memory()), ((0, 0), 40), "they are under way");
}

#[test]
fn the_oldest_makes_room_and_is_counted() {
    let mut store = store(100, 1);
    add(&mut store, [series(40, 1), series(40, 10), series(70, 100)]);
    assert_eq!((store.waiting(), dropped(&store, 0, DropReason::QueueFull)), ((70, 1), 11));
    add(&mut store, [series(500, 1000)]);
    assert_eq!(store.waiting(), (500, 1), "a payload beyond the limit stays while it is alone");
    assert_eq!(dropped(&store, 0, DropReason::QueueFull), 111);
}

#[test]
fn what_returns_to_a_full_store_is_the_oldest() {
    let mut store = store(100, 1);
    add(&mut store, [series(60, 1)]);
    let taken = pop(&mut store, FIRST).unwrap();
    add(&mut store, [series(60, 2)]);
    store.put_back(FIRST, taken.key);
    assert_eq!(dropped(&store, 0, DropReason::QueueFull), 1);
    assert_eq!(pop(&mut store, FIRST).unwrap().entries, 2);
}

#[test]
fn kinds_that_are_not_ready_are_passed_over() {
    let mut store = store(100, 1);
    add(&mut store, [series(1, 1), payload(PayloadKind::Sketches, 1, 2, 0.0)]);
    let lane = store.lane(FIRST).unwrap();
    assert!(lane.holds(PayloadKind::Sketches) && !lane.holds(PayloadKind::ServiceChecks));
    assert_eq!(store.pop(FIRST, |kind| kind == PayloadKind::Series).unwrap().entries, 1);
    assert!(store.pop(FIRST, |kind| kind == PayloadKind::Series).is_none());
}

#[test]
fn age_is_limited_by_kind() {
    let mut store = store(100, 1);
    add(
        &mut store,
        [
            payload(PayloadKind::Series, 1, 1, 1000.0),
            payload(PayloadKind::Sketches, 1, 10, 2000.0),
            payload(PayloadKind::ServiceChecks, 1, 100, 4000.0),
            payload(PayloadKind::Events, 1, 1000, 0.0),
        ],
    );
    for (now, expected) in [(4300.0, 0), (4301.0, 1), (4541.0, 101), (5301.0, 111), (64_500.0, 111), (64_501.0, 1111)] {
        store.expire(UnixTime::from_seconds(now));
        assert_eq!(dropped(&store, 0, DropReason::TooOld), expected, "{now}");
    }
    assert_eq!((store.waiting(), store.memory()), ((0, 0), 0));
}

#[test]
fn a_payload_leaves_when_all_intakes_are_done_with_it() {
    let mut store = store(1000, 2);
    add(&mut store, [series(10, 1)]);
    let job = pop(&mut store, FIRST).unwrap();
    assert!(pop(&mut store, FIRST).is_none());
    store.delivered(FIRST, job.key);
    assert_eq!((store.memory(), store.waiting()), (10, (10, 1)));
    let job = pop(&mut store, SECOND).unwrap();
    store.give_up(SECOND, job.key, DropReason::Rejected);
    assert_eq!((store.memory(), store.waiting()), (0, (0, 0)));
    assert_eq!((dropped(&store, 0, DropReason::Rejected), dropped(&store, 1, DropReason::Rejected)), (0, 1));
}

#[test]
fn a_whole_is_done_with_when_its_parts_are() {
    let mut store = store(1000, 2);
    add(&mut store, [series(40, 4)]);
    let whole = pop(&mut store, FIRST).unwrap();
    store.split(FIRST, whole.key, vec![series(20, 2), series(20, 2)]);
    let part = pop(&mut store, FIRST).unwrap();
    store.split(FIRST, part.key, vec![series(10, 1), series(10, 1)]);
    for expected in [1, 1] {
        let part = pop(&mut store, FIRST).unwrap();
        assert_eq!(part.entries, expected);
        store.delivered(FIRST, part.key);
    }
    let last = pop(&mut store, FIRST).unwrap();
    store.give_up(FIRST, last.key, DropReason::TooLarge);
    assert!(pop(&mut store, FIRST).is_none());
    let whole = pop(&mut store, SECOND).unwrap();
    assert_eq!(whole.entries, 4, "the other intake takes it as it is");
    store.delivered(SECOND, whole.key);
    assert_eq!((store.memory(), store.payloads.len()), (0, 0));
    assert_eq!(dropped(&store, 0, DropReason::TooLarge), 2);
}

#[test]
fn an_intake_that_is_removed_holds_nothing() {
    let mut store = store(1000, 2);
    add(&mut store, [1, 2, 3].map(|entries| series(10, entries)));
    let under_way = pop(&mut store, SECOND).unwrap();
    let whole = pop(&mut store, SECOND).unwrap();
    store.split(SECOND, whole.key, vec![series(5, 1), series(5, 1)]);
    let part = pop(&mut store, SECOND).unwrap();
    store.remove_lane(SECOND);
    store.put_back(SECOND, under_way.key);
    store.delivered(SECOND, part.key);
    assert_eq!(store.lanes().len(), 1);
    for _ in 0..3 {
        let job = pop(&mut store, FIRST).unwrap();
        store.delivered(FIRST, job.key);
    }
    assert_eq!((store.memory(), store.payloads.len()), (0, 0));
}

/// A journal in a directory, and a payload in it.
fn kept(number: u64) -> (tempfile::TempDir, RecoveredPayload) {
    use crate::config::StorageSettings;
    use crate::submit::journal::{Journal, JournalLoad};
    let folder = tempfile::tempdir().unwrap();
    let now = UnixTime::from_seconds(0.0);
    let body = Bytes::from(vec![7; 50]);
    let head = PayloadHead {
        kind: PayloadKind::Series.number(),
        entries: number,
        created: now,
        length: 50,
        checksum: crc32fast::hash(&body),
    };
    let load = JournalLoad { intakes: &[IntakeId(0)], payloads: &[(head, body)], marks: Vec::new() };
    let open = || Journal::open(folder.path(), &StorageSettings::default(), now).unwrap();
    open().0.append(load, now);
    let payload = open().1.payloads.remove(0);
    (folder, payload)
}

#[test]
fn bodies_that_the_journal_has_leave_memory_first() {
    let mut store = store(100, 1);
    let (_folder, recovered) = kept(5);
    let (id, place) = (recovered.id, recovered.place.clone());
    store.add(id, series(60, 5), Some(place));
    add(&mut store, [series(60, 6)]);
    assert_eq!((store.waiting(), store.memory()), ((120, 2), 60));
    assert_eq!(dropped(&store, 0, DropReason::QueueFull), 0);
    let newest = pop(&mut store, FIRST).unwrap();
    assert!(newest.body.memory.is_some());
    let older = pop(&mut store, FIRST).unwrap();
    assert_eq!(older.body.memory, None);
    assert_eq!(older.body.place.unwrap().read().unwrap().len(), 50);
    store.delivered(FIRST, older.key);
    let done = Done { payload: id, intake: IntakeId(0) };
    assert_eq!(store.take_notices(), (vec![done], vec![recovered.place.segment()]));
}

#[test]
fn what_an_earlier_process_left_is_for_those_who_are_not_done_with_it() {
    let mut store = store(100, 2);
    let (_folder, mut recovered) = kept(5);
    recovered.done = vec![IntakeId(1)];
    store.recover(recovered);
    assert!(pop(&mut store, SECOND).is_none());
    assert_eq!((store.waiting(), store.memory()), ((50, 1), 0));
    assert_eq!(pop(&mut store, FIRST).unwrap().entries, 5);
    assert_eq!(store.end(), Ended { given_up: 0, kept: 5 });
}

#[test]
fn segments_that_are_gone_cost_what_is_not_in_memory() {
    let mut store = store(100, 1);
    let (_folder, recovered) = kept(5);
    let segment = recovered.place.segment();
    store.add(PayloadId { sequence: 8, index: 0 }, series(10, 3), Some(recovered.place.clone()));
    store.recover(recovered);
    store.lose(&[segment]);
    assert_eq!((store.waiting(), dropped(&store, 0, DropReason::QueueFull)), ((10, 1), 5));
    assert_eq!(store.end(), Ended { given_up: 3, kept: 0 });
    assert_eq!(dropped(&store, 0, DropReason::Shutdown), 3);
}

/// What may happen to a store; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Add(usize),
    Pop(usize),
    Deliver(usize),
    GiveUp(usize),
    PutBack(usize),
    Split(usize),
    Expire,
    AddLane,
    RemoveLane(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1_usize..60).prop_map(Step::Add),
        6 => (0_usize..9).prop_map(Step::Pop),
        3 => (0_usize..9).prop_map(Step::Deliver),
        1 => (0_usize..9).prop_map(Step::GiveUp),
        2 => (0_usize..9).prop_map(Step::PutBack),
        2 => (0_usize..9).prop_map(Step::Split),
        1 => Just(Step::Expire),
        1 => Just(Step::AddLane),
        1 => (0_usize..9).prop_map(Step::RemoveLane),
    ];
    prop::collection::vec(step, 1..80)
}

/// One of so many, if there is any.
fn chosen<T>(list: &mut Vec<T>, number: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(number % list.len()))
}

proptest! {
    #[test]
    fn every_entry_is_accounted_for_once_for_each_intake(steps in steps()) {
        let mut store = store(200, 2);
        let (mut under_way, mut delivered, mut expected, mut sequence) = (Vec::<(LaneId, Job)>::new(), 0, 0, 0);
        for step in steps {
            match step {
                Step::Add(bytes) => {
                    sequence += 1;
                    let entries = 1 + sequence % 4;
                    expected += entries * store.lanes().len() as u64;
                    store.add(PayloadId { sequence, index: 0 }, series(bytes, entries), None);
                }
                Step::Pop(number) => {
                    if let Some(lane) = number.checked_rem(store.lanes().len()).map(|place| store.lanes()[place].id) {
                        under_way.extend(pop(&mut store, lane).map(|job| (lane, job)));
                    }
                }
                Step::Deliver(number) => {
                    if let Some((lane, job)) = chosen(&mut under_way, number) {
                        // What is under way for a lane that is gone counts as removed.
                        delivered += if store.lane(lane).is_some() { job.entries } else { 0 };
                        store.delivered(lane, job.key);
                    }
                }
                Step::GiveUp(number) => {
                    if let Some((lane, job)) = chosen(&mut under_way, number) {
                        store.give_up(lane, job.key, DropReason::Rejected);
                    }
                }
                Step::PutBack(number) => {
                    if let Some((lane, job)) = chosen(&mut under_way, number) {
                        store.put_back(lane, job.key);
                    }
                }
                Step::Split(number) => {
                    if let Some((lane, job)) = chosen(&mut under_way, number) {
                        if job.entries < 2 {
                            store.put_back(lane, job.key);
                            continue;
                        }
                        let length = job.body.memory.as_ref().map_or(1, Bytes::len);
                        let half = job.entries / 2;
                        store.split(lane, job.key, vec![series(length, half), series(length, job.entries - half)]);
                    }
                }
                Step::Expire => store.expire(UnixTime::from_seconds(4000.0)),
                Step::AddLane => {
                    store.add_lane(|id| Lane::new(id, IntakeId(id.0.into()), String::new()));
                }
                Step::RemoveLane(number) => {
                    if let Some(lane) = number.checked_rem(store.lanes().len()).map(|place| store.lanes()[place].id) {
                        store.remove_lane(lane);
                    }
                }
            }
            let memory: usize =
                store.payloads.values().filter_map(|payload| payload.body.memory.as_ref()).map(Bytes::len).sum();
            prop_assert_eq!(store.memory(), memory);
            prop_assert_eq!(store.only_here.len(), store.payloads.values().filter(|p| p.body.memory.is_some()).count());
        }
        let ended = store.end();
        prop_assert_eq!(ended.kept, 0);
        let dropped: u64 = store.lanes().iter().map(|lane| lane.stats.dropped.total()).sum();
        prop_assert_eq!(delivered + dropped + store.past().dropped.total(), expected);
    }
}
