//! The figures of the option `telemetry`, together with what the vectors do not combine it with.

use retriever::parse::Format;

use super::target::{Ending, Target};

/// The submissions of a body: figures without the beginning that all of their names share, and other metrics as they
/// are.
fn figures(options: &str, body: &str) -> Vec<String> {
    let mut target = Target::new(&format!("telemetry: true, {options}"));
    let scraped = target.scrape(Format::PrometheusText, body, Ending::Whole);
    assert_eq!(scraped.failure, None);
    scraped.lines.iter().map(|line| line.replace("count telemetry.metrics.", "").replace(".count", "")).collect()
}

const BODY: &str = "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} NaN\n# TYPE b gauge\nb 3\n# TYPE c gauge\nc 4\n";

#[test]
fn relabeled_samples_are_counted_as_what_they_became() {
    let rename =
        "metric_relabel_configs: [{source_labels: [__name__], regex: a, target_label: __name__, replacement: q}]";
    assert_eq!(
        figures(&format!("metrics: [q, b], {rename}"), BODY),
        ["input 2", "processed 1", "gauge q 1 x:1", "input 1", "processed 1", "gauge b 3", "input 1"]
    );
    // What is excluded counts as ignored, and only that.
    assert_eq!(
        figures(&format!("metrics: [.+], exclude_metrics: [q, b], {rename}"), BODY),
        ["input 2", "ignored 1", "input 1", "ignored 1", "input 1", "processed 1", "gauge c 4"]
    );
    assert_eq!(
        figures(&format!("metrics: [.+], exclude_metrics: [a], {rename}"), BODY),
        [
            "input 2",
            "processed 1",
            "gauge q 1 x:1",
            "ignored 0",
            "input 1",
            "processed 1",
            "gauge b 3",
            "input 1",
            "processed 1",
            "gauge c 4",
        ]
    );
    let dropping = "metric_relabel_configs: [{source_labels: [x], regex: '1', action: drop}]";
    assert_eq!(figures(&format!("metrics: [a], {dropping}"), BODY), ["input 2", "input 1", "input 1"]);
}

#[test]
fn a_histogram_that_waits_is_counted_before_it_is_submitted() {
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n";
    assert_eq!(
        figures("metrics: [h], collect_histograms_as_distributions: true", body),
        [
            "input 4",
            "processed 1",
            "processed 1",
            "processed 1",
            "processed 1",
            "histogram_bucket h 2 (0, 1] shared",
            "histogram_bucket h 1 (1, inf] shared",
        ]
    );
}

/// Counters wait for the end of the body; figures about them that need not wait do not.
#[test]
fn figures_of_families_that_are_held_come_with_them() {
    let body = "# TYPE c counter\nc 5\n# TYPE a gauge\na 1\n";
    assert_eq!(
        figures("metrics: [c, a], use_process_start_time: true", body),
        ["input 1", "input 1", "processed 1", "gauge a 1", "processed 1", "monotonic_count c 5"]
    );
}

/// While sources are searched, families count as they are read, and not again.
#[test]
fn families_count_once_while_sources_are_searched() {
    let body = "# TYPE a gauge\na 1\n# TYPE src gauge\nsrc{v=\"1\"} 1\n# TYPE b gauge\nb 2\n";
    assert_eq!(
        figures("metrics: [a, b], share_labels: {src: true}", body),
        ["input 1", "input 1", "processed 1", "gauge a 1 v:1", "input 1", "processed 1", "gauge b 2 v:1"]
    );
    assert_eq!(
        figures("metrics: [a], share_labels: {none: true}", body),
        ["input 1", "input 1", "input 1", "processed 1", "gauge a 1"]
    );
}

#[test]
fn figures_have_the_tags_of_the_instance_and_pass_its_gates() {
    let body = "# TYPE a gauge\na{node=\"n\"} 1\n";
    let mut target = Target::new(
        "metrics: [a], telemetry: true, namespace: app, tags: ['k:v'], hostname_label: node, \
         metric_patterns: {exclude: [processed]}",
    );
    assert_eq!(target.text(body), ["count app.telemetry.metrics.input.count 1 k:v", "gauge app.a 1 k:v,node:n @n"]);
    let mut target = Target::new("metrics: [a], telemetry: true, max_returned_metrics: 2");
    let scraped = target.scrape(Format::PrometheusText, body, Ending::Whole);
    assert_eq!(scraped.lines, ["count telemetry.metrics.input.count 1", "count telemetry.metrics.processed.count 1"]);
    assert_eq!(scraped.dropped, [("beyond max_returned_metrics", 1)]);
}

#[test]
fn lines_that_are_left_out_are_counted() {
    let body = "# TYPE a gauge\na 1\nsecret 2\nsecret 3\n# TYPE b gauge\nb 4\n";
    assert_eq!(
        figures("metrics: [a, b], raw_line_filters: [secret]", body),
        ["blacklist 1", "blacklist 1", "input 1", "processed 1", "gauge a 1", "input 1", "processed 1", "gauge b 4"]
    );
}
