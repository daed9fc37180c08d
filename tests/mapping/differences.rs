//! The numbered differences from Datadog's check, and Retriever's own limits.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderMap;
use retriever::config::BodyLimits;
use retriever::parse::Format;
use retriever::pipeline::Recorder;
use retriever::road::Road;
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;

use super::target::{Ending, Target, instance, text};

const BARE_COUNTER: &str = "# TYPE x counter\nx_total{a=\"b\"} 5\n";

/// Difference 5.
#[test]
fn a_text_counter_owns_its_total() {
    let counted = ["monotonic_count x.count 5 a:b"];
    assert_eq!(text("metrics: [x]", BARE_COUNTER), counted);
    assert_eq!(text("metrics: [.+]", BARE_COUNTER), counted);
}

/// Settings that name the total itself, as the original needs it, mean what they mean there.
#[test]
fn a_total_that_the_settings_name_is_a_metric_of_its_own() {
    assert_eq!(text("metrics: [x, {x_total: {type: gauge}}]", BARE_COUNTER), ["gauge x_total 5 a:b"]);
    assert_eq!(text("metrics: [{x_total: {type: counter}}]", BARE_COUNTER), ["monotonic_count x_total.count 5 a:b"]);
    assert_eq!(text("metrics: [.+], exclude_metrics: [x_total]", BARE_COUNTER), [""; 0]);
}

/// Of two samples that end so, only the one with another name than its family can be meant apart.
#[test]
fn the_total_that_names_a_counter_is_no_metric_of_its_own() {
    let body = "# TYPE x_total counter\nx_total_total 1\nx_total 5\n";
    assert_eq!(text("metrics: [x], exclude_metrics: [x_total_total]", body), ["monotonic_count x.count 5"]);
    assert_eq!(
        text("metrics: [x, {x_total_total: {type: gauge}}]", body),
        ["gauge x_total_total 1", "monotonic_count x.count 5"]
    );
}

/// Difference 4.
#[test]
fn start_times_are_no_values() {
    let body = "# TYPE c counter\nc_total 5\nc_created 1600000000\n# EOF\n";
    let scraped = Target::new("metrics: [c]").scrape(Format::OpenMetrics, body, Ending::Whole);
    assert_eq!(scraped.lines, ["monotonic_count c.count 5"]);
    assert_eq!(scraped.dropped, [("start time of a series", 1)]);
}

/// Difference 6.
#[test]
fn the_prefix_is_removed_from_samples_too() {
    let body = "# TYPE p_s summary\np_s{quantile=\"0.5\"} 1\np_s_sum 2\np_s_count 3\n";
    assert_eq!(
        text("metrics: [s], raw_metric_prefix: p_", body),
        ["gauge s.quantile 1 quantile:0.5", "monotonic_count s.sum 2", "monotonic_count s.count 3"]
    );
}

/// Difference 1.
#[test]
fn a_malformed_line_costs_itself_only() {
    let body =
        "# TYPE a gauge\na 1\na{x=\"y\" 2\na{x=\"z\"} 3\n# TYPE h histogram\nh_bucket{le=\"soon\"} 1\nh_count 1\n";
    let scraped = Target::new("metrics: [.+]").scrape(Format::PrometheusText, body, Ending::Whole);
    assert_eq!(scraped.lines, ["gauge a 1", "gauge a 3 x:z", "monotonic_count h.count 1"]);
    assert_eq!((scraped.failure, scraped.malformed), (None, vec![(3, 9)]));
}

#[tokio::test]
async fn too_many_series_fail_the_scrape_and_are_forgotten() {
    let mut road = Road::new(Arc::new(instance("metrics: [.+], series_limit: 2")), None);
    let many = |count: u32| (0..count).map(|i| format!("a{{x=\"{i}\"}} 1\n")).collect::<Vec<_>>().concat();
    for (body, fails) in [(many(1), false), (many(2), false), (many(3), true), (many(9), true), (many(2), false)] {
        let head = Head { status: 200, reason: String::new(), final_url: String::new(), headers: HeaderMap::new() };
        let bytes = Bytes::from(format!("# TYPE a gauge\n{body}"));
        let body = Body::from_bytes(&head, bytes, &BodyLimits::default());
        let response = Response { head, body };
        let contribution = road.scrape(Ok(response), UnixTime::from_seconds(0.0), &mut Recorder::default()).await;
        let failure = contribution.report.failure;
        assert_eq!(failure.is_some(), fails, "{failure:?}");
        assert!(failure.is_none_or(|failure| failure.message.contains("`series_limit`")));
        assert!(road.contexts().len() <= 2, "{} contexts", road.contexts().len());
    }
}
