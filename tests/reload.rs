//! Settings that change while the program runs.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::float_cmp, reason = "whole numbers, and what was written must come out")]

mod support;

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use hyper::Method;
use support::counting::{Counting, ask};
use support::intake::{Intake, SERIES};
use support::program::{Folder, Running, free_address};
use support::proto::MetricSeries;

const KEY: (&str, &str) = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");
const REFUSED: &str = "the settings cannot be used, those before stay in effect";

/// Settings that bring metrics to an intake, with these entries of `instances`.
fn settings(intake: &Intake, admin: SocketAddr, instances: &[String]) -> String {
    format!("dd_url: {}\nadmin_listen: {admin}\nhostname: here\ninstances:\n{}", intake.url(), instances.concat())
}

/// An entry of `instances` with these further options, each a line.
fn instance(url: &str, options: &[&str]) -> String {
    let options: Vec<String> = options.iter().map(|option| format!("    {option}\n")).collect();
    format!(
        "  - openmetrics_endpoint: {url}\n    metrics: [hits]\n    min_collection_interval: 0.5\n{}",
        options.concat()
    )
}

fn series(intake: &Intake, endpoint: &str) -> Vec<MetricSeries> {
    let tag = format!("endpoint:{endpoint}");
    let hits = intake.series().into_iter().filter(|series| series.metric == "hits.count");
    hits.filter(|series| series.tags.contains(&tag)).collect()
}

/// The growth of the counter of one target, scrape by scrape.
fn deltas(intake: &Intake, endpoint: &str) -> Vec<f64> {
    series(intake, endpoint).iter().flat_map(|series| &series.points).map(|point| point.value).collect()
}

async fn metrics(admin: SocketAddr) -> String {
    ask(admin, Method::GET, "/metrics").await.1
}

#[tokio::test]
async fn a_signal_adds_removes_and_changes_targets_and_leaves_the_others_alone() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let [kept, gone, changed, new] = ["/kept", "/gone", "/changed", "/new"].map(|path| targets.url(path));
    let first = [instance(&gone, &[]), instance(&kept, &["tags: [a:b]"]), instance(&changed, &[])];
    let (folder, _) = Folder::with_settings(&settings(&intake, admin, &first));
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    let all = ["/kept", "/gone", "/changed"];
    running.until("three scrapes of each", || all.iter().all(|path| targets.hits(path) >= 3)).await;
    assert!(metrics(admin).await.contains(&format!("target=\"{gone}\"")));
    let connections = targets.connections();

    // In another place, with its options in another order, and a comment.
    let same = format!(
        "  - tags: [a:b] # as before\n    min_collection_interval: 0.5\n    metrics: [hits]\n    openmetrics_endpoint: {kept}\n"
    );
    let second = [instance(&new, &[]), instance(&changed, &["namespace: other"]), same];
    running.folder().write("conf.yaml", settings(&intake, admin, &second));
    running.signal("HUP");
    running.until_said("targets: 1 added, 1 changed, 1 removed, 1 as before").await;
    let page = metrics(admin).await;
    assert!(!page.contains(&gone), "{page}");
    assert!(
        page.contains(&format!("retriever_skipped_scrapes_total{{target=\"{changed}\",reason=\"late\"}} 0")),
        "{page}"
    );
    assert!(!page.contains(&format!("{changed} (2)")), "{page}");
    for line in
        ["retriever_settings_reloads_total{result=\"applied\"} 1", "retriever_settings_last_reload_successful 1"]
    {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    let (left, so_far) = (targets.hits("/gone"), targets.hits("/kept"));
    running
        .until("scrapes of all there are", || targets.hits("/kept") >= so_far + 3 && targets.hits("/new") >= 3)
        .await;
    running
        .until("the renamed metric", || intake.series().iter().any(|series| series.metric == "other.hits.count"))
        .await;
    assert!(targets.hits("/gone") <= left + 1, "only what ran has come to its end");
    assert_eq!(targets.connections(), connections + 2, "the target that stayed kept its connection");

    running.stop().await.assert_code(0);
    // Every scrape but the first has its growth of one: nothing is missing, and nothing counted twice.
    let deltas = deltas(&intake, &kept);
    assert_eq!(deltas.len() as u64, targets.hits("/kept") - 1, "{deltas:?}");
    assert!(deltas.iter().all(|&delta| delta == 1.0), "{deltas:?}");
}

#[tokio::test]
async fn a_target_that_changes_while_it_is_scraped_is_not_scraped_twice_at_once() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let text = |options: &[&str]| settings(&intake, admin, &[instance(&targets.url("/slow"), options)]);
    let (folder, _) = Folder::with_settings(&text(&[]));
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    for round in 1..=3 {
        let before = targets.hits("/slow");
        running.until("a scrape that runs", || targets.slow().0 == 1 && targets.hits("/slow") > before).await;
        running.folder().write("conf.yaml", text(&[&format!("namespace: round{round}")]));
        running.signal("HUP");
    }
    running
        .until("the last settings count", || intake.series().iter().any(|series| series.metric == "round3.hits.count"))
        .await;
    assert_eq!(targets.slow().1, 1);
    running.stop().await.assert_code(0);
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing_and_are_told_once() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let good = settings(&intake, admin, &[instance(&targets.url("/a"), &[])]);
    let (folder, _) = Folder::with_settings(&good);
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    running.until("a scrape", || targets.hits("/a") >= 1).await;

    let bad = settings(&intake, admin, &[instance(&targets.url("/a"), &["timeout: soon"]), instance("nowhere", &[])]);
    let path = running.folder().write("conf.yaml", bad);
    running.signal("HUP");
    running.until_said(REFUSED).await;
    assert_eq!(running.said(&format!("{path}:8:14: error: `timeout` is")), 1, "{}", running.stderr());
    assert_eq!(running.said("`nowhere` is not the URL"), 1, "{}", running.stderr());
    running.signal("HUP");
    running.until_said("as was said before").await;
    assert_eq!(running.said("`timeout` is"), 1, "{}", running.stderr());
    let page = metrics(admin).await;
    assert!(page.contains("\nretriever_settings_last_reload_successful 0\n"), "{page}");
    assert!(page.contains("\nretriever_settings_reloads_total{result=\"failed\"} 2\n"), "{page}");
    let so_far = targets.hits("/a");
    running.until("scrapes as before", || targets.hits("/a") >= so_far + 2).await;

    std::fs::remove_file(&path).unwrap();
    running.signal("HUP");
    running.until_said("the settings cannot be read").await;
    running.folder().write("conf.yaml", &good);
    running.signal("HUP");
    running.until_said("the settings are as they were").await;
    let page = metrics(admin).await;
    assert!(page.contains("\nretriever_settings_last_reload_successful 1\n"), "{page}");
    assert!(page.contains("\nretriever_settings_reloads_total{result=\"unchanged\"} 1\n"), "{page}");
    running.stop().await.assert_code(0);
    let deltas = deltas(&intake, &targets.url("/a"));
    assert_eq!(deltas.len() as u64, targets.hits("/a") - 1);
    assert!(deltas.iter().all(|&delta| delta == 1.0), "{deltas:?}");
}

/// As Kubernetes renews the files of a `ConfigMap`: all are links through one link to a folder, which is replaced.
#[tokio::test]
async fn a_link_that_is_set_to_other_settings_is_noticed() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let folder = Folder::new();
    let version = |folder: &Folder, name: &str, instances: &[String]| {
        std::fs::create_dir(folder.path(name)).unwrap();
        folder.write(&format!("{name}/conf.yaml"), settings(&intake, admin, instances));
        symlink(name, folder.path("..next")).unwrap();
        std::fs::rename(folder.path("..next"), folder.path("..data")).unwrap();
    };
    let [a, b] = ["/a", "/b"].map(|path| instance(&targets.url(path), &[]));
    version(&folder, "..1", std::slice::from_ref(&a));
    symlink(Path::new("..data").join("conf.yaml"), folder.path("conf.yaml")).unwrap();
    let mut running = Running::start_in(folder, &[], &[KEY]);
    running.until("a scrape", || targets.hits("/a") >= 1).await;
    version(running.folder(), "..2", &[a, b]);
    running.until_said("targets: 1 added, 0 changed, 0 removed, 1 as before").await;
    running.until("a scrape of the new one", || targets.hits("/b") >= 1).await;
    assert_eq!(running.said("the settings were read again"), 1);
    running.stop().await.assert_code(0);
}

#[tokio::test]
async fn secrets_in_files_are_renewed() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let folder = Folder::new();
    let (token, key) = (folder.write("token", "hunter1\n"), folder.write("key", "a".repeat(32)));
    let header = format!("extra_headers: {{X-Token: '${{file:{token}}}'}}");
    let instances = [instance(&targets.url("/a"), &[&header]), instance(&targets.url("/b"), &[])];
    let text = format!("api_key: ${{file:{key}}}\n{}", settings(&intake, admin, &instances));
    folder.write("conf.yaml", text);
    let mut running = Running::start_in(folder, &[], &[]);
    running.until("a scrape with the first token", || targets.tokens().contains(&"hunter1".to_owned())).await;
    running.until("a payload with the first key", || !intake.received(SERIES).is_empty()).await;

    running.folder().write("token", "hunter22");
    running.until_said("targets: 0 added, 1 changed, 0 removed, 1 as before").await;
    running.until("a scrape with the second token", || targets.tokens().contains(&"hunter22".to_owned())).await;

    running.folder().write("key", "b".repeat(32));
    running.until_said("targets: 0 added, 0 changed, 0 removed, 2 as before").await;
    let keyed =
        |key: &str| intake.received(SERIES).iter().filter(|request| request.header("dd-api-key") == key).count();
    running.until("a payload with the second key", || keyed(&"b".repeat(32)) >= 1).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(!finished.stderr.contains("hunter"), "{finished}");
    let deltas = deltas(&intake, &targets.url("/b"));
    assert_eq!(deltas.len() as u64, targets.hits("/b") - 1, "it was left alone both times");
}

#[tokio::test]
async fn what_a_refused_key_held_back_goes_with_the_next_one() {
    use support::intake::Reply;
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    intake.answer(SERIES, Reply::Status(403));
    let folder = Folder::new();
    let key = folder.write("key", "a".repeat(32));
    let instances = [instance(&targets.url("/a"), &[])];
    folder.write("conf.yaml", format!("api_key: ${{file:{key}}}\n{}", settings(&intake, admin, &instances)));
    let mut running = Running::start_in(folder, &["--no-watch"], &[]);
    running.until_said("the API key is not valid there").await;
    intake.answer(SERIES, Reply::Accept);
    running.folder().write("key", "b".repeat(32));
    running.signal("HUP");
    running.until("what was held back", || !deltas(&intake, &targets.url("/a")).is_empty()).await;
    running.stop().await.assert_code(0);
    let deltas = deltas(&intake, &targets.url("/a"));
    assert_eq!(deltas.len() as u64, targets.hits("/a") - 1, "nothing was lost");
}

#[tokio::test]
async fn tags_change_at_once_and_what_cannot_change_is_told() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let instances = [instance(&targets.url("/a"), &[])];
    let text = settings(&intake, admin, &instances);
    let (folder, _) = Folder::with_settings(&format!("tags: [team:one]\n{text}"));
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    let tagged = |tag: &str| {
        let series = series(&intake, &targets.url("/a"));
        series.iter().filter(|series| series.tags.contains(&tag.to_owned())).count()
    };
    running.until("the first tag", || tagged("team:one") >= 1).await;
    let text = text.replace(&admin.to_string(), "127.0.0.1:1");
    running
        .folder()
        .write("conf.yaml", format!("tags: [team:two]\nlog_level: debug\nmax_concurrent_scrapes: 7\n{text}"));
    running.signal("HUP");
    running.until_said("targets: 0 added, 0 changed, 0 removed, 1 as before").await;
    for option in ["`admin_listen`", "`log_level`"] {
        assert_eq!(running.said(&format!("{option} differs from what is in effect")), 1, "{}", running.stderr());
    }
    assert!(metrics(admin).await.contains("\nretriever_scrapes_limit 7\n"));
    running.until("the second tag", || tagged("team:two") >= 1).await;
    running.stop().await.assert_code(0);
    let deltas = deltas(&intake, &targets.url("/a"));
    assert_eq!(deltas.len() as u64, targets.hits("/a") - 1);
}

#[tokio::test]
async fn a_request_reads_the_settings_again_if_it_is_allowed_to() {
    let (intake, targets, admin) = (Intake::start().await, Counting::start().await, free_address());
    let text = settings(&intake, admin, &[instance(&targets.url("/a"), &[])]);
    let (folder, _) = Folder::with_settings(&text);
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    running.until_said("pages of Retriever itself").await;
    let (status, page) = ask(admin, Method::POST, "/-/reload").await;
    assert_eq!(status, 403, "{page}");
    assert!(page.contains("`admin_reload`"), "{page}");
    running.stop().await.assert_code(0);

    let admin = free_address();
    let text = settings(&intake, admin, &[instance(&targets.url("/a"), &[])]);
    let (folder, _) = Folder::with_settings(&format!("admin_reload: true\n{text}"));
    let mut running = Running::start_in(folder, &["--no-watch"], &[KEY]);
    running.until_said("pages of Retriever itself").await;
    assert_eq!(ask(admin, Method::GET, "/-/reload").await.0, 405);
    assert_eq!(ask(admin, Method::POST, "/-/reload").await, (200, "the settings are as they were\n".to_owned()));
    running.folder().write("conf.yaml", format!("admin_reload: true\n{text}{}", instance(&targets.url("/b"), &[])));
    let (status, page) = ask(admin, Method::POST, "/-/reload").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("1 added"), "{page}");
    running.folder().write("conf.yaml", "instances: 5\n");
    let (status, page) = ask(admin, Method::POST, "/-/reload").await;
    assert_eq!(status, 500);
    assert!(page.starts_with(REFUSED) && page.contains("`instances` is the number `5`"), "{page}");
    running.stop().await.assert_code(0);
}
