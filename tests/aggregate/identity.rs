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
    for _ in 0..2 {
        assert_ne!(target.context("other", &[]), old, "what was submitted to it may still be looked up");
        target.scrape([]);
    }
    // Another kind is no change of kind.
    let new = target.context("new", &[]);
    assert_eq!(new, old, "numbers are used again");
    let batch = target.scrape([metric(Gauge, new, 2.0).of(0)]);
    assert_eq!((&*batch.points[0].series.metric, batch.points[0].value), ("new", 2.0));
    assert_eq!(target.refused(), []);
}

#[test]
fn a_context_is_the_same_in_any_order_of_its_tags() {
    let mut target = Target::default();
    let [one, other, twice] = [&["a", "b"][..], &["b", "a"], &["b", "a", "b"]].map(|tags| target.context("x", tags));
    assert_eq!((one, one), (other, twice));
    target.scrape([counter(one, 1.0, false).of(0)]);
    assert_eq!(target.value([counter(other, 3.0, false).of(0)]), Some(2.0));
    target.forget(&[], &[one]);
    assert!(target.aggregator.is_empty());
    // The series outlives its contexts.
    let again = target.context("x", &["a"]);
    assert_eq!(target.value([counter(again, 6.0, false).of(0)]), Some(3.0));
}

#[test]
fn tags_are_told_in_the_order_of_their_first_submission() {
    let mut target = Target::default();
    let tags = [&["b", "a", "b"][..], &["c", "b", "a"], &["a", "b", "c"], &[], &["f", "e", "d"]];
    let contexts = tags.map(|tags| target.context("x", tags));
    let told =
        |target: &Target, context| target.contexts.get(context).tags.iter().map(str::to_owned).collect::<Vec<_>>();
    for (place, first) in [(0, 0), (1, 1), (2, 1), (3, 3), (4, 4)] {
        assert_eq!(told(&target, contexts[place]), tags[first]);
    }
    // The order of one that goes comes again with the next that has it.
    target.forget(&[], &[contexts[1]]);
    assert_eq!(told(&target, contexts[4]), tags[4]);
    let again = target.context("x", tags[2]);
    assert_eq!(told(&target, again), tags[2]);
    assert_eq!(told(&target, contexts[0]), tags[0]);
}

#[test]
fn what_was_never_known_can_be_forgotten() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.forget(&[7], &[context]);
    assert!(target.aggregator.is_empty());
}
