//! What the legacy form makes of labels: joins, tags, host names, and samples that are left out.

use crate::config::node::{Node, Value};
use crate::config::pattern;
use crate::config::problem::Position;
use crate::config::section::Section;

use super::flow::flow;
use super::{Translation, mapping};

/// What the legacy form calls the bound of a bucket where it means labels, and what the modern form does.
const BOUND: (&str, &str) = ("le", "upper_bound");

pub(super) fn hostname(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if !matches!(node.value, Value::Null) {
        translation.rename("label_to_hostname", "hostname_label", at, node);
    }
}

pub(super) fn hostname_suffix(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if matches!(node.value, Value::Null) || translation.is_superseded("label_to_hostname_suffix", "hostname_format", at)
    {
        return;
    }
    let Some(suffix) = node.key_text() else {
        let message = format!("`label_to_hostname_suffix` is {}; expected text", node.describe());
        translation.section.error(node.at, message);
        return;
    };
    let format = Node::text(format!("<HOSTNAME>{suffix}"), node.at);
    translation.note_value("label_to_hostname_suffix", at, "hostname_format", &format);
    translation.put("hostname_format", format, at);
}

pub(super) fn mapper(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if translation.is_superseded("labels_mapper", "rename_labels", at) {
        return;
    }
    let mut renamed = node.clone();
    if let Value::Mapping(entries) = &mut renamed.value {
        entries.retain(|(key, _)| {
            let bound = key.key_text().is_some_and(|key| key == BOUND.0);
            if bound {
                let message = "`le` in `labels_mapper` has no effect: the tag is always `upper_bound`; `upper_bound` in \
                               `rename_labels` changes that";
                translation.section.warning(key.at, message);
            }
            !bound
        });
    }
    translation.section.note(at, "`labels_mapper` is read as `rename_labels`");
    translation.put("rename_labels", renamed, at);
}

/// `exclude_labels` and `include_labels`, which are named the same in both forms.
pub(super) fn tags(translation: &mut Translation<'_>, option: &str, at: Position, node: &Node) {
    let mut tags = node.clone();
    if let Value::List(labels) = &mut tags.value {
        for label in labels {
            if matches!(&label.value, Value::Text(text) if text == BOUND.0) {
                translation.section.note(label.at, format!("`le` in `{option}` is read as `upper_bound`"));
                *label = Node::text(BOUND.1, label.at);
            }
        }
    }
    translation.put(option, tags, at);
}

pub(super) fn joins(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if translation.is_superseded("label_joins", "share_labels", at) {
        return;
    }
    let Some(joins) = translation.mapping("label_joins", "metrics", node) else { return };
    let mut shared = Vec::new();
    for (metric, metric_at, join) in joins.pairs() {
        if let Some(source) = read_join(&translation.section, metric, metric_at, join) {
            let source = (Node::text(metric, metric_at), source);
            let alone = flow(&Node::new(Value::Mapping(vec![source.clone()]), metric_at));
            translation
                .section
                .note(metric_at, format!("`label_joins` for `{metric}` is read as `share_labels: {alone}`"));
            shared.push(source);
        }
    }
    if shared.is_empty() {
        return;
    }
    let refreshed = "`label_joins` is read as `share_labels`, with `cache_shared_labels: false`, since the legacy form reads \
                     the labels anew in each scrape; the first scrape submits, too";
    translation.section.note(at, refreshed);
    translation.put("share_labels", Node::new(Value::Mapping(shared), node.at), at);
    if translation.section.node("cache_shared_labels").is_none() {
        translation.put("cache_shared_labels", Node::new(Value::Bool(false), at), at);
    }
}

/// The source of shared labels that a join is; none if it is wrong, which is reported.
fn read_join(section: &Section<'_>, metric: &str, at: Position, node: &Node) -> Option<Node> {
    let name = format!("`label_joins` for `{metric}`");
    let join = Section::new(section.reading(), name.clone(), node)?;
    let (old, new) = (join.present("label_to_match"), join.present("labels_to_match"));
    let got = join.present("labels_to_get");
    let Some(matched) = new.or(old) else {
        section.error(at, format!("{name} lacks `labels_to_match`, the labels that tell which metrics are meant"));
        return None;
    };
    if let (Some(_), Some(old)) = (new, old) {
        section.warning(old.at, format!("`label_to_match` of {name} has no effect beside `labels_to_match`"));
    }
    // The old option takes one label as well as a list.
    let matched = match &matched.value {
        Value::Text(_) if new.is_none() => vec![matched.clone()],
        _ => label_list(section, &name, "labels_to_match", matched)?,
    };
    let Some(got) = got else {
        section.error(at, format!("{name} lacks `labels_to_get`, the labels that are joined"));
        return None;
    };
    let got = label_list(section, &name, "labels_to_get", got)?;
    join.finish();
    let is_star = |node: &Node| matches!(&node.value, Value::Text(text) if text == "*");
    let mut source = Vec::new();
    if !(matched.len() == 1 && is_star(&matched[0])) {
        source.push(("match", Node::new(Value::List(matched), at)));
    }
    if !got.iter().any(is_star) {
        source.push(("labels", Node::new(Value::List(got), at)));
    }
    let one = Node::new(Value::Integer(1), at);
    source.push(("values", Node::new(Value::List(vec![one]), at)));
    Some(mapping(at, source))
}

fn label_list(section: &Section<'_>, name: &str, option: &str, node: &Node) -> Option<Vec<Node>> {
    match &node.value {
        Value::List(labels) if !labels.is_empty() => Some(labels.clone()),
        Value::List(_) => {
            section.error(node.at, format!("`{option}` of {name} is empty; expected labels"));
            None
        }
        _ => {
            section.error(node.at, format!("`{option}` of {name} is {}; expected a list of labels", node.describe()));
            None
        }
    }
}

/// `ignore_metrics_by_labels`: whole values, where the modern form looks for patterns.
pub(super) fn ignored(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if translation.is_superseded("ignore_metrics_by_labels", "exclude_metrics_by_labels", at) {
        return;
    }
    let Some(labels) = translation.mapping("ignore_metrics_by_labels", "labels", node) else { return };
    let mut excluded = Vec::new();
    for (label, label_at, values) in labels.pairs() {
        let Some(filter) = read_ignored(&translation.section, label, label_at, values) else { continue };
        let label = if label == BOUND.0 { BOUND.1 } else { label };
        excluded.push((Node::text(label, label_at), filter));
    }
    let excluded = Node::new(Value::Mapping(excluded), node.at);
    translation.note_value("ignore_metrics_by_labels", at, "exclude_metrics_by_labels", &excluded);
    translation.put("exclude_metrics_by_labels", excluded, at);
}

fn read_ignored(section: &Section<'_>, label: &str, at: Position, node: &Node) -> Option<Node> {
    let what = format!("`ignore_metrics_by_labels` for `{label}`");
    let all = |values: &[Node]| values.iter().any(|value| matches!(&value.value, Value::Text(text) if text == "*"));
    match &node.value {
        Value::Text(text) if text == "*" => Some(Node::new(Value::Bool(true), node.at)),
        Value::List(values) if all(values) => Some(Node::new(Value::Bool(true), node.at)),
        Value::List(values) if values.is_empty() => {
            section.warning(at, format!("{what} has no effect: it names no value; `'*'` stands for all of them"));
            None
        }
        Value::List(values) => {
            let mut patterns = Vec::with_capacity(values.len());
            for value in values {
                let Some(text) = value.key_text() else {
                    section.error(value.at, format!("a value of {what} is {}; expected text", value.describe()));
                    return None;
                };
                let text = if label == BOUND.0 { bound(&text) } else { text };
                patterns.push(Node::text(format!("^{}$", pattern::escape(&text)), value.at));
            }
            Some(Node::new(Value::List(patterns), node.at))
        }
        _ => {
            section.error(node.at, format!("{what} is {}; expected a list of values", node.describe()));
            None
        }
    }
}

/// The bound of a bucket as its tag has it: as Python prints a double, and every zero as `0`.
fn bound(text: &str) -> String {
    match text.trim().parse::<f64>() {
        Ok(0.0) => "0".to_owned(),
        Ok(number) => {
            let printed = format!("{number:?}").to_lowercase();
            match printed.split_once('e') {
                Some((digits, exponent)) => {
                    let (sign, exponent) =
                        exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
                    format!("{}e{sign}{exponent:0>2}", digits.strip_suffix(".0").unwrap_or(digits))
                }
                None => printed,
            }
        }
        Err(_) => text.to_owned(),
    }
}
