//! Explaining changes nothing, and forgets nothing.

use std::path::Path;

use serde_json::Value;

use super::{ROOT, owned, run};

const FIXTURES: [&str; 10] = [
    "alertmanager",
    "blackbox_exporter",
    "etcd",
    "haproxy",
    "node_exporter",
    "postgres_exporter",
    "prometheus",
    "pushgateway",
    "python_client",
    "redis_exporter",
];

/// What `retriever check` says of a recording.
fn check(fixture: &str, stage: &str, explain: bool) -> Value {
    let mut args = owned(&["check", &format!("fixtures/{fixture}/check.yaml"), "--format", "json", "--stage", stage]);
    for scrape in 1..=3 {
        args.extend(owned(&["--fixture", &format!("fixtures/{fixture}/{scrape}.http")]));
    }
    if explain {
        args.push("--explain".to_owned());
    }
    run(Path::new(ROOT), &args).json()
}

fn entries(value: &Value) -> Vec<Value> {
    value.as_array().unwrap().clone()
}

/// A sorted list, to compare what need not be in order.
fn sorted(mut entries: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<String> = entries.drain(..).map(|entry| entry.to_string()).collect();
    texts.sort_unstable();
    texts
}

#[test]
fn what_is_submitted_is_the_same_whether_it_is_explained_or_not() {
    for fixture in FIXTURES {
        for stage in ["submissions", "points"] {
            let mut explained = check(fixture, stage, true);
            for instance in explained["instances"].as_array_mut().unwrap() {
                assert!(instance.as_object_mut().unwrap().remove("explained").is_some(), "{fixture}");
            }
            assert!(explained == check(fixture, stage, false), "{fixture}, {stage}");
        }
    }
}

#[test]
fn each_sample_is_submitted_or_dropped_and_each_submission_is_of_a_sample() {
    for fixture in FIXTURES {
        let document = check(fixture, "submissions", true);
        let instance = &document["instances"][0];
        let scrape = entries(&instance["scrapes"]).pop().unwrap();
        let told = &instance["explained"]["scrapes"][0];
        let mut made = entries(&told["about_the_scrape"]);
        for series in entries(&told["series"]) {
            let submissions = entries(&series["submissions"]);
            assert!(submissions.is_empty() != series["dropped"].is_null(), "{fixture}: {series}");
            made.extend(submissions);
        }
        let mut expected = entries(&scrape["submissions"]);
        expected.extend(entries(&scrape["service_checks"]).into_iter().map(|mut check| {
            check["type"] = "service_check".into();
            check
        }));
        assert_eq!(sorted(made), sorted(expected), "{fixture}");
        // Reasons and their counts.
        let dropped: u64 = entries(&scrape["dropped"]).iter().map(|entry| entry["count"].as_u64().unwrap()).sum();
        let told: Vec<Value> =
            entries(&told["series"]).into_iter().filter(|series| !series["dropped"].is_null()).collect();
        assert_eq!(told.len() as u64, dropped, "{fixture}");
    }
}
