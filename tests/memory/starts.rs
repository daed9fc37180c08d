//! Start times of real bodies: what they say about first values and resets, in each format and under settings that hold
//! values back.

use crate::LONG;
use crate::target::{OPEN_METRICS, SKETCHES, TEXT, Target, expect};

/// Settings under which values go out at once, and some under which they wait for the end of their family.
const SETTINGS: [&str; 3] = ["", "telemetry: true", "metric_relabel_configs: [{regex: nothing, action: labeldrop}]"];

/// A target whose first scrape, 30 seconds before the next one, was followed by one that failed: the flag says of first
/// values that they may be old.
fn watched(options: &str) -> Target {
    let mut target = Target::new(options);
    target.answered(OPEN_METRICS, "# TYPE up gauge\nup 1\n# EOF\n");
    target.fail(TEXT, 503, "");
    target
}

/// So many seconds before the present scrape.
fn ago(target: &Target, seconds: f64) -> f64 {
    target.now.seconds() - seconds
}

#[test]
fn counters_that_began_since_the_last_success_are_counted() {
    for options in SETTINGS {
        let mut target = watched(options);
        let (young, old) = (ago(&target, 29.0), ago(&target, 500.0));
        let values = target.answered(
            OPEN_METRICS,
            &format!(
                "# TYPE x counter\nx_total{{a=\"1\"}} 7\nx_created{{a=\"1\"}} {young}\nx_total{{a=\"2\"}} 7\n\
                 x_created{{a=\"2\"}} {old}\nx_total{{a=\"3\"}} 7\n# EOF\n"
            ),
        );
        let counted: Vec<_> = values.keys().filter(|name| name.starts_with('x')).collect();
        assert_eq!(counted, ["x.counta:1"], "{options}");
    }
}

#[test]
fn histograms_that_began_since_the_last_success_are_counted() {
    let modes = [
        (SKETCHES, [("h.counta:1", 7.0), ("h.suma:1", 9.0), ("ha:1", 7.0)].as_slice()),
        // Without its count the histogram is known by its buckets only.
        ("collect_histograms_as_distributions: true", &[("ha:1", 7.0)]),
        ("collect_histogram_buckets: false", &[("h.counta:1", 7.0), ("h.suma:1", 9.0)]),
    ];
    for (options, expected) in modes {
        let mut target = watched(options);
        let histogram = |name: u32, created: f64| {
            format!(
                "h_bucket{{a=\"{name}\",le=\"2\"}} 7\nh_bucket{{a=\"{name}\",le=\"+Inf\"}} 7\n\
                 h_count{{a=\"{name}\"}} 7\nh_sum{{a=\"{name}\"}} 9\nh_created{{a=\"{name}\"}} {created}\n"
            )
        };
        let (young, old) = (histogram(1, ago(&target, 29.0)), histogram(2, ago(&target, 500.0)));
        let values = target.answered(OPEN_METRICS, &format!("# TYPE h histogram\n{young}{old}# EOF\n"));
        assert_eq!(values, expect(expected), "{options}");
    }
}

#[test]
fn a_restart_shows_though_every_value_is_higher() {
    let mut target = Target::new(SKETCHES);
    let body = |value: u32, created: f64| {
        format!(
            "# TYPE x counter\nx_total {value}\nx_created {created}\n# TYPE h histogram\nh_bucket{{le=\"2\"}} {value}\n\
             h_bucket{{le=\"+Inf\"}} {value}\nh_count {value}\nh_sum -{value}\nh_created {created}\n# EOF\n"
        )
    };
    let first = ago(&target, 500.0);
    target.answered(OPEN_METRICS, &body(5, first));
    let restarted = ago(&target, 3.0);
    let all = [("h", 9.0), ("h.count", 9.0), ("h.sum", -9.0), ("x.count", 9.0)];
    assert_eq!(target.answered(OPEN_METRICS, &body(9, restarted)), expect(&all));
    let grown = [("h", 1.0), ("h.count", 1.0), ("h.sum", -1.0), ("x.count", 1.0)];
    assert_eq!(target.answered(OPEN_METRICS, &body(10, restarted)), expect(&grown));
}

/// In the text format start times are gauges of their own, after what they are about.
#[test]
fn start_times_of_the_text_format_count_as_well() {
    let mut target = watched("exclude_metrics: [_created$]");
    let (young, old) = (ago(&target, 29.0), ago(&target, 500.0));
    let values = target.values(&format!(
        "# TYPE x_total counter\nx_total{{a=\"1\"}} 7\nx_total{{a=\"2\"}} 7\n# TYPE x_created gauge\n\
         x_created{{a=\"1\"}} {young}\nx_created{{a=\"2\"}} {old}\n# TYPE s summary\ns_count 3\ns_sum 4\n\
         # TYPE s_created gauge\ns_created {young}\n"
    ));
    assert_eq!(values, expect(&[("s.count", 3.0), ("s.sum", 4.0), ("x.counta:1", 7.0)]));
}

#[test]
fn a_series_that_was_forgotten_returns_with_what_its_start_says() {
    let mut target = Target::new("");
    let body = |value: u32, created: f64| format!("# TYPE x counter\nx_total {value}\nx_created {created}\n# EOF\n");
    let empty = "# TYPE up gauge\nup 1\n# EOF\n";
    let first = ago(&target, 500.0);
    target.answered(OPEN_METRICS, &body(5, first));
    for _ in 0..LONG {
        target.answered(OPEN_METRICS, empty);
    }
    // It is the one it was, and has counted for an hour: nothing of that is of this scrape.
    assert_eq!(target.answered(OPEN_METRICS, &body(900, first)), expect(&[]));
    assert_eq!(target.answered(OPEN_METRICS, &body(901, first)), expect(&[("x.count", 1.0)]));
    for _ in 0..LONG {
        target.answered(OPEN_METRICS, empty);
    }
    let restarted = ago(&target, 3.0);
    assert_eq!(target.answered(OPEN_METRICS, &body(902, restarted)), expect(&[("x.count", 902.0)]));
}

#[test]
fn a_process_that_started_since_the_last_success_has_only_new_counters() {
    for (seconds, expected) in [(29.0, expect(&[("x.count", 7.0)])), (500.0, expect(&[]))] {
        let mut target = watched("use_process_start_time: true, exclude_metrics: [process_start_time_seconds]");
        let started = ago(&target, seconds);
        let body = |value: u32, started: f64| {
            format!(
                "# TYPE x counter\nx_total {value}\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n# EOF\n"
            )
        };
        assert_eq!(target.answered(OPEN_METRICS, &body(7, started)), expected);
        assert_eq!(target.answered(OPEN_METRICS, &body(9, started)), expect(&[("x.count", 2.0)]));
        let restarted = ago(&target, 1.0);
        assert_eq!(target.answered(OPEN_METRICS, &body(11, restarted)), expect(&[("x.count", 11.0)]));
    }
}
