//! Numbers of series, groups and contexts are used again: what they stood for before never shows.

use retriever::aggregate::Growth::{First, Grown};
use retriever::map::MetricKind::Gauge;

use crate::target::{Target, bucket, counter, metric};

#[test]
fn a_forgotten_series_is_a_first_one_when_it_returns() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 5.0, false).of(0), counter(context, 50.0, false).of(1)]);
    target.forget(&[0], &[]);
    let growths = target.growths([counter(context, 9.0, false).of(0), counter(context, 51.0, false).of(1)]);
    assert_eq!(growths, [(First, None), (Grown, Some(1.0))]);
    // Or is another one, of another kind.
    target.forget(&[0], &[]);
    let latency = target.context("latency", &[]);
    assert_eq!(target.growth(bucket(latency, (0.0, 1.0), 3, false).of(0)), (First, Some(0.0)));
}

#[test]
fn a_forgotten_start_is_none_of_the_next_owner() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([]);
    target.began(0, 5000.0);
    target.scrape([counter(context, 5.0, true).of(0)]);
    target.forget(&[0], &[]);
    assert_eq!(target.value([counter(context, 9.0, true).of(0)]), Some(9.0));
}

#[test]
fn a_number_of_a_context_given_out_anew_has_none_of_its_former_state() {
    let mut target = Target::default();
    let old = target.context("old", &[]);
    target.scrape([counter(old, 5.0, true).of(0)]);
    target.forget(&[0], &[old]);
    assert!(target.aggregator.is_empty());
    // Another kind is no change of kind.
    let new = target.context("new", &[]);
    assert_eq!(new, old, "numbers are used again");
    let batch = target.scrape([metric(Gauge, new, 2.0).of(0)]);
    assert_eq!((&*batch.points[0].series.metric, batch.points[0].value), ("new", 2.0));
    assert_eq!(target.refused(), []);
}

/// The aggregator need not be told before a number comes again: the context shows it.
#[test]
fn a_number_that_comes_again_before_it_was_forgotten_is_told_by_its_context() {
    let mut target = Target::default();
    let old = target.context("old", &[]);
    target.scrape([counter(old, 5.0, true).of(0)]);
    target.contexts.release([old]);
    let new = target.context("new", &[]);
    assert_eq!(new, old);
    let batch = target.scrape([metric(Gauge, new, 2.0).of(1)]);
    assert_eq!((&*batch.points[0].series.metric, batch.points[0].value), ("new", 2.0));
    assert_eq!(target.aggregator.len(), 1);
    // The series of the old one continues under any number.
    let returned = target.context("old", &[]);
    assert_ne!(returned, old);
    assert_eq!(target.value([counter(returned, 8.0, true).of(0)]), Some(3.0));
}

#[test]
fn a_context_is_kept_while_another_order_of_its_tags_lives() {
    let mut target = Target::default();
    let [old, new] = [["a", "b"], ["b", "a"]].map(|tags| target.context("x", &tags));
    target.scrape([counter(old, 1.0, false).of(0)]);
    target.scrape([counter(new, 2.0, false).of(0)]);
    target.forget(&[], &[old]);
    assert_eq!(target.aggregator.len(), 1);
    assert_eq!(target.value([counter(new, 5.0, false).of(0)]), Some(3.0));
    target.forget(&[], &[new]);
    assert!(target.aggregator.is_empty());
    // The series outlives its contexts.
    let again = target.context("x", &["a"]);
    assert_eq!(target.value([counter(again, 6.0, false).of(0)]), Some(1.0));
}

#[test]
fn what_was_never_known_can_be_forgotten() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.forget(&[7], &[context]);
    assert!(target.aggregator.is_empty());
}
