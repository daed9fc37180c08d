//! The settings of one instance: an endpoint and what is made of its metrics.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::endpoint_text::EndpointText;
use super::fingerprint::Fingerprint;
use super::http::HttpSettings;
use super::init::InitConfig;
use super::metrics::{GaugeAggregation, MetricRule, read_metrics};
use super::node::{Node, Value};
use super::pattern::Pattern;
use super::places::Places;
use super::problem::Position;
use super::relabel::read_relabel_rules;
use super::section::{Reading, Section};
use super::share::Sharing;
use super::without_effect;
use crate::relabel::{NameValidation, Relabeler};

/// How often a target is scraped when nothing else is said.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

/// All settings of one instance.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own that users switch on or off")]
#[derive(Clone, Debug)]
pub struct Instance {
    /// The endpoint exactly as configured.
    pub endpoint: EndpointText,
    /// Where the instance stands in its file.
    pub at: Position,
    /// Tells whether its options are the same as another time.
    fingerprint: Fingerprint,
    /// Put before every metric and service check name; may be empty.
    pub namespace: String,
    /// Removed from the beginning of exposed names; may be empty.
    pub raw_metric_prefix: String,
    /// Lines in which it is found are not read.
    pub raw_line_filters: Option<Pattern>,
    /// Which families are collected, in order; no key twice.
    pub metrics: Vec<MetricRule>,
    /// Whether what a pattern makes of a family is decided when it is first seen and kept.
    pub cache_metric_wildcards: bool,
    /// Families that are not collected whatever `metrics` says.
    pub exclude_metrics: MetricFilter,
    /// Samples that are not collected because of a label; labels as they are after normalisation.
    pub exclude_metrics_by_labels: HashMap<String, LabelFilter>,
    /// Labels that are lent from some metrics to others.
    pub sharing: Sharing,
    /// Labels that hold an HTTP status, of which the class becomes the label `code_class`: `2xx`.
    pub code_class_labels: Vec<String>,
    /// What is done to the labels of a sample, its name among them, before anything else looks at them.
    pub metric_relabel_configs: Relabeler,
    /// Labels that give no tag.
    pub exclude_labels: HashSet<String>,
    /// If not empty, the only labels that give tags.
    pub include_labels: HashSet<String>,
    /// Tag keys that differ from their labels.
    pub rename_labels: HashMap<String, String>,
    /// The tags of every metric and service check that `ignore_tags` left; without the endpoint tag.
    pub tags: Vec<String>,
    /// Whether `endpoint:<endpoint>` is a tag as well.
    pub tag_by_endpoint: bool,
    /// Whether generic tag keys such as `env` get the name of the check as prefix.
    pub disable_generic_tags: bool,
    /// Whether each scrape reports its health.
    pub enable_health_service_check: bool,
    /// Whether an endpoint that cannot be connected to is no failure.
    pub ignore_connection_errors: bool,
    /// The label that names the host of a sample.
    pub hostname: Option<HostnameRule>,
    /// What becomes of histograms.
    pub histograms: HistogramMode,
    /// What several gauges of one context come to.
    pub gauges: GaugeAggregation,
    /// Which full names are submitted.
    pub metric_patterns: MetricPatterns,
    /// How many metrics a scrape may submit; not limited unless set.
    pub max_returned_metrics: Option<u64>,
    /// Whether each scrape submits figures about itself.
    pub telemetry: bool,
    /// Whether counters are taken to have begun with the process of the target, which says when that was.
    pub use_process_start_time: bool,
    /// Whether an empty host name stays empty, instead of becoming that of the submitter.
    pub empty_default_hostname: bool,
    /// From one scrape to the next.
    pub min_collection_interval: Duration,
    /// The tag `service:` that the Agent adds to everything of the instance.
    pub service: Option<String>,
    /// How the endpoint is fetched.
    pub http: HttpSettings,
    /// Where the entries of options stand.
    pub places: Places,
}

/// Metric names, exact or by pattern.
#[derive(Clone, Debug, Default)]
pub struct MetricFilter {
    /// Whole names.
    pub names: HashSet<String>,
    /// Found anywhere in the name.
    pub pattern: Option<Pattern>,
}

/// Which values of a label a rule means.
#[derive(Clone, Debug)]
pub enum LabelFilter {
    /// All of them.
    Any,
    /// Those in which the pattern is found.
    Matching(Pattern),
}

/// How a host name is made of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostnameRule {
    /// The label.
    pub label: String,
    /// Text before and after the label's value.
    pub around: (String, String),
}

/// What is submitted for a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramMode {
    /// Sum and count only.
    NoBuckets,
    /// Buckets as exposed, each with all below it.
    Cumulative,
    /// Buckets without those below them.
    Differences,
    /// Sketches of the buckets.
    Distributions {
        /// Whether sum and count are submitted as well.
        counters: bool,
        /// Whether each bucket is a sketch of its own, tagged with its bounds.
        bound_tags: bool,
    },
}

/// The option `metric_patterns`.
#[derive(Clone, Debug, Default)]
pub struct MetricPatterns {
    /// If set, only names in which it is found are submitted.
    pub include: Option<Pattern>,
    /// Names in which it is found are not submitted.
    pub exclude: Option<Pattern>,
}

impl MetricPatterns {
    /// Whether a full name is not submitted.
    pub fn leaves_out(&self, full_name: &str) -> bool {
        let found = |pattern: &Option<Pattern>| pattern.as_ref().map(|pattern| pattern.is_found_in(full_name));
        found(&self.exclude) == Some(true) || found(&self.include) == Some(false)
    }
}

impl Instance {
    /// Reads one entry of `instances`; none if any of it is an error.
    pub(crate) fn read(
        reading: &Reading<'_>,
        number: usize,
        node: &Node,
        init: &InitConfig,
        fingerprint: Fingerprint,
    ) -> Option<Self> {
        let section = Section::new(reading, format!("instance {number}"), node)?;
        let endpoint = read_endpoint(&section);
        let hostname = read_hostname(&section);
        without_effect::note(&section);
        without_effect::note_request_size(&section);
        let instance = Self {
            endpoint: endpoint.unwrap_or_default(),
            at: node.at,
            fingerprint,
            namespace: section.text("namespace").unwrap_or_default(),
            raw_metric_prefix: section.text("raw_metric_prefix").unwrap_or_default(),
            raw_line_filters: read_raw_line_filters(&section),
            metrics: read_metrics(&section),
            cache_metric_wildcards: section.affirmative("cache_metric_wildcards", true),
            exclude_metrics: read_exclude_metrics(&section),
            exclude_metrics_by_labels: read_exclude_by_labels(&section),
            sharing: Sharing::read(&section),
            code_class_labels: section.text_list("code_class_labels"),
            metric_relabel_configs: Relabeler::new(
                read_relabel_rules(&section, "metric_relabel_configs"),
                NameValidation::Utf8,
            ),
            exclude_labels: section.text_list("exclude_labels").into_iter().collect(),
            include_labels: section.text_list("include_labels").into_iter().collect(),
            rename_labels: read_rename_labels(&section),
            tags: read_tags(&section),
            tag_by_endpoint: section.affirmative("tag_by_endpoint", true),
            disable_generic_tags: section.affirmative("disable_generic_tags", false),
            enable_health_service_check: section.affirmative("enable_health_service_check", true),
            ignore_connection_errors: section.affirmative("ignore_connection_errors", false),
            hostname,
            histograms: read_histogram_mode(&section),
            gauges: GaugeAggregation::read(&section).unwrap_or_default(),
            metric_patterns: read_metric_patterns(&section),
            max_returned_metrics: read_max_returned_metrics(&section),
            telemetry: section.affirmative("telemetry", false),
            use_process_start_time: section.affirmative("use_process_start_time", false),
            empty_default_hostname: section.affirmative("empty_default_hostname", false),
            min_collection_interval: read_interval(&section),
            service: section.scalar_text("service").or_else(|| init.service.clone()).filter(|text| !text.is_empty()),
            http: HttpSettings::read(&section, init),
            places: Places::of(node),
        };
        section.finish();
        Some(instance)
    }

    /// Equal for instances with equal options, wherever they stand.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether everything that is said of both instances is the same, in the file and around it.
    pub fn is_same(&self, other: &Self) -> bool {
        // The requests also depend on what stands outside the instance.
        self.fingerprint == other.fingerprint && self.http == other.http
    }
}

/// The endpoint of an instance that may otherwise be wrong, for messages.
pub(crate) fn endpoint_of(node: &Node) -> Option<EndpointText> {
    let Value::Mapping(pairs) = &node.value else { return None };
    let (_, value) =
        pairs.iter().find(|(key, _)| matches!(&key.value, Value::Text(key) if key == "openmetrics_endpoint"))?;
    if let Value::Text(endpoint) = &value.value { Some(endpoint.clone().into()) } else { None }
}

fn read_endpoint(section: &Section<'_>) -> Option<EndpointText> {
    let missing = "`openmetrics_endpoint` is missing; expected the URL of the endpoint, for instance \
                   `http://localhost:9100/metrics`";
    if section.node("openmetrics_endpoint").is_none() {
        section.error(section.at(), missing);
        return None;
    }
    let endpoint = section.text("openmetrics_endpoint")?;
    if endpoint.is_empty() {
        section.error(section.at(), missing);
        return None;
    }
    Some(endpoint.into())
}

fn read_raw_line_filters(section: &Section<'_>) -> Option<Pattern> {
    section.node("raw_line_filters")?;
    section.joined(section.at(), &section.pattern_list("raw_line_filters"))
}

/// A negative number means no limit; so does a fault, since a limit nobody meant would drop metrics.
fn read_max_returned_metrics(section: &Section<'_>) -> Option<u64> {
    let node = section.present("max_returned_metrics")?;
    let limit = match &node.value {
        Value::Integer(value) => i64::try_from(*value).ok(),
        Value::Float(value) => Some(*value as i64),
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match limit {
        Some(1..) => limit.and_then(|limit| u64::try_from(limit).ok()),
        Some(..0) => None,
        Some(0) | None => {
            let message = format!(
                "`max_returned_metrics` is {}; expected a whole number above zero, so nothing is limited",
                node.describe()
            );
            section.warning(node.at, message);
            None
        }
    }
}

fn read_exclude_metrics(section: &Section<'_>) -> MetricFilter {
    let (mut names, mut patterns) = (HashSet::new(), Vec::new());
    for (i, node) in section.list("exclude_metrics").unwrap_or_default().iter().enumerate() {
        let Value::Text(text) = &node.value else {
            let message = format!("entry {} of `exclude_metrics` is {}; expected text", i + 1, node.describe());
            section.error(node.at, message);
            continue;
        };
        if Pattern::is_pattern(text) {
            patterns.push((node.at, text.clone()));
        } else {
            names.insert(text.clone());
        }
    }
    MetricFilter { names, pattern: section.joined(section.at(), &patterns) }
}

fn read_exclude_by_labels(section: &Section<'_>) -> HashMap<String, LabelFilter> {
    let Some(mapping) = section.mapping("exclude_metrics_by_labels") else { return HashMap::new() };
    let filters = mapping.pairs().filter_map(|(label, _, node)| {
        let filter = match &node.value {
            Value::Bool(true) => LabelFilter::Any,
            Value::List(list) if list.is_empty() => LabelFilter::Any,
            Value::List(list) => {
                let what = format!("`exclude_metrics_by_labels` for `{label}`");
                LabelFilter::Matching(section.joined(node.at, &section.patterns_of(&what, list))?)
            }
            _ => {
                let message = format!(
                    "`exclude_metrics_by_labels` for `{label}` is {}; expected `true` or a list of patterns",
                    node.describe()
                );
                section.error(node.at, message);
                return None;
            }
        };
        Some((label.to_owned(), filter))
    });
    filters.collect()
}

fn read_rename_labels(section: &Section<'_>) -> HashMap<String, String> {
    let Some(mapping) = section.mapping("rename_labels") else { return HashMap::new() };
    let renames = mapping.pairs().filter_map(|(label, _, node)| {
        let name = section.expect_text(&format!("the new name of `{label}` in `rename_labels`"), node)?;
        Some((label.to_owned(), name))
    });
    renames.collect()
}

fn read_tags(section: &Section<'_>) -> Vec<String> {
    let mut tags = section.text_list("tags");
    if section.node("ignore_tags").is_some() {
        let patterns = section.pattern_list("ignore_tags");
        if let Some(ignored) = section.joined(section.at(), &patterns) {
            tags.retain(|tag| !ignored.is_found_in(tag));
        }
    }
    tags
}

fn read_hostname(section: &Section<'_>) -> Option<HostnameRule> {
    const PLACEHOLDER: &str = "<HOSTNAME>";
    let label = section.text("hostname_label").filter(|label| !label.is_empty());
    let format = section.text("hostname_format").filter(|format| !format.is_empty());
    let label = label?;
    let Some(format) = format else { return Some(HostnameRule { label, around: Default::default() }) };
    let Some((before, after)) = format.split_once(PLACEHOLDER) else {
        let at = section.node("hostname_format").map_or(section.at(), |node| node.at);
        section.error(at, format!("`hostname_format` lacks `{PLACEHOLDER}`, the place of the label's value"));
        return None;
    };
    Some(HostnameRule { label, around: (before.to_owned(), after.to_owned()) })
}

/// Each option of the distributions turns on those before it.
fn read_histogram_mode(section: &Section<'_>) -> HistogramMode {
    let buckets = section.affirmative("collect_histogram_buckets", true);
    let differences = section.affirmative("non_cumulative_histogram_buckets", false);
    let tagged = section.affirmative("histogram_buckets_as_distributions", false);
    let counters = section.affirmative("collect_counters_with_distributions", false);
    let bare = section.affirmative("collect_histograms_as_distributions", false);
    if tagged || counters || bare {
        HistogramMode::Distributions { counters, bound_tags: !bare }
    } else if !buckets {
        HistogramMode::NoBuckets
    } else if differences {
        HistogramMode::Differences
    } else {
        HistogramMode::Cumulative
    }
}

fn read_metric_patterns(section: &Section<'_>) -> MetricPatterns {
    let Some(mapping) = section.mapping("metric_patterns") else { return MetricPatterns::default() };
    let read = |option| {
        // Empty entries would match everything; the original leaves them out.
        let patterns: Vec<_> = mapping.pattern_list(option).into_iter().filter(|(_, text)| !text.is_empty()).collect();
        mapping.joined(mapping.at(), &patterns)
    };
    let patterns = MetricPatterns { include: read("include"), exclude: read("exclude") };
    mapping.finish();
    patterns
}

fn read_interval(section: &Section<'_>) -> Duration {
    /// Far below what any exporter is made for, and above what would be a busy loop.
    const SHORTEST: f64 = 0.1;
    /// A year.
    const LONGEST: f64 = 365.0 * 86_400.0;
    let Some(node) = section.present("min_collection_interval") else { return DEFAULT_INTERVAL };
    let Some(seconds) = section.number("min_collection_interval") else { return DEFAULT_INTERVAL };
    match Duration::try_from_secs_f64(seconds) {
        Ok(interval) if (SHORTEST..=LONGEST).contains(&seconds) => interval,
        Ok(_) if seconds == 0.0 => DEFAULT_INTERVAL,
        _ => {
            let message = format!("`min_collection_interval` is `{seconds}`; expected {SHORTEST} to {LONGEST} seconds");
            section.error(node.at, message);
            DEFAULT_INTERVAL
        }
    }
}
