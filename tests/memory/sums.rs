//! Histograms that are sent as one distribution have the count and the sum that they expose.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::aggregate::Sketch;

use crate::target::{SKETCHES, TEXT, Target};

/// Without the sums and counts as metrics of their own.
const ONLY: &str = "collect_histograms_as_distributions: true";
const BOUNDS: [f64; 4] = [1.0, 2.0, 4.0, f64::INFINITY];

/// What one histogram has observed.
#[derive(Clone, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    sum: f64,
}

impl Histogram {
    fn observe(&mut self, values: &[f64]) {
        for value in values {
            self.sum += value;
            for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
                *bucket += u64::from(*value <= bound);
            }
        }
    }

    fn count(&self) -> u64 {
        self.buckets[BOUNDS.len() - 1]
    }
}

fn body(histograms: &[Histogram]) -> String {
    let mut body = String::from("# TYPE h histogram\n");
    for (number, histogram) in histograms.iter().enumerate() {
        for (bound, count) in BOUNDS.iter().zip(histogram.buckets) {
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            writeln!(body, "h_bucket{{of=\"{number}\",le=\"{bound}\"}} {count}").unwrap();
        }
        writeln!(body, "h_sum{{of=\"{number}\"}} {}", histogram.sum).unwrap();
        writeln!(body, "h_count{{of=\"{number}\"}} {}", histogram.count()).unwrap();
    }
    body
}

/// The sketches of a scrape.
fn sketches(target: &mut Target, body: &str) -> Vec<Sketch> {
    target.answered(TEXT, body);
    target.sketches.clone()
}

/// What a histogram observes within one scrape, in quarters, so that sums are exact.
fn observed() -> impl Strategy<Value = Vec<f64>> {
    vec((0..40u32).prop_map(|quarters| f64::from(quarters) / 4.0), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sketches_have_what_sum_and_count_grew_by(
        scrapes in vec(vec(observed(), 3), 1..8),
        restart in any::<Option<prop::sample::Index>>(),
        is_submitted in any::<bool>(),
        dropped in any::<bool>(),
    ) {
        let options = if is_submitted { SKETCHES } else { ONLY };
        // Where the label is dropped, all histograms are one distribution.
        let mut target = Target::new(&format!("{options}, exclude_labels: [{}]", if dropped { "of" } else { "" }));
        let mut histograms = vec![Histogram::default(); 3];
        target.answered(TEXT, &body(&histograms));
        let restart = restart.map(|restart| restart.index(scrapes.len()));
        for (number, observed) in scrapes.iter().enumerate() {
            if restart == Some(number) {
                histograms.fill(Histogram::default());
            }
            for (histogram, values) in histograms.iter_mut().zip(observed) {
                histogram.observe(values);
            }
            let sketches = sketches(&mut target, &body(&histograms));
            // Whether one that was reset grew beyond what it was before cannot be seen.
            if restart.is_none_or(|restart| number < restart) {
                let all: Vec<f64> = observed.iter().flatten().copied().collect();
                let sums: f64 = sketches.iter().map(Sketch::sum).sum();
                prop_assert_eq!(sums, all.iter().sum::<f64>());
                prop_assert_eq!(sketches.iter().map(|sketch| sketch.count().unsigned_abs()).sum::<u64>(), all.len() as u64);
            }
            for sketch in sketches {
                prop_assert!(sketch.min() <= sketch.avg() && sketch.avg() <= sketch.max());
                prop_assert_eq!(sketch.bins().map(|bin| i64::from(bin.1)).sum::<i64>(), sketch.count());
            }
        }
    }
}

#[test]
fn extremes_are_as_narrow_as_is_known() {
    let mut target = Target::new(ONLY);
    let mut histograms = vec![Histogram::default()];
    target.answered(TEXT, &body(&histograms));
    histograms[0].observe(&[1.75]);
    let of = |sketch: &Sketch| (sketch.count(), sketch.min(), sketch.avg(), sketch.max());
    assert_eq!(of(&sketches(&mut target, &body(&histograms))[0]), (1, 1.75, 1.75, 1.75));
    histograms[0].observe(&[1.5, 3.5]);
    assert_eq!(of(&sketches(&mut target, &body(&histograms))[0]), (2, 1.0, 2.5, 4.0));
    // All that is known of what is above the last bound is the mean.
    histograms[0].observe(&[4.5, 105.5]);
    assert_eq!(of(&sketches(&mut target, &body(&histograms))[0]), (2, 4.0, 55.0, 55.0));
}

#[test]
fn a_sum_that_is_no_sum_of_these_values_is_not_taken() {
    let mut target = Target::new(ONLY);
    let mut histograms = vec![Histogram::default()];
    target.answered(TEXT, &body(&histograms));
    // It lacks, so the next one is one of two scrapes.
    histograms[0].observe(&[1.5]);
    let without: String =
        body(&histograms).lines().filter(|line| !line.starts_with("h_sum")).fold(String::new(), |mut text, line| {
            writeln!(text, "{line}").unwrap();
            text
        });
    assert_ne!(sketches(&mut target, &without)[0].sum(), 1.5);
    histograms[0].observe(&[1.25]);
    let sketch = &sketches(&mut target, &body(&histograms))[0];
    assert_eq!(sketch.count(), 1);
    assert_ne!(sketch.sum(), 2.75);
    // It falls, as it does when something negative was observed.
    histograms[0].observe(&[1.25]);
    histograms[0].sum -= 10.0;
    assert!(sketches(&mut target, &body(&histograms))[0].sum() > 0.0);
    histograms[0].observe(&[1.25]);
    assert_eq!(sketches(&mut target, &body(&histograms))[0].sum(), 1.25);
}
