use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::config::Enrichment;
use crate::submit::api::payload::PayloadKind;
use crate::time::UnixTime;

#[derive(Message)]
struct Entries {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Message)]
struct Entry {
    #[prost(string, tag = "2")]
    metric: String,
    #[prost(string, repeated, tag = "3")]
    tags: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    points: Vec<EncodedPoint>,
    #[prost(uint32, tag = "5")]
    kind: u32,
    #[prost(uint64, tag = "8")]
    interval: u64,
}

#[derive(Message)]
struct EncodedPoint {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// What happens to a target from one delivery to the next.
#[derive(Clone, Debug)]
enum Change {
    /// So many series come, of a thing of this number.
    Come(usize, u8),
    /// Every so many series one goes.
    Go(usize),
    /// Every so many series one is not there once.
    Miss(usize),
    /// Every so many series one is of another kind from now on.
    Kind(usize),
    /// Every so many series one has no value.
    NaN(usize),
    /// One entry is larger than what a segment takes.
    Large,
    Restart,
    Interval(u32),
    Tags(u8),
    Early,
}

fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        6 => (1..60_usize, any::<u8>()).prop_map(|(count, thing)| Change::Come(count, thing)),
        3 => (2..40_usize).prop_map(Change::Go),
        3 => (2..40_usize).prop_map(Change::Miss),
        2 => (2..40_usize).prop_map(Change::Kind),
        1 => (2..40_usize).prop_map(Change::NaN),
        1 => Just(Change::Large),
        1 => Just(Change::Restart),
        1 => (1..3_u32).prop_map(Change::Interval),
        1 => any::<u8>().prop_map(Change::Tags),
        1 => Just(Change::Early),
    ];
    prop::collection::vec(prop::collection::vec(change, 0..4), 1..12)
}

struct Target {
    slots: Slots,
    series: Vec<(SlotId, PointKind, String, Vec<String>)>,
    made: usize,
    enricher: Enricher,
    interval: u32,
    arrangement: Arrangement,
}

fn enricher(tags: &[String]) -> Enricher {
    Enricher::new(Enrichment { hostname: "here".into(), tags: tags.to_vec(), ..Enrichment::default() })
}

impl Target {
    fn new() -> Self {
        Self {
            slots: Slots::default(),
            series: Vec::new(),
            made: 0,
            enricher: enricher(&[]),
            interval: 15,
            arrangement: Arrangement::default(),
        }
    }

    /// A series with tags so long that few entries fill a block.
    fn come(&mut self, thing: u8, tags: usize) {
        self.made += 1;
        let metric = format!("metric{}", self.made % 7);
        let long = |number| format!("tag{number}:{thing}{}", "long".repeat(20));
        let tags: Vec<String> = (0..tags).map(long).chain([format!("made:{}", self.made)]).collect();
        let series = self.slots.intern(&metric, "", tags.iter().map(String::as_str), None);
        self.series.push((series, PointKind::Gauge, metric, tags));
    }

    /// Delivers all series but those that the changes say are missing.
    fn deliver(&mut self, number: u32, changes: &[Change]) {
        let (mut missing, mut without, mut timestamp) =
            (usize::MAX, usize::MAX, 1_700_000_000 + i64::from(number) * 15);
        for change in changes {
            match *change {
                Change::Come(count, thing) => (0..count).for_each(|_| self.come(thing, 40)),
                Change::Large => self.come(0, 400),
                Change::Go(every) => {
                    let (mut at, slots) = (0, &mut self.slots);
                    self.series.retain(|(series, ..)| {
                        at += 1;
                        let goes = at % every == 0;
                        if goes {
                            slots.retire(*series);
                        }
                        !goes
                    });
                }
                Change::Kind(every) => {
                    self.series.iter_mut().step_by(every).for_each(|(_, kind, ..)| *kind = PointKind::Count);
                }
                Change::Miss(every) => missing = every,
                Change::NaN(every) => without = every,
                Change::Restart => self.arrangement = Arrangement::default(),
                Change::Interval(interval) => self.interval = interval,
                Change::Tags(tag) => self.enricher = enricher(&[format!("env:{tag}")]),
                Change::Early => timestamp = i64::from(number),
            }
        }
        let present = (1..).zip(&self.series).filter(|(at, _)| at % missing != 0);
        let value = |at: usize| if at.is_multiple_of(without) { f64::NAN } else { (at as f64) * f64::from(number % 3) };
        let (points, expected): (Vec<_>, Vec<_>) = present
            .map(|(at, (series, kind, metric, tags))| {
                let point = Point { series: *series, kind: *kind, value: value(at) };
                (point, (metric.clone(), tags.clone(), value(at)))
            })
            .unzip();
        let batch = Batch { timestamp, interval: self.interval, points, sketches: Vec::new() };
        let mut framing = Framing::new(UnixTime::now(), PayloadKind::Series.limits());
        let (slots, enricher) = (&self.slots, &self.enricher);
        let odd = self.arrangement.deliver(&batch, slots, enricher, &mut framing);
        let mut told = BTreeMap::new();
        for payload in framing.finish() {
            let body = zstd::bulk::decompress(&payload.body, PayloadKind::Series.limits().uncompressed).unwrap();
            let entries = Entries::decode(&*body).unwrap().entries;
            assert_eq!(entries.len() as u64, payload.entries);
            for mut entry in entries {
                entry.tags.sort_unstable();
                assert!(told.insert((entry.metric.clone(), entry.tags.clone()), entry).is_none(), "told twice");
            }
        }
        for ((place, (metric, mut tags, value)), point) in (0..).zip(expected).zip(&batch.points) {
            if odd.contains(&place) {
                assert!(value.is_nan() || tags.len() > 300);
                continue;
            }
            tags.extend_from_slice(enricher.more_tags());
            tags.sort_unstable();
            let entry = told.remove(&(metric, tags)).expect("a point that is not odd is told");
            let kind = if point.kind == PointKind::Gauge { (3, 0) } else { (1, u64::from(self.interval)) };
            assert_eq!((entry.kind, entry.interval), kind);
            let points: Vec<_> = entry.points.iter().map(|point| (point.value, point.timestamp)).collect();
            assert_eq!(points, [(value, timestamp)]);
        }
        assert!(told.is_empty(), "{told:?}");
        self.slots.clear_away();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_point_is_told_once_whatever_changes(changes in changes()) {
        let mut target = Target::new();
        target.come(1, 10);
        for (number, changes) in (0..).zip(&changes) {
            target.deliver(number, changes);
        }
    }
}

#[test]
fn only_segments_that_lost_a_series_change() {
    let mut target = Target::new();
    for thing in 0..40 {
        (0..30).for_each(|_| target.come(thing, 40));
    }
    target.deliver(0, &[]);
    let segments = |target: &Target| -> Vec<Vec<_>> {
        target.arrangement.segments.iter().map(|segment| segment.series().map(|(series, _)| series).collect()).collect()
    };
    let before = segments(&target);
    assert!(before.len() > 20, "{} segments", before.len());
    target.deliver(1, &[]);
    assert_eq!(segments(&target), before);
    target.deliver(2, &[Change::Go(1000)]);
    let after = segments(&target);
    assert_eq!(after.iter().filter(|segment| !before.contains(segment)).count(), 1);
}

#[test]
fn what_tells_of_the_same_thing_stands_together() {
    let mut target = Target::new();
    for _ in 0..20 {
        for thing in 0..4 {
            target.come(thing, 3);
        }
    }
    let points: Vec<_> =
        target.series.iter().map(|(series, kind, ..)| Point { series: *series, kind: *kind, value: 0.0 }).collect();
    let mut places: Vec<u32> = (0..80).collect();
    order::arrange(&mut places, &points, &target.slots);
    let expected: Vec<u32> = (0..4).flat_map(|thing| (0..20).map(move |round| round * 4 + thing)).collect();
    assert_eq!(places, expected);
}
