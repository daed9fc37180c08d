//! Which metrics are collected and what becomes of them: the options `metrics` and `extra_metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lint;
use super::metadata::MetadataRule;
use super::node::{Node, Value};
use super::pattern::Pattern;
use super::problem::Position;
use super::section::{Section, nearest};

/// The state that a service check reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// 0
    Ok,
    /// 1
    Warning,
    /// 2
    Critical,
    /// 3
    Unknown,
}

impl Status {
    const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Critical, Self::Unknown];

    /// The word Datadog shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The number on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of `metrics` or `extra_metrics`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRule {
    /// What the family name must be or must contain.
    pub matcher: MetricMatcher,
    /// The name that is sent for an exact entry; a pattern sends the family's own.
    pub name: String,
    /// What becomes of the samples.
    pub transformer: Transformer,
    /// What becomes of gauges of one context; the instance says it for those entries that do not.
    pub gauges: Option<GaugeAggregation>,
    /// Where the entry stands.
    pub at: Position,
}

/// What several gauges come to that dropped labels leave under one name with the same tags, within one scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GaugeAggregation {
    /// The value of the last series in the exposition, as the Agent has it.
    #[default]
    Last,
    /// The sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The mean.
    Avg,
}

impl GaugeAggregation {
    const ALL: [(&'static str, Self); 5] =
        [("last", Self::Last), ("sum", Self::Sum), ("max", Self::Max), ("min", Self::Min), ("avg", Self::Avg)];

    /// The option `gauge_aggregation`, of an instance or of one entry of `metrics`.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let node = section.present("gauge_aggregation")?;
        let word = node.key_text().unwrap_or_default();
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let message = format!(
                "`gauge_aggregation` is {}; expected one of `last`, `sum`, `max`, `min`, `avg`",
                node.describe()
            );
            section.error(node.at, message);
        }
        found.map(|&(_, aggregation)| aggregation)
    }
}

/// How an entry finds its families.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricMatcher {
    /// By their whole name.
    Exact(String),
    /// By a pattern found anywhere in their name.
    Pattern(Pattern),
}

impl MetricMatcher {
    /// The key as written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(name) => name,
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }
}

/// What becomes of the samples of a family.
#[derive(Clone, Debug, PartialEq)]
pub enum Transformer {
    /// What the type of the family asks for the first time it is seen.
    Native,
    /// What the type of the family asks for each time.
    NativeDynamic,
    /// A monotonic count.
    Counter,
    /// A gauge.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
    /// A gauge and a monotonic count.
    CounterGauge,
    /// Growth per second.
    Rate,
    /// Growth per second of a time spent, in percent.
    TemporalPercent {
        /// How many of the sample's unit make a second.
        scale: f64,
    },
    /// The time since the moment that the sample holds.
    TimeElapsed,
    /// A service check.
    ServiceCheck(Arc<BTreeMap<i64, Status>>),
    /// A label's value as metadata of the target.
    Metadata(Arc<MetadataRule>),
    /// A pattern whose settings are wrong: the original notices, and fails the scrape, once a family matches.
    Faulty(String),
}

/// The type words of the settings.
const TYPES: [&str; 14] = [
    "native",
    "native_dynamic",
    "counter",
    "gauge",
    "histogram",
    "summary",
    "counter_gauge",
    "rate",
    "temporal_percent",
    "time_elapsed",
    "service_check",
    "metadata",
    "info",
    "stateset",
];

/// The entries of `metrics`, then those of `extra_metrics`; a later definition of a key replaces the earlier one in its
/// place, whatever that one says.
pub(crate) fn read_metrics(instance: &Section<'_>) -> Vec<MetricRule> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for option in ["metrics", "extra_metrics"] {
        for (i, node) in instance.list(option).unwrap_or_default().iter().enumerate() {
            for entry in read_entry(instance, option, i + 1, node) {
                match entries.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => *known = entry,
                    None => entries.push(entry),
                }
            }
        }
    }
    let rules: Vec<_> = entries.iter().filter_map(|entry| read_rule(instance, entry)).collect();
    lint::warn(instance, &rules);
    rules
}

/// A key and what is said of it.
struct Entry<'n> {
    key: String,
    at: Position,
    value: Option<&'n Node>,
}

fn read_entry<'n>(instance: &Section<'_>, option: &str, number: usize, node: &'n Node) -> Vec<Entry<'n>> {
    match &node.value {
        Value::Text(key) => vec![Entry { key: key.clone(), at: node.at, value: None }],
        Value::Mapping(pairs) => {
            let entries = pairs.iter().filter_map(|(key, value)| {
                let Some(text) = key.key_text() else {
                    instance.error(key.at, format!("a key of entry {number} of `{option}` is {}", key.describe()));
                    return None;
                };
                if !matches!(value.value, Value::Text(_) | Value::Mapping(_)) {
                    let message =
                        format!("the value of `{text}` is {}; expected a new name or a mapping", value.describe());
                    instance.error(value.at, message);
                    return None;
                }
                Some(Entry { key: text, at: key.at, value: Some(value) })
            });
            entries.collect()
        }
        _ => {
            let message = format!(
                "entry {number} of `{option}` is {}; expected a metric name or a mapping of names",
                node.describe()
            );
            instance.error(node.at, message);
            Vec::new()
        }
    }
}

fn read_rule(instance: &Section<'_>, entry: &Entry<'_>) -> Option<MetricRule> {
    let Entry { key, at, value } = entry;
    let at = *at;
    let matcher = if Pattern::is_pattern(key) {
        match Pattern::new(key) {
            Ok(pattern) => MetricMatcher::Pattern(pattern),
            Err(message) => {
                instance.error(at, message);
                return None;
            }
        }
    } else {
        MetricMatcher::Exact(key.to_owned())
    };
    let (name, transformer, gauges) = match value {
        None => (None, Transformer::Native, None),
        Some(Node { value: Value::Text(name), .. }) => (Some(name.clone()), Transformer::Native, None),
        Some(node) => read_settings(instance, key, &matcher, node)?,
    };
    warn_of_names(instance, &matcher, name.as_deref(), at);
    let name = name.unwrap_or_else(|| key.clone());
    Some(MetricRule { matcher, name, transformer, gauges, at })
}

/// Settings that are valid but cannot do what they seem to say.
fn warn_of_names(instance: &Section<'_>, matcher: &MetricMatcher, name: Option<&str>, at: Position) {
    if let (MetricMatcher::Pattern(pattern), Some(name)) = (matcher, name) {
        let message = format!(
            "`{pattern}` is a pattern, and a pattern sends each metric under its own name; the name `{name}` has no \
             effect: write one entry with the exact name of each metric to be renamed"
        );
        instance.warning(at, message);
    }
}

/// `name`, `type` and the parameters of the type. A fault behind a pattern is put off until a metric matches.
fn read_settings(
    instance: &Section<'_>,
    key: &str,
    matcher: &MetricMatcher,
    node: &Node,
) -> Option<(Option<String>, Transformer, Option<GaugeAggregation>)> {
    let section = Section::new(instance.reading(), format!("`{key}`"), node)?;
    let name = match section.node("name") {
        None => None,
        Some(Node { value: Value::Text(name), .. }) => Some(name.clone()),
        Some(node) => {
            section.error(node.at, format!("the `name` of `{key}` is {}; expected text", node.describe()));
            return None;
        }
    };
    let transformer = match read_transformer(&section) {
        Ok(transformer) => transformer,
        Err((at, message)) => {
            let message = format!("`{key}`: {message}");
            if let MetricMatcher::Exact(_) = matcher {
                section.error(at, message);
                return None;
            }
            section.warning(at, format!("{message}; scrapes fail as soon as a metric matches"));
            Transformer::Faulty(message)
        }
    };
    let gauges = GaugeAggregation::read(&section);
    section.finish();
    Some((name, transformer, gauges))
}

/// Where a parameter is wrong, and how.
pub(super) type Fault = (Position, String);

fn read_transformer(section: &Section<'_>) -> Result<Transformer, Fault> {
    let Some(node) = section.node("type") else { return Ok(Transformer::Native) };
    let Value::Text(word) = &node.value else {
        return Err((node.at, format!("the `type` is {}; expected text", node.describe())));
    };
    Ok(match word.as_str() {
        "native" => Transformer::Native,
        "native_dynamic" => Transformer::NativeDynamic,
        "counter" => Transformer::Counter,
        // A family of these types has one value for each label set, which is what a gauge is.
        "gauge" | "info" | "stateset" => Transformer::Gauge,
        "histogram" => Transformer::Histogram,
        "summary" => Transformer::Summary,
        "counter_gauge" => Transformer::CounterGauge,
        "rate" => Transformer::Rate,
        "time_elapsed" => Transformer::TimeElapsed,
        "temporal_percent" => Transformer::TemporalPercent { scale: read_scale(section)? },
        "service_check" => Transformer::ServiceCheck(Arc::new(read_status_map(section)?)),
        "metadata" => Transformer::Metadata(Arc::new(MetadataRule::read(section)?)),
        _ => {
            let hint = nearest(word, TYPES.into_iter()).map_or_else(
                || format!("expected one of `{}`", TYPES.join("`, `")),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            return Err((node.at, format!("there is no type `{word}`; {hint}")));
        }
    })
}

fn read_scale(section: &Section<'_>) -> Result<f64, Fault> {
    const UNITS: [(&str, f64); 4] = [("second", 1.0), ("millisecond", 1e3), ("microsecond", 1e6), ("nanosecond", 1e9)];
    let expected = "expected `second`, `millisecond`, `microsecond`, `nanosecond` or a whole number";
    let missing = || (section.at(), format!("`temporal_percent` needs a `scale`; {expected}"));
    let node = section.node("scale").ok_or_else(missing)?;
    match &node.value {
        Value::Null => Err(missing()),
        Value::Bool(value) => Ok(f64::from(*value)),
        Value::Integer(value) => Ok(*value as f64),
        Value::Text(text) => {
            let unit = UNITS.iter().find(|(unit, _)| text.eq_ignore_ascii_case(unit));
            unit.map(|&(_, scale)| scale).ok_or_else(|| (node.at, format!("the `scale` is `{text}`; {expected}")))
        }
        _ => Err((node.at, format!("the `scale` is {}; {expected}", node.describe()))),
    }
}

fn read_status_map(section: &Section<'_>) -> Result<BTreeMap<i64, Status>, Fault> {
    let missing = || (section.at(), "`service_check` needs a `status_map` from values to statuses".to_owned());
    let node = section.node("status_map").ok_or_else(missing)?;
    let Value::Mapping(pairs) = &node.value else {
        return Err((node.at, format!("the `status_map` is {}; expected a mapping", node.describe())));
    };
    if pairs.is_empty() {
        return Err((node.at, "the `status_map` is empty; expected values and their statuses".to_owned()));
    }
    let mut statuses = BTreeMap::new();
    for (key, value) in pairs {
        let number = key.key_text().and_then(|text| text.trim().parse::<i64>().ok());
        let number = number.ok_or_else(|| (key.at, "a key of the `status_map` is not a whole number".to_owned()))?;
        let status = match &value.value {
            Value::Text(word) => Status::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(word)),
            _ => None,
        };
        let status = status.ok_or_else(|| {
            let message = format!("the status of `{number}` is none of `OK`, `WARNING`, `CRITICAL`, `UNKNOWN`");
            (value.at, message)
        })?;
        statuses.insert(number, status);
    }
    Ok(statuses)
}
