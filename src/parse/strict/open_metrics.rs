//! The rules of OpenMetrics that take more than one line: families, their metadata, and the order of their samples.

use std::collections::HashSet;

use super::finding::{Findings, Place};
use super::group::Groups;
use super::histogram::Histogram;
use super::line::Metadata;
use super::names::{inner_label, suffix_of, suffixes};
use super::seen::Seen;
use super::{draft, values};
use crate::parse::diagnostic::Diagnostic;
use crate::parse::format::Format;
use crate::parse::model::{MetricType, Quoted};

/// What is remembered of an exposition.
#[derive(Debug)]
pub(super) struct OpenMetricsRules {
    format: Format,
    /// Every name that the families so far own, used or not.
    names: HashSet<String>,
    open: Option<Family>,
}

/// The family at hand.
#[derive(Debug)]
struct Family {
    name: String,
    place: Place,
    /// Whether the name stood in quotes where it came first.
    is_quoted: bool,
    metric_type: Option<MetricType>,
    has_help: bool,
    unit: Option<String>,
    has_samples: bool,
    groups: Groups,
    histogram: Option<Histogram>,
}

impl Family {
    fn metric_type(&self) -> MetricType {
        self.metric_type.unwrap_or_default()
    }
}

impl OpenMetricsRules {
    pub(super) fn new(format: Format) -> Self {
        Self { format, names: HashSet::new(), open: None }
    }

    /// The family called `name`, which is the open one or begins here.
    fn family(&mut self, name: &str, raw: &str, findings: &mut Findings<'_>) -> &mut Family {
        if self.open.as_ref().is_none_or(|open| open.name != name) {
            self.close(findings.report());
            let is_quoted = stands_in_quotes(raw, findings);
            self.open = Some(Family {
                name: name.to_owned(),
                place: findings.place(),
                is_quoted,
                metric_type: None,
                has_help: false,
                unit: None,
                has_samples: false,
                groups: Groups::default(),
                histogram: None,
            });
        }
        self.open.as_mut().expect("it was opened when it was not open")
    }

    pub(super) fn metadata(&mut self, name: &Quoted<'_>, what: Metadata<'_>, findings: &mut Findings<'_>) {
        let is_draft = self.format == Format::OpenMetrics2;
        let raw = name.raw();
        let family = self.family(&name.text(), raw, findings);
        if family.has_samples {
            findings.token(raw, "O7", "the metadata of a family must stand before its samples");
        }
        if is_draft && family.is_quoted != stands_in_quotes(raw, findings) {
            findings.token(raw, "M5", "a name must be quoted on all lines of its family, or on none");
        }
        let twice = match what {
            Metadata::Help { .. } => std::mem::replace(&mut family.has_help, true).then_some("HELP"),
            Metadata::Type(metric_type) => family.metric_type.replace(metric_type).map(|_| "TYPE"),
            Metadata::Unit(unit) => family.unit.replace(unit.to_owned()).map(|_| "UNIT"),
        };
        if let Some(word) = twice {
            findings.token(raw, "O7", format!("a family may have only one `{word}` line"));
        }
        let has_no_unit = matches!(family.metric_type, Some(MetricType::Info | MetricType::StateSet));
        if has_no_unit && family.unit.as_ref().is_some_and(|unit| !unit.is_empty()) {
            findings.token(raw, "O9", format!("a family of type {} has no unit", family.metric_type()));
        }
    }

    pub(super) fn sample(&mut self, seen: &Seen<'_>, findings: &mut Findings<'_>) {
        let is_draft = self.format == Format::OpenMetrics2;
        let own = self.open.as_ref().and_then(|open| {
            let metric_type = open.metric_type();
            if open.name == seen.name && (is_draft || matches!(metric_type, MetricType::Counter | MetricType::Info)) {
                return Some("");
            }
            if is_draft { None } else { suffix_of(&open.name, metric_type, seen.name) }
        });
        let format = self.format;
        let (family, suffix) = match (&mut self.open, own) {
            (Some(family), Some(suffix)) => (family, suffix),
            _ => (self.family(seen.name, seen.raw_name, findings), ""),
        };
        family.has_samples = true;
        let metric_type = family.metric_type();
        let inner = inner_label(&family.name, metric_type, suffix);
        let begins = family.groups.sample(seen, inner, (format, metric_type), findings);
        if is_draft {
            if family.is_quoted != stands_in_quotes(seen.raw_name, findings) {
                findings.token(seen.raw_name, "M5", "a name must be quoted on all lines of its family, or on none");
            }
            draft::check(&family.name, metric_type, seen, findings);
            return;
        }
        match (metric_type, suffix) {
            (MetricType::Counter, "") => {
                let message = "the sample of a counter is called as its family with `_total` behind it";
                findings.token(seen.raw_name, "O14", message);
            }
            (MetricType::Info, "") => {
                let message = "the sample of an info metric is called as its family with `_info` behind it";
                findings.token(seen.raw_name, "O14", message);
            }
            _ => {}
        }
        let bound = values::check(&family.name, metric_type, suffix, seen, findings);
        if !matches!(metric_type, MetricType::Histogram | MetricType::GaugeHistogram) {
            return;
        }
        if begins && let Some(histogram) = family.histogram.take() {
            histogram.finish(Some(metric_type), findings.report());
        }
        let histogram =
            family.histogram.get_or_insert_with(|| Histogram::new(findings.place(), values::rule(metric_type)));
        match (suffix, bound) {
            ("_bucket", Some(bound)) => histogram.bucket(bound, seen, findings),
            ("_count" | "_gcount", _) => histogram.count(seen.value),
            ("_sum" | "_gsum", _) => histogram.sum(seen.value),
            _ => {}
        }
    }

    /// Ends the open family: its names must not be those of another one.
    fn close(&mut self, report: &mut dyn FnMut(&Diagnostic)) {
        let Some(family) = self.open.take() else { return };
        if let Some(histogram) = &family.histogram {
            histogram.finish(family.metric_type, report);
        }
        let mut clash = None;
        let suffixes = if self.format == Format::OpenMetrics2 { &[] } else { suffixes(family.metric_type()) };
        for suffix in suffixes.iter().filter(|suffix| !suffix.is_empty()).chain([&""]) {
            let name = format!("{}{suffix}", family.name);
            if self.names.contains(&name) {
                clash = Some(name.clone());
            }
            self.names.insert(name);
        }
        if let Some(name) = clash {
            let message = format!(
                "the name `{name}` belongs to a family before; a family must stand together, and no two may share names"
            );
            family.place.report("O5", message, report);
        }
    }

    pub(super) fn finish(mut self, report: &mut dyn FnMut(&Diagnostic)) {
        self.close(report);
    }
}

/// Whether a quote stands before `raw`, which is a part of the line.
fn stands_in_quotes(raw: &str, findings: &Findings<'_>) -> bool {
    let offset = (raw.as_ptr() as usize).wrapping_sub(findings.text.as_ptr() as usize);
    offset.checked_sub(1).and_then(|before| findings.text.as_bytes().get(before)) == Some(&b'"')
}
