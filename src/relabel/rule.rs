//! One rule: what it looks at and what it does.

use std::borrow::Cow;
use std::num::NonZeroU64;

use super::labels::LabelBuilder;
use super::pattern::AnchoredRegex;
use super::template::Template;
use crate::config::Position;

/// A rule that needs no further validation.
#[derive(Clone, Debug)]
pub struct RelabelRule {
    /// Where it stands in the settings.
    pub at: Position,
    /// What it does.
    pub action: Action,
}

/// What a rule does, with what it needs for that.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sets the label `target` to `replacement` if the input matches.
    Replace {
        /// The input.
        source: SourceLabels,
        /// What it must match.
        regex: AnchoredRegex,
        /// The name of the label; if it comes out as no name, nothing is set.
        target: Template,
        /// Its value.
        replacement: Template,
    },
    /// Drops everything whose input does not match.
    Keep {
        /// The input.
        source: SourceLabels,
        /// What it must match.
        regex: AnchoredRegex,
    },
    /// Drops everything whose input matches.
    Drop {
        /// The input.
        source: SourceLabels,
        /// What it must not match.
        regex: AnchoredRegex,
    },
    /// Drops everything whose input is not the value of `target`.
    KeepEqual {
        /// The input.
        source: SourceLabels,
        /// A label.
        target: String,
    },
    /// Drops everything whose input is the value of `target`.
    DropEqual {
        /// The input.
        source: SourceLabels,
        /// A label.
        target: String,
    },
    /// Sets the label `target` to a number below `modulus` that depends on the input only.
    HashMod {
        /// The input.
        source: SourceLabels,
        /// The label.
        target: String,
        /// How many numbers there are.
        modulus: NonZeroU64,
    },
    /// Copies every label whose name matches to the label called `replacement`.
    LabelMap {
        /// What the name must match.
        regex: AnchoredRegex,
        /// The name of the copy; if it comes out empty, there is none.
        replacement: Template,
    },
    /// Removes the labels whose names match.
    LabelDrop {
        /// What the name must not match.
        regex: AnchoredRegex,
    },
    /// Removes the labels whose names do not match, the name of the metric among them.
    LabelKeep {
        /// What the name must match.
        regex: AnchoredRegex,
    },
    /// Sets the label `target` to the input in lower case.
    Lowercase {
        /// The input.
        source: SourceLabels,
        /// The label.
        target: String,
    },
    /// Sets the label `target` to the input in upper case.
    Uppercase {
        /// The input.
        source: SourceLabels,
        /// The label.
        target: String,
    },
}

impl Action {
    /// The word of the settings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Keep { .. } => "keep",
            Self::Drop { .. } => "drop",
            Self::KeepEqual { .. } => "keepequal",
            Self::DropEqual { .. } => "dropequal",
            Self::HashMod { .. } => "hashmod",
            Self::LabelMap { .. } => "labelmap",
            Self::LabelDrop { .. } => "labeldrop",
            Self::LabelKeep { .. } => "labelkeep",
            Self::Lowercase { .. } => "lowercase",
            Self::Uppercase { .. } => "uppercase",
        }
    }
}

/// The input of a rule: the values of some labels in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLabels {
    /// The labels; with none of them the input is empty.
    pub names: Vec<String>,
    /// What stands between two values.
    pub separator: String,
}

impl SourceLabels {
    pub(super) fn input<'l>(&self, labels: &'l LabelBuilder<'_>) -> Cow<'l, str> {
        match self.names.as_slice() {
            [] => Cow::Borrowed(""),
            [name] => Cow::Borrowed(labels.get(name)),
            names => {
                let values: Vec<&str> = names.iter().map(|name| labels.get(name)).collect();
                Cow::Owned(values.join(&self.separator))
            }
        }
    }
}
