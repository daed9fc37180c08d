//! Runs `retriever run` against thousands of targets on this machine for a while, and says what that takes: CPU, memory,
//! scrapes that were left out, and how even the scrapes begin.
//!
//! The targets, and the intake to which their metrics go, live in this process. Some targets never answer, and at some
//! addresses nobody listens.

mod exposition;
mod intake;
mod process;
mod report;
mod targets;

use std::error::Error;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::time::{Instant, MissedTickBehavior, interval};

use intake::Intake;
use process::Process;
use report::Report;
use targets::Targets;

#[derive(Debug, Parser)]
struct Arguments {
    /// The program that is tried
    #[arg(long, default_value = "target/release/retriever")]
    binary: PathBuf,
    /// How many targets there are
    #[arg(long, default_value_t = 2000)]
    targets: usize,
    /// How many series each of them has
    #[arg(long, default_value_t = 500)]
    series: usize,
    /// Of a hundred targets, how many never answer
    #[arg(long, default_value_t = 5)]
    hanging: usize,
    /// Of a hundred targets, at how many addresses nobody listens
    #[arg(long, default_value_t = 5)]
    refusing: usize,
    /// Seconds from one scrape to the next
    #[arg(long, default_value_t = 10)]
    interval: u64,
    /// How long it runs, in seconds
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// How much of that is not measured, in seconds
    #[arg(long, default_value_t = 60)]
    warm_up: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let targets = Targets::start(arguments.series).await?;
    let intake = Intake::start().await?;
    let [admin, nobody] = [free_address()?, free_address()?];
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("conf.yaml");
    std::fs::write(&path, settings(&arguments, targets.address(), nobody, intake.address(), admin))?;

    let process = Process::start(&arguments.binary, &path, &folder.path().join("log"))?;
    let start = Instant::now();
    let mut report = Report::new(start, Duration::from_secs(arguments.warm_up));
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while start.elapsed() < Duration::from_secs(arguments.seconds) {
        seconds.tick().await;
        report.add(process.usage()?);
    }
    let page = report::page(admin).await?;
    let stopped = process.stop()?;
    report.print(&page, &targets.begun(arguments.warm_up), &intake, &stopped);
    println!("{}", process::last_lines(&folder.path().join("log")));
    Ok(())
}

/// An address at which nobody listens, most likely.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn settings(
    arguments: &Arguments,
    targets: SocketAddr,
    nobody: SocketAddr,
    intake: SocketAddr,
    admin: SocketAddr,
) -> String {
    let mut settings = format!(
        "api_key: {}\ndd_url: http://{intake}\nadmin_listen: {admin}\nhostname: soak\nlog_level: warn\ninstances:\n",
        "0".repeat(32)
    );
    for number in 0..arguments.targets {
        // Spread over all of them, not one after the other.
        let kind = number * 37 % 100;
        let url = if kind < arguments.hanging {
            format!("http://{targets}/hang/{number}")
        } else if kind < arguments.hanging + arguments.refusing {
            format!("http://{nobody}/{number}")
        } else {
            format!("http://{targets}/metrics/{number}")
        };
        let interval = arguments.interval;
        let _ = writeln!(
            settings,
            "- openmetrics_endpoint: {url}\n  metrics: [.+]\n  min_collection_interval: {interval}\n  tags: [target:{number}]"
        );
    }
    settings
}

/// A counter that many may add to.
type Count = Arc<std::sync::atomic::AtomicU64>;
