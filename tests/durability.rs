//! What was handed in for delivery survives the process, goes to every intake, and is sent to each of them once.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::Path;
use std::time::Duration;

use retriever::aggregate::{Marks, MarksContent, TargetKey};
use retriever::config::{ApiSettings, DataDirectory, DogstatsdAddress, Enrichment, Output, StorageSettings};
use retriever::map::Status;
use retriever::submit::{
    Delivery, Drained, DropReason, Event, EventAlertType, EventPriority, Health, Pace, Storage, Submitter,
};
use retriever::time::UnixTime;
use support::api::{KEY, pace, stats_when};
use support::deliveries::{delivery, gauge, points, service_check, sketch};
use support::intake::{CHECK_RUN, EVENTS, Intake, Reply, SERIES, SKETCHES, VALIDATE};

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

/// Delivery to these intakes, the main one first.
fn api(intakes: &[&Intake]) -> ApiSettings {
    support::api::settings(intakes.iter().map(|intake| intake.url()), PATIENCE)
}

/// The data directory, as soon as a process before has let go of it.
async fn open(directory: &Path) -> Storage {
    let settings =
        StorageSettings { directory: DataDirectory::Configured(directory.to_owned()), ..StorageSettings::default() };
    for _ in 0..2000 {
        match Storage::open(&settings, UnixTime::now()) {
            Ok(storage) => return storage.unwrap(),
            Err(error) if error.to_string().contains("another process") => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the directory is still in use")
}

async fn start(directory: &Path, output: &Output) -> Submitter {
    let storage = Some(open(directory).await);
    Submitter::with_storage(output, Enrichment::default(), pace(), storage).unwrap()
}

fn names(intake: &Intake) -> Vec<String> {
    let mut names: Vec<String> = intake.series().into_iter().map(|series| series.metric).collect();
    names.sort();
    names
}

fn with_marks(delivery: Delivery<'_>, target: u64, content: MarksContent) -> Delivery<'_> {
    Delivery { marks: Some(Marks { target: TargetKey(target), content }), ..delivery }
}

fn whole(text: &str) -> MarksContent {
    MarksContent::Whole(text.into())
}

fn changes(text: &str) -> MarksContent {
    MarksContent::Changes(text.into())
}

#[tokio::test]
async fn what_is_not_delivered_at_a_stop_is_delivered_after_the_next_start() {
    let (folder, intake) = (tempfile::tempdir().unwrap(), Intake::start().await);
    for path in [SERIES, SKETCHES, CHECK_RUN] {
        intake.answer(path, Reply::Status(500));
    }
    let output = Output::Api(api(&[&intake]));
    let submitter = start(folder.path(), &output).await;
    let all = delivery(vec![gauge("a", 1.0)], vec![sketch("s", &[1.0])], vec![service_check("c", Status::Ok)]);
    submitter.submit(&with_marks(all, 1, whole("marks"))).unwrap();
    assert_eq!(submitter.drain(SHORT).await, Drained { given_up: 0, kept: 3 });
    assert_eq!(submitter.stats().dropped.total(), 0);
    drop(submitter);
    let body = intake.received(SERIES)[0].body.clone();

    for path in [SERIES, SKETCHES, CHECK_RUN] {
        intake.answer(path, Reply::Accept);
    }
    let submitter = start(folder.path(), &output).await;
    assert_eq!(submitter.marks_age(), Some(Duration::from_hours(1)));
    assert_eq!(submitter.take_marks(TargetKey(1)), [whole("marks")]);
    assert!(submitter.take_marks(TargetKey(1)).is_empty());
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!((names(&intake).len(), intake.sketches().len(), intake.service_checks().len()), (1, 1, 1));
    assert_eq!(intake.received(SERIES).last().unwrap().body, body, "the same bytes");
    drop(submitter);

    let requests = intake.received(SERIES).len();
    let submitter = start(folder.path(), &output).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(intake.received(SERIES).len(), requests, "nothing is sent twice");
    assert_eq!(submitter.stats().journal.unwrap().bytes, 0);
}

#[tokio::test]
async fn an_end_without_goodbye_loses_nothing_that_was_tried() {
    let (folder, intake) = (tempfile::tempdir().unwrap(), Intake::start().await);
    intake.answer(SERIES, Reply::Status(503));
    let output = Output::Api(api(&[&intake]));
    for number in 0..5 {
        let submitter = start(folder.path(), &output).await;
        let delivery = points(vec![gauge(&format!("metric.{number}"), 1.0)]);
        submitter.submit(&with_marks(delivery, number, whole("marks"))).unwrap();
        let name = format!("metric.{number}");
        let is_tried = || intake.received(SERIES).iter().any(|request| request.series()[0].metric == name);
        while !is_tried() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Dropped: neither drained nor closed.
    }
    intake.answer(SERIES, Reply::Accept);
    let submitter = start(folder.path(), &output).await;
    assert!((0..5).all(|number| submitter.take_marks(TargetKey(number)) == [whole("marks")]));
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(names(&intake), (0..5).map(|number| format!("metric.{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn marks_survive_whatever_the_output() {
    let intake = Intake::start().await;
    let agent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = agent.local_addr().unwrap().port();
    let dogstatsd = Output::Dogstatsd(DogstatsdAddress::Udp { host: "127.0.0.1".into(), port }.into());
    for output in [Output::Api(api(&[&intake])), dogstatsd] {
        let folder = tempfile::tempdir().unwrap();
        let submitter = start(folder.path(), &output).await;
        for content in [whole("old"), changes("old"), whole("new"), changes("b"), changes("c")] {
            submitter.submit(&with_marks(points(vec![gauge("a", 1.0)]), 7, content)).unwrap();
        }
        submitter.submit(&with_marks(points(Vec::new()), 8, changes("of nothing known"))).unwrap();
        submitter.drain(PATIENCE).await;
        drop(submitter);
        let submitter = start(folder.path(), &output).await;
        assert_eq!(submitter.take_marks(TargetKey(7)), [whole("new"), changes("b"), changes("c")], "{output:?}");
        assert!(submitter.take_marks(TargetKey(8)).is_empty());
    }
}

#[tokio::test]
async fn several_intakes_get_the_same_and_none_waits_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let (main, other) = (Intake::start().await, Intake::start().await);
    other.answer(SERIES, Reply::Hang);
    let output = Output::Api(api(&[&main, &other]));
    let submitter = start(folder.path(), &output).await;
    for number in 0..20 {
        submitter.submit(&points(vec![gauge(&format!("metric.{number:02}"), 1.0)])).unwrap();
        main.wait_for_series(number + 1).await;
    }
    let expected: Vec<String> = (0..20).map(|number| format!("metric.{number:02}")).collect();
    assert_eq!(names(&main), expected);
    let stats = stats_when(&submitter, |stats| stats.points_delivered >= 20).await;
    let of = |number: usize| (stats.intakes[number].intake.as_str(), stats.intakes[number].stats.points_delivered);
    assert_eq!((of(0), of(1)), ((main.url(), 20), (other.url(), 0)));
    assert_eq!(stats.points_delivered, 20);
    assert_eq!(submitter.drain(SHORT).await, Drained { given_up: 0, kept: 20 });
    drop(submitter);

    let requests = main.received(SERIES).len();
    other.answer(SERIES, Reply::Accept);
    let submitter = start(folder.path(), &output).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(names(&other), expected);
    assert_eq!(main.received(SERIES).len(), requests, "the journal knows who took what");
    let bodies = |intake: &Intake| -> Vec<_> {
        let mut bodies: Vec<_> = intake
            .received(SERIES)
            .into_iter()
            .filter(|request| request.accepted)
            .map(|request| request.body)
            .collect();
        bodies.sort();
        bodies
    };
    assert_eq!(bodies(&main), bodies(&other));
}

#[tokio::test]
async fn each_intake_has_a_health_of_its_own() {
    let (main, other) = (Intake::start().await, Intake::start().await);
    other.answer(SERIES, Reply::Status(403));
    let output = Output::Api(api(&[&main, &other]));
    let submitter = Submitter::with_pace(&output, Enrichment::default(), pace()).unwrap();
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    main.wait_for(SERIES, 1).await;
    other.wait_for(SERIES, 2).await;
    let stats = submitter.stats();
    assert_eq!(stats.intakes[0].stats.health(), Health::Fine);
    assert!(matches!(stats.intakes[1].stats.health(), Health::Failing { .. }));
    let Health::Failing { message, .. } = stats.health() else { panic!("one of them fails") };
    assert!(message.contains(other.url()) && !message.contains(KEY), "{message}");
    assert_eq!(submitter.drain(SHORT).await, Drained { given_up: 1, kept: 0 });
    assert_eq!(submitter.stats().intakes[1].stats.dropped.count(DropReason::Shutdown), 1);
}

#[tokio::test]
async fn intakes_come_and_go_with_the_settings() {
    let (main, other, third) = (Intake::start().await, Intake::start().await, Intake::start().await);
    other.answer(SERIES, Reply::Status(500));
    let output = Output::Api(api(&[&main, &other]));
    let submitter = Submitter::with_pace(&output, Enrichment::default(), pace()).unwrap();
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    main.wait_for(SERIES, 1).await;
    other.wait_for(SERIES, 1).await;
    assert!(submitter.reconfigure(&api(&[&main, &third])).unwrap());
    submitter.submit(&points(vec![gauge("b", 1.0)])).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!((names(&main), names(&third)), (vec!["a".to_owned(), "b".to_owned()], vec!["b".to_owned()]));
    assert!(names(&other).is_empty());
    let urls: Vec<_> = submitter.stats().intakes.into_iter().map(|intake| intake.intake).collect();
    assert_eq!(urls, [main.url(), third.url()]);
}

#[tokio::test]
async fn a_split_payload_is_done_when_its_parts_are() {
    let folder = tempfile::tempdir().unwrap();
    let (main, other) = (Intake::start().await, Intake::start().await);
    main.answer(SERIES, Reply::AcceptUpTo(150));
    let output = Output::Api(api(&[&main, &other]));
    let submitter = start(folder.path(), &output).await;
    let all = (0..20).map(|number| gauge(&format!("metric.{number:02}"), 1.0)).collect();
    submitter.submit(&points(all)).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    drop(submitter);
    assert_eq!((names(&main), names(&main).len()), (names(&other), 20));
    assert_eq!(other.received(SERIES).len(), 1, "one that takes it whole gets it whole");
    let requests = main.received(SERIES).len();
    let submitter = start(folder.path(), &output).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!((main.received(SERIES).len(), other.received(SERIES).len()), (requests, 1));
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_again() {
    let (folder, intake) = (tempfile::tempdir().unwrap(), Intake::start().await);
    intake.answer(SERIES, Reply::Status(500));
    let output = Output::Api(ApiSettings { queue_bytes: 400, ..api(&[&intake]) });
    let submitter = start(folder.path(), &output).await;
    for number in 0..30 {
        submitter.submit(&points(vec![gauge(&format!("metric.{number:02}"), 1.0)])).unwrap();
        // Each in a payload of its own.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    let stats = submitter.stats();
    assert!(stats.queue_memory_bytes <= 400 && stats.queue_bytes > 700, "{stats:?}");
    intake.answer(SERIES, Reply::Accept);
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(names(&intake), (0..30).map(|number| format!("metric.{number:02}")).collect::<Vec<_>>());
    assert_eq!(submitter.stats().dropped.total(), 0);
}

#[tokio::test]
async fn what_became_too_old_while_nothing_ran_is_given_up_and_counted() {
    let (folder, intake) = (tempfile::tempdir().unwrap(), Intake::start().await);
    intake.answer(SERIES, Reply::Status(500));
    intake.answer(CHECK_RUN, Reply::Status(500));
    let output = Output::Api(api(&[&intake]));
    let submitter = start(folder.path(), &output).await;
    let mut old = delivery(vec![gauge("old", 1.0)], Vec::new(), vec![service_check("c", Status::Ok)]);
    // Over nine minutes: metrics are still worth sending, service checks are not.
    old.time = UnixTime::from_seconds(UnixTime::now().seconds() - 545.0);
    submitter.submit(&old).unwrap();
    intake.wait_for(SERIES, 1).await;
    drop(submitter);
    intake.answer(SERIES, Reply::Accept);
    let submitter = start(folder.path(), &output).await;
    stats_when(&submitter, |stats| stats.dropped.count(DropReason::TooOld) == 1).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(names(&intake), ["old"]);
    drop(submitter);
    let submitter = start(folder.path(), &output).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(submitter.stats().dropped.total(), 0, "and only once");
}

#[tokio::test]
async fn the_key_is_not_tried_again_before_the_intake_knows_it() {
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::Status(403));
    intake.answer(VALIDATE, Reply::Status(403));
    let submitter = Submitter::with_pace(&Output::Api(api(&[&intake])), Enrichment::default(), pace()).unwrap();
    submitter.submit(&points(vec![gauge("a", 1.0)])).unwrap();
    intake.wait_for(VALIDATE, 3).await;
    assert_eq!(intake.received(SERIES).len(), 1);
    intake.answer(SERIES, Reply::Accept);
    intake.answer(VALIDATE, Reply::Accept);
    intake.wait_for(SERIES, 2).await;
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert_eq!(names(&intake), ["a"]);
}

#[tokio::test]
async fn the_key_is_asked_about_now_and_then() {
    let intake = Intake::start().await;
    let hurried = Pace { key_checks: Duration::from_millis(10), ..pace() };
    let submitter = Submitter::with_pace(&Output::Api(api(&[&intake])), Enrichment::default(), hurried).unwrap();
    intake.wait_for(VALIDATE, 2).await;
    intake.answer(VALIDATE, Reply::Status(403));
    let failure = stats_when(&submitter, |stats| stats.last_failure.is_some()).await.last_failure.unwrap();
    assert!(failure.message.contains("does not know the API key"), "{failure:?}");
    assert_eq!(submitter.stats().health(), Health::Fine, "what counts is what becomes of payloads");
}

#[tokio::test]
async fn events_are_requests_of_their_own() {
    let intake = Intake::start().await;
    let enrichment = Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() };
    let submitter = Submitter::with_pace(&Output::Api(api(&[&intake])), enrichment, pace()).unwrap();
    let event = |title: &str, text: String| Event {
        title: title.into(),
        text,
        time: UnixTime::from_seconds(1_700_000_000.7),
        priority: EventPriority::Low,
        alert_type: EventAlertType::Warning,
        aggregation_key: "k".repeat(200),
        source_type: String::new(),
        tags: vec!["env:test".into()],
        hostname: String::new(),
    };
    let mut delivery = points(Vec::new());
    delivery.time = UnixTime::now();
    delivery.events = vec![event("one", "é".repeat(5000)), event("two", "text".into())];
    submitter.submit(&delivery).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    let requests = intake.received(EVENTS);
    let mut posted: Vec<serde_json::Value> =
        requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    posted.sort_by_key(|event| event["title"].as_str().unwrap().to_owned());
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0]["text"].as_str().unwrap().chars().count(), 4000);
    let expected = serde_json::json!({
        "title": "two", "text": "text", "date_happened": 1_700_000_000, "priority": "low", "alert_type": "warning",
        "aggregation_key": "k".repeat(100), "host": "here", "tags": ["env:test", "team:a"],
    });
    assert_eq!(posted[1], expected);
    assert!(requests.iter().all(|request| request.header("content-type") == "application/json"));
    assert!(requests.iter().all(|request| request.header("content-encoding").is_empty()));
    assert_eq!(submitter.stats().points_delivered, 2);
}
