//! The one door of this stage: takes deliveries and brings them to each of the configured outputs.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::api::{Api, Pace};
use super::console::{Console, Shown};
use super::delivery::Delivery;
use super::dogstatsd::Dogstatsd;
use super::enrich::Enricher;
use super::error::SubmitError;
use super::journal::{JournalStats, SharedJournalStats};
use super::marks_keeper::MarksKeeper;
use super::stats::{Drained, Stats};
use super::storage::Storage;
use crate::aggregate::{MarksContent, TargetKey};
use crate::config::{ApiSettings, Enrichment, Output, OutputKind};
use crate::time::UnixTime;

/// Brings deliveries to all outputs. Each has a queue and a task or thread of its own, so that one that is slow or fails
/// delays no other. Dropped without [`Submitter::drain`], it stops at once.
#[derive(Debug)]
pub struct Submitter {
    ways: Vec<Arc<Way>>,
    enricher: RwLock<Arc<Enricher>>,
    kept: Kept,
}

/// What there is on disk.
#[derive(Debug, Default)]
struct Kept {
    /// Of an earlier process, until a target asks for them.
    marks: Mutex<HashMap<TargetKey, Vec<MarksContent>>>,
    stats: Option<Arc<SharedJournalStats>>,
    marks_age: Option<Duration>,
    /// Where nothing else keeps marks.
    keeper: Option<MarksKeeper>,
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
        Self::with_storage(outputs, enrichment, pace, None)
    }

    /// Like [`Submitter::with_pace`], and keeps in `storage` what must survive the process. What an earlier process
    /// left there for the HTTP API is delivered too, or given up if that is no output any more.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn with_storage(
        outputs: &(impl AsRef<[Output]> + ?Sized),
        enrichment: Enrichment,
        pace: Pace,
        storage: Option<Storage>,
    ) -> Result<Self, SubmitError> {
        let outputs = outputs.as_ref();
        let (mut journal, mut payloads, mut kept) = (None, Vec::new(), Kept::default());
        if let Some(mut storage) = storage {
            if outputs.iter().all(|output| output.kind() != OutputKind::Api) {
                storage.give_up_payloads(UnixTime::now());
                kept.keeper = Some(MarksKeeper::start(Arc::clone(&storage.journal)));
            }
            kept.marks_age = storage.marks_age;
            (kept.marks, kept.stats) = (Mutex::new(storage.marks), Some(storage.stats));
            (journal, payloads) = (Some(storage.journal), storage.payloads);
        }
        // There is at most one API, so that nobody else takes the journal.
        let ways: Result<Vec<Way>, SubmitError> = outputs
            .iter()
            .map(|output| {
                Way::start(output, |api| Api::start(api, pace, journal.take(), std::mem::take(&mut payloads)))
            })
            .collect();
        Ok(Self { kept, ..Self::to(ways?, enrichment) })
    }

    /// How old a reading may be that a counter goes on from. `None`: marks are not kept, and none need be made.
    pub fn marks_age(&self) -> Option<Duration> {
        self.kept.marks_age
    }

    /// What an earlier process remembered of a target, if it is not too old: whole marks, then changes in their order.
    /// The second time there is nothing.
    pub fn take_marks(&self, target: TargetKey) -> Vec<MarksContent> {
        let mut marks = self.kept.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.remove(&target).unwrap_or_default()
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
        Self { ways, enricher: RwLock::new(Arc::new(Enricher::new(enrichment))), kept: Kept::default() }
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
        if let Some(keeper) = &self.kept.keeper {
            keeper.note(delivery);
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
        all.journal = self.journal();
        all
    }

    /// A reading of the counters of each output, with those of the journal that they share.
    pub fn outputs(&self) -> Vec<(OutputKind, Stats)> {
        let journal = self.journal();
        self.ways.iter().map(|way| (way.kind(), Stats { journal: journal.clone(), ..way.stats() })).collect()
    }

    fn journal(&self) -> Option<JournalStats> {
        self.kept.stats.as_ref().map(|stats| stats.read())
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
        let mut all = Drained::default();
        while let Some(drained) = draining.join_next().await {
            // An error could only be a panic, of which the log tells.
            let Drained { given_up, kept } = drained.unwrap_or_default();
            all.given_up += given_up;
            all.kept += kept;
        }
        if let Some(keeper) = &self.kept.keeper {
            keeper.drain().await;
        }
        all
    }
}

impl Way {
    fn start(
        output: &Output,
        start_api: impl FnOnce(&ApiSettings) -> Result<Api, SubmitError>,
    ) -> Result<Self, SubmitError> {
        Ok(match output {
            Output::Api(settings) => Self::Api(start_api(settings)?),
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

    async fn drain(&self, deadline: Instant) -> Drained {
        let given_up = match self {
            Self::Api(api) => return api.drain(deadline).await,
            Self::Dogstatsd(dogstatsd) => dogstatsd.drain(deadline).await,
            Self::File(shown) | Self::Console(shown) => shown.drain(deadline).await,
        };
        Drained { given_up, kept: 0 }
    }
}
