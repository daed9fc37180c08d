//! `retriever check`: scrapes each target once, or replays recordings of it, and prints what would be submitted.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use serde_json::Value;

use super::exit::Exit;
use super::explain::print_text;
use super::feed::{Feed, FeedArgs};
use super::format::Format;
use super::print::talk;
use super::runtime;
use super::settings::{SettingsArgs, show};
use crate::config::{ConfiguredInstance, EndpointText, Instance, Problem};
use crate::discover::redact;
use crate::explain::{self, Detail, Explanation, Listener, Wanted};
use crate::fixture::{Remark, Replayed, Scrapes, Stage, document};
use crate::pipeline::Report;

/// The arguments of `retriever check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(flatten)]
    feed: FeedArgs,

    /// Where to look: at what the mapping submits, or at what the aggregator makes of it
    #[arg(long, value_enum, default_value_t = StageArg::Submissions)]
    stage: StageArg,

    /// Tell the road of every series too, as `retriever explain` does of some
    #[arg(long)]
    explain: bool,

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
    let config = if args.feed.is_live() { args.settings.read() } else { args.settings.read_for_replay() };
    show(&config);
    let prepared = args.feed.read().and_then(|feed| Ok((feed, runtime::single().map_err(|error| error.to_string())?)));
    let (feed, runtime) = match prepared {
        Ok(prepared) => prepared,
        Err(message) => {
            talk(message);
            return Exit::Unusable;
        }
    };
    let source = Arc::new(args.settings.source());
    let mut exit = if config.has_errors() { Exit::Unusable } else { Exit::Fine };
    let mut checked = Vec::new();
    for instance in config.instances {
        checked.push(match instance {
            ConfiguredInstance::Invalid { endpoint, errors } => Checked::of(invalid(endpoint.as_ref(), &errors)),
            ConfiguredInstance::Valid(instance) => {
                let instance = Arc::from(instance);
                let listener =
                    args.explain.then(|| Listener::new(Arc::clone(&instance), Arc::clone(&source), Wanted::Everything));
                match runtime.block_on(scrape(&instance, &feed, args.stage.into(), listener)) {
                    Ok((replayed, explanation)) => {
                        exit = exit.max(complain(&redact(&instance.endpoint), &replayed.reports));
                        remark(args, &replayed.remarks);
                        Checked { document: replayed.document, explanation }
                    }
                    Err(message) => {
                        talk(&message);
                        exit = Exit::Unusable;
                        Checked::of(document::instance(Some(&instance.endpoint), Some(&message), &[]))
                    }
                }
            }
        });
    }
    match print(args.format, checked) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk(format_args!("cannot write the output: {error}"));
            Exit::Unusable
        }
        _ => exit,
    }
}

/// What is known of an instance in the end.
struct Checked {
    /// Its entry in the document.
    document: Value,
    /// The road of each series in the last scrape, if that is wanted.
    explanation: Option<Explanation>,
}

impl Checked {
    fn of(document: Value) -> Self {
        Self { document, explanation: None }
    }
}

fn invalid(endpoint: Option<&EndpointText>, errors: &[Problem]) -> Value {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    document::instance(endpoint, Some(&errors.join("\n")), &[])
}

/// All scrapes of a target; the last of them is explained if somebody listens.
async fn scrape(
    instance: &Arc<Instance>,
    feed: &Feed,
    stage: Stage,
    mut listener: Option<Listener>,
) -> Result<(Replayed, Option<Explanation>), String> {
    let answers = feed.answers(instance).await?;
    let mut scrapes = Scrapes::new(instance, stage, answers.watched_since);
    let mut last = None;
    for (response, now) in answers.scrapes {
        match &mut listener {
            None => scrapes.scrape(response, now).await,
            Some(listener) => {
                let (contribution, road) = scrapes.scrape_before(response, now, listener).await;
                last = Some(listener.conclude(&contribution, road));
            }
        }
    }
    let explanation =
        listener.map(|listener| Explanation { scrapes: last.into_iter().collect(), ..listener.explanation() });
    Ok((scrapes.finish(), explanation))
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

/// Says what the scrapes say about the settings.
fn remark(args: &CheckArgs, remarks: &[Remark]) {
    /// An Agent's file may list all that an exporter could ever have.
    const SHOWN: usize = 10;
    for remark in remarks.iter().take(SHOWN) {
        talk(args.settings.problem(remark));
    }
    if let Some(more) = remarks.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        talk(format_args!("and {more} more remarks on the settings; `retriever validate --fixture` lists all of them"));
    }
}

fn print(format: Format, checked: Vec<Checked>) -> io::Result<()> {
    match format {
        Format::Json => {
            let documents = checked.into_iter().map(|Checked { mut document, explanation }| {
                if let Some(explanation) = explanation {
                    document["explained"] = explain::json(&explanation);
                }
                document
            });
            let mut out = io::BufWriter::new(io::stdout().lock());
            serde_json::to_writer(&mut out, &document::document(&documents.collect::<Vec<_>>()))?;
            out.write_all(b"\n")?;
            out.flush()
        }
        Format::Text => {
            let texts = checked.iter().map(|Checked { document, explanation }| {
                let road = explanation.as_ref().map(|explanation| explain::text(explanation, None, Detail::EachRoad));
                format!("{}{}", text(document), road.map_or_else(String::new, |road| format!("\n{road}")))
            });
            print_text(&texts.collect::<String>())
        }
    }
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
