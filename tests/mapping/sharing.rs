//! `share_labels` and `target_info`: sources that change, move, and are missing for a while.

use retriever::parse::Format;

use super::target::{Ending, Target, open_metrics, text};

/// A source that lends one label, and a metric before and behind it.
fn around(version: &str) -> String {
    format!(
        "# TYPE a gauge\na 1\n# TYPE build_info gauge\nbuild_info{{version=\"{version}\"}} 1\n# TYPE b gauge\nb 2\n"
    )
}

const LENDING: &str = "metrics: [a, b], share_labels: {build_info: true}";

#[test]
fn a_source_lends_wherever_it_stands() {
    let lent = ["gauge a 1 version:1", "gauge b 2 version:1"];
    let a = "# TYPE a gauge\na 1\n";
    let b = "# TYPE b gauge\nb 2\n";
    let source = "# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n";
    for body in [[source, a, b].concat(), [a, source, b].concat(), [a, b, source].concat()] {
        for chunk in [1, 7, body.len() - 1, body.len()] {
            let mut target = Target::new(LENDING);
            target.chunk = chunk;
            assert_eq!(target.text(&body), lent, "{body} in chunks of {chunk}");
        }
    }
    // Without a line end behind it.
    assert_eq!(text(LENDING, [a, b, source].concat().trim_end()), lent);
}

#[test]
fn a_source_that_changes_is_followed() {
    let mut cached = Target::new(LENDING);
    let mut read_anew = Target::new(&format!("{LENDING}, cache_shared_labels: false"));
    for (version, before) in [("1", "1"), ("1", "1"), ("2", "1"), ("2", "2"), ("1", "2"), ("1", "1")] {
        let behind = format!("gauge b 2 version:{version}");
        assert_eq!(cached.text(&around(version)), [format!("gauge a 1 version:{before}"), behind.clone()]);
        assert_eq!(read_anew.text(&around(version)), [format!("gauge a 1 version:{version}"), behind]);
    }
}

#[test]
fn a_source_that_is_missing_for_a_while() {
    let without = "# TYPE a gauge\na 1\n# TYPE b gauge\nb 2\n";
    let mut cached = Target::new(LENDING);
    let mut read_anew = Target::new(&format!("{LENDING}, cache_shared_labels: false"));
    let (lent, bare) = (["gauge a 1 version:1", "gauge b 2 version:1"], ["gauge a 1", "gauge b 2"]);
    for target in [&mut cached, &mut read_anew] {
        assert_eq!(target.text(without), bare, "it was never there");
        assert_eq!(target.text(&around("1")), lent);
    }
    assert_eq!(cached.text(without), lent);
    assert_eq!(read_anew.text(without), bare);
    for target in [&mut cached, &mut read_anew] {
        target.unanswered();
        assert_eq!(target.text(&around("1")), lent);
    }
    // A source that came without a sample lends nothing more.
    let empty = around("1").replace("build_info{version=\"1\"} 1\n", "");
    assert_eq!(cached.text(&empty), ["gauge a 1 version:1", "gauge b 2"]);
}

#[test]
fn scrapes_that_fail_take_nothing_away() {
    for options in [LENDING.to_owned(), format!("{LENDING}, cache_shared_labels: false")] {
        let mut target = Target::new(&options);
        target.unanswered();
        let broken = target.scrape(Format::PrometheusText, "# TYPE a gauge\na 1\n", Ending::Broken);
        assert_eq!(broken.lines, ["gauge a 1"], "what came is submitted as far as it is known");
        assert_eq!(target.text(&around("1")), ["gauge a 1 version:1", "gauge b 2 version:1"]);
        target.scrape(Format::PrometheusText, "# TYPE a gauge\na 1\n# TYPE build_info gauge\n", Ending::Broken);
        assert_eq!(target.text(&around("1")), ["gauge a 1 version:1", "gauge b 2 version:1"]);
    }
}

/// A source that lends by rules, of which a broken body shows only the first.
#[test]
fn half_a_source_is_not_taken_for_the_whole() {
    let options = "metrics: [a], share_labels: {pod_info: {match: [pod], labels: [node]}}";
    let metric = "# TYPE a gauge\na{pod=\"p\"} 1\na{pod=\"q\"} 2\n";
    let source = ["# TYPE pod_info gauge\npod_info{pod=\"p\",node=\"m\"} 1\n", "pod_info{pod=\"q\",node=\"n\"} 1\n"];
    let whole = [metric, &source.concat()].concat();
    let lent = ["gauge a 1 node:m,pod:p", "gauge a 2 node:n,pod:q"];
    let mut target = Target::new(options);
    for _ in 0..2 {
        target.scrape(Format::PrometheusText, [metric, source[0]].concat(), Ending::Broken);
        assert_eq!(target.text(&whole), lent);
    }
    let mut target = Target::new(options);
    for _ in 0..2 {
        // No `# EOF`, so nobody knows what is missing.
        target.scrape(Format::OpenMetrics, [metric, source[0]].concat(), Ending::Whole);
        assert_eq!(target.open_metrics(&whole), lent);
    }
}

#[test]
fn rules_of_several_sources_are_about_what_a_sample_has_of_its_own() {
    let options = "metrics: [a], share_labels: {\
        pod_info: {match: [pod], labels: [node]}, \
        node_info: {match: [node], labels: [zone]}, \
        later: {match: [pod], labels: [node]}}";
    let sources = "# TYPE pod_info gauge\npod_info{pod=\"p\",node=\"m\"} 1\npod_info{pod=\"q\",node=\"n\"} 1\n\
        # TYPE node_info gauge\nnode_info{node=\"m\",zone=\"east\"} 1\n\
        # TYPE later gauge\nlater{pod=\"q\",node=\"k\"} 1\n";
    let body =
        format!("# TYPE a gauge\na{{pod=\"p\"}} 1\na{{pod=\"q\"}} 2\na{{node=\"m\"}} 3\na{{pod=\"r\"}} 4\n{sources}");
    let lent = [
        "gauge a 1 node:m,pod:p",
        // The later source wins.
        "gauge a 2 node:k,pod:q",
        "gauge a 3 node:m,zone:east",
        "gauge a 4 pod:r",
    ];
    assert_eq!(text(options, &body), lent);
}

/// The search for one source ends when it is found; others are followed from their place on, wherever the body is cut.
#[test]
fn what_is_read_while_another_source_is_searched_does_not_depend_on_chunks() {
    let options = "metrics: [a], share_labels: {one: true, two: true}";
    let first = "# TYPE one gauge\none{v=\"1\"} 1\n";
    let second = "# TYPE two gauge\ntwo{w=\"1\"} 1\n# TYPE a gauge\na 1\n# TYPE one gauge\none{v=\"2\"} 1\n# TYPE z gauge\nz 1\n";
    let mut results = Vec::new();
    for chunk in [0, 1, 10, 40] {
        let mut target = Target::new(options);
        target.chunk = chunk;
        target.text(first);
        results.push(target.text(second));
    }
    assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
}

#[test]
fn target_info_is_known_in_every_form() {
    let options = "metrics: [a], target_info: true";
    let lent = ["gauge a 1 version:1"];
    let a = "# TYPE a gauge\na 1\n";
    for source in [
        "# TYPE target_info gauge\ntarget_info{version=\"1\"} 1\n",
        "# TYPE target info\ntarget_info{version=\"1\"} 1\n",
        "# TYPE target_info info\ntarget_info{version=\"1\"} 1\n",
        "target_info{version=\"1\"} 1\n",
    ] {
        assert_eq!(text(options, &format!("{a}{source}")), lent, "{source}");
        assert_eq!(open_metrics(options, &format!("{a}{source}")), lent, "{source}");
    }
    // A family of this name that is no info metric is another metric.
    let other = format!("{a}# TYPE target gauge\ntarget{{version=\"1\"}} 1\n");
    assert_eq!(open_metrics(options, &other), ["gauge a 1"]);
}

#[test]
fn shared_labels_of_a_source_win_over_those_of_target_info() {
    let options = "metrics: [a], target_info: true, share_labels: {build_info: {labels: [version]}}";
    let body = "# TYPE a gauge\na{version=\"0\",os=\"none\"} 1\n\
        # TYPE build_info gauge\nbuild_info{version=\"2\",x=\"y\"} 1\n\
        # TYPE target info\ntarget_info{version=\"1\",os=\"linux\"} 1\n";
    assert_eq!(open_metrics(options, body), ["gauge a 1 os:linux,version:2"]);
}

#[test]
fn the_target_may_change() {
    let body = |version: &str| {
        format!(
            "# TYPE a gauge\na 1\n# TYPE target info\ntarget_info{{version=\"{version}\"}} 1\n# TYPE b gauge\nb 2\n"
        )
    };
    let mut target = Target::new("metrics: [a, b], target_info: true");
    for (version, before) in [("1", "1"), ("2", "1"), ("2", "2"), ("1", "2")] {
        let lent = [format!("gauge a 1 version:{before}"), format!("gauge b 2 version:{version}")];
        assert_eq!(target.open_metrics(&body(version)), lent);
    }
}

/// Sources are found by the name that `metrics` would have.
#[test]
fn sources_are_found_without_their_prefix() {
    let body = "# TYPE p_a gauge\np_a 1\n# TYPE p_s_total counter\np_s_total{v=\"1\"} 1\n";
    let options = "metrics: [a], raw_metric_prefix: p_, share_labels: {s: true}";
    assert_eq!(text(options, body), ["gauge a 1 v:1"]);
}

/// Shared labels are labels: everything behind them sees them.
#[test]
fn shared_labels_pass_all_other_settings() {
    let lent =
        |others: &str| text(&format!("metrics: [a], share_labels: {{build_info: true}}, {others}"), &around("200"));
    assert_eq!(lent("rename_labels: {version: v}"), ["gauge a 1 v:200"]);
    assert_eq!(lent("exclude_labels: [version]"), ["gauge a 1"]);
    assert_eq!(lent("code_class_labels: [version]"), ["gauge a 1 code_class:2xx,version:200"]);
    assert_eq!(lent("hostname_label: version"), ["gauge a 1 version:200 @200"]);
    assert_eq!(lent("exclude_metrics_by_labels: {version: ['2']}"), [""; 0]);
}
