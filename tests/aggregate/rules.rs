//! The rules of the Agent's check sampler, one table per kind, for contexts of one series. The expected values are worked
//! out by hand from its published behaviour; where Retriever knows better, the comment says why.

use retriever::aggregate::{PointKind, Refused, Sketch};
use retriever::map::MetricKind::{Count, Gauge, MonotonicCount, Rate};

use crate::target::{Target, bucket, counter, metric};

#[test]
fn of_a_gauge_the_last_value_of_a_scrape_counts() {
    let mut target = Target::default();
    let context = target.context("up", &["job:a"]);
    let table: [(&[f64], Option<f64>); 4] =
        [(&[1.0], Some(1.0)), (&[5.0, -2.5, 3.0], Some(3.0)), (&[], None), (&[3.0], Some(3.0))];
    for (values, expected) in table {
        assert_eq!(target.value(values.iter().map(|value| metric(Gauge, context, *value))), expected);
    }
}

#[test]
fn counts_of_a_scrape_add_up_and_start_anew() {
    let mut target = Target::default();
    let context = target.context("events", &[]);
    let table: [(&[f64], Option<f64>); 4] =
        [(&[1.0, 2.5], Some(3.5)), (&[4.0], Some(4.0)), (&[], None), (&[0.0], Some(0.0))];
    for (values, expected) in table {
        assert_eq!(target.value(values.iter().map(|value| metric(Count, context, *value))), expected);
    }
}

#[test]
fn a_rate_is_the_growth_of_the_last_two_values_per_second() {
    let mut target = Target::default();
    let context = target.context("work", &[]);
    // Scrapes are 15 seconds apart.
    let table = [
        (Some(10.0), None),
        (Some(40.0), Some(2.0)),
        (Some(40.0), Some(0.0)),
        // Negative: nothing, and the newer value is the base.
        (Some(10.0), None),
        (Some(25.0), Some(1.0)),
        // A scrape without it: the next growth is per 30 seconds.
        (None, None),
        (Some(85.0), Some(2.0)),
    ];
    for (value, expected) in table {
        assert_eq!(target.value(value.map(|value| metric(Rate, context, value))), expected);
    }
    assert_eq!(target.refused(), [(Refused::NegativeRate, 1)]);
}

/// The Agent takes the last two values, also those of one scrape, which says nothing about time.
#[test]
fn of_a_rate_exposed_twice_in_a_scrape_the_last_value_counts() {
    let mut target = Target::default();
    let context = target.context("work", &[]);
    assert_eq!(target.value([metric(Rate, context, 10.0)]), None);
    assert_eq!(target.value([metric(Rate, context, 40.0), metric(Rate, context, 70.0)]), Some(4.0));
    assert_eq!(target.value([metric(Rate, context, 100.0)]), Some(2.0));
    assert_eq!(target.refused(), []);
}

#[test]
fn two_scrapes_at_one_moment_give_no_rate_and_the_later_is_the_base() {
    let mut target = Target::default();
    let context = target.context("work", &[]);
    let begin = target.now;
    for value in [10.0, 40.0] {
        target.now = begin;
        assert_eq!(target.value([metric(Rate, context, value)]), None);
    }
    assert_eq!(target.refused(), [(Refused::RateWithoutTime, 1)]);
    assert_eq!(target.value([metric(Rate, context, 70.0)]), Some(2.0));
}

#[test]
fn a_monotonic_count_gives_its_growth() {
    /// Values of one scrape with their flush flag, and the point of that scrape.
    type Scrape<'a> = (&'a [(f64, bool)], Option<f64>);
    let table: [(&str, &[Scrape]); 12] = [
        ("first, no flush: stored", &[(&[(5.0, false)], None), (&[(7.0, false)], Some(2.0))]),
        ("first, flush: all of it", &[(&[(5.0, true)], Some(5.0)), (&[(7.0, true)], Some(2.0))]),
        ("unchanged: zero", &[(&[(5.0, false)], None), (&[(5.0, true)], Some(0.0)), (&[(5.0, false)], Some(0.0))]),
        // Of a series that is exposed twice the last value counts: between the two there was no time to grow, and an
        // order in which they seem to fall is no reset. The Agent adds up steps and takes falls for resets.
        ("twice in one scrape", &[(&[(5.0, false)], None), (&[(6.0, false), (9.0, false)], Some(4.0))]),
        (
            "twice in the first one",
            &[(&[(5.0, false), (9.0, false)], None), (&[(10.0, false)], Some(1.0)), (&[], None)],
        ),
        ("twice in the first one, flush", &[(&[(5.0, true), (9.0, true)], Some(9.0)), (&[(9.0, true)], Some(0.0))]),
        ("twice, falling", &[(&[(50.0, false)], None), (&[(90.0, true), (60.0, true)], Some(10.0))]),
        (
            "reset, no flush: zero, new base",
            &[(&[(50.0, false)], None), (&[(3.0, false)], Some(0.0)), (&[(4.0, false)], Some(1.0))],
        ),
        (
            "reset, flush: the new value",
            &[(&[(50.0, false)], None), (&[(3.0, true)], Some(3.0)), (&[(4.0, true)], Some(1.0))],
        ),
        (
            "reset and twice, no flush",
            &[(&[(50.0, false)], None), (&[(60.0, false), (3.0, false), (5.0, false)], Some(0.0))],
        ),
        ("reset and twice, flush", &[(&[(50.0, false)], None), (&[(60.0, true), (3.0, true), (5.0, true)], Some(5.0))]),
        (
            "absent: nothing, then continued",
            &[(&[(5.0, false)], None), (&[], None), (&[], None), (&[(9.0, true)], Some(4.0))],
        ),
    ];
    for (rule, scrapes) in table {
        let mut target = Target::default();
        let context = target.context("requests.count", &["code:200"]);
        for (number, (values, expected)) in scrapes.iter().enumerate() {
            let value = target.value(values.iter().map(|(value, flush)| counter(context, *value, *flush)));
            assert_eq!(value, *expected, "{rule}: scrape {number}");
        }
    }
}

/// Bounds, raw count and flush flag.
type Reading = ((f64, f64), i64, bool);

/// Scrapes of one context, each with the count of its sketch.
fn check_buckets(rule: &str, scrapes: &[(&[Reading], Option<i64>)], refused: &[(Refused, u64)]) {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    for (number, (readings, expected)) in scrapes.iter().enumerate() {
        let readings = readings.iter().map(|&(bounds, value, flush)| bucket(context, bounds, value, flush));
        assert_eq!(target.sketched(readings), *expected, "{rule}: scrape {number}");
    }
    assert_eq!(target.refused(), refused, "{rule}");
}

const LOW: (f64, f64) = (0.0, 1.0);
const HIGH: (f64, f64) = (1.0, 2.0);

#[test]
fn buckets_give_their_growth() {
    check_buckets("negative: dropped", &[(&[(LOW, -1, true)], None)], &[(Refused::NegativeBucket, 1)]);
    check_buckets("reversed bounds: dropped", &[(&[((2.0, 1.0), 4, true)], None)], &[(Refused::ReversedBucket, 1)]);
    check_buckets("first, no flush: stored", &[(&[(LOW, 5, false)], None), (&[(LOW, 7, false)], Some(2))], &[]);
    check_buckets("first, flush: all of it", &[(&[(LOW, 5, true)], Some(5)), (&[(LOW, 7, true)], Some(2))], &[]);
    check_buckets("unchanged: nothing", &[(&[(LOW, 5, true)], Some(5)), (&[(LOW, 5, true)], None)], &[]);
    check_buckets(
        "reset, no flush: nothing, new base",
        &[(&[(LOW, 50, false)], None), (&[(LOW, 3, false)], None), (&[(LOW, 4, false)], Some(1))],
        &[],
    );
    check_buckets(
        "reset, flush: the new count",
        &[(&[(LOW, 50, false)], None), (&[(LOW, 3, true)], Some(3)), (&[(LOW, 4, true)], Some(1))],
        &[],
    );
    check_buckets(
        "exposed several times in a scrape: the last count",
        &[(&[(LOW, 5, false), (LOW, 7, false), (LOW, 10, false)], None), (&[(LOW, 3, true), (LOW, 12, true)], Some(2))],
        &[],
    );
}

/// The Agent forgets that a bucket was empty: it misses the first values of a bucket after a restart of the Agent, and
/// takes what comes after a reset for growth of what was before.
#[test]
fn an_empty_bucket_is_a_reading_like_any_other() {
    check_buckets(
        "zero first, then no flush",
        &[(&[(LOW, 0, false)], None), (&[(LOW, 5, false)], Some(5)), (&[(LOW, 6, false)], Some(1))],
        &[],
    );
    check_buckets("zero first, then flush", &[(&[(LOW, 0, false)], None), (&[(LOW, 5, true)], Some(5))], &[]);
    check_buckets(
        "zero between",
        &[(&[(LOW, 5, true)], Some(5)), (&[(LOW, 0, true)], None), (&[(LOW, 8, true)], Some(8))],
        &[],
    );
}

#[test]
fn buckets_that_share_a_context_are_told_apart() {
    let scrapes: [&[Reading]; 2] = [&[(LOW, 10, true), (HIGH, 4, true)], &[(LOW, 11, true), (HIGH, 6, true)]];
    check_buckets("several", &[(scrapes[0], Some(14)), (scrapes[1], Some(3))], &[]);
}

/// A bucket between two known ones appears: what the upper of them counts now is a part of what it counted before.
#[test]
fn a_bucket_whose_bounds_change_begins_anew_without_a_first_value() {
    let (middle, rest) = ((1.0, 1.5), (1.5, 2.0));
    check_buckets(
        "the new bucket began, the other did not",
        &[
            (&[(LOW, 10, true), (HIGH, 4, true)], Some(14)),
            (&[(LOW, 10, true), (middle, 1, true), (rest, 4, true)], Some(1)),
            (&[(LOW, 10, true), (middle, 1, true), (rest, 6, true)], Some(2)),
            // Back again.
            (&[(LOW, 10, true), (HIGH, 9, true)], None),
            (&[(LOW, 11, true), (HIGH, 10, true)], Some(2)),
        ],
        &[],
    );
}

#[test]
fn zero_bounds_are_the_same_with_either_sign() {
    check_buckets("zero", &[(&[((0.0, 1.0), 10, true)], Some(10)), (&[((-0.0, 1.0), 12, true)], Some(2))], &[]);
}

#[test]
fn the_growth_of_a_bucket_is_spread_between_its_bounds() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let readings = [((0.0, 0.1), 8), ((0.1, 0.5), 16), ((0.5, 1.0), 9), ((1.0, f64::INFINITY), 3)];
    let sketch = target.sketch(readings.map(|(bounds, count)| bucket(context, bounds, count, true))).unwrap();
    let mut expected = Sketch::default();
    // All values above the last finite bound stand at that bound.
    for (lower, upper, count) in [(0.0, 0.1, 8), (0.1, 0.5, 16), (0.5, 1.0, 9), (1.0, 1.0, 3)] {
        expected.interpolate(lower, upper, count).unwrap();
    }
    assert_eq!(sketch, expected);
}

#[test]
fn buckets_without_a_finite_lower_bound_are_dropped_and_counted() {
    let unbounded = |count| [(Refused::UnboundedBucket, count)];
    let below = (f64::NEG_INFINITY, 1.0);
    // The count is remembered nevertheless; only growth that cannot be placed is refused.
    check_buckets(
        "below",
        &[(&[(below, 5, false)], None), (&[(below, 5, true)], None), (&[(below, 7, true), (HIGH, 1, true)], Some(1))],
        &unbounded(1),
    );
    check_buckets("everything", &[(&[((f64::NEG_INFINITY, f64::INFINITY), 5, true)], None)], &unbounded(1));
    check_buckets("nothing", &[(&[((f64::INFINITY, f64::INFINITY), 5, true)], None)], &unbounded(1));
    check_buckets("huge", &[(&[((0.0, 1e300), 5, true)], None)], &unbounded(1));
    check_buckets("not a number", &[(&[((f64::NAN, 1.0), 5, true)], None)], &[(Refused::NotFinite, 1)]);
}

#[test]
fn claimed_counts_are_held_to_what_a_sketch_and_a_scrape_can_hold() {
    let mut target = Target::default();
    let one = target.context("latency", &[]);
    let batch = target.scrape([bucket(one, LOW, i64::MAX, true), bucket(one, HIGH, 3, true)]);
    assert_eq!(batch.sketches[0].sketch.count(), 3);
    assert_eq!(target.refused(), [(Refused::TooManyValues, 1)]);

    // 2^32 each, of which one scrape takes 16; the next scrape starts anew.
    let contexts: Vec<_> = (0..20).map(|number| target.context("latency", &[&format!("shard:{number}")])).collect();
    let batch = target.scrape(contexts.iter().map(|context| bucket(*context, LOW, 1 << 32, true)));
    assert_eq!(batch.sketches.len(), 16);
    assert_eq!(target.refused(), [(Refused::TooManyValues, 4)]);
    let batch = target.scrape(contexts.iter().map(|context| bucket(*context, LOW, (1 << 32) + 1, true)));
    assert_eq!(batch.sketches.len(), 20);
    assert!(batch.sketches.iter().all(|point| point.sketch.count() == 1));
}

#[test]
fn values_that_are_not_finite_are_never_taken() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    for kind in [Gauge, Count, MonotonicCount, Rate] {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(target.value([metric(kind, context, value)]), None);
        }
    }
    assert_eq!(target.refused(), [(Refused::NotFinite, 12)]);
    // They did not fix the kind either.
    assert_eq!(target.value([metric(Gauge, context, 1.0)]), Some(1.0));
}

#[test]
fn sums_and_differences_beyond_a_double_are_not_given_out() {
    let mut target = Target::default();
    let (sum, growth) = (target.context("sum", &[]), target.context("growth", &[]));
    target.scrape([counter(growth, f64::MIN, false)]);
    let batch =
        target.scrape([metric(Count, sum, f64::MAX), metric(Count, sum, f64::MAX), counter(growth, f64::MAX, false)]);
    assert_eq!(batch.points, []);
    assert_eq!(target.refused(), [(Refused::NotFinite, 2)]);
    assert_eq!(target.scrape([metric(Count, sum, 1.0), counter(growth, f64::MAX, false)]).points.len(), 2);
}

#[test]
fn the_first_kind_of_a_context_stays() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    assert_eq!(target.value([metric(Gauge, context, 1.0), metric(Count, context, 2.0)]), Some(1.0));
    assert_eq!(target.value([counter(context, 5.0, true), bucket(context, LOW, 5, true)]), None);
    assert_eq!(target.refused(), [(Refused::KindChanged, 3)]);
    assert_eq!(target.value([metric(Gauge, context, 3.0)]), Some(3.0));
}

#[test]
fn points_carry_kind_whole_seconds_and_interval() {
    let mut target = Target::default();
    let contexts = ["gauge", "count", "growth", "rate"].map(|name| target.context(name, &["a:b"]));
    let latency = target.context("latency", &[]);
    let mut scrape = |value| {
        let [gauge, count, growth, rate] = contexts;
        target.scrape([
            metric(Gauge, gauge, value),
            metric(Count, count, value),
            counter(growth, value, true),
            metric(Rate, rate, value),
            bucket(latency, LOW, value as i64, true),
        ])
    };
    scrape(1.0);
    let batch = scrape(16.0);
    let points: Vec<_> =
        batch.points.iter().map(|point| (&*point.series.metric, point.kind, point.value, point.interval)).collect();
    assert_eq!(
        points,
        [
            ("gauge", PointKind::Gauge, 16.0, 0),
            ("count", PointKind::Count, 16.0, 15),
            ("growth", PointKind::Count, 15.0, 15),
            ("rate", PointKind::Gauge, 1.0, 0),
        ]
    );
    assert!(batch.points.iter().all(|point| point.timestamp == 1_700_000_015));
    assert_eq!(batch.sketches.len(), 1);
    assert_eq!((&*batch.sketches[0].series.metric, batch.sketches[0].timestamp), ("latency", 1_700_000_015));
}

#[test]
fn an_interval_is_whole_seconds_and_never_zero() {
    use std::time::Duration;
    for (interval, expected) in [(0, 1), (400, 1), (15_900, 15), (60_000, 60)] {
        let mut target = Target::new(Duration::from_millis(interval), None);
        let context = target.context("x", &[]);
        target.accept(metric(Count, context, 1.0));
        let batch = target.commit(None);
        assert_eq!(batch.points[0].interval, expected);
    }
}

#[test]
fn points_stand_in_the_order_in_which_contexts_were_first_made() {
    let mut target = Target::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| target.context(name, &[]));
    let names = |batch: crate::target::Batch| -> Vec<String> {
        batch.points.iter().map(|point| point.series.metric.to_string()).collect()
    };
    assert_eq!(names(target.scrape([c, a].map(|context| metric(Gauge, context, 1.0)))), ["a", "c"]);
    assert_eq!(names(target.scrape([b, a, c].map(|context| metric(Gauge, context, 1.0)))), ["a", "b", "c"]);
    assert_eq!(names(target.scrape([a].map(|context| metric(Gauge, context, 1.0)))), ["a"]);
}

#[test]
fn contexts_with_the_same_set_of_tags_are_one_series() {
    let mut target = Target::default();
    let one = target.context("x", &["b:2", "a:1", "b:2"]);
    let other = target.context("x", &["a:1", "b:2"]);
    assert_eq!(one, other);
    target.scrape([counter(one, 5.0, false).of(0)]);
    let batch = target.scrape([counter(other, 9.0, false).of(0)]);
    assert_eq!(batch.points.iter().map(|point| point.value).collect::<Vec<_>>(), [4.0]);
    assert_eq!(batch.points[0].series.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["a:1", "b:2"]);
    // Another host is another series.
    let elsewhere = target.contexts.intern("x", "elsewhere", [], None);
    let here = target.context("x", &[]);
    assert_eq!(target.scrape([metric(Gauge, here, 1.0), metric(Gauge, elsewhere, 2.0)]).points.len(), 2);
}

#[test]
fn what_a_failed_scrape_brought_is_kept() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 5.0, false)]);
    let batch = target.failed_scrape([counter(context, 7.0, true)]);
    assert_eq!(batch.points.first().map(|point| point.value), Some(2.0));
    assert_eq!(target.value([counter(context, 10.0, false)]), Some(3.0));
}
