//! Several series of one context, as dropped labels leave them: each is compared with its own past, and what they grew by
//! adds up. Taken for one series, as the Agent takes them, they would seem to fall and rise with every scrape.

use retriever::map::MetricKind::Rate;

use crate::target::{Target, bucket, counter, metric};

const LOW: (f64, f64) = (0.0, 1.0);
const HIGH: (f64, f64) = (1.0, 2.0);

/// Readings of two series, each none where it is missing from the scrape; the flush flag; and what both grew by.
type Scrape = (Option<u32>, Option<u32>, bool, i64);

/// What happens to two series, scrape by scrape.
const STORIES: [(&str, &[Scrape]); 8] = [
    ("both grow", &[(Some(100), Some(10), false, 0), (Some(105), Some(13), true, 8), (Some(105), Some(13), true, 0)]),
    ("both are first values", &[(Some(100), Some(10), true, 110), (Some(101), Some(10), true, 1)]),
    ("one is reset", &[(Some(100), Some(10), false, 0), (Some(2), Some(17), true, 9), (Some(3), Some(18), true, 2)]),
    (
        "one is reset unseen",
        &[(Some(100), Some(10), false, 0), (Some(2), Some(17), false, 7), (Some(3), Some(18), true, 2)],
    ),
    ("one appears late", &[(Some(100), None, false, 0), (Some(105), Some(4), true, 9), (Some(106), Some(6), true, 3)]),
    (
        "one appears after a failed scrape",
        &[(Some(100), None, false, 0), (Some(105), Some(4), false, 5), (Some(106), Some(6), true, 3)],
    ),
    (
        "one vanishes and comes back",
        &[
            (Some(100), Some(10), false, 0),
            (Some(105), None, true, 5),
            (Some(109), None, true, 4),
            (Some(110), Some(30), true, 21),
        ],
    ),
    (
        "both take turns",
        &[(Some(100), None, false, 0), (None, Some(7), true, 7), (Some(103), None, true, 3), (None, Some(9), true, 2)],
    ),
];

#[test]
fn the_growth_of_counters_adds_up() {
    for (story, scrapes) in STORIES {
        let mut target = Target::default();
        let context = target.context("requests.count", &[]);
        for (number, &(one, other, flush, expected)) in scrapes.iter().enumerate() {
            let readings = [(0, one), (1, other)].into_iter().filter_map(|(series, value)| Some((series, value?)));
            let value = target.value(readings.map(|(series, value)| counter(context, value.into(), flush).of(series)));
            assert_eq!(value.unwrap_or(0.0), expected as f64, "{story}: scrape {number}");
        }
    }
}

#[test]
fn the_growth_of_buckets_adds_up() {
    for (story, scrapes) in STORIES {
        for bounds in [[LOW, LOW], [LOW, HIGH]] {
            let mut target = Target::default();
            let context = target.context("latency", &[]);
            for (number, &(one, other, flush, expected)) in scrapes.iter().enumerate() {
                let readings = [(0, one), (1, other)].into_iter().filter_map(|(series, count)| Some((series, count?)));
                let readings = readings.map(|(series, count): (u32, u32)| {
                    bucket(context, bounds[series as usize], count.into(), flush).of(series)
                });
                assert_eq!(target.sketched(readings).unwrap_or(0), expected, "{story}: scrape {number}");
            }
        }
    }
}

#[test]
fn the_first_point_comes_with_the_first_known_growth() {
    let mut target = Target::default();
    let context = target.context("requests.count", &[]);
    assert_eq!(target.value([counter(context, 5.0, false).of(0), counter(context, 7.0, false).of(1)]), None);
    // Known to have grown by nothing, which is more than nothing known.
    assert_eq!(target.value([counter(context, 5.0, false).of(0), counter(context, 9.0, false).of(2)]), Some(0.0));
    assert_eq!(target.value([counter(context, 9.0, false).of(3)]), None);
}

#[test]
fn a_series_that_is_exposed_twice_is_one() {
    let mut target = Target::default();
    let [requests, latency] = ["requests", "latency"].map(|name| target.context(name, &[]));
    let mut scrape = |one: u32, other: u32| {
        let values = [(0, 1), (1, other), (0, one), (1, other)];
        let counters = values.map(|(series, value)| counter(requests, value.into(), true).of(series));
        let buckets = values.map(|(series, value)| bucket(latency, LOW, value.into(), true).of(2 + series));
        let batch = target.scrape(counters.into_iter().chain(buckets));
        (batch.points[0].value, batch.sketches[0].sketch.count())
    };
    assert_eq!(scrape(5, 3), (8.0, 8));
    assert_eq!(scrape(7, 3), (2.0, 2));
    assert_eq!(scrape(8, 4), (2.0, 2));
}

#[test]
fn rates_add_up() {
    let mut target = Target::default();
    let context = target.context("work", &[]);
    let mut value = |one: Option<f64>, other: Option<f64>| {
        let readings = [(0, one), (1, other)].into_iter().filter_map(|(series, value)| Some((series, value?)));
        target.value(readings.map(|(series, value)| metric(Rate, context, value).of(series)))
    };
    // Scrapes are 15 seconds apart.
    assert_eq!(value(Some(30.0), Some(1000.0)), None);
    assert_eq!(value(Some(60.0), Some(1015.0)), Some(3.0));
    // One falls: it says nothing, the other still does.
    assert_eq!(value(Some(0.0), Some(1030.0)), Some(1.0));
    assert_eq!(value(None, Some(1030.0)), Some(0.0));
    // 45 in 30 seconds, and 15 in 15.
    assert_eq!(value(Some(45.0), Some(1045.0)), Some(2.5));
}

#[test]
fn a_series_whose_tags_change_continues_under_its_new_ones() {
    let mut target = Target::default();
    let [old, new] = ["version:1", "version:2"].map(|tag| target.context("requests.count", &[tag]));
    target.scrape([counter(old, 100.0, false).of(0), counter(old, 10.0, false).of(1)]);
    let batch = target.scrape([counter(new, 104.0, true).of(0), counter(old, 11.0, true).of(1)]);
    let points: Vec<_> = batch.points.iter().map(|point| (&*point.series.tags[0], point.value)).collect();
    assert_eq!(points, [("version:1", 1.0), ("version:2", 4.0)]);
}
