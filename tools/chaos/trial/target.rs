//! One target: what it counts, what it exposes of that, and a record of everything that it exposed.

use std::fmt::Write as _;

use super::counters::{BOUNDS, Flickering, Histogram, Life};
use super::random::Random;

/// The metric that tells which exposition of a target a point comes from.
pub(super) const SEQUENCE: &str = "chaos.sequence";

/// What is promised of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    Gauge,
    Steady,
    Resetting,
    Flickering,
    Histogram,
    /// The values in a distribution.
    Distribution,
    /// Their sum.
    DistributionSum,
}

impl Class {
    pub(super) const ALL: [Self; 7] = [
        Self::Gauge,
        Self::Steady,
        Self::Resetting,
        Self::Flickering,
        Self::Histogram,
        Self::Distribution,
        Self::DistributionSum,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauges",
            Self::Steady => "steady counters",
            Self::Resetting => "counters that reset",
            Self::Flickering => "counters that come and go",
            Self::Histogram => "histograms as counters",
            Self::Distribution => "distributions, counts",
            Self::DistributionSum => "distributions, sums",
        }
    }
}

/// The value of a series in one exposition.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// As Datadog knows it: the metric and its tags, sorted.
    pub(super) series: String,
    pub(super) class: Class,
    pub(super) value: f64,
    /// Of the counter, or of its histogram.
    pub(super) life: u32,
    /// Whether the exposition says when that began.
    pub(super) has_start: bool,
}

/// Everything in one exposition.
#[derive(Clone, Debug)]
pub(super) struct Exposure {
    pub(super) readings: Vec<Reading>,
    /// To which start of the program it was handed out.
    pub(super) start: usize,
}

/// The name of a series of a target: the metric and its tags, but for that of the endpoint.
pub(super) fn series_name<'t>(metric: &str, tags: impl IntoIterator<Item = &'t str>) -> String {
    let mut tags: Vec<&str> = tags.into_iter().collect();
    tags.sort_unstable();
    format!("{metric} {}", tags.join(","))
}

/// What is made of the histograms of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Histograms {
    Counters,
    /// A distribution for each bucket. What its values add up to, is not known.
    OfBuckets,
    /// One distribution of all values.
    Distributions,
}

impl Histograms {
    /// The option that says so.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Counters => "collect_histogram_buckets",
            Self::OfBuckets => "histogram_buckets_as_distributions",
            Self::Distributions => "collect_histograms_as_distributions",
        }
    }
}

#[derive(Debug)]
pub(super) struct Target {
    number: usize,
    random: Random,
    /// When it last exposed something.
    last: f64,
    levels: Vec<f64>,
    steady: Vec<Life>,
    resetting: Vec<Life>,
    flickering: Vec<Flickering>,
    histograms: Vec<Histogram>,
    record: Vec<Exposure>,
}

impl Target {
    /// Every second target writes OpenMetrics, with start times.
    pub(super) fn is_openmetrics(number: usize) -> bool {
        number % 2 == 1
    }

    /// Two after each other have the same.
    pub(super) fn histograms(number: usize) -> Histograms {
        [Histograms::Counters, Histograms::OfBuckets, Histograms::Distributions][number / 2 % 3]
    }

    pub(super) fn new(number: usize, seed: u64, now: f64) -> Self {
        let mut random = Random::new(seed, number as u64);
        // Far enough that Retriever cannot have been there.
        let began = now - 100_000.0;
        let mut lives = |count: usize| -> Vec<Life> {
            (0..count).map(|_| Life::begun(0, began, random.within(1000..=1_000_000))).collect()
        };
        let (steady, resetting, flickering) = (lives(12), lives(6), lives(6));
        let mut histograms = vec![Histogram::begun(0, began); 3];
        // As old as the counters.
        for histogram in &mut histograms {
            for _ in 0..60 {
                histogram.step(&mut random, false, began);
            }
        }
        Self {
            number,
            last: now,
            levels: vec![0.0; 6],
            steady,
            resetting,
            flickering: flickering.into_iter().map(|life| Flickering { life, visible: true }).collect(),
            histograms,
            record: Vec::new(),
            random,
        }
    }

    /// All expositions so far; the first one has the number 0.
    pub(super) fn record(&self) -> &[Exposure] {
        &self.record
    }

    /// Moves everything on. Whatever begins anew does so at `at`.
    fn step(&mut self, at: f64) {
        let random = &mut self.random;
        for level in &mut self.levels {
            *level += (random.within(0..=2000) as f64 - 1000.0) / 8.0;
        }
        self.steady.iter_mut().for_each(|life| life.count(random, 100, false, at));
        self.resetting.iter_mut().for_each(|life| life.count(random, 60, true, at));
        self.flickering.iter_mut().for_each(|flickering| flickering.step(random, at));
        for (number, histogram) in self.histograms.iter_mut().enumerate() {
            histogram.step(random, number > 0, at);
        }
    }

    /// Moves everything on, and writes the exposition that comes next, for this start of the program.
    pub(super) fn expose(&mut self, now: f64, start: usize) -> String {
        // Whatever begins anew did so between this exposition and the one before.
        let between = f64::midpoint(self.last, now);
        self.last = now;
        // What is exposed first is older than the trial, and all of it is there, so that what comes later is known to be new.
        if !self.record.is_empty() {
            self.step(between);
        }
        let mut page = Page::new(self.number);
        page.family("sequence", "gauge");
        page.gauge("sequence", "", self.record.len() as f64);
        page.family("level", "gauge");
        for (number, level) in self.levels.iter().enumerate() {
            page.gauge("level", &format!("number=\"{number}\""), *level);
        }
        let lives = |lives: &[Life]| -> Vec<_> {
            lives.iter().enumerate().map(|(number, life)| (format!("number=\"{number}\""), *life)).collect()
        };
        page.counters("steady", Class::Steady, &lives(&self.steady));
        page.counters("resetting", Class::Resetting, &lives(&self.resetting));
        let visible = self.flickering.iter().enumerate().filter(|(_, flickering)| flickering.visible);
        let labels = |number, life: Life| (format!("number=\"{number}\",life=\"{}\"", life.number), life);
        let visible: Vec<_> = visible.map(|(number, flickering)| labels(number, flickering.life)).collect();
        page.counters("flickering", Class::Flickering, &visible);
        page.histograms(&self.histograms);
        let (text, readings) = page.finish();
        self.record.push(Exposure { readings, start });
        text
    }
}

/// An exposition that is being written, and recorded.
struct Page {
    target: String,
    is_openmetrics: bool,
    mode: Histograms,
    text: String,
    readings: Vec<Reading>,
}

impl Page {
    fn new(target: usize) -> Self {
        Self {
            target: format!("target:{target}"),
            is_openmetrics: Target::is_openmetrics(target),
            mode: Target::histograms(target),
            text: String::new(),
            readings: Vec::new(),
        }
    }

    fn finish(mut self) -> (String, Vec<Reading>) {
        if self.is_openmetrics {
            self.text.push_str("# EOF\n");
        }
        (self.text, self.readings)
    }

    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.text.write_fmt(arguments).expect("a string takes text");
        self.text.push('\n');
    }

    fn family(&mut self, name: &str, metric_type: &str) {
        self.line(format_args!("# TYPE {name} {metric_type}"));
    }

    fn record(&mut self, metric: &str, labels: &str, more: &[&str], class: Class, value: f64, life: u32) {
        let tags: Vec<String> = labels.split(',').filter_map(tag).collect();
        let tags = tags.iter().map(String::as_str).chain(more.iter().copied()).chain([&*self.target]);
        let series = series_name(metric, tags);
        self.readings.push(Reading { series, class, value, life, has_start: self.is_openmetrics });
    }

    fn gauge(&mut self, name: &str, labels: &str, value: f64) {
        self.line(format_args!("{name}{{{labels}}} {value}"));
        self.record(&format!("chaos.{name}"), labels, &[], Class::Gauge, value, 0);
    }

    fn counters(&mut self, name: &str, class: Class, counters: &[(String, Life)]) {
        let family = if self.is_openmetrics { name.to_owned() } else { format!("{name}_total") };
        self.family(&family, "counter");
        for (labels, life) in counters {
            self.line(format_args!("{name}_total{{{labels}}} {}", life.value));
            if self.is_openmetrics {
                self.line(format_args!("{name}_created{{{labels}}} {:.3}", life.began));
            }
            self.record(&format!("chaos.{name}.count"), labels, &[], class, life.value as f64, life.number);
        }
    }

    fn histograms(&mut self, histograms: &[Histogram]) {
        self.family("latency", "histogram");
        for (number, histogram) in histograms.iter().enumerate() {
            let labels = format!("number=\"{number}\"");
            let (count, sum, life) = (histogram.count() as f64, histogram.sum as f64 / 64.0, histogram.number);
            let mut below = 0;
            for (index, of_bucket) in histogram.counts.iter().enumerate() {
                below += of_bucket;
                let bound = BOUNDS.get(index).map(|bound| format!("{:?}", *bound as f64 / 64.0));
                let le = bound.as_deref().unwrap_or("+Inf");
                self.line(format_args!("latency_bucket{{{labels},le=\"{le}\"}} {below}"));
                // The last bucket is no metric of its own: it says what the count says.
                if let Some(bound) = bound.filter(|_| self.mode == Histograms::Counters) {
                    let bound = format!("upper_bound:{bound}");
                    self.record("chaos.latency.bucket", &labels, &[&bound], Class::Histogram, below as f64, life);
                }
            }
            self.line(format_args!("latency_sum{{{labels}}} {sum}"));
            self.line(format_args!("latency_count{{{labels}}} {count}"));
            if self.is_openmetrics {
                self.line(format_args!("latency_created{{{labels}}} {:.3}", histogram.began));
            }
            self.record("chaos.latency.sum", &labels, &[], Class::Histogram, sum, life);
            self.record("chaos.latency.count", &labels, &[], Class::Histogram, count, life);
            if self.mode != Histograms::Counters {
                self.record("chaos.latency", &labels, &[], Class::Distribution, count, life);
            }
            if self.mode == Histograms::Distributions {
                self.record("chaos.latency", &labels, &[], Class::DistributionSum, sum, life);
            }
        }
    }
}

/// The tag of a label as written in an exposition; none for no label.
fn tag(label: &str) -> Option<String> {
    let (name, value) = label.split_once('=')?;
    Some(format!("{name}:{}", value.trim_matches('"')))
}
