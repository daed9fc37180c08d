//! Submissions that are made again with another value only come to exactly what they come to in full.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::config::GaugeAggregation;
use retriever::map::MetricKind::{Count, Gauge, MonotonicCount, Rate};
use retriever::map::{MetricKind, Part};

use crate::target::{Batch, Reading, Target, bucket, counter, gauge, metric};

/// What a series submits, but for its value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    kind: Kind,
    context: u32,
    group: Option<(u32, Part)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain(MetricKind),
    Sum,
    /// With this bound below and the next one above.
    Bucket(u32),
}

#[derive(Clone, Debug)]
enum Event {
    Read { series: u32, shape: Shape, value: i64, flush: bool },
    Began { series: u32, seconds_ago: f64 },
    ProcessStarted(f64),
    EndScrape,
    ForgetSeries(u32),
    ForgetContext(u32),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let kind = prop_oneof![
        3 => prop_oneof![Just(Gauge), Just(Count), Just(MonotonicCount), Just(MonotonicCount), Just(Rate)].prop_map(Kind::Plain),
        1 => Just(Kind::Sum),
        2 => (0..2u32).prop_map(Kind::Bucket),
    ];
    let group = proptest::option::of((0..2u32, prop_oneof![3 => Just(Part::Count), 1 => Just(Part::Sum)]));
    (kind, 0..4u32, group).prop_map(|(kind, context, group)| Shape { kind, context, group })
}

/// Few series, each with one of few shapes at a time, so that most submissions are made again.
fn events() -> impl Strategy<Value = Vec<Event>> {
    vec(shapes(), 12).prop_flat_map(|shapes| {
        let read = (0..6u32, any::<bool>(), prop_oneof![9 => 0..200i64, 1 => -3..0i64], any::<bool>());
        let read = read.prop_map(move |(series, other, value, flush)| {
            let shape = shapes[series as usize + if other && value % 8 == 0 { 6 } else { 0 }];
            Event::Read { series, shape, value, flush }
        });
        let event = prop_oneof![
            20 => read,
            1 => (0..6u32, 0.0..40.0f64).prop_map(|(series, seconds_ago)| Event::Began { series, seconds_ago }),
            1 => (0.0..40.0f64).prop_map(Event::ProcessStarted),
            4 => Just(Event::EndScrape),
            1 => (0..6u32).prop_map(Event::ForgetSeries),
            1 => (0..4u32).prop_map(Event::ForgetContext),
        ];
        vec(event, 1..120)
    })
}

fn reading(target: &mut Target, series: u32, shape: Shape, value: i64, flush: bool) -> Reading {
    let context = target.context("x", &[&format!("c:{}", shape.context)]);
    let number = value as f64;
    let reading = match shape.kind {
        Kind::Plain(MonotonicCount) => counter(context, number, flush),
        Kind::Plain(kind) => metric(kind, context, number),
        Kind::Sum => gauge(GaugeAggregation::Sum, context, number),
        Kind::Bucket(place) => bucket(context, (f64::from(place), f64::from(place + 1)), value, flush),
    };
    let reading = reading.of(series);
    shape.group.map_or(reading.clone(), |(group, part)| reading.in_group(group, part))
}

/// What all events come to: batches, and what is told beside them. `again`: whether submissions are made again where they
/// can be.
fn outcome(events: &[Event], again: bool) -> (Vec<Batch>, String) {
    let mut target = Target::default();
    let mut last: HashMap<u32, Shape> = HashMap::new();
    let mut batches = Vec::new();
    for event in events {
        match *event {
            Event::Read { series, shape, value, flush } => {
                let is_again = last.insert(series, shape) == Some(shape);
                if !(again && is_again && target.again(series, value as f64, flush)) {
                    let reading = reading(&mut target, series, shape, value, flush);
                    target.accept(reading);
                }
            }
            Event::Began { series, seconds_ago } => target.began(series, seconds_ago),
            Event::ProcessStarted(seconds_ago) => target.process_started(seconds_ago),
            Event::EndScrape => {
                batches.push(target.commit(None));
                target.aggregator.succeeded(target.now);
                target.pass(1);
            }
            Event::ForgetSeries(series) => {
                target.forget(&[series], &[]);
                last.remove(&series);
            }
            Event::ForgetContext(context) => {
                let context_id = target.context("x", &[&format!("c:{context}")]);
                target.forget(&[], &[context_id]);
                last.retain(|_, shape| shape.context != context);
            }
        }
    }
    batches.push(target.commit(None));
    (batches, format!("{:?} {:?}", target.refused(), target.collisions()))
}

#[test]
fn most_submissions_can_be_made_again() {
    let mut target = Target::default();
    let context = target.context("x", &["c:0"]);
    assert!(!target.again(0, 1.0, false), "nothing was submitted yet");
    target.scrape([counter(context, 5.0, false).of(0)]);
    assert!(target.again(0, 7.0, true));
    assert_eq!(target.value([]), Some(2.0));
    target.forget(&[0], &[]);
    assert!(!target.again(0, 7.0, true));
}

#[test]
fn what_was_refused_is_submitted_in_full() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([metric(Gauge, context, 1.0).of(0), counter(context, 1.0, true).of(1)]);
    assert!(target.again(0, 2.0, false) && !target.again(1, 2.0, true));
    let buckets = target.context("b", &[]);
    target.scrape([bucket(buckets, (0.0, 1.0), 1, true).of(2)]);
    assert!(!target.again(2, -1.0, true) && target.again(2, 3.9, true));
    assert_eq!(target.sketched([]), Some(2));
}

/// As a `counter_gauge` does.
#[test]
fn a_series_that_submits_two_things_submits_them_in_full() {
    let mut target = Target::default();
    let [total, count] = ["x.total", "x.count"].map(|name| target.context(name, &[]));
    for _ in 0..3 {
        assert!(!target.again(0, 1.0, true));
        target.scrape([metric(Gauge, total, 1.0).of(0), counter(count, 1.0, true).of(0)]);
    }
}

#[test]
fn nothing_goes_to_a_series_that_is_gone() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 5.0, true).of(0)]);
    target.forget(&[], &[context]);
    assert!(!target.again(0, 7.0, true));
    let again = target.context("x", &["other"]);
    assert_eq!(target.value([counter(again, 8.0, true).of(0)]), Some(3.0), "what it grew from is still known");
    assert!(target.again(0, 9.0, true));
}

proptest! {
    #[test]
    fn it_makes_no_difference(events in events()) {
        let (full, told) = outcome(&events, false);
        let (batches, told_again) = outcome(&events, true);
        prop_assert_eq!(full, batches);
        prop_assert_eq!(told, told_again);
    }
}
