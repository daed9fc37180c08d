//! Which families are collected, and as what: decided once for each name and type, from the settings.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::config::{
    GaugeAggregation, HistogramMode, Instance, MetadataRule, MetricMatcher, MetricRule, Status, Transformer,
};
use crate::parse::{Format, MetricType};

use super::dropped::DropReason;
use super::error::MapError;
use super::trace::{Step, Trace};

/// A family as exposed, with its type: what a plan was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FamilyId(u32);

impl FamilyId {
    /// That of no family.
    pub(crate) const NONE: Self = Self(0);
}

/// A family that is collected.
#[derive(Debug)]
pub(crate) struct SelectedFamily {
    /// The name as the settings see it.
    pub(crate) name: Arc<str>,
    /// The name that is sent, without namespace.
    pub(crate) sent: Arc<str>,
    /// The type as exposed.
    pub(crate) exposed: MetricType,
    /// What the samples are treated as.
    pub(crate) shape: Shape,
    /// What several gauges of one context come to.
    pub(crate) gauges: GaugeAggregation,
    names: FullNames,
}

/// The full names of what a family submits, by their suffix; each is made when it is needed first.
#[derive(Debug, Default)]
struct FullNames([OnceLock<FullName>; Suffix::COUNT]);

/// A full name.
#[derive(Debug)]
pub(crate) struct FullName {
    pub(crate) text: String,
    /// Whether `metric_patterns` leaves it out.
    pub(crate) is_left_out: bool,
}

impl SelectedFamily {
    /// Whether its samples are submitted when all of them are known: differences need the neighbours.
    pub(crate) fn waits(&self, histograms: HistogramMode) -> bool {
        let differences = matches!(histograms, HistogramMode::Differences | HistogramMode::Distributions { .. });
        matches!(self.shape, Shape::Histogram) && differences
    }

    /// The full name of something that the family submits.
    pub(crate) fn full_name(&self, suffix: Suffix, instance: &Instance) -> &FullName {
        self.names.0[suffix as usize].get_or_init(|| {
            let text = full_name(&self.sent, suffix, instance);
            FullName { is_left_out: instance.metric_patterns.leaves_out(&text), text }
        })
    }
}

/// A name with the namespace before it and a suffix behind it.
pub(crate) fn full_name(sent: &str, suffix: Suffix, instance: &Instance) -> String {
    let (namespace, suffix) = (&instance.namespace, suffix.as_str());
    let mut name = String::with_capacity(namespace.len() + 1 + sent.len() + suffix.len());
    if !namespace.is_empty() {
        name.push_str(namespace);
        name.push('.');
    }
    name.push_str(sent);
    name.push_str(suffix);
    name
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
    /// How many there are.
    const COUNT: usize = Self::Total as usize + 1;

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

/// What the samples of a family are treated as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Counter,
    Gauge,
    Histogram,
    Summary,
    CounterGauge,
    Rate,
    TemporalPercent { scale: f64 },
    TimeElapsed,
    ServiceCheck(Arc<BTreeMap<i64, Status>>),
    Metadata(Arc<MetadataRule>),
}

impl Shape {
    fn as_str(&self) -> &'static str {
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
            Self::Metadata(_) => "metadata",
        }
    }

    /// What a type is submitted as when the settings leave it to the type.
    fn native(exposed: MetricType) -> Result<Self, DropReason> {
        match exposed {
            MetricType::Counter => Ok(Self::Counter),
            MetricType::Gauge => Ok(Self::Gauge),
            MetricType::Histogram => Ok(Self::Histogram),
            MetricType::Summary => Ok(Self::Summary),
            MetricType::GaugeHistogram => Err(DropReason::GaugeHistogram),
            MetricType::Info => Err(DropReason::Info),
            MetricType::StateSet => Err(DropReason::StateSet),
            MetricType::Unknown => Err(DropReason::Untyped),
        }
    }
}

/// What became of a family.
pub(crate) type Selected = Result<Arc<SelectedFamily>, DropReason>;

/// How a family is exposed.
type Form = (MetricType, Format);

/// What is known of one name, in its several forms.
#[derive(Debug)]
struct Known<T> {
    forms: Vec<T>,
    /// The age of the memory when the name came last.
    seen: u32,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { forms: Vec::new(), seen: 0 }
    }
}

/// Names with what is known of each.
#[derive(Debug)]
struct Names<T> {
    known: HashMap<String, Known<T>, RandomState>,
    bytes: u64,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { known: HashMap::default(), bytes: 0 }
    }
}

impl<T> Names<T> {
    /// The form of a name that is looked for; the name has come now.
    fn find(&mut self, name: &str, age: u32, is_meant: impl Fn(&T) -> bool) -> Option<&T> {
        let known = self.known.get_mut(name)?;
        known.seen = age;
        known.forms.iter().find(|form| is_meant(form))
    }

    fn add(&mut self, name: &str, age: u32, form: T) {
        if !self.known.contains_key(name) {
            self.bytes += name.len() as u64;
        }
        let known = self.known.entry(name.to_owned()).or_default();
        known.seen = age;
        known.forms.push(form);
    }

    fn forget_before(&mut self, oldest: u32) {
        let bytes = &mut self.bytes;
        self.known.retain(|name, known| {
            let stays = known.seen >= oldest;
            if !stays {
                *bytes -= name.len() as u64;
            }
            stays
        });
    }
}

/// Decides about families, and remembers what it decided.
#[derive(Debug)]
pub(crate) struct Selection {
    instance: Arc<Instance>,
    /// Places in the list of rules.
    exact: HashMap<String, usize>,
    patterns: Vec<usize>,
    /// The type that each `native` family had when it was first seen; it is kept for as long as the family is remembered.
    natives: HashMap<String, MetricType>,
    /// What was decided for a name and a type.
    decided: Names<(MetricType, Selected)>,
    /// Families as exposed.
    exposed: Names<(Form, FamilyId)>,
    families: u32,
    /// That of the memory.
    age: u32,
    /// Which rules meant a family, by their place.
    used: Vec<bool>,
}

impl Selection {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        let (mut exact, mut patterns) = (HashMap::new(), Vec::new());
        for (place, rule) in instance.metrics.iter().enumerate() {
            match &rule.matcher {
                MetricMatcher::Exact(name) => _ = exact.insert(name.clone(), place),
                MetricMatcher::Pattern(_) => patterns.push(place),
            }
        }
        Self {
            used: vec![false; instance.metrics.len()],
            instance,
            exact,
            patterns,
            natives: HashMap::new(),
            decided: Names::default(),
            exposed: Names::default(),
            families: 0,
            age: 0,
        }
    }

    /// The rules that meant no family so far.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &MetricRule> {
        self.instance.metrics.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(rule, _)| rule)
    }

    /// The names of the families that came so far, as the settings see them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.decided.known.keys().map(String::as_str)
    }

    /// How many names are remembered.
    pub(crate) fn len(&self) -> usize {
        self.decided.known.len()
    }

    /// How many bytes the names have that are remembered.
    pub(crate) fn bytes(&self) -> u64 {
        self.exposed.bytes + self.decided.bytes
    }

    /// A scrape begins; this is the age of the memory.
    pub(crate) fn begin(&mut self, age: u32) {
        self.age = age;
    }

    /// Forgets the families that came last before the memory had this age.
    pub(crate) fn forget_before(&mut self, oldest: u32) {
        self.exposed.forget_before(oldest);
        // What relabeling leads to is looked up when a series is new, and needed for as long as there is the series.
        if self.instance.metric_relabel_configs.is_empty() {
            self.decided.forget_before(oldest);
            let decided = &self.decided.known;
            self.natives.retain(|name, _| decided.contains_key(name));
        }
    }

    /// The family of this name and type, as exposed in a format: the formats differ in which samples are part of it.
    pub(crate) fn exposed(&mut self, name: &str, metric_type: MetricType, format: Format) -> FamilyId {
        let form = (metric_type, format);
        if let Some((_, id)) = self.exposed.find(name, self.age, |(known, _)| *known == form) {
            return *id;
        }
        self.families = self.families.wrapping_add(1);
        let id = FamilyId(self.families);
        self.exposed.add(name, self.age, (form, id));
        id
    }

    /// What becomes of a family of this name, as the settings see it; the error fails the scrape.
    pub(crate) fn select(&mut self, name: &str, exposed: MetricType) -> Result<Selected, MapError> {
        if let Some((_, selected)) = self.decided.find(name, self.age, |(known, _)| *known == exposed) {
            return Ok(selected.clone());
        }
        let selected = self.decide(name, exposed, &mut super::trace::NoTrace)?;
        self.decided.add(name, self.age, (exposed, selected.clone()));
        Ok(selected)
    }

    /// Like [`Selection::select`], telling each step.
    pub(crate) fn select_traced(
        &mut self,
        name: &str,
        exposed: MetricType,
        trace: &mut dyn Trace,
    ) -> Result<Selected, MapError> {
        let mut trace = trace;
        // Decided once more: what is remembered is the same whether somebody watches or not.
        let _ = self.decide(name, exposed, &mut trace)?;
        self.select(name, exposed)
    }

    fn decide(&mut self, name: &str, exposed: MetricType, trace: &mut impl Trace) -> Result<Selected, MapError> {
        if let Some(excluded) = self.excluded_by(name) {
            trace.step(Step::Excluded(excluded));
            return Ok(Err(DropReason::Excluded));
        }
        let Some(place) = self.rule(name) else { return Ok(Err(DropReason::NotSelected)) };
        self.used[place] = true;
        let instance = Arc::clone(&self.instance);
        let rule = &instance.metrics[place];
        trace.step(Step::Selected(rule));
        let shape = match self.shape(rule, name, exposed)? {
            Ok(shape) => shape,
            Err(reason) => return Ok(Err(reason)),
        };
        trace.step(Step::Transformed { exposed, transformer: shape.as_str() });
        let sent = match &rule.matcher {
            MetricMatcher::Exact(_) => rule.name.as_str(),
            MetricMatcher::Pattern(_) => name,
        };
        Ok(Ok(Arc::new(SelectedFamily {
            name: Arc::from(name),
            sent: Arc::from(sent),
            exposed,
            shape,
            gauges: rule.gauges.unwrap_or(instance.gauges),
            names: FullNames::default(),
        })))
    }

    /// What of `exclude_metrics` means a family.
    fn excluded_by(&self, name: &str) -> Option<&str> {
        let filter = &self.instance.exclude_metrics;
        if let Some(exact) = filter.names.get(name) {
            return Some(exact);
        }
        filter.pattern.as_ref().filter(|pattern| pattern.is_found_in(name)).map(crate::config::Pattern::as_str)
    }

    /// Exact entries win over all patterns, patterns in their order.
    fn rule(&self, name: &str) -> Option<usize> {
        let pattern = || {
            self.patterns.iter().copied().find(|&place| match &self.instance.metrics[place].matcher {
                MetricMatcher::Pattern(pattern) => pattern.is_found_in(name),
                MetricMatcher::Exact(_) => false,
            })
        };
        self.exact.get(name).copied().or_else(pattern)
    }

    fn shape(
        &mut self,
        rule: &MetricRule,
        name: &str,
        exposed: MetricType,
    ) -> Result<Result<Shape, DropReason>, MapError> {
        Ok(Ok(match &rule.transformer {
            Transformer::Native => {
                let now = match Shape::native(exposed) {
                    Ok(shape) => shape,
                    Err(reason) => return Ok(Err(reason)),
                };
                let forgets =
                    matches!(rule.matcher, MetricMatcher::Pattern(_)) && !self.instance.cache_metric_wildcards;
                if forgets {
                    return Ok(Ok(now));
                }
                let first = *self.natives.entry(name.to_owned()).or_insert(exposed);
                Shape::native(first).expect("only types with a native transformer are remembered")
            }
            Transformer::NativeDynamic => match Shape::native(exposed) {
                Ok(shape) => shape,
                Err(_) => return Err(MapError::no_native_transformer(name, exposed)),
            },
            Transformer::Counter => Shape::Counter,
            Transformer::Gauge => Shape::Gauge,
            Transformer::Histogram => Shape::Histogram,
            Transformer::Summary => Shape::Summary,
            Transformer::CounterGauge => Shape::CounterGauge,
            Transformer::Rate => Shape::Rate,
            Transformer::TemporalPercent { scale } => Shape::TemporalPercent { scale: *scale },
            Transformer::TimeElapsed => Shape::TimeElapsed,
            Transformer::ServiceCheck(statuses) => Shape::ServiceCheck(Arc::clone(statuses)),
            Transformer::Metadata(metadata) => Shape::Metadata(Arc::clone(metadata)),
            Transformer::Faulty(message) => return Err(MapError::faulty_rule(name, message)),
        }))
    }
}
