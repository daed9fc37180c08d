//! Servers that are slow, broken or mean. Each costs its own scrape, in bounded time and memory and with an error of its
//! own; what was scraped before stays, the next scrape works, and no other target notices.
//!
//! `docs/hostile.md` lists them; [`listed`] holds the list against the tests.

mod body;
mod bombs;
mod connecting;
mod content;
mod credentials;
mod encoding;
mod framing;
mod head;
mod health;
mod http2;
mod kept;
mod limits;
mod listed;
mod memory;
mod proxy;
mod redirects;
mod server;
mod status;
mod tls;
mod together;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retriever::config::{Config, ConfiguredInstance, Instance, NoSurroundings, Status};
use retriever::pipeline::{Pipeline, Recorded, Recorder, Report, Stage};
use retriever::scrape::Client;
use retriever::time::UnixTime;

use self::server::{Server, Step, Under};
use crate::endpoint;

/// Anything may take this long on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// Makes of each function that gives a [`Case`] a test, and all of them a list.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        pub(super) fn all() -> Vec<super::Named> {
            vec![$((stringify!($name), $name())),*]
        }

        mod alone {
            $(#[tokio::test]
            async fn $name() {
                super::$name().costs_nothing_else(stringify!($name)).await;
            })*
        }
    };
}
use behaviours;

type Named = (&'static str, Case);

/// All behaviours with the names of their tests, by theme.
fn themes() -> Vec<(&'static str, Vec<Named>)> {
    vec![
        ("connecting", connecting::all()),
        ("head", head::all()),
        ("status", status::all()),
        ("framing", framing::all()),
        ("body", body::all()),
        ("encoding", encoding::all()),
        ("limits", limits::all()),
        ("content", content::all()),
        ("redirects", redirects::all()),
        ("http2", http2::all()),
        ("tls", tls::all()),
        ("proxy", proxy::all()),
    ]
}

fn all() -> Vec<Named> {
    themes().into_iter().flat_map(|(_, cases)| cases).collect()
}

/// A hostile behaviour and what it comes to.
struct Case {
    under: Under,
    steps: Vec<Step>,
    /// `ADDRESS` stands for that of the server.
    endpoint: &'static str,
    /// Lines of the instance, with `ADDRESS` too.
    options: String,
    end: End,
    /// The names of what is submitted, in order.
    submitted: &'static [&'static str],
    malformed: u64,
}

/// How a scrape ends.
enum End {
    /// There is nothing wrong with it.
    Fine,
    /// With this error; `critical`: the health check has it for its message.
    Failed { stage: Stage, reason: &'static str, words: &'static str, critical: bool },
}

/// Does these steps with each connection.
fn doing(steps: impl Into<Vec<Step>>) -> Case {
    Case {
        under: Under::Tcp,
        steps: steps.into(),
        endpoint: "http://ADDRESS/metrics",
        options: String::new(),
        end: End::Fine,
        submitted: &[],
        malformed: 0,
    }
}

/// Answers a request with this and closes the connection.
fn answering(answer: impl Into<Vec<u8>>) -> Case {
    doing([Step::Hear, Step::Say(answer.into())])
}

/// Answers with a whole head of these header lines, each with its end, and this body.
fn exposing(headers: &str, body: impl AsRef<[u8]>) -> Case {
    answering(response(headers, body))
}

fn response(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    crate::server::response(headers, body)
}

fn say(text: impl Into<Vec<u8>>) -> Step {
    Step::Say(text.into())
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Case {
    /// Inside of TLS that offers this protocol.
    fn under_tls(mut self, protocol: &'static str) -> Self {
        (self.under, self.endpoint) = (Under::Tls(protocol), "https://ADDRESS/metrics");
        self.with("tls_verify: false")
    }

    /// The server is a proxy on the way to this URL.
    fn on_the_way_to(mut self, endpoint: &'static str) -> Self {
        self.endpoint = endpoint;
        self.with("tls_verify: false\nproxy: {http: 'http://ADDRESS', https: 'http://ADDRESS'}")
    }

    /// Lines of the settings.
    fn with(mut self, options: &str) -> Self {
        self.options += options;
        self.options += "\n";
        self
    }

    fn fails(mut self, stage: Stage, reason: &'static str, words: &'static str, critical: bool) -> Self {
        self.end = End::Failed { stage, reason, words, critical };
        self
    }

    /// No answer comes.
    fn unanswered(self, reason: &'static str, words: &'static str) -> Self {
        self.fails(Stage::Request, reason, words, true)
    }

    /// The answer is an HTTP error.
    fn refused(self, words: &'static str) -> Self {
        self.fails(Stage::Status, "status", words, true)
    }

    /// The body does not come, or not all of it; an answer is a sign of health all the same.
    fn broken(self, reason: &'static str, words: &'static str) -> Self {
        self.fails(Stage::Body, reason, words, false)
    }

    /// The body is more than it may be.
    fn too_much(self, reason: &'static str, words: &'static str) -> Self {
        self.fails(Stage::Body, reason, words, true)
    }

    /// The body is not an exposition, or not a whole one.
    fn no_exposition(self, reason: &'static str, words: &'static str) -> Self {
        self.fails(Stage::Exposition, reason, words, false)
    }

    fn submits(mut self, names: &'static [&'static str]) -> Self {
        self.submitted = names;
        self
    }

    /// Lines that are skipped.
    fn skips(mut self, lines: u64) -> Self {
        self.malformed = lines;
        self
    }

    fn endpoint(&self, server: &Server) -> String {
        self.endpoint.replace("ADDRESS", &server.address.to_string())
    }

    /// The instance of the settings file, for a server that runs.
    fn settings(&self, server: &Server) -> String {
        let options = self.options.replace("ADDRESS", &server.address.to_string());
        let mut text = format!("  - openmetrics_endpoint: {}\n    metrics: ['.+']\n", self.endpoint(server));
        for line in options.lines() {
            let _ = writeln!(text, "    {line}");
        }
        for option in ["connect_timeout", "read_timeout", "total_timeout"] {
            if !options.contains(option) {
                let _ = writeln!(text, "    {option}: 30");
            }
        }
        text
    }

    /// Scrapes, beside another target; then, once the server behaves, again.
    async fn costs_nothing_else(self, name: &str) {
        let honest = doing([]);
        let mut neighbour = Trial::of(&honest);
        neighbour.server.reform();
        let mut trial = Trial::of(&self);
        let begun = Instant::now();
        let (seen, beside) = tokio::join!(trial.scrape(), neighbour.scrape());
        println!("{name}: {:?} {:?}", begun.elapsed(), seen.report.failure);
        self.assert_end(&seen);
        beside.assert_good();
        trial.server.reform();
        // A limit that is short for the sake of the test may be too short for a machine that is busy.
        let impatient = self.options.contains("_timeout");
        let mut again = trial.scrape().await;
        while impatient && again.report.failure.is_some() && begun.elapsed() < PATIENCE {
            again = trial.scrape().await;
        }
        again.assert_good();
        neighbour.scrape().await.assert_good();
    }

    fn assert_end(&self, seen: &Seen) {
        let report = &seen.report;
        assert_eq!(seen.submitted, self.submitted, "{report:?}");
        assert_eq!(report.totals.malformed, self.malformed, "{report:?}");
        match (&self.end, &report.failure) {
            (End::Fine, None) => assert_eq!(seen.health, (Status::Ok, String::new())),
            (End::Failed { stage, reason, words, critical }, Some(failure)) => {
                assert_eq!((failure.stage, failure.reason), (*stage, *reason), "{failure}");
                assert!(failure.message.contains(words), "{failure}");
                let names_the_url =
                    failure.message.starts_with("`http") && failure.message.contains("` cannot be scraped: ");
                assert_eq!(names_the_url, matches!(stage, Stage::Request | Stage::Body), "{failure}");
                assert!(failure.message.len() < 1500 && !failure.message.contains(char::is_control), "{failure}");
                let health =
                    if *critical { (Status::Critical, failure.message.clone()) } else { (Status::Ok, String::new()) };
                assert_eq!(seen.health, health);
            }
            (_, failure) => panic!("{failure:?}"),
        }
    }
}

/// A target, its server, and what is remembered of it.
struct Trial {
    server: Server,
    instance: Arc<Instance>,
    client: Client,
    pipeline: Pipeline,
}

/// What one scrape came to.
struct Seen {
    report: Report,
    submitted: Vec<String>,
    /// Status and message.
    health: (Status, String),
}

impl Trial {
    fn of(case: &Case) -> Self {
        let server = Server::start(case.under, case.steps.clone());
        let instance = instance(&case.settings(&server));
        Self::with(server, instance)
    }

    fn with(server: Server, instance: Arc<Instance>) -> Self {
        let client = Client::new(&instance.http, "retriever/test").unwrap();
        Self { server, client, pipeline: Pipeline::new(Arc::clone(&instance), None), instance }
    }

    async fn scrape(&mut self) -> Seen {
        let scrape = async {
            let mut out = Recorder::default();
            let response = self.client.fetch(&endpoint(&self.instance.endpoint)).await;
            let report = self.pipeline.scrape(response, UnixTime::from_seconds(1e9), &mut out).await;
            (report, out)
        };
        let (report, out) = tokio::time::timeout(PATIENCE, scrape).await.expect("a scrape must end");
        let submitted = out.submissions.iter().map(|submission| match submission {
            Recorded::Submission(submission) => self.pipeline.contexts().get(submission.context()).name.to_string(),
            other => panic!("{other:?}"),
        });
        let submitted = submitted.collect();
        let [health] = &out.service_checks[..] else { panic!("{:?}", out.service_checks) };
        assert_eq!(health.name, "openmetrics.health");
        Seen { report, submitted, health: (health.status, health.message.clone()) }
    }
}

impl Seen {
    fn assert_good(&self) {
        assert_eq!(self.report.failure, None);
        assert_eq!((&self.submitted[..], &self.health), (&["good".to_owned()][..], &(Status::Ok, String::new())));
    }
}

/// The one instance of these settings.
fn instance(text: &str) -> Arc<Instance> {
    let config = Config::read(&format!("instances:\n{text}"), "test", &NoSurroundings);
    assert!(!config.has_errors(), "{:?}", config.problems);
    match config.instances.into_iter().next() {
        Some(ConfiguredInstance::Valid(instance)) => Arc::from(instance),
        other => panic!("{other:?}"),
    }
}
