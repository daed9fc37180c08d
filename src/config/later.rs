//! Options of Datadog's check that are understood, and checked for their form, but do not take effect so far.
//!
//! Each one that is set is reported, so that nobody waits for what will not come.

use super::node::{Node, Value};
use super::section::Section;

/// The options and what is missing as long as they have no effect.
const OPTIONS: &[(&str, &str)] = &[
    ("cache_shared_labels", "is not supported yet: labels are not shared"),
    ("telemetry", "is not supported yet: Retriever's own `/metrics` has these figures for every target"),
    ("use_process_start_time", "is not supported yet: first values are not sent on the first scrape"),
    ("cache_metric_wildcards", "is not supported yet: the type of a family is kept from its first occurrence"),
    ("max_returned_metrics", "is not supported yet: the number of metrics is not limited"),
    ("metric_relabel_configs", "is not supported yet: metrics are not relabeled"),
    ("empty_default_hostname", "is not supported yet: the host name of the submitter is filled in"),
    ("proxy", "is not supported yet: the target is fetched without a proxy"),
    ("skip_proxy", "has no effect: no proxy is used"),
    ("no_proxy", "has no effect: no proxy is used"),
    ("tls_private_key_password", "is not supported yet: give the key without a password"),
    ("tls_validate_hostname", "is not supported yet: the host name is verified whenever the certificate is"),
    ("tls_ciphers", "is not supported yet: the cipher suites of rustls are used"),
    ("tls_protocols_allowed", "is not supported yet: TLS 1.2 and 1.3 are used"),
    ("tls_use_host_header", "is not supported yet: the host of the endpoint is used"),
    ("tls_intermediate_ca_certs", "is not supported yet: use `tls_ca_cert`"),
    ("tls_ignore_warning", "has no effect in Retriever"),
    ("request_size", "has no effect: bodies are read as they arrive"),
    ("log_requests", "has no effect in Retriever; use `log_level: debug`"),
    ("enable_legacy_tags_normalization", "has no effect in this check"),
    ("debug_metrics", "has no effect in Retriever"),
    ("process_isolation", "has no effect in Retriever"),
];

/// Options whose present behaviour is what they say when they are on.
const ON: [&str; 3] = ["cache_metric_wildcards", "cache_shared_labels", "tls_validate_hostname"];

/// Reports every such option that asks for something else than what happens anyway.
pub(crate) fn note(section: &Section<'_>) {
    for &(option, why) in OPTIONS {
        let Some(node) = section.node(option) else { continue };
        let asks_for_nothing = match &node.value {
            Value::Null => true,
            Value::Bool(value) => *value == ON.contains(&option),
            _ => false,
        };
        if !asks_for_nothing {
            section.warning(node.at, format!("`{option}` {why}"));
        }
    }
    share_labels(section);
    target_info(section);
    raw_line_filters(section);
}

fn share_labels(section: &Section<'_>) {
    let Some(node) = section.node("share_labels") else { return };
    let Value::Mapping(_) = &node.value else {
        section.error(node.at, format!("`share_labels` is {}; expected a mapping of metrics", node.describe()));
        return;
    };
    let Some(sources) = section.mapping("share_labels") else { return };
    for (metric, _, node) in sources.pairs() {
        match &node.value {
            Value::Bool(true) => {}
            Value::Mapping(_) => share_labels_entry(section, metric, node),
            _ => {
                let message =
                    format!("`share_labels` for `{metric}` is {}; expected `true` or a mapping", node.describe());
                section.error(node.at, message);
            }
        }
    }
    section.warning(node.at, "`share_labels` is not supported yet: labels are not shared");
}

fn share_labels_entry(section: &Section<'_>, metric: &str, node: &Node) {
    let Some(entry) = Section::new(section.reading(), format!("`share_labels` for `{metric}`"), node) else { return };
    for option in ["labels", "match"] {
        entry.text_list(option);
    }
    for (i, value) in entry.list("values").unwrap_or_default().iter().enumerate() {
        let whole = match &value.value {
            Value::Integer(_) => true,
            Value::Text(text) => text.trim().parse::<i64>().is_ok(),
            _ => false,
        };
        if !whole {
            let message = format!("entry {} of `values` is {}; expected a whole number", i + 1, value.describe());
            entry.error(value.at, message);
        }
    }
    entry.finish();
}

fn target_info(section: &Section<'_>) {
    match section.node("target_info").map(|node| (&node.value, node)) {
        None | Some((Value::Bool(false), _)) => {}
        Some((Value::Bool(true), node)) => {
            section.warning(node.at, "`target_info` is not supported yet: its labels are not shared");
        }
        Some((_, node)) => {
            section.error(node.at, format!("`target_info` is {}; expected `true` or `false`", node.describe()));
        }
    }
}

fn raw_line_filters(section: &Section<'_>) {
    if let Some(node) = section.node("raw_line_filters") {
        section.pattern_list("raw_line_filters");
        section.warning(node.at, "`raw_line_filters` is not supported yet: no line is left out");
    }
}
