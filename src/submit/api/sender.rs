//! The task that sends payloads: the newest first, several at a time while all goes well, one at a time after a
//! failure, and none while the gate of their kind is closed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hyper::StatusCode;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::Pace;
use super::answer::Answer;
use super::client::Client;
use super::payload::{Payload, PayloadKind};
use super::retry::Gate;
use super::state::Shared;
use crate::submit::stats::DropReason;
use crate::throttle::Throttle;
use crate::time::UnixTime;

#[derive(Debug)]
pub(super) struct Sender {
    client: Arc<Client>,
    /// How many clients there were before this one.
    replaced: u64,
    shared: Arc<Shared>,
    pace: Pace,
    gates: [Gate; PayloadKind::ALL.len()],
    requests: JoinSet<Answer>,
    /// What the running requests carry, and which client sends it.
    under_way: HashMap<Id, (Payload, u64)>,
    is_draining: bool,
    /// Kinds that failed, or were refused, since the intake last accepted one of them.
    in_trouble: [bool; PayloadKind::ALL.len()],
    malformed: Throttle,
    too_large: Throttle,
    overflow: Throttle,
    lost_before: u64,
}

impl Sender {
    pub(super) fn new(client: Arc<Client>, shared: Arc<Shared>, pace: Pace) -> Self {
        Self {
            client,
            replaced: 0,
            shared,
            pace,
            gates: [Gate::default(); PayloadKind::ALL.len()],
            requests: JoinSet::new(),
            under_way: HashMap::new(),
            is_draining: false,
            in_trouble: Default::default(),
            malformed: Throttle::default(),
            too_large: Throttle::default(),
            overflow: Throttle::default(),
            lost_before: 0,
        }
    }

    /// Runs until it is drained.
    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.look_after_queue(now);
            self.launch(now);
            if self.is_finished(now) {
                break;
            }
            let next_event = self.next_event(now);
            tokio::select! {
                Some(done) = self.requests.join_next_with_id() => self.settle(done),
                () = self.shared.wake.notified() => {}
                () = sleep_until(next_event) => {}
            }
        }
        self.give_up();
    }

    /// Closes loads that waited long enough, drops what is too old, and notices other settings and the begin of a shutdown.
    fn look_after_queue(&mut self, now: Instant) {
        let packed = {
            let mut state = self.shared.lock();
            let lost = state.queue.expire(UnixTime::now());
            state.stats.dropped.add(DropReason::TooOld, lost);
            if let Some(client) = state.replacement.take() {
                self.client = client;
                self.replaced += 1;
                self.gates.iter_mut().for_each(Gate::open);
            }
            if state.is_draining() && !self.is_draining {
                self.is_draining = true;
                self.gates.iter_mut().for_each(Gate::open);
            }
            let is_due = state.open_since.is_some_and(|since| self.is_draining || now >= since + self.pace.linger);
            if is_due { state.unpack() } else { Vec::new() }
        };
        for packed in packed {
            self.shared.queue(packed);
        }
        self.report_losses(now);
    }

    fn report_losses(&mut self, now: Instant) {
        let dropped = self.shared.lock().stats.dropped;
        let lost = dropped.count(DropReason::QueueFull) + dropped.count(DropReason::TooOld);
        if lost > self.lost_before && self.overflow.pass(now).is_some() {
            let url = self.client.url();
            let points = lost - self.lost_before;
            tracing::warn!(
                "{points} points were dropped: `{url}` did not take them before the queue was full or they were too old"
            );
            self.lost_before = lost;
        }
    }

    /// Starts as many requests as the gates allow.
    fn launch(&mut self, now: Instant) {
        loop {
            let mut running = [0; PayloadKind::ALL.len()];
            for (payload, _) in self.under_way.values() {
                running[payload.kind as usize] += 1;
            }
            if self.requests.len() >= self.pace.requests.max(1) {
                return;
            }
            let gates = &self.gates;
            let is_ready = |kind: PayloadKind| {
                let gate = &gates[kind as usize];
                gate.is_open(now) && !(gate.is_probing() && running[kind as usize] > 0)
            };
            let Some(payload) = self.shared.lock().queue.pop(is_ready) else { return };
            let client = Arc::clone(&self.client);
            let copy = payload.clone();
            let handle = self.requests.spawn(async move { client.deliver(&copy).await });
            self.under_way.insert(handle.id(), (payload, self.replaced));
        }
    }

    fn is_finished(&self, now: Instant) -> bool {
        let state = self.shared.lock();
        let Some(deadline) = state.deadline else { return false };
        if now >= deadline {
            return true;
        }
        let opens_in_time = |kind: PayloadKind| {
            state.queue.holds(kind) && self.gates[kind as usize].opens_at(now).is_none_or(|at| at < deadline)
        };
        self.under_way.is_empty() && !PayloadKind::ALL.into_iter().any(opens_in_time)
    }

    /// The next moment at which something is due although nobody wakes the task.
    fn next_event(&self, now: Instant) -> Instant {
        let state = self.shared.lock();
        let linger = state.open_since.map(|since| since + self.pace.linger);
        let gates = PayloadKind::ALL.into_iter().filter(|kind| state.queue.holds(*kind));
        let gates = gates.filter_map(|kind| self.gates[kind as usize].opens_at(now));
        // Once a minute in any case: payloads grow old while a gate is closed.
        let routine = now + std::time::Duration::from_mins(1);
        gates.chain(linger).chain(state.deadline).min().map_or(routine, |next| next.min(routine))
    }

    fn settle(&mut self, done: Result<(Id, Answer), JoinError>) {
        let (id, answer) = match done {
            Ok((id, answer)) => (id, answer),
            Err(error) => (error.id(), Answer::Later { reason: error.to_string(), wait: None }),
        };
        let Some((payload, sender)) = self.under_way.remove(&id) else { return };
        let (now, chance) = (Instant::now(), chance());
        match answer {
            Answer::Accepted => self.accept(&payload),
            Answer::Malformed(errors) => self.reject(&payload, &errors, now),
            Answer::TooLarge => self.split(&payload, now),
            // Says nothing of the key and the URL that count now.
            Answer::Refused(status) if sender != self.replaced => {
                self.put_back(payload, format!("the intake answered {status} to the settings before"));
            }
            Answer::Refused(status) => self.hold(payload, status, now, chance),
            Answer::Later { reason, wait } => {
                let kind = payload.kind;
                self.gates[kind as usize].fail(now, self.pace.transient, chance, wait);
                let message = format!("`{}{}`: {reason}; it will be tried again", self.client.url(), kind.path());
                // Once: whatever fails from here on fails for the same reason, most likely.
                if self.is_well() {
                    tracing::warn!("{message}");
                } else {
                    tracing::debug!("{message}");
                }
                self.in_trouble[kind as usize] = true;
                self.put_back(payload, message);
            }
        }
        self.judge_health();
    }

    fn accept(&mut self, payload: &Payload) {
        let was_in_trouble = std::mem::take(&mut self.in_trouble[payload.kind as usize]);
        if was_in_trouble && self.is_well() {
            tracing::info!("`{}` accepts payloads again", self.client.url());
        }
        self.gates[payload.kind as usize].succeed();
        self.shared.lock().stats.succeed(UnixTime::now(), payload.entries, payload.body.len());
    }

    fn reject(&mut self, payload: &Payload, errors: &str, now: Instant) {
        self.gates[payload.kind as usize].succeed();
        let (url, path, points) = (self.client.url(), payload.kind.path(), payload.entries);
        let message = format!("`{url}{path}` rejected {points} points as malformed (400): {errors}");
        if let Some(withheld) = self.malformed.pass(now) {
            tracing::error!("{message} ({withheld} more like this since the last such message)");
        }
        let mut state = self.shared.lock();
        state.stats.dropped.add(DropReason::Rejected, points);
        state.stats.fail(UnixTime::now(), message);
    }

    fn split(&mut self, payload: &Payload, now: Instant) {
        self.gates[payload.kind as usize].succeed();
        if let Some(halves) = payload.halve() {
            let mut state = self.shared.lock();
            for half in halves {
                state.push(half);
            }
            return;
        }
        let message = format!(
            "`{}{}` takes not even a single point (413): {} bytes are too large; points are dropped: check what limits \
             the size of requests on the way to Datadog",
            self.client.url(),
            payload.kind.path(),
            payload.body.len()
        );
        if let Some(withheld) = self.too_large.pass(now) {
            tracing::error!("{message} ({withheld} more like this since the last such message)");
        }
        let mut state = self.shared.lock();
        state.stats.dropped.add(DropReason::TooLarge, payload.entries);
        state.stats.fail(UnixTime::now(), message);
    }

    fn hold(&mut self, payload: Payload, status: StatusCode, now: Instant, chance: f64) {
        let kind = payload.kind;
        let advice = if matches!(status.as_u16(), 401 | 403) {
            "the API key is not valid there: compare `api_key` and `site` (`dd_url`), for a key works at one site only"
        } else {
            "there is no such intake: compare `site` and `dd_url`"
        };
        let url = self.client.url();
        let message = format!("`{url}{}` answers {status}: {advice}; metrics are held for 55 minutes", kind.path());
        let was_refused = self.gates.iter().any(Gate::is_refused);
        self.gates[kind as usize].refuse(now, self.pace.refused, chance);
        if was_refused {
            tracing::debug!("{message}");
        } else {
            tracing::error!("{message}");
        }
        self.in_trouble[kind as usize] = true;
        self.put_back(payload, message);
    }

    fn put_back(&self, payload: Payload, message: String) {
        let mut state = self.shared.lock();
        state.stats.retries += 1;
        state.stats.fail(UnixTime::now(), message);
        state.push(payload);
    }

    /// Whether no kind has failed since it last succeeded.
    fn is_well(&self) -> bool {
        !self.in_trouble.contains(&true)
    }

    fn judge_health(&self) {
        let is_unhealthy = self.gates.iter().any(Gate::is_unhealthy);
        let since = &mut self.shared.lock().stats.unhealthy_since;
        *since = is_unhealthy.then(|| since.unwrap_or_else(UnixTime::now));
    }

    /// Counts what was not delivered in time.
    fn give_up(&mut self) {
        self.requests.abort_all();
        let under_way: u64 = self.under_way.drain().map(|(_, (payload, _))| payload.entries).sum();
        let mut state = self.shared.lock();
        state.stats.dropped.add(DropReason::Shutdown, under_way);
        state.close();
    }
}

/// A number from 0 to 1 that differs from process to process, so that their retries do not meet.
fn chance() -> f64 {
    // The standard library seeds each hasher anew from the system's randomness.
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}
