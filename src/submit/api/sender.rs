//! The task that sends to one intake: the newest first, several at a time while all goes well, one at a time after a
//! failure, and none while the gate of their kind is closed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::Pace;
use super::answer::Answer;
use super::client::Client;
use super::key_watch::KeyWatch;
use super::lane::LaneId;
use super::payload::{PayloadKind, halve};
use super::retry::Gate;
use super::state::{Shared, State};
use super::store::{Body, Job};
use super::validate::{KeyCheck, validate};
use crate::submit::stats::{DropReason, Stats};
use crate::throttle::Throttle;
use crate::time::UnixTime;

/// What a request, or a try to make one, came to.
#[derive(Debug)]
enum Outcome {
    Answered(Answer, Bytes),
    /// The body cannot be read again.
    Unreadable(String),
    Key(KeyCheck),
}

/// What a running request carries.
#[derive(Debug)]
enum Errand {
    /// A payload, and which client sends it.
    Payload(Job, u64),
    Key,
}

#[derive(Debug)]
pub(super) struct Sender {
    lane: LaneId,
    client: Arc<Client>,
    /// How many clients there were before this one.
    replaced: u64,
    shared: Arc<Shared>,
    pace: Pace,
    gates: [Gate; PayloadKind::ALL.len()],
    requests: JoinSet<Outcome>,
    under_way: HashMap<Id, Errand>,
    key: KeyWatch,
    is_draining: bool,
    /// Kinds that failed, or were refused, since the intake last accepted one of them.
    in_trouble: [bool; PayloadKind::ALL.len()],
    malformed: Throttle,
    too_large: Throttle,
    unreadable: Throttle,
}

impl Sender {
    pub(super) fn new(lane: LaneId, client: Arc<Client>, shared: Arc<Shared>, pace: Pace) -> Self {
        Self {
            lane,
            client,
            replaced: 0,
            shared,
            key: KeyWatch::new(Instant::now(), pace.key_checks),
            pace,
            gates: [Gate::default(); PayloadKind::ALL.len()],
            requests: JoinSet::new(),
            under_way: HashMap::new(),
            is_draining: false,
            in_trouble: Default::default(),
            malformed: Throttle::default(),
            too_large: Throttle::default(),
            unreadable: Throttle::default(),
        }
    }

    /// Runs until it is drained, or the settings name its intake no more.
    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            let Some(wake) = self.look_around() else { break };
            self.launch(now);
            if self.is_finished(now) {
                break;
            }
            let next_event = self.next_event(now);
            tokio::select! {
                Some(done) = self.requests.join_next_with_id() => self.settle(done),
                () = wake.notified() => {}
                () = sleep_until(next_event) => {}
            }
        }
        self.requests.abort_all();
    }

    /// Notices other settings and the begin of a shutdown. `None`: there is no such lane any more.
    fn look_around(&mut self) -> Option<Arc<tokio::sync::Notify>> {
        let mut state = self.shared.lock();
        let is_draining = state.is_draining();
        let lane = state.store.lane(self.lane)?;
        if let Some(client) = lane.replacement.take() {
            self.client = client;
            self.replaced += 1;
            self.gates.iter_mut().for_each(Gate::open);
            self.key.believe();
        }
        if is_draining && !self.is_draining {
            self.is_draining = true;
            self.gates.iter_mut().for_each(Gate::open);
        }
        Some(Arc::clone(&lane.wake))
    }

    /// Starts as many requests as the gates allow.
    fn launch(&mut self, now: Instant) {
        self.ask_for_key(now);
        while self.requests.len() < self.pace.requests.max(1) {
            let mut running = [0; PayloadKind::ALL.len()];
            for errand in self.under_way.values() {
                if let Errand::Payload(job, _) = errand {
                    running[job.kind as usize] += 1;
                }
            }
            let (gates, is_doubted) = (&self.gates, self.key.is_doubted());
            let is_ready = |kind: PayloadKind| {
                let gate = &gates[kind as usize];
                let waits_for_key = is_doubted && gate.is_refused();
                gate.is_open(now) && !waits_for_key && !(gate.is_probing() && running[kind as usize] > 0)
            };
            let Some(job) = self.shared.lock().store.pop(self.lane, is_ready) else { return };
            let (client, kind, body) = (Arc::clone(&self.client), job.kind, job.body.clone());
            let handle = self.requests.spawn(async move {
                match load(body).await {
                    Ok(body) => Outcome::Answered(client.deliver(kind, body.clone()).await, body),
                    Err(error) => Outcome::Unreadable(error),
                }
            });
            self.under_way.insert(handle.id(), Errand::Payload(job, self.replaced));
        }
    }

    /// Asks about the key before something is sent again that was refused because of it, and now and then.
    fn ask_for_key(&mut self, now: Instant) {
        let is_refused_and_due = {
            let mut state = self.shared.lock();
            let Some(lane) = state.store.lane(self.lane) else { return };
            PayloadKind::ALL.into_iter().any(|kind| {
                let gate = &self.gates[kind as usize];
                gate.is_refused() && gate.is_open(now) && lane.holds(kind)
            })
        };
        if !self.key.is_to_be_asked(now, is_refused_and_due) {
            return;
        }
        let client = Arc::clone(&self.client);
        let handle = self.requests.spawn(async move { Outcome::Key(validate(&client).await) });
        self.under_way.insert(handle.id(), Errand::Key);
    }

    fn is_finished(&self, now: Instant) -> bool {
        let mut state = self.shared.lock();
        let Some(deadline) = state.deadline else { return false };
        if now >= deadline {
            return true;
        }
        if !state.loads_are_in {
            return false;
        }
        let Some(lane) = state.store.lane(self.lane) else { return true };
        let opens_in_time = |kind: PayloadKind| {
            lane.holds(kind) && self.gates[kind as usize].opens_at(now).is_none_or(|at| at < deadline)
        };
        let carries = self.under_way.values().any(|errand| matches!(errand, Errand::Payload(..)));
        !carries && !PayloadKind::ALL.into_iter().any(opens_in_time)
    }

    /// The next moment at which something is due although nobody wakes the task.
    fn next_event(&self, now: Instant) -> Instant {
        let mut state = self.shared.lock();
        let deadline = state.deadline;
        let Some(lane) = state.store.lane(self.lane) else { return now };
        let gates = PayloadKind::ALL.into_iter().filter(|kind| lane.holds(*kind));
        let gates = gates.filter_map(|kind| self.gates[kind as usize].opens_at(now));
        let routine = now + Duration::from_mins(1);
        gates.chain(deadline).chain(self.key.next(now)).min().map_or(routine, |next| next.min(routine))
    }

    fn settle(&mut self, done: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match done {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => {
                let answer = Answer::Later { reason: error.to_string(), wait: None };
                (error.id(), Outcome::Answered(answer, Bytes::new()))
            }
        };
        let now = Instant::now();
        match (self.under_way.remove(&id), outcome) {
            (Some(Errand::Key), Outcome::Key(check)) => self.settle_key(check, now),
            (Some(Errand::Key), _) => self.key.unknown(now),
            (Some(Errand::Payload(job, _)), Outcome::Unreadable(error)) => self.miss(&job, &error, now),
            (Some(Errand::Payload(job, sender)), Outcome::Answered(answer, body)) => {
                self.settle_payload(&job, sender, answer, &body, now);
            }
            (Some(Errand::Payload(job, _)), Outcome::Key(_)) => self.put_back(&job, String::new()),
            (None, _) => {}
        }
        self.judge_health();
    }

    fn settle_payload(&mut self, job: &Job, sender: u64, answer: Answer, body: &Bytes, now: Instant) {
        match answer {
            Answer::Accepted => self.accept(job, body.len()),
            Answer::Malformed(errors) => self.reject(job, &errors, now),
            Answer::TooLarge => self.split(job, body, now),
            // Says nothing of the key and the URL that count now.
            Answer::Refused(status) if sender != self.replaced => {
                self.put_back(job, format!("the intake answered {status} to the settings before"));
            }
            Answer::Refused(status) => self.hold(job, status, now),
            Answer::Later { reason, wait } => {
                let kind = job.kind;
                self.gates[kind as usize].fail(now, self.pace.transient, chance(), wait);
                let message = format!("`{}{}`: {reason}; it will be tried again", self.client.url(), kind.path());
                // Once: whatever fails from here on fails for the same reason, most likely.
                if self.is_well() {
                    tracing::warn!("{message}");
                } else {
                    tracing::debug!("{message}");
                }
                self.in_trouble[kind as usize] = true;
                self.put_back(job, message);
            }
        }
    }

    fn settle_key(&mut self, check: KeyCheck, now: Instant) {
        match check {
            KeyCheck::Valid => {
                if self.key.valid(now) {
                    tracing::info!("`{}` knows the API key again", self.client.url());
                }
            }
            KeyCheck::Invalid(message) => {
                // What was refused is not tried before somebody has had the time to put the key right.
                for gate in self.gates.iter_mut().filter(|gate| gate.is_refused()) {
                    gate.refuse(now, self.pace.refused, chance());
                }
                let is_told = self.gates.iter().any(Gate::is_refused);
                if self.key.invalid(now) && !is_told {
                    tracing::error!("{message}");
                }
                self.note(|stats| stats.fail(UnixTime::now(), message));
            }
            KeyCheck::Unreachable(message) => {
                tracing::debug!("{message}");
                self.key.unknown(now);
            }
        }
    }

    fn accept(&mut self, job: &Job, bytes: usize) {
        let was_in_trouble = std::mem::take(&mut self.in_trouble[job.kind as usize]);
        if was_in_trouble && self.is_well() {
            tracing::info!("`{}` accepts payloads again", self.client.url());
        }
        self.gates[job.kind as usize].succeed();
        self.note(|stats| stats.succeed(UnixTime::now(), job.entries, bytes));
        self.change(|state, lane| state.store.delivered(lane, job.key));
    }

    fn reject(&mut self, job: &Job, errors: &str, now: Instant) {
        self.gates[job.kind as usize].succeed();
        let (url, path, points) = (self.client.url(), job.kind.path(), job.entries);
        let message = format!("`{url}{path}` rejected {points} points as malformed (400): {errors}");
        if let Some(withheld) = self.malformed.pass(now) {
            tracing::error!("{message} ({withheld} more like this since the last such message)");
        }
        self.give_up(job, DropReason::Rejected, message);
    }

    fn split(&mut self, job: &Job, body: &Bytes, now: Instant) {
        self.gates[job.kind as usize].succeed();
        if let Some(halves) = halve(job.kind, body, job.created) {
            self.change(|state, lane| state.store.split(lane, job.key, halves));
            return;
        }
        let message = format!(
            "`{}{}` takes not even a single point (413): {} bytes are too large; points are dropped: check what limits \
             the size of requests on the way to Datadog",
            self.client.url(),
            job.kind.path(),
            body.len()
        );
        if let Some(withheld) = self.too_large.pass(now) {
            tracing::error!("{message} ({withheld} more like this since the last such message)");
        }
        self.give_up(job, DropReason::TooLarge, message);
    }

    fn miss(&mut self, job: &Job, error: &str, now: Instant) {
        let points = job.entries;
        let message =
            format!("{points} points cannot be read again from the data directory: {error}; they are dropped");
        if let Some(withheld) = self.unreadable.pass(now) {
            tracing::error!("{message} ({withheld} more like this since the last such message)");
        }
        self.give_up(job, DropReason::Unreadable, message);
    }

    fn hold(&mut self, job: &Job, status: StatusCode, now: Instant) {
        let kind = job.kind;
        let is_for_key = matches!(status.as_u16(), 401 | 403);
        let advice = if is_for_key {
            "the API key is not valid there: compare `api_key` and `site` (`dd_url`), for a key works at one site only"
        } else {
            "there is no such intake: compare `site` and `dd_url`"
        };
        let url = self.client.url();
        let message = format!("`{url}{}` answers {status}: {advice}; metrics are held for 55 minutes", kind.path());
        let was_refused = self.gates.iter().any(Gate::is_refused);
        self.gates[kind as usize].refuse(now, self.pace.refused, chance());
        if is_for_key {
            self.key.doubt();
        }
        if was_refused {
            tracing::debug!("{message}");
        } else {
            tracing::error!("{message}");
        }
        self.in_trouble[kind as usize] = true;
        self.put_back(job, message);
    }

    fn put_back(&self, job: &Job, message: String) {
        self.note(|stats| {
            stats.retries += 1;
            stats.fail(UnixTime::now(), message);
        });
        self.change(|state, lane| state.store.put_back(lane, job.key));
    }

    fn give_up(&self, job: &Job, reason: DropReason, message: String) {
        self.note(|stats| stats.fail(UnixTime::now(), message));
        self.change(|state, lane| state.store.give_up(lane, job.key, reason));
    }

    /// Changes the store, and has the journal know what that means.
    fn change(&self, change: impl FnOnce(&mut State, LaneId)) {
        let mut state = self.shared.lock();
        change(&mut state, self.lane);
        let has_notices = state.store.has_notices();
        drop(state);
        if has_notices {
            self.shared.loader.notify_one();
        }
    }

    /// Counts.
    fn note(&self, note: impl FnOnce(&mut Stats)) {
        if let Some(lane) = self.shared.lock().store.lane(self.lane) {
            note(&mut lane.stats);
        }
    }

    /// Whether no kind has failed since it last succeeded.
    fn is_well(&self) -> bool {
        !self.in_trouble.contains(&true)
    }

    fn judge_health(&self) {
        let is_unhealthy = self.gates.iter().any(Gate::is_unhealthy);
        self.note(|stats| {
            let since = stats.unhealthy_since;
            stats.unhealthy_since = is_unhealthy.then(|| since.unwrap_or_else(UnixTime::now));
        });
    }
}

/// The body, wherever it is.
async fn load(body: Body) -> Result<Bytes, String> {
    match body {
        Body { memory: Some(body), .. } => Ok(body),
        Body { place: Some(place), .. } => {
            let read = tokio::task::spawn_blocking(move || place.read()).await;
            read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        }
        Body { .. } => Err("it was given up".to_owned()),
    }
}

/// A number from 0 to 1 that differs from process to process, so that their retries do not meet.
fn chance() -> f64 {
    // The standard library seeds each hasher anew from the system's randomness.
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}
