//! What a scrape showed beside the series that match: enough to say why nothing does.

use std::collections::{BTreeMap, BTreeSet};

use super::selector::Selector;
use crate::parse::{Diagnostic, MetricType};

/// The most names that are kept, and the most values of a label.
const NAMES: usize = 20_000;
const VALUES: usize = 20;

/// What was seen in a scrape.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The names of families and of samples as exposed.
    pub(super) names: BTreeMap<String, Named>,
    /// Full names that were submitted, each with the name of its family as exposed.
    pub(super) submitted: BTreeMap<String, String>,
    /// The places of the entries of `metrics` that meant something.
    pub(super) selected: BTreeSet<usize>,
    /// Of series with the right name and other labels: how many, and the values of the labels that are asked for.
    pub(super) others: Others,
    /// Lines about what is asked for that `raw_line_filters` left out.
    pub(super) filtered: Vec<String>,
    /// Likewise, that could not be read.
    pub(super) malformed: Vec<Diagnostic>,
}

/// What a name is the name of.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The family as exposed.
    pub(super) family: String,
    pub(super) metric_type: MetricType,
}

/// Series with the right name and other labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    pub(super) series: u64,
    /// By label, of those that the selector names.
    pub(super) values: BTreeMap<String, BTreeSet<String>>,
    /// All labels.
    pub(super) labels: BTreeSet<String>,
}

impl Seen {
    pub(super) fn name(&mut self, name: &str, family: &str, metric_type: MetricType) {
        if !self.names.contains_key(name) && self.names.len() < NAMES {
            self.names.insert(name.to_owned(), Named { family: family.to_owned(), metric_type });
        }
    }

    /// A full name that is submitted of a family.
    pub(super) fn submitted_of(&self, family: &str) -> Option<&str> {
        self.submitted.iter().find(|(_, known)| *known == family).map(|(full, _)| full.as_str())
    }

    pub(super) fn submitted(&mut self, full: &str, family: &str) {
        if !self.submitted.contains_key(full) && self.submitted.len() < NAMES {
            self.submitted.insert(full.to_owned(), family.to_owned());
        }
    }

    pub(super) fn filtered(&mut self, line: &str) {
        if self.filtered.len() < VALUES {
            self.filtered.push(line.to_owned());
        }
    }

    pub(super) fn malformed(&mut self, diagnostic: &Diagnostic) {
        if self.malformed.len() < VALUES {
            self.malformed.push(diagnostic.clone());
        }
    }
}

impl Others {
    pub(super) fn add(&mut self, selector: &Selector, labels: &BTreeMap<String, String>) {
        self.series += 1;
        for label in labels.keys() {
            if self.labels.len() <= VALUES {
                self.labels.insert(label.clone());
            }
        }
        for matcher in selector.matchers() {
            let values = self.values.entry(matcher.label.clone()).or_default();
            if let Some(value) = labels.get(&matcher.label).filter(|_| values.len() <= VALUES) {
                values.insert(value.clone());
            }
        }
    }
}
