//! The task between those who submit and those who send: it compresses loads, has the journal keep them, and only then
//! puts their payloads before the senders. It also tells the journal what is done.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::load::{Load, Sealed};
use super::payload::Payload;
use super::state::Shared;
use crate::submit::journal::{Appended, Done, Flush, IntakeId, Journal, JournalLoad, PayloadHead, PayloadId, Place};
use crate::submit::stats::{DropReason, Dropped};
use crate::submit::storage::SharedJournal;
use crate::throttle::Throttle;
use crate::time::UnixTime;

/// How often what is too old is dropped, and losses are looked at. Each time wakes the process.
const ROUTINE: Duration = Duration::from_secs(10);
/// How soon the journal is flushed that was written to.
const FLUSH: Duration = Duration::from_secs(1);
/// Losses that only the queue knows of; all others are said where they happen.
const SILENT: [DropReason; 4] =
    [DropReason::QueueFull, DropReason::TooOld, DropReason::Unreadable, DropReason::Removed];

#[derive(Debug)]
pub(super) struct Loader {
    shared: Arc<Shared>,
    journal: Option<SharedJournal>,
    linger: Duration,
    /// The last load, if there is no journal to number them.
    sequence: u64,
    /// Asks the disk to keep what was written, while other things go on.
    flushing: Option<JoinHandle<()>>,
    routine_due: Instant,
    losses: Throttle,
    told: Dropped,
}

/// What is to be done while the disk may be waited for.
#[derive(Debug, Default)]
struct Work {
    load: Option<Load>,
    intakes: Vec<IntakeId>,
    done: Vec<Done>,
    finished: Vec<u64>,
    is_routine: bool,
    is_last: bool,
}

/// What came of it.
#[derive(Debug, Default)]
struct Worked {
    payloads: Vec<(PayloadId, Payload, Option<Place>)>,
    too_large: u64,
    /// Segments that are gone from the journal.
    lost: Vec<u64>,
    flush: Option<Flush>,
}

impl Loader {
    pub(super) fn new(shared: Arc<Shared>, journal: Option<SharedJournal>, linger: Duration) -> Self {
        Self {
            shared,
            journal,
            linger,
            sequence: 0,
            flushing: None,
            routine_due: Instant::now() + ROUTINE,
            losses: Throttle::default(),
            told: Dropped::default(),
        }
    }

    /// Runs until the senders have ended and everything is kept.
    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            let (work, is_idle) = self.next_work(now);
            let is_last = work.is_last;
            if !is_idle {
                self.work(work).await;
            }
            if is_last {
                break;
            }
            if !is_idle {
                continue;
            }
            let due = self.shared.lock().load_due(self.linger);
            let next = due.map_or(self.routine_due, |due| due.min(self.routine_due));
            tokio::select! {
                () = self.shared.loader.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// What there is to do now; and whether that is nothing.
    fn next_work(&mut self, now: Instant) -> (Work, bool) {
        let is_routine = now >= self.routine_due;
        if is_routine {
            self.routine_due = now + ROUTINE;
        }
        let mut state = self.shared.lock();
        if is_routine {
            state.store.expire(UnixTime::now());
        }
        let load = state.next_load(now, self.linger);
        if load.is_none() && state.is_draining() && !state.loads_are_in {
            state.loads_are_in = true;
            state.wake_lanes();
        }
        let intakes = state.store.lanes().iter().map(|lane| lane.intake).collect();
        let (done, finished) = state.store.take_notices();
        let is_last = state.has_ended && load.is_none();
        drop(state);
        if is_routine {
            self.report_losses(now);
        }
        let is_idle = load.is_none()
            && (self.journal.is_none() || (done.is_empty() && finished.is_empty() && !is_routine && !is_last));
        // A disk that needs longer than a second is asked again only when it is done.
        let is_flushing = self.flushing.as_ref().is_some_and(|task| !task.is_finished());
        let writes = load.is_some() || !done.is_empty() || !finished.is_empty();
        if self.journal.is_some() && (writes || is_routine && is_flushing) {
            self.routine_due = self.routine_due.min(now + FLUSH);
        }
        let is_routine = is_routine && !is_flushing;
        (Work { load, intakes, done, finished, is_routine, is_last }, is_idle)
    }

    async fn work(&mut self, work: Work) {
        self.sequence += 1;
        let (journal, sequence) = (self.journal.clone(), self.sequence);
        let worked = tokio::task::spawn_blocking(move || work.run(journal.as_ref(), sequence)).await;
        let mut state = self.shared.lock();
        let entries = std::mem::take(&mut state.in_hand);
        match worked {
            Ok(Worked { payloads, too_large, lost, flush }) => {
                if let Some(flush) = flush {
                    self.flushing = Some(tokio::task::spawn_blocking(|| flush.run()));
                }
                state.dropped.add(DropReason::TooLarge, too_large);
                let has_new = !payloads.is_empty();
                for (id, payload, place) in payloads {
                    state.store.add(id, payload, place);
                }
                state.store.lose(&lost);
                if has_new {
                    state.wake_lanes();
                }
            }
            Err(error) => {
                state.dropped.add(DropReason::Shutdown, entries);
                if error.is_panic() {
                    tracing::error!("keeping {entries} points panicked; this is a defect, please report it");
                }
            }
        }
    }

    /// Says at most once a minute what was dropped and why.
    fn report_losses(&mut self, now: Instant) {
        let dropped = self.shared.lock().dropped();
        let new: Vec<(DropReason, u64)> = SILENT
            .into_iter()
            .map(|reason| (reason, dropped.count(reason).saturating_sub(self.told.count(reason))))
            .filter(|(_, count)| *count > 0)
            .collect();
        if new.is_empty() || self.losses.pass(now).is_none() {
            return;
        }
        self.told = dropped;
        let points: u64 = new.iter().map(|(_, count)| count).sum();
        let reasons: Vec<String> = new.iter().map(|(reason, count)| format!("{}: {count}", reason.as_str())).collect();
        tracing::warn!(
            "{points} points were given up before an intake took them ({}); `forwarder_storage_max_size_in_bytes` and \
             `forwarder_retry_queue_payloads_max_size` say how many may wait",
            reasons.join(", ")
        );
    }
}

impl Work {
    /// Does it; waits for the disk.
    fn run(self, journal: Option<&SharedJournal>, sequence: u64) -> Worked {
        let Self { load, intakes, done, finished, is_routine, is_last } = self;
        // Before the lock: compressing takes the longest.
        let sealed = load.map(Load::seal);
        let now = UnixTime::now();
        let mut journal = journal.map(|journal| journal.lock().unwrap_or_else(PoisonError::into_inner));
        let mut worked =
            sealed.map_or_else(Worked::default, |sealed| keep(sealed, &intakes, journal.as_deref_mut(), sequence, now));
        if let Some(journal) = &mut journal {
            if !done.is_empty() || !finished.is_empty() {
                journal.done(&done, &finished, now);
            }
            if is_routine {
                worked.flush = journal.tick(now);
            }
            if is_last {
                journal.close(now);
            }
        }
        worked
    }
}

/// Has the journal keep a load.
fn keep(sealed: Sealed, intakes: &[IntakeId], journal: Option<&mut Journal>, sequence: u64, now: UnixTime) -> Worked {
    let Sealed { payloads, too_large, marks } = sealed;
    let appended = match journal {
        None => Appended { sequence, ..Appended::default() },
        Some(journal) => {
            let bodies: Vec<(PayloadHead, Bytes)> =
                payloads.iter().map(|payload| (payload.head(), payload.body.clone())).collect();
            journal.append(JournalLoad { intakes, payloads: &bodies, marks }, now)
        }
    };
    let Appended { sequence, places, dropped } = appended;
    let places = places.into_iter().chain(std::iter::repeat(None));
    let payloads = (0..).zip(payloads).zip(places);
    let payloads = payloads.map(|((index, payload), place)| (PayloadId { sequence, index }, payload, place));
    Worked { payloads: payloads.collect(), too_large, lost: dropped, flush: None }
}

#[cfg(test)]
mod outage;
