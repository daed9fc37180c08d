//! One target of `retriever run`: what stays with it from one scrape to the next, and what a scrape does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::{ConfiguredInstance, Instance};
use crate::discover::{Endpoint, Target, static_targets};
use crate::map::{Contexts, NativeSubmission, ServiceCheck, Submission, Submissions};
use crate::pipeline::Report;
use crate::road::{Road, Witness};
use crate::scrape::{Client, Tick, USER_AGENT};
use crate::submit::{Delivery, Submitter};
use crate::telemetry::{Scraped, TargetTelemetry, Telemetry};
use crate::time::UnixTime;

/// A target and what is remembered of it.
pub(super) struct TargetState {
    instance: Arc<Instance>,
    client: Client,
    /// Scrapes of a target never overlap; the lock only says so to the compiler.
    road: tokio::sync::Mutex<Road>,
    telemetry: TargetTelemetry,
    submitter: Arc<Submitter>,
    /// Asks the process to stop.
    stop: watch::Sender<u32>,
    condition: Mutex<Condition>,
}

/// How the last scrape went, so that only changes are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Condition {
    state: Option<State>,
    malformed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Down,
    /// Out of reach, which `ignore_connection_errors` says is no failure.
    Ignored,
}

/// The targets and their states, in the same order; everything that keeps one from being scraped at all is an error.
pub(super) fn start_targets(
    instances: Vec<ConfiguredInstance>,
    telemetry: &Telemetry,
    submitter: &Arc<Submitter>,
    stop: &watch::Sender<u32>,
) -> Result<(Vec<Target>, Vec<TargetState>), String> {
    let started = UnixTime::now();
    let (mut endpoints, mut states) = (Vec::new(), Vec::new());
    for instance in instances {
        let ConfiguredInstance::Valid(instance) = instance else { continue };
        let instance: Arc<Instance> = Arc::from(instance);
        let endpoint = Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
        states.push(TargetState {
            client: Client::new(&instance.http, USER_AGENT).map_err(|error| format!("{endpoint}: {error}"))?,
            road: tokio::sync::Mutex::new(Road::new(Arc::clone(&instance), Some(started))),
            telemetry: telemetry.target(&endpoint.to_string()),
            submitter: Arc::clone(submitter),
            stop: stop.clone(),
            condition: Mutex::default(),
            instance,
        });
        endpoints.push(endpoint);
    }
    Ok((static_targets(endpoints), states))
}

impl TargetState {
    pub(super) fn interval(&self) -> Duration {
        self.instance.min_collection_interval
    }

    /// One scrape, from the request to the hand-over for delivery.
    pub(super) async fn scrape(&self, endpoint: &Endpoint, tick: Tick) {
        let (now, begun) = (UnixTime::now(), Instant::now());
        let mut checks = Checks::default();
        let mut road = self.road.lock().await;
        let response = self.client.fetch(endpoint).await;
        let contribution = road.scrape(response, now, &mut checks).await;
        self.telemetry.skipped(tick.missed);
        self.telemetry.scraped(&Scraped {
            report: &contribution.report,
            duration: begun.elapsed(),
            points: contribution.batch.points.len(),
            sketches: contribution.batch.sketches.len(),
            refused: &contribution.refused,
            contexts: road.series(),
        });
        self.tell(endpoint, &contribution.report);
        let delivery = Delivery {
            target: Arc::from(endpoint.to_string()),
            time: now,
            batch: contribution.batch,
            service_checks: checks.finish(&self.instance),
            default_host: !self.instance.empty_default_hostname,
        };
        match self.submitter.submit(&delivery) {
            Ok(()) => {}
            // There is nobody left to scrape for.
            Err(error) if error.is_broken_pipe() => self.stop.send_modify(|asked| *asked = (*asked).max(1)),
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// One line when the target comes up or goes down, and when it begins to expose lines that cannot be read.
    fn tell(&self, endpoint: &Endpoint, report: &Report) {
        let diagnostics = report.told_diagnostics();
        let (state, told) = match (&report.failure, &report.ignored) {
            (Some(failure), _) => (State::Down, Some(failure)),
            (None, Some(ignored)) => (State::Ignored, Some(ignored)),
            (None, None) => (State::Up, None),
        };
        let now = Condition { state: Some(state), malformed: !diagnostics.is_empty() };
        let mut condition = self.condition.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *condition, now);
        let cause = told.map(|failure| failure.message.as_str()).unwrap_or_default();
        match state {
            _ if before.state == Some(state) => tracing::debug!(%endpoint, "as before: {state:?} {cause}"),
            State::Up => tracing::info!(%endpoint, samples = report.totals.samples, "the target is up"),
            State::Down => tracing::warn!(%endpoint, "the target is down: {cause}"),
            State::Ignored => {
                tracing::info!(%endpoint, "the target is out of reach, which the settings say to ignore: {cause}");
            }
        }
        if let Some(diagnostic) = diagnostics.first()
            && !before.malformed
        {
            tracing::warn!(%endpoint, lines = report.totals.malformed, "lines cannot be read; the first:\n{diagnostic}");
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

impl Witness for Checks {}

impl Submissions for Checks {
    fn submit(&mut self, _: Submission, _: &Contexts) {}

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
