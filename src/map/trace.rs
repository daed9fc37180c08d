//! The account that compiling gives of itself: every step that decides something about a series.
//!
//! Production passes [`NoTrace`], which costs nothing; explaining passes one that remembers.

use crate::config::MetricRule;
use crate::parse::MetricType;

use super::dropped::DropReason;

/// One decision about a family or a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// The family is known by another name from here on: a prefix or `_total` was removed.
    FamilyRenamed {
        /// The name as exposed.
        from: &'a str,
        /// The name that the settings see.
        to: &'a str,
    },
    /// An entry of `metrics` or `extra_metrics` means the family.
    Selected(&'a MetricRule),
    /// The type that decides what is submitted.
    Transformed {
        /// As exposed.
        exposed: MetricType,
        /// What the samples are treated as, in the words of the settings.
        transformer: &'static str,
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
    /// The series is submitted under this full name.
    Submitted(&'a str),
    /// The series is dropped.
    Dropped(DropReason),
}

/// Receives the steps in the order in which they are taken.
pub trait Trace {
    /// A step was taken.
    fn step(&mut self, step: Step<'_>);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {
    #[inline]
    fn step(&mut self, _: Step<'_>) {}
}
