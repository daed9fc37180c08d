//! What becomes of submissions: `retriever check --stage points` on recorded scrapes, an interval of 15 seconds apart.

use std::fmt::Write as _;

use serde_json::Value;

use super::program::{Folder, retriever};

/// When the first recording is scraped.
const START: f64 = 1_700_000_000.0;

/// One scrape.
pub(crate) struct Recording {
    /// What its file ends in, which says the format.
    pub(crate) ending: &'static str,
    pub(crate) body: Vec<u8>,
}

fn text(body: &str) -> Recording {
    Recording { ending: "prom", body: body.as_bytes().to_vec() }
}

fn open_metrics(body: &str) -> Recording {
    Recording { ending: "om", body: format!("{body}# EOF\n").into_bytes() }
}

/// The points and sketches of each scrape: type, name, value, tags, host.
pub(crate) fn points(options: &str, recordings: &[Recording], args: &[&str]) -> Vec<Vec<String>> {
    let settings = format!("instances: [{{openmetrics_endpoint: 'http://t', tag_by_endpoint: false, {options}}}]\n");
    let (folder, settings) = Folder::with_settings(&settings);
    let mut all = ["check", &settings, "--stage", "points", "--format", "json"].map(ToOwned::to_owned).to_vec();
    for (number, recording) in recordings.iter().enumerate() {
        let path = folder.write(&format!("{number}.{}", recording.ending), &recording.body);
        all.extend(["--fixture".to_owned(), path]);
    }
    all.extend(args.iter().map(ToString::to_string));
    let document = retriever(&all).assert_code(0).json();
    let scrapes = document["instances"][0]["scrapes"].as_array().unwrap().iter();
    scrapes.map(|scrape| ["points", "sketches"].iter().flat_map(|list| entries(&scrape[list])).collect()).collect()
}

fn entries(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(line).collect()
}

fn line(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or_default();
    let mut line = match entry["type"].as_str() {
        Some(kind) => format!("{kind} {} {}", text("metric"), entry["value"].as_f64().unwrap()),
        None => format!("sketch {} count {} sum {}", text("metric"), entry["count"], entry["sum"]),
    };
    let tags: Vec<&str> = entry["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    if !tags.is_empty() {
        write!(line, " {}", tags.join(",")).unwrap();
    }
    if !text("host").is_empty() {
        write!(line, " @{}", text("host")).unwrap();
    }
    line
}

// --- gauge_aggregation ------------------------------------------------------------------------------------------------

const GAUGES: &str =
    "# TYPE a gauge\na{x=\"1\"} 6\na{x=\"2\"} 1\na{x=\"3\"} 2\n# TYPE b gauge\nb{x=\"1\"} 4\nb{x=\"2\"} 8\n";

#[test]
fn gauges_that_become_one_are_aggregated_as_the_settings_say() {
    let aggregated = |metrics: &str, others: &str| {
        let options = format!("metrics: [{metrics}], exclude_labels: [x]{others}");
        points(&options, &[text(GAUGES)], &[]).remove(0)
    };
    assert_eq!(aggregated("a, b", ""), ["gauge a 2", "gauge b 8"]);
    for (word, a, b) in [("last", 2, 8), ("sum", 9, 12), ("max", 6, 8), ("min", 1, 4), ("avg", 3, 6)] {
        let all = aggregated("a, b", &format!(", gauge_aggregation: {word}"));
        assert_eq!(all, [format!("gauge a {a}"), format!("gauge b {b}")]);
        let one = aggregated(&format!("{{a: {{gauge_aggregation: {word}}}}}, b"), ", gauge_aggregation: max");
        assert_eq!(one, [format!("gauge a {a}"), "gauge b 8".to_owned()]);
        let pattern = aggregated(&format!("{{'^[a]': {{gauge_aggregation: {word}}}}}, b"), "");
        assert_eq!(pattern, [format!("gauge a {a}"), "gauge b 8".to_owned()]);
    }
    // The gauge of a counter is one as well.
    assert_eq!(
        aggregated("{a: {type: counter_gauge, gauge_aggregation: sum}}", ""),
        ["gauge a.total 9"],
        "and what its count comes to is not known yet"
    );
    // Each scrape by itself.
    let scrapes =
        points("metrics: [a], exclude_labels: [x], gauge_aggregation: sum", &[text(GAUGES), text(GAUGES)], &[]);
    assert_eq!(scrapes, [["gauge a 9"], ["gauge a 9"]]);
}

#[test]
fn counters_that_become_one_add_up() {
    let body = |one: u32, other: u32| text(&format!("# TYPE c counter\nc{{x=\"1\"}} {one}\nc{{x=\"2\"}} {other}\n"));
    let options = "metrics: [c], exclude_labels: [x]";
    // The second one is reset, and has counted 3 since.
    let scrapes = points(options, &[body(10, 20), body(15, 3), body(15, 4)], &[]);
    assert_eq!(scrapes, [vec![], vec!["count c.count 8"], vec!["count c.count 1"]]);
}

// --- Start times ------------------------------------------------------------------------------------------------------

#[test]
fn start_times_decide_about_first_values() {
    let started = format!("{}", START - 60.0);
    let first = |recording: Recording| points("metrics: [c, h]", &[recording], &["--started", &started]).remove(0);
    for (began, grown) in [(START - 30.0, true), (START - 300.0, false)] {
        let plain = format!("# TYPE c counter\nc_total 5\n# TYPE c_created gauge\nc_created {began}\n");
        let within = format!("# TYPE c counter\nc_total 5\nc_created {began}\n");
        let expected = if grown { vec!["count c.count 5"] } else { vec![] };
        assert_eq!(first(text(&plain)), expected);
        assert_eq!(first(text(&within)), expected);
        assert_eq!(first(open_metrics(&within)), expected);
        let histogram = format!(
            "# TYPE h histogram\nh_bucket{{le=\"1\"}} 2\nh_bucket{{le=\"+Inf\"}} 3\nh_sum 4\nh_count 3\nh_created {began}\n"
        );
        let expected =
            if grown { vec!["count h.bucket 2 upper_bound:1.0", "count h.sum 4", "count h.count 3"] } else { vec![] };
        assert_eq!(first(text(&histogram)), expected);
        assert_eq!(first(open_metrics(&histogram)), expected);
    }
}

/// Start times are found by the names as exposed, whatever relabeling makes of them.
#[test]
fn relabeled_series_begin_when_the_exposition_says() {
    let rename = "{source_labels: [__name__], regex: 'old(.*)', target_label: __name__, replacement: 'new$1'}";
    let dropping = "{source_labels: [__name__], regex: '.*_created', action: drop}";
    let body = format!("# TYPE old counter\nold_total{{x=\"1\"}} 5\nold_created{{x=\"1\"}} {}\n", START - 30.0);
    let started = format!("{}", START - 60.0);
    for rules in [rename.to_owned(), format!("{dropping}, {rename}")] {
        let options = format!("metrics: [new], metric_relabel_configs: [{rules}]");
        for recording in [text(&body), open_metrics(&body)] {
            let lines = points(&options, &[recording], &["--started", &started]);
            assert_eq!(lines, [["count new.count 5 x:1"]], "{rules}");
        }
    }
}

#[test]
fn a_counter_that_began_anew_counts_whole_even_if_it_is_larger() {
    let body =
        |value: u32, began: f64| open_metrics(&format!("# TYPE c counter\nc_total {value}\nc_created {began}\n"));
    let scrapes = points("metrics: [c]", &[body(5, START - 300.0), body(7, START + 5.0), body(9, START + 5.0)], &[]);
    assert_eq!(scrapes, [vec![], vec!["count c.count 7"], vec!["count c.count 2"]]);
}

// --- use_process_start_time -------------------------------------------------------------------------------------------

#[test]
fn counters_begin_with_their_process() {
    let body = |since: f64| {
        text(&format!(
            "# TYPE c counter\nc_total 5\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {since}\n"
        ))
    };
    let options = "metrics: [c], use_process_start_time: true";
    let started = format!("{}", START - 10.0);
    let younger = points(options, &[body(START - 5.0), body(START - 5.0)], &["--started", &started]);
    assert_eq!(younger, [vec!["count c.count 5"], vec!["count c.count 0"]]);
    let older = points(options, &[body(START - 60.0), body(START - 60.0)], &["--started", &started]);
    assert_eq!(older, [vec![], vec!["count c.count 0"]]);
    let unused = points("metrics: [c]", &[body(START - 5.0)], &["--started", &started]);
    assert_eq!(unused, [[""; 0]]);
}

// --- Hosts ------------------------------------------------------------------------------------------------------------

#[test]
fn hosts_are_part_of_a_series() {
    let body = "# TYPE a gauge\na{node=\"m\"} 1\na{node=\"n\"} 2\na 3\n";
    let options = "metrics: [a], hostname_label: node, exclude_labels: [node]";
    assert_eq!(points(options, &[text(body)], &[]), [["gauge a 1 @m", "gauge a 2 @n", "gauge a 3"]]);
}
