//! Options of Datadog's check that need no effect here. They are known, so that nobody looks for a misspelling, and a note
//! says why nothing comes of them.

use super::node::Value;
use super::section::Section;

/// Each option, and what makes it unnecessary.
const OPTIONS: [(&str, &str); 4] = [
    ("tls_ignore_warning", "there is no warning to suppress"),
    ("debug_metrics", "`retriever_contexts` in Retriever's own `/metrics` has this figure for each target"),
    ("process_isolation", "no target can harm another, and what one may cost is limited"),
    ("enable_legacy_tags_normalization", "tags are not normalised in this check"),
];

/// Notes every such option that is set to something.
pub(crate) fn note(section: &Section<'_>) {
    for (option, why) in OPTIONS {
        let set = section.node(option).filter(|node| !matches!(node.value, Value::Null | Value::Bool(false)));
        if let Some(node) = set {
            section.note(node.at, format!("`{option}` has no effect: {why}"));
        }
    }
}

/// Whatever its value, the same bytes are read; but it has to be a number.
pub(crate) fn note_request_size(section: &Section<'_>) {
    let Some(node) = section.node("request_size") else { return };
    if section.number("request_size").is_some() {
        section.note(node.at, "`request_size` has no effect: bodies are read as they arrive");
    }
}
