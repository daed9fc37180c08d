//! `metadata_metric_name` and `metadata_label_map`: metadata out of the labels of one metric.

use std::collections::HashSet;

use crate::config::node::{Node, Value};
use crate::config::section::Section;

use super::flow::flow;
use super::glob::literal_key;
use super::{mapping, placed};

/// The entry of `metrics` that takes their place; `explicit` are the metrics that are collected as metrics.
pub(super) fn entry(section: &Section<'_>, explicit: &HashSet<String>) -> Option<Node> {
    let metric = placed(section, "metadata_metric_name").filter(|(_, node)| !matches!(node.value, Value::Null));
    let labels = placed(section, "metadata_label_map").filter(|(_, node)| !matches!(node.value, Value::Null));
    let ((at, metric), (labels_at, labels)) = match (metric, labels) {
        (Some(metric), Some(labels)) => (metric, labels),
        (None, None) => return None,
        (Some((at, _)), None) => {
            section.warning(at, "`metadata_metric_name` has no effect without `metadata_label_map`");
            return None;
        }
        (None, Some((at, _))) => {
            section.warning(at, "`metadata_label_map` has no effect without `metadata_metric_name`");
            return None;
        }
    };
    let name = section.expect_text("`metadata_metric_name`", metric)?;
    let Value::Mapping(pairs) = &labels.value else {
        let message = format!("`metadata_label_map` is {}; expected a mapping of names to labels", labels.describe());
        section.error(labels.at, message);
        return None;
    };
    if explicit.contains(&name) {
        let message = format!("`metadata_metric_name` has no effect, since `metrics` collects `{name}` as a metric");
        section.warning(at, message);
        return None;
    }
    // The version is what metadata is nearly always about.
    let is_version = |(key, _): &&(Node, Node)| key.key_text().is_some_and(|key| key == "version");
    let (kept, label) = pairs.iter().find(is_version).or(pairs.first())?;
    let kept = kept.key_text().unwrap_or_default();
    let lost: Vec<String> = pairs.iter().filter_map(|(key, _)| key.key_text()).filter(|key| *key != kept).collect();
    if !lost.is_empty() {
        let message = format!(
            "`{}` in `metadata_label_map` is lost: the modern form takes one value from a metric, here `{kept}`",
            lost.join("`, `")
        );
        section.warning(labels_at, message);
    }
    let settings =
        mapping(at, [("name", Node::text(kept, at)), ("type", Node::text("metadata", at)), ("label", label.clone())]);
    let entry = Node::new(Value::Mapping(vec![(Node::text(literal_key(&name), at), settings)]), at);
    let both = "`metadata_metric_name` and `metadata_label_map` are read as an entry of `metrics`";
    section.note(at, format!("{both}: `{}`", flow(&entry)));
    Some(entry)
}
