//! What was submitted arrives at Datadog's HTTP API, or is accounted for, however the intake behaves.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use retriever::aggregate::PointKind;
use retriever::config::{ApiSettings, Enrichment, Output, Secret};
use retriever::map::Status;
use retriever::submit::{DropReason, Health, KeyCheck, Pace, Submitter, validate_key};
use support::api::{KEY, pace};
use support::deliveries::{delivery, gauge, point, points, service_check, sketch};
use support::intake::{CHECK_RUN, Intake, Reply, SERIES, SKETCHES, VALIDATE};
use support::proto::MetricType;

const PATIENCE: Duration = Duration::from_secs(10);

fn settings(url: &str) -> ApiSettings {
    support::api::settings([url], PATIENCE)
}

fn submitter_with(settings: ApiSettings) -> Submitter {
    let enrichment =
        Enrichment { hostname: "here".into(), tags: vec!["team:a".into(), "env:test".into()], ..Enrichment::default() };
    Submitter::with_pace(&Output::Api(settings), enrichment, pace()).unwrap()
}

fn submitter(intake: &Intake) -> Submitter {
    submitter_with(settings(intake.url()))
}

fn names(intake: &Intake) -> Vec<String> {
    let mut names: Vec<String> = intake.series().into_iter().map(|series| series.metric).collect();
    names.sort();
    names
}

#[tokio::test]
async fn everything_arrives_as_it_was_meant() {
    let intake = Intake::start().await;
    let submitter = submitter(&intake);
    let own = point(PointKind::Count, "app:requests", 3.5, &["code:200", "device:sda", "env:test"], "");
    let foreign = point(PointKind::Rate, "app.rate", 0.0, &[], "there");
    let strange = vec![gauge("app.nan", f64::NAN), gauge("app.inf", f64::INFINITY), gauge("_1", 1.0)];
    let sketches = vec![sketch("app.latency", &[1.0, 2.0, 2.0]), sketch("app.empty", &[])];
    let checks = vec![service_check("app.health", Status::Warning)];
    let mut all = vec![own, foreign];
    all.extend(strange);
    let mut everything = delivery(all, sketches, checks);
    everything.batch.timestamp = 1_700_000_000;
    submitter.submit(&everything).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);

    let series = intake.series();
    assert_eq!(series.len(), 2);
    assert_eq!((series[0].metric.as_str(), series[0].r#type()), ("app_requests", MetricType::Count));
    assert_eq!(series[0].tags, ["code:200", "env:test", "team:a"]);
    let resources = |index: usize| -> Vec<(&str, &str)> {
        series[index].resources.iter().map(|resource| (&*resource.r#type, &*resource.name)).collect()
    };
    assert_eq!(resources(0), [("host", "here"), ("device", "sda")]);
    assert_eq!((series[0].points[0].value, series[0].points[0].timestamp), (3.5, 1_700_000_000));
    assert_eq!((series[0].interval, series[0].metadata, series[0].source_type_name.as_str()), (15, None, ""));
    assert_eq!((series[1].r#type(), series[1].points[0].value), (MetricType::Rate, 0.0));
    assert_eq!(resources(1), [("host", "there")]);

    let sketches = intake.sketches();
    assert_eq!(sketches.len(), 1);
    assert_eq!((&*sketches[0].metric, &*sketches[0].host), ("app.latency", "here"));
    assert_eq!(sketches[0].tags, ["kind:sketch", "env:test", "team:a"]);
    let dog = &sketches[0].dogsketches[0];
    assert_eq!((dog.cnt, dog.min, dog.max, dog.sum), (3, 1.0, 2.0, 5.0));
    assert_eq!(dog.n, [1, 2]);

    let checks = intake.service_checks();
    assert_eq!(checks.len(), 1);
    assert_eq!((&checks[0]["check"], &checks[0]["status"]), (&"app.health".into(), &1.into()));
    assert_eq!(checks[0]["tags"], serde_json::json!(["endpoint:http://target/metrics", "env:test", "team:a"]));
    assert_eq!(checks[0]["host_name"], "here");

    let request = &intake.received(SERIES)[0];
    assert_eq!(request.header("dd-api-key"), KEY);
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    assert_eq!(request.header("user-agent"), concat!("retriever/", env!("CARGO_PKG_VERSION")));
    assert_eq!(intake.received(CHECK_RUN)[0].header("content-type"), "application/json");

    let stats = submitter.stats();
    assert_eq!((stats.payloads_delivered, stats.points_delivered), (3, 4));
    assert_eq!(stats.dropped.count(DropReason::NotFinite), 2);
    assert_eq!(stats.dropped.count(DropReason::InvalidName), 1);
    assert_eq!(stats.dropped.count(DropReason::EmptySketch), 1);
    assert_eq!(stats.dropped.total(), 4);
    let bytes: usize = [SERIES, SKETCHES, CHECK_RUN].iter().map(|path| intake.received(path)[0].body.len()).sum();
    assert_eq!(stats.bytes_sent, bytes as u64);
    assert!(stats.last_success.is_some() && stats.health() == Health::Fine);
}

#[tokio::test]
async fn nothing_is_sent_for_nothing() {
    let intake = Intake::start().await;
    let submitter = submitter(&intake);
    submitter.submit(&points(Vec::new())).unwrap();
    submitter.submit(&points(vec![gauge("nan", f64::NAN)])).unwrap();
    submitter.drain(PATIENCE).await;
    assert!([SERIES, SKETCHES, CHECK_RUN].iter().all(|path| intake.received(path).is_empty()));
}

#[tokio::test]
async fn small_deliveries_share_a_request() {
    let intake = Intake::start().await;
    let slow = Pace { linger: Duration::from_mins(1), ..pace() };
    let output = Output::Api(settings(intake.url()));
    let submitter = Submitter::with_pace(&output, Enrichment::default(), slow).unwrap();
    for name in ["a", "b", "c"] {
        submitter.submit(&points(vec![gauge(name, 1.0)])).unwrap();
    }
    submitter.drain(PATIENCE).await;
    assert_eq!(intake.received(SERIES).len(), 1);
    assert_eq!(names(&intake), ["a", "b", "c"]);
    assert!(intake.series()[0].resources.is_empty(), "an empty host is not sent");
}

#[tokio::test]
async fn what_lingers_is_sent_in_time() {
    let intake = Intake::start().await;
    let submitter = submitter(&intake);
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    intake.wait_for(SERIES, 1).await;
}

#[tokio::test]
async fn a_large_delivery_is_split_before_it_is_sent() {
    let intake = Intake::start().await;
    let submitter = submitter(&intake);
    let count = 25_000;
    let all = (0..count).map(|number| gauge(&format!("metric.number_{number}"), f64::from(number))).collect();
    submitter.submit(&points(all)).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
    let requests = intake.received(SERIES);
    assert!(requests.len() >= 3);
    for request in &requests {
        assert!((1..=10_000).contains(&request.series().len()));
        assert!(request.body.len() <= 512_000 && request.decompressed().len() <= 5_242_880);
    }
    let names = names(&intake);
    assert_eq!(names.len(), count as usize);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), count as usize);
}

#[tokio::test]
async fn errors_that_pass_are_retried_with_the_same_bytes() {
    for reply in [Reply::Status(500), Reply::Status(503), Reply::Status(408), Reply::Close, Reply::Hang] {
        let intake = Intake::start().await;
        intake.answer_next(SERIES, &[reply, reply]);
        let timeout = if matches!(reply, Reply::Hang) { Duration::from_millis(300) } else { PATIENCE };
        let submitter = submitter_with(ApiSettings { timeout, ..settings(intake.url()) });
        submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
        intake.wait_for(SERIES, 3).await;
        assert_eq!(submitter.drain(PATIENCE).await.given_up, 0, "{reply:?}");
        assert_eq!(names(&intake), ["a"], "{reply:?}");
        let bodies: BTreeSet<_> = intake.received(SERIES).into_iter().map(|request| request.body).collect();
        assert_eq!(bodies.len(), 1, "{reply:?}");
        let stats = submitter.stats();
        assert_eq!((stats.retries, stats.dropped.total()), (2, 0), "{reply:?}");
        assert!(stats.last_failure.is_some_and(|failure| failure.message.contains(intake.url())));
    }
}

#[tokio::test]
async fn the_intake_says_how_long_to_wait() {
    let intake = Intake::start().await;
    intake.answer_next(SERIES, &[Reply::RetryAfter(1)]);
    let submitter = submitter(&intake);
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    intake.wait_for(SERIES, 2).await;
    let requests = intake.received(SERIES);
    assert!(requests[1].at - requests[0].at >= Duration::from_millis(950));
}

#[tokio::test]
async fn a_refused_key_holds_everything_until_it_is_put_right() {
    for status in [401, 403, 404, 302] {
        let intake = Intake::start().await;
        intake.answer(SERIES, Reply::Status(status));
        let submitter = submitter(&intake);
        submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
        intake.wait_for(SERIES, 2).await;
        submitter.submit(&points(vec![gauge("b", 1.0)])).unwrap();
        intake.wait_for(SERIES, 4).await;
        let Health::Failing { message, .. } = submitter.stats().health() else { panic!("{status} is unhealthy") };
        assert!(message.contains(&status.to_string()) && message.contains(intake.url()), "{message}");
        assert!(!message.contains(KEY), "{message}");
        intake.answer(SERIES, Reply::Accept);
        assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
        assert_eq!(names(&intake), ["a", "b"]);
        assert_eq!(submitter.stats().health(), Health::Fine);
    }
}

#[tokio::test]
async fn one_endpoint_does_not_hold_the_others() {
    let intake = Intake::start().await;
    intake.answer(SKETCHES, Reply::Status(404));
    let submitter = submitter(&intake);
    let all = delivery(vec![gauge("a", 1.0)], vec![sketch("s", &[1.0])], vec![service_check("c", Status::Ok)]);
    submitter.submit(&all).unwrap();
    intake.wait_for(SKETCHES, 2).await;
    submitter.submit(&points(vec![gauge("b", 1.0)])).unwrap();
    intake.wait_for(SERIES, 2).await;
    intake.wait_for(CHECK_RUN, 1).await;
    assert_eq!(submitter.drain(Duration::from_millis(100)).await.given_up, 1);
    assert_eq!(names(&intake), ["a", "b"]);
}

#[tokio::test]
async fn what_is_malformed_is_dropped_and_the_rest_goes_on() {
    let intake = Intake::start().await;
    intake.answer_next(SERIES, &[Reply::Status(400)]);
    let submitter = submitter(&intake);
    submitter.submit(&points(vec![gauge("a", 1.0), gauge("b", 1.0)])).unwrap();
    intake.wait_for(SERIES, 1).await;
    submitter.submit(&points(vec![gauge("c", 1.0)])).unwrap();
    submitter.drain(PATIENCE).await;
    assert_eq!(intake.received(SERIES).len(), 2);
    assert_eq!(names(&intake), ["c"]);
    let stats = submitter.stats();
    assert_eq!(stats.dropped.count(DropReason::Rejected), 2);
    assert!(stats.last_failure.is_some_and(|failure| failure.message.contains("the test says 400")));
}

#[tokio::test]
async fn what_is_too_large_for_the_intake_is_split() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::AcceptUpTo(150));
    let submitter = submitter(&intake);
    let mut noise = 1_u64;
    let mut long = String::from("long.");
    for _ in 0..180 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        long.push(char::from(b'a' + (noise >> 60) as u8));
    }
    let mut all: Vec<_> = (0..20).map(|number| gauge(&format!("metric.{number:02}"), 1.0)).collect();
    all.push(gauge(&long, 1.0));
    submitter.submit(&points(all)).unwrap();
    submitter.drain(PATIENCE).await;
    let expected: Vec<String> = (0..20).map(|number| format!("metric.{number:02}")).collect();
    assert_eq!(names(&intake), expected);
    assert_eq!(submitter.stats().dropped.count(DropReason::TooLarge), 1);
    assert_eq!(submitter.stats().dropped.total(), 1);
}

#[tokio::test]
async fn a_full_queue_keeps_the_newest_and_counts_the_rest() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::Status(500));
    let submitter = submitter_with(ApiSettings { queue_bytes: 700, ..settings(intake.url()) });
    let count = 30;
    for number in 0..count {
        submitter.submit(&points(vec![gauge(&format!("metric.{number:02}"), 1.0)])).unwrap();
        // Each in a payload of its own.
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    let before = submitter.stats();
    assert!(before.queue_bytes <= 700 && before.queue_payloads >= 1, "{before:?}");
    intake.answer(SERIES, Reply::Accept);
    submitter.drain(PATIENCE).await;
    let stats = submitter.stats();
    let lost = stats.dropped.count(DropReason::QueueFull);
    assert_eq!(stats.dropped.total(), lost);
    assert_eq!(stats.points_delivered + lost, count);
    assert!(names(&intake).contains(&"metric.29".to_owned()));
}

#[tokio::test]
async fn shutdown_ends_at_its_deadline_and_tells_what_was_given_up() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::Hang);
    let submitter = submitter_with(ApiSettings { timeout: Duration::from_secs(20), ..settings(intake.url()) });
    submitter.submit(&points(vec![gauge("a", 1.0), gauge("b", 1.0)])).unwrap();
    intake.wait_for(SERIES, 1).await;
    submitter.submit(&points(vec![gauge("c", 1.0)])).unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(submitter.drain(Duration::from_millis(100)).await.given_up, 3);
    assert!(begin.elapsed() < Duration::from_secs(5));
    submitter.submit(&points(vec![gauge("late", 1.0)])).unwrap();
    assert_eq!(submitter.stats().dropped.count(DropReason::Shutdown), 4);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_what_cannot_come_in_time() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::RetryAfter(60));
    let submitter = submitter(&intake);
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    intake.wait_for(SERIES, 1).await;
    let begin = std::time::Instant::now();
    assert_eq!(submitter.drain(Duration::from_secs(30)).await.given_up, 1);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_key_is_checked() {
    let intake = Intake::start().await;
    assert_eq!(validate_key(&settings(intake.url())).await.unwrap(), KeyCheck::Valid);
    assert_eq!(intake.received(VALIDATE)[0].header("dd-api-key"), KEY);
    intake.answer(VALIDATE, Reply::Status(403));
    let check = validate_key(&settings(intake.url())).await.unwrap();
    assert!(matches!(&check, KeyCheck::Invalid(message) if message.contains(intake.url())), "{check:?}");
    for reply in [Reply::Status(502), Reply::Close, Reply::Hang] {
        intake.answer(VALIDATE, reply);
        let timeout = Duration::from_millis(300);
        let check = validate_key(&ApiSettings { timeout, ..settings(intake.url()) }).await.unwrap();
        assert!(matches!(&check, KeyCheck::Unreachable(message) if message.contains(intake.url())), "{check:?}");
    }
    let nobody = validate_key(&settings("http://127.0.0.1:1")).await.unwrap();
    assert!(matches!(nobody, KeyCheck::Unreachable(_)), "{nobody:?}");
}

#[tokio::test]
async fn settings_that_allow_no_request_are_errors() {
    for url in ["", "datadoghq.com", "ftp://x", "http://", "http://a b"] {
        let error = Submitter::start(&Output::Api(settings(url)), Enrichment::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("`{url}`")), "{error}");
    }
    let mut settings = settings("http://localhost");
    settings.main.api_key = Secret::new("key\nwith a line");
    let error = validate_key(&settings).await.unwrap_err().to_string();
    assert!(error.contains("API key") && !error.contains("line"), "{error}");
}
