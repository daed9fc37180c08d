//! How long contexts are remembered, and that a number given out anew has no past.

use retriever::aggregate::RETAIN_COMMITS;
use retriever::map::MetricKind::Gauge;

use crate::target::{Target, bucket, counter, metric};

/// Beyond this many scrapes without it a context is certainly forgotten.
const LONG: u32 = RETAIN_COMMITS + 20;

#[test]
fn a_series_that_returns_in_time_continues() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 5.0, false)]);
    for _ in 0..RETAIN_COMMITS {
        assert_eq!(target.value([]), None);
    }
    assert_eq!(target.value([counter(context, 9.0, true)]), Some(4.0));
}

#[test]
fn a_series_that_stays_away_is_forgotten_and_its_number_returned_once() {
    let mut target = Target::default();
    let [gone, stays] = ["gone", "stays"].map(|name| target.context(name, &[]));
    let alias = target.context("gone", &["t", "s"]);
    let other_alias = target.context("gone", &["s", "t"]);
    target.scrape([gone, stays, alias, other_alias].map(|context| counter(context, 5.0, false)));
    assert_eq!(target.aggregator.len(), 3);
    let mut expired = Vec::new();
    for _ in 0..2 * LONG {
        target.accept(counter(stays, 5.0, false));
        target.aggregator.commit(target.now);
        expired.extend(target.aggregator.expire());
    }
    expired.sort_unstable();
    assert_eq!(expired, [gone, alias, other_alias]);
    assert_eq!(target.aggregator.len(), 1);
    // Released and interned again: a first value like any other.
    target.contexts.release(expired);
    let again = target.context("gone", &[]);
    assert_eq!(target.aggregator.commit(target.now).points, []);
    assert_eq!(target.value([counter(again, 9.0, true)]), Some(9.0));
}

#[test]
fn an_alias_expires_on_its_own_while_its_series_lives() {
    let mut target = Target::default();
    let [old, new] = [["a", "b"], ["b", "a"]].map(|tags| target.context("x", &tags));
    target.scrape([counter(old, 1.0, false)]);
    for value in 0..LONG {
        target.scrape([counter(new, 1.0 + f64::from(value), false)]);
    }
    assert_eq!(target.contexts.len(), 1);
    assert_eq!(target.value([counter(new, 1000.0, false)]), Some(1000.0 - f64::from(LONG)));
}

#[test]
fn failed_scrapes_do_not_age_anything() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 5.0, false)]);
    for _ in 0..3 * LONG {
        assert_eq!(target.aggregator.commit(target.now).points, []);
    }
    assert_eq!(target.value([counter(context, 9.0, true)]), Some(4.0));
}

#[test]
fn refused_and_empty_submissions_keep_a_context() {
    let mut target = Target::default();
    let [gauge, latency] = ["gauge", "latency"].map(|name| target.context(name, &[]));
    target.scrape([metric(Gauge, gauge, 1.0), bucket(latency, (0.0, 1.0), 5, true)]);
    for _ in 0..LONG {
        target.scrape([metric(Gauge, gauge, f64::NAN), bucket(latency, (0.0, 1.0), 0, true)]);
    }
    assert_eq!(target.contexts.len(), 2);
}

#[test]
fn bounds_that_are_no_longer_exposed_are_forgotten_within_a_living_context() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    target.scrape([bucket(context, (0.0, 1.0), 5, true), bucket(context, (1.0, 2.0), 5, true)]);
    for count in 0..i64::from(LONG) {
        target.scrape([bucket(context, (0.0, 1.0), 5 + count, true)]);
    }
    // The second bucket is a first one again.
    assert_eq!(target.sketch([bucket(context, (1.0, 2.0), 7, true)]).map(|sketch| sketch.count()), Some(7));
}

#[test]
fn a_number_given_out_anew_never_has_the_state_of_its_former_context() {
    let mut target = Target::default();
    let old = target.context("old", &[]);
    target.scrape([counter(old, 5.0, false)]);
    // The owner releases it on its own, long before the aggregator would.
    target.contexts.release([old]);
    let new = target.context("new", &[]);
    assert_eq!(new, old, "numbers are used again");
    let batch = target.scrape([counter(new, 9.0, false)]);
    assert_eq!(batch.points, []);
    let batch = target.scrape([counter(new, 10.0, false)]);
    assert_eq!((&*batch.points[0].series.metric, batch.points[0].value), ("new", 1.0));
    // Another kind is no change of kind.
    target.contexts.release([new]);
    let newest = target.context("newest", &[]);
    assert_eq!(newest, old);
    assert_eq!(target.value([metric(Gauge, newest, 2.0)]), Some(2.0));
    assert_eq!(target.refused(), []);
    // And the first one, under any number, continues where it was.
    let returned = target.context("old", &[]);
    assert_ne!(returned, old);
    assert_eq!(target.value([counter(returned, 8.0, true)]), Some(3.0));
}

#[test]
fn churn_does_not_add_up() {
    let mut target = Target::default();
    for round in 0..3 * LONG {
        let context = target.context("pod", &[&format!("name:{round}")]);
        target.scrape([counter(context, 1.0, true)]);
    }
    assert!(target.aggregator.len() <= LONG as usize);
    assert!(target.contexts.len() <= LONG as usize);
}
