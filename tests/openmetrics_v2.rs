//! The submissions of Datadog's Python check, vector by vector.
//!
//! `fixtures/vectors/openmetrics-v2` holds settings and expositions with what `datadog-checks-base` 38.7.0 submitted for
//! them. `fixtures/vectors/openmetrics-v2-differences.json` names the vectors where Retriever differs: with the number
//! of the difference in `docs/compatibility.md` and what Retriever submits instead, or with the option that does not
//! take effect yet. `RETRIEVER_UPDATE=1 cargo test --test openmetrics_v2` writes what Retriever submits into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use retriever::config::{BodyLimits, Config, ConfiguredInstance, NoSurroundings};
use retriever::fixture::document;
use retriever::pipeline::{FetchFailure, Pipeline, Recorder, Report};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/openmetrics-v2");
const DIFFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/openmetrics-v2-differences.json");

/// What one scrape came to, in the form of the vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scrape {
    submissions: Vec<Value>,
    service_checks: Vec<Value>,
    failed: bool,
}

/// Why a vector differs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Difference {
    /// On purpose.
    Numbered {
        /// The row of `docs/compatibility.md`.
        difference: u8,
        /// What Retriever makes of the vector.
        scrapes: Vec<Scrape>,
    },
    /// An option has no effect so far.
    Awaits {
        /// The option.
        awaits: String,
    },
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn expected(vector: &Value) -> Vec<Scrape> {
    let comparable = |entries: &Value| list(entries).iter().cloned().map(comparable).collect();
    let scrapes = list(&vector["expected"]).iter().zip(list(&vector["service_checks"])).zip(list(&vector["errors"]));
    scrapes
        .map(|((submissions, checks), error)| Scrape {
            submissions: comparable(submissions),
            service_checks: comparable(checks),
            failed: !error.is_null(),
        })
        .collect()
}

/// Tags are compared as sorted lists; the texts of connection errors, which belong to the library, not at all.
fn comparable(mut entry: Value) -> Value {
    if let Some(tags) = entry["tags"].as_array_mut() {
        tags.sort_by_key(ToString::to_string);
    }
    if entry["status"] == "CRITICAL" && !entry["message"].as_str().unwrap_or_default().contains(" Error: ") {
        entry["message"] = json!("");
    }
    entry
}

async fn actual(vector: &Value) -> Vec<Scrape> {
    let settings = json!({"init_config": vector["init_config"], "instances": [vector["instance"]]});
    let config = Config::read(&settings.to_string(), "vector", &NoSurroundings);
    let bodies = list(&vector["scrapes"]);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else {
        return bodies.iter().map(|_| Scrape { submissions: vec![], service_checks: vec![], failed: true }).collect();
    };
    let agent_started = vector["agent_process_start_time"].as_f64().map(UnixTime::from_seconds);
    let mut pipeline = Pipeline::new(Arc::new(instance.as_ref().clone()), agent_started);
    let mut scrapes = Vec::new();
    for (i, body) in bodies.iter().enumerate() {
        scrapes.push(scrape(vector, &mut pipeline, i, body.as_str().expect("a body is text")).await);
    }
    scrapes
}

async fn scrape(vector: &Value, pipeline: &mut Pipeline, i: usize, body: &str) -> Scrape {
    let overrides = &vector["scrape_overrides"][i];
    let set = |key: &str| overrides.get(key).is_some_and(|value| !value.is_null());
    let mut recorder = Recorder::default();
    let unanswered =
        |connection| FetchFailure { reason: "test", message: "no answer".to_owned(), connection, limit: false };
    let report = if set("connection_error") {
        pipeline.unanswered(unanswered(true), &mut recorder)
    } else if set("read_timeout") {
        pipeline.unanswered(unanswered(false), &mut recorder)
    } else if set("break") {
        let broken = unanswered(overrides["break"] == "read_timeout");
        let mut scrape = pipeline.begin(retriever::parse::Format::PrometheusText, now(vector, i), &mut recorder);
        scrape.push(body.as_bytes());
        let read = scrape.finish(Some(broken));
        pipeline.end(read, &mut recorder)
    } else {
        respond(vector, pipeline, i, body, &mut recorder).await
    };
    let contexts = pipeline.contexts();
    Scrape {
        submissions: recorder
            .submissions
            .iter()
            .flat_map(|entry| document::submissions(entry, contexts))
            .map(comparable)
            .collect(),
        service_checks: recorder
            .service_checks
            .iter()
            .map(|check| comparable(document::service_check(check)))
            .collect(),
        failed: report.failure.is_some(),
    }
}

/// What an override says, or else the vector.
fn of<'v>(vector: &'v Value, i: usize, key: &str) -> &'v Value {
    vector["scrape_overrides"][i].get(key).unwrap_or(&vector[key])
}

fn now(vector: &Value, i: usize) -> UnixTime {
    UnixTime::from_seconds(of(vector, i, "now").as_f64().unwrap_or(1_700_000_000.0))
}

async fn respond(vector: &Value, pipeline: &mut Pipeline, i: usize, body: &str, recorder: &mut Recorder) -> Report {
    let status = vector["scrape_overrides"][i]["status"].as_u64().unwrap_or(200);
    let reason = match status {
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    };
    let mut headers = HeaderMap::new();
    if let Some(content_type) = of(vector, i, "content_type").as_str() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).expect("a header"));
    }
    for (name, value) in vector["response_headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.insert(name, HeaderValue::from_str(value.as_str().expect("text")).expect("a header"));
    }
    let head = Head {
        status: u16::try_from(status).expect("a status"),
        reason: reason.to_owned(),
        final_url: vector["instance"]["openmetrics_endpoint"].as_str().unwrap_or_default().to_owned(),
        headers,
    };
    let bytes: Vec<u8> = match of(vector, i, "body_encoding").as_str() {
        None | Some("utf-8") => body.as_bytes().to_vec(),
        Some(_) => body.chars().map(|c| u8::try_from(u32::from(c)).expect("one byte")).collect(),
    };
    let body = Body::from_bytes(&head, Bytes::from(bytes), &BodyLimits::default());
    pipeline.scrape(Ok(Response { head, body }), now(vector, i), recorder).await
}

/// The vectors by name, without those of another class of the check, which no settings can ask for.
fn vectors() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(VECTORS).expect("there are vectors").map(|entry| entry.expect("a file").path());
    let vectors = files.map(|path| {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&path).expect("a vector can be read");
        (name, serde_json::from_str::<Value>(&text).expect("a vector is JSON"))
    });
    vectors
        .filter(|(_, vector)| vector.get("check_class").is_none() && vector.get("class_namespace").is_none())
        .collect()
}

#[tokio::test]
async fn submissions_are_those_of_the_check() {
    let text = std::fs::read_to_string(DIFFERENCES).expect("the list of differences");
    let mut differences: BTreeMap<String, Difference> = serde_json::from_str(&text).expect("the list is JSON");
    let mut wrong = Vec::new();
    let (mut equal, mut numbered, mut awaiting) = (0, 0, 0);
    for (name, vector) in vectors() {
        let (expected, actual) = (expected(&vector), actual(&vector).await);
        let description = &vector["description"];
        match differences.get_mut(&name) {
            None if expected == actual => equal += 1,
            None => wrong.push(format!("{name}: {description}\nexpected {expected:#?}\nactual {actual:#?}")),
            Some(_) if expected == actual => wrong.push(format!("{name} is listed as different, but is equal")),
            Some(Difference::Awaits { .. }) => awaiting += 1,
            Some(Difference::Numbered { scrapes, .. }) => {
                if std::env::var_os("RETRIEVER_UPDATE").is_some() {
                    scrapes.clone_from(&actual);
                }
                numbered += 1;
                if *scrapes != actual {
                    wrong.push(format!("{name}: {description}\nexpected {scrapes:#?}\nactual {actual:#?}"));
                }
            }
        }
    }
    if std::env::var_os("RETRIEVER_UPDATE").is_some() {
        let text = serde_json::to_string(&differences).expect("the list can be written");
        std::fs::write(DIFFERENCES, text.replace("],\"", "],\n\"").replace("},\"", "},\n\"") + "\n").expect("a file");
    }
    println!("{equal} equal, {numbered} different on purpose, {awaiting} await an option");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
