//! What `run` says of a target: once when it begins, not with every scrape.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hyper::Method;
use support::counting::{Counting, ask};
use support::program::{Folder, Running, free_address};

/// Runs against a target that exposes `load` for two processors, until it was scraped several times.
async fn run(options: &str) -> (Running, String) {
    let (targets, admin) = (Counting::start().await, free_address());
    let (folder, _) = Folder::with_settings(&format!(
        "output: console\nadmin_listen: {admin}\ninstances:\n  - openmetrics_endpoint: {}\n    metrics: [load]\n    \
         min_collection_interval: 0.2\n{options}",
        targets.url("/a")
    ));
    let mut running = Running::start_in(folder, &["--no-watch"], &[]);
    running.until("four scrapes", || targets.hits("/a") >= 4).await;
    let page = ask(admin, Method::GET, "/metrics").await.1;
    (running, page)
}

#[tokio::test]
async fn gauges_that_replace_each_other() {
    let (running, page) = run("    exclude_labels: [cpu]\n").await;
    let count = page.lines().find_map(|line| line.strip_prefix("retriever_collisions_total{")).unwrap();
    assert!(count.split_once("} ").unwrap().1.parse::<u64>().unwrap() >= 2, "{count}");
    let said = "`load{cpu=\"1\"}` replaces `load{cpu=\"0\"}` in `load`";
    assert_eq!(running.said(said), 1, "{}", running.stderr());
    assert_eq!(running.said("`gauge_aggregation`"), 1, "{}", running.stderr());
    running.stop().await.assert_code(0);
}

#[tokio::test]
async fn a_limit_that_is_reached() {
    let (running, page) = run("    max_returned_metrics: 1\n").await;
    assert!(page.contains("retriever_collisions_total"), "{page}");
    assert!(
        page.lines().any(|line| line.starts_with("retriever_collisions_total{") && line.ends_with("} 0")),
        "{page}"
    );
    assert_eq!(running.said("`max_returned_metrics` is reached"), 1, "{}", running.stderr());
    running.stop().await.assert_code(0);
}

#[tokio::test]
async fn nothing_when_all_is_well() {
    let (running, _) = run("").await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(!finished.stderr.contains("WARN"), "{finished}");
}
