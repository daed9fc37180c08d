//! Deliveries that are large enough for payloads of their own, of blocks that are kept from scrape to scrape: each point
//! arrives once, as it was meant, within the limits of the intake.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use retriever::aggregate::{Point, PointKind};
use retriever::config::{Enrichment, Output};
use retriever::submit::{DropReason, Submitter};
use support::api::{pace, settings};
use support::deliveries::{point, points};
use support::intake::{Intake, Received, Reply, SERIES};
use support::proto::{MetricSeries, MetricType};

const PATIENCE: Duration = Duration::from_mins(1);
const SERIES_COUNT: usize = 23_456;
/// Every so many series one is odd.
const ODD: usize = 997;

/// A series as it is submitted.
#[derive(Clone, Debug)]
struct Meant {
    kind: PointKind,
    metric: String,
    value: f64,
    tags: Vec<String>,
    host: &'static str,
}

/// Series like those of a cluster, and among them some with a device, a host, long or many tags, a name that is repaired,
/// a tag that all series have, a value that is none.
fn meant() -> Vec<Meant> {
    let one = |number: usize| {
        let pod = number / 7;
        let hash = (pod as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut tags = vec![
            format!("namespace:team-{}", pod % 40),
            format!("phase:{}", ["Pending", "Running", "Failed"][number % 3]),
            format!("pod:recommender-{:x}-{:05x}", hash >> 40, hash & 0xf_ffff),
            format!("uid:{hash:016x}"),
        ];
        let mut meant = Meant {
            kind: [PointKind::Gauge, PointKind::Gauge, PointKind::Count, PointKind::Rate][number / 300 % 4],
            metric: format!("kube.pod.metric_{}", number / 1000),
            value: [0.0, 1.0, 17.0, -0.0, 0.1, 3e300][number * number % 6],
            tags: Vec::new(),
            host: "",
        };
        match number % ODD {
            1..20 => tags.push(format!("device:eth{}", number % 3)),
            20..30 => meant.host = "there",
            30..40 => tags.push(format!("image:{}", "a long one/".repeat(14))),
            40 => tags.push(format!("cut:{}", "x".repeat(300))),
            41 => "kube:pod".clone_into(&mut meant.metric),
            42 => meant.value = f64::NAN,
            43 => tags.push("team:a".to_owned()),
            44 => tags.extend((0..1500).map(|number| format!("key{number}:{}", "value".repeat(9)))),
            45 => tags.clear(),
            _ => {}
        }
        meant.tags = tags;
        meant
    };
    (0..SERIES_COUNT).map(one).collect()
}

/// What a point is known by: number and repetition are not, so that equal ones are counted.
type Text = String;

fn expected(meant: &Meant, timestamp: i64) -> Text {
    let device = meant.tags.iter().find_map(|tag| tag.strip_prefix("device:"));
    let cut = |tag: &String| tag.chars().take(200).collect::<String>();
    let mut tags: Vec<String> = meant.tags.iter().filter(|tag| !tag.starts_with("device:")).map(cut).collect();
    tags.extend(["env:test".to_owned(), "team:a".to_owned()]);
    tags.sort();
    tags.dedup();
    let host = if meant.host.is_empty() { "here" } else { meant.host };
    let kind = match meant.kind {
        PointKind::Gauge => MetricType::Gauge,
        PointKind::Count => MetricType::Count,
        PointKind::Rate => MetricType::Rate,
    };
    let interval = if meant.kind == PointKind::Gauge { 0 } else { 15 };
    format!(
        "{timestamp} {kind:?} {} {:?} {host} {device:?} {interval} {tags:?}",
        meant.metric.replace(':', "_"),
        meant.value
    )
}

fn arrived(series: &MetricSeries) -> Text {
    let resource = |kind: &str| series.resources.iter().find(|resource| resource.r#type == kind);
    let mut tags = series.tags.clone();
    tags.sort();
    let [point] = &series.points[..] else { panic!("one point of each series: {series:?}") };
    let (kind, metric, value, timestamp) = (series.r#type(), &series.metric, point.value, point.timestamp);
    let host = &resource("host").unwrap().name;
    let device = resource("device").map(|device| &*device.name);
    format!("{timestamp} {kind:?} {metric} {value:?} {host} {device:?} {} {tags:?}", series.interval)
}

fn counted(texts: impl Iterator<Item = Text>) -> BTreeMap<Text, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

async fn deliver(intake: &Intake, meant: Vec<Meant>) {
    deliver_scrapes(intake, [meant].map(|meant| meant.into_iter().map(Some).collect())).await;
}

/// Delivers what is meant at successive scrapes of the same series, some of which are missing.
async fn deliver_scrapes<const SCRAPES: usize>(intake: &Intake, scrapes: [Vec<Option<Meant>>; SCRAPES]) {
    let enrichment =
        Enrichment { hostname: "here".into(), tags: vec!["team:a".into(), "env:test".into()], ..Enrichment::default() };
    let output = Output::Api(settings([intake.url()], PATIENCE));
    let submitter = Submitter::with_pace(&output, enrichment, pace()).unwrap();
    let made = scrapes[0].iter().flatten().map(|meant| {
        let tags: Vec<&str> = meant.tags.iter().map(String::as_str).collect();
        point(meant.kind, &meant.metric, meant.value, &tags, meant.host)
    });
    let mut delivery = points(made.collect());
    let series: Vec<_> = delivery.batch.points.iter().map(|point| point.series).collect();
    let mut all = Vec::new();
    for scrape in &scrapes {
        let present = || scrape.iter().zip(&series).filter_map(|(meant, series)| Some((meant.as_ref()?, *series)));
        let point = |(meant, series): (&Meant, _)| Point { series, kind: meant.kind, value: meant.value };
        delivery.batch.points = present().map(point).collect();
        submitter.submit(&delivery).unwrap();
        let numbers = present().map(|(meant, _)| meant).filter(|meant| meant.value.is_finite());
        all.extend(numbers.map(|meant| expected(meant, delivery.batch.timestamp)));
        delivery.batch.timestamp += 15;
    }
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
    let stats = submitter.stats();
    assert_eq!(stats.points_delivered, all.len() as u64);
    assert_eq!(stats.dropped.count(DropReason::NotFinite), stats.dropped.total());
    let expected = counted(all.into_iter());
    let arrived = counted(intake.series().iter().map(arrived));
    let differing = expected.iter().find(|(text, count)| arrived.get(*text) != Some(count));
    assert!(differing.is_none() && expected.len() == arrived.len(), "{differing:?}");
}

#[tokio::test]
async fn each_point_arrives_once_within_the_limits() {
    let intake = Intake::start().await;
    deliver(&intake, meant()).await;
    let payloads = intake.received(SERIES);
    assert!((3..8).contains(&payloads.len()), "{} payloads", payloads.len());
    expect_limits(&payloads);
}

fn expect_limits(payloads: &[Received]) {
    for payload in payloads {
        let (body, decompressed) = (payload.body.len(), payload.decompressed().len());
        assert!(body <= 512_000 && decompressed <= 5_242_880, "{body} bytes of {decompressed}");
        assert!(payload.series().len() <= 10_000);
    }
}

/// What was compressed once takes other values at other times, with series missing and coming back, and of other kinds.
#[tokio::test]
async fn later_scrapes_arrive_as_they_were_meant() {
    let intake = Intake::start().await;
    let scrapes = [0, 1, 2, 3, 4].map(|scrape| {
        let of_scrape = |(number, mut meant): (usize, Meant)| {
            if scrape > 0 {
                meant.value += (number * scrape % 11) as f64;
            }
            if number % 1009 == 0 && scrape > 2 {
                meant.kind = PointKind::Count;
            }
            let is_missing = scrape > 0 && (number % 613 == scrape || (scrape == 3 && number < 500));
            (!is_missing).then_some(meant)
        };
        meant().into_iter().enumerate().map(of_scrape).collect()
    });
    deliver_scrapes(&intake, scrapes).await;
    expect_limits(&intake.received(SERIES));
}

/// None of them goes the way of the others.
#[tokio::test]
async fn series_that_need_repair_keep_the_limits_too() {
    let intake = Intake::start().await;
    let repaired = |mut meant: Meant| {
        meant.metric = format!("job:{}", meant.metric);
        meant
    };
    deliver(&intake, meant().into_iter().map(repaired).collect()).await;
    expect_limits(&intake.received(SERIES));
}

/// Too few to have payloads of their own, and more than fits into one.
#[tokio::test]
async fn few_series_that_are_large_keep_the_limits_too() {
    let intake = Intake::start().await;
    let large = |(number, mut meant): (usize, Meant)| {
        meant.tags.extend((0..20).map(|tag| format!("large{tag}:{}-{}", "value".repeat(25), number / 9 * tag)));
        meant
    };
    deliver(&intake, meant().into_iter().take(4000).enumerate().map(large).collect()).await;
    let payloads = intake.received(SERIES);
    assert!(payloads.len() > 2);
    expect_limits(&payloads);
}

#[tokio::test]
async fn payloads_that_an_intake_finds_too_large_are_split() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::AcceptUpTo(60_000));
    deliver(&intake, meant()).await;
    assert!(
        intake.received(SERIES).iter().filter(|payload| payload.accepted).all(|payload| payload.body.len() <= 60_000)
    );
}
