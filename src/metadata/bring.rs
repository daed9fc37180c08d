//! Compares with what Datadog has, metric by metric, and changes it: a few requests at a time, at a bounded rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::catalogue::{Catalogue, Facts};
use super::change::{body, edits};
use super::report::State;
use crate::submit::{MetadataAnswer, MetadataApi};

/// How often one request is repeated that comes too soon.
const PATIENCE: u32 = 5;
/// The wait where none is told, and the longest that is kept.
const WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Tell what would be changed.
    Compare,
    Change,
}

/// How fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Requests in a second; positive.
    pub(crate) rate: f64,
    /// How many may be under way together.
    pub(crate) together: usize,
    /// Is told how long is waited when Datadog asks for it.
    pub(crate) waits: fn(Duration),
}

/// What became of each metric, in the order of their names.
pub(crate) async fn bring(api: MetadataApi, catalogue: &Catalogue, errand: Errand, pace: Pace) -> Vec<State> {
    let courier = Arc::new(Courier {
        api,
        errand,
        turns: Turns::new(pace.rate),
        waits: pace.waits,
        refused: AtomicBool::new(false),
    });
    let mut states = vec![State::NotTried; catalogue.metrics.len()];
    let mut tasks = JoinSet::new();
    for (place, (name, metric)) in catalogue.metrics.iter().enumerate() {
        if tasks.len() >= pace.together.max(1) {
            settle(tasks.join_next().await, &mut states);
        }
        let (courier, name, facts) = (Arc::clone(&courier), name.clone(), metric.facts.clone());
        tasks.spawn(async move { (place, courier.carry(&name, &facts).await) });
    }
    while let Some(done) = tasks.join_next().await {
        settle(Some(done), &mut states);
    }
    states
}

/// One that panicked counts as not tried, as it stands.
fn settle(done: Option<Result<(usize, State), tokio::task::JoinError>>, states: &mut [State]) {
    if let Some(Ok((place, state))) = done {
        states[place] = state;
    }
}

struct Courier {
    api: MetadataApi,
    errand: Errand,
    turns: Turns,
    waits: fn(Duration),
    /// Whether the keys were refused: then they would be for all others too.
    refused: AtomicBool,
}

impl Courier {
    async fn carry(&self, name: &str, facts: &Facts) -> State {
        let known = match self.ask(name, None).await {
            Ok(known) => known,
            Err(state) => return state,
        };
        let edits = edits(facts, &known);
        if edits.is_empty() {
            return State::Same;
        }
        if self.errand == Errand::Compare {
            return State::WouldChange(edits);
        }
        let body = body(&edits, &known);
        match self.ask(name, Some(&body)).await {
            Ok(_) => State::Changed(edits),
            Err(state) => state,
        }
    }

    /// A request, in its turn, and again where it comes too soon: for the metadata of a metric, or to change it.
    async fn ask(&self, name: &str, change: Option<&Value>) -> Result<Value, State> {
        for _ in 0..PATIENCE {
            self.turns.wait().await;
            if self.refused.load(Ordering::Relaxed) {
                return Err(State::NotTried);
            }
            let answer = match change {
                None => self.api.get(name).await,
                Some(body) => self.api.put(name, body).await,
            };
            match answer {
                MetadataAnswer::Known(known) => return Ok(known),
                MetadataAnswer::Unknown => return Err(State::Unknown),
                MetadataAnswer::Failed(reason) => return Err(State::Failed(reason)),
                MetadataAnswer::Wait(wait) => {
                    let wait = wait.unwrap_or(WAIT).min(LONGEST_WAIT);
                    if self.turns.pause(wait).await {
                        (self.waits)(wait);
                    }
                }
                MetadataAnswer::Refused(status) => {
                    // Requests that were under way together fail together; one of them tells.
                    let is_first = !self.refused.swap(true, Ordering::Relaxed);
                    let state = if is_first { self.refusal(status, change.is_some()) } else { State::NotTried };
                    return Err(state);
                }
            }
        }
        Err(State::Failed(format!(
            "{} again and again; try later, or with a lower `--rate`",
            StatusCode::TOO_MANY_REQUESTS
        )))
    }

    fn refusal(&self, status: StatusCode, changes: bool) -> State {
        let (what, permission) = if changes { ("change", "metrics_metadata_write") } else { ("read", "metrics_read") };
        State::Failed(format!(
            "`{}` answers {status} when asked to {what} metadata: compare `api_key`, `app_key` and `site` (`dd_url`), and \
             give the application key the permission `{permission}`",
            self.api.url()
        ))
    }
}

/// Hands out moments, one after the other.
struct Turns {
    next: Mutex<Instant>,
    interval: Duration,
}

impl Turns {
    fn new(rate: f64) -> Self {
        Self { next: Mutex::new(Instant::now()), interval: Duration::from_secs_f64(1.0 / rate) }
    }

    /// Waits for the next one.
    async fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.interval;
            turn
        };
        sleep_until(turn).await;
    }

    /// Hands out none for a while; tells whether that is news, which it is not for requests that were under way together.
    async fn pause(&self, length: Duration) -> bool {
        let mut next = self.next.lock().await;
        let until = Instant::now() + length;
        let is_news = until.saturating_duration_since(*next) > length / 2;
        *next = (*next).max(until);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_keep_their_distance() {
        let began = Instant::now();
        let turns = Turns::new(4.0);
        for _ in 0..3 {
            turns.wait().await;
        }
        assert_eq!(began.elapsed(), Duration::from_millis(500));
        assert!(turns.pause(Duration::from_secs(7)).await);
        assert!(!turns.pause(Duration::from_secs(7)).await, "that is known");
        turns.wait().await;
        assert_eq!(began.elapsed(), Duration::from_millis(7500));
    }
}
