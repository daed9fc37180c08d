//! An hour without the intake, on a clock of its own: 100,000 series every 15 seconds.
//!
//! Everything is a sixteenth of what it would be: the bodies, and the limits of memory and disk.

use bytes::Bytes;

use super::*;
use crate::aggregate::{Marks, MarksContent, TargetKey};
use crate::config::StorageSettings;
use crate::submit::api::lane::{Lane, LaneId};
use crate::submit::api::payload::PayloadKind;
use crate::submit::api::store::Store;
use crate::submit::journal::{Flush, TimedMarks};

const SCALE: usize = 16;
/// 100,000 series every 15 seconds, in loads of two seconds.
const POINTS: u64 = 100_000 * 2 / 15;
/// Compressed bytes of a point; `points_take_so_many_bytes` measures less.
const BYTES_PER_POINT: usize = 24;
/// Bytes of marks for a point: half of all series change between two scrapes.
const MARKS_PER_POINT: usize = 12;
const MEMORY: usize = (15 << 20) / SCALE;
const START: f64 = 1_700_000_000.0;
const LANE: LaneId = LaneId(0);

/// What is between those who submit and the intake, without tasks.
struct Bench {
    _folder: tempfile::TempDir,
    journal: Journal,
    store: Store,
    points: u64,
}

impl Bench {
    fn new(disk: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = StorageSettings { disk_bytes: disk / SCALE as u64, ..StorageSettings::default() };
        let (journal, _) = Journal::open(folder.path(), &settings, UnixTime::from_seconds(START)).unwrap();
        let mut store = Store::new(MEMORY);
        store.add_lane(|id| Lane::new(id, IntakeId(1), "http://intake".to_owned()));
        Self { _folder: folder, journal, store, points: 0 }
    }

    /// Two seconds of scrapes, and what the loader does within them.
    fn load(&mut self, number: u32) {
        let now = UnixTime::from_seconds(START + f64::from(number) * 2.0);
        let body = |bytes: usize| Bytes::from(number.to_le_bytes().repeat(bytes / SCALE / 4));
        let payload = Payload {
            kind: PayloadKind::Series,
            body: body(POINTS as usize * BYTES_PER_POINT),
            entries: POINTS,
            created: now,
        };
        let content = MarksContent::Whole(body(POINTS as usize * MARKS_PER_POINT).to_vec());
        let marks = Marks { target: TargetKey(u64::from(number % 8)), content };
        let sealed = Sealed { payloads: vec![payload], too_large: 0, marks: vec![TimedMarks { time: now, marks }] };
        let Worked { payloads, lost, .. } = keep(sealed, &[IntakeId(1)], Some(&mut self.journal), 0, now);
        for (id, payload, place) in payloads {
            self.store.add(id, payload, place);
        }
        self.store.lose(&lost);
        self.points += POINTS;
        self.store.expire(now);
        self.note(now);
        self.journal.tick(now).into_iter().for_each(Flush::run);
    }

    fn note(&mut self, now: UnixTime) {
        let (done, finished) = self.store.take_notices();
        self.journal.done(&done, &finished, now);
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.store.lanes()[0].stats.dropped.count(reason)
    }

    fn waiting(&self) -> u64 {
        self.store.waiting().1 as u64 * POINTS
    }
}

#[test]
fn an_hour_fits_on_the_disk_and_only_age_takes_its_toll() {
    let mut bench = Bench::new(StorageSettings::default().disk_bytes);
    for number in 0..1800 {
        bench.load(number);
        assert!(bench.store.memory() <= MEMORY, "{}", bench.store.memory());
        assert_eq!(bench.waiting() + bench.dropped(DropReason::TooOld), bench.points);
    }
    let disk = bench.journal.stats().read().bytes * SCALE as u64;
    println!("{} points wait, {} MiB on disk", bench.waiting(), disk >> 20);
    assert!(disk < StorageSettings::default().disk_bytes);
    // The last 55 minutes, and the load at either end.
    assert_eq!(bench.waiting(), (55 * 60 / 2 + 1) * POINTS);
    // The intake is back: the newest first, each as it was written.
    let end = UnixTime::from_seconds(START + 3600.0);
    for number in (0..1800_u32).rev().take(55 * 60 / 2 + 1) {
        let job = bench.store.pop(LANE, |_| true).unwrap();
        let body = job.body.memory.clone().unwrap_or_else(|| job.body.place.as_ref().unwrap().read().unwrap());
        assert!(body.chunks_exact(4).all(|chunk| chunk == number.to_le_bytes()), "{number}");
        bench.store.delivered(LANE, job.key);
    }
    bench.note(end);
    bench.journal.close(end);
    assert_eq!((bench.store.memory(), bench.journal.stats().read().bytes), (0, 0));
}

#[test]
fn what_does_not_fit_is_given_up_oldest_first_and_counted() {
    let mut bench = Bench::new(256 << 20);
    for number in 0..1200 {
        bench.load(number);
        assert!(bench.journal.stats().read().bytes <= (256 << 20) / SCALE as u64);
        assert_eq!(bench.waiting() + bench.dropped(DropReason::QueueFull), bench.points);
    }
    assert!(bench.dropped(DropReason::QueueFull) > bench.points / 4 && bench.waiting() > bench.points / 4);
    let newest = std::iter::from_fn(|| bench.store.pop(LANE, |_| true)).count() as u64;
    assert_eq!(newest * POINTS + bench.dropped(DropReason::QueueFull), bench.points);
}

#[test]
fn without_a_journal_memory_is_all_there_is() {
    let mut store = Store::new(MEMORY);
    store.add_lane(|id| Lane::new(id, IntakeId(1), "http://intake".to_owned()));
    for sequence in 0..1000 {
        let body = Bytes::from(vec![0; POINTS as usize * BYTES_PER_POINT / SCALE]);
        let created = UnixTime::from_seconds(START);
        let payload = Payload { kind: PayloadKind::Series, body, entries: POINTS, created };
        store.add(PayloadId { sequence, index: 0 }, payload, None);
        assert!(store.memory() <= MEMORY);
    }
    let dropped = store.lanes()[0].stats.dropped.count(DropReason::QueueFull);
    assert_eq!(dropped + store.waiting().1 as u64 * POINTS, 1000 * POINTS);
}

#[test]
fn points_take_so_many_bytes() {
    use crate::aggregate::PointKind;
    use crate::submit::api::entries::Encoded;
    use crate::submit::encode::{Series, encode_series};
    let (mut encoded, mut noise) = (Encoded::default(), 1_u64);
    // Values that no compressor can guess; tags as those of a cluster with a thousand pods.
    for number in 0..POINTS {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let value = (noise >> 12) as f64 / 1000.0;
        let pod = format!("pod:checkout-7d9f8b6c5d-{:05x}", (number / 13).wrapping_mul(0x9e37) & 0xf_ffff);
        let tags = ["cluster:eu-1", "endpoint:http://10.0.0.1:8080/metrics", "namespace:shop", &pod];
        let series = Series {
            host: "node-17.eu-1.compute.internal",
            device: "",
            metric: &format!("shop.http.server.requests.metric_{}", number % 13),
            tags: tags.into_iter(),
            points: &[(value, 1_700_000_000)],
            kind: PointKind::Count,
            unit: "",
            source_type_name: "",
            interval: 15,
            origin: None,
        };
        encoded.series.add(|buffer| encode_series(buffer, series));
    }
    let mut load = Load::default();
    load.add(encoded, None, UnixTime::from_seconds(START));
    let (size, sealed) = (load.size(), load.seal());
    let compressed: usize = sealed.payloads.iter().map(|payload| payload.body.len()).sum();
    println!("{} bytes a point, {} compressed", size / POINTS as usize, compressed / POINTS as usize);
    assert!(compressed / (POINTS as usize) < BYTES_PER_POINT);
}
