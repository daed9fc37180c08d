//! Labels that some metrics lend to all others: gathered from their sources, and merged into the labels of samples.
//!
//! What a source lends is read whenever it passes, so a changed source is followed from there on. As long as a source
//! was never seen, after a scrape that failed and may have shown half of one, and always where the settings say not to
//! cache, a scrape begins by searching its body for the sources before anything of it is mapped.

use std::sync::Arc;

use crate::config::{Instance, ShareSource};
use crate::parse::{Diagnostic, Family, Format, MetricType, Sample, Sink};

use super::labels::{LabelSet, known_name};
use super::lending::{Conditional, Labels, TooMany, in_order, insert};
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
    target_info: Option<Labels>,
    /// Whether `target_info` was found by a search.
    found_target_info: bool,
    last_family: LastFamily,
    /// Changes whenever other labels are merged than before.
    generation: u32,
    /// What is merged, as it was when the generation was asked for last.
    merged: Merged,
    /// Whether nothing has changed since.
    is_settled: bool,
    /// Whether what is lent fits into one sample.
    fits: Result<(), TooMany>,
}

/// What the family was that was read last, in this scrape or, before its first family, in the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastFamily {
    Source,
    /// A source in which the scrape broke off, so that only half of it may have been read.
    BrokenSource,
    Other,
}

/// What is merged into samples.
#[derive(Clone, Debug, Default, PartialEq)]
struct Merged {
    /// Labels for every sample: those of `target_info` and of the sources that ask for no match, made of the others.
    for_all: Labels,
    /// Of each source.
    for_matching: Vec<Arc<Conditional>>,
}

/// What one source lends.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lent {
    /// Its place in the settings.
    source: usize,
    for_all: Labels,
    for_matching: Arc<Conditional>,
    is_too_much: bool,
}

impl SharedLabels {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self {
            instance,
            lent: Vec::new(),
            target_info: None,
            found_target_info: false,
            last_family: LastFamily::Other,
            generation: 0,
            merged: Merged::default(),
            is_settled: true,
            fits: Ok(()),
        }
    }

    /// Whether anything is shared at all.
    pub(crate) fn is_used(&self) -> bool {
        !self.instance.sharing.is_empty()
    }

    /// Changes whenever other labels are merged than when it was asked for last.
    pub(crate) fn generation(&mut self) -> u32 {
        if !std::mem::replace(&mut self.is_settled, true) {
            let merged = self.merge_sources();
            if merged != self.merged {
                self.merged = merged;
                self.generation = self.generation.wrapping_add(1);
            }
        }
        self.generation
    }

    /// Whether more labels are lent than one sample may have, which fails the scrape.
    pub(crate) fn is_too_much(&self) -> bool {
        self.fits.is_err()
    }

    /// Whether the body of a scrape has to be searched for sources before it is mapped.
    pub(crate) fn needs_search(&self) -> bool {
        self.is_used()
            && (!self.instance.sharing.cached || self.last_family == LastFamily::BrokenSource || !self.is_complete())
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

    /// Ends a scrape: without a cache all but `target_info` is forgotten, and all of what was too much.
    pub(crate) fn end_scrape(&mut self, success: bool) {
        self.last_family = match self.last_family {
            LastFamily::Source if !success => LastFamily::BrokenSource,
            _ => LastFamily::Other,
        };
        let was_too_much = std::mem::replace(&mut self.fits, Ok(())).is_err();
        if was_too_much {
            self.target_info = None;
        }
        if was_too_much || !self.instance.sharing.cached {
            self.lent.clear();
            self.found_target_info = false;
            self.is_settled = false;
        }
    }

    /// Notes whether the family that begins is a source.
    pub(crate) fn note(&mut self, is_source: bool) {
        self.last_family = if is_source { LastFamily::Source } else { LastFamily::Other };
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
            let labels = std::mem::take(&mut lent.for_all);
            // With the option of that name they are followed as such.
            if !self.instance.sharing.target_info {
                self.add_target_info(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            }
        }
        self.replace(lent);
    }

    fn replace(&mut self, lent: Lent) {
        if lent.is_too_much {
            self.fits = Err(TooMany);
        }
        match self.lent.iter_mut().find(|known| known.source == lent.source) {
            Some(known) if *known == lent => return,
            Some(known) => *known = lent,
            None => self.lent.push(lent),
        }
        self.is_settled = false;
    }

    fn set_target_info(&mut self, labels: Labels) {
        if self.target_info.as_ref() != Some(&labels) {
            self.target_info = Some(labels);
            self.is_settled = false;
        }
    }

    /// Adds to what is known of `target_info`.
    fn add_target_info<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>) {
        let most = self.instance.http.limits.labels;
        let known = self.target_info.get_or_insert_default();
        for (name, value) in labels {
            self.fits = self.fits.and(insert(known, name, value, most));
        }
        self.is_settled = false;
    }

    fn merge_sources(&mut self) -> Merged {
        let most = self.instance.http.limits.labels;
        let mut for_all = Labels::new();
        let lent = self.lent.iter().flat_map(|lent| &lent.for_all);
        for (name, value) in self.target_info.iter().flatten().chain(lent) {
            self.fits = self.fits.and(insert(&mut for_all, name, value, most));
        }
        Merged { for_all, for_matching: self.lent.iter().map(|lent| Arc::clone(&lent.for_matching)).collect() }
    }

    /// Merges what is shared into the labels of a sample; `told` hears of each label that is added or changed, with the
    /// value it had. What is shared is as it was when the generation was asked for last.
    pub(crate) fn merge<'a>(&'a self, labels: &mut LabelSet<'a>, mut told: impl FnMut(&str, Option<&str>, &str)) {
        let Merged { for_all, for_matching } = &self.merged;
        // Conditions are about what the sample has of its own.
        let loans: Vec<_> = for_matching.iter().map(|lending| lending.loans(labels)).collect();
        let for_all = for_all.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in for_all.chain(loans.into_iter().flat_map(in_order)) {
            let old = labels.get(name);
            if old != Some(value) {
                told(name, old, value);
            }
            labels.insert(name.into(), value.into());
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
        let most = instance.http.limits.labels;
        let labels = Relabeled::labels_of(sample, instance);
        let picked = |names| picked(names, &labels);
        let lent = if source.labels.is_empty() { labels.iter().collect() } else { picked(&source.labels) };
        let added = if source.match_labels.is_empty() {
            lent.into_iter().try_for_each(|(name, value)| insert(&mut self.for_all, name, value, most))
        } else {
            Arc::make_mut(&mut self.for_matching).add(&picked(&source.match_labels), &lent, most)
        };
        self.is_too_much |= added == Err(TooMany);
    }
}

/// Those of the labels that have one of the names, in the order of the names.
fn picked<'l>(names: &'l [String], labels: &'l LabelSet<'_>) -> Vec<(&'l str, &'l str)> {
    names.iter().filter_map(|name| Some((name.as_str(), labels.get(name)?))).collect()
}

fn owned(labels: &LabelSet<'_>) -> Labels {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
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
        if self.state.done || self.state.repetition.repeats(sample, self.format, |_| false) {
            return;
        }
        self.state.samples += 1;
        for watch in &mut self.state.open {
            match watch.source {
                // A search takes the labels of all its samples, and adds them to what was known.
                Source::TargetInfo => {
                    watch.first = false;
                    let labels = Relabeled::labels_of(sample, &self.shared.instance);
                    self.shared.add_target_info(labels.iter());
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
