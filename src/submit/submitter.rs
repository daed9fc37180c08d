//! The one door of this stage: takes deliveries and brings them to each of the configured outputs.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::api::{Api, Pace};
use super::console::{Console, Shown};
use super::delivery::Delivery;
use super::dogstatsd::Dogstatsd;
use super::enrich::Enricher;
use super::error::SubmitError;
use super::stats::{Drained, Stats};
use crate::config::{ApiSettings, Enrichment, Output, OutputKind};

/// Brings deliveries to all outputs. Each has a queue and a task or thread of its own, so that one that is slow or fails
/// delays no other. Dropped without [`Submitter::drain`], it stops at once.
#[derive(Debug)]
pub struct Submitter {
    ways: Vec<Arc<Way>>,
    enricher: RwLock<Arc<Enricher>>,
}

/// The way to one output.
#[derive(Debug)]
enum Way {
    Api(Api),
    Dogstatsd(Dogstatsd),
    File(Shown),
    Console(Shown),
}

impl Submitter {
    /// Starts delivery to `outputs`, or to a single one; within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the settings allow no request at all, or a file cannot be opened. That the intake is out of reach is no error.
    pub fn start(outputs: &(impl AsRef<[Output]> + ?Sized), enrichment: Enrichment) -> Result<Self, SubmitError> {
        Self::with_pace(outputs, enrichment, Pace::default())
    }

    /// Like [`Submitter::start`], with another pace towards the HTTP API.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn with_pace(
        outputs: &(impl AsRef<[Output]> + ?Sized),
        enrichment: Enrichment,
        pace: Pace,
    ) -> Result<Self, SubmitError> {
        let ways: Result<Vec<Way>, SubmitError> =
            outputs.as_ref().iter().map(|output| Way::start(output, pace)).collect();
        Ok(Self::to(ways?, enrichment))
    }

    /// Delivery to a console only.
    ///
    /// # Errors
    ///
    /// When the thread that writes cannot be started.
    pub fn console(console: Console, enrichment: Enrichment) -> Result<Self, SubmitError> {
        let shown = Shown::start(console).map_err(SubmitError::console)?;
        Ok(Self::to(vec![Way::Console(shown)], enrichment))
    }

    fn to(ways: Vec<Way>, enrichment: Enrichment) -> Self {
        let ways = ways.into_iter().map(Arc::new).collect();
        Self { ways, enricher: RwLock::new(Arc::new(Enricher::new(enrichment))) }
    }

    /// What is put on everything from now on.
    pub fn enrich(&self, enrichment: Enrichment) {
        let enricher = Arc::new(Enricher::new(enrichment));
        *self.enricher.write().unwrap_or_else(PoisonError::into_inner) = enricher;
    }

    /// Delivers to the HTTP API with other settings from now on: another key or URL, time or room. What waits is
    /// delivered with them, and what was held back because it was refused is tried at once. False, and nothing happens:
    /// the HTTP API is no output.
    ///
    /// # Errors
    ///
    /// When the settings allow no request at all; then nothing changes.
    pub fn reconfigure(&self, settings: &ApiSettings) -> Result<bool, SubmitError> {
        let api = self.ways.iter().find_map(|way| if let Way::Api(api) = &**way { Some(api) } else { None });
        api.map_or(Ok(false), |api| api.reconfigure(settings).map(|()| true))
    }

    /// Takes a delivery. This never waits: what an output does not take is kept in its bounded queue and, at last,
    /// dropped and counted in [`Submitter::outputs`].
    ///
    /// # Errors
    ///
    /// Only when there is no output but a console whose reader went away.
    pub fn submit(&self, delivery: &Delivery<'_>) -> Result<(), SubmitError> {
        let enricher = self.enricher.read().unwrap_or_else(PoisonError::into_inner).of(delivery);
        for way in &self.ways {
            match &**way {
                Way::Api(api) => api.submit(delivery, &enricher),
                Way::Dogstatsd(dogstatsd) => dogstatsd.submit(delivery, &enricher),
                Way::File(shown) | Way::Console(shown) => shown.submit(delivery, &enricher),
            }
        }
        match self.only_console() {
            Some(console) if console.is_unread() => Err(SubmitError::console(io::ErrorKind::BrokenPipe.into())),
            _ => Ok(()),
        }
    }

    /// Waits until there is no output but a console whose reader went away; for ever where there are others.
    pub async fn unread(&self) {
        match self.only_console() {
            Some(console) => console.unread().await,
            None => std::future::pending().await,
        }
    }

    fn only_console(&self) -> Option<&Shown> {
        let [way] = &self.ways[..] else { return None };
        if let Way::Console(shown) = &**way { Some(shown) } else { None }
    }

    /// A reading of all counters, those of all outputs together.
    pub fn stats(&self) -> Stats {
        let mut all = Stats::default();
        for way in &self.ways {
            all.merge(way.stats());
        }
        all
    }

    /// A reading of the counters of each output.
    pub fn outputs(&self) -> Vec<(OutputKind, Stats)> {
        self.ways.iter().map(|way| (way.kind(), way.stats())).collect()
    }

    /// Takes no more, delivers what waits for up to `patience`, to all outputs at the same time, and tells what had to be
    /// given up. Ends early when nothing is left, or nothing can be tried again in time.
    pub async fn drain(&self, patience: Duration) -> Drained {
        let deadline = Instant::now() + patience;
        let mut draining = JoinSet::new();
        for way in &self.ways {
            let way = Arc::clone(way);
            draining.spawn(async move { way.drain(deadline).await });
        }
        let mut given_up = 0;
        while let Some(drained) = draining.join_next().await {
            // An error could only be a panic, of which the log tells.
            given_up += drained.unwrap_or_default();
        }
        Drained { given_up }
    }
}

impl Way {
    fn start(output: &Output, pace: Pace) -> Result<Self, SubmitError> {
        Ok(match output {
            Output::Api(settings) => Self::Api(Api::start(settings, pace)?),
            Output::Dogstatsd(settings) => Self::Dogstatsd(Dogstatsd::start(settings)),
            Output::File(settings) => {
                let shown = Console::file(settings).and_then(Shown::start);
                Self::File(shown.map_err(|error| SubmitError::file(&settings.path, error))?)
            }
            Output::Console(format) => {
                let shown = Shown::start(Console::new(io::stdout(), *format));
                Self::Console(shown.map_err(SubmitError::console)?)
            }
        })
    }

    fn kind(&self) -> OutputKind {
        match self {
            Self::Api(_) => OutputKind::Api,
            Self::Dogstatsd(_) => OutputKind::Dogstatsd,
            Self::File(_) => OutputKind::File,
            Self::Console(_) => OutputKind::Console,
        }
    }

    fn stats(&self) -> Stats {
        match self {
            Self::Api(api) => api.stats(),
            Self::Dogstatsd(dogstatsd) => dogstatsd.stats(),
            Self::File(shown) | Self::Console(shown) => shown.stats(),
        }
    }

    async fn drain(&self, deadline: Instant) -> u64 {
        match self {
            Self::Api(api) => api.drain(deadline).await,
            Self::Dogstatsd(dogstatsd) => dogstatsd.drain(deadline).await,
            Self::File(shown) | Self::Console(shown) => shown.drain(deadline).await,
        }
    }
}
