//! The one door of this stage: takes deliveries and brings them to the configured output.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::api::{Api, Pace};
use super::console::{Console, ConsoleFormat};
use super::delivery::Delivery;
use super::dogstatsd::Dogstatsd;
use super::enrich::Enricher;
use super::error::SubmitError;
use super::journal::SharedJournalStats;
use super::marks_keeper::MarksKeeper;
use super::stats::{Drained, Stats};
use super::storage::Storage;
use crate::aggregate::{MarksContent, TargetKey};
use crate::config::{ApiSettings, Enrichment, Output};
use crate::time::UnixTime;

/// Brings deliveries to one output. Dropped without [`Submitter::drain`], it stops at once.
#[derive(Debug)]
pub struct Submitter {
    way: Way,
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

#[derive(Debug)]
enum Way {
    Api(Api),
    Dogstatsd(Dogstatsd),
    Console(Mutex<(Console, Stats)>),
}

impl Submitter {
    /// Starts delivery to `output`; within a Tokio runtime. The console is standard output, as text.
    ///
    /// # Errors
    ///
    /// When the settings allow no request at all. That the intake is out of reach is no error.
    pub fn start(output: &Output, enrichment: Enrichment) -> Result<Self, SubmitError> {
        Self::with_pace(output, enrichment, Pace::default())
    }

    /// Like [`Submitter::start`], with another pace towards the HTTP API.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn with_pace(output: &Output, enrichment: Enrichment, pace: Pace) -> Result<Self, SubmitError> {
        Self::with_storage(output, enrichment, pace, None)
    }

    /// Like [`Submitter::with_pace`], and keeps in `storage` what must survive the process. What an earlier process
    /// left there is delivered too.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn with_storage(
        output: &Output,
        enrichment: Enrichment,
        pace: Pace,
        storage: Option<Storage>,
    ) -> Result<Self, SubmitError> {
        let (mut journal, mut payloads, mut kept) = (None, Vec::new(), Kept::default());
        if let Some(mut storage) = storage {
            if !matches!(output, Output::Api(_)) {
                storage.give_up_payloads(UnixTime::now());
                kept.keeper = Some(MarksKeeper::start(Arc::clone(&storage.journal)));
            }
            kept.marks_age = storage.marks_age;
            (kept.marks, kept.stats) = (Mutex::new(storage.marks), Some(storage.stats));
            (journal, payloads) = (Some(storage.journal), storage.payloads);
        }
        let way = match output {
            Output::Api(settings) => Way::Api(Api::start(settings, pace, journal, payloads)?),
            Output::Dogstatsd(address) => Way::Dogstatsd(Dogstatsd::start(address)),
            Output::Console => Way::console(Console::new(std::io::stdout(), ConsoleFormat::Text)),
        };
        Ok(Self { kept, ..Self::to(way, enrichment) })
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

    /// Delivery to a console.
    pub fn console(console: Console, enrichment: Enrichment) -> Self {
        Self::to(Way::console(console), enrichment)
    }

    fn to(way: Way, enrichment: Enrichment) -> Self {
        Self { way, enricher: RwLock::new(Arc::new(Enricher::new(enrichment))), kept: Kept::default() }
    }

    /// What is put on everything from now on.
    pub fn enrich(&self, enrichment: Enrichment) {
        let enricher = Arc::new(Enricher::new(enrichment));
        *self.enricher.write().unwrap_or_else(PoisonError::into_inner) = enricher;
    }

    /// Delivers to the HTTP API with other settings from now on: another key or URL, time or room. What waits is
    /// delivered with them, and what was held back because it was refused is tried at once. False, and nothing happens:
    /// delivery does not go to the HTTP API.
    ///
    /// # Errors
    ///
    /// When the settings allow no request at all; then nothing changes.
    pub fn reconfigure(&self, settings: &ApiSettings) -> Result<bool, SubmitError> {
        match &self.way {
            Way::Api(api) => api.reconfigure(settings).map(|()| true),
            Way::Dogstatsd(_) | Way::Console(_) => Ok(false),
        }
    }

    /// Takes a delivery. Towards Datadog and an Agent this never waits: what they do not take is kept in a bounded
    /// queue and, at last, dropped and counted in [`Submitter::stats`].
    ///
    /// # Errors
    ///
    /// Only when the console cannot be written to.
    pub fn submit(&self, delivery: &Delivery) -> Result<(), SubmitError> {
        let enricher = self.enricher.read().unwrap_or_else(PoisonError::into_inner).of(delivery);
        match &self.way {
            Way::Api(api) => api.submit(delivery, &enricher),
            Way::Dogstatsd(dogstatsd) => dogstatsd.submit(delivery, &enricher),
            Way::Console(shown) => {
                let (console, stats) = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
                let batch = &delivery.batch;
                let points = batch.points.len() + batch.sketches.len() + delivery.service_checks.len();
                let bytes = console.show(delivery, &enricher).map_err(SubmitError::console)?;
                stats.succeed(UnixTime::now(), points as u64, bytes);
            }
        }
        if let Some(keeper) = &self.kept.keeper {
            keeper.note(delivery);
        }
        Ok(())
    }

    /// A reading of all counters.
    pub fn stats(&self) -> Stats {
        let stats = match &self.way {
            Way::Api(api) => api.stats(),
            Way::Dogstatsd(dogstatsd) => dogstatsd.stats(),
            Way::Console(shown) => shown.lock().unwrap_or_else(PoisonError::into_inner).1.clone(),
        };
        Stats { journal: self.kept.stats.as_ref().map(|stats| stats.read()), ..stats }
    }

    /// Takes no more, delivers what waits for up to `patience`, and tells what had to be given up. Ends early when
    /// nothing is left, or nothing can be tried again in time.
    pub async fn drain(&self, patience: Duration) -> Drained {
        let deadline = Instant::now() + patience;
        let drained = match &self.way {
            Way::Api(api) => api.drain(deadline).await,
            Way::Dogstatsd(dogstatsd) => Drained { given_up: dogstatsd.drain(deadline).await, kept: 0 },
            Way::Console(_) => Drained::default(),
        };
        if let Some(keeper) = &self.kept.keeper {
            keeper.drain().await;
        }
        drained
    }
}

impl Way {
    fn console(console: Console) -> Self {
        Self::Console(Mutex::new((console, Stats::default())))
    }
}
