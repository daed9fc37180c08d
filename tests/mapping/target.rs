//! A target whose scrapes are made up, and what they come to as lines that can be written by hand.

use std::fmt::Write as _;
use std::sync::Arc;

use retriever::config::{Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::fixture::document;
use retriever::map::{Begun, Contexts, NativeSubmission, SeriesId, ServiceCheck, Step, Submission, Submissions, Trace};
use retriever::parse::Format;
use retriever::pipeline::{FetchFailure, Pipeline, Recorded, Recorder, Report};
use retriever::time::UnixTime;
use serde_json::Value;

/// When every scrape takes place.
pub(crate) const NOW: f64 = 1_700_000_000.0;

/// The settings of an instance with these options, in YAML's flow style.
pub(crate) fn instance(options: &str) -> Instance {
    let text = format!("instances: [{{openmetrics_endpoint: 'http://t', tag_by_endpoint: false, {options}}}]");
    let config = Config::read(&text, "test", &NoSurroundings);
    match &config.instances[0] {
        ConfiguredInstance::Valid(instance) => instance.as_ref().clone(),
        ConfiguredInstance::Invalid { .. } => panic!("{text}: {:?}", config.problems),
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// The connection broke.
    Broken,
}

/// A target and the scrapes that it had.
pub(crate) struct Target {
    pipeline: Pipeline,
    /// Whether each decision is traced, so that none is taken from memory.
    pub(crate) traced: bool,
    /// How many bytes arrive at once; all of them if zero.
    pub(crate) chunk: usize,
}

/// What one scrape came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scraped {
    /// Each submission: type, name, value, tags; of a bucket its bounds, of what has them a host and `first` if a first
    /// value counts.
    pub(crate) lines: Vec<String>,
    /// Each service check: name, status, tags, host.
    pub(crate) checks: Vec<String>,
    /// What was dropped, by reason.
    pub(crate) dropped: Vec<(&'static str, u64)>,
    /// Why the scrape failed.
    pub(crate) failure: Option<String>,
    /// The series and groups behind the submissions, and what is said about when they began.
    pub(crate) origins: Vec<String>,
    /// The places of malformed lines.
    pub(crate) malformed: Vec<(u64, usize)>,
}

impl Target {
    pub(crate) fn new(options: &str) -> Self {
        Self::watched_since(options, None)
    }

    pub(crate) fn watched_since(options: &str, since: Option<f64>) -> Self {
        let pipeline = Pipeline::new(Arc::new(instance(options)), since.map(UnixTime::from_seconds));
        Self { pipeline, traced: false, chunk: 0 }
    }

    /// The submissions of a body in the text format of Prometheus that is read without a failure.
    pub(crate) fn text(&mut self, body: &str) -> Vec<String> {
        self.lines(Format::PrometheusText, body)
    }

    /// The submissions of an OpenMetrics body, `# EOF` excepted, that is read without a failure.
    pub(crate) fn open_metrics(&mut self, body: &str) -> Vec<String> {
        self.lines(Format::OpenMetrics, &format!("{body}# EOF\n"))
    }

    fn lines(&mut self, format: Format, body: &str) -> Vec<String> {
        let scraped = self.scrape(format, body, Ending::Whole);
        assert_eq!(scraped.failure, None);
        scraped.lines
    }

    pub(crate) fn scrape(&mut self, format: Format, body: impl AsRef<[u8]>, ending: Ending) -> Scraped {
        let mut witness = Witness { traced: self.traced.then_some(Steps), ..Witness::default() };
        let body = body.as_ref();
        let mut scrape = self.pipeline.begin(format, UnixTime::from_seconds(NOW), &mut witness);
        for chunk in body.chunks(if self.chunk == 0 { body.len().max(1) } else { self.chunk }) {
            if !scrape.push(chunk) {
                break;
            }
        }
        let broken = FetchFailure { reason: "test", message: "it broke".to_owned(), connection: false, limit: false };
        let read = scrape.finish((ending == Ending::Broken).then_some(broken));
        let report = self.pipeline.end(read, &mut witness);
        self.scraped(&witness, &report)
    }

    /// A scrape to which no answer comes.
    pub(crate) fn unanswered(&mut self) -> Scraped {
        let mut witness = Witness::default();
        let failure = FetchFailure { reason: "test", message: "no answer".to_owned(), connection: true, limit: false };
        let report = self.pipeline.unanswered(failure, &mut witness);
        self.scraped(&witness, &report)
    }

    fn scraped(&mut self, witness: &Witness, report: &Report) -> Scraped {
        let contexts = self.pipeline.contexts();
        let recorded = witness.recorder.submissions.iter();
        let lines = recorded.flat_map(|entry| document::submissions(entry, contexts)).map(|entry| line(&entry));
        let checks = witness.recorder.service_checks.iter().map(|check| check_line(&document::service_check(check)));
        Scraped {
            lines: lines.collect(),
            checks: checks.collect(),
            dropped: report.dropped.iter().map(|(reason, count)| (reason.as_str(), count)).collect(),
            failure: report.failure.as_ref().map(ToString::to_string),
            origins: witness.origins(),
            malformed: report.diagnostics.iter().map(|diagnostic| (diagnostic.line, diagnostic.column)).collect(),
        }
    }
}

/// The submissions of one text body that is the first of its target.
pub(crate) fn text(options: &str, body: &str) -> Vec<String> {
    Target::new(options).text(body)
}

/// Likewise, of OpenMetrics.
pub(crate) fn open_metrics(options: &str, body: &str) -> Vec<String> {
    Target::new(options).open_metrics(body)
}

/// A number as people write it.
fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |number| number.to_string())
}

fn line(entry: &Value) -> String {
    let word = |key: &str| entry[key].as_str().unwrap_or_default();
    if entry["type"] == "metadata" {
        return format!("metadata {} {}", word("name"), word("value"));
    }
    let mut line = format!("{} {} {}", word("type"), word("name"), number(&entry["value"]));
    if entry["type"] == "histogram_bucket" {
        let shared = if entry["multiple_buckets"] == true { " shared" } else { "" };
        write!(line, " ({}, {}]{shared}", number(&entry["lower_bound"]), number(&entry["upper_bound"])).unwrap();
    }
    push_identity(&mut line, entry);
    if entry["flush_first_value"] == true {
        line.push_str(" first");
    }
    line
}

fn check_line(entry: &Value) -> String {
    let mut line = format!("{} {}", entry["name"].as_str().unwrap(), entry["status"].as_str().unwrap());
    push_identity(&mut line, entry);
    line
}

fn push_identity(line: &mut String, entry: &Value) {
    let tags: Vec<&str> = entry["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    if !tags.is_empty() {
        write!(line, " {}", tags.join(",")).unwrap();
    }
    let hostname = entry["hostname"].as_str().unwrap();
    if !hostname.is_empty() {
        write!(line, " @{hostname}").unwrap();
    }
}

/// Sees all that is submitted, and asks for every decision to be made anew if it is traced.
#[derive(Default)]
struct Witness {
    recorder: Recorder,
    begun: Vec<String>,
    traced: Option<Steps>,
}

impl Witness {
    fn origins(&self) -> Vec<String> {
        let origins = self.recorder.submissions.iter().map(|recorded| match recorded {
            Recorded::Submission(submission) => format!("{:?}", submission.origin()),
            Recorded::Native(native) => format!("{:?}", native.origin),
            Recorded::Metadata { .. } => String::new(),
        });
        origins.chain(self.begun.iter().cloned()).collect()
    }
}

impl Submissions for Witness {
    fn submit(&mut self, submission: &Submission, contexts: &Contexts) {
        self.recorder.submit(submission, contexts);
    }

    fn native(&mut self, submission: NativeSubmission, contexts: &Contexts) {
        self.recorder.native(submission, contexts);
    }

    fn service_check(&mut self, check: ServiceCheck) {
        self.recorder.service_check(check);
    }

    fn health(&mut self, check: ServiceCheck) {
        self.recorder.health(check);
    }

    fn metadata(&mut self, name: &str, value: &str) {
        self.recorder.metadata(name, value);
    }

    fn begun(&mut self, begun: Begun, at: UnixTime) {
        self.begun.push(format!("{begun:?} {}", at.seconds()));
    }

    fn process_started(&mut self, at: UnixTime) {
        self.begun.push(format!("process {}", at.seconds()));
    }

    fn trace(&mut self) -> Option<&mut dyn Trace> {
        self.traced.as_mut().map(|steps| steps as _)
    }
}

/// Hears of every step and does nothing about it.
#[derive(Clone, Copy)]
struct Steps;

impl Trace for Steps {
    fn step(&mut self, _: Step<'_>) {}

    fn sample_end(&mut self, _: Option<SeriesId>) {}
}
