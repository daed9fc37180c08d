//! What it costs to make payloads of points: a million of them, encoded, packed and compressed, and delivered to an
//! intake on loopback, which is not part of what is measured.
//!
//! `cargo bench --bench encode`

#![allow(clippy::unwrap_used, reason = "what fails here fails the measurement")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use retriever::aggregate::{Batch, Point, PointKind, Slots};
use retriever::config::{Config, NoSurroundings};
use retriever::submit::{Delivery, Submitter};
use retriever::time::UnixTime;
use support::intake::Intake;

const SERIES: u32 = 100_000;
const SCRAPES: u32 = 10;

/// Series with eight tags, as kube-state-metrics has them.
fn series() -> (Slots, Vec<Point>) {
    let mut slots = Slots::default();
    let points = (0..SERIES).map(|number| {
        let pod = number / 20;
        let hash = pod.wrapping_mul(0x9e37_79b9);
        let tags = [
            "endpoint:http://kube-state-metrics.kube-system:8080/metrics".to_owned(),
            "kube_cluster_name:production".to_owned(),
            format!("namespace:team-{}", pod % 40),
            format!("pod:recommender-api-{hash:08x}-{:05x}", hash % 99_991),
            format!("uid:{hash:08x}-4b1d-4c6e-9f3a-{:012x}", u64::from(hash) * 77),
            format!("container:recommender-{}", pod % 10),
            format!("node:ip-10-{}-{}.eu-west-1.compute.internal", hash % 251, hash % 253),
            format!("phase:{}", number % 5),
        ];
        let name = format!("kube.pod.metric_{}", number % 20);
        let series = slots.intern(&name, "", tags.iter().map(String::as_str), None);
        Point { series, kind: PointKind::Gauge, value: f64::from(number % 7) }
    });
    let points = points.collect();
    (slots, points)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let intake = Intake::start().await;
    let settings = format!(
        "{{api_key: 0123456789abcdef0123456789abcdef, dd_url: '{}', hostname: here, tags: ['env:prod', 'team:a'], \
         forwarder_retry_queue_payloads_max_size: 1000000000, instances: []}}",
        intake.url()
    );
    let global = Config::read(&settings, "bench", &NoSurroundings).global;
    let submitter = Submitter::start(&global.outputs, global.enrichment).unwrap();
    let (slots, points) = series();
    let mut took = Duration::ZERO;
    for scrape in 0..SCRAPES {
        let timestamp = 1_700_000_000 + i64::from(scrape) * 15;
        let delivery = Delivery {
            events: Vec::new(),
            marks: None,
            target: "http://target/metrics".into(),
            time: UnixTime::now(),
            batch: Batch { timestamp, interval: 15, points: points.clone(), sketches: Vec::new() },
            slots: Cow::Borrowed(&slots),
            service_checks: Vec::new(),
            default_host: true,
        };
        let begun = Instant::now();
        submitter.submit(&delivery).unwrap();
        took += begun.elapsed();
    }
    assert_eq!(submitter.drain(Duration::from_mins(1)).await.given_up, 0);
    let stats = submitter.stats();
    let count = f64::from(SERIES * SCRAPES);
    println!("{:.2} million points/s", count / took.as_secs_f64() / 1e6);
    println!("{:.0} ns a point, with packing and compressing", took.as_nanos() as f64 / count);
    println!("{:.2} bytes a point, compressed", stats.bytes_sent as f64 / count);
    println!("{} payloads", stats.payloads_delivered);
}
