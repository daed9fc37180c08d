//! Options that the vectors do not reach, or not in these combinations.

use retriever::parse::Format;

use super::target::{Ending, NOW, Scraped, Target, open_metrics, text};

fn scraped(options: &str, body: &str) -> Scraped {
    Target::new(options).scrape(Format::PrometheusText, body, Ending::Whole)
}

// --- code_class_labels ------------------------------------------------------------------------------------------------

#[test]
fn the_class_of_a_status_is_a_label() {
    let class = |labels: &str| {
        text("metrics: [a], code_class_labels: [code, status]", &format!("# TYPE a gauge\na{{{labels}}} 1\n"))
    };
    assert_eq!(class("code=\"204\""), ["gauge a 1 code:204,code_class:2xx"]);
    assert_eq!(class("status=\"503\""), ["gauge a 1 code_class:5xx,status:503"]);
    // Whatever three digits say; nothing else is a status.
    assert_eq!(class("code=\"999\""), ["gauge a 1 code:999,code_class:9xx"]);
    for other in ["20", "2000", "2xx", "ok", "", " 204", "²04"] {
        assert_eq!(class(&format!("code=\"{other}\"")), [format!("gauge a 1 code:{other}")]);
    }
    // The first of the list that holds one decides.
    assert_eq!(class("status=\"503\",code=\"204\""), ["gauge a 1 code:204,code_class:2xx,status:503"]);
    assert_eq!(class("status=\"503\",code=\"ok\""), ["gauge a 1 code:ok,code_class:5xx,status:503"]);
    assert_eq!(class("code_class=\"own\",code=\"204\""), ["gauge a 1 code:204,code_class:2xx"]);
}

#[test]
fn the_class_of_a_status_passes_all_other_settings() {
    let body = "# TYPE c counter\nc{code=\"204\"} 1\nc{code=\"500\"} 2\n";
    let classed = |others: &str| scraped(&format!("metrics: [c], code_class_labels: [code], {others}"), body);
    assert_eq!(
        classed("exclude_labels: [code]").lines,
        ["monotonic_count c.count 1 code_class:2xx", "monotonic_count c.count 2 code_class:5xx"]
    );
    assert_eq!(
        classed("rename_labels: {code_class: class}, include_labels: [code_class]").lines,
        ["monotonic_count c.count 1 class:2xx", "monotonic_count c.count 2 class:5xx"]
    );
    let excluded = classed("exclude_metrics_by_labels: {code_class: [5xx]}");
    assert_eq!(excluded.lines, ["monotonic_count c.count 1 code:204,code_class:2xx"]);
    assert_eq!(excluded.dropped, [("excluded by exclude_metrics_by_labels", 1)]);
    // A status that came from relabeling.
    let rule =
        "metric_relabel_configs: [{source_labels: [code], target_label: status}, {regex: code, action: labeldrop}]";
    let options = format!("metrics: [c], code_class_labels: [status], {rule}");
    assert_eq!(
        text(&options, body),
        ["monotonic_count c.count 1 code_class:2xx,status:204", "monotonic_count c.count 2 code_class:5xx,status:500"]
    );
}

// --- Types ------------------------------------------------------------------------------------------------------------

#[test]
fn info_and_state_sets_are_gauges_once_they_have_a_type() {
    let body = "# TYPE build info\nbuild_info{v=\"1\"} 1\n# TYPE state stateset\nstate{state=\"on\"} 1\nstate{state=\"off\"} 0\n";
    let sent = ["gauge build 1 v:1", "gauge state 1 state:on", "gauge state 0 state:off"];
    assert_eq!(open_metrics("metrics: [{build: {type: info}}, {state: {type: stateset}}]", body), sent);
    assert_eq!(open_metrics("metrics: [{build: {type: gauge}}, {state: {type: gauge}}]", body), sent);
    assert_eq!(open_metrics("metrics: [{'^(build|state)$': {type: info}}]", body), sent);
    assert_eq!(open_metrics("metrics: [{build: {type: info, name: version}}]", body), ["gauge version 1 v:1"]);
    let body = format!("{body}# EOF\n");
    let untyped = Target::new("metrics: [build, state]").scrape(Format::OpenMetrics, body, Ending::Whole);
    assert_eq!(untyped.lines, [""; 0]);
    assert_eq!(
        untyped.dropped,
        [
            ("type `info` is only submitted when configured", 1),
            ("type `stateset` is only submitted when configured", 2)
        ]
    );
}

/// The settings name a counter in one way, whatever its exposition is written in.
#[test]
fn a_counter_is_selected_without_its_total_in_every_format() {
    for (format, family) in [
        (Format::PrometheusText, "c"),
        (Format::PrometheusText, "c_total"),
        (Format::OpenMetrics, "c"),
        (Format::OpenMetrics2, "c"),
        (Format::OpenMetrics2, "c_total"),
    ] {
        let end = if format == Format::PrometheusText { "" } else { "# EOF\n" };
        let body = format!("# TYPE {family} counter\nc_total{{x=\"1\"}} 5\n{end}");
        let scraped = Target::new("metrics: [c]").scrape(format, body, Ending::Whole);
        assert_eq!(scraped.lines, ["monotonic_count c.count 5 x:1"], "`{family}` in {format:?}");
    }
}

#[test]
fn a_pattern_that_forgets_follows_the_type() {
    let body = |of: &str| format!("# TYPE a {of}\na 1\n");
    let gauge = ["gauge a 1"];
    let count = ["monotonic_count a.count 1 first"];
    let mut keeping = Target::new("metrics: ['^a']");
    let mut forgetting = Target::new("metrics: ['^a'], cache_metric_wildcards: false");
    // What is exact is kept whatever is said of patterns.
    let mut exact = Target::new("metrics: [a], cache_metric_wildcards: false");
    for (of, followed) in [("gauge", &gauge), ("counter", &count), ("untyped", &[""]), ("gauge", &gauge)] {
        let sent = if of == "untyped" { &[][..] } else { &gauge };
        assert_eq!(keeping.text(&body(of)), sent, "{of}");
        assert_eq!(exact.text(&body(of)), sent, "{of}");
        assert_eq!(forgetting.text(&body(of)), if of == "untyped" { &[][..] } else { followed }, "{of}");
    }
}

#[test]
fn metadata_is_taken_apart_by_its_scheme() {
    let kept = |settings: &str, version: &str| {
        let rule = format!("metrics: [{{build_info: {{type: metadata, label: v, {settings}}}}}]");
        text(&rule, &format!("# TYPE build_info gauge\nbuild_info{{v=\"{version}\"}} 1\n"))
    };
    assert_eq!(kept("name: release", "v1.2.3"), ["metadata release v1.2.3"]);
    let semver = ["metadata version.major 1", "metadata version.minor 22", "metadata version.patch 0"];
    let raw =
        |raw: &str, scheme: &str| [format!("metadata version.raw {raw}"), format!("metadata version.scheme {scheme}")];
    let lines =
        |parts: &[&str], end: [String; 2]| [parts.iter().map(ToString::to_string).collect(), end.to_vec()].concat();
    for settings in ["name: version", "name: version, scheme: semver"] {
        assert_eq!(kept(settings, "go v1.22.0"), lines(&semver, raw("go v1.22.0", "semver")));
    }
    let tagged = [&semver[..], &["metadata version.release rc.1", "metadata version.build g5"]].concat();
    assert_eq!(kept("name: version", "1.22.0-rc.1+g5"), lines(&tagged, raw("1.22.0-rc.1+g5", "semver")));
    assert_eq!(kept("name: version", "1.22"), [""; 0], "and nothing of what does not fit");
    let pattern = r"name: version, scheme: regex, pattern: 'build (?P<number>\d+)(?P<more>x)?'";
    assert_eq!(kept(pattern, "build 7"), lines(&["metadata version.number 7"], raw("build 7", "openmetrics")));
    assert_eq!(
        kept(&format!("{pattern}, final_scheme: builds"), "build 7x"),
        lines(&["metadata version.number 7", "metadata version.more x"], raw("build 7x", "builds"))
    );
    assert_eq!(kept(pattern, "7"), [""; 0]);
    let parts = "name: version, scheme: parts, part_map: {major: 4, name: Bilbo, none: null}";
    assert_eq!(
        kept(parts, "x"),
        lines(&["metadata version.major 4", "metadata version.name Bilbo"], raw("x", "openmetrics"))
    );
    assert_eq!(kept("name: version, scheme: none", "1.2.3"), [""; 0]);
}

// --- max_returned_metrics ---------------------------------------------------------------------------------------------

#[test]
fn new_series_push_no_known_ones_out() {
    let body = |series: &[u32]| {
        let lines = series.iter().map(|i| format!("a{{x=\"{i}\"}} {i}\n"));
        "# TYPE a gauge\n".to_owned() + &lines.collect::<Vec<_>>().concat()
    };
    let gauges = |series: &[u32]| series.iter().map(|i| format!("gauge a {i} x:{i}")).collect::<Vec<_>>();
    let mut target = Target::new("metrics: [a], max_returned_metrics: 3");
    assert_eq!(target.text(&body(&[1, 2, 3, 4])), gauges(&[1, 2, 3]));
    let limited = target.scrape(Format::PrometheusText, body(&[9, 8, 3, 2, 1]), Ending::Whole);
    assert_eq!((limited.lines, limited.dropped), (gauges(&[3, 2, 1]), vec![("beyond max_returned_metrics", 2)]));
    // What is gone leaves its place, once the scrape that lacks it is over.
    assert_eq!(target.text(&body(&[9, 8, 1, 2])), gauges(&[1, 2]));
    assert_eq!(target.text(&body(&[9, 8, 1, 2])), gauges(&[9, 1, 2]));
    // A scrape that failed may have missed much.
    target.scrape(Format::PrometheusText, body(&[8]), Ending::Broken);
    target.unanswered();
    assert_eq!(target.text(&body(&[8, 7, 9, 1, 2])), gauges(&[9, 1, 2]));
}

#[test]
fn distributions_and_checks_are_not_limited() {
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n# TYPE up gauge\nup 1\n";
    let options = "metrics: [h, {up: {type: service_check, status_map: {1: OK}}}], max_returned_metrics: 1, \
        collect_histograms_as_distributions: true, collect_counters_with_distributions: true";
    let scraped = scraped(options, body);
    assert_eq!(
        scraped.lines,
        ["histogram_bucket h 2 (0, 1] shared", "histogram_bucket h 1 (1, inf] shared", "monotonic_count h.sum 4"]
    );
    assert_eq!(scraped.checks, ["openmetrics.health OK", "up OK"]);
    assert_eq!(scraped.dropped, [("beyond max_returned_metrics", 1)]);
}

// --- use_process_start_time -------------------------------------------------------------------------------------------

#[test]
fn counters_wait_for_the_start_of_their_process() {
    let body = |since: f64| {
        format!(
            "# TYPE c counter\nc 5\n# TYPE s summary\ns_count 3\n# TYPE a gauge\na 1\n\
             # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {since}\n"
        )
    };
    let options = "metrics: [c, s, a], use_process_start_time: true";
    let mut target = Target::watched_since(options, Some(NOW - 60.0));
    let younger = ["gauge a 1", "monotonic_count c.count 5 first", "monotonic_count s.count 3 first"];
    assert_eq!(target.text(&body(NOW - 30.0)), younger);
    // Only the first scrape that succeeds waits.
    assert_eq!(
        target.text(&body(NOW - 30.0)),
        ["monotonic_count c.count 5 first", "monotonic_count s.count 3 first", "gauge a 1"]
    );
    let mut target = Target::watched_since(options, Some(NOW - 60.0));
    assert_eq!(target.text(&body(NOW - 90.0)), ["gauge a 1", "monotonic_count c.count 5", "monotonic_count s.count 3"]);
    // Of several processes the oldest counts.
    let mut target = Target::watched_since(options, Some(NOW - 60.0));
    let two = format!("{}process_start_time_seconds{{p=\"2\"}} {}\n", body(NOW - 30.0), NOW - 90.0);
    assert_eq!(target.text(&two), ["gauge a 1", "monotonic_count c.count 5", "monotonic_count s.count 3"]);
    // By the name without prefix, selected or excluded.
    let prefixed = "raw_metric_prefix: p_, exclude_metrics: [process_start_time_seconds], metrics: [c], use_process_start_time: true";
    let mut target = Target::watched_since(prefixed, Some(NOW - 60.0));
    let body = format!(
        "# TYPE p_process_start_time_seconds gauge\np_process_start_time_seconds {}\n# TYPE p_c counter\np_c 5\n",
        NOW - 30.0
    );
    assert_eq!(target.text(&body), ["monotonic_count c.count 5 first"]);
}

// --- raw_line_filters -------------------------------------------------------------------------------------------------

const FILTERS: &str = "metrics: [.+], raw_line_filters: ['^secret', 'x=\"1\"', 'end$']";

#[test]
fn lines_are_left_out_before_anything_reads_them() {
    let body = "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\nsecret{ 3\n# HELP b end\n# TYPE b gauge\nb 4\n";
    let left = ["gauge a 2 x:2", "gauge b 4"];
    for body in [body.to_owned(), body.replace('\n', "\r\n"), body.trim_end().to_owned()] {
        for chunk in [0, 1, 5] {
            let mut target = Target::new(FILTERS);
            target.chunk = chunk;
            let scraped = target.scrape(Format::PrometheusText, &body, Ending::Whole);
            assert_eq!(scraped.lines, left, "{body:?} in chunks of {chunk}");
            assert_eq!(scraped.dropped, [("line left out by raw_line_filters", 3)]);
        }
    }
}

#[test]
fn the_last_line_can_be_left_out() {
    for end in ["", "\n", "\r\n"] {
        let scraped = scraped(FILTERS, &format!("# TYPE a gauge\na 1\nsecret 2{end}"));
        assert_eq!((scraped.lines.len(), scraped.dropped.len()), (1, 1));
    }
    // Without its end OpenMetrics is taken for truncated.
    let options = "metrics: [a], raw_line_filters: ['EOF']";
    let truncated = Target::new(options).scrape(Format::OpenMetrics, "# TYPE a gauge\na 1\n# EOF\n", Ending::Whole);
    assert_eq!(truncated.lines, ["gauge a 1"]);
    assert!(truncated.failure.unwrap().contains("truncated"));
}

#[test]
fn malformed_lines_keep_their_numbers() {
    let body = "# TYPE a gauge\nsecret 1\nsecret 2\na{x=\"y\" 3\nsecret 4\na 5\na{\n";
    let scraped = scraped(FILTERS, body);
    assert_eq!(scraped.lines, ["gauge a 5"]);
    let lines: Vec<u64> = scraped.malformed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 7]);
}

// --- disable_generic_tags ---------------------------------------------------------------------------------------------

#[test]
fn generic_tags_are_renamed_wherever_they_come_from() {
    let body = "# TYPE h histogram\nh_bucket{le=\"1\",env=\"prod\",version=\"\"} 2\nh_bucket{le=\"2\",env=\"prod\",version=\"\"} 5\n";
    let options = "metrics: [h], disable_generic_tags: true, tags: ['service:x', 'team:y'], \
        rename_labels: {upper_bound: host}, non_cumulative_histogram_buckets: true";
    let others = "openmetrics_service:x,openmetrics_version,team:y";
    let env = "openmetrics_env:prod,openmetrics_host";
    let scraped = scraped(options, body);
    assert_eq!(
        scraped.lines,
        [
            format!("monotonic_count h.bucket 2 lower_bound:0,{env}:1.0,{others}"),
            format!("monotonic_count h.bucket 3 lower_bound:1.0,{env}:2.0,{others}"),
        ]
    );
    assert_eq!(scraped.checks, ["openmetrics.health OK openmetrics_service:x,team:y"]);
}
