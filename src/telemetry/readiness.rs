//! Whether Retriever does what it was started for, as an orchestrator wants to know it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::metrics::Telemetry;

/// How many untried targets a message names.
const NAMED: usize = 10;

/// Ready means: the scheduler runs, and each of the first targets was tried once, whatever came of it. A target or an
/// intake that fails does not make Retriever unready, since starting another one would not help; and what was ready
/// stays ready when targets are added. Clones stand for the same.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    scheduled: AtomicBool,
    ready: AtomicBool,
}

impl Readiness {
    /// The scheduler runs, and the first targets were added to [`Telemetry`].
    pub fn scheduled(&self) {
        self.0.scheduled.store(true, Ordering::Release);
    }

    /// Whether Retriever is ready.
    ///
    /// # Errors
    ///
    /// What is still missing.
    pub fn check(&self, telemetry: &Telemetry) -> Result<(), NotReady> {
        if self.0.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.0.scheduled.load(Ordering::Acquire) {
            return Err(NotReady::NotScheduled);
        }
        let untried = telemetry.untried();
        if untried.is_empty() {
            self.0.ready.store(true, Ordering::Relaxed);
            Ok(())
        } else {
            Err(NotReady::Untried(untried))
        }
    }
}

/// What is missing to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// The scheduler does not run yet.
    NotScheduled,
    /// These targets were not tried yet.
    Untried(Vec<Arc<str>>),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let untried = match self {
            Self::NotScheduled => return f.write_str("not ready: the scheduler does not run yet"),
            Self::Untried(untried) => untried,
        };
        write!(f, "not ready: not tried yet: {}", untried.len())?;
        for label in untried.iter().take(NAMED) {
            write!(f, "\n  {label}")?;
        }
        match untried.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
