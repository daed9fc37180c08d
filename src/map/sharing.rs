//! Labels that some metrics lend to all others: gathered from their sources, and merged into the labels of samples.
//!
//! What a source lends is read whenever it passes, so a changed source is followed from there on. As long as a source
//! was never seen, after a scrape that failed and may have shown half of one, and always where the settings say not to
//! cache, a scrape begins by searching its body for the sources before anything of it is mapped.

use std::sync::Arc;

use crate::config::{Instance, ShareSource};
use crate::parse::{Diagnostic, Family, Format, MetricType, Sample, Sink};

use super::labels::{LabelSet, known_name};
use super::relabeled::Relabeled;
use super::repetition::Repetition;

const TARGET_INFO: &str = "target_info";

/// What is shared in one target.
#[derive(Debug)]
pub(crate) struct SharedLabels {
    instance: Arc<Instance>,
    /// In the order in which the sources were found.
    lent: Vec<Lent>,
    /// The labels of `target_info`.
    target_info: Option<Vec<(String, String)>>,
    /// Whether `target_info` was found by a search.
    found_target_info: bool,
    /// Whether the last family of the body was a source.
    ends_with_source: bool,
    /// Whether the scrape before broke off in a source, so that only half of it may have been read.
    doubtful: bool,
    /// Labels for every sample: those of `target_info` and of the sources that ask for no match, made of the others.
    for_all: Vec<(String, String)>,
    /// Changes whenever other labels are merged than before.
    generation: u32,
    /// What was merged when the generation was asked for last.
    merged: Merged,
    /// Whether nothing has changed since.
    is_settled: bool,
}

/// What is merged into samples.
#[derive(Clone, Debug, Default, PartialEq)]
struct Merged {
    for_all: Vec<(String, String)>,
    for_matching: Vec<Rule>,
}

/// What one source lends.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lent {
    /// Its place in the settings.
    source: usize,
    for_all: Vec<(String, String)>,
    for_matching: Vec<Rule>,
}

/// Labels for the samples that have certain others.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    condition: Vec<(String, String)>,
    labels: Vec<(String, String)>,
}

impl SharedLabels {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self {
            instance,
            lent: Vec::new(),
            target_info: None,
            found_target_info: false,
            ends_with_source: false,
            doubtful: false,
            for_all: Vec::new(),
            generation: 0,
            merged: Merged::default(),
            is_settled: true,
        }
    }

    /// Whether anything is shared at all.
    pub(crate) fn is_used(&self) -> bool {
        !self.instance.sharing.is_empty()
    }

    /// Changes whenever other labels are merged than when it was asked for last.
    pub(crate) fn generation(&mut self) -> u32 {
        if !std::mem::replace(&mut self.is_settled, true) {
            let rules = self.lent.iter().flat_map(|lent| &lent.for_matching).cloned();
            let merged = Merged { for_all: self.for_all.clone(), for_matching: rules.collect() };
            if merged != self.merged {
                self.merged = merged;
                self.generation = self.generation.wrapping_add(1);
            }
        }
        self.generation
    }

    /// Whether the body of a scrape has to be searched for sources before it is mapped.
    pub(crate) fn needs_search(&self) -> bool {
        self.is_used() && (!self.instance.sharing.cached || self.doubtful || !self.is_complete())
    }

    /// The sources that were not found.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        let found = |place| self.lent.iter().any(|lent| lent.source == place);
        let sources = self.instance.sharing.sources.iter().enumerate();
        let missing = sources.filter(move |(place, _)| !found(*place)).map(|(_, source)| source.metric.as_str());
        missing.chain((self.instance.sharing.target_info && self.target_info.is_none()).then_some(TARGET_INFO))
    }

    /// Whether all sources were found.
    fn is_complete(&self) -> bool {
        let sharing = &self.instance.sharing;
        self.lent.len() == sharing.sources.len() && (self.found_target_info || !sharing.target_info)
    }

    /// Ends a scrape: without a cache all but `target_info` is forgotten.
    pub(crate) fn end_scrape(&mut self, success: bool) {
        self.doubtful = std::mem::take(&mut self.ends_with_source) && !success;
        if !self.instance.sharing.cached {
            self.lent.clear();
            self.found_target_info = false;
            self.changed();
        }
    }

    /// Notes whether the family that begins is a source.
    pub(crate) fn note(&mut self, is_source: bool) {
        self.ends_with_source = is_source;
    }

    /// Begins to read what a family lends: as `target_info`, as a source of the settings, or as both.
    pub(crate) fn watch(&self, family: &Family, format: Format) -> Vec<Watch> {
        if !self.is_used() {
            return Vec::new();
        }
        let name = known_name(&family.name, family.metric_type, format, &self.instance);
        let sharing = &self.instance.sharing;
        let target_info = (sharing.target_info && is_target_info(family, name)).then_some(Source::TargetInfo);
        let configured = sharing.sources.iter().position(|source| source.metric == name).map(Source::Configured);
        let sources = target_info.into_iter().chain(configured);
        sources.map(|source| Watch { source, lent: Lent::default(), first: true }).collect()
    }

    /// Whether a source lends all its labels to everything under the name of `target_info`: then, as in the original, they
    /// are those of `target_info`, which are remembered also without a cache.
    fn lends_target_info(&self, place: usize) -> bool {
        let source = &self.instance.sharing.sources[place];
        source.metric == TARGET_INFO && source.match_labels.is_empty() && source.labels.is_empty()
    }

    /// Reads what a sample lends while the body is mapped: `target_info` counts from its first sample on.
    pub(crate) fn observe(&mut self, watch: &mut Watch, sample: &Sample<'_>) {
        match watch.source {
            Source::TargetInfo if watch.first => {
                watch.first = false;
                self.set_target_info(owned(&Relabeled::labels_of(sample, &self.instance)));
            }
            Source::TargetInfo => {}
            Source::Configured(place) => watch.lent.add(&self.instance.sharing.sources[place], sample, &self.instance),
        }
    }

    /// Ends a source while the body is mapped: what it lends replaces what it lent before. Of several families of one
    /// name in one body only the first is read, which `seen` knows.
    pub(crate) fn observed(&mut self, watch: Watch, seen: &mut Vec<usize>) {
        let Source::Configured(place) = watch.source else { return };
        if seen.contains(&place) {
            return;
        }
        seen.push(place);
        let mut lent = Lent { source: place, ..watch.lent };
        if self.lends_target_info(place) {
            let lent = std::mem::take(&mut lent.for_all);
            // With the option of that name they are followed as such.
            if !self.instance.sharing.target_info {
                let mut labels = self.target_info.clone().unwrap_or_default();
                lent.iter().for_each(|(name, value)| insert(&mut labels, name, value));
                self.set_target_info(labels);
            }
        }
        self.replace(lent);
    }

    fn replace(&mut self, lent: Lent) {
        match self.lent.iter_mut().find(|known| known.source == lent.source) {
            Some(known) if *known == lent => return,
            Some(known) => *known = lent,
            None => self.lent.push(lent),
        }
        self.changed();
    }

    fn set_target_info(&mut self, labels: Vec<(String, String)>) {
        if self.target_info.as_ref() != Some(&labels) {
            self.target_info = Some(labels);
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.is_settled = false;
        let mut merged = Vec::new();
        let lent = self.lent.iter().flat_map(|lent| &lent.for_all);
        for (name, value) in self.target_info.iter().flatten().chain(lent) {
            insert(&mut merged, name, value);
        }
        self.for_all = merged;
    }

    /// Merges what is shared into the labels of a sample; `told` hears of each label that is added or changed, with the
    /// value it had.
    pub(crate) fn merge<'a>(&'a self, labels: &mut LabelSet<'a>, mut told: impl FnMut(&str, Option<&str>, &str)) {
        if self.for_all.is_empty() && self.lent.is_empty() {
            return;
        }
        // Conditions are about what the sample has of its own.
        let rules: Vec<&Rule> = self
            .lent
            .iter()
            .flat_map(|lent| &lent.for_matching)
            .filter(|rule| rule.condition.iter().all(|(name, value)| labels.get(name) == Some(value)))
            .collect();
        for (name, value) in self.for_all.iter().chain(rules.into_iter().flat_map(|rule| &rule.labels)) {
            let old = labels.get(name);
            if old != Some(value) {
                told(name, old, value);
            }
            labels.insert(name.as_str().into(), value.as_str().into());
        }
    }
}

/// Which source a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    TargetInfo,
    /// The place in the settings.
    Configured(usize),
}

/// A source that is being read.
#[derive(Debug)]
pub(crate) struct Watch {
    source: Source,
    lent: Lent,
    /// Whether its first sample is still to come.
    first: bool,
}

impl Watch {
    /// Whether the source is `target_info`.
    pub(super) fn is_target_info(&self) -> bool {
        self.source == Source::TargetInfo
    }
}

/// Whether a type counts over time.
pub(super) fn counts(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Counter | MetricType::Histogram | MetricType::Summary)
}

/// OpenMetrics calls the family of `target_info` `target`.
fn is_target_info(family: &Family, name: &str) -> bool {
    name == TARGET_INFO || (family.metric_type == MetricType::Info && name == "target")
}

impl Lent {
    fn add(&mut self, source: &ShareSource, sample: &Sample<'_>, instance: &Instance) {
        let is_meant = |value: &i64| (*value as f64).total_cmp(&(sample.value + 0.0)).is_eq();
        if source.values.as_ref().is_some_and(|values| !values.iter().any(is_meant)) {
            return;
        }
        let labels = Relabeled::labels_of(sample, instance);
        let picked = |names: &[String]| -> Vec<(String, String)> {
            let own = names.iter().filter_map(|name| Some((name.clone(), labels.get(name)?.to_owned())));
            own.collect()
        };
        let lent = if source.labels.is_empty() { owned(&labels) } else { picked(&source.labels) };
        if source.match_labels.is_empty() {
            for (name, value) in &lent {
                insert(&mut self.for_all, name, value);
            }
        } else {
            self.for_matching.push(Rule { condition: picked(&source.match_labels), labels: lent });
        }
    }
}

fn owned(labels: &LabelSet<'_>) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn insert(labels: &mut Vec<(String, String)>, name: &str, value: &str) {
    match labels.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => value.clone_into(known),
        None => labels.push((name.to_owned(), value.to_owned())),
    }
}

/// Searches a body for sources, before it is mapped.
pub(crate) struct Search<'s> {
    shared: &'s mut SharedLabels,
    state: &'s mut SearchState,
    format: Format,
    /// Told of each whole family with the number of its samples.
    counted: &'s mut dyn FnMut(u64),
}

/// How far a search has come.
#[derive(Debug, Default)]
pub(crate) struct SearchState {
    open: Vec<Watch>,
    /// Samples of the open family.
    samples: u64,
    repetition: Repetition,
    /// Whether counters, histograms and summaries come after all others, as they are mapped.
    holds: bool,
    /// What such sources lend, until the others have had their turn.
    late: Vec<Watch>,
    /// The source families that were read.
    seen: Vec<usize>,
    target_info: bool,
    /// Whether nothing is left to be found.
    done: bool,
}

impl SearchState {
    /// The state before a search. `holds`: whether counters, histograms and summaries are mapped after all others, so
    /// that a source of one of these types counts only where no other has its name.
    pub(crate) fn new(holds: bool) -> Self {
        Self { holds, ..Self::default() }
    }

    /// Whether nothing is left to be found.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Ends a search with its body: now those that came late have their turn.
    pub(crate) fn end(&mut self, shared: &mut SharedLabels) {
        for watch in std::mem::take(&mut self.late) {
            shared.observed(watch, &mut self.seen);
        }
        self.done = true;
    }

    pub(crate) fn search<'s>(
        &'s mut self,
        shared: &'s mut SharedLabels,
        format: Format,
        counted: &'s mut dyn FnMut(u64),
    ) -> Search<'s> {
        Search { shared, state: self, format, counted }
    }
}

impl Sink for Search<'_> {
    fn family(&mut self, family: &Family) {
        if self.state.done {
            return;
        }
        self.state.samples = 0;
        self.state.open = self.shared.watch(family, self.format);
        self.state.open.retain(|watch| match watch.source {
            Source::Configured(place) => !self.state.seen.contains(&place),
            Source::TargetInfo => !self.state.target_info,
        });
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        if self.state.done || self.state.repetition.repeats(sample, self.format) {
            return;
        }
        self.state.samples += 1;
        for watch in &mut self.state.open {
            match watch.source {
                // A search takes the labels of all its samples, and adds them to what was known.
                Source::TargetInfo => {
                    let mut labels = self.shared.target_info.clone().unwrap_or_default();
                    for (name, value) in Relabeled::labels_of(sample, &self.shared.instance).iter() {
                        insert(&mut labels, name, value);
                    }
                    watch.first = false;
                    self.shared.set_target_info(labels);
                }
                Source::Configured(_) => self.shared.observe(watch, sample),
            }
        }
    }

    fn family_end(&mut self, family: &Family) {
        if self.state.done {
            return;
        }
        (self.counted)(self.state.samples);
        for watch in std::mem::take(&mut self.state.open) {
            match watch.source {
                Source::Configured(_) if self.state.holds && counts(family.metric_type) => self.state.late.push(watch),
                // An announcement without samples lends nothing.
                Source::TargetInfo => {
                    self.state.target_info = !watch.first;
                    self.shared.found_target_info |= !watch.first;
                }
                Source::Configured(_) => self.shared.observed(watch, &mut self.state.seen),
            }
        }
        let sharing = &self.shared.instance.sharing;
        let found_all =
            self.state.seen.len() == sharing.sources.len() && (self.state.target_info || !sharing.target_info);
        self.state.done = found_all || !self.shared.needs_search();
    }

    fn malformed(&mut self, _: &Diagnostic) {}
}
