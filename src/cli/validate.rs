//! `retriever validate`: reads the settings and reports every problem.

use std::sync::Arc;

use serde_json::json;

use super::exit::Exit;
use super::format::Format;
use super::print::{Printer, talk};
use super::recordings::RecordingArgs;
use super::runtime;
use super::settings::SettingsArgs;
use crate::config::{Config, ConfiguredInstance, Problem, Severity};
use crate::fixture::{Clock, Stage, replay};

/// The arguments of `retriever validate`.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    #[command(flatten)]
    recordings: RecordingArgs,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Exit status: 0 nothing to report but notes, 1 warnings, 2 errors.
pub(super) fn run(args: &ValidateArgs) -> Exit {
    let mut config = args.settings.read();
    match remarks(args, &config) {
        Ok(remarks) => config.problems.extend(remarks),
        Err(message) => {
            talk(message);
            return Exit::Unusable;
        }
    }
    config.problems.sort_by_key(|problem| problem.position);
    let mut out = Printer::default();
    match args.format {
        Format::Text => print_text(&config, &mut out),
        Format::Json => print_json(&config.problems, &mut out),
    }
    let exit = if config.has_errors() {
        Exit::Unusable
    } else if config.problems.iter().all(|problem| problem.severity == Severity::Note) {
        Exit::Fine
    } else {
        Exit::Findings
    };
    out.finish(exit)
}

/// What recorded scrapes say about the settings, if there are any.
fn remarks(args: &ValidateArgs, config: &Config) -> Result<Vec<Problem>, String> {
    if args.recordings.is_empty() {
        return Ok(Vec::new());
    }
    let recordings = args.recordings.read()?;
    let runtime = runtime::single().map_err(|error| error.to_string())?;
    let mut problems = Vec::new();
    for instance in &config.instances {
        let ConfiguredInstance::Valid(instance) = instance else { continue };
        let instance = Arc::new(instance.as_ref().clone());
        let replayed = runtime.block_on(replay(&instance, &recordings, Stage::Points, Clock::default()));
        problems.extend(replayed.remarks.iter().map(|remark| args.settings.problem(remark)));
    }
    Ok(problems)
}

fn print_text(config: &Config, out: &mut Printer) {
    for problem in &config.problems {
        out.line(problem);
    }
    let valid = config.instances.iter().filter(|instance| matches!(instance, ConfiguredInstance::Valid(_))).count();
    if config.has_errors() {
        out.line(format_args!(
            "the settings cannot be used: {valid} of {} instances are valid",
            config.instances.len()
        ));
    } else {
        let outputs: Vec<String> = config.global.outputs.iter().map(ToString::to_string).collect();
        out.line(format_args!("the settings can be used: {valid} instances, output to {}", outputs.join(" and ")));
    }
}

fn print_json(problems: &[Problem], out: &mut Printer) {
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| {
            json!({
                "severity": problem.severity.as_str(),
                "source": problem.source,
                "line": problem.position.map(|position| position.line),
                "column": problem.position.map(|position| position.column),
                "message": problem.message,
            })
        })
        .collect();
    out.line(json!({ "problems": problems }));
}
