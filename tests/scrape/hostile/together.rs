//! All of them at once, in one process: it goes on, within bounds, and so does the target beside them.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::server::Server;
use super::{Case, End, all};
use crate::program::{PATIENCE, Running};

/// One of them as a target of the program, told from all others by its path.
struct Target {
    name: &'static str,
    case: Case,
    settings: String,
    _server: Server,
}

fn targets() -> Vec<Target> {
    let targets = all().into_iter().map(|(name, case)| {
        let server = Server::start(case.under, case.steps.clone());
        let settings = case.settings(&server).replace("/metrics\n", &format!("/{name}\n"));
        Target { name, case, settings, _server: server }
    });
    targets.collect()
}

impl Target {
    /// What is said of it.
    fn words(&self) -> &'static str {
        match self.case.end {
            End::Fine => "the target is up",
            End::Failed { words, .. } => words,
        }
    }
}

/// The lines about a target.
fn said<'s>(stderr: &'s str, name: &str) -> impl Iterator<Item = &'s str> {
    let end = format!("/{name}");
    stderr.lines().filter(move |line| line.split(' ').any(|word| word.starts_with("endpoint=") && word.ends_with(&end)))
}

/// Bytes of memory at the peak of a process.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn all_at_once_cost_neither_the_process_nor_another_target() {
    let targets = targets();
    let honest = crate::server::Server::with(crate::server::response("", super::server::GOOD)).await;
    let mut settings = format!(
        "api_key: abc\ndd_url: http://127.0.0.1:1\nadmin_listen: none\nmax_concurrent_scrapes: 16\ninstances:\n  - openmetrics_endpoint: {}\n    metrics: [good]\n    \
         min_collection_interval: 0.5\n",
        honest.url("/honest")
    );
    for target in &targets {
        let _ = writeln!(settings, "{}    min_collection_interval: 2", target.settings);
    }
    let mut running = Running::start(&settings, &[]);
    let mut waited_for = targets.iter().map(|target| target.name).collect::<Vec<_>>();
    let deadline = Instant::now() + PATIENCE;
    while !waited_for.is_empty() {
        let stderr = running.stderr();
        waited_for.retain(|name| said(&stderr, name).next().is_none());
        assert!(Instant::now() < deadline, "{waited_for:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let scrapes = honest.requests().len();
    running.until("two more scrapes of the honest one", || honest.requests().len() > scrapes + 2).await;
    let peak = peak(running.id());
    let finished = running.stop().await;
    finished.assert_code(0);
    for target in &targets {
        let (name, words) = (target.name, target.words());
        let told: Vec<_> = said(&finished.stderr, name).collect();
        assert!(
            told.iter().any(|line| line.replace(&format!("/{name}"), "/metrics").contains(words)),
            "{name}: `{words}` is missing: {told:#?}"
        );
    }
    println!("{} MiB at the peak", peak >> 20);
    assert!(peak < 100 << 20, "{} MiB at the peak", peak >> 20);
}
