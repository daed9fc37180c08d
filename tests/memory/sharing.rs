//! That labels which metrics lend to others cost no more the more a target exposes, and leave nothing behind.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::target::{OPEN_METRICS, TEXT, Target, expect};

/// A label changes in every scrape, so every series gets another context; no scrape succeeds.
#[test]
fn shared_labels_that_change_in_failed_scrapes_do_not_add_up() {
    let mut target = Target::new("target_info: true");
    for build in 0..50 {
        let info = format!("# TYPE target info\ntarget_info{{build=\"{build}\"}} 1\n");
        // Without its mark the exposition is not whole.
        target.fail(OPEN_METRICS, 200, &format!("{info}# TYPE x counter\nx_total 5\n# TYPE y gauge\ny 1\n"));
        assert!(target.remembered().0 <= 6, "{:?}", target.remembered());
    }
}

/// Every line of the source has a condition of its own, and so has every receiver.
#[test]
fn labels_that_are_lent_under_conditions_are_looked_up() {
    let options = "share_labels: {kube_pod_info: {match: [pod], labels: [node]}}, exclude_metrics: [kube_pod_info]";
    let body = |pods: u32| {
        let mut body = "# TYPE kube_pod_info gauge\n".to_owned();
        for pod in 0..pods {
            let _ = writeln!(body, "kube_pod_info{{pod=\"{pod}\",node=\"n{pod}\"}} 1");
        }
        body.push_str("# TYPE cpu gauge\n");
        (0..pods).for_each(|pod| _ = writeln!(body, "cpu{{pod=\"{pod}\"}} {pod}"));
        body
    };
    let mut target = Target::new(options);
    assert_eq!(target.values(&body(2)), expect(&[("cpunode:n0,pod:0", 0.0), ("cpunode:n1,pod:1", 1.0)]));
    // To compare each with each would be 900 million comparisons.
    let begun = Instant::now();
    assert_eq!(Target::new(options).values(&body(30_000)).len(), 30_000);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// The sources have other labels in every line: more than a sample may have is an error, and not of the next scrape.
#[test]
fn more_shared_labels_than_a_sample_may_have_fail_the_scrape() {
    let many = |name: &str| {
        let mut body = format!("# TYPE {name} gauge\n");
        (0..100_000).for_each(|label| _ = writeln!(body, "{name}{{l{label}=\"1\"}} 1"));
        body + "# TYPE y gauge\ny{a=\"1\"} 1\n"
    };
    for (options, source) in [
        ("target_info: true", "target_info"),
        ("share_labels: {s: true}", "s"),
        // No line has the label that is asked for, so there is one condition for all, without any.
        ("share_labels: {s: {match: [a]}}", "s"),
        ("share_labels: {s: true}, cache_shared_labels: false", "s"),
    ] {
        let mut target = Target::new(&format!("{options}, exclude_metrics: [{source}]"));
        let begun = Instant::now();
        assert_eq!(target.fail(TEXT, 200, &many(source)), expect(&[]), "{options}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{options}: {:?}", begun.elapsed());
        let few = format!("# TYPE {source} gauge\n{source}{{l=\"1\"}} 1\n# TYPE y gauge\ny 1\n");
        assert_eq!(target.values(&few), expect(&[("yl:1", 1.0)]), "{options}");
    }
}
