//! Where the entries of an instance's options stand, for those who explain what an option did.
//!
//! The options themselves are kept in forms that are fast to apply, which have no places.

use super::node::{Node, Value};
use super::problem::Position;

/// The options that decide about samples, but for `metrics` and relabeling, whose rules know their places.
const OPTIONS: [&str; 24] = [
    "namespace",
    "raw_metric_prefix",
    "raw_line_filters",
    "cache_metric_wildcards",
    "exclude_metrics",
    "exclude_metrics_by_labels",
    "share_labels",
    "target_info",
    "code_class_labels",
    "exclude_labels",
    "include_labels",
    "rename_labels",
    "tags",
    "hostname_label",
    "hostname_format",
    "collect_histogram_buckets",
    "non_cumulative_histogram_buckets",
    "histogram_buckets_as_distributions",
    "collect_counters_with_distributions",
    "collect_histograms_as_distributions",
    "metric_patterns",
    "max_returned_metrics",
    "telemetry",
    "metrics",
];

/// Where the entries of options stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<Place>);

/// An option, or one entry of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The option; behind a dot, what it is divided into: `metric_patterns.exclude`.
    pub option: String,
    /// The entry as written: an item of a list, a key of a mapping; none for the option itself.
    pub entry: Option<String>,
    /// Where it stands.
    pub at: Position,
}

impl Places {
    /// The places in the mapping of an instance.
    pub(super) fn of(instance: &Node) -> Self {
        let mut places = Self::default();
        let Value::Mapping(pairs) = &instance.value else { return places };
        for (key, value) in pairs {
            let Some(option) = key.key_text().filter(|option| OPTIONS.contains(&option.as_str())) else { continue };
            places.add(&option, None, key.at);
            match option.as_str() {
                // Rules know where they stand.
                "metrics" => {}
                "metric_patterns" => places.parts(&option, value),
                _ => places.entries(&option, value),
            }
        }
        places
    }

    /// Where an option stands.
    pub fn option(&self, option: &str) -> Option<Position> {
        self.0.iter().find(|place| place.option == option && place.entry.is_none()).map(|place| place.at)
    }

    /// The entries of an option in their order.
    pub fn entries_of<'p>(&'p self, option: &'p str) -> impl Iterator<Item = (&'p str, Position)> {
        let of_option = self.0.iter().filter(move |place| place.option == option);
        of_option.filter_map(|place| Some((place.entry.as_deref()?, place.at)))
    }

    fn add(&mut self, option: &str, entry: Option<String>, at: Position) {
        self.0.push(Place { option: option.to_owned(), entry, at });
    }

    fn parts(&mut self, option: &str, value: &Node) {
        let Value::Mapping(pairs) = &value.value else { return };
        for (key, value) in pairs {
            if let Some(part) = key.key_text() {
                let option = format!("{option}.{part}");
                self.add(&option, None, key.at);
                self.entries(&option, value);
            }
        }
    }

    fn entries(&mut self, option: &str, value: &Node) {
        match &value.value {
            Value::List(list) => list.iter().for_each(|node| self.add(option, node.key_text(), node.at)),
            Value::Mapping(pairs) => pairs.iter().for_each(|(key, _)| self.add(option, key.key_text(), key.at)),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfiguredInstance, NoSurroundings};

    #[test]
    fn entries_know_where_they_stand() {
        let text = "instances:\n- openmetrics_endpoint: http://a/metrics\n  exclude_labels: [pod,\n    node]\n  \
                    rename_labels:\n    a: b\n  password: secret\n  metric_patterns:\n    exclude: [x]\n";
        let config = Config::read(text, "conf.yaml", &NoSurroundings);
        let [ConfiguredInstance::Valid(instance)] = &config.instances[..] else { panic!("one valid instance") };
        let at = |line, column| Position { line, column };
        let entries = |option| instance.places.entries_of(option).collect::<Vec<_>>();
        assert_eq!(entries("exclude_labels"), [("pod", at(3, 20)), ("node", at(4, 5))]);
        assert_eq!(entries("rename_labels"), [("a", at(6, 5))]);
        assert_eq!(entries("metric_patterns.exclude"), [("x", at(9, 15))]);
        assert_eq!(instance.places.option("exclude_labels"), Some(at(3, 3)));
        assert_eq!(instance.places.option("password"), None);
    }
}
