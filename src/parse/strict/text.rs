//! The rules of the Prometheus text format that take more than one line: metadata, duplicate series, histograms and
//! summaries.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::finding::Findings;
use super::histogram::Histogram;
use super::line::Metadata;
use super::seen::{Identity, Seen};
use crate::parse::diagnostic::Diagnostic;
use crate::parse::model::{MetricType, Quoted};
use crate::parse::token::number;

/// What is remembered of an exposition.
#[derive(Debug, Default)]
pub(super) struct TextRules {
    families: HashMap<String, Declared>,
    /// With their timestamps: Prometheus keeps samples of one series if their timestamps differ.
    series: HashSet<(String, Identity, Option<i64>)>,
    /// By family, labels and timestamp, in order, so that findings come in the same order every time.
    histograms: BTreeMap<(String, Identity, Option<i64>), Histogram>,
}

/// What is known of a name.
#[derive(Debug, Default)]
struct Declared {
    has_help: bool,
    metric_type: Option<MetricType>,
    has_samples: bool,
}

impl TextRules {
    pub(super) fn metadata(&mut self, name: &Quoted<'_>, what: Metadata<'_>, findings: &mut Findings<'_>) {
        let family = self.families.entry(name.text().into_owned()).or_default();
        match what {
            Metadata::Help { is_empty: false } if std::mem::replace(&mut family.has_help, true) => {
                findings.token(name.raw(), "P6", "a name may have only one `HELP` line");
            }
            Metadata::Type(_) if family.metric_type.is_some() => {
                findings.token(name.raw(), "P6", "a name may have only one `TYPE` line");
            }
            Metadata::Type(metric_type) => {
                if family.has_samples {
                    findings.token(name.raw(), "P6", "`TYPE` must stand before the first sample of its name");
                }
                family.metric_type = Some(metric_type);
            }
            // `UNIT` is a comment in this format.
            Metadata::Help { .. } | Metadata::Unit(_) => {}
        }
    }

    pub(super) fn sample(&mut self, seen: &Seen<'_>, findings: &mut Findings<'_>) {
        if !self.series.insert((seen.name.to_owned(), seen.identity(None), seen.timestamp_ms)) {
            findings.token(seen.raw_name, "P14", "the series stands in the exposition twice");
        }
        let (family, metric_type, suffix) = self.owner(seen.name);
        self.families.entry(family.clone()).or_default().has_samples = true;
        match (metric_type, suffix) {
            (Some(MetricType::Histogram), "_bucket") => {
                if let Some(bound) = inner_number(seen, "le", findings) {
                    self.histogram(family, seen, findings).bucket(bound, seen, findings);
                }
            }
            (Some(MetricType::Histogram), "_count") => self.histogram(family, seen, findings).count(seen.value),
            (Some(MetricType::Histogram), "_sum") => self.histogram(family, seen, findings).sum(seen.value),
            (Some(MetricType::Histogram), _) => {
                findings.token(
                    seen.raw_name,
                    "P15",
                    "a sample of a histogram must end in `_bucket`, `_sum` or `_count`",
                );
            }
            (Some(MetricType::Summary), "") => {
                inner_number(seen, "quantile", findings);
            }
            _ => {}
        }
    }

    /// The family that owns a sample name, its type, and what stands behind its name.
    fn owner<'n>(&self, name: &'n str) -> (String, Option<MetricType>, &'n str) {
        for suffix in ["_bucket", "_count", "_sum"] {
            let Some(stem) = name.strip_suffix(suffix) else { continue };
            let metric_type = self.families.get(stem).and_then(|family| family.metric_type);
            let owns = match metric_type {
                Some(MetricType::Histogram) => true,
                Some(MetricType::Summary) => suffix != "_bucket",
                _ => false,
            };
            if owns {
                return (stem.to_owned(), metric_type, &name[stem.len()..]);
            }
        }
        (name.to_owned(), self.families.get(name).and_then(|family| family.metric_type), "")
    }

    fn histogram(&mut self, family: String, seen: &Seen<'_>, findings: &Findings<'_>) -> &mut Histogram {
        let key = (family, seen.identity(Some("le")), seen.timestamp_ms);
        self.histograms.entry(key).or_insert_with(|| Histogram::new(findings.place(), "P15"))
    }

    pub(super) fn finish(&self, report: &mut dyn FnMut(&Diagnostic)) {
        for histogram in self.histograms.values() {
            histogram.finish(None, report);
        }
    }
}

/// The number in the label `name`, which must be there.
fn inner_number(seen: &Seen<'_>, name: &str, findings: &mut Findings<'_>) -> Option<f64> {
    let Some(label) = seen.label(name) else {
        findings.token(seen.raw_name, "P15", format!("the sample must have the label `{name}`"));
        return None;
    };
    let number = number(label.value.raw()).ok();
    if number.is_none() {
        findings.token(label.value.raw(), "P15", format!("the label `{name}` must be a number"));
    }
    number
}
