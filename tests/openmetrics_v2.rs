//! The submissions of Datadog's Python check, vector by vector.
//!
//! `fixtures/vectors/openmetrics-v2` holds settings and expositions with what `datadog-checks-base` 38.7.0 submitted
//! for them. `fixtures/vectors/openmetrics-v2-differences.json` names the vectors where Retriever differs.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use retriever::config::{Config, ConfiguredInstance, Surroundings};
use retriever::fixture::document;
use retriever::parse::Format;
use retriever::pipeline::{FetchFailure, Pipeline, Recorder};
use retriever::time::UnixTime;
use serde_json::{Value, json};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/openmetrics-v2");
const DIFFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/openmetrics-v2-differences.json");

/// No environment, no files.
struct Nothing;

impl Surroundings for Nothing {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// What one scrape came to, in the form of the vectors.
#[derive(Debug, PartialEq)]
struct Scrape {
    submissions: Vec<Value>,
    service_checks: Vec<Value>,
    failed: bool,
}

fn expected(vector: &Value) -> Vec<Scrape> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let scrapes =
        array(&vector["expected"]).into_iter().zip(array(&vector["service_checks"])).zip(array(&vector["errors"]));
    scrapes
        .map(|((submissions, checks), error)| Scrape {
            submissions: array(&submissions),
            service_checks: array(&checks),
            failed: !error.is_null(),
        })
        .collect()
}

/// Tags are compared as sorted lists, and the texts of connection errors are not compared at all.
fn comparable(mut entry: Value) -> Value {
    if let Some(tags) = entry["tags"].as_array_mut() {
        tags.sort_by_key(ToString::to_string);
    }
    if entry["status"] == "CRITICAL" && !entry["message"].as_str().unwrap_or_default().contains(" Error: ") {
        entry["message"] = json!("");
    }
    entry
}

fn actual(vector: &Value) -> Vec<Scrape> {
    let settings = json!({"init_config": vector["init_config"], "instances": [vector["instance"]]});
    let config = Config::read(&settings.to_string(), "vector", &Nothing);
    let bodies = vector["scrapes"].as_array().expect("a vector has scrapes");
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else {
        return bodies.iter().map(|_| Scrape { submissions: vec![], service_checks: vec![], failed: true }).collect();
    };
    let mut pipeline = Pipeline::new(Arc::new(instance.as_ref().clone()));
    let scrapes =
        bodies.iter().enumerate().map(|(i, body)| scrape(vector, &mut pipeline, i, body.as_str().expect("text")));
    scrapes.collect()
}

fn scrape(vector: &Value, pipeline: &mut Pipeline, i: usize, body: &str) -> Scrape {
    let overrides = &vector["scrape_overrides"][i];
    let with_override = |key: &str| overrides.get(key).or_else(|| vector.get(key)).cloned().unwrap_or_default();
    let now = UnixTime::from_seconds(with_override("now").as_f64().unwrap_or(1_700_000_000.0));
    let mut recorder = Recorder::default();
    let status = u16::try_from(overrides["status"].as_u64().unwrap_or(200)).expect("a status");
    let unanswered = |connection| FetchFailure { message: "no answer".to_owned(), connection };
    let report = if overrides.get("connection_error").is_some_and(|error| !error.is_null()) {
        pipeline.unanswered(&unanswered(true), &mut recorder)
    } else if overrides.get("read_timeout").is_some_and(|timeout| !timeout.is_null()) {
        pipeline.unanswered(&unanswered(false), &mut recorder)
    } else if status >= 400 {
        let reason = match status {
            404 => "Not Found",
            500 => "Internal Server Error",
            503 => "Service Unavailable",
            403 => "Forbidden",
            _ => "",
        };
        let kind = if status < 500 { "Client" } else { "Server" };
        let message = format!("{status} {kind} Error: {reason} for url: http://vector.test/metrics");
        pipeline.refused(&message, &mut recorder)
    } else {
        let content_type = with_override("content_type");
        let format = if pipeline.instance().http.use_latest_spec {
            Format::OpenMetrics
        } else {
            Format::from_content_type(content_type.as_str())
        };
        let mut scrape = pipeline.begin(format, now, &mut recorder);
        scrape.push(&encoded(body, with_override("body_encoding").as_str()));
        let broken = match overrides["break"].as_str() {
            Some("read_timeout") => Some(unanswered(true)),
            Some(_) => Some(unanswered(false)),
            None => None,
        };
        let read = scrape.finish(broken);
        pipeline.end(read)
    };
    let contexts = pipeline.contexts();
    Scrape {
        submissions: recorder
            .submissions
            .iter()
            .map(|entry| comparable(document::submission(entry, contexts)))
            .collect(),
        service_checks: recorder
            .service_checks
            .iter()
            .map(|check| comparable(document::service_check(check)))
            .collect(),
        failed: report.failure.is_some(),
    }
}

fn encoded(body: &str, encoding: Option<&str>) -> Vec<u8> {
    match encoding {
        None | Some("utf-8") => body.as_bytes().to_vec(),
        Some(_) => body.chars().map(|c| u8::try_from(u32::from(c)).expect("one byte")).collect(),
    }
}

fn compare(vector: &Value) -> Result<(), String> {
    let expected: Vec<Scrape> = expected(vector)
        .into_iter()
        .map(|scrape| Scrape {
            submissions: scrape.submissions.into_iter().map(comparable).collect(),
            service_checks: scrape.service_checks.into_iter().map(comparable).collect(),
            failed: scrape.failed,
        })
        .collect();
    let actual = actual(vector);
    for (i, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
        if expected != actual {
            return Err(format!("scrape {i}:\n  expected {expected:#?}\n  actual {actual:#?}"));
        }
    }
    Ok(())
}

#[test]
fn submissions_are_those_of_the_check() {
    let differences: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(DIFFERENCES).expect("the list of differences")).expect("JSON");
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> =
        std::fs::read_dir(VECTORS).expect("vectors").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    for file in files {
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&file).expect("a vector");
        let vector: Value = serde_json::from_str(&text).expect("JSON");
        if vector["check_class"] == "v2_compat" {
            continue;
        }
        count += 1;
        let result = compare(&vector);
        match (result, differences.get(&name)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{name}: listed as different, but equal")),
            (Err(_), Some(_)) => {}
            (Err(difference), None) => wrong.push(format!("{name}: {} {difference}", vector["description"])),
        }
    }
    for wrong in &wrong {
        println!("{wrong}\n");
    }
    assert!(wrong.is_empty(), "{} of {count} vectors differ", wrong.len());
}
