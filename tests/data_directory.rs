//! The program with a data directory: killed, started again, started twice, without a key on disk.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::counting::Counting;
use support::intake::{CHECK_RUN, Intake, Reply, SERIES};
use support::program::{Folder, Running, retriever};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn settings(intake: &Intake, targets: &Counting, directory: &Path) -> String {
    format!(
        "dd_url: {}\napi_key: {KEY}\nadmin_listen: none\ndata_dir: {}\ninstances:\n  - openmetrics_endpoint: {}\n    \
         namespace: app\n    metrics: [load]\n    min_collection_interval: 1\n",
        intake.url(),
        directory.display(),
        targets.url("/metrics")
    )
}

/// The times of the points that an intake was offered, or took.
fn times(intake: &Intake, accepted: bool) -> BTreeSet<i64> {
    let requests = intake.received(SERIES).into_iter().filter(|request| request.accepted || !accepted);
    let series = requests.flat_map(|request| request.series());
    series.flat_map(|series| series.points.into_iter().map(|point| point.timestamp)).collect()
}

/// All bytes of all files.
fn content(directory: &Path) -> Vec<u8> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|path| fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn what_waits_survives_a_kill() {
    let (folder, targets, intake) = (tempfile::tempdir().unwrap(), Counting::start().await, Intake::start().await);
    let directory = folder.path().join("data");
    intake.answer(SERIES, Reply::Status(503));
    let settings = settings(&intake, &targets, &directory);
    for _ in 0..2 {
        let before = intake.received(SERIES).len();
        let mut running = Running::start(&settings, &[]);
        running.until("a payload is tried", || intake.received(SERIES).len() > before).await;
        running.signal("KILL");
        assert_eq!(running.ended().await.code, None);
    }
    let offered = times(&intake, false);
    assert!(!offered.is_empty() && times(&intake, true).is_empty());
    let kept = content(&directory);
    assert!(!kept.is_empty() && !holds(&kept, KEY) && !holds(&kept, "DD-API-KEY"));
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);

    intake.answer(SERIES, Reply::Accept);
    let mut running = Running::start(&settings, &[]);
    running.until("everything arrives", || times(&intake, true).is_superset(&offered)).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(finished.stderr.contains("an earlier run left what was not delivered"), "{finished}");
    assert!(finished.stderr.contains("everything was delivered"), "{finished}");
    let series = intake.series();
    let distinct: BTreeSet<_> =
        series.iter().map(|series| (&series.metric, &series.tags, series.points[0].timestamp)).collect();
    assert_eq!(distinct.len(), series.len(), "nothing was taken twice");
    let files: BTreeSet<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["lock", "state"].map(Into::into).into());
}

#[tokio::test]
async fn what_a_stop_leaves_is_said_and_kept() {
    let (folder, targets, intake) = (tempfile::tempdir().unwrap(), Counting::start().await, Intake::start().await);
    intake.answer(SERIES, Reply::RetryAfter(300));
    intake.answer(CHECK_RUN, Reply::RetryAfter(300));
    let settings = settings(&intake, &targets, folder.path());
    let mut running = Running::start(&settings, &[]);
    running.until("a payload is tried", || !intake.received(SERIES).is_empty()).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(finished.stderr.contains("is kept for the next start"), "{finished}");
    let offered = times(&intake, false);
    intake.answer(SERIES, Reply::Accept);
    let mut running = Running::start(&settings, &[]);
    running.until("everything arrives", || times(&intake, true).is_superset(&offered)).await;
}

#[tokio::test]
async fn a_directory_is_for_one_process() {
    let (folder, targets, intake) = (tempfile::tempdir().unwrap(), Counting::start().await, Intake::start().await);
    let settings = settings(&intake, &targets, folder.path());
    let mut running = Running::start(&settings, &[]);
    running.until_said("metrics go to").await;
    let (_other, path) = Folder::with_settings(&settings);
    let second = tokio::task::spawn_blocking(move || retriever(["run", &path])).await.unwrap();
    second.assert_code(2);
    let name = folder.path().display().to_string();
    assert!(second.stderr.contains("is in use by another process") && second.stderr.contains(&name), "{second}");
}

#[tokio::test]
async fn the_usual_directory_is_used_if_it_can_be() {
    let (folder, targets, intake) = (tempfile::tempdir().unwrap(), Counting::start().await, Intake::start().await);
    let without = settings(&intake, &targets, folder.path()).replace("data_dir:", "# ");
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let mut running = Running::start(&without, &[("HOME", home.to_str().unwrap())]);
    running.until_said("metrics go to").await;
    assert!(home.join(".local/state/retriever/lock").is_file());
    running.stop().await.assert_code(0);

    let service = folder.path().join("service");
    let variables = [("HOME", home.to_str().unwrap()), ("STATE_DIRECTORY", service.to_str().unwrap())];
    let mut running = Running::start(&without, &variables);
    running.until_said("metrics go to").await;
    assert!(service.join("lock").is_file());
    // Another one goes on without; it has not asked for this directory.
    let mut other = Running::start(&without, &variables);
    other.until_said("nothing is kept on disk").await;
    other.until_said("metrics go to").await;
    assert_eq!(other.said("data directory"), 1);

    // Nobody, not even root, makes a directory in a file.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut running = Running::start(&without, &[("STATE_DIRECTORY", file.join("x").to_str().unwrap())]);
    running.until_said("nothing is kept on disk").await;
    running.stop().await.assert_code(0);
    let asked = without.replace("admin_listen", &format!("data_dir: {}\nadmin_listen", file.join("x").display()));
    let (_other, path) = Folder::with_settings(&asked);
    let finished = tokio::task::spawn_blocking(move || retriever(["run", &path])).await.unwrap();
    finished.assert_code(2);
    assert!(finished.stderr.contains("cannot be used") && finished.stderr.contains("`data_dir`"), "{finished}");
}

#[tokio::test]
async fn dual_shipping_follows_the_environment() {
    let (targets, main, other) = (Counting::start().await, Intake::start().await, Intake::start().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&main, &targets, folder.path());
    let endpoints = format!(r#"{{"{}": ["ffffffffffffffffffffffffffffffff"]}}"#, other.url());
    let running = Running::start(&settings, &[("DD_ADDITIONAL_ENDPOINTS", &endpoints)]);
    let both = async {
        main.wait_for(SERIES, 1).await;
        other.wait_for(SERIES, 1).await;
    };
    tokio::time::timeout(Duration::from_secs(40), both).await.unwrap();
    let finished = running.stop().await;
    finished.assert_code(0);
    assert_eq!(other.received(SERIES)[0].header("dd-api-key"), "f".repeat(32));
    assert_eq!(main.received(SERIES)[0].header("dd-api-key"), KEY);
    assert_eq!(main.received(SERIES)[0].body, other.received(SERIES)[0].body);
    assert!(!finished.stderr.contains("ffff") && !finished.stderr.contains(KEY), "{finished}");
    assert!(finished.stderr.contains("the API keys are valid"), "{finished}");
}
