//! The mapping of one target over its scrapes: its settings, and what it remembers from one scrape to the next.

use std::sync::Arc;

use crate::config::{Instance, MetricRule, Status};
use crate::parse::{Diagnostic, Format};
use crate::time::UnixTime;

use super::context::{Contexts, Tag};
use super::dropped::DropCounts;
use super::emitter::Emitter;
use super::error::MapError;
use super::first_value::FirstValues;
use super::limiter::Limiter;
use super::mapping::Mapping;
use super::memory::{Forgotten, Memory};
use super::origin::SeriesId;
use super::selection::Selection;
use super::sharing::SharedLabels;
use super::submission::{ServiceCheck, Submissions};
use super::tags::static_tags;

/// The mapping of one target.
#[derive(Debug)]
pub struct Mapper {
    instance: Arc<Instance>,
    static_tags: Vec<Tag>,
    memory: Memory,
    selection: Selection,
    shared: SharedLabels,
    limiter: Option<Limiter>,
    first_values: FirstValues,
    /// When the target began to be watched; unknown for a replay.
    watched_since: Option<UnixTime>,
}

/// What mapping a body came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Samples and lines that were dropped.
    pub dropped: DropCounts,
    /// The first malformed lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Why mapping ended before the body did.
    pub error: Option<MapError>,
}

/// How a scrape ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It succeeded.
    Succeeded,
    /// It failed, which the settings say to ignore: first values after it are growth, as in the original.
    Ignored,
    /// It failed.
    Failed,
}

impl Mapper {
    /// A target that was never scraped. `watched_since`: when the process began that watches it, if that is known; a
    /// counter that began later has not been missed.
    pub fn new(instance: Arc<Instance>, watched_since: Option<UnixTime>) -> Self {
        // The Agent, not the check, adds the service to what an instance submits.
        let service = instance.service.iter().map(|service| Tag::from(format!("service:{service}")));
        let static_tags = static_tags(&instance).into_iter().map(Tag::from).collect();
        Self {
            static_tags,
            memory: Memory::new(Contexts::with_more(service)),
            selection: Selection::new(Arc::clone(&instance)),
            shared: SharedLabels::new(Arc::clone(&instance)),
            limiter: instance.max_returned_metrics.map(Limiter::new),
            first_values: FirstValues::default(),
            watched_since,
            instance,
        }
    }

    /// The settings of the target.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The contexts of all submissions so far.
    pub fn contexts(&self) -> &Contexts {
        &self.memory.contexts
    }

    /// A series as exposed, if it is remembered.
    pub fn series(&self, series: SeriesId) -> Option<String> {
        self.memory.text(series)
    }

    /// The entries of `metrics` that meant nothing of what was exposed so far.
    pub fn unused_rules(&self) -> impl Iterator<Item = &MetricRule> {
        self.selection.unused()
    }

    /// The names of all families so far, as the settings see them.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.selection.names()
    }

    /// The sources of shared labels that were not exposed so far.
    pub fn missing_sources(&self) -> impl Iterator<Item = &str> {
        self.shared.missing()
    }

    /// The service check that says how the request of a scrape went, unless the settings turn it off.
    pub fn health(&self, status: Status, message: &str) -> Option<ServiceCheck> {
        const NAME: &str = "openmetrics.health";
        if !self.instance.enable_health_service_check {
            return None;
        }
        let namespace = &self.instance.namespace;
        Some(ServiceCheck {
            name: if namespace.is_empty() { NAME.to_owned() } else { format!("{namespace}.{NAME}") },
            status,
            tags: self.static_tags.iter().map(ToString::to_string).collect(),
            hostname: String::new(),
            message: message.to_owned(),
        })
    }

    /// Begins to map a body; `now` is the time of the scrape.
    pub fn begin<'m, S: Submissions>(&'m mut self, format: Format, now: UnixTime, out: &'m mut S) -> Mapping<'m, S> {
        let emitter = Emitter {
            instance: &self.instance,
            static_tags: &self.static_tags,
            limiter: self.limiter.as_mut(),
            flush_first_value: self.first_values.flush(),
            out,
        };
        self.selection.begin(self.memory.age());
        self.memory.roster.begin();
        let holds = self.instance.use_process_start_time && self.first_values == FirstValues::Initial;
        Mapping::new(
            &mut self.memory,
            &mut self.selection,
            &mut self.shared,
            emitter,
            super::mapping::Circumstances { format, now, holds, watched_since: self.watched_since },
        )
    }

    /// Remembers how a scrape went, and tells what is remembered no longer.
    pub fn end(&mut self, ending: Ending) -> Forgotten {
        self.first_values = self.first_values.after(ending != Ending::Failed);
        // What a failed scrape lacks is not missing, whether the failure is ignored or not.
        let success = ending == Ending::Succeeded;
        self.shared.end_scrape(success);
        let (forgotten, oldest) = self.memory.end_scrape(success);
        if let Some(oldest) = oldest {
            self.selection.forget_before(oldest);
        }
        if let Some(limiter) = &mut self.limiter {
            limiter.end_scrape(success);
            limiter.forget(&forgotten.contexts);
        }
        forgotten
    }
}
