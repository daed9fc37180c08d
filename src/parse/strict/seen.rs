//! A sample as the rules look at it.

use crate::parse::model::{Exemplar, Label};
use crate::parse::openmetrics2::Composite;

/// A sample with its name unescaped; everything else is still a part of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    /// The name as it stands in the line.
    pub(super) raw_name: &'a str,
    pub(super) labels: &'a [Label<'a>],
    pub(super) value_text: &'a str,
    pub(super) value: f64,
    /// The value of a composite sample of OpenMetrics 2.0, whose other value is its count.
    pub(super) composite: Option<&'a Composite<'a>>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) exemplars: &'a [Exemplar<'a>],
}

/// Labels that identify something: unescaped, sorted, without empty ones, which are the same as absent ones.
pub(super) type Identity = Vec<(String, String)>;

impl Seen<'_> {
    /// The labels but for `without`.
    pub(super) fn identity(&self, without: Option<&str>) -> Identity {
        let labels = self.labels.iter().map(|label| (label.name.text().into_owned(), label.value.text().into_owned()));
        let mut labels: Identity =
            labels.filter(|(name, value)| !value.is_empty() && Some(name.as_str()) != without).collect();
        labels.sort();
        labels
    }

    /// The label called `name`.
    pub(super) fn label(&self, name: &str) -> Option<&Label<'_>> {
        self.labels.iter().find(|label| label.name.text() == name)
    }
}
