//! What is said about settings that are valid and do not do what they seem to say: by reading them, and by holding them
//! against recorded scrapes.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use support::program::{Finished, Folder, retriever};

/// The entries of `metrics`, one a line from the fourth on, and what `retriever validate` says of them: the line and the
/// message.
fn warnings(entries: &[&str], others: &str) -> Vec<(usize, String)> {
    let entries: Vec<String> = entries.iter().map(|entry| format!("      - {entry}\n")).collect();
    let settings =
        format!("instances:\n  - openmetrics_endpoint: http://a\n    metrics:\n{}{others}", entries.concat());
    let (_folder, path) = Folder::with_settings(&settings);
    let finished = retriever(["validate", &path]);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let Some((last, problems)) = lines.split_last() else { panic!("{finished}") };
    assert_eq!(*last, "the settings can be used: 1 instances, output to the console");
    finished.assert_code(i32::from(!problems.is_empty()));
    let problem = |line: &&str| {
        let (at, message) = line.strip_prefix(&format!("{path}:")).unwrap().split_once(": warning: ").unwrap();
        (at.split_once(':').unwrap().0.parse().unwrap(), message.to_owned())
    };
    problems.iter().map(problem).collect()
}

fn nothing(entries: &[&str]) {
    assert_eq!(warnings(entries, ""), []);
}

// --- Reading the settings ---------------------------------------------------------------------------------------------

#[test]
fn names_of_samples_are_not_those_of_their_families() {
    let said = warnings(&["load", "requests_total", "latency_bucket: l", "latency_sum", "size_count"], "");
    assert_eq!(
        said,
        [
            (5, "counters are selected without `_total`; write `requests` if `requests_total` is a counter".to_owned()),
            (
                6,
                "buckets are selected with their histogram; write `latency` if `latency_bucket` belongs to the histogram \
                 `latency`"
                    .to_owned()
            ),
            (
                7,
                "sums and counts are selected with their histogram or summary; write `latency` if `latency_sum` belongs \
                 to one called `latency`"
                    .to_owned()
            ),
            (
                8,
                "sums and counts are selected with their histogram or summary; write `size` if `size_count` belongs to \
                 one called `size`"
                    .to_owned()
            ),
        ]
    );
    // Whoever gives a type, or names the family as well, knows; patterns are found anywhere.
    nothing(&["requests_total: {type: gauge}", "both", "both_total", "size_count: {type: counter}"]);
    nothing(&["_requests_total$", "_total", "_sum", "totals"]);
}

#[test]
fn a_pattern_behind_a_wider_one_never_gets_a_turn() {
    let said = warnings(&["^node_", "load", "^node_cpu_.+: {type: gauge}", "node_", "go_.*", "^process_"], "");
    assert_eq!(
        said,
        [(
            6,
            "`^node_cpu_.+` never gets a turn: `^node_` in line 4 is found in the same names, and the first pattern that \
             is found decides; put the narrower one first"
                .to_owned()
        )]
    );
    let said = warnings(&[".*", "'^a|b'", "exact"], "");
    assert_eq!(said.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
    nothing(&["^node_cpu_.+: {type: gauge}", "'^node_[a-z]+'", "^node_", "'cpu|node'"]);
}

#[test]
fn one_name_has_one_type_in_datadog() {
    let said = warnings(&["a: {name: x, type: gauge}", "b: {name: x, type: rate}", "c: {name: x, type: counter}"], "");
    assert_eq!(
        said,
        [(
            5,
            "`b` sends `x` as a rate, and `a` in line 4 as a gauge: Datadog keeps one type for each name, so give one of \
             them another `name`"
                .to_owned()
        )]
    );
    // Suffixes are part of what is sent.
    let said = warnings(&["h: {type: summary}", "'h.sum': {type: gauge}", "g: {name: h.sum, type: gauge}"], "");
    assert_eq!(said.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [6]);
    nothing(&["a: {name: x, type: gauge}", "b: {name: x, type: gauge}", "c: {name: x}", "d: {name: x, type: summary}"]);
}

#[test]
fn what_has_no_effect_is_said() {
    let said = warnings(&["'^a.+': short", "'^b.+': {name: short}"], "");
    assert_eq!(said.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5]);
    assert!(said[0].1.starts_with("`^a.+` is a pattern"), "{said:?}");
    let said = warnings(&["a"], "    max_returned_metrics: 0\n");
    assert_eq!(
        said,
        [(
            5,
            "`max_returned_metrics` is the number `0`; expected a whole number above zero, so nothing is limited"
                .to_owned()
        )]
    );
    let said = warnings(&["a: {type: metadata, label: v, scheme: semantic}"], "");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|(_, message)| message.starts_with("there is no version scheme `semantic`")), "{said:?}");
}

/// A later entry of the same key replaces the earlier one, so nothing is said of that.
#[test]
fn only_entries_that_count_are_looked_at() {
    let said = warnings(&["requests_total"], "    extra_metrics:\n      - requests_total: {type: gauge}\n");
    assert_eq!(said, []);
}

// --- Holding them against scrapes -------------------------------------------------------------------------------------

struct Spoken {
    path: String,
    finished: Finished,
}

impl Spoken {
    /// The lines about the settings, without their file.
    fn lines(&self) -> Vec<String> {
        let said = format!("{}{}", self.finished.stdout, self.finished.stderr);
        let about = said.lines().filter_map(|line| line.strip_prefix(&format!("{}:", self.path)));
        about.map(str::to_owned).collect()
    }
}

/// A command on an instance with these options and these scrapes.
fn held_against(command: &str, options: &str, scrapes: &[&str]) -> Spoken {
    let settings = format!("instances:\n  - openmetrics_endpoint: http://a\n    tag_by_endpoint: false\n{options}");
    let (folder, path) = Folder::with_settings(&settings);
    let mut args = vec![command.to_owned(), path.clone()];
    for (number, body) in scrapes.iter().enumerate() {
        let ending = if body.starts_with("HTTP/") { "http" } else { "prom" };
        args.extend(["--fixture".to_owned(), folder.write(&format!("{number}.{ending}"), body)]);
    }
    Spoken { path, finished: retriever(args) }
}

/// What `validate` finds is a finding of its own; `check` only says it.
fn both_say(options: &str, scrapes: &[&str], expected: &[&str]) {
    for (command, found) in [("validate", 1), ("check", 0)] {
        let spoken = held_against(command, options, scrapes);
        assert_eq!(spoken.lines(), expected, "{command}");
        spoken.finished.assert_code(if expected.is_empty() { 0 } else { found });
    }
}

const LOAD: &str = "# TYPE app_load gauge\napp_load 1\n# TYPE app_requests_total counter\napp_requests_total 1\n";

#[test]
fn entries_that_meant_nothing_are_told_with_what_may_be_meant() {
    both_say(
        "    metrics:\n      - app_load\n      - app_laod\n      - ^nothing\n      - far_away\n      - app_\n",
        &[LOAD],
        &[
            "6:9: warning: no metric `app_laod` was exposed; did you mean `app_load`?",
            "7:9: warning: `^nothing` was found in no name that was exposed",
            "8:9: warning: no metric `far_away` was exposed; `retriever parse` shows what is",
            "9:9: warning: no metric `app_` was exposed; `retriever parse` shows what is",
        ],
    );
    // One scrape of several is enough, and relabeled names are names.
    let rename = "    metric_relabel_configs:\n      - {source_labels: [__name__], regex: app_load, target_label: __name__, \
                  replacement: load}\n";
    both_say(&format!("    metrics: [load, app_requests, late]\n{rename}"), &[LOAD, "# TYPE late gauge\n"], &[]);
}

#[test]
fn nothing_is_said_of_scrapes_that_fail() {
    let failed = "HTTP/1.1 503 Service Unavailable\r\n\r\nlater\n";
    let spoken = held_against("check", "    metrics: [app_laod]\n", &[failed]);
    assert_eq!(spoken.lines(), [""; 0]);
    spoken.finished.assert_code(1);
    let spoken = held_against("check", "    metrics: [app_laod]\n", &[failed, LOAD]);
    assert_eq!(spoken.lines(), ["4:15: warning: no metric `app_laod` was exposed; did you mean `app_load`?"]);
}

#[test]
fn sources_that_are_missing_are_told() {
    both_say(
        "    metrics: [app_load]\n    share_labels:\n      app_load: true\n      app_info: true\n    target_info: true\n",
        &[LOAD],
        &[
            "2:5: warning: no labels are shared from `app_info`: it was not exposed. As long as a source is missing, every \
             scrape is read twice to look for it",
            "2:5: warning: no labels are shared from `target_info`: it was not exposed. As long as a source is missing, \
             every scrape is read twice to look for it",
        ],
    );
}

#[test]
fn gauges_that_replace_each_other_are_told_once() {
    let body = "# TYPE app_load gauge\napp_load{core=\"1\"} 1\napp_load{core=\"2\"} 2\n";
    both_say(
        "    metrics: [app_load]\n    exclude_labels: [core]\n",
        &[body, body],
        &["2:5: warning: several gauges are sent as `app_load`, and only the last one counts: `app_load{core=\"2\"}` \
          replaced `app_load{core=\"1\"}`; keep a label that tells them apart, or say with `gauge_aggregation` what they \
          come to: `sum`, `max`, `min` or `avg`"],
    );
    both_say("    metrics: [app_load]\n    exclude_labels: [core]\n    gauge_aggregation: max\n", &[body], &[]);
}

#[test]
fn a_limit_that_was_reached_is_told() {
    both_say(
        "    metrics: [app_load, app_requests]\n    max_returned_metrics: 1\n",
        &[LOAD],
        &["2:5: warning: `max_returned_metrics` is 1, so 1 value was not submitted; raise it, or select fewer metrics"],
    );
}

/// An Agent's file may list all that an exporter could ever have.
#[test]
fn check_says_the_first_of_many() {
    let entries: Vec<String> = (0..13).map(|number| format!("      - metric_{number}\n")).collect();
    let options = format!("    metrics:\n{}", entries.concat());
    let spoken = held_against("check", &options, &[LOAD]);
    assert_eq!(spoken.lines().len(), 10);
    let more = "and 3 more remarks on the settings; `retriever validate --fixture` lists all of them";
    assert!(spoken.finished.stderr.lines().any(|line| line == more), "{}", spoken.finished);
    assert_eq!(held_against("validate", &options, &[LOAD]).lines().len(), 13);
}
