//! Native histograms become sketches: what each bucket grew by, also where the buckets are others than before.

use retriever::aggregate::Growth::{
    FellUnexplained, First, FirstSinceScrape, Grown, ResetByFall, ResetByStart, ResetUnseen,
};
use retriever::aggregate::{Refused, Sketch};
use retriever::map::MetricKind::Gauge;
use retriever::map::{ContextId, Part};

use crate::target::{Reading, Target, counter, metric, native, native_of};

/// Lower bound, upper bound, count.
type Buckets<'a> = &'a [(f64, f64, f64)];

/// The sketch of these values.
fn spread(growth: &[(f64, f64, u64)]) -> Sketch {
    let mut sketch = Sketch::default();
    for &(lower, upper, count) in growth {
        sketch.interpolate(lower, upper, count).unwrap();
    }
    sketch
}

/// A target with a native histogram that has these buckets, and the context of it.
fn known(buckets: Buckets) -> (Target, ContextId) {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    assert_eq!(target.sketch([native(context, buckets, false)]), None);
    (target, context)
}

/// What a second reading adds to a first one, and no third one that is the same.
fn check_growth(rule: &str, before: Buckets, now: Buckets, growth: &[(f64, f64, u64)]) {
    let (mut target, context) = known(before);
    let expected = (!growth.is_empty()).then(|| spread(growth));
    assert_eq!(target.sketch([native(context, now, true)]), expected, "{rule}");
    assert_eq!(target.sketch([native(context, now, true)]), None, "{rule}");
    assert_eq!(target.refused(), [], "{rule}");
}

#[test]
fn each_bucket_gives_its_growth() {
    let before: Buckets = &[(-2.0, -1.0, 4.0), (0.0, 0.0, 1.0), (1.0, 2.0, 5.0)];
    check_growth("nothing", before, before, &[]);
    check_growth("one", before, &[(-2.0, -1.0, 4.0), (0.0, 0.0, 1.0), (1.0, 2.0, 7.0)], &[(1.0, 2.0, 2)]);
    check_growth(
        "all, and new ones",
        before,
        &[(-2.0, -1.0, 5.0), (-1.0, -0.5, 2.0), (0.0, 0.0, 4.0), (1.0, 2.0, 6.0), (4.0, 8.0, 3.0)],
        &[(-2.0, -1.0, 1), (-1.0, -0.5, 2), (0.0, 0.0, 3), (1.0, 2.0, 1), (4.0, 8.0, 3)],
    );
}

#[test]
fn a_first_reading_counts_with_the_flag_only() {
    let buckets: Buckets = &[(-0.5, 0.5, 3.0), (1.0, 2.0, 5.0)];
    let mut target = Target::default();
    let [one, other] = ["one", "other"].map(|name| target.context(name, &[]));
    assert_eq!(target.growth(native(one, buckets, false)), (First, None));
    assert_eq!(target.growth(native(other, buckets, true)), (FirstSinceScrape, Some(8.0)));
    let [a, b] = ["one", "other"].map(|name| target.context(name, &["again"]));
    assert_eq!(target.sketch([native(a, buckets, false)]), None);
    assert_eq!(target.sketch([native(b, buckets, true)]), Some(spread(&[(-0.5, 0.5, 3), (1.0, 2.0, 5)])));
}

#[test]
fn where_the_resolution_falls_growth_is_told_in_the_larger_buckets() {
    let fine: Buckets = &[(1.0, 1.5, 2.0), (1.5, 2.0, 3.0), (2.0, 3.0, 1.0), (16.0, 24.0, 1.0)];
    check_growth("same values", fine, &[(1.0, 2.0, 5.0), (2.0, 4.0, 1.0), (16.0, 32.0, 1.0)], &[]);
    check_growth(
        "and new ones",
        fine,
        &[(0.5, 1.0, 1.0), (1.0, 2.0, 6.0), (2.0, 4.0, 3.0), (16.0, 32.0, 1.0)],
        &[(0.5, 1.0, 1), (1.0, 2.0, 1), (2.0, 4.0, 2)],
    );
    check_growth(
        "by several steps, below zero as well",
        &[(-1.5, -1.0, 2.0), (1.0, 1.25, 2.0), (1.75, 2.0, 1.0), (3.0, 4.0, 1.0)],
        &[(-16.0, -1.0, 3.0), (1.0, 16.0, 6.0)],
        &[(-16.0, -1.0, 1), (1.0, 16.0, 2)],
    );
}

#[test]
fn where_the_resolution_rises_growth_is_told_in_the_larger_buckets_once() {
    let (coarse, fine): (Buckets, Buckets) = (&[(1.0, 2.0, 5.0)], &[(1.0, 1.5, 3.0), (1.5, 2.0, 4.0)]);
    check_growth("rises", coarse, fine, &[(1.0, 2.0, 2)]);
    let (mut target, context) = known(coarse);
    target.scrape([native(context, fine, true)]);
    let finer: Buckets = &[(1.0, 1.5, 3.0), (1.5, 2.0, 5.0)];
    assert_eq!(target.sketch([native(context, finer, true)]), Some(spread(&[(1.5, 2.0, 1)])));
}

#[test]
fn a_zero_bucket_that_grows_wider_takes_in_its_neighbours() {
    let before: Buckets = &[(-0.2, -0.1, 1.0), (-0.1, 0.1, 1.0), (0.1, 0.2, 2.0), (0.2, 0.4, 3.0)];
    check_growth("same values", before, &[(-0.2, 0.2, 4.0), (0.2, 0.4, 3.0)], &[]);
    check_growth("and new ones", before, &[(-0.2, 0.2, 6.0), (0.2, 0.4, 4.0)], &[(-0.2, 0.2, 2), (0.2, 0.4, 1)]);
    check_growth(
        "from no width at all",
        &[(0.0, 0.0, 2.0), (0.1, 0.2, 2.0)],
        &[(-0.1, 0.1, 5.0), (0.1, 0.2, 2.0)],
        &[(-0.1, 0.1, 3)],
    );
}

#[test]
fn a_histogram_that_falls_is_reset_as_a_whole() {
    let before: Buckets = &[(1.0, 2.0, 5.0), (2.0, 4.0, 5.0)];
    // One bucket is lower, though there are more values; the other one is not.
    let now: Buckets = &[(1.0, 2.0, 4.0), (2.0, 4.0, 9.0)];
    let (mut target, context) = known(before);
    assert_eq!(target.sketch([native(context, now, true)]), Some(spread(&[(1.0, 2.0, 4), (2.0, 4.0, 9)])));
    for (flush, expected) in [(false, (ResetUnseen, None)), (true, (ResetByFall, Some(13.0)))] {
        let (mut target, context) = known(before);
        assert_eq!(target.growth(native(context, now, flush)), expected);
        let grown: Buckets = &[(1.0, 2.0, 4.0), (2.0, 4.0, 10.0)];
        assert_eq!(target.growth(native(context, grown, flush)), (Grown, Some(1.0)));
    }
    // A bucket that is gone has fallen to nothing.
    let (mut target, context) = known(before);
    assert_eq!(target.growth(native(context, &[(2.0, 4.0, 50.0)], true)), (ResetByFall, Some(50.0)));
}

#[test]
fn observations_that_are_in_no_bucket_are_not_sketched_but_tell_of_a_reset() {
    let buckets: Buckets = &[(1.0, 2.0, 5.0)];
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    assert_eq!(target.sketched([native_of(context, 9.0, buckets, true)]), Some(5));
    // Three NaN more.
    assert_eq!(target.sketched([native_of(context, 12.0, buckets, true)]), None);
    assert_eq!(target.growth(native_of(context, 6.0, buckets, true)), (ResetByFall, Some(5.0)));
}

#[test]
fn start_times_say_more_than_counts() {
    let (mut target, context) = known(&[(1.0, 2.0, 5.0)]);
    let reading = |count| native(context, &[(1.0, 2.0, count)], true).of(0);
    target.scrape([reading(5.0)]);
    target.began(0, 10.0);
    assert_eq!(target.growth(reading(7.0)), (ResetByStart, Some(7.0)));
    target.began(0, 5000.0);
    assert_eq!(target.growth(reading(6.0)), (FellUnexplained, None));
    target.began(0, 5000.0);
    assert_eq!(target.growth(reading(8.0)), (Grown, Some(2.0)));
}

#[test]
fn a_native_histogram_and_the_count_beside_it_are_reset_together() {
    let mut target = Target::default();
    let [latency, count] = ["latency", "latency.count"].map(|name| target.context(name, &[]));
    let mut scrape = |low: f64, high: f64, total: f64| {
        let batch = target.scrape([
            native(latency, &[(1.0, 2.0, low), (2.0, 4.0, high)], true).of(0).in_group(0, Part::Count),
            counter(count, total, true).of(1).in_group(0, Part::Count),
        ]);
        let sketched = batch.sketches.first().map_or(0, |point| point.sketch.count());
        (sketched, batch.points[0].value)
    };
    assert_eq!(scrape(5.0, 5.0, 10.0), (10, 10.0));
    assert_eq!(scrape(6.0, 5.0, 11.0), (1, 1.0));
    // Only one of its buckets shows the reset.
    assert_eq!(scrape(4.0, 9.0, 13.0), (13, 13.0));
}

/// Whole numbers only have a place in a sketch: of fractions each scrape gives what is full by then.
#[test]
fn fractions_of_counts_are_not_lost() {
    let (mut target, context) = known(&[(1.0, 2.0, 0.25)]);
    let mut sketched = |count: f64| target.sketched([native(context, &[(1.0, 2.0, count)], true)]).unwrap_or(0);
    let counts: Vec<_> = [0.6, 1.0, 1.4, 1.8, 2.2, 2.4, 2.4, 10.6].into_iter().map(&mut sketched).collect();
    assert_eq!(counts, [1, 0, 0, 1, 0, 0, 0, 9]);
    assert_eq!(counts.iter().sum::<i64>(), 11, "10.6 rounded, where the first reading was nothing");
    // A fall by a fraction is a fall.
    assert_eq!(target.growth(native(context, &[(1.0, 2.0, 10.5)], true)), (ResetByFall, Some(11.0)));
}

#[test]
fn histograms_of_one_context_add_up() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let fine: Buckets = &[(1.0, 1.5, 2.0), (1.5, 2.0, 3.0)];
    let mut sketch = |readings: [(u32, Buckets); 2]| {
        target.sketch(readings.map(|(series, buckets)| native(context, buckets, true).of(series)))
    };
    sketch([(0, fine), (1, &[(1.0, 2.0, 100.0)])]);
    // The first one changes its resolution, the second one is reset: each has its own past.
    let both = sketch([(0, &[(1.0, 2.0, 6.0)]), (1, &[(1.0, 2.0, 7.0)])]);
    let mut expected = spread(&[(1.0, 2.0, 1)]);
    expected.merge(&spread(&[(1.0, 2.0, 7)]));
    assert_eq!(both, Some(expected));
}

#[test]
fn of_a_histogram_exposed_twice_the_last_reading_counts() {
    let (mut target, context) = known(&[(1.0, 2.0, 5.0)]);
    let twice = [3.0, 7.0].map(|count| native(context, &[(1.0, 2.0, count)], true));
    assert_eq!(target.sketched(twice), Some(2));
}

#[test]
fn counts_that_cannot_be_are_refused_with_the_whole_reading() {
    let strange: [Reading; 5] = {
        let mut target = Target::default();
        let context = target.context("latency", &[]);
        let of = |count, buckets: Buckets| native_of(context, count, buckets, true);
        [
            of(5.0, &[(1.0, 2.0, -1.0), (2.0, 4.0, 6.0)]),
            of(f64::NAN, &[(1.0, 2.0, 5.0)]),
            of(f64::INFINITY, &[(1.0, 2.0, 5.0)]),
            of(-1.0, &[]),
            of(5.0, &[(1.0, 2.0, f64::NAN)]),
        ]
    };
    let (mut target, context) = known(&[(1.0, 2.0, 5.0)]);
    for reading in strange {
        assert_eq!(target.sketch([reading]), None);
    }
    assert_eq!(target.refused(), [(Refused::NegativeBucket, 5)]);
    // The reading before is still the one that was taken.
    assert_eq!(target.sketched([native(context, &[(1.0, 2.0, 6.0)], true)]), Some(1));
}

#[test]
fn a_bucket_without_a_place_costs_only_itself() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let buckets: Buckets = &[(f64::NEG_INFINITY, -1e300, 2.0), (1.0, 2.0, 5.0), (8.0, f64::INFINITY, 1.0)];
    let sketch = target.sketch([native(context, buckets, true)]);
    // All that is known of what is above 8 is that bound.
    assert_eq!(sketch, Some(spread(&[(1.0, 2.0, 5), (8.0, 8.0, 1)])));
    assert_eq!(target.refused(), [(Refused::UnboundedBucket, 1)]);
}

#[test]
fn claimed_counts_are_held_to_what_a_sketch_can_hold() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let claimed: Buckets = &[(1.0, 2.0, 3.0), (2.0, 4.0, 1e300)];
    assert_eq!(target.sketched([native(context, claimed, true)]), Some(3));
    assert_eq!(target.refused(), [(Refused::TooManyValues, 1)]);
}

#[test]
fn a_context_of_another_kind_takes_no_histogram() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let batch = target.scrape([metric(Gauge, context, 1.0), native(context, &[(1.0, 2.0, 3.0)], true)]);
    assert_eq!((batch.points.len(), batch.sketches.len()), (1, 0));
    assert_eq!(target.refused(), [(Refused::KindChanged, 1)]);
}

#[test]
fn the_sum_of_a_sketch_is_that_of_its_histogram() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let mut scrape = |sum, buckets| target.sketch([native(context, buckets, true).summing_up_to(sum)]).unwrap();
    assert_eq!(scrape(4.5, &[(1.0, 2.0, 3.0)]).sum(), 4.5);
    let grown = scrape(10.0, &[(1.0, 2.0, 4.0), (2.0, 4.0, 1.0)]);
    assert_eq!((grown.count(), grown.sum(), grown.avg()), (2, 5.5, 2.75));
    // That is no sum of values between 1 and 2.
    assert_ne!(scrape(10.0, &[(1.0, 2.0, 5.0), (2.0, 4.0, 1.0)]).sum(), 0.0);
    assert_ne!(scrape(f64::NAN, &[(1.0, 2.0, 6.0), (2.0, 4.0, 1.0)]).sum(), 0.0);
}
