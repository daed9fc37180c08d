//! One target of `retriever run`: what stays with it from one scrape to the next, and what a scrape does.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::condition::Condition;
use crate::aggregate::TargetKey;
use crate::config::Instance;
use crate::discover::Target;
use crate::map::{Contexts, NativeSubmission, ServiceCheck, Submission, Submissions};
use crate::road::{Road, Witness};
use crate::scrape::{Client, Grid, Job, Skip};
use crate::submit::{Delivery, Submitter};
use crate::telemetry::{Scraped, TargetTelemetry, Telemetry};
use crate::time::UnixTime;

/// What all targets share.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) telemetry: Telemetry,
    pub(super) submitter: Arc<Submitter>,
    /// Asks the process to stop.
    pub(super) stop: watch::Sender<u32>,
}

/// A target and what is remembered of it.
pub(super) struct TargetState {
    target: Target,
    client: Client,
    /// Scrapes of a target never overlap; the lock only says so to the compiler.
    road: tokio::sync::Mutex<Road>,
    /// Held by a scrape of this target, or of the one whose settings these replace.
    turn: Arc<tokio::sync::Mutex<()>>,
    telemetry: TargetTelemetry,
    submitter: Arc<Submitter>,
    stop: watch::Sender<u32>,
    condition: Mutex<Condition>,
    /// Whether the last scrape took longer than its interval.
    overran: AtomicBool,
}

impl TargetState {
    /// A target that was never scraped, and is watched from `now` on. `before`: the one whose settings have changed.
    pub(super) fn new(
        target: Target,
        client: Client,
        surroundings: &Surroundings,
        before: Option<&Self>,
        now: UnixTime,
    ) -> Self {
        Self {
            client,
            road: tokio::sync::Mutex::new(remembering(&target, &surroundings.submitter, now)),
            turn: before.map(|before| Arc::clone(&before.turn)).unwrap_or_default(),
            telemetry: surroundings.telemetry.target(&target.endpoint.to_string()),
            submitter: Arc::clone(&surroundings.submitter),
            stop: surroundings.stop.clone(),
            condition: Mutex::default(),
            overran: AtomicBool::new(false),
            target,
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Takes the target off the metrics page, although a scrape may still run.
    pub(super) fn retire(&self) {
        self.telemetry.retire();
    }

    /// One scrape, from the request to the hand-over for delivery.
    async fn scrape(&self, tick: UnixTime) {
        let _turn = self.turn.lock().await;
        let _running = self.telemetry.begun();
        let interval = self.target.instance.min_collection_interval;
        let (now, begun) = (time_of(tick, UnixTime::now(), interval), Instant::now());
        let endpoint = &self.target.endpoint;
        let mut checks = Checks::default();
        let mut road = self.road.lock().await;
        let response = self.client.fetch(endpoint).await;
        let contribution = road.scrape(response, now, &mut checks).await;
        let duration = begun.elapsed();
        self.telemetry.scraped(&Scraped {
            report: &contribution.report,
            duration,
            points: contribution.batch.points.len(),
            sketches: contribution.batch.sketches.len(),
            refused: &contribution.refused,
            collisions: contribution.collisions.replaced,
            contexts: road.series(),
        });
        self.condition.lock().unwrap_or_else(PoisonError::into_inner).update(endpoint, &contribution, &road);
        if duration < interval {
            self.overran.store(false, Ordering::Relaxed);
        }
        let delivery = Delivery {
            target: Arc::from(endpoint.to_string()),
            time: now,
            batch: contribution.batch,
            slots: Cow::Borrowed(road.slots()),
            service_checks: checks.finish(&self.target.instance),
            events: Vec::new(),
            marks: contribution.marks,
            default_host: !self.target.instance.empty_default_hostname,
        };
        let submitted = self.submitter.submit(&delivery);
        let Delivery { batch, .. } = delivery;
        road.reuse(batch);
        match submitted {
            Ok(()) => {}
            // There is nobody left to scrape for.
            Err(error) if error.is_broken_pipe() => self.stop.send_modify(|asked| *asked = (*asked).max(1)),
            Err(error) => tracing::error!("{error}"),
        }
    }
}

/// The road of a target that is watched from `now` on, which leaves marks if they are kept.
fn road_of(target: &Target, submitter: &Submitter, now: UnixTime) -> Road {
    let road = Road::new(Arc::clone(&target.instance), Some(now));
    if submitter.marks_age().is_some() { road.with_marks(TargetKey(target.identity)) } else { road }
}

/// The same, which goes on where an earlier process was.
fn remembering(target: &Target, submitter: &Submitter, now: UnixTime) -> Road {
    let mut road = road_of(target, submitter, now);
    if let Some(age_limit) = submitter.marks_age() {
        let marks = submitter.take_marks(TargetKey(target.identity));
        if let Err(error) = road.restore(&marks, now, age_limit) {
            tracing::warn!(
                endpoint = %target.endpoint,
                "{error}: the counters of this target begin anew, and what they grew by since the last run is not sent"
            );
        }
    }
    road
}

/// The time of a scrape: its tick, because begins that are late by more or less could share a second, of which Datadog
/// keeps one value; unless the clock of the system was set since the ticks were laid down.
fn time_of(tick: UnixTime, now: UnixTime, interval: Duration) -> UnixTime {
    let late = now.seconds() - tick.seconds();
    if late.abs() <= interval.as_secs_f64() { tick } else { now }
}

impl Job for TargetState {
    fn grid(&self) -> Grid {
        Grid::new(self.target.place, self.target.instance.min_collection_interval)
    }

    async fn run(self: Arc<Self>, tick: UnixTime) {
        self.scrape(tick).await;
    }

    /// All are counted; said once for scrapes that are late one after the other. What is no fault of the target, the
    /// schedule says itself.
    fn skipped(&self, reason: Skip, ticks: u64) {
        self.telemetry.skipped(reason, ticks);
        if reason == Skip::StillRunning && !self.overran.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                endpoint = %self.target.endpoint,
                "the scrape takes longer than its interval; raise `min_collection_interval` or scrape less"
            );
        }
    }

    fn panicked(&self) {
        let endpoint = &self.target.endpoint;
        tracing::error!(%endpoint, "the scrape panicked; this is a defect, please report it");
        // What it left behind may be half of something. The scrape is over, so nobody holds the lock.
        if let Ok(mut road) = self.road.try_lock() {
            *road = road_of(&self.target, &self.submitter, UnixTime::now());
        }
    }
}

/// Keeps the service checks of a scrape; its values go through the aggregator.
#[derive(Debug, Default)]
struct Checks(Vec<ServiceCheck>);

impl Checks {
    /// The service checks with the tag that the Agent adds to what an instance submits.
    fn finish(mut self, instance: &Instance) -> Vec<ServiceCheck> {
        if let Some(service) = &instance.service {
            for check in &mut self.0 {
                check.tags.push(format!("service:{service}"));
            }
        }
        self.0
    }
}

impl Witness for Checks {
    fn sees_submissions(&self) -> bool {
        false
    }
}

impl Submissions for Checks {
    fn submit(&mut self, _: &Submission, _: &Contexts) {}

    fn native(&mut self, _: NativeSubmission, _: &Contexts) {}

    fn service_check(&mut self, check: ServiceCheck) {
        self.0.push(check);
    }

    fn health(&mut self, check: ServiceCheck) {
        self.0.insert(0, check);
    }

    fn metadata(&mut self, name: &str, value: &str) {
        tracing::debug!(name, value, "metadata of the target");
    }
}
