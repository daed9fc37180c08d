//! Keeps marks where no load carries them: for outputs that have no payloads to be kept with, right after they were
//! handed what belongs to the marks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::delivery::Delivery;
use super::journal::{JournalLoad, TimedMarks};
use super::storage::SharedJournal;
use crate::time::UnixTime;

/// How often the journal is asked what is due, where nothing is written to it. Each time wakes the process.
const ROUTINE: Duration = Duration::from_secs(10);
/// How long the journal may take to be closed.
const CLOSING: Duration = Duration::from_secs(2);

/// Hands marks to the journal.
#[derive(Debug)]
pub(super) struct MarksKeeper {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// In the order of their scrapes.
    waiting: Mutex<Vec<TimedMarks>>,
    wake: Notify,
    has_ended: AtomicBool,
}

impl Shared {
    fn take(&self) -> Vec<TimedMarks> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MarksKeeper {
    /// Starts the task that writes; within a Tokio runtime.
    pub(super) fn start(journal: SharedJournal) -> Self {
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(keep(Arc::clone(&shared), journal));
        Self { shared, task: Mutex::new(Some(task)) }
    }

    /// Takes the marks of a delivery. Never waits for the disk.
    pub(super) fn note(&self, delivery: &Delivery) {
        let Some(marks) = delivery.marks.clone() else { return };
        let timed = TimedMarks { time: delivery.time, marks };
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(timed);
        self.shared.wake.notify_one();
    }

    /// Keeps what was noted, and closes the journal.
    pub(super) async fn drain(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.shared.has_ended.store(true, Ordering::Relaxed);
        self.shared.wake.notify_one();
        if let Some(mut task) = task
            && timeout(CLOSING, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for MarksKeeper {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn keep(shared: Arc<Shared>, journal: SharedJournal) {
    loop {
        let due = Instant::now() + ROUTINE;
        let is_last = shared.has_ended.load(Ordering::Relaxed);
        let (marks, journal) = (shared.take(), Arc::clone(&journal));
        let written = tokio::task::spawn_blocking(move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let now = UnixTime::now();
            if !marks.is_empty() {
                journal.append(JournalLoad { intakes: &[], payloads: &[], marks }, now);
            }
            if is_last {
                journal.close(now);
                return None;
            }
            // Asked after the journal is let go.
            journal.tick(now)
        });
        // An error could only be a panic, of which the log tells, or the end of the runtime.
        let flush = written.await.ok().flatten();
        if let Some(flush) = flush {
            let _ = tokio::task::spawn_blocking(|| flush.run()).await;
        }
        if is_last {
            break;
        }
        // Marks that come meanwhile are kept together: targets that are many are scraped at all times.
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep_until(due) => {}
        }
    }
}
