//! Options of the legacy form and the modern ones that a user would write in their place.

use std::cell::RefCell;

use proptest::prelude::*;

use super::flow::flow;
use super::glob::{Glob, Name};
use super::modern;
use crate::config::node::{Node, Value};
use crate::config::problem::Problems;
use crate::config::section::Reading;
use crate::config::{NoSurroundings, Pattern};

fn node(text: &str) -> Node {
    let mut problems = Problems::new("conf.yaml");
    Node::read(text, &mut problems).unwrap_or_else(|| panic!("{problems:?}\n{text}"))
}

/// The options of an instance of the modern form, sorted, and what was said of the legacy one: `note: ...`.
fn translate(text: &str) -> (Vec<String>, Vec<String>) {
    let problems = RefCell::new(Problems::new("conf.yaml"));
    let reading = Reading { problems: &problems, surroundings: &NoSurroundings };
    let options = options(&modern(&reading, 1, &node(text)));
    let said = problems.into_inner().into_sorted();
    (options, said.iter().map(|problem| format!("{}: {}", problem.severity.as_str(), problem.message)).collect())
}

fn options(instance: &Node) -> Vec<String> {
    let Value::Mapping(entries) = &instance.value else { panic!("{instance:?}") };
    let mut options: Vec<_> = entries.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value))).collect();
    options.sort();
    options
}

/// What legacy options become, besides the endpoint, which is `http://a` unless they have one, and the two options that
/// all have.
fn becomes(legacy: &str) -> (Vec<String>, Vec<String>) {
    let (mut made, said) = translate(&format!("{{prometheus_url: 'http://a', {legacy}}}"));
    made.retain(|option| option != "openmetrics_endpoint: 'http://a'" && option != "tag_by_endpoint: false");
    made.retain(|option| option != "metrics: []" || legacy.starts_with("metrics: "));
    (made, said)
}

/// Each row: options of the legacy form, the modern ones, and words that are said of them.
const ROWS: &[(&str, &str, &str)] = &[
    ("namespace: n, tags: [a], ignore_tags: [b]", "namespace: n, tags: [a], ignore_tags: [b]", ""),
    (
        "prometheus_metrics_prefix: p_",
        "raw_metric_prefix: p_",
        "note: `prometheus_metrics_prefix` is read as `raw_metric_prefix`",
    ),
    (
        "health_service_check: false",
        "enable_health_service_check: false",
        "note: `health_service_check` is read as `enable_health_service_check`; the service check is \
         `openmetrics.health` and no longer `prometheus.health`",
    ),
    ("label_to_hostname: h", "hostname_label: h", "note: `label_to_hostname` is read as `hostname_label`"),
    (
        "label_to_hostname: h, label_to_hostname_suffix: -c",
        "hostname_label: h, hostname_format: <HOSTNAME>-c",
        "note: `label_to_hostname_suffix` is read as `hostname_format: '<HOSTNAME>-c'`",
    ),
    ("label_to_hostname: , label_to_hostname_suffix: ", "", ""),
    ("labels_mapper: {a: b, le: c}", "rename_labels: {a: b}", "note: `labels_mapper` is read as `rename_labels`"),
    ("labels_mapper: {le: c}", "rename_labels: {}", "warning: `le` in `labels_mapper` has no effect"),
    (
        "exclude_labels: [le, a]",
        "exclude_labels: [upper_bound, a]",
        "note: `le` in `exclude_labels` is read as `upper_bound`",
    ),
    ("include_labels: [b]", "include_labels: [b]", ""),
    (
        "label_joins: {i: {labels_to_match: [pod, ns], labels_to_get: [node]}}",
        "share_labels: {i: {match: [pod, ns], labels: [node], values: [1]}}, cache_shared_labels: false",
        "note: `label_joins` for `i` is read as `share_labels: {i: {match: [pod, ns], labels: [node], values: [1]}}`",
    ),
    (
        "label_joins: {i: {label_to_match: pod, labels_to_get: ['*']}}",
        "share_labels: {i: {match: [pod], values: [1]}}, cache_shared_labels: false",
        "`cache_shared_labels: false`",
    ),
    (
        "label_joins: {i: {labels_to_match: ['*'], labels_to_get: [node]}, j: {label_to_match: ['*'], labels_to_get: ['*']}}",
        "share_labels: {i: {labels: [node], values: [1]}, j: {values: [1]}}, cache_shared_labels: false",
        "note: `label_joins` for `j` is read as `share_labels: {j: {values: [1]}}`",
    ),
    (
        "label_joins: {i: {labels_to_match: [pod], labels_to_get: [node]}}, cache_shared_labels: true",
        "share_labels: {i: {match: [pod], labels: [node], values: [1]}}, cache_shared_labels: true",
        "",
    ),
    (
        "ignore_metrics_by_labels: {a: ['*'], b: [x.y, z], c: []}",
        "exclude_metrics_by_labels: {a: true, b: ['^x\\.y$', ^z$]}",
        "note: `ignore_metrics_by_labels` is read as `exclude_metrics_by_labels: {a: true, b: ['^x\\.y$', '^z$']}`",
    ),
    (
        "ignore_metrics_by_labels: {c: []}",
        "exclude_metrics_by_labels: {}",
        "warning: `ignore_metrics_by_labels` for `c` has no effect",
    ),
    (
        "ignore_metrics_by_labels: {le: ['0.0', '0.50', '100', '+Inf', '1e-7', '1.5e+20']}",
        "exclude_metrics_by_labels: {upper_bound: [^0$, '^0\\.5$', '^100\\.0$', ^inf$, '^1e\\-07$', '^1\\.5e\\+20$']}",
        "",
    ),
    (
        "send_histograms_buckets: false",
        "collect_histogram_buckets: false",
        "note: `send_histograms_buckets` is read as",
    ),
    (
        "non_cumulative_buckets: 'yes'",
        "non_cumulative_histogram_buckets: 'yes'",
        "note: `non_cumulative_buckets` is read as",
    ),
    (
        "send_distribution_buckets: true",
        "histogram_buckets_as_distributions: true",
        "note: `send_distribution_buckets` is read as",
    ),
    (
        "send_distribution_buckets: true, send_histograms_buckets: false",
        "histogram_buckets_as_distributions: true, collect_histogram_buckets: false",
        "warning: `send_distribution_buckets` sends distributions although",
    ),
    (
        "send_distribution_counts_as_monotonic: true",
        "",
        "note: `send_distribution_counts_as_monotonic` needs no option",
    ),
    (
        "send_distribution_sums_as_monotonic: false",
        "",
        "warning: `send_distribution_sums_as_monotonic: false` has no effect",
    ),
    (
        "bearer_token_auth: true, bearer_token_path: /run/token",
        "auth_token: {reader: {type: file, path: /run/token}, writer: {type: header, name: Authorization, value: Bearer <TOKEN>}}",
        "note: `bearer_token_path` is read as the `path`",
    ),
    (
        "bearer_token_auth: 'yes'",
        "auth_token: {reader: {type: file, path: /var/run/secrets/kubernetes.io/serviceaccount/token}, writer: {type: header, \
         name: Authorization, value: Bearer <TOKEN>}}",
        "note: `bearer_token_auth` is read as `auth_token: {reader: {type: file, path: \
         /var/run/secrets/kubernetes.io/serviceaccount/token}, writer: {type: header, name: Authorization, value: 'Bearer \
         <TOKEN>'}}`",
    ),
    ("bearer_token_auth: tls_only", "", "note: `bearer_token_auth: tls_only` needs no option in its place"),
    ("bearer_token_auth: no", "", "note: `bearer_token_auth` is off"),
    ("bearer_token_path: /a", "", "warning: `bearer_token_path` has no effect"),
    ("bearer_token_refresh_interval: 10", "", "warning: `bearer_token_refresh_interval` has no effect"),
    ("prometheus_timeout: 3", "timeout: 3", "note: `prometheus_timeout` is read as `timeout`"),
    (
        "ssl_verify: false, ssl_cert: /a, ssl_private_key: /b, ssl_ca_cert: /c",
        "tls_verify: false, tls_cert: /a, tls_private_key: /b, tls_ca_cert: /c",
        "note: `ssl_ca_cert` is read as `tls_ca_cert`",
    ),
    (
        "ssl_ca_cert: false, ssl_verify: true",
        "tls_verify: false",
        "note: `ssl_ca_cert: false` is read as `tls_verify: false`",
    ),
    (
        "ssl_verify: true, tls_verify: false",
        "tls_verify: false",
        "warning: `ssl_verify` has no effect beside `tls_verify`",
    ),
    (
        "request_size: 10, use_process_start_time: true, telemetry: true, max_returned_metrics: 5",
        "request_size: 10, use_process_start_time: true, telemetry: true, max_returned_metrics: 5",
        "",
    ),
    (
        "metadata_metric_name: build, metadata_label_map: {git: sha, version: ver}",
        "metrics: [{build: {name: version, type: metadata, label: ver}}]",
        "warning: `git` in `metadata_label_map` is lost",
    ),
    ("metadata_metric_name: build", "", "warning: `metadata_metric_name` has no effect without"),
    (
        "metrics: [build], metadata_metric_name: build, metadata_label_map: {a: b}",
        "metrics: [build]",
        "collects `build` as a metric",
    ),
];

/// Each row: what selects metrics in the legacy form, `metrics` and the like of the modern form, and words.
const SELECTION: &[(&str, &str, &str)] = &[
    ("metrics: [a, {b: c}]", "metrics: [a, {b: c}]", "note: `metrics` has the same name"),
    (
        "metrics: [r_total]",
        "metrics: [r, r_total]",
        "note: `r_total` in `metrics` is read as `r` and `r_total`: a counter has no `_total` in its name there, and is sent \
         as `r.count`",
    ),
    ("metrics: [{r_total: s, b: c}]", "metrics: [{r: s}, {r_total: s}, {b: c}]", "and is sent as `s.count`"),
    ("metrics: [r, r_total]", "metrics: [r, r_total]", "warning: the counter `r_total` is named `r`"),
    ("metrics: [_total]", "metrics: [_total]", ""),
    ("metrics: [node_*]", "metrics: ['^node(?:_.*)?$']", "note: `'node_*'` in `metrics` is read as `'^node(?:_.*)?$'`"),
    ("metrics: [go*, '*']", "metrics: [^go.*$, ^.*$]", ""),
    ("metrics: ['a*_b_total']", "metrics: ['^a.*_b(?:_total)?$']", ""),
    ("metrics: ['a_*_total']", "metrics: ['^a_.*$']", "warning: `a_*_total` knows counters by their `_total`"),
    ("metrics: ['a?b[!x-z]*']", "metrics: ['^a.b[^x-z].*$']", ""),
    ("metrics: ['go.*']", "metrics: ['^go\\..*$']", "warning: `go.*` is a glob and no regular expression: `.` stands"),
    ("metrics: [{a*: b}]", "metrics: [^a.*$]", "warning: the name `b` has no effect"),
    ("metrics: [a.b]", "metrics: ['^a\\.b$']", ""),
    ("metrics: [{a: {type: gauge}}]", "metrics: [{a: {type: gauge}}]", ""),
    ("metrics: []", "metrics: []", "warning: `metrics` names no metric"),
    (
        "metrics: [a], type_overrides: {a: gauge}",
        "metrics: [{a: {type: gauge}}]",
        "note: `type_overrides` for `a` is read as `type: gauge`",
    ),
    ("metrics: [{a: b}], type_overrides: {a: counter}", "metrics: [{a: {name: b, type: counter}}]", ""),
    ("metrics: [a], type_overrides: {b: gauge}", "metrics: [a]", "warning: `type_overrides` for `b` has no effect"),
    ("metrics: [a_total], type_overrides: {a_total: counter}", "metrics: [a, {a_total: {name: a, type: counter}}]", ""),
    (
        "metrics: [a_total], type_overrides: {'a*': gauge}",
        "metrics: [{a: {name: a_total, type: gauge}}, {a_total: {type: gauge}}]",
        "",
    ),
    (
        "metrics: ['a*'], type_overrides: {ab: gauge, xb: gauge, 'a*': counter}",
        "metrics: [{ab: {type: gauge}}, {^a.*$: {type: counter}}, ^a.*$]",
        "warning: `type_overrides` for `xb` has no effect",
    ),
    (
        "metrics: ['a*'], type_overrides: {'*_x': gauge, 'b*': gauge}",
        "metrics: [{'^(?=.*_x$)a.*$': {type: gauge}}, ^a.*$]",
        "warning: `type_overrides` for `b*` has no effect",
    ),
    ("metrics: ['*'], type_overrides: {'*_x': gauge}", "metrics: [{'^.*_x$': {type: gauge}}, ^.*$]", ""),
    (
        "metrics: ['a*'], type_overrides: {'*_total': counter}",
        "metrics: [{'^(?=.*_total$)a.*$': {type: counter}}, ^a.*$]",
        "",
    ),
    (
        "metrics: ['a*'], type_overrides: {'*_total': gauge}",
        "metrics: [{'^(?=.*_total$)a.*$': {type: gauge}}, ^a.*$]",
        "exposed as counters and collected by a glob",
    ),
    (
        "metrics: [a], type_overrides: {a: gage}",
        "metrics: []",
        "warning: `a` is not collected, since `type_overrides` gives it the type `gage`; did you mean `gauge`?",
    ),
    (
        "metrics: ['a*'], type_overrides: {ab: untyped, 'ac*': untyped}",
        "metrics: [^a.*$], exclude_metrics: [ab, '^(?=ac.*$)a.*$']",
        "",
    ),
    (
        "prometheus_metrics_prefix: p_, metrics: [a, 'b*'], type_overrides: {p_a: gauge, 'p_b*': counter}",
        "raw_metric_prefix: p_, metrics: [{a: {type: gauge}}, {^b.*$: {type: counter}}, ^b.*$]",
        "",
    ),
    ("metrics: [a], send_monotonic_counter: true", "metrics: [a]", "note: `send_monotonic_counter` is on"),
    (
        "metrics: [a_total, b, 'c*'], send_monotonic_counter: false",
        "metrics: [{a: {name: a_total, type: gauge}}, a_total, b, ^c.*$]",
        "warning: `send_monotonic_counter` has no effect on counters among `b`, `c*`",
    ),
    (
        "metrics: [{a_total: x}, b], type_overrides: {b: counter}, send_monotonic_counter: false, send_monotonic_with_gauge: true",
        "metrics: [{a: {name: x, type: counter_gauge}}, {a_total: x}, {b: {type: counter_gauge}}]",
        "note: `send_monotonic_with_gauge` is read as `type: counter_gauge`",
    ),
    (
        "metrics: [a], send_monotonic_with_gauge: true",
        "metrics: [a]",
        "warning: `send_monotonic_with_gauge` has no effect",
    ),
    (
        "metrics: [x], ignore_metrics: [a, b_total]",
        "metrics: [x], exclude_metrics: [a, b, b_total]",
        "note: `ignore_metrics` is read as `exclude_metrics: [a, b, b_total]`",
    ),
    ("metrics: ['x*', b], ignore_metrics: [b_total]", "metrics: [^x.*$, b], exclude_metrics: [b_total]", ""),
    (
        "metrics: [x, ab], ignore_metrics: ['a*']",
        "metrics: [x], exclude_metrics: [^a.*$]",
        "warning: `ab` is not collected: `ignore_metrics` means it, too",
    ),
    (
        "metrics: [a_s_total], ignore_metrics: ['*_s']",
        "metrics: [a_s, a_s_total], exclude_metrics: ['^(?!(?:a_s)$).*_s$']",
        "",
    ),
    (
        "metrics: ['x*'], ignore_metrics: ['*_s']",
        "metrics: [^x.*$], exclude_metrics: ['^.*_s$']",
        "warning: `*_s` in `ignore_metrics` also leaves out counters",
    ),
    (
        "metrics: ['x*'], ignore_metrics: ['*_total']",
        "metrics: [^x.*$], exclude_metrics: ['^.*_total$']",
        "warning: `*_total` in `ignore_metrics` knows counters",
    ),
    (
        "metrics: [x], ignore_metrics: [a], exclude_metrics: [b]",
        "metrics: [x], exclude_metrics: [b]",
        "warning: `ignore_metrics` has no effect beside `exclude_metrics`",
    ),
];

#[test]
fn every_option_becomes_what_a_user_would_write() {
    for (legacy, expected, words) in ROWS.iter().chain(SELECTION) {
        let (made, said) = becomes(legacy);
        assert_eq!(made, options(&node(&format!("{{{expected}}}"))), "{legacy}\n{said:#?}");
        assert!(words.is_empty() || said.iter().any(|said| said.contains(words)), "{legacy}\n{said:#?}");
        assert!(!said.iter().any(|said| said.starts_with("error")), "{legacy}\n{said:#?}");
    }
}

#[test]
fn a_token_for_tls_only_is_sent_over_tls() {
    let (made, _) = translate("{prometheus_url: 'https://a', bearer_token_auth: tls_only, bearer_token_path: /t}");
    assert!(made.iter().any(|option| option.starts_with("auth_token: {reader: {type: file, path: /t}")), "{made:?}");
}

#[test]
fn of_possible_endpoints_the_first_is_taken() {
    let (made, said) = translate("{possible_prometheus_urls: ['http://a', 'http://b']}");
    assert_eq!(made, ["metrics: []", "openmetrics_endpoint: 'http://a'", "tag_by_endpoint: false"]);
    assert!(
        said.iter().any(|said| said.starts_with("warning: the others of `possible_prometheus_urls` are not tried"))
    );
    let (made, said) = translate("{possible_prometheus_urls: ['http://a'], prometheus_url: 'http://b'}");
    assert_eq!(made, ["metrics: []", "openmetrics_endpoint: 'http://b'", "tag_by_endpoint: false"]);
    assert!(said.contains(&"warning: `possible_prometheus_urls` has no effect beside `prometheus_url`".to_owned()));
}

#[test]
fn of_both_forms_the_modern_one_wins() {
    let text = "{openmetrics_endpoint: 'http://a', prometheus_url: 'http://b', metrics: [c_total], ssl_verify: false}";
    let (made, said) = translate(text);
    assert_eq!(made, ["metrics: [c_total]", "openmetrics_endpoint: 'http://a'"]);
    let of_legacy = "is of the legacy form and has no effect beside `openmetrics_endpoint`; the modern form has";
    assert_eq!(
        said,
        [
            format!("warning: `prometheus_url` {of_legacy} `openmetrics_endpoint`"),
            format!("warning: `ssl_verify` {of_legacy} `tls_verify`"),
        ]
    );
    for text in ["{openmetrics_endpoint: 'http://a', tag_by_endpoint: true}", "{metrics: [a_total]}", "[a]", "5"] {
        let problems = RefCell::new(Problems::new("conf.yaml"));
        let reading = Reading { problems: &problems, surroundings: &NoSurroundings };
        let instance = node(text);
        assert_eq!(flow(&modern(&reading, 1, &instance)), flow(&instance));
        assert_eq!(problems.into_inner().into_sorted(), []);
    }
}

/// Each option with a value of a wrong kind: an error that stands where the value does.
#[test]
fn what_an_option_cannot_be_is_an_error() {
    let wrong = [
        ("possible_prometheus_urls: a", "`possible_prometheus_urls` is text; expected a list"),
        ("label_to_hostname_suffix: [a]", "`label_to_hostname_suffix` is a list; expected text"),
        ("label_joins: [a]", "`label_joins` is a list; expected a mapping of metrics"),
        ("label_joins: {a: {labels_to_get: [b]}}", "`label_joins` for `a` lacks `labels_to_match`"),
        ("label_joins: {a: {labels_to_match: [b]}}", "`label_joins` for `a` lacks `labels_to_get`"),
        (
            "label_joins: {a: {labels_to_match: b, labels_to_get: [b]}}",
            "`labels_to_match` of `label_joins` for `a` is text",
        ),
        (
            "label_joins: {a: {labels_to_match: [], labels_to_get: [b]}}",
            "`labels_to_match` of `label_joins` for `a` is empty",
        ),
        ("label_joins: {a: 5}", "`label_joins` for `a` is the number `5`"),
        ("ignore_metrics: a", "`ignore_metrics` is text; expected a list of names"),
        ("ignore_metrics: [5]", "an entry of `ignore_metrics` is the number `5`"),
        ("ignore_metrics_by_labels: a", "`ignore_metrics_by_labels` is text; expected a mapping"),
        ("ignore_metrics_by_labels: {a: b}", "`ignore_metrics_by_labels` for `a` is text; expected a list"),
        ("ignore_metrics_by_labels: {a: [[]]}", "a value of `ignore_metrics_by_labels` for `a` is a list"),
        ("type_overrides: [a]", "`type_overrides` is a list; expected a mapping"),
        ("type_overrides: {a: 5}", "the type of `a` in `type_overrides` is the number `5`"),
        ("metadata_metric_name: 5, metadata_label_map: {a: b}", "`metadata_metric_name` is the number `5`"),
        ("metadata_metric_name: a, metadata_label_map: [b]", "`metadata_label_map` is a list; expected a mapping"),
    ];
    for (legacy, expected) in wrong {
        let url = if legacy.starts_with("possible") { "" } else { "prometheus_url: 'http://a', " };
        let (_, said) = translate(&format!("{{{url}{legacy}}}"));
        assert!(said.iter().any(|said| said.starts_with("error: ") && said.contains(expected)), "{legacy}: {said:#?}");
    }
}

#[test]
fn notes_are_no_problem() {
    let mut problems = Problems::new("conf.yaml");
    problems.note(node("a").at, "so it is");
    assert_eq!(problems.errors(), 0);
    assert_eq!(problems.into_sorted()[0].to_string(), "conf.yaml:1:1: note: so it is");
}

fn found(body: &str, name: &str) -> bool {
    Pattern::new(&format!("^{body}$")).expect("globs become valid expressions").is_found_in(name)
}

proptest! {
    /// A pattern finds what its glob means, counters without their `_total` included, and nothing else unless it says so.
    #[test]
    fn a_pattern_finds_what_its_glob_means(
        text in prop_oneof![
            "(a|b|_|t|\\?|\\[ab\\]|\\[!a\\]){0,3}\\*(_total|total|l|a|b_total|_b)?",
            "(a|b|_|t){0,2}\\*(a|b|a_|_|t|total|_total)\\*(_total|b_total|a)?",
        ],
        name in "(a|b|_|t|_t){1,5}(_total)?",
    ) {
        let Name::Glob(glob) = Name::read(&text) else { return Ok(()) };
        let glob_means = |name: &str| Name::Glob(glob.clone()).means(name);
        let families = Glob::families(&glob);
        if glob_means(&name) {
            prop_assert!(found(&families.body, &name), "{text} {name} {families:?}");
        }
        let counter = format!("{name}_total");
        // That `?` or a set stands for a letter of `_total` is more than anybody means.
        if !text.contains(['?', '[']) && glob_means(&counter) {
            prop_assert!(found(&families.body, &name), "{text} {counter} {families:?}");
        }
        if !families.loose && found(&families.body, &name) {
            prop_assert!(glob_means(&name) || glob_means(&counter), "{text} {name} {families:?}");
        }
    }

    /// What is shown can be copied into a file.
    #[test]
    fn what_is_shown_reads_the_same(text in any::<String>(), word in "[a-z0-9 :#'\"\\[\\]{},&*!|>%@`~?-]{0,12}") {
        for text in [text, word] {
            // YAML has no way to write these.
            prop_assume!(!text.contains(['\u{feff}', '\u{fffe}', '\u{ffff}', '\u{0}', '\u{2028}', '\u{2029}', '\u{85}']));
            let shown = flow(&Node::new(Value::List(vec![Node::text(text.as_str(), node("a").at)]), node("a").at));
            let Value::List(read) = node(&shown).value else { panic!("{shown}") };
            prop_assert!(matches!(&read[0].value, Value::Text(read) if *read == text), "{shown}");
        }
    }
}
