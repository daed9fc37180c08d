//! `retriever metadata`: brings the help, types and units of metrics to where Datadog keeps them.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::exit::Exit;
use super::explain::print_text;
use super::feed::{Feed, FeedArgs};
use super::format::Format;
use super::print::talk;
use super::runtime;
use super::settings::{SettingsArgs, show};
use crate::config::{ConfiguredInstance, Global, Instance};
use crate::discover::redact;
use crate::metadata::{Catalogue, Collector, Entry, Errand, Pace, State, bring, csv, json, summary, text};
use crate::road::Road;
use crate::submit::MetadataApi;

/// How many requests may be under way together.
const TOGETHER: usize = 4;

/// The arguments of `retriever metadata`.
#[derive(Debug, clap::Args)]
pub(super) struct MetadataArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(flatten)]
    feed: FeedArgs,

    /// Print what would be changed, and change nothing; without an application key, print what the targets say
    #[arg(long)]
    dry_run: bool,

    /// Write the metrics as the `metadata.csv` of an integration instead, and ask Datadog nothing; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "rate", "format"])]
    csv: Option<PathBuf>,

    /// The most requests to Datadog in a second
    #[arg(long, value_name = "NUMBER", default_value_t = 5.0, value_parser = rate)]
    rate: f64,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("expected 0.01 to 1000 requests in a second".to_owned()),
    }
}

/// Exit status: 0 Datadog has what the targets say, 1 a target failed, or Datadog did not take something, 2 settings, keys or
/// recordings cannot be used.
pub(super) fn run(args: &MetadataArgs) -> Exit {
    match bring_all(args) {
        Ok(exit) => exit,
        Err(message) => {
            talk(message);
            Exit::Unusable
        }
    }
}

fn bring_all(args: &MetadataArgs) -> Result<Exit, String> {
    let config = if args.feed.is_live() { args.settings.read() } else { args.settings.read_for_replay() };
    show(&config);
    let feed = args.feed.read()?;
    let runtime = runtime::single().map_err(|error| error.to_string())?;
    let way = Way::of(args, &config.global)?;
    let mut exit = if config.has_errors() { Exit::Unusable } else { Exit::Fine };
    let mut catalogue = Catalogue::default();
    for instance in config.instances {
        // What is wrong with the others was said above.
        let ConfiguredInstance::Valid(instance) = instance else { continue };
        exit = exit.max(runtime.block_on(collect(&Arc::from(instance), &feed, &mut catalogue))?);
    }
    tell_conflicts(&catalogue);
    let states = match way {
        Way::Csv(path) => return write_csv(&path, &csv(&catalogue)).map(|()| exit),
        Way::Print => vec![State::Found; catalogue.metrics.len()],
        Way::Bring(api, errand) => {
            let pace = Pace { rate: args.rate, together: TOGETHER, waits: tell_wait };
            runtime.block_on(bring(*api, &catalogue, errand, pace))
        }
    };
    let entries = catalogue.metrics.iter().zip(states);
    let entries = entries.map(|((name, metric), state)| Entry { name, facts: &metric.facts, state });
    let entries: Vec<_> = entries.collect();
    if entries.iter().any(|entry| entry.state.is_finding()) {
        exit = exit.max(Exit::Findings);
    }
    let printed = match args.format {
        Format::Json => writeln!(io::stdout(), "{}", json(&entries, &catalogue)),
        Format::Text => print_text(&format!("{}{}\n", text(&entries), summary(&entries))),
    };
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the output: {error}")),
        _ => Ok(exit),
    }
}

/// What is done with what the targets say.
enum Way {
    Csv(PathBuf),
    Print,
    Bring(Box<MetadataApi>, Errand),
}

impl Way {
    fn of(args: &MetadataArgs, global: &Global) -> Result<Self, String> {
        if let Some(path) = &args.csv {
            return Ok(Self::Csv(path.clone()));
        }
        let errand = if args.dry_run { Errand::Compare } else { Errand::Change };
        match (&global.api, &global.app_key) {
            (Some(api), Some(app_key)) => {
                let api = MetadataApi::new(api, app_key).map_err(|error| error.to_string())?;
                Ok(Self::Bring(Box::new(api), errand))
            }
            _ if args.dry_run => {
                talk(
                    "what Datadog has is not compared: that takes an API key (`api_key`, DD_API_KEY) and an application \
                     key (`app_key`, DD_APP_KEY)",
                );
                Ok(Self::Print)
            }
            (None, _) => {
                Err("there is no API key: set `api_key` or DD_API_KEY; `--dry-run` and `--csv` need none".into())
            }
            (_, None) => {
                Err("there is no application key, without which metadata cannot be changed: set `app_key` or \
                              DD_APP_KEY; `--dry-run` and `--csv` need none"
                    .into())
            }
        }
    }
}

/// Scrapes a target and takes in what it says. The error says why it cannot even be asked.
async fn collect(instance: &Arc<Instance>, feed: &Feed, catalogue: &mut Catalogue) -> Result<Exit, String> {
    let answers = feed.answers(instance).await?;
    let (mut road, mut collector) = (Road::new(Arc::clone(instance), answers.watched_since), Collector::default());
    let mut exit = Exit::Fine;
    for (response, now) in answers.scrapes {
        let report = road.scrape(response, now, &mut collector).await.report;
        if let Some(failure) = report.failure.or(report.ignored) {
            talk(format_args!("{}: {failure}", redact(&instance.endpoint)));
            exit = Exit::Findings;
        }
    }
    catalogue.add(instance, collector);
    Ok(exit)
}

fn tell_wait(wait: Duration) {
    talk(format_args!("Datadog asks to wait {} s", wait.as_secs()));
}

fn tell_conflicts(catalogue: &Catalogue) {
    /// Two versions of an exporter may differ in many words.
    const SHOWN: usize = 10;
    for conflict in catalogue.conflicts.iter().take(SHOWN) {
        talk(conflict);
    }
    if let Some(more) = catalogue.conflicts.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        talk(format_args!("and {more} more differences; `--format json` has all of them"));
    }
}

fn write_csv(path: &Path, text: &str) -> Result<(), String> {
    let written =
        if path == Path::new("-") { io::stdout().write_all(text.as_bytes()) } else { std::fs::write(path, text) };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("`{}` cannot be written: {error}", path.display()))
        }
        _ => Ok(()),
    }
}
