//! Runs `retriever run` against targets and an intake on this machine that both misbehave, kills it again and again, and
//! checks that every counter arrives: what was delivered has to be what the targets counted.
//!
//! Exit status: 0 everything adds up, 1 something does not, 2 the trial could not be held.

mod trial;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use trial::{DataDir, Plan};

#[derive(Debug, Parser)]
struct Arguments {
    /// The program that is tried
    #[arg(long, default_value = "target/release/retriever")]
    binary: PathBuf,
    /// How long it is disturbed, in seconds; after that it has time to deliver the rest
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
    /// How often it is killed in that time
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// How often it is asked to stop, beside that
    #[arg(long, default_value_t = 6)]
    stops: usize,
    /// What all chance is made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many targets there are
    #[arg(long, default_value_t = 8)]
    targets: usize,
    /// Seconds from one scrape of a target to the next
    #[arg(long, default_value_t = 1)]
    interval: u64,
    /// Where the program keeps what has to survive it; `none` for nowhere, a folder of the trial's own if not given
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Do not check the sums of distributions
    #[arg(long)]
    inexact_sums: bool,
    /// Where the program's log goes; a file that goes away with the trial if not given
    #[arg(long)]
    log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let data_dir = match arguments.data_dir {
        None => DataDir::Own,
        Some(path) if path.as_os_str() == "none" => DataDir::Nowhere,
        Some(path) => DataDir::At(path),
    };
    let plan = Plan {
        binary: arguments.binary,
        duration: Duration::from_secs(arguments.seconds),
        kills: arguments.kills,
        stops: arguments.stops,
        seed: arguments.seed,
        targets: arguments.targets,
        interval: arguments.interval,
        data_dir,
        sums: !arguments.inexact_sums,
        log: arguments.log,
    };
    match trial::hold(&plan).await {
        Ok(verdict) => {
            print!("{verdict}");
            if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            eprintln!("the trial could not be held: {error}");
            ExitCode::from(2)
        }
    }
}
