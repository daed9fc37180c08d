//! `retriever validate`: reads the settings and reports every problem.

use serde_json::json;

use super::exit::Exit;
use super::format::Format;
use super::print::Printer;
use super::settings::SettingsArgs;
use crate::config::{Config, ConfiguredInstance, Output, Problem, Severity};

/// The arguments of `retriever validate`.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    settings: SettingsArgs,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Exit status: 0 nothing to report but notes, 1 warnings, 2 errors.
pub(super) fn run(args: &ValidateArgs) -> Exit {
    let config = args.settings.read();
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

fn print_text(config: &Config, out: &mut Printer) {
    for problem in &config.problems {
        out.line(problem);
    }
    let valid = config.instances.iter().filter(|instance| matches!(instance, ConfiguredInstance::Valid(_))).count();
    let output = match &config.global.output {
        Output::Api(api) => format!("the API at {}", api.url),
        Output::Dogstatsd(address) => format!("the DogStatsD listener at {address}"),
        Output::Console => "the console".to_owned(),
    };
    if config.has_errors() {
        out.line(format_args!(
            "the settings cannot be used: {valid} of {} instances are valid",
            config.instances.len()
        ));
    } else {
        out.line(format_args!("the settings can be used: {valid} instances, output to {output}"));
    }
}

fn print_json(problems: &[Problem], out: &mut Printer) {
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| {
            json!({
                "severity": match problem.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Note => "note",
                },
                "source": problem.source,
                "line": problem.position.map(|position| position.line),
                "column": problem.position.map(|position| position.column),
                "message": problem.message,
            })
        })
        .collect();
    out.line(json!({ "problems": problems }));
}
