//! Patterns in the settings against Python's own `re`.
//!
//! `fixtures/vectors/python_re.json` says for thousands of expressions and texts what Python makes of them;
//! `tools/python_re_vectors.py` made it, and makes more of them, which `RETRIEVER_PATTERN_VECTORS` names.

use retriever::config::Pattern;
use serde_json::{Map, Value, json};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/python_re.json");

/// Expressions that Retriever refuses although Python takes them, with the beginning of why.
const REFUSED: &[(&str, &str)] = &[];

/// Compiles the expression of a case, or the list of them.
fn compile(source: &Value) -> Result<Pattern, String> {
    match source {
        Value::String(text) => Pattern::new(text),
        Value::Array(entries) => {
            let texts: Vec<_> = entries.iter().map(|entry| entry.as_str().expect("an expression").to_owned()).collect();
            Pattern::any_of(&texts)
        }
        other => panic!("{other} is no expression"),
    }
}

/// The verdict in the form of the vectors.
fn verdict(pattern: &Pattern, text: &str, expected: &Value) -> Value {
    match pattern.named_groups_in(text) {
        None => json!(0),
        Some(groups) if groups.is_empty() && !expected.is_array() => json!(1),
        Some(groups) => json!(groups),
    }
}

/// What differs from Python, one line each.
fn differences(source: &Value, texts: Option<&Map<String, Value>>) -> Vec<String> {
    match (compile(source), texts) {
        (Err(message), Some(_)) => {
            let is_known = |(expression, why): &(&str, &str)| source == expression && message.contains(why);
            if REFUSED.iter().any(is_known) { Vec::new() } else { vec![format!("{source} is refused: {message}")] }
        }
        (Err(_), None) => Vec::new(),
        (Ok(_), None) => vec![format!("{source} is not refused")],
        (Ok(pattern), Some(texts)) => {
            let difference = |(text, expected): (&String, &Value)| {
                let actual = verdict(&pattern, text, expected);
                let is_found = pattern.is_found_in(text);
                let agrees = actual == *expected && is_found == (*expected != json!(0));
                (!agrees).then(|| format!("{source} in {text:?}: {actual} ({is_found}), to Python {expected}"))
            };
            texts.iter().filter_map(difference).collect()
        }
    }
}

#[test]
fn patterns_are_found_where_python_finds_them() {
    let path = std::env::var("RETRIEVER_PATTERN_VECTORS").unwrap_or_else(|_| VECTORS.to_owned());
    let cases: Vec<(Value, Option<Map<String, Value>>)> =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors")).expect("cases");
    assert!(cases.len() > 1000, "{} cases", cases.len());
    let differences: Vec<_> = cases.iter().flat_map(|(source, texts)| differences(source, texts.as_ref())).collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
