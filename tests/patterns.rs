//! Patterns in the settings against Python's own `re`.
//!
//! `fixtures/vectors/python_re.json` says for thousands of expressions and texts what Python makes of them;
//! `tools/python_re_vectors.py` made it, and makes more of them, which `RETRIEVER_PATTERN_VECTORS` names.

use retriever::config::Pattern;
use serde_json::{Map, Value, json};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/python_re.json");

/// Expressions that Python takes, with what their refusal says. `docs/compatibility.md` has the reasons for these and for
/// those below.
const REFUSED: &[(&str, &str)] = &[
    (r"\N{DIGIT ONE}", "names are not known here"),
    (r"[\N{DIGIT ONE}]", "names are not known here"),
    ("a{1000000000}", "more than 10 MiB"),
    ("(?!b)(?:[ab]{1000}){1000}", "more than 10 MiB"),
];

/// Expressions and texts of which Retriever says something else, and what it says.
const DIFFERENT: &[(&str, &str, &str)] = &[
    (r"(?i)(k)\1", "k\u{212a}", "0"),
    (r"(?i)(σ)\1", "σς", "1"),
    (r"(?i)[\U00010400b]", "\u{10400}", "1"),
    (r"(?i)[\U00010400b]", "\u{10428}", "1"),
    ("(?P<x>|aa){,2}ab", "aaaab", r#"[["x","aa"]]"#),
    ("(?:(?P<x>a)|(?P<y>b))*+", "ab", r#"[["x","a"],["y","b"]]"#),
    ("(?:(?P<x>a)|(?P<y>b))*+", "aab", r#"[["x","a"],["y","b"]]"#),
    ("(?:(?P<x>a)|(?P<y>b))*+", "aaaab", r#"[["x","a"],["y","b"]]"#),
    (r"\w", "\u{10d50}", "1"),
    (r"\W", "\u{10d50}", "0"),
];

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

/// What Retriever shall say: what Python says, or what is known to differ.
fn expectation(source: &Value, text: &str, python: &Value) -> Value {
    match DIFFERENT.iter().find(|(expression, of, _)| source == expression && text == *of) {
        Some((.., known)) => {
            let known = serde_json::from_str(known).expect("a verdict");
            assert_ne!(known, *python, "{source} in {text:?} does not differ any more");
            known
        }
        None => python.clone(),
    }
}

/// What differs from the expectation, one line each.
fn differences(source: &Value, texts: Option<&Map<String, Value>>) -> Vec<String> {
    let refused = REFUSED.iter().find(|(expression, _)| source == expression);
    match (compile(source), texts) {
        (Err(_), None) => Vec::new(),
        (Err(message), Some(_)) if refused.is_some_and(|(_, why)| message.contains(why)) => Vec::new(),
        (Err(message), Some(_)) => vec![format!("{source} is refused: {message}")],
        (Ok(_), None) => vec![format!("{source} is not refused")],
        (Ok(_), Some(_)) if refused.is_some() => vec![format!("{source} is not refused any more")],
        (Ok(pattern), Some(texts)) => {
            let difference = |(text, python): (&String, &Value)| {
                let expected = expectation(source, text, python);
                let actual = verdict(&pattern, text, &expected);
                let is_found = pattern.is_found_in(text);
                let agrees = actual == expected && is_found == (expected != json!(0));
                (!agrees).then(|| format!("{source} in {text:?}: {actual} ({is_found}), expected {expected}"))
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

#[test]
fn a_refused_pattern_says_where_and_what_to_write() {
    let deep = format!("{}a{}", "(".repeat(80), ")".repeat(80));
    for (expression, message) in [
        ("a(", "at character 2, the group that begins here never ends; close it with `)`"),
        ("a)", "at character 2, `)` closes no group; write `\\)`"),
        ("é[a", "at character 2, the set that begins here never ends"),
        ("*a", "at character 1, there is nothing to repeat; write a backslash"),
        ("a**", "at character 3, a repetition is repeated; put the first one in a group"),
        ("ab{3,2}", "at character 3, the counts of `{3,2}` are the wrong way round; write `{2,3}`"),
        ("[z-a]", "at character 2, the range ends before it begins"),
        (r"\d\q", r"at character 3, `\q` means nothing; write `q` for the character itself, and `\\` for a backslash"),
        ("a(?i)b", "at character 2, flags for the whole expression stand at its very beginning"),
        ("(?<=a+)b", "at character 1, a look-behind must match a fixed number of characters"),
        (r"(a)\2", "at character 4, there is no group 2 before this place"),
        ("(?<name>a)", "a name is written `(?P<name>`"),
        (r"\N{DIGIT ONE}", "at character 1, `\\N` asks for a character by its name"),
        ("a\\", "at character 2, `\\` stands alone"),
        (&deep, "at character 61, groups are nested more than 60 deep"),
    ] {
        let refusal = Pattern::new(expression).expect_err(expression);
        assert!(refusal.starts_with(&format!("`{expression}` is not a regular expression: at ")), "{refusal}");
        assert!(refusal.contains(message), "{expression}: {refusal}");
    }
}

#[test]
fn a_list_is_one_expression_and_the_faulty_entry_is_named() {
    let join = |entries: &[&str]| Pattern::any_of(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>());
    assert!(join(&["(?i)a", "b"]).expect("flags at the beginning").is_found_in("B"));
    assert!(join(&["(a)(b)?", r"(c)\3"]).expect("counted through").is_found_in("cc"));
    let refusal = join(&["a", "éb(?i)c"]).expect_err("flags in the middle");
    assert!(refusal.starts_with("`éb(?i)c` is not a regular expression: at character 3, "), "{refusal}");
}

#[test]
fn named_groups_come_in_the_order_of_the_expression() {
    let version = Pattern::new(r"v(?P<major>\d+)(\.(?P<minor>\d+))?(?P<rest>x)?").expect("an expression");
    assert_eq!(version.named_groups_in("go v1.22 linux"), Some(vec![("major", "1"), ("minor", "22")]));
    assert_eq!(version.named_groups_in("v7x"), Some(vec![("major", "7"), ("rest", "x")]));
    assert_eq!(version.named_groups_in("go"), None);
    assert_eq!(Pattern::new("(a)").expect("an expression").named_groups_in("a"), Some(Vec::new()));
}

#[test]
fn a_search_that_would_never_end_is_given_up() {
    let pattern = Pattern::new("(?:(?=a)a|a)+b").expect("an expression");
    assert!(pattern.is_found_in("aab"));
    let text = "a".repeat(60);
    assert!(!pattern.is_found_in(&text));
    assert_eq!(pattern.named_groups_in(&text), None);
}
