//! The commands as scripts see them: arguments, exit status, the forms of what is printed.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};
use server::{Server, response};
use support::program::{Finished, Folder, Running, command, retriever, retriever_beside};

const TEXT: &str = "Content-Type: text/plain; version=0.0.4\r\n";

/// A counter at `requests`, a histogram with `slow` observations of 2, above its only finite bound, and more.
fn exposition(requests: u32, slow: u32) -> String {
    format!(
        "# TYPE app_load gauge
app_load 0.5
# TYPE app_requests_total counter
app_requests_total{{code=\"200\"}} {requests}
# TYPE app_latency histogram
app_latency_bucket{{le=\"1\"}} 2
app_latency_bucket{{le=\"+Inf\"}} {count}
app_latency_sum {sum}
app_latency_count {count}
# TYPE other gauge
other 1
",
        count = 2 + slow,
        sum = 1 + 2 * slow
    )
}

const SETTINGS: &str = "instances:
  - openmetrics_endpoint: http://app:9100/metrics
    namespace: app
    tags: [team:b, team:a]
    collect_histograms_as_distributions: true
    metrics:
      - app_load: load
      - app_requests: requests
      - app_latency: latency
";

// --- check ------------------------------------------------------------------------------------------------------------

/// `retriever check` in a folder with the settings and two scrapes, and these arguments behind the settings.
fn check(args: &[&str]) -> Finished {
    let (folder, settings) = Folder::with_settings(SETTINGS);
    let first = folder.write("first.prom", exposition(10, 1));
    let second = folder.write("second.prom", exposition(17, 4));
    let args = args.iter().map(|arg| match *arg {
        "FIRST" => &first,
        "SECOND" => &second,
        arg => arg,
    });
    retriever(["check", &settings].into_iter().chain(args))
}

#[test]
fn submissions_have_the_fixed_form() {
    let finished = check(&["--fixture", "FIRST", "--fixture", "SECOND", "--format", "json"]);
    finished.assert_code(0);
    assert_eq!(finished.stderr, "");
    let tags = json!(["endpoint:http://app:9100/metrics", "team:a", "team:b"]);
    let scrape = |requests: f64, slow: u32, flush: bool| {
        let bucket = |lower: Value, upper: Value, value: u32| {
            json!({"type": "histogram_bucket", "name": "app.latency", "value": value, "lower_bound": lower,
                "upper_bound": upper, "monotonic": true, "tags": tags, "hostname": "", "flush_first_value": flush,
                "multiple_buckets": true})
        };
        json!({
            "error": null,
            "submissions": [
                {"type": "gauge", "name": "app.load", "value": 0.5, "tags": tags, "hostname": "",
                 "flush_first_value": false},
                {"type": "monotonic_count", "name": "app.requests.count", "value": requests,
                 "tags": ["code:200", "endpoint:http://app:9100/metrics", "team:a", "team:b"], "hostname": "",
                 "flush_first_value": flush},
                bucket(json!(0.0), json!(1.0), 2),
                bucket(json!(1.0), json!("inf"), slow),
            ],
            "service_checks": [{"name": "app.openmetrics.health", "status": "OK", "tags": tags, "hostname": "",
                "message": ""}],
        })
    };
    let mut document = finished.json();
    for scrape in document["instances"][0]["scrapes"].as_array_mut().unwrap() {
        let dropped = scrape.as_object_mut().unwrap().remove("dropped").unwrap();
        let not_selected = dropped.as_array().unwrap().iter().find(|entry| entry["reason"] == "not selected");
        assert_eq!(not_selected.unwrap(), &json!({"reason": "not selected", "count": 1}));
    }
    let scrapes = json!([scrape(10.0, 1, false), scrape(17.0, 4, true)]);
    let expected = json!({"endpoint": "http://app:9100/metrics", "error": null, "scrapes": scrapes});
    assert_eq!(document, json!({"instances": [expected]}));
}

#[test]
fn points_have_the_fixed_form_and_the_virtual_clock() {
    let fixtures = ["--fixture", "FIRST", "--fixture", "SECOND", "--format", "json", "--stage", "points"];
    let finished = check(&[&fixtures[..], &["--now", "1234567890"]].concat());
    finished.assert_code(0);
    let document = finished.json();
    let scrapes = &document["instances"][0]["scrapes"];
    let tags = json!(["endpoint:http://app:9100/metrics", "team:a", "team:b"]);
    let load = |timestamp: u32| {
        json!({"metric": "app.load", "type": "gauge", "value": 0.5, "timestamp": timestamp, "interval": 0,
            "tags": tags, "host": ""})
    };
    assert_eq!(scrapes[0]["points"], json!([load(1_234_567_890)]));
    assert_eq!(scrapes[0]["sketches"], json!([]));
    let requests = json!({"metric": "app.requests.count", "type": "count", "value": 7.0, "timestamp": 1_234_567_905,
        "interval": 15, "tags": ["code:200", "endpoint:http://app:9100/metrics", "team:a", "team:b"], "host": ""});
    assert_eq!(scrapes[1]["points"], json!([load(1_234_567_905), requests]));
    // Three observations above the highest finite bound: all that is known of them is that bound and their sum.
    let mut sketch = scrapes[1]["sketches"][0].clone();
    let bins = sketch.as_object_mut().unwrap().remove("bins").unwrap();
    assert_eq!(bins, json!([[1338, 3]]), "1338 is the bin of 1 in the published table of the Agent");
    let expected = json!({"metric": "app.latency", "count": 3, "min": 1.0, "max": 2.0, "sum": 6.0, "avg": 2.0,
        "timestamp": 1_234_567_905, "tags": tags, "host": ""});
    assert_eq!(sketch, expected);
    assert_eq!(scrapes[1]["sketches"].as_array().unwrap().len(), 1);
    assert_eq!(scrapes[1]["service_checks"][0]["status"], "OK");

    // Without `--now` the clock starts at a fixed time.
    let default = check(&fixtures).json();
    assert_eq!(default["instances"][0]["scrapes"][1]["points"][0]["timestamp"], 1_700_000_015);
}

#[test]
fn metadata_is_shown_and_said_to_go_nowhere() {
    let rule = "{info: {type: metadata, label: version, name: release}}";
    let settings = format!("instances: [{{openmetrics_endpoint: 'http://a', metrics: [{rule}]}}]\n");
    let (folder, settings) = Folder::with_settings(&settings);
    let fixture = folder.write("a.prom", "# TYPE info gauge\ninfo{version=\"1.2.3\"} 1\n");
    let finished = retriever(["check", &settings, "--format", "json", "--fixture", &fixture]);
    finished.assert_code(0);
    let submissions = &finished.json()["instances"][0]["scrapes"][0]["submissions"];
    assert_eq!(*submissions, json!([{"type": "metadata", "name": "release", "value": "1.2.3"}]));
    assert!(finished.stderr.contains(": warning: `metadata` is shown by `retriever check`"), "{finished}");
}

#[test]
fn what_is_not_a_number_is_dropped_with_its_reason() {
    let (folder, settings) = Folder::with_settings("instances: [{openmetrics_endpoint: 'http://a', metrics: [q]}]\n");
    let body = "# TYPE q summary\nq{quantile=\"0.5\"} NaN\nq_sum 1\nq_count 1\n";
    let finished = retriever(["check", &settings, "--format", "json", "--fixture", &folder.write("a.prom", body)]);
    finished.assert_code(0);
    let scrape = &finished.json()["instances"][0]["scrapes"][0];
    let names: Vec<&Value> = scrape["submissions"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["q.sum", "q.count"], "{finished}");
    assert_eq!(scrape["dropped"], json!([{"reason": "not a finite number", "count": 1}]));
}

#[test]
fn the_format_comes_from_the_head_the_argument_or_the_ending() {
    let (folder, settings) = Folder::with_settings("instances: [{openmetrics_endpoint: 'http://a', metrics: [up]}]\n");
    let open = "# TYPE up gauge\nup 1\n# EOF\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0\r\n\r\n";
    let one = |file: &str, content: &str, more: &[&str]| {
        let path = folder.write(file, content);
        retriever(["check", &settings, "--format", "json", "--fixture", &path].into_iter().chain(more.iter().copied()))
    };
    let types = ["--content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8"];
    for (file, content, more) in [
        ("a.http", format!("{head}{open}"), &[][..]),
        ("a.om", open.to_owned(), &[]),
        ("a.prom", open.to_owned(), &[]),
        ("a.txt", open.to_owned(), &[]),
        ("a.body", open.to_owned(), &types),
    ] {
        let finished = one(file, &content, more);
        finished.assert_code(0);
        let submission = &finished.json()["instances"][0]["scrapes"][0]["submissions"][0];
        assert_eq!((&submission["name"], &submission["value"]), (&json!("up"), &json!(1.0)), "{finished}");
    }
    // What says that it is OpenMetrics must end as such, wherever it says so.
    let cut = "# TYPE up gauge\nup 1\n";
    for (file, content, more) in
        [("b.http", format!("{head}{cut}"), &[][..]), ("b.om", cut.to_owned(), &[]), ("b.prom", cut.to_owned(), &types)]
    {
        let finished = one(file, &content, more);
        finished.assert_code(1);
        assert!(finished.stderr.contains("truncated"), "{finished}");
        let scrape = &finished.json()["instances"][0]["scrapes"][0];
        assert!(scrape["error"].as_str().unwrap().contains("truncated"), "{finished}");
        assert_eq!(scrape["submissions"][0]["name"], "up", "what came is submitted");
    }
    assert!(one("b.prom", cut, &[]).assert_code(0).stderr.is_empty());
    let unknown = one("c.body", cut, &[]);
    unknown.assert_code(2);
    assert!(unknown.stderr.contains("c.body") && unknown.stderr.contains("--content-type"), "{unknown}");
    let failed = one("d.http", "HTTP/1.1 503 Service Unavailable\r\n\r\nnot now\n", &[]);
    failed.assert_code(1);
    let scrape = &failed.json()["instances"][0]["scrapes"][0];
    assert!(scrape["error"].as_str().unwrap().starts_with("503 Server Error: Service Unavailable"), "{failed}");
    assert_eq!((&scrape["submissions"], &scrape["service_checks"][0]["status"]), (&json!([]), &json!("CRITICAL")));
}

#[test]
fn an_invalid_instance_keeps_no_other_from_being_shown() {
    let settings = format!("{SETTINGS}  - openmetrics_endpoint: http://b\n    metrics: 7\n  - namespace: c\n");
    let (folder, settings) = Folder::with_settings(&settings);
    let fixture = folder.write("a.prom", exposition(1, 1));
    let finished = retriever(["check", &settings, "--fixture", &fixture, "--format", "json"]);
    finished.assert_code(2);
    let document = finished.json();
    let instances = document["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 3);
    assert_eq!(instances[0]["scrapes"][0]["submissions"].as_array().unwrap().len(), 4);
    assert_eq!((&instances[1]["endpoint"], &instances[1]["scrapes"]), (&json!("http://b"), &json!([])));
    let error = instances[1]["error"].as_str().unwrap();
    assert!(error.contains(":11:14: ") && error.contains("`metrics` is the number `7`; expected a list"), "{error}");
    assert_eq!((&instances[2]["endpoint"], &instances[2]["scrapes"]), (&json!(null), &json!([])));
    assert!(instances[2]["error"].as_str().unwrap().contains("`openmetrics_endpoint` is missing"), "{finished}");
    // The same on the standard error, each once.
    assert_eq!(finished.stderr.matches("`metrics` is the number `7`").count(), 1, "{finished}");

    let text = retriever(["check", &settings, "--fixture", &fixture]);
    text.assert_code(2);
    assert!(text.stdout.contains("app.load") && text.stdout.contains("http://b: "), "{text}");
}

#[tokio::test]
async fn a_live_endpoint_is_checked_once() {
    let server = Server::with(response(TEXT, exposition(10, 1))).await;
    let (_folder, settings) = Folder::with_settings(&SETTINGS.replace("http://app:9100", &server.url("")));
    let finished = retriever_beside(vec!["check".to_owned(), settings.clone()]).await;
    finished.assert_code(0);
    assert_eq!((server.requests().len(), finished.stderr.as_str()), (1, ""));
    assert!(finished.stdout.starts_with(&format!("=== {}: OK\n", server.url("/metrics"))), "{finished}");
    for words in ["app.requests.count", "code:200", "1 dropped: not selected", "app.openmetrics.health", "OK"] {
        assert!(finished.stdout.contains(words), "`{words}` is missing: {finished}");
    }
    // A malformed line is shown with its place and a caret, and is a finding; the others arrive.
    let server = Server::with(response(TEXT, "# TYPE app_load gauge\napp_load{a=\"b\" 1\napp_load 2\n")).await;
    let (_folder, settings) = Folder::with_settings(&SETTINGS.replace("http://app:9100", &server.url("")));
    let finished = retriever_beside(vec!["check".to_owned(), settings]).await;
    finished.assert_code(1);
    assert!(finished.stderr.starts_with(&format!("{}: line 2, column ", server.url("/metrics"))), "{finished}");
    assert!(finished.stderr.lines().any(|line| line.trim_start_matches([' ', '|']) == "^"), "{finished}");
    assert!(finished.stderr.contains("warning: no metric `app_requests` was exposed"), "{finished}");
    assert!(finished.stdout.contains("app.load"), "{finished}");
}

#[tokio::test]
async fn credentials_are_not_said() {
    let server = Server::with("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    let endpoint = server.url("/metrics?token=hunter3").replace("http://", "http://user:hunter2@");
    let (folder, settings) = Folder::with_settings(&format!("instances: [{{openmetrics_endpoint: '{endpoint}'}}]\n"));
    let finished = retriever_beside(vec!["check".to_owned(), settings]).await;
    finished.assert_code(1);
    assert!(finished.stderr.contains("401 Client Error"), "{finished}");
    assert!(!finished.stderr.contains("hunter"), "{finished}");
    let fixture = folder.path("fixture").display().to_string();
    let finished = retriever_beside(vec!["record".to_owned(), endpoint, fixture]).await;
    finished.assert_code(0);
    for entry in std::fs::read_dir(folder.path("fixture")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter"), "{}", path.display());
    }
}

// --- validate ---------------------------------------------------------------------------------------------------------

#[test]
fn validate_reports_with_file_line_and_column() {
    let (folder, settings) = Folder::with_settings(SETTINGS);
    let fine = retriever(["validate", &settings]);
    fine.assert_code(0);
    assert_eq!(fine.stdout, "the settings can be used: 1 instances, output to the console\n");
    assert_eq!(retriever(["validate", &settings, "--format", "json"]).assert_code(0).json(), json!({"problems": []}));

    let warned = folder.write("warned.yaml", SETTINGS.replace("namespace", "namespcae"));
    let finished = retriever(["validate", &warned]);
    finished.assert_code(1);
    let expected = format!("{warned}:3:5: warning: instance 1 has no option `namespcae`; did you mean `namespace`?\n");
    assert!(finished.stdout.starts_with(&expected), "{finished}");

    let wrong = folder.write("wrong.yaml", "instances:\n  - openmetrics_endpoint: 5\n    metrics: 7\n");
    let finished = retriever(["validate", &wrong, "--format", "json"]);
    finished.assert_code(2);
    let problem = |line: u32, column: u32, message: &str| json!({"severity": "error", "source": wrong, "line": line, "column": column, "message": message});
    let expected = [
        problem(2, 27, "`openmetrics_endpoint` is the number `5`; expected text"),
        problem(3, 14, "`metrics` is the number `7`; expected a list"),
    ];
    assert_eq!(finished.json(), json!({"problems": expected}));
    let text = retriever(["validate", &wrong]);
    assert!(text.assert_code(2).stdout.contains(&format!("{wrong}:3:14: error: `metrics` is the number")), "{text}");
    assert_eq!(text.stderr, "", "what `validate` finds is its output");

    let absent = folder.path("absent.yaml").display().to_string();
    for command in ["validate", "check", "run"] {
        let finished = retriever([command, &absent]);
        finished.assert_code(2);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(said.starts_with(&format!("{absent}: error: the settings cannot be read: ")), "{finished}");
    }
    let broken = folder.write("broken.yaml", "instances:\n  - a: [\n");
    assert!(retriever(["validate", &broken]).assert_code(2).stdout.contains("this is not valid YAML"));
}

#[test]
fn a_fault_of_the_environment_names_the_variable() {
    let (_folder, settings) = Folder::with_settings(SETTINGS);
    let output = command().args(["validate", &settings]).env("DD_DOGSTATSD_PORT", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("environment variable `DD_DOGSTATSD_PORT`: error: "), "{stdout}");
}

// --- parse ------------------------------------------------------------------------------------------------------------

#[test]
fn parse_has_the_fixed_form() {
    let folder = Folder::new();
    let body = "# HELP a_seconds What \\\"a\\\" is.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
        a_seconds_bucket{le=\"+Inf\",x=\"a\\nb\"} 1e0 1.5 # {id=\"7\"} 0.5 2\nbad line\nb 0x1\nc +Inf\n# EOF\n";
    let finished = retriever(["parse", &folder.write("x.om", body), "--format", "json"]);
    finished.assert_code(1);
    let sample = json!({"name": "a_seconds_bucket", "labels": {"le": "+Inf", "x": "a\nb"}, "value": "1e0",
        "timestamp_ms": 1500, "exemplar": {"labels": {"id": "7"}, "value": "0.5", "timestamp_ms": 2000}});
    let first = json!({"name": "a_seconds", "type": "histogram", "help": "What \"a\" is.", "unit": "seconds",
        "samples": [sample]});
    let document = finished.json();
    assert_eq!(document["families"][0], first);
    let last = document["families"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["name"], &last["samples"][0]["value"]), (&json!("c"), &json!("+Inf")));
    let diagnostics = document["diagnostics"].as_array().unwrap();
    let places: Vec<&Value> = diagnostics.iter().map(|diagnostic| &diagnostic["line"]).collect();
    assert_eq!(places, [5, 6]);
    for diagnostic in diagnostics {
        assert!(diagnostic["column"].is_u64() && diagnostic["message"].is_string(), "{diagnostic}");
    }
    assert_eq!(document.as_object().unwrap().len(), 2);
}

#[test]
fn parse_reads_the_standard_input_and_takes_a_content_type() {
    let parse = |args: &[&str], input: &str| {
        let mut command = assert_cmd::Command::from_std(command());
        let output = command.arg("parse").args(args).write_stdin(input).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(parse(&["-"], "# TYPE a gauge\na 1\n"), (Some(0), "a (gauge)\n  a 1\n".into(), String::new()));
    let (code, out, talk) = parse(&["-", "--content-type", "application/openmetrics-text"], "# TYPE a gauge\na 1\n");
    assert_eq!((code, out.as_str()), (Some(1), "a (gauge)\n  a 1\n"));
    assert!(talk.contains("truncated"), "{talk}");
    let (code, _, talk) = parse(&["-"], "a 1\na{b} 2\n");
    assert_eq!((code, talk.contains("line 2, column 4")), (Some(1), true), "{talk}");
    let absent = retriever(["parse", "absent.prom"]);
    absent.assert_code(2);
    assert!(absent.stderr.contains("`absent.prom`"), "{absent}");
}

// --- record and test --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn what_is_recorded_can_be_tested() {
    let server = Server::with(response(TEXT, exposition(10, 1))).await;
    let folder = Folder::new();
    let fixture = folder.path("fixtures/app").display().to_string();
    let args = ["record", &server.url("/metrics"), &fixture, "--scrapes", "2", "--interval", "0"];
    let recorded = retriever_beside(args.map(ToOwned::to_owned).to_vec()).await;
    recorded.assert_code(0);
    assert_eq!(recorded.stdout, format!("{fixture}/1.http\n{fixture}/2.http\n"));
    let saved = std::fs::read_to_string(folder.path("fixtures/app/1.http")).unwrap();
    assert!(saved.starts_with("HTTP/1.1 200 OK\r\n") && saved.ends_with(&exposition(10, 1)), "{saved}");

    let test = |more: &[&str]| {
        let folder = folder.path("fixtures").display().to_string();
        retriever(["test", &folder].into_iter().chain(more.iter().copied()))
    };
    let new = test(&[]);
    new.assert_code(1);
    assert!(new.stdout.contains("there is no snapshot"), "{new}");
    assert_eq!(test(&["--update"]).assert_code(0).stdout, format!("accepted {fixture}\n1 of 1 fixtures as expected\n"));
    assert_eq!(test(&[]).assert_code(0).stdout, format!("ok       {fixture}\n1 of 1 fixtures as expected\n"));
    folder.write("fixtures/app/2.http", saved.replace("app_load 0.5", "app_load 0.75"));
    let different = test(&[]);
    different.assert_code(1);
    assert!(different.stdout.starts_with(&format!("differs  {fixture}\n")), "{different}");
    assert!(different.stdout.contains("0.75") && different.stdout.ends_with("0 of 1 fixtures as expected\n"));
    folder.write("fixtures/app/check.yaml", "instances: 5\n");
    test(&[]).assert_code(2);
    retriever(["test", "absent"]).assert_code(2);
}

// --- All of them ------------------------------------------------------------------------------------------------------

#[test]
fn help_names_the_arguments() {
    let commands: [(&str, &[&str]); 6] = [
        ("run", &["[CONFIG]", "retriever.yaml"]),
        ("check", &["[CONFIG]", "--fixture", "--content-type", "--now", "--stage", "--format", "submissions", "json"]),
        ("validate", &["[CONFIG]", "--format"]),
        ("parse", &["<FILE>", "--content-type", "--format", "`-`"]),
        ("record", &["<URL|CONFIG>", "<DIR>", "--scrapes", "--interval"]),
        ("test", &["[DIR]", "--update"]),
    ];
    let all = retriever(["--help"]);
    all.assert_code(0);
    for (name, arguments) in commands {
        assert!(all.stdout.lines().any(|line| line.trim_start().starts_with(name)), "{all}");
        let help = retriever([name, "--help"]);
        help.assert_code(0);
        for argument in arguments {
            assert!(help.stdout.contains(argument), "`{argument}` of `{name}`: {help}");
        }
        assert!(retriever([name, "--version"]).assert_code(0).stdout.contains(env!("CARGO_PKG_VERSION")));
    }
    assert!(all.stdout.contains("Exit status: 0 fine, 1 findings"), "{all}");
}

#[test]
fn wrong_usage_is_told_apart_from_findings() {
    for args in [
        &["fetch"][..],
        &[],
        &["--nonsense"],
        &["parse"],
        &["record", "http://localhost"],
        &["record", "http://localhost", "dir", "--scrapes", "0"],
        &["record", "http://localhost", "dir", "--interval", "-1"],
        &["check", "--format", "xml"],
        &["check", "--now", "5"],
        &["check", "a", "b"],
    ] {
        let finished = retriever(args);
        finished.assert_code(2);
        assert_eq!(finished.stdout, "", "{args:?}");
        assert!(finished.stderr.contains("--help"), "{args:?}: {finished}");
        // Without any argument the help is the answer.
        assert!(args.is_empty() || finished.stderr.starts_with("error: "), "{args:?}: {finished}");
    }
}

/// The first line of the output of a command whose reader then goes away, its status, and its talk.
fn head(args: &[&str]) -> (String, Option<i32>, String) {
    let mut child = command().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    (line, child.wait().unwrap().code(), talk)
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (folder, settings) =
        Folder::with_settings("instances: [{openmetrics_endpoint: 'http://a', metrics: ['.+']}]\n");
    let samples: Vec<String> = (0..20_000).map(|number| format!("# TYPE m{number} gauge\nm{number} 1\n")).collect();
    let large = folder.write("large.prom", samples.concat());
    let options: Vec<String> = (0..5000).map(|number| format!("option{number}: 1\n")).collect();
    let strange =
        folder.write("strange.yaml", options.concat() + "instances: [{openmetrics_endpoint: 'http://127.0.0.1:1'}]\n");
    assert_eq!(head(&["parse", &large]), ("m0 (gauge)\n".into(), Some(0), String::new()));
    assert_eq!(head(&["check", &settings, "--fixture", &large]), ("=== http://a: OK\n".into(), Some(0), String::new()));
    assert_eq!(head(&["check", &settings, "--fixture", &large, "--format", "json"]).1, Some(0));
    let (line, code, talk) = head(&["validate", &strange]);
    assert!(line.contains("option0") && talk.is_empty(), "{line}{talk}");
    assert_eq!(code, Some(1));

    // The same for those who read what is said: it is no panic either.
    let mut child = command().args(["check", &strange]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    BufReader::with_capacity(16, child.stderr.take().unwrap()).read_line(&mut String::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[tokio::test]
async fn run_ends_when_nobody_reads_the_console() {
    let settings =
        "admin_listen: none\ninstances: [{openmetrics_endpoint: 'http://127.0.0.1:1', min_collection_interval: 0.1}]\n";
    let (_folder, path) = Folder::with_settings(settings);
    let (line, code, talk) = tokio::task::spawn_blocking(move || head(&["run", &path])).await.unwrap();
    assert!(line.starts_with("http://127.0.0.1:1/  "), "{line}");
    assert_eq!(code, Some(0), "{talk}");
    assert!(talk.contains("stopping") && !talk.contains("panicked"), "{talk}");
    // Whereas `run` itself goes on until it is told to stop.
    let mut running = Running::start(settings, &[]);
    running.until_said("the target is down").await;
    running.stop().await.assert_code(0);
}
