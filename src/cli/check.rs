//! `retriever check`: scrapes each target once, or replays recordings of it, and prints what would be submitted.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::exit::Exit;
use super::format::Format;
use super::print::talk;
use super::runtime;
use super::settings::{SettingsArgs, show};
use crate::config::{ConfiguredInstance, Instance, Problem};
use crate::discover::{Endpoint, redact};
use crate::fixture::{Clock, Recording, Replayed, START, Scrapes, Stage, document, replay};
use crate::pipeline::Report;
use crate::scrape::{Client, USER_AGENT};
use crate::time::UnixTime;

/// The arguments of `retriever check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    /// Read this recorded scrape instead of the network: a raw HTTP response, or a bare body. Several are scrapes that
    /// follow each other
    #[arg(long, value_name = "FILE")]
    fixture: Vec<PathBuf>,

    /// The `Content-Type` of bare bodies [default: told by the ending: .prom and .txt are Prometheus text, .om is
    /// OpenMetrics, .pb is protobuf]
    #[arg(long, value_name = "TYPE", requires = "fixture")]
    content_type: Option<String>,

    /// When the first recorded scrape takes place, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value_t = START, requires = "fixture")]
    now: f64,

    /// When Retriever is taken to have started, in seconds since 1970, for `use_process_start_time` [default: before
    /// any process of a target did]
    #[arg(long, value_name = "SECONDS", requires = "fixture")]
    started: Option<f64>,

    /// Where to look: at what the mapping submits, or at what the aggregator makes of it
    #[arg(long, value_enum, default_value_t = StageArg::Submissions)]
    stage: StageArg,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum StageArg {
    /// Submissions, as Datadog's check makes them
    Submissions,
    /// Points and sketches, as they are sent
    Points,
}

impl From<StageArg> for Stage {
    fn from(stage: StageArg) -> Self {
        match stage {
            StageArg::Submissions => Self::Submissions,
            StageArg::Points => Self::Points,
        }
    }
}

/// Exit status: 0 fine, 1 a target failed or a line was malformed, 2 settings or recordings cannot be used.
pub(super) fn run(args: &CheckArgs) -> Exit {
    let config = if args.fixture.is_empty() { args.settings.read() } else { args.settings.read_for_replay() };
    show(&config);
    let recordings = match read_recordings(args) {
        Ok(recordings) => recordings,
        Err(message) => {
            talk(message);
            return Exit::Unusable;
        }
    };
    let mut exit = if config.has_errors() { Exit::Unusable } else { Exit::Fine };
    let runtime = match runtime::single() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk(error);
            return Exit::Unusable;
        }
    };
    let mut documents = Vec::new();
    for instance in config.instances {
        let document = match instance {
            ConfiguredInstance::Invalid { endpoint, errors } => invalid(endpoint.as_deref(), &errors),
            ConfiguredInstance::Valid(instance) => {
                let instance = Arc::from(instance);
                let replayed = match &recordings {
                    Some(recordings) => {
                        let clock = Clock {
                            start: UnixTime::from_seconds(args.now),
                            watched_since: args.started.map(UnixTime::from_seconds),
                        };
                        Ok(runtime.block_on(replay(&instance, recordings, args.stage.into(), clock)))
                    }
                    None => runtime.block_on(live(&instance, args.stage.into())),
                };
                match replayed {
                    Ok(replayed) => {
                        exit = exit.max(complain(&redact(&instance.endpoint), &replayed.reports));
                        replayed.document
                    }
                    Err(message) => {
                        talk(&message);
                        exit = Exit::Unusable;
                        document::instance(Some(&instance.endpoint), Some(&message), &[])
                    }
                }
            }
        };
        documents.push(document);
    }
    match print(args.format, &documents) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk(format_args!("cannot write the output: {error}"));
            Exit::Unusable
        }
        _ => exit,
    }
}

fn read_recordings(args: &CheckArgs) -> Result<Option<Vec<Recording>>, String> {
    if args.fixture.is_empty() {
        return Ok(None);
    }
    let read = args.fixture.iter().map(|path| Recording::read(path, args.content_type.as_deref()));
    read.collect::<Result<_, _>>().map(Some).map_err(|error| error.to_string())
}

fn invalid(endpoint: Option<&str>, errors: &[Problem]) -> Value {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    document::instance(endpoint, Some(&errors.join("\n")), &[])
}

/// One scrape of the endpoint itself.
async fn live(instance: &Arc<Instance>, stage: Stage) -> Result<Replayed, String> {
    let endpoint = Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
    let client = Client::new(&instance.http, USER_AGENT).map_err(|error| error.to_string())?;
    let mut scrapes = Scrapes::new(instance, stage, Some(UnixTime::now()));
    let response = client.fetch(&endpoint).await;
    scrapes.scrape(response, UnixTime::now()).await;
    Ok(scrapes.finish())
}

/// Says on the standard error what went wrong.
fn complain(endpoint: &str, reports: &[Report]) -> Exit {
    let mut exit = Exit::Fine;
    for report in reports {
        let diagnostics = report.told_diagnostics();
        for diagnostic in diagnostics {
            talk(format_args!("{endpoint}: {diagnostic}"));
            exit = Exit::Findings;
        }
        let more = report.totals.malformed.saturating_sub(diagnostics.len() as u64);
        if more > 0 && !diagnostics.is_empty() {
            talk(format_args!("{endpoint}: and {more} more malformed lines"));
        }
        if let Some(failure) = &report.failure {
            talk(format_args!("{endpoint}: {failure}"));
            exit = Exit::Findings;
        } else if let Some(ignored) = &report.ignored {
            talk(format_args!("{endpoint}: ignored: {ignored}"));
        }
    }
    exit
}

fn print(format: Format, documents: &[Value]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        Format::Json => serde_json::to_writer(&mut out, &document::document(documents))?,
        Format::Text => {
            for document in documents {
                out.write_all(text(document).as_bytes())?;
            }
        }
    }
    if matches!(format, Format::Json) {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The entry of an instance for people.
fn text(instance: &Value) -> String {
    let mut text = String::new();
    let endpoint = instance["endpoint"].as_str().map_or_else(|| "(no endpoint)".to_owned(), redact);
    if let Some(error) = instance["error"].as_str() {
        let _ = writeln!(text, "{endpoint}: {error}");
    }
    for scrape in instance["scrapes"].as_array().into_iter().flatten() {
        let state = scrape["error"].as_str().unwrap_or("OK");
        let _ = writeln!(text, "=== {endpoint}: {state}");
        for list in ["submissions", "points", "sketches", "service_checks"] {
            let entries = scrape[list].as_array().into_iter().flatten();
            let lines: Vec<[String; 4]> = entries.map(|entry| columns(list, entry)).collect();
            table(&mut text, &lines);
        }
        for dropped in scrape["dropped"].as_array().into_iter().flatten() {
            let reason = dropped["reason"].as_str().unwrap_or_default();
            let _ = writeln!(text, "--- {} dropped: {reason}", dropped["count"]);
        }
    }
    text
}

/// What an entry is, its name, its value, and the rest.
fn columns(list: &str, entry: &Value) -> [String; 4] {
    let word = |key: &str| entry[key].as_str().map_or_else(|| entry[key].to_string(), ToOwned::to_owned);
    let tags: Vec<&str> = entry["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut rest = tags.join(",");
    if let Some(host) = entry["hostname"].as_str().or(entry["host"].as_str()).filter(|host| !host.is_empty()) {
        let _ = write!(rest, " host {host}");
    }
    match list {
        "sketches" => {
            let value = format!(
                "count {} min {} max {} avg {} sum {}",
                word("count"),
                word("min"),
                word("max"),
                word("avg"),
                word("sum")
            );
            ["sketch".to_owned(), word("metric"), value, rest]
        }
        "points" => [word("type"), word("metric"), word("value"), rest],
        "service_checks" => {
            if let Some(message) = entry["message"].as_str().filter(|message| !message.is_empty()) {
                let _ = write!(rest, " {message}");
            }
            ["service_check".to_owned(), word("name"), word("status"), rest]
        }
        _ => {
            if entry["type"] == "histogram_bucket" {
                let _ = write!(rest, " bucket ({}, {}]", word("lower_bound"), word("upper_bound"));
            }
            [word("type"), word("name"), word("value"), rest]
        }
    }
}

/// Lines with their first columns aligned.
fn table(text: &mut String, lines: &[[String; 4]]) {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let (kind, name, value) = (width(0), width(1).min(80), width(2).min(24));
    for line in lines {
        let _ = writeln!(text, "{:kind$}  {:name$}  {:>value$}  {}", line[0], line[1], line[2], line[3]);
    }
}
