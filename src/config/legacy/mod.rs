//! The legacy form of Datadog's check, an instance with `prometheus_url`: turned into the modern form that a user would
//! write by hand, before anything of it is read.
//!
//! Every value keeps its place, so whatever is said later is said of the user's line; what became of each option is a
//! note, and what is lost a warning.

mod counters;
mod fetching;
mod flow;
mod glob;
mod ignored;
mod labels;
mod metadata;
mod metrics;
mod overrides;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::node::{Node, Value};
use super::problem::Position;
use super::section::{Reading, Section};

use flow::flow;

/// The options that only the legacy form has, and what takes their place.
const OPTIONS: [(&str, &str); 28] = [
    ("prometheus_url", "openmetrics_endpoint"),
    ("possible_prometheus_urls", "openmetrics_endpoint"),
    ("prometheus_metrics_prefix", "raw_metric_prefix"),
    ("health_service_check", "enable_health_service_check"),
    ("label_to_hostname", "hostname_label"),
    ("label_to_hostname_suffix", "hostname_format"),
    ("labels_mapper", "rename_labels"),
    ("label_joins", "share_labels"),
    ("type_overrides", "metrics"),
    ("ignore_metrics", "exclude_metrics"),
    ("ignore_metrics_by_labels", "exclude_metrics_by_labels"),
    ("send_histograms_buckets", "collect_histogram_buckets"),
    ("non_cumulative_buckets", "non_cumulative_histogram_buckets"),
    ("send_distribution_buckets", "histogram_buckets_as_distributions"),
    ("send_monotonic_counter", "metrics"),
    ("send_monotonic_with_gauge", "metrics"),
    ("send_distribution_counts_as_monotonic", "metrics"),
    ("send_distribution_sums_as_monotonic", "metrics"),
    ("metadata_metric_name", "metrics"),
    ("metadata_label_map", "metrics"),
    ("bearer_token_auth", "auth_token"),
    ("bearer_token_path", "auth_token"),
    ("bearer_token_refresh_interval", "auth_token"),
    ("prometheus_timeout", "timeout"),
    ("ssl_verify", "tls_verify"),
    ("ssl_cert", "tls_cert"),
    ("ssl_private_key", "tls_private_key"),
    ("ssl_ca_cert", "tls_ca_cert"),
];

/// Whether an instance has the legacy form.
pub(crate) fn has_legacy_form(node: &Node) -> bool {
    let Value::Mapping(entries) = &node.value else { return false };
    !has(entries, "openmetrics_endpoint")
        && (has(entries, "prometheus_url") || has(entries, "possible_prometheus_urls"))
}

fn has(entries: &[(Node, Node)], option: &str) -> bool {
    entries.iter().any(|(key, _)| key.key_text().as_deref() == Some(option))
}

/// The instance in the modern form; an instance that has that form is left as it is.
pub(crate) fn modern<'n>(reading: &Reading<'_>, number: usize, node: &'n Node) -> Cow<'n, Node> {
    let Value::Mapping(entries) = &node.value else { return Cow::Borrowed(node) };
    if has(entries, "openmetrics_endpoint") {
        return without_legacy(reading, node, entries);
    }
    if !has_legacy_form(node) {
        return Cow::Borrowed(node);
    }
    let Some(section) = Section::new(reading, format!("instance {number}"), node) else { return Cow::Borrowed(node) };
    let mut translation = Translation { section, made: Vec::new() };
    translation.translate();
    Cow::Owned(Node::new(Value::Mapping(translation.made), node.at))
}

/// An instance of the modern form without options of the legacy form, each of which is reported.
fn without_legacy<'n>(reading: &Reading<'_>, node: &'n Node, entries: &[(Node, Node)]) -> Cow<'n, Node> {
    let replacement = |key: &Node| {
        let key = key.key_text()?;
        OPTIONS.iter().find(|(option, _)| *option == key)
    };
    let mut kept = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match replacement(key) {
            None => kept.push((key.clone(), value.clone())),
            Some((option, modern)) => {
                let message = format!(
                    "`{option}` is of the legacy form and has no effect beside `openmetrics_endpoint`; the modern form \
                     has `{modern}`"
                );
                reading.problems.borrow_mut().warning(key.at, message);
            }
        }
    }
    if kept.len() == entries.len() {
        return Cow::Borrowed(node);
    }
    Cow::Owned(Node::new(Value::Mapping(kept), node.at))
}

/// An instance of the legacy form and what has become of it so far.
struct Translation<'a> {
    section: Section<'a>,
    made: Vec<(Node, Node)>,
}

impl<'a> Translation<'a> {
    fn translate(&mut self) {
        let options: Vec<_> = self.section.pairs().map(|(key, at, node)| (key.to_owned(), at, node)).collect();
        for (option, at, node) in options {
            self.option(&option, at, node);
        }
        metrics::translate(self);
        if self.section.node("tag_by_endpoint").is_none() {
            let at = self.section.at();
            self.put("tag_by_endpoint", Node::new(Value::Bool(false), at), at);
        }
    }

    fn option(&mut self, option: &str, at: Position, node: &'a Node) {
        match option {
            "prometheus_url" => self.endpoint(at, node),
            "possible_prometheus_urls" => self.possible_endpoints(at, node),
            "prometheus_metrics_prefix" => self.rename("prometheus_metrics_prefix", "raw_metric_prefix", at, node),
            "health_service_check" => self.health(at, node),
            "label_to_hostname" => labels::hostname(self, at, node),
            "label_to_hostname_suffix" => labels::hostname_suffix(self, at, node),
            "labels_mapper" => labels::mapper(self, at, node),
            "label_joins" => labels::joins(self, at, node),
            "ignore_metrics_by_labels" => labels::ignored(self, at, node),
            "exclude_labels" | "include_labels" => labels::tags(self, option, at, node),
            "send_histograms_buckets" => self.rename("send_histograms_buckets", "collect_histogram_buckets", at, node),
            "non_cumulative_buckets" => {
                self.rename("non_cumulative_buckets", "non_cumulative_histogram_buckets", at, node);
            }
            "send_distribution_buckets" => self.distributions(at, node),
            "send_distribution_counts_as_monotonic" | "send_distribution_sums_as_monotonic" => {
                self.monotonic_distributions(option, at);
            }
            "bearer_token_auth" => fetching::bearer_token(self, at),
            "bearer_token_path" => fetching::bearer_token_path(self, at, node),
            "bearer_token_refresh_interval" => fetching::bearer_token_refresh(self, at),
            "prometheus_timeout" => self.rename("prometheus_timeout", "timeout", at, node),
            "ssl_verify" => fetching::verify(self, at, node),
            "ssl_cert" => self.rename("ssl_cert", "tls_cert", at, node),
            "ssl_private_key" => self.rename("ssl_private_key", "tls_private_key", at, node),
            "ssl_ca_cert" => fetching::ca_cert(self, at, node),
            // Several options together make these two; they come last.
            "metrics"
            | "exclude_metrics"
            | "type_overrides"
            | "ignore_metrics"
            | "metadata_metric_name"
            | "metadata_label_map"
            | "send_monotonic_counter"
            | "send_monotonic_with_gauge" => {}
            _ => self.put(option, node.clone(), at),
        }
    }

    fn endpoint(&mut self, at: Position, node: &Node) {
        let mut message = "`prometheus_url` is read as `openmetrics_endpoint`".to_owned();
        if self.section.node("tag_by_endpoint").is_none() {
            message += ", with `tag_by_endpoint: false`, since no metric of the legacy form has the tag `endpoint`";
        }
        self.section.note(at, message);
        self.put("openmetrics_endpoint", node.clone(), at);
    }

    fn possible_endpoints(&mut self, at: Position, node: &Node) {
        if self.section.node("prometheus_url").is_some() {
            self.section.warning(at, "`possible_prometheus_urls` has no effect beside `prometheus_url`");
            return;
        }
        let Value::List(urls) = &node.value else {
            let message = format!("`possible_prometheus_urls` is {}; expected a list", node.describe());
            self.section.error(node.at, message);
            return;
        };
        let Some(first) = urls.first() else { return };
        let message = "the first of `possible_prometheus_urls` is read as `openmetrics_endpoint`, with \
                       `tag_by_endpoint: false` unless it is set, since no metric of the legacy form has the tag \
                       `endpoint`";
        self.section.note(at, message);
        if urls.len() > 1 {
            let message = "the others of `possible_prometheus_urls` are not tried: there is no search for the one that \
                           answers; give the URL of each target an instance of its own";
            self.section.warning(urls[1].at, message);
        }
        self.put("openmetrics_endpoint", first.clone(), at);
    }

    /// The URL that is going to be fetched, references and all.
    fn url(&self) -> Option<&'a str> {
        let node = self.section.node("prometheus_url").or_else(|| {
            match &self.section.node("possible_prometheus_urls")?.value {
                Value::List(urls) => urls.first(),
                _ => None,
            }
        });
        match &node?.value {
            Value::Text(url) => Some(url),
            _ => None,
        }
    }

    fn health(&mut self, at: Position, node: &Node) {
        if !self.is_superseded("health_service_check", "enable_health_service_check", at) {
            let message = "`health_service_check` is read as `enable_health_service_check`; the service check is \
                           `openmetrics.health` and no longer `prometheus.health`";
            self.section.note(at, message);
            self.put("enable_health_service_check", node.clone(), at);
        }
    }

    fn distributions(&mut self, at: Position, node: &Node) {
        let without_buckets = !self.section.affirmative("send_histograms_buckets", true);
        if without_buckets && self.section.affirmative("send_distribution_buckets", false) {
            let message = "`send_distribution_buckets` sends distributions although `send_histograms_buckets` is off; \
                           the legacy form sent nothing of histograms: leave them out of `metrics` for that";
            self.section.warning(at, message);
        }
        self.rename("send_distribution_buckets", "histogram_buckets_as_distributions", at, node);
    }

    fn monotonic_distributions(&mut self, option: &str, at: Position) {
        let (on, what) = if option == "send_distribution_counts_as_monotonic" {
            (self.section.affirmative("send_distribution_counts_as_monotonic", false), "counts and buckets")
        } else {
            (self.section.affirmative("send_distribution_sums_as_monotonic", false), "sums")
        };
        let always = format!("{what} of histograms and summaries are always monotonic counts in the modern form");
        if on {
            self.section.note(at, format!("`{option}` needs no option in its place: {always}"));
        } else {
            self.section.warning(at, format!("`{option}: false` has no effect: {always}, and never gauges"));
        }
    }

    /// An option that has another name and the same values.
    fn rename(&mut self, option: &str, modern: &'static str, at: Position, node: &Node) {
        if !self.is_superseded(option, modern, at) {
            self.section.note(at, format!("`{option}` is read as `{modern}`"));
            self.put(modern, node.clone(), at);
        }
    }

    /// Notes that an option became another one with this value.
    fn note_value(&self, option: &str, at: Position, modern: &str, value: &Node) {
        self.section.note(at, format!("`{option}` is read as `{modern}: {}`", flow(value)));
    }

    /// Whether the option of the modern form is set as well, and wins; that is reported.
    fn is_superseded(&self, option: &str, modern: &'static str, at: Position) -> bool {
        let superseded = self.section.node(modern).is_some();
        if superseded {
            self.section.warning(at, format!("`{option}` has no effect beside `{modern}`"));
        }
        superseded
    }

    /// The entries of an option that is a mapping of `what`, unless it is nothing, or something else, which is an error.
    fn mapping<'n>(&self, option: &str, what: &str, node: &'n Node) -> Option<Section<'n>>
    where
        'a: 'n,
    {
        match &node.value {
            Value::Mapping(_) => Section::new(self.section.reading(), format!("`{option}`"), node),
            Value::Null => None,
            _ => {
                let message = format!("`{option}` is {}; expected a mapping of {what}", node.describe());
                self.section.error(node.at, message);
                None
            }
        }
    }

    /// An option with the place of its name.
    fn placed(&self, option: &str) -> Option<(Position, &'a Node)> {
        placed(&self.section, option)
    }

    fn put(&mut self, option: &str, value: Node, at: Position) {
        self.made.push((Node::text(option, at), value));
    }
}

/// An option of a section with the place of its name.
fn placed<'a>(section: &Section<'a>, option: &str) -> Option<(Position, &'a Node)> {
    section.pairs().find(|(key, ..)| *key == option).map(|(_, at, node)| (at, node))
}

/// A mapping out of options and their values, all made from what stands at one place.
fn mapping(at: Position, entries: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(option, value)| (Node::text(option, at), value));
    Node::new(Value::Mapping(entries.collect()), at)
}
