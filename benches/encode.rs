//! What it costs to make payloads of points: those of successive scrapes, encoded, packed and compressed, and delivered to
//! an intake on loopback, which is not part of what is measured.
//!
//! `cargo bench --bench encode`

#![allow(clippy::unwrap_used, reason = "what fails here fails the measurement")]
#![allow(dead_code, reason = "the expositions are shared with other benchmarks")]

mod corpora;
#[path = "../tests/support/mod.rs"]
mod support;
mod target;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use corpora::generate;
use retriever::config::{Config, NoSurroundings};
use retriever::parse::Format;
use retriever::submit::{Delivery, Submitter};
use retriever::time::UnixTime;
use support::intake::Intake;
use target::Target;
use tokio::runtime::Runtime;

/// Scrapes that follow each other in turn.
const SUCCESSIVE: u64 = 4;

/// Prints a row about a target.
fn measure(runtime: &Runtime, name: &str, body: impl Fn(u64) -> String) {
    let intake = runtime.block_on(Intake::start());
    let settings = format!(
        "{{api_key: 0123456789abcdef0123456789abcdef, dd_url: '{}', hostname: here, tags: ['env:prod', 'team:a'], \
         forwarder_retry_queue_payloads_max_size: 1000000000, instances: []}}",
        intake.url()
    );
    let global = Config::read(&settings, "bench", &NoSurroundings).global;
    let in_runtime = runtime.enter();
    let submitter = Submitter::start(&global.outputs, global.enrichment).unwrap();
    drop(in_runtime);
    let bodies: Vec<_> = (0..SUCCESSIVE).map(|scrape| Bytes::from(body(scrape))).collect();
    let mut target = Target::new();
    let (mut times, mut points) = (Vec::new(), 0);
    let mut submit = |target: &mut Target, body| {
        let contribution = target.scrape(body).1;
        let delivery = Delivery {
            events: Vec::new(),
            marks: None,
            target: "http://target/metrics".into(),
            time: UnixTime::now(),
            batch: contribution.batch,
            slots: Cow::Borrowed(target.road.slots()),
            service_checks: Vec::new(),
            default_host: true,
        };
        let begun = Instant::now();
        submitter.submit(&delivery).unwrap();
        times.push(begun.elapsed());
        points += delivery.batch.points.len();
        let batch = delivery.batch;
        target.road.reuse(batch);
    };
    submit(&mut target, &bodies[0]);
    let rounds = 8_000_000 / bodies[0].len() + 4;
    for body in (0..rounds).flat_map(|_| &bodies) {
        submit(&mut target, body);
    }
    let scrapes = times.len();
    times.sort_unstable();
    assert_eq!(runtime.block_on(submitter.drain(Duration::from_mins(1))).given_up, 0);
    let each = points / scrapes;
    let nanoseconds = |took: Duration| took.as_nanos() as f64 / each as f64;
    println!(
        "| {name} | {each} | {:.0} ns | {:.0} ns | {:.2} |",
        nanoseconds(times[scrapes / 2]),
        nanoseconds(times[0]),
        submitter.stats().bytes_sent as f64 / points as f64,
    );
}

fn main() {
    let runtime = Runtime::new().unwrap();
    println!("| exposition | points | each, median | each, least | bytes each, compressed |");
    println!("|---|---|---|---|---|");
    measure(&runtime, "kubernetes", |scrape| generate::kubernetes(100_000, scrape, false));
    measure(&runtime, "histograms", |scrape| generate::histograms(100_000, scrape));
    measure(&runtime, "mixed", |scrape| generate::mixed(Format::PrometheusText, 10_000, scrape));
}
