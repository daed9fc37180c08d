//! Options of Datadog's check that are understood, and checked for their form, but do not take effect so far.
//!
//! Each one that is set is reported, so that nobody waits for what will not come.

use super::node::Value;
use super::section::Section;

/// The options and what is missing as long as they have no effect.
const OPTIONS: &[(&str, &str)] = &[
    ("log_requests", "has no effect in Retriever; use `log_level: debug`"),
    ("enable_legacy_tags_normalization", "has no effect in this check"),
    ("debug_metrics", "has no effect in Retriever"),
    ("process_isolation", "has no effect in Retriever"),
];

/// Reports every such option that asks for something else than what happens anyway.
pub(crate) fn note(section: &Section<'_>) {
    for &(option, why) in OPTIONS {
        let Some(node) = section.node(option) else { continue };
        let asks_for_nothing = match &node.value {
            Value::Null | Value::Bool(false) => true,
            _ => false,
        };
        if !asks_for_nothing {
            section.warning(node.at, format!("`{option}` {why}"));
        }
    }
    request_size(section);
}

/// Only noted: whatever its value, the same bytes are read.
fn request_size(section: &Section<'_>) {
    let Some(node) = section.node("request_size") else { return };
    if section.number("request_size").is_some() {
        section.note(node.at, "`request_size` has no effect: bodies are read as they arrive");
    }
}
