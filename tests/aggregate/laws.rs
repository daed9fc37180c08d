//! What holds for every sequence of scrapes.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::map::MetricKind;

use crate::target::{Target, bucket, counter, metric};

/// Growth of a series from scrape to scrape; `None` where it is missing from the scrape. Whole numbers, so that sums
/// are exact.
fn steps() -> impl Strategy<Value = Vec<Vec<Option<u32>>>> {
    (1..6usize).prop_flat_map(|series| vec(vec(proptest::option::weighted(0.8, 0..1000u32), series), 1..30))
}

proptest! {
    #[test]
    fn the_points_of_a_counter_sum_to_its_growth(scrapes in steps(), flush in any::<bool>()) {
        let mut target = Target::default();
        let series = scrapes[0].len();
        let contexts: Vec<_> = (0..series).map(|number| target.context("x", &[&format!("n:{number}")])).collect();
        let (mut value, mut first, mut last) = (vec![100.0; series], vec![None; series], vec![0.0; series]);
        let mut sums: HashMap<String, f64> = HashMap::new();
        for scrape in &scrapes {
            let mut submissions = Vec::new();
            for (number, step) in scrape.iter().enumerate() {
                // The counter grows also while it is not seen.
                value[number] += f64::from(step.unwrap_or(7));
                if step.is_some() {
                    submissions.push(counter(contexts[number], value[number], flush));
                    first[number].get_or_insert(if flush { 0.0 } else { value[number] });
                    last[number] = value[number];
                }
            }
            for point in target.scrape(submissions).points {
                prop_assert!(point.value >= 0.0);
                *sums.entry(point.series.tags[0].to_string()).or_default() += point.value;
            }
        }
        for number in 0..series {
            let growth = first[number].map_or(0.0, |first: f64| last[number] - first);
            let sum = sums.get(&format!("n:{number}")).copied();
            prop_assert_eq!(Some(sum.unwrap_or(0.0)), Some(growth));
        }
    }

    #[test]
    fn the_counts_of_sketches_sum_to_the_growth_of_their_buckets(scrapes in steps()) {
        let mut target = Target::default();
        let context = target.context("latency", &[]);
        let mut value = vec![0i64; scrapes[0].len()];
        let mut seen = value.clone();
        let mut total = 0;
        for scrape in &scrapes {
            let mut submissions = Vec::new();
            for (number, step) in scrape.iter().enumerate() {
                value[number] += i64::from(step.unwrap_or(7));
                if step.is_some() {
                    let lower = number as f64;
                    let upper = if number + 1 == value.len() { f64::INFINITY } else { lower + 1.0 };
                    submissions.push(bucket(context, (lower, upper), value[number], true));
                    seen[number] = value[number];
                }
            }
            for point in target.scrape(submissions).sketches {
                prop_assert_eq!(point.sketch.bins().map(|bin| i64::from(bin.1)).sum::<i64>(), point.sketch.count());
                total += point.sketch.count();
            }
        }
        prop_assert_eq!(total, seen.iter().sum::<i64>());
        prop_assert_eq!(target.refused(), []);
    }

    #[test]
    fn resets_never_give_negative_growth(values in vec((0.0..1e6f64, any::<bool>()), 1..50)) {
        let mut target = Target::default();
        let context = target.context("x", &[]);
        let mut previous = None;
        for (value, flush) in values {
            let expected = match previous {
                None if flush => Some(value),
                None => None,
                Some(previous) if value >= previous => Some(value - previous),
                Some(_) => Some(if flush { value } else { 0.0 }),
            };
            prop_assert_eq!(target.value([counter(context, value, flush)]), expected);
            previous = Some(value);
        }
    }

    #[test]
    fn the_order_and_repetition_of_tags_do_not_matter(
        tags in vec("[a-c]:[0-9]", 1..6).prop_flat_map(|tags| (Just(tags.clone()), Just(tags).prop_shuffle())),
        repeated in 0..6usize,
    ) {
        let (tags, mut shuffled) = tags;
        shuffled.push(tags[repeated % tags.len()].clone());
        let mut target = Target::default();
        let [one, other] = [&tags, &shuffled].map(|tags| {
            target.context("x", &tags.iter().map(String::as_str).collect::<Vec<_>>())
        });
        target.scrape([counter(one, 1.0, false)]);
        prop_assert_eq!(target.value([counter(other, 3.0, false), counter(one, 4.0, false)]), Some(3.0));
    }

    /// Series come and go and numbers are used again: every point is the growth of the series that it names.
    #[test]
    fn reused_numbers_never_mix_states(rounds in vec((0..8u32, any::<bool>(), 1..100u32), 1..80)) {
        let mut target = Target::default();
        let mut counters: HashMap<String, f64> = HashMap::new();
        for (series, release, step) in rounds {
            let name = format!("series{series}");
            let context = target.context(&name, &[]);
            let known = counters.get(&name).copied();
            let value = known.unwrap_or(f64::from(series) * 1000.0) + f64::from(step);
            let batch = target.scrape([counter(context, value, false)]);
            prop_assert_eq!(batch.points.first().map(|point| point.value), known.map(|known| value - known));
            prop_assert!(batch.points.iter().all(|point| *point.series.metric == *name));
            counters.insert(name, value);
            if release {
                target.contexts.release([context]);
            }
        }
        prop_assert_eq!(target.refused(), []);
    }

    #[test]
    fn nothing_that_is_not_finite_comes_out(values in vec((0..4usize, any::<f64>()), 0..60)) {
        let kinds = [MetricKind::Gauge, MetricKind::Count, MetricKind::MonotonicCount, MetricKind::Rate];
        let mut target = Target::default();
        let contexts = kinds.map(|kind| target.context(kind.as_str(), &[]));
        for (kind, value) in values {
            let batch = target.scrape([metric(kinds[kind], contexts[kind], value)]);
            prop_assert!(batch.points.iter().all(|point| point.value.is_finite()));
        }
    }
}
