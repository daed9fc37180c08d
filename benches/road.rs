//! What a scrape costs between its body in memory and its points: the first of a target, and each one after it.
//!
//! `cargo bench --bench road`

#![allow(dead_code, reason = "the expositions are shared with other benchmarks")]

mod corpora;
mod target;

use std::time::Duration;

use bytes::Bytes;
use corpora::Corpus;
use divan::Bencher;
use divan::counter::ItemsCount;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use retriever::config::BodyLimits;
use retriever::parse::Format;
use retriever::road::{Contribution, Road};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use target::{Unseen, instance};
use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    body: Bytes,
    content_type: &'static str,
    now: UnixTime,
}

impl Bench {
    fn new(corpus: &Corpus) -> Self {
        let content_type = match corpus.format {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            _ => "text/plain; version=0.0.4; charset=utf-8",
        };
        Self {
            runtime: Builder::new_current_thread().build().expect("a runtime can be made"),
            body: Bytes::copy_from_slice(corpus.text.as_bytes()),
            content_type,
            now: UnixTime::from_seconds(1_700_000_000.0),
        }
    }

    fn scrape(&mut self, road: &mut Road) -> Contribution {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let head = Head { status: 200, reason: String::new(), final_url: String::new(), headers };
        let body = Body::from_bytes(&head, self.body.clone(), &BodyLimits::default());
        self.now = self.now.plus(Duration::from_secs(15));
        self.runtime.block_on(road.scrape(Ok(Response { head, body }), self.now, &mut Unseen))
    }
}

fn samples(corpus: &Corpus) -> usize {
    corpus.text.lines().filter(|line| !line.starts_with('#')).count()
}

/// All series are new.
#[divan::bench(args = corpora::all(), sample_count = 10)]
fn first_scrape(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    let mut bench = Bench::new(corpus);
    bencher.counter(ItemsCount::new(samples(corpus))).bench_local(|| {
        let mut road = Road::new(instance(|_| {}), None);
        bench.scrape(&mut road)
    });
}

/// All series are known.
#[divan::bench(args = corpora::all(), sample_count = 20)]
fn next_scrape(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    let mut bench = Bench::new(corpus);
    let mut road = Road::new(instance(|_| {}), None);
    bench.scrape(&mut road);
    bencher.counter(ItemsCount::new(samples(corpus))).bench_local(|| bench.scrape(&mut road));
}
