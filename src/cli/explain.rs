//! `retriever explain`: the road of the series that somebody asks for, or why there is none.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::exit::Exit;
use super::feed::{Feed, FeedArgs};
use super::format::Format;
use super::print::talk;
use super::runtime;
use super::settings::SettingsArgs;
use crate::config::{Config, ConfiguredInstance, Instance, Problem, Severity};
use crate::discover::redact;
use crate::explain::{self, Detail, Explanation, Listener, ScrapeAccount, Selector, Source, Wanted};
use crate::road::Road;

/// The arguments of `retriever explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The settings: a `conf.yaml` of Datadog's OpenMetrics check, or one of Retriever's own
    #[arg(value_name = "CONFIG")]
    config: PathBuf,

    /// What to explain: a metric as exposed (`http_requests_total`), or as Datadog has it (`web.http.requests.count`);
    /// with labels, which are those that are exposed, put it in single quotes: `'up{job=~"a|b"}'`
    #[arg(value_name = "SELECTOR")]
    selector: String,

    #[command(flatten)]
    feed: FeedArgs,

    /// Show every series in full, also where several go the same road
    #[arg(long)]
    all_series: bool,

    /// Show each of the scrapes, and not only the last
    #[arg(long)]
    all_scrapes: bool,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Exit status: 0 something that matches is submitted, 1 it is dropped or missing, 2 settings, selector or recordings
/// cannot be used.
pub(super) fn run(args: &ExplainArgs) -> Exit {
    match explanations(args) {
        Ok((explanations, exit)) => {
            let printed = match args.format {
                Format::Text => {
                    let detail = if args.all_series { Detail::EachSeries } else { Detail::EachRoad };
                    let subject = Some(args.selector.as_str());
                    let texts = explanations.iter().map(|explanation| explain::text(explanation, subject, detail));
                    print_text(&texts.collect::<Vec<_>>().join("\n"))
                }
                Format::Json => {
                    let instances = explanations.iter().map(explain::json).collect::<serde_json::Value>();
                    writeln!(io::stdout(), "{}", json!({ "selector": args.selector, "instances": instances }))
                }
            };
            match printed {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    talk(format_args!("cannot write the output: {error}"));
                    Exit::Unusable
                }
                _ => exit,
            }
        }
        Err(message) => {
            talk(message);
            Exit::Unusable
        }
    }
}

/// Prints text with colours where they are wanted.
pub(super) fn print_text(text: &str) -> io::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn explanations(args: &ExplainArgs) -> Result<(Vec<Explanation>, Exit), String> {
    let selector = Selector::parse(&args.selector).map_err(|error| error.to_string())?;
    let settings = SettingsArgs::of(args.config.clone());
    let config = if args.feed.is_live() { settings.read() } else { settings.read_for_replay() };
    show_errors(&config);
    let feed = args.feed.read()?;
    let runtime = runtime::single().map_err(|error| error.to_string())?;
    let source = Arc::new(settings.source());
    let mut exit = if config.has_errors() { Exit::Unusable } else { Exit::Findings };
    let mut explanations = Vec::new();
    for instance in config.instances {
        let explanation = match instance {
            ConfiguredInstance::Invalid { endpoint, errors } => invalid(endpoint.as_deref(), &errors, &source),
            ConfiguredInstance::Valid(instance) => {
                let instance = Arc::from(instance);
                let listener =
                    Listener::new(Arc::clone(&instance), Arc::clone(&source), Wanted::Selector(selector.clone()));
                runtime.block_on(scrape(&instance, &feed, listener, args.all_scrapes))
            }
        };
        if exit == Exit::Findings && explanation.scrapes.last().is_some_and(ScrapeAccount::is_submitted) {
            exit = Exit::Fine;
        }
        explanations.push(explanation);
    }
    Ok((explanations, exit))
}

/// Warnings are not what was asked for; what keeps the settings from being used is.
fn show_errors(config: &Config) {
    for error in config.problems.iter().filter(|problem| problem.severity == Severity::Error) {
        talk(error);
    }
}

fn invalid(endpoint: Option<&str>, errors: &[Problem], source: &Source) -> Explanation {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Explanation {
        endpoint: endpoint.map_or_else(|| "(no endpoint)".to_owned(), redact),
        file: source.file().to_owned(),
        error: Some(format!("the settings of this instance cannot be used: {}", errors.join("\n"))),
        ..Explanation::default()
    }
}

async fn scrape(instance: &Arc<Instance>, feed: &Feed, mut listener: Listener, all: bool) -> Explanation {
    let answers = match feed.answers(instance).await {
        Ok(answers) => answers,
        Err(message) => return Explanation { error: Some(message), ..listener.explanation() },
    };
    let mut road = Road::new(Arc::clone(instance), answers.watched_since);
    let mut scrapes = Vec::new();
    for (response, now) in answers.scrapes {
        let contribution = road.scrape(response, now, &mut listener).await;
        if !all {
            scrapes.clear();
        }
        scrapes.push(listener.conclude(&contribution, &road));
    }
    Explanation { scrapes, ..listener.explanation() }
}
