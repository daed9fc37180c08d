//! What holds for every sequence of scrapes.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::aggregate::Sketch;
use retriever::config::GaugeAggregation;
use retriever::map::{MetricKind, Part};

use crate::target::{Batch, Reading, Target, bucket, counter, gauge, metric, native};

/// Growth of a series from scrape to scrape; `None` where it is missing from the scrape. Whole numbers, so that sums
/// are exact.
fn steps() -> impl Strategy<Value = Vec<Vec<Option<u32>>>> {
    (1..6usize).prop_flat_map(|series| vec(vec(proptest::option::weighted(0.8, 0..1000u32), series), 1..30))
}

/// What happens to a series between two scrapes.
#[derive(Clone, Copy, Debug)]
struct Event {
    step: u32,
    restarts: bool,
    exposed: bool,
}

fn event() -> impl Strategy<Value = Event> {
    (0..1000u32, proptest::bool::weighted(0.2), proptest::bool::weighted(0.8))
        .prop_map(|(step, restarts, exposed)| Event { step, restarts, exposed })
}

/// The contexts of some series, and what happens to each series in each scrape.
fn families() -> impl Strategy<Value = (Vec<usize>, Vec<Vec<Event>>)> {
    (1..8usize).prop_flat_map(|series| (vec(0..3usize, series), vec(vec(event(), series), 1..25)))
}

/// A series that counts truly.
#[derive(Clone, Copy, Debug)]
struct Model {
    value: u32,
    /// Seconds since it began, at the present scrape.
    age: f64,
    /// The value that was last exposed, or zero if it began since; none of one that is old and was never exposed.
    base: Option<u32>,
    growth: u32,
}

impl Model {
    const OLD: Self = Self { value: 500, age: 5000.0, base: None, growth: 0 };

    /// An interval passes, after which the series may be exposed. One that is new is exposed at once: of one that hides
    /// it cannot be told whether it is new.
    fn pass(&mut self, event: Event) -> Option<u32> {
        let hides = !event.exposed && (self.base.is_some() || !event.restarts);
        self.age += 15.0;
        if event.restarts {
            self.value = 0;
            self.age = 7.0;
            self.base = Some(0);
        }
        self.value += event.step;
        if hides {
            return None;
        }
        self.growth += self.base.map_or(0, |base| self.value - base);
        self.base = Some(self.value);
        Some(self.value)
    }
}

/// A point or a sketch: its metric, its value or count, and the keys of its bins with their counts.
pub(crate) type Content = (String, f64, Vec<(i16, u16)>);

/// Points and sketches by their metric.
pub(crate) fn contents(batch: &Batch) -> Vec<Content> {
    let points = batch.points.iter().map(|point| (point.series.metric.to_string(), point.value, Vec::new()));
    let sketches = batch.sketches.iter().map(|point| {
        (point.series.metric.to_string(), point.sketch.count() as f64, point.sketch.bins().collect::<Vec<_>>())
    });
    let mut contents: Vec<_> = points.chain(sketches).collect();
    contents.sort_by(|a, b| a.0.cmp(&b.0));
    contents
}

/// One reading of each kind for a series with this value; kinds differ in their contexts.
fn readings(target: &mut Target, series: u32, value: u32, flush: bool) -> Vec<Reading> {
    let mut context = |kind: &str| target.context(&format!("{kind}{}", series % 3), &[]);
    let [counts, sums, rates, buckets, natives, gauges] =
        ["count", "sum", "rate", "bucket", "native", "gauge"].map(&mut context);
    // Whole multiples of the interval are rates without fractions, and so are sums of them.
    let (group, rate) = (series % 2, f64::from(value) * 15.0);
    let bounds = (f64::from(series), f64::from(series + 1));
    vec![
        counter(counts, f64::from(value), flush).of(series * 10).in_group(group, Part::Count),
        counter(sums, f64::from(value) - 300.0, flush).of(series * 10 + 1).in_group(group, Part::Sum),
        metric(MetricKind::Rate, rates, rate).of(series * 10 + 2),
        bucket(buckets, bounds, value.into(), flush).of(series * 10 + 3),
        native(natives, &[(bounds.0, bounds.1, f64::from(value))], flush).of(series * 10 + 4),
        gauge(GaugeAggregation::Sum, gauges, f64::from(value)).of(series * 10 + 5),
    ]
}

/// The values of some series, an order of their readings, and the flush flag.
type Ordered = (Vec<(u32, u32)>, Vec<usize>, bool);

/// Scrapes of up to six series, the readings of each in two orders.
fn orders() -> impl Strategy<Value = Vec<Ordered>> {
    let values =
        proptest::collection::hash_map(0..6u32, 0..1000u32, 0..6).prop_map(|values| values.into_iter().collect());
    let scrape = (values, any::<bool>()).prop_flat_map(|(values, flush): (Vec<(u32, u32)>, bool)| {
        let places: Vec<usize> = (0..values.len() * 6).collect();
        (Just(values), Just(places).prop_shuffle(), Just(flush))
    });
    vec(scrape, 1..12)
}

/// Magnitudes of observations that fall into the narrowest buckets, in one scrape; the resolution that it is exposed in,
/// and the half width of the zero bucket, which is a power of two.
type Observed = (Vec<(i32, bool)>, u32, i32);

fn observations() -> impl Strategy<Value = Vec<Observed>> {
    vec((vec((-24..40i32, any::<bool>()), 0..30), 0..4u32, -8..0i32), 1..12)
}

/// The buckets of observations: each has the place of its narrowest bucket, of which eight come to a doubling.
fn native_buckets(observed: &[(i32, bool)], resolution: u32, zero: i32) -> Vec<(f64, f64, f64)> {
    let mut counts: HashMap<Option<(i32, bool)>, f64> = HashMap::new();
    let width = 8 >> resolution;
    for &(place, negative) in observed {
        let at = (place >= zero * 8).then(|| (place.div_euclid(width), negative));
        *counts.entry(at).or_default() += 1.0;
    }
    let bound = |place: i32| f64::from(place * width) / 8.0;
    let bounds = counts.into_iter().map(|(at, count)| match at {
        None => (-f64::from(zero).exp2(), f64::from(zero).exp2(), count),
        Some((at, false)) => (bound(at).exp2(), bound(at + 1).exp2(), count),
        Some((at, true)) => (-bound(at + 1).exp2(), -bound(at).exp2(), count),
    });
    let mut buckets: Vec<_> = bounds.collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets
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
            let mut readings = Vec::new();
            for (number, step) in scrape.iter().enumerate() {
                // The counter grows also while it is not seen.
                value[number] += f64::from(step.unwrap_or(7));
                if step.is_some() {
                    readings.push(counter(contexts[number], value[number], flush));
                    first[number].get_or_insert(if flush { 0.0 } else { value[number] });
                    last[number] = value[number];
                }
            }
            for point in target.scrape(readings).points {
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
            let mut readings = Vec::new();
            for (number, step) in scrape.iter().enumerate() {
                value[number] += i64::from(step.unwrap_or(7));
                if step.is_some() {
                    let lower = number as f64;
                    let upper = if number + 1 == value.len() { f64::INFINITY } else { lower + 1.0 };
                    readings.push(bucket(context, (lower, upper), value[number], true));
                    seen[number] = value[number];
                }
            }
            for point in target.scrape(readings).sketches {
                prop_assert_eq!(point.sketch.bins().map(|bin| i64::from(bin.1)).sum::<i64>(), point.sketch.count());
                total += point.sketch.count();
            }
        }
        prop_assert_eq!(total, seen.iter().sum::<i64>());
        prop_assert_eq!(target.refused(), []);
    }

    /// Whatever labels are dropped, the points of a context are what its series grew by in truth, where start times tell
    /// their restarts. The flag, which could only guess, changes nothing.
    #[test]
    fn the_points_of_a_context_sum_to_the_growth_of_its_series(
        (contexts, scrapes) in families(),
        flush in any::<bool>(),
    ) {
        let mut target = Target::watched_for(60.0);
        let names = [0, 1, 2].map(|number| (format!("count{number}"), format!("bucket{number}")));
        let mut models = vec![Model::OLD; contexts.len()];
        let mut sums: HashMap<String, f64> = HashMap::new();
        for scrape in &scrapes {
            let mut readings = Vec::new();
            for (series, event) in scrape.iter().enumerate() {
                let Some(value) = models[series].pass(*event) else { continue };
                let (count, latency) = &names[contexts[series]];
                let [count, latency] = [count, latency].map(|name| target.context(name, &[]));
                let number = u32::try_from(series).unwrap() * 2;
                target.began(number, models[series].age);
                target.began(number + 1, models[series].age);
                readings.push(counter(count, value.into(), flush).of(number));
                readings.push(bucket(latency, (1.0, 2.0), value.into(), flush).of(number + 1));
            }
            for (metric, value, _) in contents(&target.scrape(readings)) {
                *sums.entry(metric).or_default() += value;
            }
        }
        for (place, (count, latency)) in names.iter().enumerate() {
            let own = contexts.iter().zip(&models).filter(|(context, _)| **context == place);
            let growth = f64::from(own.map(|(_, model)| model.growth).sum::<u32>());
            for name in [count, latency] {
                prop_assert_eq!(sums.get(name).copied().unwrap_or(0.0), growth, "{}", name);
            }
        }
        prop_assert_eq!(target.refused(), []);
    }

    #[test]
    fn the_order_within_a_scrape_does_not_matter(scrapes in orders()) {
        let mut targets = [Target::default(), Target::default()];
        for (values, order, flush) in scrapes {
            let batches = [false, true].map(|shuffled| {
                let target = &mut targets[usize::from(shuffled)];
                let all = values.iter().flat_map(|&(series, value)| readings(target, series, value, flush));
                let all: Vec<_> = all.collect();
                let place = |place: usize| if shuffled { order[place] } else { place };
                let batch = target.scrape((0..all.len()).map(|at| all[place(at)].clone()));
                (contents(&batch), target.refused())
            });
            prop_assert_eq!(&batches[0], &batches[1]);
        }
    }

    /// Also where resolution and zero bucket change with every scrape.
    #[test]
    fn the_sketches_of_a_native_histogram_count_its_observations(scrapes in observations()) {
        let mut target = Target::default();
        let context = target.context("latency", &[]);
        let mut observed = Vec::new();
        for (new, resolution, zero) in scrapes {
            observed.extend_from_slice(&new);
            let reading = native(context, &native_buckets(&observed, resolution, zero), true);
            let sketch = target.sketch([reading]);
            prop_assert_eq!(sketch.as_ref().map_or(0, Sketch::count), i64::try_from(new.len()).unwrap());
        }
        prop_assert_eq!(target.refused(), []);
    }

    /// Counts that are not whole come out rounded, and no error adds up.
    #[test]
    fn fractions_of_native_counts_never_add_up_to_more_than_a_half(steps in vec(0.0..3.0f64, 1..50)) {
        let mut target = Target::default();
        let context = target.context("latency", &[]);
        let (mut count, mut sketched) = (0.0, 0);
        for step in steps {
            count += step;
            sketched += target.sketched([native(context, &[(1.0, 2.0, count)], true)]).unwrap_or(0);
            prop_assert!((sketched as f64 - count).abs() <= 0.5);
        }
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
        target.scrape([counter(one, 1.0, false).of(0), counter(other, 10.0, false).of(1)]);
        prop_assert_eq!(target.value([counter(other, 3.0, false).of(0), counter(one, 11.0, false).of(1)]), Some(3.0));
    }

    /// Series come and go and numbers are used again: every point is the growth of the series that it names.
    #[test]
    fn reused_numbers_never_mix_states(rounds in vec((0..8u32, any::<bool>(), 1..100u32), 1..80)) {
        let mut target = Target::default();
        let mut counters: HashMap<u32, f64> = HashMap::new();
        // The numbers of series are given out anew like those of contexts: the last one that became free first.
        let (mut numbers, mut free): (HashMap<u32, u32>, Vec<u32>) = (HashMap::new(), (0..8).rev().collect());
        for (series, forgets, step) in rounds {
            let name = format!("series{series}");
            let context = target.context(&name, &[]);
            let number = *numbers.entry(series).or_insert_with(|| free.pop().unwrap());
            let known = counters.get(&series).copied();
            let value = known.unwrap_or(f64::from(series) * 1000.0) + f64::from(step);
            let batch = target.scrape([counter(context, value, false).of(number)]);
            prop_assert_eq!(batch.points.first().map(|point| point.value), known.map(|known| value - known));
            prop_assert!(batch.points.iter().all(|point| *point.series.metric == *name));
            counters.insert(series, value);
            if forgets {
                target.forget(&[number], &[context]);
                free.extend(numbers.remove(&series));
                counters.remove(&series);
            }
            prop_assert_eq!(target.aggregator.len(), counters.len());
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
