//! Relabeling from outside: rules as they stand in settings, applied to labels, against what Prometheus makes of them.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use retriever::config::{Config, ConfiguredInstance, NoSurroundings, Severity};
use retriever::discover::{JobDefaults, PrometheusDuration, Relabeled};
use retriever::relabel::{LabelBuilder, NameValidation, NoObserver, RelabelObserver, Relabeler, Verdict};
use serde_json::{Map, Value};

fn vectors(stage: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/relabel.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    vectors.into_iter().filter(|vector| vector["stage"] == stage).collect()
}

/// Settings with one instance that has these rules, written as JSON, which YAML contains, from line 3 on.
fn config(rules: &str) -> Config {
    let text = format!("instances:\n  - openmetrics_endpoint: http://h/\n    metric_relabel_configs: {rules}\n");
    Config::read(&text, "conf.yaml", &NoSurroundings)
}

fn relabeler(rules: &str) -> Relabeler {
    let config = config(rules);
    match &config.instances[0] {
        ConfiguredInstance::Valid(instance) => instance.metric_relabel_configs.clone(),
        ConfiguredInstance::Invalid { errors, .. } => panic!("{rules}: {errors:?}"),
    }
}

fn validation(vector: &Value) -> NameValidation {
    match vector["name_validation"].as_str().unwrap() {
        "utf8" => NameValidation::Utf8,
        "legacy" => NameValidation::Legacy,
        other => panic!("{other}"),
    }
}

fn pairs(labels: &Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    labels.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
}

fn labels(vector: &Value) -> LabelBuilder<'static> {
    LabelBuilder::new(pairs(vector["labels"].as_object().unwrap()))
}

fn map(labels: &LabelBuilder<'_>) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn rules_do_what_they_do_in_prometheus() {
    let vectors = vectors("rules only");
    assert_eq!(vectors.len(), 64);
    for vector in vectors {
        let id = &vector["id"];
        let rules = vector["configs"].to_string();
        if vector["config_error"].is_string() {
            assert!(config(&rules).has_errors(), "{id}");
            continue;
        }
        let relabeler = Relabeler::new(relabeler(&rules).rules().to_vec(), validation(&vector));
        let mut labels = labels(&vector);
        let verdict = relabeler.apply(&mut labels, &mut NoObserver);
        match vector["expected"].as_object() {
            None => assert!(matches!(verdict, Verdict::Dropped { .. }), "{id}"),
            Some(expected) => {
                assert_eq!(verdict, Verdict::Kept, "{id}");
                assert_eq!(map(&labels), pairs(expected).collect(), "{id}");
            }
        }
    }
}

fn milliseconds(text: &Value) -> Duration {
    text.as_str().unwrap().parse::<PrometheusDuration>().unwrap().as_duration()
}

fn job(vector: &Value) -> JobDefaults {
    let params = vector["params"].as_object().into_iter().flatten();
    let texts =
        |values: &Value| values.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect();
    JobDefaults {
        job: "another".to_owned(),
        scheme: "http".to_owned(),
        metrics_path: "/metrics".to_owned(),
        scrape_interval: "1h".parse().unwrap(),
        scrape_timeout: "10s".parse().unwrap(),
        params: params.map(|(name, values)| (name.clone(), texts(values))).collect(),
    }
}

#[test]
fn targets_become_what_they_become_in_prometheus() {
    let vectors = vectors("target");
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let id = &vector["id"];
        let relabeler = Relabeler::new(relabeler(&vector["configs"].to_string()).rules().to_vec(), validation(&vector));
        let job = job(&vector);
        // The vectors have the completed labels; whatever is a default of the job comes back when it is left out.
        let whole = labels(&vector);
        let discovered = |(name, _): &(&str, &str)| {
            !(name.starts_with("__param_") || matches!(*name, "__scrape_interval__" | "__scrape_timeout__"))
        };
        let mut labels = LabelBuilder::new(whole.iter().filter(discovered));
        job.complete(&mut labels);
        assert_eq!(map(&labels), map(&whole), "{id}");

        let relabeled = job.relabel(labels, &relabeler, &mut NoObserver);
        if let Some(error) = vector["target_error"].as_str() {
            assert!(error.contains("cannot be greater"), "{id}");
            let message = relabeled.unwrap_err().to_string();
            assert_eq!(
                message,
                "the label `__scrape_timeout__` is `3h`, which is longer than `__scrape_interval__`, `1h`"
            );
            continue;
        }
        let target = match (relabeled.unwrap(), vector["expected"].as_object()) {
            (Relabeled::Kept(target), Some(_)) => target,
            (Relabeled::Dropped { rule }, None) => {
                assert_eq!(rule, 0, "{id}");
                continue;
            }
            (relabeled, _) => panic!("{id}: {relabeled:?}"),
        };
        let mut expected: BTreeMap<String, String> = pairs(vector["expected"].as_object().unwrap()).collect();
        if vector["prometheus_3x"].is_string() {
            // Recorded with Prometheus 2, where the dot did not mean line feeds.
            expected.insert("m".to_owned(), "hit".to_owned());
        }
        assert_eq!(target.labels.into_iter().collect::<BTreeMap<_, _>>(), expected, "{id}");
        assert_eq!(target.endpoint.text(), vector["scrape_url"].as_str().unwrap(), "{id}");
        assert_eq!(target.interval, milliseconds(&vector["scrape_interval"]), "{id}");
        assert_eq!(target.timeout, milliseconds(&vector["scrape_timeout"]), "{id}");
    }
}

#[test]
fn a_target_gets_what_its_job_says_and_its_own_labels_win() {
    let job = JobDefaults {
        params: BTreeMap::from([
            ("module".to_owned(), vec!["a b".to_owned(), "c&d".to_owned()]),
            ("none".to_owned(), vec![]),
        ]),
        scrape_interval: "90s".parse().unwrap(),
        ..job(&Value::Null)
    };
    // Those of the group, then those of the target.
    let labels =
        [("env", "group"), ("zone", "z"), ("env", "target"), ("zone", ""), ("__address__", "h:9"), ("job", "own")];
    let mut labels = LabelBuilder::new(labels);
    job.complete(&mut labels);
    assert_eq!(labels.get("__scrape_interval__"), "1m30s");
    assert_eq!(labels.get("__param_module"), "a b");
    labels.set("__metrics_path__", "a/b c?d%é");
    labels.set("__param_é", "+");
    let Relabeled::Kept(target) = job.relabel(labels, &Relabeler::default(), &mut NoObserver).unwrap() else {
        panic!()
    };
    assert_eq!(target.endpoint.text(), "http://h:9/a/b%20c%3Fd%25%C3%A9?module=a+b&module=c%26d&%C3%A9=%2B");
    let labels: Vec<(&str, &str)> = target.labels.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(labels, [("env", "target"), ("job", "own"), ("instance", "h:9")]);
}

#[test]
fn a_target_that_cannot_be_scraped_says_why() {
    for (label, value, message) in [
        ("__address__", "", "the target has no `__address__`; keep that label, or set it to host and port"),
        ("__address__", "h/m", "the label `__address__` is `h/m`; expected host and port only"),
        (
            "__scrape_interval__",
            "15",
            "the label `__scrape_interval__`: `15` is not a length of time such as `30s` or `1h30m`",
        ),
        ("__scrape_timeout__", "0s", "the label `__scrape_timeout__` is `0s`; expected more than nothing"),
        (
            "__scheme__",
            "ftp",
            "`ftp://h:1/metrics` is not the URL of an exposition: the scheme `ftp` is not supported; `http`, `https` \
             and `unix` are",
        ),
    ] {
        let job = job(&Value::Null);
        let mut labels = LabelBuilder::new([("__address__", "h:1")]);
        job.complete(&mut labels);
        labels.set(label, value);
        let error = job.relabel(labels, &Relabeler::default(), &mut NoObserver).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[derive(Default)]
struct Account(Vec<(usize, String, String, String)>);

impl RelabelObserver for Account {
    fn changed(&mut self, rule: usize, label: &str, before: &str, after: &str) {
        self.0.push((rule, label.to_owned(), before.to_owned(), after.to_owned()));
    }
}

#[test]
fn the_observer_hears_of_every_change_and_of_nothing_else() {
    let relabeler = relabeler(
        "\n      - {source_labels: [a], target_label: a, action: uppercase}\
         \n      - {source_labels: [a], target_label: a, action: uppercase}\
         \n      - {regex: '(b)', action: labelmap, replacement: new_$1}\
         \n      - {regex: b|c, action: labeldrop}\
         \n      - {source_labels: [c], regex: x, target_label: a, replacement: y}\
         \n      - {source_labels: [a], regex: X, action: drop}\
         \n      - {target_label: a, replacement: unreached}",
    );
    let mut labels = LabelBuilder::new([("a", "x"), ("b", "y"), ("c", "z")]);
    let mut account = Account::default();
    assert_eq!(relabeler.apply(&mut labels, &mut account), Verdict::Dropped { rule: 5 });
    let account: Vec<_> = account.0.iter().map(|(rule, l, b, a)| (*rule, &**l, &**b, &**a)).collect();
    assert_eq!(account, [(0, "a", "x", "X"), (2, "new_b", "", "y"), (3, "b", "y", ""), (3, "c", "z", "")]);
    assert_eq!((relabeler.rules()[5].at.line, relabeler.rules()[5].at.column), (9, 9));
}

#[test]
fn labels_keep_their_places() {
    let relabeler = relabeler(
        "[{source_labels: [c], target_label: a}, {regex: '([bc])', replacement: 'm_$1', action: labelmap}, \
         {target_label: z, replacement: ''}, {target_label: z, replacement: back}]",
    );
    let mut labels = LabelBuilder::new([("z", "1"), ("c", "2"), ("b", "3"), ("a", "4"), ("z", "5")]);
    assert_eq!(relabeler.apply(&mut labels, &mut NoObserver), Verdict::Kept);
    let labels: Vec<(String, String)> = labels.into_labels().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(labels, [("c", "2"), ("b", "3"), ("a", "2"), ("m_b", "3"), ("m_c", "2"), ("z", "back")]);
}

#[test]
fn labelmap_goes_through_labels_that_rules_have_set_last() {
    // As Prometheus' builder of labels does: by its rules `x1` comes after `x2`, since it was set.
    let relabeler =
        relabeler("[{target_label: x1, replacement: set}, {regex: 'x.', replacement: a, action: labelmap}]");
    let mut labels = LabelBuilder::new([("x1", "1"), ("x2", "2")]);
    assert_eq!(relabeler.apply(&mut labels, &mut NoObserver), Verdict::Kept);
    assert_eq!(labels.get("a"), "set");
}

#[test]
fn rules_that_do_not_match_allocate_nothing() {
    let rule = "{source_labels: [__name__], regex: 'go_(gc|mem).*', action: ";
    let rules = format!(
        "[{rule} drop}}, {rule} replace, target_label: x}}, {{regex: 'tmp_.*', action: labeldrop}}, \
          {{regex: 'meta_(.*)', action: labelmap}}, {{source_labels: [a], target_label: b, action: dropequal}}]"
    );
    let relabeler = relabeler(&rules);
    let mut labels = LabelBuilder::new([("__name__", "node_load1"), ("a", "1"), ("b", "2")]);
    // The regular expressions keep what they allocate for their first search.
    assert_eq!(relabeler.apply(&mut labels, &mut NoObserver), Verdict::Kept);
    let allocated = allocation_counter::measure(|| {
        assert_eq!(relabeler.apply(&mut labels, &mut NoObserver), Verdict::Kept);
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn replacements_are_expanded_as_go_expands_them() {
    // What is expected follows the rules of `Regexp.Expand`: the longest name counts, letters of all scripts included.
    for (regex, replacement, expected) in [
        ("(.)(.*)", "$2$1", "oof"),
        ("(.)(.*)", "${1}é$1é", "fé"),
        ("(.)(.*)", "$10-$3-$01", "--"),
        ("(?P<first>.)(?<rest>.*)", "$rest.${first}.$first1", "oo.f."),
        ("(?P<x>z)?(?P<x>.)oo", "$x", "f"),
        ("(?P<01>.).*", "$01", "f"),
        ("(z)?foo", "<$1>", "<>"),
        (".*", "$$$$0$", "$$0$"),
        (".*", "${0", "${0"),
        (".*", "${}-$-${ 0}-${0}", "${}-$-${ 0}-foo"),
        (".*", "${env:X}", "${env:X}"),
    ] {
        let rule = serde_json::json!([{
            "source_labels": ["a"], "target_label": "b", "regex": regex, "replacement": replacement,
        }]);
        let mut labels = LabelBuilder::new([("a", "foo")]);
        assert_eq!(relabeler(&rule.to_string()).apply(&mut labels, &mut NoObserver), Verdict::Kept);
        assert_eq!(labels.get("b"), expected, "{regex} {replacement}");
    }
}

/// The messages about these rules, without the name of the file.
fn said(rules: &str, severity: Severity) -> Vec<String> {
    let problems = config(rules).problems.into_iter().filter(|problem| problem.severity == severity);
    problems.map(|problem| problem.to_string().replace("conf.yaml:", "")).collect()
}

#[test]
fn what_prometheus_refuses_is_an_error_with_its_place() {
    for (rules, message) in [
        ("5", "3:29: error: `metric_relabel_configs` is the number `5`; expected a list"),
        ("[5]", "3:30: error: rule 1 of `metric_relabel_configs` is the number `5`; expected a mapping of options"),
        ("[{}]", "3:30: error: `replace` needs a `target_label`, the name of a label"),
        ("[{target_label: ''}]", "3:45: error: `replace` needs a `target_label`, the name of a label"),
        ("[{target_label: [a]}]", "3:45: error: `target_label` is a list; expected text"),
        (
            "[{target_label: a, regexp: b}]",
            "3:48: error: rule 1 of `metric_relabel_configs` has no option `regexp`; did you mean `regex`?",
        ),
        (
            "[{target_label: a, when: b}]",
            "3:48: error: rule 1 of `metric_relabel_configs` has no option `when`; expected one of `action`, \
             `source_labels`, `separator`, `regex`, `target_label`, `replacement`, `modulus`",
        ),
        ("[{action: Dorp}]", "3:39: error: there is no action `Dorp`; did you mean `drop`?"),
        (
            "[{action: rename}]",
            "3:39: error: there is no action `rename`; expected one of `replace`, `keep`, `drop`, `keepequal`, \
             `dropequal`, `hashmod`, `labelmap`, `labeldrop`, `labelkeep`, `lowercase`, `uppercase`",
        ),
        (
            "[{target_label: a, regex: '(?=a)'}]",
            "3:55: error: `(?=a)` is not a regular expression of RE2's syntax: `(?=` begins no group; there is no \
             look-around",
        ),
        (
            "[{target_label: a, source_labels: b}]",
            "3:63: error: `source_labels` is text; expected a list such as `[__name__, le]`",
        ),
        (
            "[{target_label: a, source_labels: [b, '']}]",
            "3:67: error: entry 2 of `source_labels` is empty; expected the name of a label",
        ),
        ("[{action: hashmod, target_label: a}]", "3:30: error: `hashmod` needs a `modulus`, a whole number above zero"),
        (
            "[{action: hashmod, target_label: a, modulus: 0}]",
            "3:74: error: `hashmod` needs a `modulus`, a whole number above zero",
        ),
        (
            "[{action: hashmod, target_label: a, modulus: -1}]",
            "3:74: error: `modulus` is the number `-1`; expected a whole number from 1 to 18446744073709551615",
        ),
        (
            "[{action: keepequal, target_label: a, regex: '(.*)'}]",
            "3:74: error: the action `keepequal` does not take `regex`; leave it out",
        ),
        (
            "[{action: dropequal, target_label: a, separator: ','}]",
            "3:78: error: the action `dropequal` does not take `separator`; leave it out",
        ),
        (
            "[{action: labelkeep, regex: a, source_labels: []}]",
            "3:75: error: the action `labelkeep` does not take `source_labels`; leave it out",
        ),
        (
            "[{action: labeldrop, regex: a, target_label: b}]",
            "3:74: error: the action `labeldrop` does not take `target_label`; leave it out",
        ),
        (
            "[{action: uppercase, target_label: a, replacement: b}]",
            "3:80: error: the action `uppercase` does not take `replacement`; leave it out",
        ),
        (
            "[{action: labelmap, regex: a, replacement: ''}]",
            "3:72: error: the `replacement` of `labelmap` is empty; expected the new name, such as `$1`",
        ),
    ] {
        assert_eq!(said(rules, Severity::Error), [message], "{rules}");
    }
}

#[test]
fn what_cannot_mean_anything_is_a_warning() {
    for (rules, message) in [
        (
            "[{action: keep, regex: a}]",
            "3:30: warning: `keep` without `source_labels` looks at an empty text: it drops everything or nothing",
        ),
        (
            "[{action: drop, source_labels: [a], replacement: b}]",
            "3:78: warning: `replacement` has no effect on the action `drop`",
        ),
        (
            "[{action: labelmap, regex: '(a)', source_labels: [b]}]",
            "3:78: warning: `source_labels` has no effect on the action `labelmap`",
        ),
        (
            "[{target_label: a, replacement: $1x}]",
            "3:61: warning: `replacement` `$1x` names the group `1x`, which `regex` does not have, so that it stands \
             for nothing; write `${1}x` for group 1 and the text `x`",
        ),
        (
            "[{target_label: a, source_labels: [b], regex: c}]",
            "3:30: warning: the default `replacement` `$1` names the group `1`, which `regex` does not have, so that \
             it stands for nothing",
        ),
    ] {
        assert_eq!(said(rules, Severity::Error), [""; 0], "{rules}");
        assert_eq!(said(rules, Severity::Warning), [message], "{rules}");
    }
}

#[test]
fn rules_that_prometheus_takes_are_taken_without_a_word() {
    for rules in [
        "null",
        "[]",
        // As Prometheus itself writes them, with all defaults.
        "[{source_labels: [a], separator: ;, regex: (.*), target_label: b, replacement: $1, action: replace}]",
        "[{source_labels: [a], separator: ;, regex: x, replacement: $1, action: keep}]",
        "[{separator: ;, regex: x, replacement: $1, action: labeldrop}]",
        "[{action: UpperCase, source_labels: [a], separator: ;, regex: (.*), target_label: b, replacement: $1}]",
        // Numbers and nothing are texts.
        "[{source_labels: [a], regex: 5, target_label: b, replacement: 0x10}]",
        "[{source_labels: [a], regex: , target_label: b, replacement: null}]",
        "[{action: hashmod, source_labels: [a], target_label: b, modulus: 18446744073709551615}]",
    ] {
        assert_eq!(config(rules).problems, [], "{rules}");
    }
    let mut labels = LabelBuilder::new([("a", "5"), ("b", "1")]);
    let rules = "[{source_labels: [a], regex: 5, target_label: b, replacement: 0x10}]";
    assert_eq!(relabeler(rules).apply(&mut labels, &mut NoObserver), Verdict::Kept);
    assert_eq!(labels.get("b"), "0x10");
}
