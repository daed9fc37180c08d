//! Labels that some metrics lend to others: the options `share_labels` and `target_info`.

use super::node::{Node, Value};
use super::section::Section;

/// Which labels are shared, and how often their sources are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// The metrics that lend labels, in the order of the settings; no metric twice.
    pub sources: Vec<ShareSource>,
    /// Whether the labels of `target_info` are shared with everything.
    pub target_info: bool,
    /// Whether what was found once is kept until a source changes (`cache_shared_labels`). Otherwise each scrape begins
    /// by reading its sources.
    pub cached: bool,
}

/// A metric whose labels are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareSource {
    /// The name of its family.
    pub metric: String,
    /// If set, only samples with one of these values count; empty: none does.
    pub values: Option<Vec<i64>>,
    /// Labels that a receiver must have in common with the source; empty: everything receives.
    pub match_labels: Vec<String>,
    /// The labels that are shared; empty: all of them.
    pub labels: Vec<String>,
}

impl Sharing {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self { sources: read_sources(section), target_info: read_target_info(section), cached: read_cached(section) }
    }

    /// Whether anything is shared at all.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && !self.target_info
    }
}

/// Read more plainly than other booleans, as the original does: any text is true.
fn read_cached(section: &Section<'_>) -> bool {
    match section.node("cache_shared_labels").map(|node| &node.value) {
        Some(Value::Text(text)) => !text.is_empty(),
        _ => section.affirmative("cache_shared_labels", true),
    }
}

fn read_sources(section: &Section<'_>) -> Vec<ShareSource> {
    let Some(mapping) = section.mapping("share_labels") else { return Vec::new() };
    let sources = mapping.pairs().filter_map(|(metric, _, node)| match &node.value {
        Value::Bool(true) => {
            Some(ShareSource { metric: metric.to_owned(), values: None, match_labels: Vec::new(), labels: Vec::new() })
        }
        Value::Mapping(_) => read_source(section, metric, node),
        _ => {
            let message = format!("`share_labels` for `{metric}` is {}; expected `true` or a mapping", node.describe());
            section.error(node.at, message);
            None
        }
    });
    sources.collect()
}

fn read_source(section: &Section<'_>, metric: &str, node: &Node) -> Option<ShareSource> {
    let entry = Section::new(section.reading(), format!("`share_labels` for `{metric}`"), node)?;
    let source = ShareSource {
        metric: metric.to_owned(),
        values: read_values(&entry),
        match_labels: entry.text_list("match"),
        labels: entry.text_list("labels"),
    };
    entry.finish();
    Some(source)
}

fn read_values(entry: &Section<'_>) -> Option<Vec<i64>> {
    let list = entry.list("values")?;
    let values = list.iter().enumerate().filter_map(|(i, node)| {
        let value = match &node.value {
            Value::Integer(value) => i64::try_from(*value).ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        if value.is_none() {
            let message = format!("entry {} of `values` is {}; expected a whole number", i + 1, node.describe());
            entry.error(node.at, message);
        }
        value
    });
    Some(values.collect())
}

/// Only a real boolean, as the original has it.
fn read_target_info(section: &Section<'_>) -> bool {
    let Some(node) = section.node("target_info") else { return false };
    if let Value::Bool(value) = node.value {
        return value;
    }
    section.error(node.at, format!("`target_info` is {}; expected `true` or `false`", node.describe()));
    false
}
