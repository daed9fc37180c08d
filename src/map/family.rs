//! What becomes of a family: decided once when it begins, from its name, its type and the settings.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{HistogramMode, Instance, MetricMatcher, MetricPatterns, MetricRule, Status, Transformer};
use crate::parse::{Family, Format, MetricType, Sample};

use super::context::Contexts;
use super::dropped::DropReason;
use super::error::MapError;
use super::trace::{NoTrace, Step, Trace};

/// A family that is collected.
#[derive(Debug)]
pub(crate) struct SelectedFamily<'i> {
    /// The name as the settings see it.
    pub(crate) name: String,
    /// The name that is sent, without namespace.
    pub(crate) sent: String,
    /// The type as exposed.
    pub(crate) exposed: MetricType,
    /// What the samples are treated as.
    pub(crate) shape: Shape<'i>,
    /// The full names of what is submitted.
    pub(crate) names: Names<'i>,
}

impl SelectedFamily<'_> {
    /// Whether its samples are submitted when all of them are known: differences need the neighbours.
    pub(crate) fn waits(&self, histograms: HistogramMode) -> bool {
        let differences = matches!(histograms, HistogramMode::Differences | HistogramMode::Distributions { .. });
        matches!(self.shape, Shape::Histogram) && differences
    }
}

/// What the samples of a family are treated as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape<'i> {
    Counter,
    Gauge,
    Histogram,
    Summary,
    CounterGauge,
    Rate,
    TemporalPercent { scale: f64 },
    TimeElapsed,
    ServiceCheck(&'i BTreeMap<i64, Status>),
    Metadata { label: &'i str },
}

impl Shape<'_> {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::CounterGauge => "counter_gauge",
            Self::Rate => "rate",
            Self::TemporalPercent { .. } => "temporal_percent",
            Self::TimeElapsed => "time_elapsed",
            Self::ServiceCheck(_) => "service_check",
            Self::Metadata { .. } => "metadata",
        }
    }

    /// What a type is submitted as when the settings leave it to the type.
    fn native(exposed: MetricType) -> Option<Self> {
        match exposed {
            MetricType::Counter => Some(Self::Counter),
            MetricType::Gauge => Some(Self::Gauge),
            MetricType::Histogram => Some(Self::Histogram),
            MetricType::Summary => Some(Self::Summary),
            MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet | MetricType::Unknown => None,
        }
    }
}

/// The type that each `native` family had when it was first seen; it is kept ever after.
pub(crate) type NativeTypes = HashMap<String, MetricType>;

/// Decides about families.
#[derive(Debug)]
pub(crate) struct FamilyCompiler<'i> {
    instance: &'i Instance,
    exact: HashMap<&'i str, &'i MetricRule>,
    patterns: Vec<&'i MetricRule>,
}

impl<'i> FamilyCompiler<'i> {
    pub(crate) fn new(instance: &'i Instance) -> Self {
        let (mut exact, mut patterns) = (HashMap::new(), Vec::new());
        for rule in &instance.metrics {
            match &rule.matcher {
                MetricMatcher::Exact(name) => {
                    exact.insert(name.as_str(), rule);
                }
                MetricMatcher::Pattern(_) => patterns.push(rule),
            }
        }
        Self { instance, exact, patterns }
    }

    /// The family as it is collected, or why it is not; the error fails the scrape.
    pub(crate) fn compile(
        &self,
        family: &Family,
        format: Format,
        natives: &mut NativeTypes,
        trace: &mut impl Trace,
    ) -> Result<Result<SelectedFamily<'i>, DropReason>, MapError> {
        let name = self.known_name(family, format);
        if name != family.name {
            trace.step(Step::FamilyRenamed { from: &family.name, to: name });
        }
        let selected = self.select(name, family.metric_type, natives, trace);
        if let Ok(Err(reason)) = selected {
            trace.step(Step::Dropped(reason));
        }
        selected
    }

    /// What becomes of a sample of a text family that is no part of the family for the original, but a metric of its own
    /// without a type, if the settings mean that metric: `x_total` of a counter that is announced as `x`, and
    /// `x_created`.
    pub(crate) fn compile_apart(
        &self,
        family: &Family,
        sample: &Sample<'_>,
        format: Format,
        natives: &mut NativeTypes,
    ) -> Option<Result<SelectedFamily<'i>, DropReason>> {
        let name = sample.name.text();
        if format != Format::PrometheusText || name == family.name {
            return None;
        }
        match self.select(without_prefix(&name, self.instance), MetricType::Unknown, natives, &mut NoTrace) {
            Ok(selected @ (Ok(_) | Err(DropReason::Excluded))) => Some(selected),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn select(
        &self,
        name: &str,
        exposed: MetricType,
        natives: &mut NativeTypes,
        trace: &mut impl Trace,
    ) -> Result<Result<SelectedFamily<'i>, DropReason>, MapError> {
        let filter = &self.instance.exclude_metrics;
        if filter.names.contains(name) || filter.pattern.as_ref().is_some_and(|pattern| pattern.is_found_in(name)) {
            return Ok(Err(DropReason::Excluded));
        }
        let Some(rule) = self.rule(name) else { return Ok(Err(DropReason::NotSelected)) };
        trace.step(Step::Selected(rule));
        let shape = match shape(rule, name, exposed, natives)? {
            Ok(shape) => shape,
            Err(reason) => return Ok(Err(reason)),
        };
        trace.step(Step::Transformed { exposed, transformer: shape.as_str() });
        let sent = match &rule.matcher {
            MetricMatcher::Exact(_) => rule.name.as_str(),
            MetricMatcher::Pattern(_) => name,
        };
        let names = Names::new(self.instance, sent);
        Ok(Ok(SelectedFamily { name: name.to_owned(), sent: sent.to_owned(), exposed, shape, names }))
    }

    /// The name that the settings mean: without the prefix, and for counters without `_total` where their
    /// families are named as their samples are, which is in the formats of Prometheus.
    fn known_name<'f>(&self, family: &'f Family, format: Format) -> &'f str {
        let name = match (format, family.metric_type) {
            (Format::PrometheusText | Format::PrometheusProtobuf, MetricType::Counter) => {
                family.name.strip_suffix("_total").filter(|stem| !stem.is_empty()).unwrap_or(&family.name)
            }
            _ => &family.name,
        };
        without_prefix(name, self.instance)
    }

    /// Exact entries win over all patterns, patterns in their order.
    fn rule(&self, name: &str) -> Option<&'i MetricRule> {
        let pattern = || {
            self.patterns.iter().copied().find(|rule| match &rule.matcher {
                MetricMatcher::Pattern(pattern) => pattern.is_found_in(name),
                MetricMatcher::Exact(_) => false,
            })
        };
        self.exact.get(name).copied().or_else(pattern)
    }
}

/// `name` without `raw_metric_prefix`.
pub(crate) fn without_prefix<'n>(name: &'n str, instance: &Instance) -> &'n str {
    name.strip_prefix(instance.raw_metric_prefix.as_str()).unwrap_or(name)
}

fn shape<'i>(
    rule: &'i MetricRule,
    name: &str,
    exposed: MetricType,
    natives: &mut NativeTypes,
) -> Result<Result<Shape<'i>, DropReason>, MapError> {
    let shape = match &rule.transformer {
        Transformer::Native => {
            if Shape::native(exposed).is_none() {
                return Ok(Err(no_native(exposed)));
            }
            let first = match natives.get(name) {
                Some(first) => *first,
                None => *natives.entry(name.to_owned()).or_insert(exposed),
            };
            Shape::native(first).expect("only types with a native transformer are remembered")
        }
        Transformer::NativeDynamic => match Shape::native(exposed) {
            Some(shape) => shape,
            None => return Err(MapError::no_native_transformer(name, exposed)),
        },
        Transformer::Counter => Shape::Counter,
        Transformer::Gauge => Shape::Gauge,
        Transformer::Histogram => Shape::Histogram,
        Transformer::Summary => Shape::Summary,
        Transformer::CounterGauge => Shape::CounterGauge,
        Transformer::Rate => Shape::Rate,
        Transformer::TemporalPercent { scale } => Shape::TemporalPercent { scale: *scale },
        Transformer::TimeElapsed => Shape::TimeElapsed,
        Transformer::ServiceCheck(statuses) => Shape::ServiceCheck(statuses),
        Transformer::Metadata { label } => Shape::Metadata { label },
        Transformer::Faulty(message) => return Err(MapError::faulty_rule(name, message)),
    };
    Ok(Ok(shape))
}

fn no_native(exposed: MetricType) -> DropReason {
    if exposed == MetricType::Unknown { DropReason::Untyped } else { DropReason::UnsupportedType }
}

/// What stands behind the name of a family in what is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    None,
    Count,
    Sum,
    Bucket,
    Quantile,
    Total,
}

impl Suffix {
    const NUMBER: usize = 6;

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Count => ".count",
            Self::Sum => ".sum",
            Self::Bucket => ".bucket",
            Self::Quantile => ".quantile",
            Self::Total => ".total",
        }
    }
}

/// The full names of what a family submits, each made when it is first needed.
#[derive(Debug)]
pub(crate) struct Names<'i> {
    base: String,
    patterns: &'i MetricPatterns,
    made: [Option<Result<Arc<str>, DropReason>>; Suffix::NUMBER],
}

impl<'i> Names<'i> {
    fn new(instance: &'i Instance, name: &str) -> Self {
        let base =
            if instance.namespace.is_empty() { name.to_owned() } else { format!("{}.{name}", instance.namespace) };
        Self { base, patterns: &instance.metric_patterns, made: Default::default() }
    }

    /// The namespace and the name.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The full name of a plain metric, unless `metric_patterns` leaves it out.
    pub(crate) fn metric(&mut self, suffix: Suffix, contexts: &mut Contexts) -> Result<Arc<str>, DropReason> {
        let (base, patterns) = (&self.base, self.patterns);
        let made = self.made[suffix as usize].get_or_insert_with(|| {
            let full = format!("{base}{}", suffix.as_str());
            let found = |pattern: &Option<crate::config::Pattern>| pattern.as_ref().map(|p| p.is_found_in(&full));
            if found(&patterns.exclude) == Some(true) || found(&patterns.include) == Some(false) {
                return Err(DropReason::LeftOutByPattern);
            }
            Ok(contexts.text(&full))
        });
        made.clone()
    }
}
