//! What the gauges of several series come to that dropped labels leave in one context.

use retriever::config::GaugeAggregation::{self, Avg, Last, Max, Min, Sum};
use retriever::map::SeriesId;

use crate::target::{Target, gauge};

/// Values with their series, in the order of one scrape, and what each aggregation makes of them.
type Case<'a> = (&'a [(u32, f64)], [Option<f64>; 5]);

const ALL: [GaugeAggregation; 5] = [Last, Sum, Max, Min, Avg];

#[test]
fn gauges_of_one_context_are_aggregated() {
    let cases: [Case; 7] = [
        (&[(0, 4.0)], [Some(4.0); 5]),
        (&[(0, 4.0), (1, -1.0), (2, 3.0)], [Some(3.0), Some(6.0), Some(4.0), Some(-1.0), Some(2.0)]),
        (&[(2, 3.0), (0, 4.0), (1, -1.0)], [Some(-1.0), Some(6.0), Some(4.0), Some(-1.0), Some(2.0)]),
        // A series that is exposed twice is one, wherever it stands, and its last value counts.
        (&[(0, 9.0), (0, 1.0)], [Some(1.0); 5]),
        (&[(0, 9.0), (1, 3.0), (0, 1.0)], [Some(1.0), Some(4.0), Some(3.0), Some(1.0), Some(2.0)]),
        (&[(0, -9.0), (1, 3.0), (0, 1.0), (1, 5.0)], [Some(5.0), Some(6.0), Some(5.0), Some(1.0), Some(3.0)]),
        (&[], [None; 5]),
    ];
    for (place, aggregation) in ALL.into_iter().enumerate() {
        // One target for all cases: each scrape starts anew.
        let mut target = Target::default();
        let context = target.context("temperature", &[]);
        for (values, expected) in cases {
            let readings = values.iter().map(|&(series, value)| gauge(aggregation, context, value).of(series));
            assert_eq!(target.value(readings), expected[place], "{aggregation:?} of {values:?}");
        }
    }
}

#[test]
fn a_gauge_that_replaces_another_is_reported_with_both_series() {
    let mut target = Target::default();
    let [inside, outside] = ["inside", "outside"].map(|place| target.context("temperature", &[place]));
    target.scrape([gauge(Last, inside, 1.0).of(3), gauge(Last, outside, 2.0).of(4), gauge(Last, inside, 3.0).of(5)]);
    let collisions = target.collisions();
    assert_eq!((collisions.replaced, collisions.examples.len()), (1, 1));
    let collision = &collisions.examples[0];
    assert_eq!((&*collision.series.metric, &*collision.series.tags[0]), ("temperature", "inside"));
    assert_eq!((collision.replaced, collision.by), (SeriesId::new(3), SeriesId::new(5)));
    // Told once, and only of one scrape: the next one replaces nothing.
    target.scrape([gauge(Last, inside, 1.0).of(3)]);
    target.scrape([gauge(Last, inside, 1.0).of(5)]);
    assert_eq!(target.collisions().replaced, 0);
}

#[test]
fn all_replaced_gauges_are_counted_and_the_first_ones_shown() {
    let mut target = Target::default();
    let context = target.context("temperature", &[]);
    target.scrape((0..20).map(|series| gauge(Last, context, 1.0).of(series)));
    let collisions = target.collisions();
    assert_eq!(collisions.replaced, 19);
    let shown: Vec<_> = collisions.examples.iter().map(|collision| collision.by).collect();
    assert_eq!(shown, [1, 2, 3, 4, 5].map(SeriesId::new));
}

#[test]
fn nothing_is_lost_where_gauges_are_aggregated_or_exposed_twice() {
    for aggregation in ALL {
        let mut target = Target::default();
        let context = target.context("temperature", &[]);
        target.scrape([gauge(aggregation, context, 1.0).of(0), gauge(aggregation, context, 2.0).of(0)]);
        assert_eq!(target.collisions().replaced, 0);
        target.scrape([gauge(aggregation, context, 1.0).of(0), gauge(aggregation, context, 2.0).of(1)]);
        assert_eq!(target.collisions().replaced, u64::from(aggregation == Last));
    }
}

#[test]
fn an_aggregated_gauge_beyond_a_double_is_not_given_out() {
    let mut target = Target::default();
    let context = target.context("temperature", &[]);
    assert_eq!(target.value([0, 1].map(|series| gauge(Sum, context, f64::MAX).of(series))), None);
    assert_eq!(
        target.value([0, 1].map(|series| gauge(Max, context, 1.0).of(series))),
        Some(2.0),
        "the first one decides"
    );
}
