//! The series of one histogram or summary are reset together or not at all.

use retriever::aggregate::Growth::{
    FellUnexplained, First, FirstSinceScrape, Grown, Lowered, ResetByFall, ResetUnseen, ResetWithGroup,
};
use retriever::map::Part;

use crate::target::{Reading, Target, bucket, counter};

/// One histogram: its count, its sum, and buckets up to 1, 2 and above.
#[derive(Clone, Copy)]
struct Histogram {
    count: Option<f64>,
    sum: f64,
    buckets: [i64; 3],
}

const BOUNDS: [(f64, f64); 3] = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::INFINITY)];

/// The readings of a histogram in this order: count, sum, buckets.
fn readings(target: &mut Target, group: u32, histogram: Histogram, flush: bool) -> Vec<Reading> {
    let Histogram { count, sum, buckets } = histogram;
    let [counts, sums, latency] = ["x.count", "x.sum", "x"].map(|name| target.context(name, &[]));
    let first = group * 10;
    let count = count.map(|count| counter(counts, count, flush).of(first).in_group(group, Part::Count));
    let sum = counter(sums, sum, flush).of(first + 1).in_group(group, Part::Sum);
    let buckets = BOUNDS.into_iter().zip(buckets).zip(first + 2..);
    let buckets = buckets
        .map(|((bounds, value), series)| bucket(latency, bounds, value, flush).of(series).in_group(group, Part::Count));
    count.into_iter().chain([sum]).chain(buckets).collect()
}

fn growths(target: &mut Target, histogram: Histogram, flush: bool) -> Vec<(retriever::aggregate::Growth, Option<f64>)> {
    let readings = readings(target, 1, histogram, flush);
    target.growths(readings)
}

fn histogram(count: f64, sum: f64, buckets: [i64; 3]) -> Histogram {
    Histogram { count: Some(count), sum, buckets }
}

/// Count 10, sum 50, and buckets 6, 3 and 1, not counted as first values.
fn known() -> Target {
    let mut target = Target::default();
    let first = growths(&mut target, histogram(10.0, 50.0, [6, 3, 1]), false);
    assert_eq!(first[..2], [(First, None), (First, None)]);
    target
}

#[test]
fn what_only_grows_is_not_reset() {
    let grown = growths(&mut known(), histogram(12.0, 57.0, [6, 4, 2]), true);
    let expected = [2.0, 7.0, 0.0, 1.0, 1.0].map(|amount| (Grown, Some(amount)));
    assert_eq!(grown, expected);
}

#[test]
fn where_the_count_falls_the_sum_and_all_buckets_begin_anew() {
    // The sum and the first bucket are higher than before, and the last bucket is what it was.
    let mut target = known();
    assert_eq!(
        growths(&mut target, histogram(9.0, 60.0, [8, 0, 1]), true),
        [
            (ResetByFall, Some(9.0)),
            (ResetWithGroup, Some(60.0)),
            (ResetWithGroup, Some(8.0)),
            (ResetByFall, Some(0.0)),
            (ResetWithGroup, Some(1.0)),
        ]
    );
    // From there on as ever.
    let grown = growths(&mut target, histogram(10.0, 61.0, [9, 0, 1]), true);
    assert_eq!(grown, [1.0, 1.0, 1.0, 0.0, 0.0].map(|amount| (Grown, Some(amount))));
}

#[test]
fn where_one_bucket_falls_the_count_begins_anew_though_it_is_higher() {
    for (at, buckets) in [(2, [5, 10, 5]), (3, [12, 2, 6]), (4, [10, 10, 0])] {
        let told = growths(&mut known(), histogram(20.0, 60.0, buckets), true);
        assert_eq!(told[..2], [(ResetWithGroup, Some(20.0)), (ResetWithGroup, Some(60.0))]);
        for (place, (growth, amount)) in told.into_iter().enumerate().skip(2) {
            assert_eq!(growth, if place == at { ResetByFall } else { ResetWithGroup });
            assert_eq!(amount, Some(buckets[place - 2] as f64));
        }
    }
}

#[test]
fn a_reset_that_may_be_old_claims_nothing_of_any_of_them() {
    let told = growths(&mut known(), histogram(9.0, 60.0, [8, 0, 1]), false);
    let amounts = [Some(0.0); 5];
    assert_eq!(told, amounts.map(|amount| (ResetUnseen, amount)));
}

#[test]
fn a_sum_that_falls_alone_has_seen_something_negative() {
    let mut target = known();
    // Three observations, of -10 together.
    let told = growths(&mut target, histogram(13.0, 40.0, [9, 3, 1]), true);
    let expected =
        [(Grown, Some(3.0)), (Lowered, Some(-10.0)), (Grown, Some(3.0)), (Grown, Some(0.0)), (Grown, Some(0.0))];
    assert_eq!(told, expected);
    // The flag changes nothing: it is about resets.
    let told = growths(&mut target, histogram(14.0, -5.0, [10, 3, 1]), false);
    assert_eq!(told[..2], [(Grown, Some(1.0)), (Lowered, Some(-45.0))]);
    // Nor does a negative sum keep from seeing a reset.
    let told = growths(&mut target, histogram(2.0, -3.0, [2, 0, 0]), true);
    assert_eq!(told[..2], [(ResetByFall, Some(2.0)), (ResetWithGroup, Some(-3.0))]);
}

#[test]
fn buckets_alone_tell_the_sum_whether_it_was_reset() {
    let without = |sum, buckets| Histogram { count: None, sum, buckets };
    let mut target = known();
    assert_eq!(growths(&mut target, without(45.0, [6, 4, 1]), true)[0], (Lowered, Some(-5.0)));
    assert_eq!(growths(&mut target, without(50.0, [1, 0, 0]), true)[0], (ResetWithGroup, Some(50.0)));
}

#[test]
fn a_sum_without_counts_beside_it_decides_for_itself() {
    let mut target = Target::default();
    let sum = target.context("x.sum", &[]);
    let mut growth = |value, flush| target.growth(counter(sum, value, flush).of(1).in_group(1, Part::Sum));
    assert_eq!(growth(50.0, true), (FirstSinceScrape, Some(50.0)));
    assert_eq!(growth(40.0, true), (ResetByFall, Some(40.0)));
    assert_eq!(growth(30.0, false), (ResetUnseen, Some(0.0)));
    assert_eq!(growth(31.0, false), (Grown, Some(1.0)));
}

#[test]
fn a_reset_is_that_of_its_own_group_only() {
    let mut target = Target::default();
    let mut scrape = |one: f64, other: f64| {
        let one = readings(&mut target, 1, histogram(one, one, [one as i64, 0, 0]), true);
        let other = readings(&mut target, 2, histogram(other, other, [other as i64, 0, 0]), true);
        let batch = target.scrape(one.into_iter().chain(other));
        (batch.points[0].value, batch.points[1].value, batch.sketches.first().map(|point| point.sketch.count()))
    };
    assert_eq!(scrape(10.0, 100.0), (110.0, 110.0, Some(110)));
    // One restarts, the other grows by 7.
    assert_eq!(scrape(3.0, 107.0), (10.0, 10.0, Some(10)));
    assert_eq!(scrape(3.0, 107.0), (0.0, 0.0, None));
}

#[test]
fn the_order_of_its_series_does_not_matter() {
    let mut target = known();
    let mut readings = readings(&mut target, 1, histogram(9.0, 60.0, [8, 0, 1]), true);
    readings.reverse();
    // Told in the order in which the series were first seen.
    let amounts = target.growths(readings).into_iter().map(|(_, amount)| amount);
    assert_eq!(amounts.collect::<Vec<_>>(), [9.0, 60.0, 8.0, 0.0, 1.0].map(Some));
}

#[test]
fn a_group_that_began_long_ago_is_not_reset_by_what_falls() {
    let mut target = known();
    target.group_began(1, 5000.0);
    let told = growths(&mut target, histogram(9.0, 45.0, [8, 3, 1]), true);
    assert_eq!(told[..3], [(FellUnexplained, Some(0.0)), (Lowered, Some(-5.0)), (Grown, Some(2.0))]);
}

#[test]
fn a_group_that_began_since_is_reset_though_nothing_falls() {
    let mut target = known();
    target.group_began(1, 5.0);
    let told = growths(&mut target, histogram(11.0, 55.0, [7, 3, 1]), false);
    let amounts: Vec<_> = told.into_iter().map(|(_, amount)| amount).collect();
    assert_eq!(amounts, [11.0, 55.0, 7.0, 3.0, 1.0].map(Some));
}
