//! What is counted for each target: the run loop tells how every scrape went, the metrics page shows the sums.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::aggregate::Refused;
use crate::pipeline::{Report, Stage};
use crate::scrape::Skip;

/// How one scrape went, from the request to the points that were handed on.
#[derive(Clone, Copy, Debug)]
pub struct Scraped<'a> {
    /// From the request to the last submission.
    pub duration: Duration,
    /// What was read, what was dropped, and why it failed. A failure that the settings say to ignore is still one of
    /// the target: it is counted under its stage, and the target is not up.
    pub report: &'a Report,
    /// Points handed to `submit`.
    pub points: usize,
    /// Sketches handed to `submit`.
    pub sketches: usize,
    /// What the aggregator did not take.
    pub refused: &'a [(Refused, u64)],
    /// How many values of gauges replaced each other.
    pub collisions: u64,
    /// How many contexts the target has after the scrape.
    pub contexts: usize,
}

/// Records the scrapes of one target; dropping it takes the target's series off the metrics page.
#[derive(Debug)]
pub struct TargetTelemetry {
    label: Arc<str>,
    counts: Arc<Mutex<Counts>>,
    targets: Arc<Targets>,
    durations: Histogram,
    running: Gauge,
}

/// A scrape that runs, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl TargetTelemetry {
    /// A target that was never scraped.
    pub(super) fn new(endpoint: &str, targets: Arc<Targets>, durations: Histogram, running: Gauge) -> Self {
        let (label, counts) = targets.add(endpoint);
        Self { label, counts, targets, durations, running }
    }

    /// A scrape has begun.
    pub fn begun(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// A scrape has ended.
    pub fn scraped(&self, scrape: &Scraped<'_>) {
        self.durations.observe(scrape.duration.as_secs_f64());
        lock(&self.counts).add(scrape);
    }

    /// `scrapes` were left out.
    pub fn skipped(&self, reason: Skip, scrapes: u64) {
        lock(&self.counts).skipped[reason as usize] += scrapes;
    }

    /// Takes the series of the target off the metrics page, whatever is still recorded, so that another one of the same
    /// endpoint can take its label.
    pub fn retire(&self) {
        let mut targets = lock(&self.targets.0);
        if targets.get(&self.label).is_some_and(|counts| Arc::ptr_eq(counts, &self.counts)) {
            targets.remove(&self.label);
        }
    }
}

impl Drop for TargetTelemetry {
    fn drop(&mut self) {
        self.retire();
    }
}

/// The sums of one target since it was added.
#[derive(Clone, Debug, Default)]
struct Counts {
    successes: u64,
    /// In the order of [`Stage::ALL`].
    failures: [u64; Stage::ALL.len()],
    failure_reasons: BTreeMap<&'static str, u64>,
    /// In the order of [`Skip::ALL`].
    skipped: [u64; Skip::ALL.len()],
    bytes: u64,
    lines: u64,
    samples: u64,
    points: u64,
    sketches: u64,
    collisions: u64,
    dropped: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    last: Option<Last>,
}

/// The last scrape of one target.
#[derive(Clone, Copy, Debug)]
struct Last {
    up: bool,
    duration: Duration,
    families: u64,
    samples: u64,
    contexts: u64,
}

impl Counts {
    fn add(&mut self, scrape: &Scraped<'_>) {
        let Scraped { duration, report, points, sketches, refused, collisions, contexts } = *scrape;
        let failure = report.failure.as_ref().or(report.ignored.as_ref());
        match failure {
            None => self.successes += 1,
            Some(failure) => {
                self.failures[failure.stage as usize] += 1;
                *self.failure_reasons.entry(failure.reason).or_default() += 1;
            }
        }
        self.bytes += report.totals.bytes;
        self.lines += report.totals.lines;
        self.samples += report.totals.samples;
        self.points += points as u64;
        self.sketches += sketches as u64;
        self.collisions += collisions;
        for (reason, count) in report.dropped.iter() {
            *self.dropped.entry(reason.as_str()).or_default() += count;
        }
        for &(reason, count) in refused {
            *self.refused.entry(reason.as_str()).or_default() += count;
        }
        self.last = Some(Last {
            up: failure.is_none(),
            duration,
            families: report.totals.families,
            samples: report.totals.samples,
            contexts: contexts as u64,
        });
    }

    fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let failures = Stage::ALL.into_iter().map(|stage| (stage.as_str(), self.failures[stage as usize]));
        std::iter::once(("success", self.successes)).chain(failures)
    }

    fn skips(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Skip::ALL.into_iter().map(|reason| (reason.as_str(), self.skipped[reason as usize]))
    }
}

/// All targets by their label. Both locks, this and that of a target's counts, are only held to add or to copy.
#[derive(Debug, Default)]
pub(super) struct Targets(Mutex<BTreeMap<Arc<str>, Arc<Mutex<Counts>>>>);

impl Targets {
    /// The labels of the targets that were never scraped.
    pub(super) fn untried(&self) -> Vec<Arc<str>> {
        lock(&self.0)
            .iter()
            .filter(|(_, counts)| lock(counts).last.is_none())
            .map(|(label, _)| Arc::clone(label))
            .collect()
    }

    /// Adds a target. Another one of the same endpoint is told apart by a number: two instances may scrape one endpoint.
    fn add(&self, endpoint: &str) -> (Arc<str>, Arc<Mutex<Counts>>) {
        let mut targets = lock(&self.0);
        let mut label: Arc<str> = endpoint.into();
        let mut number = 1;
        while targets.contains_key(&label) {
            number += 1;
            label = format!("{endpoint} ({number})").into();
        }
        let counts = Arc::<Mutex<Counts>>::default();
        targets.insert(Arc::clone(&label), Arc::clone(&counts));
        (label, counts)
    }

    fn read(&self) -> Reading {
        let targets: Vec<_> =
            lock(&self.0).iter().map(|(label, counts)| (Arc::clone(label), Arc::clone(counts))).collect();
        Reading(targets.into_iter().map(|(label, counts)| (label, lock(&counts).clone())).collect())
    }
}

/// Counting cannot fail halfway, so what a panicking thread left is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows [`Targets`] on the metrics page.
#[derive(Debug)]
pub(super) struct TargetCollector(pub(super) Arc<Targets>);

impl Collector for TargetCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let reading = self.0.read();
        reading.encode_last(&mut families)?;
        reading.encode_sums(&mut families)?;
        reading.encode_reasons(&mut families)
    }
}

/// The sums of all targets at one moment.
struct Reading(Vec<(Arc<str>, Counts)>);

impl Reading {
    fn encode_last(&self, families: &mut Families<'_>) -> fmt::Result {
        let help = "Whether the last scrape of the target succeeded";
        let family = Description::new("retriever_target_up", help);
        families.gauges(&family, self.last(|last| u64::from(last.up)))?;

        let help = "How long the last scrape of the target took, from the request to the last submission";
        let family = Description::with_unit("retriever_scrape_last_duration", Unit::Seconds, help);
        families.gauges(&family, self.last(|last| last.duration.as_secs_f64()))?;

        let family = Description::new("retriever_scrape_last_families", "Metric families in the last scrape");
        families.gauges(&family, self.last(|last| last.families))?;

        let family = Description::new("retriever_scrape_last_samples", "Samples in the last scrape");
        families.gauges(&family, self.last(|last| last.samples))?;

        let help = "Distinct combinations of metric name, tags and host that the target has";
        let family = Description::new("retriever_contexts", help);
        families.gauges(&family, self.last(|last| last.contexts))
    }

    fn encode_sums(&self, families: &mut Families<'_>) -> fmt::Result {
        let help = "Bytes of exposition read, after decompression";
        let family = Description::with_unit("retriever_scrape_body", Unit::Bytes, help);
        families.counters(&family, self.sums(|counts| counts.bytes))?;

        let family = Description::new("retriever_scrape_lines", "Lines of exposition read");
        families.counters(&family, self.sums(|counts| counts.lines))?;

        let family = Description::new("retriever_scrape_samples", "Samples read");
        families.counters(&family, self.sums(|counts| counts.samples))?;

        let family = Description::new("retriever_points", "Points handed on for delivery");
        families.counters(&family, self.sums(|counts| counts.points))?;

        let family = Description::new("retriever_sketches", "Sketches handed on for delivery");
        families.counters(&family, self.sums(|counts| counts.sketches))?;

        let help = "Values of gauges that another series of the same name and tags replaced within a scrape";
        let family = Description::new("retriever_collisions", help);
        families.counters(&family, self.sums(|counts| counts.collisions))
    }

    fn encode_reasons(&self, families: &mut Families<'_>) -> fmt::Result {
        let help = "Scrapes by their outcome: success, or the stage that failed";
        let family = Description::new("retriever_scrapes", help);
        families.counters(&family, self.by("outcome", Counts::outcomes))?;

        let help = "Scrapes left out, by reason";
        let family = Description::new("retriever_skipped_scrapes", help);
        families.counters(&family, self.by("reason", Counts::skips))?;

        let help = "Scrapes that failed, by reason";
        let family = Description::new("retriever_scrape_failures", help);
        families.counters(&family, self.by("reason", |counts| pairs(&counts.failure_reasons)))?;

        let help = "Samples and lines that became no submission, by reason";
        let family = Description::new("retriever_dropped", help);
        families.counters(&family, self.by("reason", |counts| pairs(&counts.dropped)))?;

        let help = "Submissions that became no point or sketch, by reason";
        let family = Description::new("retriever_refused", help);
        families.counters(&family, self.by("reason", |counts| pairs(&counts.refused)))
    }

    /// A value of the last scrape of each target that was scraped.
    fn last<V>(&self, value: impl Fn(Last) -> V) -> impl Iterator<Item = ([(&'static str, &str); 1], V)> {
        self.0.iter().filter_map(move |(label, counts)| Some(([("target", &**label)], value(counts.last?))))
    }

    /// A sum of each target.
    fn sums(&self, value: impl Fn(&Counts) -> u64) -> impl Iterator<Item = ([(&'static str, &str); 1], u64)> {
        self.0.iter().map(move |(label, counts)| ([("target", &**label)], value(counts)))
    }

    /// Sums of each target that are told apart by another label.
    fn by<'r, I: Iterator<Item = (&'static str, u64)>>(
        &'r self,
        name: &'static str,
        values: impl Fn(&'r Counts) -> I,
    ) -> impl Iterator<Item = ([(&'static str, &'r str); 2], u64)> {
        self.0.iter().flat_map(move |(label, counts)| {
            values(counts).map(move |(value, count)| ([("target", &**label), (name, value)], count))
        })
    }
}

fn pairs(counts: &BTreeMap<&'static str, u64>) -> impl Iterator<Item = (&'static str, u64)> {
    counts.iter().map(|(&reason, &count)| (reason, count))
}
