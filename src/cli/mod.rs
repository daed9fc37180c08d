//! The commands: each reads its arguments, builds the stages it needs, connects them, and prints.
//!
//! Standard output is data, standard error is talk.

mod check;
mod doctor;
mod exit;
mod explain;
mod feed;
mod format;
#[cfg(feature = "kerberos")]
mod kerberos;
mod metadata;
mod parse;
mod print;
mod record;
mod recordings;
mod run;
mod runtime;
mod settings;
mod test;
mod validate;

use std::process::ExitCode;

use clap::Parser;

/// Fetch OpenMetrics and Prometheus endpoints and bring their metrics to Datadog
#[derive(Debug, Parser)]
#[command(name = "retriever", version, propagate_version = true)]
#[command(after_help = "Exit status: 0 fine, 1 findings (a target failed, a line was malformed, a fixture differs), \
                        2 usage or settings.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Scrape on a schedule until stopped
    Run(run::RunArgs),
    /// Scrape once and print what would be submitted, and what was dropped and why
    Check(check::CheckArgs),
    /// Tell what becomes of a metric, step by step, or why it is missing and what to write to get it
    Explain(explain::ExplainArgs),
    /// Walk the way to a target and on to Datadog, and tell of each step what was found and what to do
    Doctor(doctor::DoctorArgs),
    /// Bring the help, types and units of metrics to where Datadog keeps them
    Metadata(metadata::MetadataArgs),
    /// Read the settings and report every problem
    Validate(validate::ValidateArgs),
    Parse(parse::ParseArgs),
    /// Save scrapes as fixtures
    Record(record::RecordArgs),
    /// Replay fixtures and compare with their snapshots
    Test(test::TestArgs),
    /// Make the tokens of one request; for the process that sends it
    #[cfg(feature = "kerberos")]
    #[command(hide = true)]
    Kerberos(kerberos::KerberosArgs),
}

/// Runs the command that the arguments of the process name.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Metadata(args) => metadata::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Parse(args) => parse::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Test(args) => test::run(&args),
        #[cfg(feature = "kerberos")]
        Command::Kerberos(args) => kerberos::run(&args),
    }
    .into()
}
