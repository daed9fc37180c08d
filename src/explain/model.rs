//! What is told of the road: everything as text and numbers, ready to be printed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::source::Rule;
use crate::aggregate::Growth;
use crate::config::Position;
use crate::map::{DropReason, SeriesId};
use crate::parse::{MetricType, Role};

/// What is told of one instance.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The endpoint without credentials.
    pub endpoint: String,
    /// The settings file.
    pub file: String,
    /// Where the instance stands in it.
    pub at: Option<Position>,
    /// Why nothing was scraped.
    pub error: Option<String>,
    /// The scrapes to be shown, in their order.
    pub scrapes: Vec<ScrapeAccount>,
    /// How many scrapes there were.
    pub scraped: usize,
}

/// What is told of one scrape.
#[derive(Clone, Debug, Default)]
pub struct ScrapeAccount {
    /// From 1.
    pub number: usize,
    /// Why it failed.
    pub failure: Option<String>,
    /// How it failed, where the settings say that this is no failure.
    pub ignored: Option<String>,
    /// How many samples were read.
    pub samples: u64,
    /// The series that match, in the order of the exposition.
    pub series: Vec<SeriesAccount>,
    /// How many more match, of which nothing is kept.
    pub unkept: u64,
    /// Matching things that no series of the exposition is behind: figures and service checks about the scrape itself.
    pub own: Vec<Value>,
    /// Why nothing matches.
    pub missing: Option<Missing>,
    /// What else is worth knowing.
    pub notes: Vec<Hint>,
}

impl ScrapeAccount {
    /// Whether anything that matches was submitted.
    pub fn is_submitted(&self) -> bool {
        !self.own.is_empty() || self.series.iter().any(|series| !series.submissions.is_empty())
    }
}

/// The road of one series in one scrape.
#[derive(Clone, Debug)]
pub struct SeriesAccount {
    /// Known from here on by this number.
    pub(super) id: Option<SeriesId>,
    /// Name and labels as exposed.
    pub series: String,
    /// The name as exposed.
    pub name: String,
    /// The labels as exposed.
    pub labels: BTreeMap<String, String>,
    /// The value as exposed.
    pub value: String,
    /// Where it stands in the exposition, from 1; protobuf has no lines.
    pub line: Option<u64>,
    /// The family as exposed.
    pub family: String,
    /// Whether the exposition announces the family.
    pub declared: bool,
    /// Its type as exposed.
    pub metric_type: MetricType,
    /// What the sample is in its family.
    pub role: Role,
    /// The name by which the settings know the family.
    pub known: String,
    /// The place in the list of the entry of `metrics` that means the family.
    pub(super) selected: Option<usize>,
    /// The full names that it was to be submitted under.
    pub(super) full_names: Vec<String>,
    /// What was done, in order.
    pub stages: Vec<Stage>,
    /// What was submitted, each in the form of `retriever check --format json`.
    pub submissions: Vec<Value>,
    /// How its growth came about.
    pub growth: Option<GrowthAccount>,
    /// Why it was dropped, or, of a series that is submitted in several ways, one of them was.
    pub dropped: Option<Dropped>,
}

impl SeriesAccount {
    /// Relabeling comes before anything that is decided about the family, though that may have been known before the
    /// sample came; of a sample that ends there nothing else is to be told.
    pub(super) fn relabeled_first(&mut self) {
        self.stages.sort_by_key(|stage| stage.kind != StageKind::Relabeled);
        let reason = self.dropped.as_ref().map(|dropped| dropped.reason);
        if matches!(reason, Some(DropReason::Relabeled | DropReason::RelabeledNameless)) {
            self.stages.retain(|stage| stage.kind == StageKind::Relabeled);
        }
    }

    /// The stages of relabeling, those that decide about the family, and the others.
    pub(super) fn parts(&self) -> [&[Stage]; 3] {
        let relabeled = self.stages.partition_point(|stage| stage.kind == StageKind::Relabeled);
        let (relabeled, rest) = self.stages.split_at(relabeled);
        let of_family = rest.iter().take_while(|stage| {
            matches!(stage.kind, StageKind::KnownAs | StageKind::Apart | StageKind::Selected | StageKind::Transformed)
        });
        let (family, others) = rest.split_at(of_family.count());
        [relabeled, family, others]
    }

    /// Whether it is dropped for a reason that holds for all its family.
    pub(super) fn is_dropped_with_family(&self) -> bool {
        let reason = self.dropped.as_ref().map(|dropped| dropped.reason);
        matches!(
            reason,
            Some(
                DropReason::NotSelected
                    | DropReason::Excluded
                    | DropReason::Untyped
                    | DropReason::Info
                    | DropReason::StateSet
                    | DropReason::GaugeHistogram
            )
        )
    }

    /// Whether it is dropped because what it says is submitted otherwise.
    pub(super) fn is_not_needed(&self) -> bool {
        let reason = self.dropped.as_ref().map(|dropped| dropped.reason);
        let is_said = matches!(
            reason,
            Some(
                DropReason::Created | DropReason::InfiniteBucket | DropReason::ReplacedByNative | DropReason::Repeated
            )
        );
        is_said && self.submissions.is_empty()
    }

    /// Whether it is submitted, but nothing of it arrives yet, because growth needs a second reading.
    pub(super) fn is_first_reading(&self) -> bool {
        self.growth.as_ref().is_some_and(|account| match account.growth {
            Growth::First | Growth::FirstOfOld => true,
            Growth::FirstSinceScrape
            | Growth::FirstSinceStart
            | Growth::Grown
            | Growth::ResetByStart
            | Growth::ResetByFall
            | Growth::ResetWithGroup
            | Growth::ResetUnseen
            | Growth::Lowered
            | Growth::FellUnexplained => false,
        })
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What kind of step it is.
    pub kind: StageKind,
    /// What happened, as a sentence without its full stop.
    pub text: String,
    /// What was there before.
    pub before: Option<String>,
    /// What is there from here on.
    pub after: Option<String>,
    /// The entry of the settings that did it.
    pub rule: Option<Rule>,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StageKind {
    /// `metric_relabel_configs`.
    Relabeled,
    /// From the exposed name to the one that the settings know.
    KnownAs,
    /// The sample is a metric of its own.
    Apart,
    /// `exclude_metrics`, `exclude_metrics_by_labels`.
    Excluded,
    /// `metrics`.
    Selected,
    /// What the samples are treated as.
    Transformed,
    /// A label came, changed or got a class.
    Label,
    /// A label gives no tag.
    NoTag,
    /// A label gives a tag.
    Tag,
    /// The host.
    Hostname,
    /// The full name.
    Name,
    /// `metric_patterns`.
    LeftOut,
}

impl StageKind {
    /// The stable word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relabeled => "relabeled",
            Self::KnownAs => "known_as",
            Self::Apart => "apart",
            Self::Excluded => "excluded",
            Self::Selected => "selected",
            Self::Transformed => "transformed",
            Self::Label => "label",
            Self::NoTag => "no_tag",
            Self::Tag => "tag",
            Self::Hostname => "hostname",
            Self::Name => "name",
            Self::LeftOut => "left_out",
        }
    }
}

/// How a growth came about.
#[derive(Clone, Debug, PartialEq)]
pub struct GrowthAccount {
    /// What was decided.
    pub growth: Growth,
    /// The reading before, if it can be compared.
    pub previous: Option<f64>,
    /// The present reading.
    pub present: f64,
    /// What Datadog gets, if anything.
    pub amount: Option<f64>,
    /// Why, as a sentence.
    pub text: String,
}

/// Why a series is not submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The reason.
    pub reason: DropReason,
    /// What it means, and what to do.
    pub hints: Vec<Hint>,
}

/// Something to know, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Whole sentences.
    pub text: String,
    /// The entry of the settings that it is about.
    pub rule: Option<Rule>,
    /// What to write into the settings.
    pub write: Option<String>,
}

impl Hint {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    #[must_use]
    pub(super) fn at(mut self, rule: Option<Rule>) -> Self {
        self.rule = rule;
        self
    }

    #[must_use]
    pub(super) fn write(mut self, settings: impl Into<String>) -> Self {
        self.write = Some(settings.into());
        self
    }
}

/// Why nothing matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The reason in one sentence.
    pub text: String,
    /// What may be meant, and what to do.
    pub hints: Vec<Hint>,
}
