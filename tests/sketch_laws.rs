//! What holds for every sketch, whatever is put into it.

#![allow(clippy::unwrap_used, reason = "here a panic is a failed test")]

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::aggregate::Sketch;

/// One thing put into a sketch.
#[derive(Clone, Debug)]
enum Put {
    Value(f64),
    Sampled(f64, f64),
    Bucket(f64, f64, u64),
}

fn bound() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), -1e3..1e3f64, -1e-6..1e-6f64, -4e211..4e211f64]
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        (-1e6..1e6f64).prop_map(Put::Value),
        (-1e6..1e6f64, 1e-6..=1.0f64).prop_map(|(value, rate)| Put::Sampled(value, rate)),
        (bound(), bound(), 1..200_000u64).prop_map(|(a, b, count)| Put::Bucket(a.min(b), a.max(b), count)),
    ]
}

fn put_into(sketch: &mut Sketch, put: &Put) {
    match *put {
        Put::Value(value) => sketch.insert(value),
        Put::Sampled(value, rate) => sketch.insert_sampled(value, rate).unwrap(),
        Put::Bucket(lower, upper, count) => sketch.interpolate(lower, upper, count).unwrap(),
    }
}

fn sketch_of(puts: &[Put]) -> Sketch {
    let mut sketch = Sketch::default();
    for put in puts {
        put_into(&mut sketch, put);
    }
    sketch
}

fn binned(sketch: &Sketch) -> i64 {
    sketch.bins().map(|(_, count)| i64::from(count)).sum()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #[test]
    fn bins_hold_every_value_in_ascending_order(puts in vec(put(), 0..40)) {
        let sketch = sketch_of(&puts);
        prop_assert_eq!(binned(&sketch), sketch.count());
        let keys: Vec<i16> = sketch.bins().map(|(key, _)| key).collect();
        prop_assert!(keys.is_sorted());
        prop_assert!(sketch.bins().all(|(_, count)| count > 0));
        prop_assert_eq!(sketch.is_empty(), puts.is_empty());
        prop_assert!(sketch.min() <= sketch.max());
    }

    #[test]
    fn spreading_a_bucket_keeps_its_count_and_its_bounds(a in bound(), b in bound(), count in 1..1_000_000_000u64) {
        let (lower, upper) = (a.min(b), a.max(b));
        let mut sketch = Sketch::default();
        sketch.interpolate(lower, upper, count).unwrap();
        prop_assert_eq!(u64::try_from(sketch.count()).unwrap(), count);
        prop_assert_eq!(u64::try_from(binned(&sketch)).unwrap(), count);
        // Half a bin beyond the bounds is possible: values stand at the middles of bins.
        let slack = |bound: f64| bound.abs() * 0.0079 + 1e-9;
        prop_assert!(sketch.min() >= lower - slack(lower), "{} below {lower}", sketch.min());
        prop_assert!(sketch.max() <= upper + slack(upper), "{} above {upper}", sketch.max());
    }

    #[test]
    fn merging_is_putting_all_into_one(left in vec(put(), 0..12), right in vec(put(), 0..12)) {
        let all: Vec<Put> = left.iter().chain(&right).cloned().collect();
        let (all, other) = (sketch_of(&all), sketch_of(&right));
        let mut merged = sketch_of(&left);
        merged.merge(&other);
        prop_assert_eq!(merged.count(), all.count());
        prop_assert_eq!(binned(&merged), all.count());
        // Which keys are folded depends on the road there; below the limit nothing is.
        if all.bins().len() < 4096 {
            prop_assert_eq!(merged.bins().collect::<Vec<_>>(), all.bins().collect::<Vec<_>>());
        }
        prop_assert_eq!(merged.min().to_bits(), all.min().to_bits());
        prop_assert_eq!(merged.max().to_bits(), all.max().to_bits());
        let mut turned = other.clone();
        turned.merge(&sketch_of(&left));
        prop_assert_eq!(turned.count(), all.count());
    }

    #[test]
    fn merged_sums_and_means_are_those_of_the_whole(left in vec(-1e6..1e6f64, 1..600), right in vec(-1e6..1e6f64, 1..600)) {
        let values: Vec<Put> = left.iter().map(|value| Put::Value(*value)).collect();
        let others: Vec<Put> = right.iter().map(|value| Put::Value(*value)).collect();
        let mut merged = sketch_of(&values);
        merged.merge(&sketch_of(&others));
        let sum: f64 = left.iter().chain(&right).sum();
        let count = (left.len() + right.len()) as f64;
        prop_assert!((merged.sum() - sum).abs() < 1e-3);
        prop_assert!((merged.avg() - sum / count).abs() < 1e-3);
        prop_assert!(close(merged.min(), left.iter().chain(&right).copied().fold(f64::INFINITY, f64::min)));
    }

    #[test]
    fn reading_a_sketch_does_not_change_it(puts in vec(put(), 0..20), more in put()) {
        let (mut read, mut unread) = (sketch_of(&puts), sketch_of(&puts));
        prop_assert_eq!(read.bins().len(), unread.clone().bins().len());
        put_into(&mut read, &more);
        put_into(&mut unread, &more);
        prop_assert_eq!(read, unread);
    }

    #[test]
    fn no_bounds_and_no_count_can_do_harm(lower in any::<f64>(), upper in any::<f64>(), count in any::<u64>()) {
        let mut sketch = Sketch::default();
        match sketch.interpolate(lower, upper, count) {
            Ok(()) => prop_assert_eq!(u64::try_from(sketch.count()).unwrap(), count),
            Err(_) => prop_assert!(sketch.is_empty()),
        }
    }
}

#[test]
fn what_cannot_be_spread_is_refused_and_changes_nothing() {
    let mut sketch = Sketch::default();
    sketch.interpolate(1.0, 2.0, 7).unwrap();
    let before = sketch.clone();
    let cases = [
        (f64::NEG_INFINITY, 1.0, 1, "the bound `-inf`"),
        (1.0, f64::INFINITY, 1, "the bound `inf`"),
        (f64::NAN, 1.0, 1, "the bound `NaN`"),
        (0.0, 4.2e211, 1, "the bound `420000000000"),
        (2.0, 1.0, 1, "the upper bound `1` of a bucket is below its lower bound `2`"),
        (1.0, 2.0, 0, "a bucket without values"),
        (1.0, 2.0, u64::MAX, "would exceed the limit of 4294967296"),
    ];
    for (lower, upper, count, message) in cases {
        let error = sketch.interpolate(lower, upper, count).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    assert!(sketch.interpolate(1.0, 1.0, Sketch::MAX_COUNT).unwrap_err().is_too_many());
    sketch.insert(f64::NAN);
    sketch.insert(f64::INFINITY);
    assert!(sketch.insert_sampled(f64::NAN, 0.5).is_err());
    assert!([0.0, -1.0, 1.5, f64::NAN].into_iter().all(|rate| sketch.insert_sampled(1.0, rate).is_err()));
    assert_eq!(sketch, before);
}

#[test]
fn the_widest_bounds_are_walked_and_kept_to_the_limit_of_bins() {
    let mut sketch = Sketch::default();
    sketch.interpolate(-4.1e211, 4.1e211, 4_000_000_000).unwrap();
    assert_eq!(binned(&sketch), 4_000_000_000);
    assert!(sketch.bins().map(|(key, _)| key).is_sorted());
}
