//! Start times: what they say about first values and resets, and what is left to the flag because clocks differ.
//!
//! Scrapes are 15 seconds apart, and so much may clocks differ before a start time counts as clearly earlier.

use retriever::aggregate::Growth::{
    FellUnexplained, First, FirstOfOld, FirstSinceScrape, FirstSinceStart, Grown, ResetByFall, ResetByStart,
    ResetUnseen,
};
use retriever::map::{ContextId, Part};

use crate::target::{Reading, Target, bucket, counter, native};

/// A target with one counter that was 100 at its first scrape, and the context of it.
fn known() -> (Target, ContextId) {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([counter(context, 100.0, false).of(0)]);
    (target, context)
}

fn reading(context: ContextId, value: f64, flush: bool) -> Reading {
    counter(context, value, flush).of(0)
}

#[test]
fn a_first_value_that_began_under_watch_is_counted_whatever_the_flag_says() {
    for flush in [false, true] {
        let mut target = Target::watched_for(60.0);
        let context = target.context("x", &[]);
        target.began(0, 59.0);
        assert_eq!(target.growth(reading(context, 7.0, flush)), (FirstSinceStart, Some(7.0)));
        // The next one is watched since the scrape that lacked it.
        target.began(1, 14.0);
        assert_eq!(target.growth(counter(context, 4.0, flush).of(1)), (FirstSinceStart, Some(4.0)));
    }
}

#[test]
fn a_first_value_that_is_older_than_the_watch_is_not_counted_whatever_the_flag_says() {
    for flush in [false, true] {
        let mut target = Target::watched_for(60.0);
        let context = target.context("x", &[]);
        target.began(0, 76.0);
        assert_eq!(target.growth(reading(context, 7.0, flush)), (FirstOfOld, None));
        target.began(1, 31.0);
        assert_eq!(target.growth(counter(context, 4.0, flush).of(1)), (FirstOfOld, None));
        assert_eq!(target.growth(counter(context, 5.0, flush).of(1)), (Grown, Some(1.0)));
    }
}

#[test]
fn a_first_value_that_began_about_when_it_was_looked_for_is_left_to_the_flag() {
    for (flush, expected) in [(false, (First, None)), (true, (FirstSinceScrape, Some(7.0)))] {
        for ago in [60.0, 75.0, -1.0] {
            let mut target = Target::watched_for(60.0);
            let context = target.context("x", &[]);
            target.began(0, ago);
            assert_eq!(target.growth(reading(context, 7.0, flush)), expected, "{ago}");
        }
        // Nobody knows since when the target is watched.
        let mut target = Target::default();
        let context = target.context("x", &[]);
        target.began(0, 1.0);
        assert_eq!(target.growth(reading(context, 7.0, flush)), expected);
    }
}

#[test]
fn failed_scrapes_are_no_watch() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    target.scrape([]);
    target.failed_scrape([]);
    target.failed_scrape([]);
    // 40 seconds ago it was not there, 45 seconds ago it was looked for.
    target.began(0, 40.0);
    assert_eq!(target.growth(reading(context, 7.0, false)), (FirstSinceStart, Some(7.0)));
}

#[test]
fn a_value_that_began_since_the_one_before_is_reset_though_it_is_higher() {
    for flush in [false, true] {
        for value in [150.0, 100.0, 3.0, 0.0] {
            let (mut target, context) = known();
            target.began(0, 10.0);
            assert_eq!(target.growth(reading(context, value, flush)), (ResetByStart, Some(value)));
            // The same start again is no other reset.
            target.began(0, 25.0);
            assert_eq!(target.growth(reading(context, value + 1.0, flush)), (Grown, Some(1.0)));
        }
    }
}

#[test]
fn a_value_that_falls_though_it_is_old_is_nothing() {
    for flush in [false, true] {
        let (mut target, context) = known();
        target.began(0, 31.0);
        assert_eq!(target.growth(reading(context, 90.0, flush)), (FellUnexplained, Some(0.0)));
        target.began(0, 46.0);
        assert_eq!(target.growth(reading(context, 95.0, flush)), (Grown, Some(5.0)));
    }
}

#[test]
fn a_start_at_about_the_reading_before_is_left_to_the_flag() {
    for ago in [15.0, 30.0] {
        for (flush, expected) in [(false, (ResetUnseen, Some(0.0))), (true, (ResetByFall, Some(90.0)))] {
            let (mut target, context) = known();
            target.began(0, ago);
            assert_eq!(target.growth(reading(context, 90.0, flush)), expected);
        }
    }
}

/// The target's clock is 20 seconds ahead: it restarted a second before a scrape, and says that it will in 19 seconds.
#[test]
fn a_reset_by_a_clock_ahead_is_counted_once() {
    let (mut target, context) = known();
    target.began(0, -19.0);
    assert_eq!(target.growth(reading(context, 8.0, true)), (ResetByFall, Some(8.0)));
    for (ago, value) in [(-4.0, 9.0), (11.0, 10.0), (26.0, 11.0), (41.0, 12.0)] {
        target.began(0, ago);
        assert_eq!(target.growth(reading(context, value, true)), (Grown, Some(1.0)));
    }
    // Also where the exposition left it out once.
    let (mut target, context) = known();
    target.began(0, -19.0);
    target.scrape([reading(context, 8.0, true)]);
    assert_eq!(target.growth(reading(context, 9.0, true)), (Grown, Some(1.0)));
    target.began(0, 11.0);
    assert_eq!(target.growth(reading(context, 10.0, true)), (Grown, Some(1.0)));
}

/// The target's clock is a minute behind: that its start time moved shows the reset, if not when.
#[test]
fn a_reset_by_a_clock_far_behind_is_left_to_the_flag() {
    for (flush, expected) in [(false, (ResetUnseen, Some(0.0))), (true, (ResetByFall, Some(8.0)))] {
        let (mut target, context) = known();
        target.began(0, 5000.0);
        target.scrape([reading(context, 110.0, true)]);
        target.began(0, 65.0);
        assert_eq!(target.growth(reading(context, 8.0, flush)), expected);
        target.began(0, 80.0);
        assert_eq!(target.growth(reading(context, 7.0, flush)), (FellUnexplained, Some(0.0)));
    }
}

#[test]
fn a_start_holds_for_the_scrape_that_exposed_it() {
    let (mut target, context) = known();
    target.began(0, 5000.0);
    target.scrape([reading(context, 110.0, true)]);
    // No longer exposed: it says nothing about a fall.
    assert_eq!(target.growth(reading(context, 8.0, true)), (ResetByFall, Some(8.0)));
    // Exposed without a value: likewise.
    target.began(0, 5.0);
    target.scrape([]);
    assert_eq!(target.growth(reading(context, 9.0, true)), (Grown, Some(1.0)));
}

#[test]
fn a_start_may_come_before_the_value_or_after_it() {
    for first in [true, false] {
        let mut target = Target::watched_for(60.0);
        let context = target.context("x", &[]);
        // Of a series that was never heard of.
        if first {
            target.began(0, 20.0);
        }
        target.accept(reading(context, 7.0, false));
        if !first {
            target.began(0, 20.0);
        }
        assert_eq!(target.value([]), Some(7.0));
        assert_eq!(target.value([reading(context, 8.0, false)]), Some(1.0));
    }
}

#[test]
fn series_of_one_context_have_their_own_starts() {
    let mut target = Target::default();
    let context = target.context("x", &[]);
    let mut value = |values: [f64; 2], restarted: Option<u32>| {
        let readings = [0, 1].map(|series| counter(context, values[series as usize], false).of(series));
        if let Some(series) = restarted {
            target.began(series, 3.0);
        }
        target.value(readings)
    };
    assert_eq!(value([100.0, 10.0], None), None);
    assert_eq!(value([105.0, 12.0], Some(1)), Some(17.0));
    assert_eq!(value([106.0, 13.0], Some(0)), Some(107.0));
    assert_eq!(value([106.0, 13.0], None), Some(0.0));
}

#[test]
fn the_start_of_a_group_is_that_of_all_its_series() {
    let mut target = Target::watched_for(60.0);
    let [counts, sums, latency, natives] = ["x.count", "x.sum", "x", "y"].map(|name| target.context(name, &[]));
    let mut scrape = |value: f64, ago| {
        target.group_began(1, ago);
        let (growths, _): (Vec<_>, Vec<_>) = target
            .growths([
                counter(counts, value, false).of(0).in_group(1, Part::Count),
                counter(sums, value, false).of(1).in_group(1, Part::Sum),
                bucket(latency, (0.0, 1.0), value as i64, false).of(2).in_group(1, Part::Count),
                native(natives, &[(1.0, 2.0, value)], false).of(3).in_group(1, Part::Count),
                counter(counts, value, false).of(4).in_group(2, Part::Count),
            ])
            .into_iter()
            .unzip();
        growths
    };
    let [began, first] = [FirstSinceStart, First];
    assert_eq!(scrape(5.0, 20.0), [began, began, began, began, first]);
    assert_eq!(scrape(6.0, 35.0), [Grown; 5]);
    assert_eq!(scrape(7.0, 10.0), [ResetByStart, ResetByStart, ResetByStart, ResetByStart, Grown]);
}

#[test]
fn the_start_of_a_series_says_more_than_that_of_its_group() {
    let mut target = Target::watched_for(60.0);
    let context = target.context("x.count", &[]);
    target.group_began(1, 5000.0);
    target.began(0, 10.0);
    let series = [0, 1].map(|series| counter(context, 5.0, true).of(series).in_group(1, Part::Count));
    assert_eq!(target.growths(series), [(FirstSinceStart, Some(5.0)), (FirstOfOld, None)]);
}

#[test]
fn a_process_that_started_under_watch_has_counters_that_did() {
    let mut target = Target::watched_for(60.0);
    let context = target.context("x", &[]);
    target.process_started(50.0);
    assert_eq!(target.growth(reading(context, 7.0, false)), (FirstSinceStart, Some(7.0)));
    // The same process: counters that appear now began some time or other.
    target.process_started(65.0);
    assert_eq!(target.growth(counter(context, 3.0, false).of(1)), (First, None));
    // Another one.
    target.process_started(1.0);
    assert_eq!(target.growth(reading(context, 9.0, false)), (ResetByStart, Some(9.0)));
    // It is of all series, also of one that was not there when it was told first.
    target.process_started(16.0);
    assert_eq!(target.growth(counter(context, 5.0, false).of(1)), (ResetByStart, Some(5.0)));
    target.process_started(31.0);
    assert_eq!(target.growth(counter(context, 6.0, false).of(1)), (Grown, Some(1.0)));
}

#[test]
fn a_process_that_started_long_ago_says_nothing_about_its_counters() {
    for (flush, first, fallen) in [
        (false, (First, None), (ResetUnseen, Some(0.0))),
        (true, (FirstSinceScrape, Some(7.0)), (ResetByFall, Some(3.0))),
    ] {
        let mut target = Target::watched_for(60.0);
        let context = target.context("x", &[]);
        target.process_started(5000.0);
        assert_eq!(target.growth(reading(context, 7.0, flush)), first);
        target.process_started(5015.0);
        assert_eq!(target.growth(reading(context, 3.0, flush)), fallen);
    }
}

/// As above: 20 seconds ahead, restarted a second before a scrape.
#[test]
fn a_process_start_by_a_clock_ahead_is_counted_once() {
    let (mut target, context) = known();
    target.process_started(5000.0);
    target.scrape([reading(context, 110.0, true)]);
    target.process_started(-19.0);
    assert_eq!(target.growth(reading(context, 8.0, true)), (ResetByFall, Some(8.0)));
    for (ago, value) in [(-4.0, 9.0), (11.0, 10.0), (26.0, 11.0), (41.0, 12.0)] {
        target.process_started(ago);
        assert_eq!(target.growth(reading(context, value, true)), (Grown, Some(1.0)));
    }
}

/// Where a counter says itself when it began, its process need not be asked.
#[test]
fn the_start_of_a_series_says_more_than_that_of_its_process() {
    let mut target = Target::watched_for(60.0);
    let context = target.context("x", &[]);
    target.process_started(20.0);
    target.began(0, 5000.0);
    assert_eq!(target.growth(reading(context, 7.0, true)), (FirstOfOld, None));
}

/// A bucket whose bounds change has no reading before that could be compared, but a start time all the same.
#[test]
fn a_bucket_with_other_bounds_counts_where_its_start_is_clear() {
    let mut target = Target::default();
    let context = target.context("latency", &[]);
    let mut growth = |bounds, value, ago: Option<f64>| {
        if let Some(ago) = ago {
            target.began(0, ago);
        }
        target.growth(bucket(context, bounds, value, true).of(0))
    };
    assert_eq!(growth((0.0, 2.0), 5, None), (FirstSinceScrape, Some(5.0)));
    assert_eq!(growth((1.0, 2.0), 3, None), (First, Some(0.0)));
    assert_eq!(growth((1.5, 2.0), 2, Some(5.0)), (FirstSinceStart, Some(2.0)));
    assert_eq!(growth((1.0, 2.0), 4, Some(5000.0)), (FirstOfOld, Some(0.0)));
}
