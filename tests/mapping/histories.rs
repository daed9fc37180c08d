//! Targets at random: their settings, and what they expose from one scrape to the next. Few names, labels and values, so
//! that settings and series meet.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use retriever::parse::Format;

use super::target::Ending;

/// One scrape of a target.
#[derive(Clone, Debug)]
pub(crate) struct Exposed {
    pub(crate) format: Format,
    pub(crate) body: String,
    /// None if no answer came.
    pub(crate) ending: Option<Ending>,
}

const NAMES: [&str; 9] =
    ["a", "b", "c", "a_total", "p_a", "p_b", "target_info", "process_start_time_seconds", "b_created"];

const TYPES: [&str; 8] = ["counter", "gauge", "histogram", "summary", "untyped", "info", "stateset", "gaugehistogram"];

/// Names of samples behind the name of their family, for each type, with labels that only such samples have.
fn parts(metric_type: &str, format: Format) -> Vec<(&'static str, &'static str)> {
    let text = format == Format::PrometheusText;
    match metric_type {
        "counter" if text => vec![("", ""), ("", ""), ("_total", ""), ("_created", "")],
        "counter" => vec![("_total", ""), ("_created", "")],
        "histogram" => vec![
            ("_bucket", "le=\"1\""),
            ("_bucket", "le=\"2.50\""),
            ("_bucket", "le=\"+Inf\""),
            ("_bucket", "le=\"-1\""),
            ("_bucket", "le=\"x\""),
            ("_bucket", ""),
            ("_sum", ""),
            ("_count", ""),
            ("_created", ""),
        ],
        "summary" => vec![("", "quantile=\"0.50\""), ("", "quantile=\"1\""), ("_sum", ""), ("_count", "")],
        "info" => vec![("_info", "version=\"v1.2.3\""), ("", "")],
        "stateset" => vec![("", "a=\"on\""), ("", "a=\"off\"")],
        "gaugehistogram" => vec![("_bucket", "le=\"1\""), ("_gcount", ""), ("_gsum", "")],
        _ => vec![("", ""), ("_other", "")],
    }
}

fn labels() -> impl Strategy<Value = Vec<&'static str>> {
    let pairs = vec![
        "x=\"1\"",
        "x=\"2\"",
        "pod=\"a\"",
        "pod=\"b\"",
        "node=\"n\"",
        "code=\"200\"",
        "code=\"ok\"",
        "env=\"prod\"",
        "upper_bound=\"9\"",
    ];
    prop_oneof![2 => Just(Vec::new()), 3 => subsequence(pairs, 0..4)]
}

fn value() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1", "1", "2", "3", "5", "1.5", "-1", "NaN", "+Inf", "1600000000"])
}

/// What the families of a target are called, and which types they have.
#[derive(Clone, Copy, Debug)]
struct Kinds {
    names: &'static [&'static str],
    types: &'static [&'static str],
}

const ANY: Kinds = Kinds { names: &NAMES, types: &TYPES };

/// So few that nearly every family is a source of shared labels, and they meet again in each scrape.
const LENDERS: Kinds = Kinds { names: &["a", "b", "c", "target_info"], types: &["gauge", "gauge", "counter", "info"] };

/// The lines of a family, announced or not.
fn family(kinds: Kinds, format: Format) -> impl Strategy<Value = String> {
    (select(kinds.names), option::weighted(0.9, select(kinds.types))).prop_flat_map(move |(name, metric_type)| {
        let part = select(parts(metric_type.unwrap_or_default(), format));
        vec((part, labels(), value()), 0..5).prop_map(move |samples| {
            let mut lines = metric_type.map_or_else(String::new, |of| format!("# TYPE {name} {of}\n"));
            for ((suffix, own), mut labels, value) in samples {
                if !own.is_empty() {
                    labels.push(own);
                }
                writeln!(lines, "{name}{suffix}{{{}}} {value}", labels.join(",")).unwrap();
            }
            lines
        })
    })
}

fn piece(kinds: Kinds, format: Format) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => family(kinds, format),
        1 => Just("a{x=\"1\" 2\n".to_owned()),
        1 => Just("# HELP a words\n".to_owned()),
        1 => Just("secret{x=\"1\"} 2\n".to_owned()),
    ]
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![3 => Just(Format::PrometheusText), 2 => Just(Format::OpenMetrics)]
}

fn body(kinds: Kinds, format: Format) -> impl Strategy<Value = String> {
    (vec(piece(kinds, format), 0..8), prop::bool::weighted(0.9)).prop_map(move |(pieces, ends)| {
        let end = if format == Format::OpenMetrics && ends { "# EOF\n" } else { "" };
        pieces.concat() + end
    })
}

fn scrape(kinds: Kinds) -> impl Strategy<Value = Exposed> {
    let ending = prop_oneof![8 => Just(Some(Ending::Whole)), 1 => Just(Some(Ending::Broken)), 1 => Just(None)];
    (format(), ending).prop_flat_map(move |(format, ending)| {
        body(kinds, format).prop_map(move |body| Exposed { format, body, ending })
    })
}

/// Scrapes of one target, of which some show the same.
fn scrapes(kinds: Kinds) -> impl Strategy<Value = Vec<Exposed>> {
    (vec(scrape(kinds), 1..4), vec(any::<prop::sample::Index>(), 1..7))
        .prop_map(|(different, order)| order.iter().map(|at| at.get(&different).clone()).collect())
}

/// Any scrape.
pub(crate) fn exposed() -> impl Strategy<Value = Exposed> {
    scrape(ANY)
}

/// Any scrapes of one target.
pub(crate) fn history() -> impl Strategy<Value = Vec<Exposed>> {
    scrapes(ANY)
}

/// The settings of a target, and its scrapes.
pub(crate) fn target() -> impl Strategy<Value = (String, Vec<Exposed>)> {
    prop_oneof![3 => (options(), scrapes(ANY)), 2 => (lending_options(), scrapes(LENDERS))]
}

fn metrics() -> impl Strategy<Value = String> {
    let entries = vec![
        "a",
        "{b: renamed}",
        "{c: {type: gauge}}",
        "{a: {type: counter_gauge}}",
        "{b: {type: histogram}}",
        "{c: {type: summary}}",
        "{a_total: {type: gauge}}",
        "{b: {type: rate, gauge_aggregation: sum}}",
        "{b: {type: service_check, status_map: {1: OK, 2: CRITICAL}}}",
        "{c: {type: metadata, label: version, name: version}}",
        "{c: {type: temporal_percent, scale: second}}",
        "{'^p_': {type: native_dynamic}}",
        "{'^q': {type: gauge}}",
        "'target|_created'",
        ".+",
    ];
    subsequence(entries, 1..8).prop_map(|entries| format!("metrics: [{}]", entries.join(", ")))
}

fn relabeling() -> impl Strategy<Value = String> {
    let rules = vec![
        "{source_labels: [__name__], regex: 'a(.*)', target_label: __name__, replacement: 'q$1'}",
        "{source_labels: [__name__], regex: 'b(_.*)?', target_label: __name__, replacement: c}",
        "{source_labels: [__name__], regex: 'p_(.*)', target_label: __name__, replacement: '$1'}",
        "{source_labels: [x], regex: '1', action: drop}",
        "{source_labels: [code], regex: '200|', action: keep}",
        "{regex: 'x|le', action: labeldrop}",
        "{regex: 'pod', action: labelmap, replacement: node}",
        "{source_labels: [x, pod], target_label: both}",
        "{source_labels: [code], regex: ok, target_label: __name__, replacement: ''}",
    ];
    subsequence(rules, 1..4).prop_map(|rules| format!("metric_relabel_configs: [{}]", rules.join(", ")))
}

fn sources() -> impl Strategy<Value = String> {
    let sources = vec![
        "a: true",
        "b: {match: [pod], labels: [node, x]}",
        "c: {match: [x]}",
        "target_info: {labels: [version]}",
        "p_a: {values: [1, 2]}",
    ];
    subsequence(sources, 1..4).prop_map(|sources| format!("share_labels: {{{}}}", sources.join(", ")))
}

fn sharing() -> impl Strategy<Value = String> {
    (sources(), any::<bool>(), any::<bool>()).prop_map(|(sources, cached, target_info)| {
        format!("{sources}, cache_shared_labels: {cached}, target_info: {target_info}")
    })
}

fn histograms() -> impl Strategy<Value = &'static str> {
    select(vec![
        "collect_histogram_buckets: false",
        "non_cumulative_histogram_buckets: true",
        "histogram_buckets_as_distributions: true",
        "collect_histograms_as_distributions: true, collect_counters_with_distributions: true",
    ])
}

/// Options by which nothing is remembered from one scrape to the next.
const FORGETFUL: [&str; 14] = [
    "namespace: ns",
    "raw_metric_prefix: p_",
    "exclude_metrics: [b, '^a_']",
    "exclude_metrics_by_labels: {code: [k]}",
    "exclude_labels: [x]",
    "include_labels: [x, pod, upper_bound]",
    "rename_labels: {pod: pod_name, upper_bound: bound}",
    "code_class_labels: [code]",
    "hostname_label: node, hostname_format: '<HOSTNAME>.z'",
    "gauge_aggregation: max",
    "metric_patterns: {exclude: [sum]}",
    "telemetry: true",
    "raw_line_filters: [secret, '^# HELP']",
    "disable_generic_tags: true, tags: ['env:t', 'k:v']",
];

fn others() -> impl Strategy<Value = Vec<&'static str>> {
    let remembering = ["max_returned_metrics: 4", "use_process_start_time: true", "cache_metric_wildcards: false"];
    subsequence([&FORGETFUL[..], &remembering].concat(), 0..6)
}

fn joined(
    (metrics, relabeling, sharing, histograms, others): (
        String,
        Option<String>,
        Option<String>,
        Option<&str>,
        Vec<&str>,
    ),
) -> String {
    let optional = relabeling.into_iter().chain(sharing).chain(histograms.map(str::to_owned));
    let all = std::iter::once(metrics).chain(optional).chain(others.into_iter().map(str::to_owned));
    all.collect::<Vec<_>>().join(", ")
}

/// The settings of a target.
pub(crate) fn options() -> impl Strategy<Value = String> {
    (metrics(), option::of(relabeling()), option::of(sharing()), option::of(histograms()), others()).prop_map(joined)
}

/// Settings of a target of which nearly everything lends labels, and everything receives them.
fn lending_options() -> impl Strategy<Value = String> {
    let others =
        vec!["telemetry: true", "raw_line_filters: [secret]", "use_process_start_time: true", "exclude_metrics: [b]"];
    (sharing(), subsequence(others, 0..3)).prop_map(|(sharing, others)| {
        let metrics = "metrics: [a, {b: {type: gauge}}, {'.+': {type: gauge}}]".to_owned();
        joined((metrics, None, Some(sharing), None, others))
    })
}

/// Settings under which a scrape comes to the same whatever was before it, but for what is said of first values.
pub(crate) fn forgetful_options() -> impl Strategy<Value = String> {
    let entries = vec![
        "{a: {type: counter}}",
        "{b: {type: histogram}}",
        "{'^p_': {type: native_dynamic}}",
        "{c: {type: metadata, label: version, name: version}}",
        "{'^q': {type: gauge}}",
        ".+",
    ];
    let metrics = subsequence(entries, 1..6)
        .prop_map(|entries| format!("metrics: [{}], cache_metric_wildcards: false", entries.join(", ")));
    let sharing = sources().prop_map(|sources| format!("{sources}, cache_shared_labels: false"));
    let others = subsequence(FORGETFUL.to_vec(), 0..6);
    (metrics, option::of(relabeling()), option::of(sharing), option::of(histograms()), others).prop_map(joined)
}
