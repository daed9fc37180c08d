//! `retriever explain`, as those read it who ask why a metric is missing.
//!
//! Each case is a command and what it printed once, in `snapshots/`. `RETRIEVER_UPDATE=1 cargo test --test explain` writes
//! what is printed now; read it as somebody would who has never seen the program.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod laws;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod program;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use program::{Finished, command};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A snapshot, the folder of its settings and recordings, and the arguments behind the settings.
type Case = (&'static str, &'static str, &'static [&'static str]);

/// The draft of OpenMetrics 2.0, which has native histograms.
const DRAFT: &str = "application/openmetrics-text; version=2.0.0";

const BOTH: [&str; 2] = ["1.prom", "2.prom"];

/// Metrics of a shop, most of which go wrong in a way of their own.
const SHOP: [Case; 29] = [
    ("counter", "shop", &["http_requests_total"]),
    ("counter_by_its_family", "shop", &["http_requests{code=\"500\"}"]),
    ("datadog_name", "shop", &["shop.requests.count{code=\"404\"}"]),
    ("datadog_name_without_namespace", "shop", &["payments.failed"]),
    ("every_scrape", "shop", &["refunds_total", "--all-scrapes"]),
    ("every_series", "shop", &["http_duration_seconds_bucket", "--all-series"]),
    ("histogram", "shop", &["http_duration_seconds"]),
    ("service_check", "shop", &["shop.ready"]),
    ("health", "shop", &["shop.openmetrics.health"]),
    ("gauges_collide", "shop", &["queue_depth"]),
    ("namespace_twice", "shop", &["sessions"]),
    ("entry_with_total", "shop", &["orders_total"]),
    ("entry_of_a_part", "shop", &["checkout_seconds"]),
    ("entry_with_datadog_name", "shop", &["cart_items"]),
    ("entry_in_another_case", "shop", &["basket_size"]),
    ("excluded_by_name", "shop", &["worker_threads"]),
    ("excluded_by_pattern", "shop", &["worker_heap_debug"]),
    ("excluded_by_label", "shop", &["worker_busy"]),
    ("excluded_full_name", "shop", &["worker_idle"]),
    ("not_a_number", "shop", &["worker_temperature"]),
    ("untyped", "shop", &["voucher"]),
    ("another_type", "shop", &["discounts"]),
    ("metadata_without_label", "shop", &["release"]),
    ("filtered_line", "shop", &["internal_secret"]),
    ("malformed_line", "shop", &["broken"]),
    ("relabeling_drops", "shop", &["{job=\"canary\"}"]),
    ("relabeling_renames", "shop", &["legacy_queue_depth"]),
    ("no_such_label_value", "shop", &["http_requests_total{code=~\"503|504\",zone!=\"\"}"]),
    ("no_such_part", "shop", &["checkout_quantiles_bucket"]),
];

/// Names that are nowhere in the exposition of the shop.
const ABSENT: [Case; 6] = [
    ("misspelled", "shop", &["http_request_total"]),
    ("unknown", "shop", &["totally_unknown"]),
    ("unknown_full_name", "shop", &["shop.no.such.thing"]),
    ("absent_source", "shop", &["shop.shipments.count"]),
    ("absent_but_selected", "shop", &["shipments_total"]),
    ("another_full_name", "shop", &["shop.queue.count"]),
];

const OTHERS: [Case; 20] = [
    ("info", "types", &["build_info", "--fixture", "1.om"]),
    ("stateset", "types", &["state", "--fixture", "1.om"]),
    ("gauge_histogram", "types", &["sizes", "--fixture", "1.om"]),
    ("unknown_type", "types", &["mystery", "--fixture", "1.om"]),
    ("first_reading", "types", &["requests", "--fixture", "1.om"]),
    ("summary", "types", &["latency", "--fixture", "1.om"]),
    ("announced_only", "types", &["parcel_seconds", "--fixture", "1.om"]),
    ("not_selected", "types", &["stray_bytes", "--fixture", "1.om"]),
    ("labels", "labels", &["web.requests.count", "--fixture", "1.prom"]),
    ("sample_of_its_own", "labels", &["uploads_total", "--fixture", "1.prom"]),
    ("limited", "limits", &["wanted_third", "--fixture", "1.prom"]),
    ("not_included", "limits", &["other", "--fixture", "1.prom"]),
    ("without_buckets", "limits", &["wanted_seconds", "--fixture", "1.prom"]),
    ("refused", "failed", &["up", "--fixture", "1.http"]),
    ("truncated", "failed", &["later", "--fixture", "2.http"]),
    ("no_exposition", "failed", &["up", "--fixture", "3.http"]),
    ("native_replaces_buckets", "native", &["both_seconds", "--fixture", "1.om", "--content-type", DRAFT]),
    ("native_of_another_type", "native", &["wrong_seconds", "--fixture", "1.om", "--content-type", DRAFT]),
    ("bad_bound", "native", &["bare_seconds", "--fixture", "2.prom"]),
    ("several_instances", "two", &["up", "--fixture", "1.prom"]),
];

/// Recordings of real exporters, with the settings that stand beside them.
const REAL: [Case; 8] = [
    ("node_exporter_not_selected", "node_exporter", &["go_goroutines"]),
    ("node_exporter_misspelled", "node_exporter", &["node.cpu.second.count"]),
    ("node_exporter_cpu", "node_exporter", &["node_cpu_seconds_total"]),
    ("python_client_histogram", "python_client", &["shop_http_request_duration_seconds{route=\"/pay\"}"]),
    ("prometheus_buckets", "prometheus", &["prometheus_http_request_duration_seconds{handler=\"/metrics\"}"]),
    ("pushgateway_distribution", "pushgateway", &["batch.import.duration{instance=\"batch-1\"}"]),
    ("redis_gone", "redis_exporter", &["redis_stream_radix_tree_keys"]),
    ("postgres_not_a_number", "postgres_exporter", &["postgres.archiver.age"]),
];

/// Runs `retriever` in a folder of the project.
fn run(folder: &Path, args: &[String]) -> Finished {
    let output = command().current_dir(folder).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The command as somebody would type it, what it printed, and its exit status.
fn transcript(folder: &Path, args: &[String]) -> String {
    let typed: Vec<String> =
        args.iter().map(|arg| if arg.contains(['{', '"', ' ']) { format!("'{arg}'") } else { arg.clone() }).collect();
    let Finished { code, stdout, stderr } = run(folder, args);
    let mut text = format!("$ retriever {}\n{stdout}", typed.join(" "));
    if !stderr.is_empty() {
        let _ = write!(text, "--- standard error\n{stderr}");
    }
    let _ = writeln!(text, "--- exit status {}", code.unwrap());
    text
}

/// Compares with the snapshot, or writes it.
fn compare(name: &str, actual: &str) -> Result<(), String> {
    let path: PathBuf = [ROOT, "tests/explain/snapshots", &format!("{name}.txt")].iter().collect();
    if std::env::var_os("RETRIEVER_UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == actual { Ok(()) } else { Err(format!("{name}: expected\n{expected}\nbut printed was\n{actual}")) }
}

fn check(cases: &[Case], folder: impl Fn(&str) -> PathBuf, args: impl Fn(&Case) -> Vec<String>) {
    let failures: Vec<String> =
        cases.iter().filter_map(|case| compare(case.0, &transcript(&folder(case.1), &args(case))).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn own_folder(name: &str) -> PathBuf {
    [ROOT, "tests/explain", name].iter().collect()
}

fn owned(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn of_the_shop(case: &Case) -> Vec<String> {
    let mut args = owned(&["explain", "conf.yaml"]);
    args.extend(owned(case.2));
    args.extend(BOTH.iter().flat_map(|file| owned(&["--fixture", file])));
    args
}

#[test]
fn the_shop() {
    check(&SHOP, own_folder, of_the_shop);
}

#[test]
fn what_is_not_there() {
    check(&ABSENT, own_folder, of_the_shop);
}

#[test]
fn types_labels_limits_and_failures() {
    check(&OTHERS, own_folder, |case| {
        let mut args = owned(&["explain", "conf.yaml"]);
        args.extend(owned(case.2));
        args
    });
}

#[test]
fn real_exporters() {
    check(
        &REAL,
        |_| ROOT.into(),
        |(_, fixture, selector)| {
            let mut args = owned(&["explain", &format!("fixtures/{fixture}/check.yaml")]);
            args.extend(owned(selector));
            for scrape in 1..=3 {
                args.extend(owned(&["--fixture", &format!("fixtures/{fixture}/{scrape}.http")]));
            }
            args
        },
    );
}

/// The examples of the documentation are what is printed.
#[test]
fn documentation() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/explain.md")).unwrap();
    let examples: Vec<&str> =
        page.split("```").skip(1).step_by(2).filter(|block| block.contains("$ retriever")).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let example = example.trim_start_matches("console").trim();
        let snapshots = std::fs::read_dir(own_folder("snapshots")).unwrap();
        let mut texts = snapshots.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        let is_printed = |text: String| text.split("--- exit status").next().unwrap().trim() == example;
        assert!(texts.any(is_printed), "no snapshot is\n{example}");
    }
}

#[test]
fn json() {
    let mut args = owned(&["explain", "conf.yaml", "worker_busy", "--format", "json"]);
    args.extend(BOTH.iter().flat_map(|file| owned(&["--fixture", file])));
    let printed = run(&own_folder("shop"), &args);
    let document = printed.assert_code(0).json();
    compare("json", &format!("{}\n", serde_json::to_string_pretty(&document).unwrap())).unwrap();
}

#[test]
fn everything() {
    let args = owned(&["check", "conf.yaml", "--explain", "--fixture", "1.prom"]);
    compare("everything", &transcript(&own_folder("limits"), &args)).unwrap();
}

#[test]
fn what_cannot_be_asked_is_said() {
    let shop = own_folder("shop");
    for (args, expected) in [
        (owned(&["explain", "conf.yaml", "a{b=\"1\"", "--fixture", "1.prom"]), "expected `}` at the end"),
        (owned(&["explain", "conf.yaml", "a", "--fixture", "none.prom"]), "none.prom"),
        (owned(&["explain", "none.yaml", "a", "--fixture", "1.prom"]), "none.yaml"),
    ] {
        let finished = run(&shop, &args);
        assert!(finished.assert_code(2).stderr.contains(expected), "{finished}");
    }
}

#[test]
fn secrets_and_colours_stay_away() {
    let mut args = of_the_shop(&("", "shop", &["http_requests_total", "--format", "json"]));
    for format in ["json", "text"] {
        args[4] = format.to_owned();
        let printed = run(&own_folder("shop"), &args);
        assert!(!printed.stdout.contains("hunter2") && !printed.stdout.contains("reader"), "{printed}");
        assert!(!printed.stdout.contains('\u{1b}'), "{printed}");
    }
}
