//! The account that the mapping gives of itself: every step that decides something about a family or a series.
//!
//! Production has nobody who listens, which costs nothing; explaining listens and remembers.

use crate::config::{MetricRule, Position};
use crate::parse::{Diagnostic, Family, MetricType, Sample};

use super::dropped::DropReason;
use super::origin::SeriesId;

/// One decision about a family or a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// A rule of `metric_relabel_configs` changed a label, the name of the sample among them.
    Relabeled {
        /// The rule's place in the list, from 1.
        rule: usize,
        /// Where it stands in the settings.
        at: Position,
        /// What it does, in Prometheus' word.
        action: &'a str,
        /// The label.
        label: &'a str,
        /// Empty where there was no such label.
        from: &'a str,
        /// Empty where there is no such label any more.
        to: &'a str,
    },
    /// A rule of `metric_relabel_configs` dropped the sample.
    RelabelDropped {
        /// The rule's place in the list, from 1.
        rule: usize,
        /// Where it stands in the settings.
        at: Position,
        /// What it does, in Prometheus' word.
        action: &'a str,
    },
    /// The family is known by another name from here on: a prefix or `_total` was removed, or it was relabeled.
    FamilyRenamed {
        /// The name as exposed.
        from: &'a str,
        /// The name that the settings see.
        to: &'a str,
    },
    /// Relabeling gave the sample another name, by which it is part of this family.
    OfFamily(&'a str),
    /// The settings mean the sample by its own name, apart from its family.
    Apart(&'a str),
    /// An entry or pattern of `exclude_metrics` means the family.
    Excluded(&'a str),
    /// An entry of `metrics` or `extra_metrics` means the family.
    Selected(&'a MetricRule),
    /// The type that decides what is submitted.
    Transformed {
        /// As exposed.
        exposed: MetricType,
        /// What the samples are treated as, in the words of the settings.
        transformer: &'static str,
    },
    /// A label came from another metric.
    LabelShared {
        /// The label.
        label: &'a str,
        /// The value that it had before, if any.
        from: Option<&'a str>,
        /// The value from here on.
        to: &'a str,
    },
    /// The class of an HTTP status became a label.
    CodeClass {
        /// The label with the status.
        label: &'a str,
        /// The class.
        class: &'a str,
    },
    /// A label's value was brought into its canonical form.
    LabelNormalised {
        /// The label as exposed.
        label: &'a str,
        /// The value as exposed.
        from: &'a str,
        /// The label from here on.
        to_label: &'a str,
        /// The value from here on.
        to: &'a str,
    },
    /// `exclude_metrics_by_labels` means a label of the sample.
    ExcludedByLabel {
        /// The label.
        label: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// A label gives no tag because of `exclude_labels`.
    LabelExcluded(&'a str),
    /// A label gives no tag because `include_labels` lacks it.
    LabelNotIncluded(&'a str),
    /// A label gives a tag.
    Tag {
        /// The label.
        label: &'a str,
        /// The tag, its key renamed if `rename_labels` says so.
        tag: &'a str,
    },
    /// A label names the host.
    Hostname(&'a str),
    /// `metric_patterns` leaves out what would be submitted under this full name.
    LeftOutByPattern(&'a str),
    /// The series is submitted under this full name, or, as metadata, under this plain one.
    Submitted(&'a str),
    /// The series is dropped.
    Dropped(DropReason),
}

/// Receives the steps in the order in which they are taken.
pub trait Trace {
    /// Whether it does anything with what it is told.
    fn listens(&self) -> bool {
        true
    }

    /// A family begins. Steps up to the next sample are about it.
    fn family(&mut self, _: &Family) {}

    /// A sample begins: steps are about it until it ends.
    fn sample(&mut self, _: &Family, _: &Sample<'_>) {}

    /// A step was taken.
    fn step(&mut self, step: Step<'_>);

    /// A sample ended; it is known as this series from here on, unless it was dropped before it became one.
    fn sample_end(&mut self, _: Option<SeriesId>) {}

    /// What a series came to had to wait, and goes on now: the next step, service check or metadata is about it.
    fn resumed(&mut self, _: SeriesId) {}

    /// A line was left out by `raw_line_filters`.
    fn filtered_line(&mut self, _: &[u8]) {}

    /// A line could not be read.
    fn malformed(&mut self, _: &Diagnostic) {}
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoTrace;

impl Trace for NoTrace {
    #[inline]
    fn listens(&self) -> bool {
        false
    }

    #[inline]
    fn step(&mut self, _: Step<'_>) {}
}

impl Trace for &mut dyn Trace {
    fn listens(&self) -> bool {
        (**self).listens()
    }

    fn step(&mut self, step: Step<'_>) {
        (**self).step(step);
    }
}
