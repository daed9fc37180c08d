//! What successive scrapes cost from their bytes in memory to points, from 1,000 to 1,000,000 series: time for each sample
//! of the first scrape and of later ones, and memory for each series; and memory while series come and go.
//!
//! Four scrapes follow each other in turn; in each some values have changed and some series were replaced.
//!
//! `cargo bench --bench scale`

#![allow(dead_code, reason = "the expositions are shared with other benchmarks")]

mod corpora;
mod target;

use std::io::{BufRead, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use corpora::generate::{self, Succession};
use target::Target;

/// Scrapes that follow each other.
const SUCCESSIVE: u64 = 4;

/// After how many scrapes the memory is looked at where series are replaced.
const CHURNED: [u64; 7] = [0, 6, 12, 25, 50, 100, 200];

/// What asks this program to be the process of such a target.
const CHURN: &str = "churn";

/// The memory of the process in bytes, of which the kernel knows.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn samples(body: &Bytes) -> usize {
    body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#').count()
}

/// Prints a row about successive bodies of one target.
fn measure(name: &str, bodies: &[Bytes]) {
    let samples = samples(&bodies[0]);
    let before = resident();
    let mut target = Target::new();
    let first = target.time(&bodies[0]);
    for body in bodies {
        target.time(body);
    }
    let rounds = (2_000_000 / samples).clamp(5, 200);
    let next = median((0..rounds).flat_map(|_| bodies).map(|body| target.time(body)).collect());
    let bytes = resident().saturating_sub(before) / samples as u64;
    let each = |took: Duration| took.as_secs_f64() * 1e9 / samples as f64;
    println!(
        "| {name} | {samples} | {:.2} ms | {:.0} ns | {:.3} ms | {:.1} ns | {:.1} | {bytes} |",
        first.as_secs_f64() * 1e3,
        each(first),
        next.as_secs_f64() * 1e3,
        each(next),
        1e3 / each(next),
    );
}

/// Prints a row about 20,000 series of which a twentieth is replaced at each scrape. The target is in a process of its
/// own, in which nothing takes room but what is remembered of it.
fn churn(name: &str, body: impl Fn(Succession) -> String) {
    let this = std::env::current_exe().expect("a running program has a file");
    let mut target = Command::new(this).args([CHURN, name]).stdin(Stdio::piped()).spawn().expect("it runs once more");
    let mut bodies = target.stdin.take().expect("it is piped");
    for scrape in 0..=CHURNED[CHURNED.len() - 1] {
        let body = body(Succession::replacing(50, scrape));
        writeln!(bodies, "{}", body.len()).and_then(|()| bodies.write_all(body.as_bytes())).expect("it reads");
    }
    drop(bodies);
    assert!(target.wait().is_ok_and(|status| status.success()));
}

/// The process of such a target: scrapes the bodies of its input, before each of which stands its length.
fn churned(name: &str) {
    let mut input = std::io::stdin().lock();
    let (mut target, mut body) = (Target::new(), Vec::new());
    print!("| {name} |");
    for scrape in 0.. {
        let mut length = String::new();
        input.read_line(&mut length).expect("the input is text");
        let Ok(length) = length.trim().parse() else { break };
        body.clear();
        input.by_ref().take(length).read_to_end(&mut body).expect("there is as much");
        // The same room for each body.
        let bytes = Bytes::from(body);
        target.time(&bytes);
        body = Vec::from(bytes);
        if CHURNED.contains(&scrape) {
            print!(" {:.1} |", resident() as f64 / f64::from(1 << 20));
        }
    }
    println!();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [churn, name, ..] = &arguments[..]
        && churn == CHURN
    {
        return churned(name);
    }
    println!("MB after so many scrapes of 20,000 series, of which 5 % are replaced at each:\n");
    println!("| exposition | {} |", CHURNED.map(|scrape| scrape.to_string()).join(" | "));
    println!("|---{}|", "|---".repeat(CHURNED.len()));
    churn("kubernetes", |turns| generate::kubernetes_after(20_000, turns, false));
    churn("histograms", |turns| generate::histograms_after(20_000, turns));
    println!(
        "\n| exposition | samples | first scrape | each | next scrape | each | million a second | bytes a series |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let bodies =
        |make: &dyn Fn(u64) -> String| (0..SUCCESSIVE).map(|scrape| Bytes::from(make(scrape))).collect::<Vec<_>>();
    for series in [1_000, 10_000, 100_000, 1_000_000] {
        measure("kubernetes", &bodies(&|scrape| generate::kubernetes(series, scrape, false)));
    }
    measure("kubernetes, shuffled", &bodies(&|scrape| generate::kubernetes(100_000, scrape, true)));
    measure("histograms", &bodies(&|scrape| generate::histograms(100_000, scrape)));
}
