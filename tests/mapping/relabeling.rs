//! `metric_relabel_configs` on the road: what a changed name or label means for everything behind it.

use retriever::parse::Format;

use super::target::{Ending, Scraped, Target, open_metrics, text};

/// Renames whatever begins with `old`, suffixes kept.
const RENAME: &str = "{source_labels: [__name__], regex: 'old(.*)', target_label: __name__, replacement: 'new$1'}";

fn rules(rules: &str, others: &str) -> String {
    format!("metric_relabel_configs: [{rules}], {others}")
}

fn scraped(options: &str, body: &str) -> Scraped {
    Target::new(options).scrape(Format::PrometheusText, body, Ending::Whole)
}

const GAUGES: &str = "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b gauge\nb 3\n";

#[test]
fn drop_and_keep_decide_about_samples() {
    let options = rules("{source_labels: [x], regex: '1', action: drop}", "metrics: [.+]");
    let dropping = scraped(&options, GAUGES);
    assert_eq!(dropping.lines, ["gauge a 2 x:2", "gauge b 3"]);
    assert_eq!(dropping.dropped, [("dropped by metric_relabel_configs", 1)]);
    let options = rules("{source_labels: [__name__, x], regex: 'a;.*', action: keep}", "metrics: [.+]");
    let keeping = scraped(&options, GAUGES);
    assert_eq!(keeping.lines, ["gauge a 1 x:1", "gauge a 2 x:2"]);
    assert_eq!(keeping.dropped, [("dropped by metric_relabel_configs", 1)]);
}

#[test]
fn a_sample_is_selected_by_the_name_that_it_got() {
    let body = "# TYPE old_load gauge\nold_load 1\n";
    assert_eq!(text(&rules(RENAME, "metrics: [new_load]"), body), ["gauge new_load 1"]);
    assert_eq!(text(&rules(RENAME, "metrics: [{new_load: load}]"), body), ["gauge load 1"]);
    let unselected = scraped(&rules(RENAME, "metrics: [old_load]"), body);
    assert_eq!((unselected.lines.len(), unselected.dropped), (0, vec![("not selected", 1)]));
}

#[test]
fn a_sample_without_a_name_is_dropped() {
    let nameless = scraped(&rules("{regex: __name__, action: labeldrop}", "metrics: [.+]"), GAUGES);
    assert_eq!(nameless.lines, [""; 0]);
    assert_eq!(nameless.dropped, [("left without a name by metric_relabel_configs", 3)]);
}

const HISTOGRAM: &str = "# TYPE old histogram
old_bucket{le=\"1\"} 2
old_bucket{le=\"2\"} 5
old_bucket{le=\"+Inf\"} 9
old_sum 20
old_count 9
";

#[test]
fn a_histogram_that_is_renamed_stays_one() {
    let rename = |mode: &str| text(&rules(RENAME, &format!("metrics: [new]{mode}")), HISTOGRAM);
    assert_eq!(
        rename(""),
        [
            "monotonic_count new.bucket 2 upper_bound:1.0",
            "monotonic_count new.bucket 5 upper_bound:2.0",
            "monotonic_count new.sum 20",
            "monotonic_count new.count 9",
        ]
    );
    assert_eq!(
        rename(", non_cumulative_histogram_buckets: true"),
        [
            "monotonic_count new.bucket 2 lower_bound:0,upper_bound:1.0",
            "monotonic_count new.bucket 3 lower_bound:1.0,upper_bound:2.0",
            "monotonic_count new.sum 20",
            "monotonic_count new.count 9",
        ]
    );
    assert_eq!(
        rename(", histogram_buckets_as_distributions: true"),
        [
            "histogram_bucket new 2 (0, 1] lower_bound:0,upper_bound:1.0",
            "histogram_bucket new 3 (1, 2] lower_bound:1.0,upper_bound:2.0",
            "histogram_bucket new 4 (2, inf] lower_bound:2.0,upper_bound:inf",
        ]
    );
    assert_eq!(
        rename(", collect_histograms_as_distributions: true"),
        [
            "histogram_bucket new 2 (0, 1] shared",
            "histogram_bucket new 3 (1, 2] shared",
            "histogram_bucket new 4 (2, inf] shared"
        ]
    );
}

/// Two histograms that get one name stay two where their labels differ.
#[test]
fn histograms_are_told_apart_by_what_relabeling_left() {
    let options = rules(
        "{source_labels: [__name__], regex: '(one|two)_.*', target_label: which}, \
         {source_labels: [__name__], regex: '(one|two)(_.*)', target_label: __name__, replacement: 'h$2'}",
        "metrics: [h], non_cumulative_histogram_buckets: true",
    );
    let options = options.replace("target_label: which", "target_label: which, replacement: '$1'");
    let body = "# TYPE one histogram\none_bucket{le=\"1\"} 2\none_bucket{le=\"2\"} 5\n\
        # TYPE two histogram\ntwo_bucket{le=\"1\"} 10\ntwo_bucket{le=\"2\"} 20\n";
    assert_eq!(
        text(&options, body),
        [
            "monotonic_count h.bucket 2 lower_bound:0,upper_bound:1.0,which:one",
            "monotonic_count h.bucket 3 lower_bound:1.0,upper_bound:2.0,which:one",
            "monotonic_count h.bucket 10 lower_bound:0,upper_bound:1.0,which:two",
            "monotonic_count h.bucket 10 lower_bound:1.0,upper_bound:2.0,which:two",
        ]
    );
}

#[test]
fn a_part_that_loses_its_suffix_is_a_metric_without_a_type() {
    let rule = "{source_labels: [__name__], regex: 'old_sum', target_label: __name__, replacement: spent}";
    let untyped = scraped(&rules(rule, "metrics: [old, spent], collect_histogram_buckets: false"), HISTOGRAM);
    assert_eq!(untyped.lines, ["monotonic_count old.count 9"]);
    assert_eq!(untyped.dropped, [("no type exposed and none configured", 1), ("left out by the histogram options", 3)]);
    let typed = rules(rule, "metrics: [old, {spent: {type: gauge}}], collect_histogram_buckets: false");
    assert_eq!(text(&typed, HISTOGRAM), ["gauge spent 20", "monotonic_count old.count 9"]);
}

/// However a counter is announced, and whether or not its new name says so, it is selected without `_total`.
#[test]
fn a_counter_that_is_renamed_stays_one() {
    let counted = ["monotonic_count new.count 5 x:1"];
    let options = rules(RENAME, "metrics: [new]");
    assert_eq!(text(&options, "# TYPE old_total counter\nold_total{x=\"1\"} 5\n"), counted);
    assert_eq!(text(&options, "# TYPE old counter\nold_total{x=\"1\"} 5\n"), counted);
    assert_eq!(text(&options, "# TYPE old counter\nold{x=\"1\"} 5\n"), counted);
    assert_eq!(open_metrics(&options, "# TYPE old counter\nold_total{x=\"1\"} 5\n"), counted);
    let bare = "{source_labels: [__name__], regex: 'old.*', target_label: __name__, replacement: new}";
    assert_eq!(text(&rules(bare, "metrics: [new]"), "# TYPE old_total counter\nold_total{x=\"1\"} 5\n"), counted);
    assert_eq!(open_metrics(&rules(bare, "metrics: [new]"), "# TYPE old counter\nold_total{x=\"1\"} 5\n"), counted);
}

/// The same for every type whose samples have other names than their family.
#[test]
fn families_of_every_type_can_be_renamed() {
    let summary = "# TYPE old summary\nold{quantile=\"0.50\"} 1\nold_sum 2\nold_count 3\n";
    assert_eq!(
        text(&rules(RENAME, "metrics: [new]"), summary),
        ["gauge new.quantile 1 quantile:0.5", "monotonic_count new.sum 2", "monotonic_count new.count 3"]
    );
    let options = rules(RENAME, "metrics: [{new: {type: gauge}}]");
    let gauge_histogram = "# TYPE old gaugehistogram\nold_bucket{le=\"+Inf\"} 3\nold_gcount 3\nold_gsum 7\n";
    assert_eq!(open_metrics(&options, gauge_histogram), ["gauge new 3 le:+Inf", "gauge new 3", "gauge new 7"]);
    assert_eq!(open_metrics(&options, "# TYPE old info\nold_info{v=\"1\"} 1\n"), ["gauge new 1 v:1"]);
    assert_eq!(open_metrics(&options, "# TYPE old stateset\nold{old=\"on\"} 1\n"), ["gauge new 1 old:on"]);
    // Announced with the name of its sample, an info metric has the name of its sample, before and after.
    let misnamed = "# TYPE old_info info\nold_info{v=\"1\"} 1\n";
    let options = rules(RENAME, "metrics: [{old_info: {type: gauge}}, {new_info: {type: gauge}}]");
    assert_eq!(open_metrics("metrics: [{old_info: {type: gauge}}]", misnamed), ["gauge old_info 1 v:1"]);
    assert_eq!(open_metrics(&options, misnamed), ["gauge new_info 1 v:1"]);
}

/// Without the word in its name a sample is a start time no longer: who renames it means its value.
#[test]
fn start_times_can_be_made_values() {
    let body = "# TYPE c counter\nc_total 5\nc_created 1600000000\n";
    let rule = "{source_labels: [__name__], regex: c_created, target_label: __name__, replacement: began}";
    let options = rules(rule, "metrics: [c, {began: {type: gauge}}]");
    assert_eq!(open_metrics(&options, body), ["monotonic_count c.count 5", "gauge began 1600000000"]);
    let kept = rules(RENAME, "metrics: [new, c]");
    let body = body.replace("c_", "old_").replace(" c ", " old ");
    assert_eq!(open_metrics(&kept, &body), ["monotonic_count new.count 5"]);
}

#[test]
fn rules_see_bounds_as_exposed() {
    let rule = "{source_labels: [le], regex: '1', target_label: le, replacement: '1e3'}";
    let options = rules(rule, "metrics: [h]");
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 2\n";
    assert_eq!(text(&options, body), ["monotonic_count h.bucket 2 upper_bound:1000.0", "monotonic_count h.count 2"]);
    let without = scraped(&rules("{regex: le, action: labeldrop}", "metrics: [h]"), body);
    assert_eq!(without.lines, ["monotonic_count h.count 2"]);
    assert_eq!(without.dropped, [("bucket without a bound", 1)]);
    // What is called so by the settings is not there yet.
    let options = rules("{regex: upper_bound, action: labeldrop}", "metrics: [h]");
    assert_eq!(text(&options, body), ["monotonic_count h.bucket 2 upper_bound:1.0", "monotonic_count h.count 2"]);
    let body = "# TYPE s summary\ns{quantile=\"0.50\"} 1\n";
    let options = rules(
        "{source_labels: [quantile], regex: '0.50', target_label: quantile, replacement: '0.750'}",
        "metrics: [s]",
    );
    assert_eq!(text(&options, body), ["gauge s.quantile 1 quantile:0.75"]);
}

#[test]
fn labels_made_by_rules_pass_all_other_settings() {
    let rule = "{source_labels: [pod, x], separator: '-', target_label: both}";
    let body = "# TYPE a gauge\na{pod=\"p\",x=\"1\"} 1\n";
    assert_eq!(text(&rules(rule, "metrics: [a]"), body), ["gauge a 1 both:p-1,pod:p,x:1"]);
    assert_eq!(text(&rules(rule, "metrics: [a], rename_labels: {both: id}"), body), ["gauge a 1 id:p-1,pod:p,x:1"]);
    assert_eq!(text(&rules(rule, "metrics: [a], include_labels: [both]"), body), ["gauge a 1 both:p-1"]);
    assert_eq!(text(&rules(rule, "metrics: [a], exclude_labels: [both, x]"), body), ["gauge a 1 pod:p"]);
    assert_eq!(text(&rules(rule, "metrics: [a], hostname_label: both"), body), ["gauge a 1 both:p-1,pod:p,x:1 @p-1"]);
    let excluded = scraped(&rules(rule, "metrics: [a], exclude_metrics_by_labels: {both: [p-1]}"), body);
    assert_eq!(excluded.dropped, [("excluded by exclude_metrics_by_labels", 1)]);
    // The name that `rename_labels` gives is none that a rule sees.
    let renamed = rules("{source_labels: [id], regex: p, action: drop}", "metrics: [a], rename_labels: {pod: id}");
    assert_eq!(text(&renamed, body), ["gauge a 1 id:p,x:1"]);
    // Nor is an empty label one.
    assert_eq!(
        text(&rules("{regex: none, action: labeldrop}", "metrics: [a]"), "# TYPE a gauge\na{x=\"\"} 1\n"),
        ["gauge a 1"]
    );
}

#[test]
fn rules_come_before_the_prefix_and_before_exclusion() {
    let body = "# TYPE app_old gauge\napp_old 1\n";
    let rule = "{source_labels: [__name__], regex: 'app_(old)', target_label: __name__, replacement: 'app_new'}";
    let named = |others: &str| text(&rules(rule, others), body);
    assert_eq!(named("metrics: [new], raw_metric_prefix: app_"), ["gauge new 1"]);
    assert_eq!(named("metrics: [.+], exclude_metrics: [app_old]"), ["gauge app_new 1"]);
    assert_eq!(named("metrics: [.+], exclude_metrics: [app_new]"), [""; 0]);
    assert_eq!(named("metrics: [.+], metric_patterns: {exclude: [new]}"), [""; 0]);
    let bare = "{source_labels: [__name__], regex: 'app_(old)', target_label: __name__}";
    assert_eq!(text(&rules(bare, "metrics: [old], raw_metric_prefix: app_"), body), ["gauge old 1"]);
}

#[test]
fn labels_are_shared_as_rules_left_them() {
    let body = "# TYPE pod_info gauge\npod_info{pod_name=\"p\",node=\"n\"} 1\n# TYPE a gauge\na{pod=\"p\"} 2\n";
    let rule = "{source_labels: [pod_name], regex: '(.+)', target_label: pod}, {regex: pod_name, action: labeldrop}";
    let sharing = "metrics: [a], share_labels: {pod_info: {match: [pod], labels: [node]}}";
    assert_eq!(text(&rules(rule, sharing), body), ["gauge a 2 node:n,pod:p"]);
    // Rules see no label that is shared.
    let rule = "{source_labels: [node], regex: n, action: drop}";
    let sharing = "metrics: [a], share_labels: {pod_info: {labels: [node, pod_name]}}";
    let dropping = scraped(&rules(rule, sharing), body);
    assert_eq!(dropping.lines, ["gauge a 2 pod:p"], "and a source that is dropped lends nothing");
}

/// Settings that name the total of a counter mean what rules left of it.
#[test]
fn a_total_is_named_after_relabeling() {
    let body = "# TYPE x counter\nx_total 5\n";
    let label = "{target_label: a, replacement: b}";
    assert_eq!(text(&rules(label, "metrics: [{x_total: {type: gauge}}]"), body), ["gauge x_total 5 a:b"]);
    assert_eq!(text(&rules(label, "metrics: [x]"), body), ["monotonic_count x.count 5 a:b"]);
    assert_eq!(text(&rules(label, "metrics: [.+], exclude_metrics: [x_total]"), body), [""; 0]);
}

#[test]
fn a_series_stays_what_it_was_made_until_its_type_changes() {
    let options = rules(RENAME, "metrics: ['^new']");
    let mut target = Target::new(&options);
    let gauge = "# TYPE old gauge\nold{x=\"1\"} 1\n";
    let more = format!("{gauge}old{{x=\"2\"}} 2\n");
    assert_eq!(target.text(gauge), ["gauge new 1 x:1"]);
    assert_eq!(target.text(&gauge.replace(" 1\n", " 7\n")), ["gauge new 7 x:1"]);
    assert_eq!(target.text(&more), ["gauge new 1 x:1", "gauge new 2 x:2"]);
    assert_eq!(target.text(gauge), ["gauge new 1 x:1"]);
    // A pattern keeps the type of the first time, unless it is told not to.
    let counter = more.replace("gauge", "counter");
    assert_eq!(target.text(&counter), ["gauge new 1 x:1", "gauge new 2 x:2"]);
    let mut target = Target::new(&format!("{options}, cache_metric_wildcards: false"));
    assert_eq!(target.text(gauge), ["gauge new 1 x:1"]);
    assert_eq!(
        target.text(&counter),
        ["monotonic_count new.count 1 x:1 first", "monotonic_count new.count 2 x:2 first"]
    );
    assert_eq!(target.text(gauge), ["gauge new 1 x:1"]);
}

/// What is not a number is dropped before anything else is known of it.
#[test]
fn values_that_are_not_finite_are_counted_as_such() {
    let scraped = scraped(&rules(RENAME, "metrics: [new]"), "# TYPE old gauge\nold NaN\n# TYPE b gauge\nb 1\n");
    assert_eq!(scraped.dropped, [("not selected", 1), ("not a finite number", 1)]);
}

/// YAML takes some words for booleans and numbers; a rule means what is written.
#[test]
fn words_of_rules_mean_what_is_written() {
    for word in ["n", "y", "yes", "Off", "010", "1.0"] {
        let options = rules(&format!("{{source_labels: [x], regex: {word}, action: drop}}"), "metrics: [a]");
        let body =
            format!("# TYPE a gauge\na{{x=\"{word}\"}} 1\na{{x=\"true\"}} 2\na{{x=\"false\"}} 3\na{{x=\"8\"}} 4\n");
        assert_eq!(text(&options, &body), ["gauge a 2 x:true", "gauge a 3 x:false", "gauge a 4 x:8"], "{word}");
    }
}
