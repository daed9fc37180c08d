//! `retriever doctor`, as those read it whose metrics do not arrive.
//!
//! Each case is a server that goes wrong in one way, and what was printed about it, in `snapshots/`; times, ports and
//! folders are masked. `RETRIEVER_UPDATE=1 cargo test --test doctor` writes what is printed now; read it as somebody would
//! who was woken for it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod delivery;
#[path = "../scrape/proxy_servers.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod proxy_servers;
#[path = "../scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
#[path = "../support/mod.rs"]
mod support;
mod targets;
mod tls;
mod ways;

use std::path::{Path, PathBuf};

use regex::Regex;
use server::{Server, Step, response};
use support::program::{Finished, command};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a healthy exporter says.
const EXPOSITION: &str = "# TYPE requests counter\nrequests_total{code=\"200\"} 7\nrequests_total{code=\"500\"} 1\n# TYPE \
                          up gauge\nup 1\n# TYPE debug gauge\ndebug 2\n";

const TEXT: &str = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";

fn healthy() -> Vec<u8> {
    response(TEXT, EXPOSITION)
}

/// A folder in which the program runs. Its path has the same length everywhere, so that lines break at the same words.
struct Place {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("d").tempdir_in("/tmp").unwrap(), variables: Vec::new() }
    }

    /// One with settings: one instance with these options, and these at the top.
    fn with(url: &str, options: &str, top: &str) -> Self {
        let place = Self::new();
        place.write("conf.yaml", &settings(url, options, top));
        place
    }

    fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    async fn run(&self, args: &[&str]) -> Finished {
        let mut command = command();
        command.current_dir(self.folder.path()).arg("doctor").args(args);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let finished = Finished { code: output.status.code(), stdout, stderr };
        assert!(!finished.to_string().contains("hunter2"), "{finished}");
        finished
    }

    /// Runs it on the settings and compares what it prints.
    async fn compare(&self, name: &str, code: i32) {
        self.compare_of(name, "conf.yaml", code).await;
    }

    async fn compare_of(&self, name: &str, source: &str, code: i32) {
        let finished = self.run(&[source]).await;
        finished.assert_code(code);
        let text = format!("$ retriever doctor {source}\n{}{}", finished.stdout, said(&finished.stderr));
        compare(name, &masked(&text, self.folder.path()));
    }

    /// One of the steps to the first target, in the form for programs.
    async fn step(&self, step: &str) -> serde_json::Value {
        let document = self.run(&["conf.yaml", "--format", "json"]).await.json();
        steps_of(&document["targets"][0], step)
    }
}

fn steps_of(way: &serde_json::Value, step: &str) -> serde_json::Value {
    let steps = way["steps"].as_array().unwrap();
    steps.iter().find(|found| found["step"] == step).unwrap_or_else(|| panic!("no {step} in {way}")).clone()
}

fn settings(url: &str, options: &str, top: &str) -> String {
    let options: Vec<String> = options.lines().map(|line| format!("    {line}\n")).collect();
    let options = options.concat();
    format!(
        "{top}\ninstances:\n  - openmetrics_endpoint: {url}\n    namespace: shop\n    metrics: [requests, up]\n{options}"
    )
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("--- standard error\n{stderr}") }
}

/// The text without what differs from run to run.
fn masked(text: &str, folder: &Path) -> String {
    let mut text = text.replace(&folder.display().to_string(), "FOLDER");
    for (pattern, mask) in [
        (r"\((\d+(\.\d+)? (ms|s)|\d+ min \d+ s)\)", "(TIME)"),
        (r"after \d+(\.\d+)? (ms|s) of", "after TIME of"),
        (r"written \d+(\.\d+)? (ms|s) ago", "written TIME ago"),
        (r"(127\.0\.0\.1|localhost):\d{4,5}\b", "$1:PORT"),
        (r"now it is\s+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now it is NOW"),
        (r"is \d+ days (behind|ahead)", "is DAYS $1"),
        (r"\(failed to lookup[^)]*\)", "(CAUSE)"),
        // Some machines know themselves by two addresses.
        (r"`localhost` is [^\n]*  \(TIME\)", "`localhost` is ADDRESSES  (TIME)"),
        (r"\n +\[::1\]:\d+ [^\n]*", ""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, mask).into_owned();
    }
    text
}

fn compare(name: &str, actual: &str) {
    let path: PathBuf = [ROOT, "tests/doctor/snapshots", &format!("{name}.txt")].iter().collect();
    if std::env::var_os("RETRIEVER_UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name}: expected\n{expected}\nbut printed was\n{actual}");
}

/// The examples of the documentation are what is printed.
#[test]
fn documentation() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/doctor.md")).unwrap();
    let examples: Vec<&str> =
        page.split("```").skip(1).step_by(2).filter(|block| block.contains("$ retriever")).collect();
    assert!(examples.len() >= 2);
    // Whoever writes the page has real times and ports in it.
    let unified = |text: &str| {
        let text = text.replace("FOLDER", "/tmp/shop");
        let text =
            Regex::new(r"\([^()]*(ms|TIME)\)|after [^ ]+( ms)? of").unwrap().replace_all(&text, "()").into_owned();
        Regex::new(r":(PORT|9\d{3})\b").unwrap().replace_all(&text, ":").trim().to_owned()
    };
    let snapshots: Vec<String> = std::fs::read_dir(Path::new(ROOT).join("tests/doctor/snapshots"))
        .unwrap()
        .map(|entry| unified(&std::fs::read_to_string(entry.unwrap().path()).unwrap()))
        .collect();
    for example in examples {
        let example = unified(example.trim_start_matches("console"));
        assert!(snapshots.contains(&example), "no snapshot is\n{example}");
    }
}

/// A server that answers every request with a status and these headers.
async fn refusing(status: &'static str, headers: &'static str, body: &'static str) -> Server {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    Server::start(move |_| vec![Step::Send(head.clone().into_bytes())]).await
}
