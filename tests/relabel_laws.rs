//! What holds for relabeling whatever the labels and the rules.

#![allow(clippy::unwrap_used, reason = "here a panic is a failed test")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use retriever::config::{Config, ConfiguredInstance, NoSurroundings};
use retriever::relabel::{
    Action, AnchoredRegex, LabelBuilder, NameValidation, NoObserver, RelabelObserver, Relabeler, Verdict,
};

type Labels = Vec<(String, String)>;

/// Few names and values, so that rules and labels meet; the empty value is no label.
fn labels() -> impl Strategy<Value = Labels> {
    vec(("[ab]{1,2}", "[abÉ;]{0,2}"), 0..8)
}

fn regex() -> impl Strategy<Value = &'static str> {
    select(vec!["(.*)", "a.*", "(a)(.*)", "b|ab", "(?i)(.)é", "", "[^a]+", "(?P<x>.)."])
}

/// What is nearly a regular expression.
fn expression() -> impl Strategy<Value = String> {
    r"([(){}|*+?^$.\[\]:=<>!&~\\,iPQEpdwWbxn0-3a-cé-]|\\[pP]\{L\}|\(\?i:|\[\[:alpha:\]){0,12}"
}

fn rule() -> impl Strategy<Value = String> {
    let text = select(vec!["$1", "$2", "${x}a", "b", "ab", "", "a$1"]);
    let name = select(vec!["a", "b", "ab", "c"]);
    let source = vec(select(vec!["a", "b", "ab", "c"]), 0..3);
    (0..9, source, regex(), name, text).prop_map(|(action, source, regex, target, replacement)| {
        let rule = match action {
            0 | 1 => serde_json::json!({
                "source_labels": source, "regex": regex, "target_label": target, "replacement": replacement,
            }),
            2 => serde_json::json!({"action": "labelmap", "regex": regex, "replacement": format!("c{replacement}")}),
            3 => serde_json::json!({"action": "labeldrop", "regex": regex}),
            4 => serde_json::json!({"action": "labelkeep", "regex": regex}),
            5 => serde_json::json!({"action": "drop", "source_labels": source, "regex": regex}),
            6 => serde_json::json!({"action": "uppercase", "source_labels": source, "target_label": target}),
            7 => serde_json::json!({"action": "keepequal", "source_labels": source, "target_label": target}),
            _ => serde_json::json!({
                "action": "hashmod", "source_labels": source, "target_label": target, "modulus": 3,
            }),
        };
        rule.to_string()
    })
}

fn relabeler(rules: &[String]) -> Relabeler {
    let text = format!(
        "instances:\n  - openmetrics_endpoint: http://h/\n    metric_relabel_configs: [{}]\n",
        rules.join(", ")
    );
    match &Config::read(&text, "conf.yaml", &NoSurroundings).instances[0] {
        ConfiguredInstance::Valid(instance) => instance.metric_relabel_configs.clone(),
        ConfiguredInstance::Invalid { errors, .. } => panic!("{text}: {errors:?}"),
    }
}

fn owned(labels: &LabelBuilder<'_>) -> Labels {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn builder(labels: &Labels) -> LabelBuilder<'_> {
    LabelBuilder::new(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn applied(relabeler: &Relabeler, labels: &Labels) -> (Verdict, Labels) {
    let mut labels = builder(labels);
    let verdict = relabeler.apply(&mut labels, &mut NoObserver);
    (verdict, owned(&labels))
}

/// Does to a map what it hears of, and holds it against the map.
struct Mirror {
    labels: BTreeMap<String, String>,
    removed: Vec<String>,
}

impl RelabelObserver for Mirror {
    fn changed(&mut self, _: usize, label: &str, before: &str, after: &str) {
        assert_ne!(before, after);
        let known = if after.is_empty() {
            self.removed.push(label.to_owned());
            self.labels.remove(label)
        } else {
            self.labels.insert(label.to_owned(), after.to_owned())
        };
        assert_eq!(known.unwrap_or_default(), before);
    }
}

proptest! {
    #[test]
    fn no_rules_change_nothing(labels in labels()) {
        let before = owned(&builder(&labels));
        prop_assert_eq!(applied(&Relabeler::default(), &labels), (Verdict::Kept, before));
    }

    #[test]
    fn labelkeep_and_labeldrop_part_the_labels_between_them(labels in labels(), regex in regex()) {
        let part = |action: &str| {
            let rule = serde_json::json!({"action": action, "regex": regex}).to_string();
            applied(&relabeler(&[rule]), &labels).1
        };
        let (kept, dropped) = (part("labelkeep"), part("labeldrop"));
        let all = owned(&builder(&labels));
        let (of_kept, of_dropped): (Labels, Labels) = all.into_iter().partition(|label| kept.contains(label));
        prop_assert_eq!(kept, of_kept);
        prop_assert_eq!(dropped, of_dropped);
    }

    #[test]
    fn the_changes_that_are_told_make_the_result(labels in labels(), rules in vec(rule(), 0..6)) {
        let mut builder = builder(&labels);
        let mut mirror = Mirror { labels: owned(&builder).into_iter().collect(), removed: Vec::new() };
        let before = owned(&builder);
        let _ = relabeler(&rules).apply(&mut builder, &mut mirror);
        let after = owned(&builder);
        prop_assert_eq!(after.iter().cloned().collect::<BTreeMap<_, _>>(), mirror.labels);

        // What was never removed stands in the order in which it came, before whatever is new.
        let stayed: Vec<&String> =
            before.iter().map(|(name, _)| name).filter(|name| !mirror.removed.contains(name)).collect();
        let first: Vec<&String> = after.iter().map(|(name, _)| name).take(stayed.len()).collect();
        prop_assert_eq!(first, stayed);
    }

    #[test]
    fn the_order_of_labels_decides_nothing_but_their_order(labels in labels(), rules in vec(rule(), 0..6)) {
        let relabeler = relabeler(&rules);
        let labels = owned(&builder(&labels));
        let reversed: Labels = labels.iter().rev().cloned().collect();
        let sorted = |(verdict, mut labels): (Verdict, Labels)| {
            labels.sort();
            (verdict, labels)
        };
        prop_assert_eq!(sorted(applied(&relabeler, &labels)), sorted(applied(&relabeler, &reversed)));
    }

    #[test]
    fn rules_apply_one_after_the_other_up_to_a_drop(labels in labels(), rules in vec(rule(), 0..6)) {
        let relabeler = relabeler(&rules);
        let (verdict, after) = applied(&relabeler, &labels);
        let mut builder = builder(&labels);
        let mut dropped = None;
        for (i, rule) in relabeler.rules().iter().enumerate() {
            let single = Relabeler::new(vec![rule.clone()], NameValidation::Utf8);
            if single.apply(&mut builder, &mut NoObserver) != Verdict::Kept {
                dropped = Some(i);
                break;
            }
        }
        prop_assert_eq!(verdict, dropped.map_or(Verdict::Kept, |rule| Verdict::Dropped { rule }));
        prop_assert_eq!(after, owned(&builder));
    }

    #[test]
    fn any_text_is_a_regular_expression_or_refused_for_a_reason(text in expression()) {
        match AnchoredRegex::new(&text) {
            Ok(regex) => prop_assert_eq!(regex.as_str(), text),
            // So few characters are not too deep, so what is translated is always what Rust takes.
            Err(error) => prop_assert!(!error.to_string().contains("nested more"), "{}", error),
        }
    }

    #[test]
    fn quoted_texts_match_themselves_only(text in r"[(){}|*+?^$.\[\]:\\a-cé\n -]{0,8}", other in "[a-c]{0,3}") {
        prop_assume!(!text.contains(r"\E") && !text.ends_with('\\'));
        let escape = |c: char| if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() };
        let escaped: String = text.chars().map(escape).collect();
        let class: Vec<String> = text.chars().map(|c| format!("[\\x{{{:x}}}]", u32::from(c))).collect();
        for pattern in [format!(r"\Q{text}\E"), escaped, class.concat()] {
            let regex = AnchoredRegex::new(&pattern).unwrap();
            prop_assert!(regex.is_match(&text), "{}", pattern);
            prop_assert_eq!(regex.is_match(&other), text == other, "{}", pattern);
        }
    }

    #[test]
    fn hashmod_stays_below_its_modulus(labels in labels(), modulus in 1_u64..) {
        let rule = serde_json::json!({
            "action": "hashmod", "source_labels": ["a", "b"], "target_label": "h", "modulus": modulus,
        });
        let relabeler = relabeler(&[rule.to_string()]);
        let Action::HashMod { modulus: read, .. } = &relabeler.rules()[0].action else { panic!() };
        prop_assert_eq!(read.get(), modulus);
        let (_, after) = applied(&relabeler, &labels);
        let (_, number) = after.iter().find(|(name, _)| name == "h").unwrap();
        prop_assert!(number.parse::<u64>().unwrap() < modulus);
    }
}
