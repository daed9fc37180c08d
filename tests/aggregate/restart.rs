//! A later process goes on where an earlier one was, as far as its marks tell.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use retriever::aggregate::Growth::{First, FirstSinceStart, Grown, ResetByFall, ResetUnseen};
use retriever::aggregate::{Aggregator, MarksContent, MarksError, TargetKey};
use retriever::map::MetricKind::Rate;
use retriever::map::{Part, SeriesId};

use crate::laws::{Content, contents};
use crate::target::{Batch, INTERVAL, Reading, Target, bucket, counter, metric, native};

const HOUR: Duration = Duration::from_hours(1);
const SERIES: usize = 8;

/// The text of a series.
fn text(series: SeriesId) -> Option<String> {
    const TEXTS: [&str; SERIES] = ["a", "b", "c_count", "c_sum", "r", "h_bucket{1}", "h_bucket{2}", "n"];
    TEXTS.get(series.index()).map(ToString::to_string)
}

impl Target {
    fn keeping_marks() -> Self {
        let mut target = Self::default();
        target.aggregator = Aggregator::new(Duration::from_secs(INTERVAL), None).with_marks();
        target
    }

    /// Ends a successful scrape.
    fn end(&mut self, marks: &mut Vec<MarksContent>) -> Batch {
        self.aggregator.recall(&text);
        let batch = self.commit(None);
        self.aggregator.succeeded(self.now);
        match self.aggregator.marks(&text) {
            Some(whole @ MarksContent::Whole(_)) => *marks = vec![whole],
            changes => marks.extend(changes),
        }
        self.pass(1);
        batch
    }

    /// Another process takes over. The contexts stay, for a context is nothing that is remembered.
    fn restart(&mut self, marks: &[MarksContent]) -> Result<(), MarksError> {
        self.aggregator = Aggregator::new(Duration::from_secs(INTERVAL), Some(self.now)).with_marks();
        self.aggregator.restore(marks, self.now, HOUR)
    }
}

/// A reading of each series is of one kind, and goes to a context of its own or one of several.
fn reading(target: &mut Target, series: u32, value: u32, flush: bool) -> Reading {
    let mut context = |name: &str| target.context(name, &[]);
    let number = f64::from(value);
    let reading = match series {
        0 | 1 => counter(context("counter"), number, flush),
        2 => counter(context("c.count"), number, flush).in_group(0, Part::Count),
        3 => counter(context("c.sum"), number - 100.0, flush).in_group(0, Part::Sum),
        4 => metric(Rate, context("rate"), number * 15.0),
        5 => bucket(context("h"), (0.0, 1.0), value.into(), flush).in_group(1, Part::Count),
        6 => bucket(context("h"), (1.0, 2.0), value.into(), flush).in_group(1, Part::Count),
        _ => native(context("n"), &[(1.0, 2.0, number), (2.0, 4.0, number)], flush).summing_up_to(number * 4.0),
    };
    reading.of(series)
}

/// What a scrape has: values of series, when one of them began, and when the process did, in seconds before it.
type Scrape = (Vec<Option<u32>>, Option<(u32, f64)>, Option<f64>);

fn scrapes() -> impl Strategy<Value = Vec<Scrape>> {
    // Most values rise, so that most falls are resets of one series.
    let values = vec(option::weighted(0.8, prop_oneof![4 => 200..400u32, 1 => 0..200u32]), SERIES);
    let began = option::weighted(0.2, (0..SERIES as u32, 0.0..60.0f64));
    vec((values, began, option::weighted(0.1, 0.0..60.0f64)), 1..12)
}

/// What all scrapes come to. A first scrape has all series; before those with a number in `restarts` another process
/// takes over.
fn outcome(scrapes: &[Scrape], restarts: &[usize]) -> Vec<Vec<Content>> {
    let mut target = Target::keeping_marks();
    let mut marks = Vec::new();
    for series in 0..SERIES as u32 {
        let reading = reading(&mut target, series, 100, false);
        target.accept(reading);
    }
    let mut outcomes = vec![contents(&target.end(&mut marks))];
    for (number, (values, began, process)) in scrapes.iter().enumerate() {
        let is_restarted = restarts.contains(&number);
        if is_restarted {
            target.restart(&marks).unwrap();
        }
        for (series, value) in (0..).zip(values) {
            if let Some(value) = value {
                // In its first scrape a process does not know that the scrape before succeeded.
                let reading = reading(&mut target, series, *value, !is_restarted);
                target.accept(reading);
            }
        }
        if let Some((series, seconds_ago)) = *began {
            target.began(series, seconds_ago);
        }
        if let Some(seconds_ago) = *process {
            target.process_started(seconds_ago);
        }
        outcomes.push(contents(&target.end(&mut marks)));
    }
    outcomes
}

proptest! {
    #[test]
    fn nothing_is_lost_or_counted_twice(
        scrapes in scrapes(),
        restarts in vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let restarts: Vec<usize> = restarts.iter().map(|restart| restart.index(scrapes.len())).collect();
        prop_assert_eq!(outcome(&scrapes, &[]), outcome(&scrapes, &restarts));
    }

    #[test]
    fn damaged_marks_are_refused_or_read(
        scrapes in scrapes(),
        place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flipped in 1..=255u8,
    ) {
        let mut target = Target::keeping_marks();
        let mut marks = Vec::new();
        for (values, ..) in &scrapes {
            for (series, value) in (0..).zip(values) {
                let reading = reading(&mut target, series, value.unwrap_or(1), true);
                target.accept(reading);
            }
            target.end(&mut marks);
        }
        let (MarksContent::Whole(bytes) | MarksContent::Changes(bytes)) = place.get_mut(&mut marks);
        *at.get_mut(bytes) ^= flipped;
        let _ = target.restart(&marks);
        let reading = reading(&mut target, 0, 1000, true);
        target.accept(reading);
        target.end(&mut Vec::new());
    }
}

/// A target whose counter was 100 in its last scrape, and the marks of that.
fn known() -> (Target, Vec<MarksContent>) {
    let mut target = Target::keeping_marks();
    let mut marks = Vec::new();
    let reading = reading(&mut target, 0, 100, false);
    target.accept(reading);
    target.end(&mut marks);
    (target, marks)
}

/// The growth of a counter in the next scrape.
fn growth(target: &mut Target, series: u32, value: u32) -> (retriever::aggregate::Growth, Option<f64>) {
    let reading = reading(target, series, value, false);
    target.accept(reading);
    target.aggregator.recall(&text);
    let (_, told) = target.told([]);
    (told.0[0].1, told.0[0].2)
}

#[test]
fn growth_goes_on_from_the_last_reading() {
    let (mut target, marks) = known();
    target.restart(&marks).unwrap();
    assert_eq!(growth(&mut target, 0, 107), (Grown, Some(7.0)));
    let (mut target, marks) = known();
    target.restart(&marks).unwrap();
    assert_eq!(growth(&mut target, 0, 5), (ResetByFall, Some(5.0)));
}

#[test]
fn what_the_marks_lack_is_new_and_its_past_is_not_guessed() {
    let (mut target, marks) = known();
    target.restart(&marks).unwrap();
    assert_eq!(growth(&mut target, 1, 107), (First, None));
    // Unless it says itself that it began since the series would have been seen.
    let (mut target, marks) = known();
    target.restart(&marks).unwrap();
    target.began(1, 10.0);
    assert_eq!(growth(&mut target, 1, 107), (FirstSinceStart, Some(107.0)));
}

#[test]
fn old_marks_are_not_taken() {
    let (mut target, marks) = known();
    target.pass(3600 / INTERVAL);
    target.restart(&marks).unwrap();
    assert_eq!(growth(&mut target, 0, 107), (First, None));
}

#[test]
fn whether_a_reset_is_known_after_a_scrape_that_failed_is_as_without_a_restart() {
    let (mut target, mut marks) = known();
    let reading = reading(&mut target, 0, 101, false);
    target.accept(reading);
    target.commit(None);
    marks.extend(target.aggregator.marks(&text));
    target.pass(1);
    target.restart(&marks).unwrap();
    assert_eq!(growth(&mut target, 0, 5), (ResetUnseen, Some(0.0)));
}

#[test]
fn a_scrape_that_read_nothing_leaves_no_marks() {
    let (mut target, mut marks) = known();
    target.commit(None);
    assert_eq!(target.aggregator.marks(&text), None);
    target.pass(1);
    // Unchanged, so that all there is to mark is the scrape.
    let reading = reading(&mut target, 0, 100, false);
    target.accept(reading);
    target.end(&mut marks);
    assert!(matches!(&marks[..], [MarksContent::Whole(_), MarksContent::Changes(changes)] if changes.len() == 33));
    assert_eq!(Target::default().aggregator.marks(&text), None, "nobody wants any");
}

#[test]
fn damaged_marks_are_an_error_and_change_nothing() {
    let (mut target, mut marks) = known();
    marks.push(MarksContent::Changes(b"\x01nonsense".to_vec()));
    let error = target.restart(&marks).unwrap_err();
    assert_eq!(error.to_string(), "marks are damaged at byte 9");
    assert_eq!(growth(&mut target, 0, 107), (First, None));
}

#[test]
fn a_target_has_the_same_key_for_ever() {
    assert_eq!(TargetKey::of("http://localhost:9100/metrics", 0), TargetKey::of("http://localhost:9100/metrics", 0));
    let others = ["http://localhost:9100/metrics", "http://localhost:9101/metrics"];
    let keys = others.map(|endpoint| [TargetKey::of(endpoint, 0), TargetKey::of(endpoint, 1)]).concat();
    assert!((0..4).all(|one| (0..one).all(|other| keys[one] != keys[other])));
}
