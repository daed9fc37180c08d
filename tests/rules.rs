//! Every rule of `docs/formats.md`, with what a lenient and a strict reader make of keeping and of breaking it.

use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Role, Sample, Severity, Sink, Strictness};

/// What a lenient reader reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lenient {
    /// Nothing.
    Silent,
    /// A line that it reads although Prometheus refuses it.
    Noted,
    /// A line that it skips.
    Skipped,
    /// The exposition as a whole.
    Fails,
}
use Lenient::{Fails, Noted, Silent, Skipped};

/// What was read: one text for each sample.
#[derive(Default)]
struct Log {
    samples: Vec<String>,
    families: Vec<Family>,
    warnings: usize,
    errors: Vec<Diagnostic>,
}

impl Sink for Log {
    fn family(&mut self, family: &Family) {
        self.families.push(family.clone());
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut labels: Vec<_> =
            sample.labels.iter().map(|l| format!("{}={}", l.name.text(), l.value.text())).collect();
        labels.sort();
        let timestamp = sample.timestamp_ms.map_or(String::new(), |ms| format!(" @{ms}"));
        self.samples.push(format!("{}|{}|{:?}{timestamp}", sample.name.text(), labels.join(","), sample.value));
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        assert_eq!(diagnostic.severity, Severity::Error);
        self.errors.push(diagnostic.clone());
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        assert_eq!(diagnostic.severity, Severity::Warning);
        self.warnings += 1;
    }
}

fn read(format: Format, strictness: Strictness, body: &[u8]) -> (Log, bool) {
    let mut log = Log::default();
    let mut reader = Reader::with_strictness(format, ReaderLimits::default(), strictness);
    let result = reader.push(body, &mut log).and_then(|()| reader.finish(&mut log).map(drop));
    (log, result.is_ok())
}

fn lenient(format: Format, body: &[u8]) -> Lenient {
    let (log, is_whole) = read(format, Strictness::Lenient, body);
    match (is_whole, log.errors.is_empty(), log.warnings) {
        (false, ..) => Fails,
        (true, false, _) => Skipped,
        (true, true, 0) => Silent,
        (true, true, _) => Noted,
    }
}

/// The rules that a strict reader finds broken, each once.
fn strict(format: Format, body: &[u8]) -> Vec<&'static str> {
    let (log, _) = read(format, Strictness::Strict, body);
    let mut rules: Vec<_> = log.errors.iter().map(|finding| finding.rule.expect("every finding has a rule")).collect();
    rules.dedup();
    rules
}

/// A body, what a lenient reader reports, and the rules that a strict one finds broken.
type Row = (&'static str, Lenient, &'static [&'static str]);

fn check(format: Format, rows: &[Row]) {
    for (body, expected, rules) in rows {
        assert_eq!(lenient(format, body.as_bytes()), *expected, "lenient: {body:?}");
        assert_eq!(strict(format, body.as_bytes()), *rules, "strict: {body:?}");
    }
}

/// The same with `# EOF` behind each body.
fn check_open_metrics(format: Format, rows: &[Row]) {
    for (body, expected, rules) in rows {
        let body = format!("{body}# EOF\n");
        assert_eq!(lenient(format, body.as_bytes()), *expected, "lenient: {body:?}");
        assert_eq!(strict(format, body.as_bytes()), *rules, "strict: {body:?}");
    }
}

fn text(rows: &[Row]) {
    check(Format::PrometheusText, rows);
}

fn open_metrics(rows: &[Row]) {
    check_open_metrics(Format::OpenMetrics, rows);
}

fn draft(rows: &[Row]) {
    check_open_metrics(Format::OpenMetrics2, rows);
}

/// The samples of a body that a lenient reader takes without a word.
fn samples(format: Format, body: &str) -> Vec<String> {
    let (log, is_whole) = read(format, Strictness::Lenient, body.as_bytes());
    assert!(is_whole && log.errors.is_empty() && log.warnings == 0, "{body:?}: {:?}", log.errors);
    log.samples
}

fn text_samples(body: &str) -> Vec<String> {
    samples(Format::PrometheusText, body)
}

#[test]
fn p1_lines_end_in_lf_alone() {
    text(&[
        ("a 1\nb 2\n", Silent, &[]),
        ("a 1\r\nb 2\r\n", Noted, &["P1"]),
        ("a 1", Silent, &["P1"]),
        ("\u{FEFF}a 1\n", Noted, &["P1"]),
        ("x 1\na 1\r \n", Skipped, &["P9"]),
    ]);
}

#[test]
fn p2_leading_blanks_are_nothing() {
    text(&[("  a 1\n\t# TYPE b gauge\n", Silent, &[])]);
    assert_eq!(text_samples(" \ta 1\n"), ["a||1.0"]);
}

#[test]
fn p3_other_hash_lines_are_comments() {
    text(&[
        ("#HELP a b\n# HELPX\n# HELP\n# TYPE\n#\n# EOF\n# UNIT a b\n", Silent, &[]),
        ("a 1\n# TYPE a\n", Skipped, &["P5"]),
        ("a 1\n# HELP \n", Noted, &["P3"]),
    ]);
}

#[test]
fn p4_help_is_the_rest_of_the_line() {
    text(&[
        ("# HELP a  two \\\\ \\n blanks \n", Silent, &[]),
        ("# HELP a\n", Silent, &[]),
        ("# HELP a \\x\n", Silent, &["P4"]),
    ]);
    let (log, _) = read(Format::PrometheusText, Strictness::Lenient, b"# HELP a  b\\\\c\\nd\\\"e \n");
    assert_eq!(log.families[0].help.as_deref(), Some(" b\\c\nd\\\"e "));
}

#[test]
fn p5_types_are_lower_case_words() {
    text(&[
        ("# TYPE a counter\n# TYPE b gauge\n# TYPE c histogram\n# TYPE d summary\n# TYPE e untyped\n", Silent, &[]),
        ("# TYPE a  gauge\n", Noted, &[]),
        ("# TYPE a gauge \n", Noted, &[]),
        ("# TYPE a unknown\n", Noted, &["P5"]),
        ("# TYPE a info\n", Noted, &["P5"]),
        ("# TYPE a stateset\n", Noted, &["P5"]),
        ("# TYPE a gaugehistogram\n", Noted, &[]),
        ("b 1\n# TYPE a GAUGE\n", Skipped, &["P5"]),
    ]);
}

#[test]
fn p6_metadata_comes_once_and_first() {
    text(&[
        ("# TYPE a gauge\n# HELP a b\na 1\n", Silent, &[]),
        ("a 1\n# HELP a b\n", Silent, &[]),
        ("# TYPE a gauge\n# TYPE a gauge\n", Silent, &["P6"]),
        ("# HELP a b\n# HELP a b\n", Silent, &["P6"]),
        ("a 1\n# TYPE a gauge\n", Silent, &["P6"]),
        ("a_sum 1\n# TYPE a gauge\n", Silent, &[]),
    ]);
}

#[test]
fn p7_label_values_have_three_escapes() {
    text(&[
        ("a{b=\"\\\\ \\\" \\n\"} 1\n", Silent, &[]),
        ("a{b=\"\\q\"} 1\n", Silent, &["P7"]),
        // A raw line feed: the two halves are no lines of the format.
        ("a{b=\"x\ny\"} 1\n", Silent, &["P7", "P17"]),
    ]);
    assert_eq!(text_samples("a{b=\"\\\\n\\q\"} 1\n"), ["a|b=\\n\\q|1.0"]);
    assert_eq!(text_samples("a{b=\"x\n\ny\"} 1\nc 2\n"), ["a|b=x\n\ny|1.0", "c||2.0"]);
    // A torn line swallows none of its neighbours.
    let torn = b"a{b=\"x\nc 2\nd{e=\"f\"} 3\n# TYPE g gauge\ng 4\n";
    let (log, _) = read(Format::PrometheusText, Strictness::Lenient, torn);
    assert_eq!(log.samples, ["c||2.0", "d|e=f|3.0", "g||4.0"]);
    assert_eq!((log.errors.len(), log.errors[0].line), (1, 1));
}

#[test]
fn p8_text_is_utf8() {
    let rows: [(&[u8], Lenient, &[&str]); 3] =
        [(b"a{b=\"\xFF\"} 1\n", Noted, &["P8"]), (b"# HELP a \xFF\n", Noted, &["P8"]), (b"# \xFF\n", Silent, &[])];
    for (body, expected, rules) in rows {
        assert_eq!(
            (lenient(Format::PrometheusText, body), strict(Format::PrometheusText, body).as_slice()),
            (expected, rules)
        );
    }
}

#[test]
fn p9_values_are_decimal() {
    text(&[
        ("a 1\nb -.5\nc 5.\nd 1e-3\ne +1E+3\nf inf\ng -INFINITY\nh nan\ni NaN\nj 1e-400\n", Silent, &[]),
        ("x 1\na +NaN\n", Skipped, &["P9"]),
        ("x 1\na -nan\n", Skipped, &["P9"]),
        ("x 1\na 0x1p4\n", Skipped, &["P9"]),
        ("x 1\na 1_000\n", Skipped, &["P9"]),
        ("x 1\na 1e400\n", Skipped, &["P9"]),
        ("x 1\na\n", Skipped, &["P9"]),
    ]);
    assert_eq!(text_samples("a -0\n"), ["a||-0.0"]);
}

#[test]
fn p10_timestamps_are_whole_milliseconds() {
    text(&[
        ("a 1 0\n", Silent, &[]),
        ("a 1 9223372036854775807\n", Silent, &[]),
        ("a 1 -1\n", Noted, &[]),
        ("x 1\na 1 +1\n", Skipped, &["P10"]),
        ("x 1\na 1 1.5\n", Skipped, &["P10"]),
        ("x 1\na 1 9223372036854775808\n", Skipped, &["P10"]),
        ("x 1\na 1 2 3\n", Skipped, &["P10"]),
        // An exemplar is read where no format has one.
        ("a 1 # {b=\"c\"} 2\n", Noted, &["P10"]),
    ]);
}

#[test]
fn p11_labels_stand_between_commas() {
    text(&[
        ("a{b=\"1\",} 1\n", Silent, &[]),
        ("a { b = \"1\" , c = \"2\" } 1\n", Silent, &[]),
        ("a{b=\"1\"c=\"2\"} 1\n", Silent, &["P11"]),
        ("x 1\na{,b=\"1\"} 1\n", Skipped, &["P11"]),
        ("x 1\na{b=\"1\",,} 1\n", Skipped, &["P11"]),
        ("x 1\na{b:c=\"1\"} 1\n", Skipped, &["P11"]),
    ]);
}

#[test]
fn p12_label_names_are_unique() {
    text(&[("a{b=\"1\",b=\"2\"} 1\n", Silent, &["P12"]), ("a{__name__=\"b\"} 1\n", Silent, &["P12"])]);
    assert_eq!(text_samples("a{b=\"1\",b=\"2\"} 1\n"), ["a|b=1,b=2|1.0"]);
}

#[test]
fn p13_nul_is_no_end() {
    // Prometheus stops at the NUL without a word; what follows it is not lost here.
    text(&[("a 1\n\0\nb 2\n", Skipped, &["P17"]), ("a{b=\"\0\"} 1\n# HELP a \0\n", Silent, &[])]);
    let (log, _) = read(Format::PrometheusText, Strictness::Lenient, b"a 1\n\0\nb 2\n");
    assert_eq!(log.samples, ["a||1.0", "b||2.0"]);
}

#[test]
fn p14_series_are_unique() {
    text(&[
        ("a 1\na 2\n", Silent, &["P14"]),
        ("a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\",d=\"\"} 2\n", Silent, &["P14"]),
        ("a 1 1\na 2 2\n", Silent, &[]),
    ]);
}

#[test]
fn p15_histograms_and_summaries_are_consistent() {
    let h = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
    let s = "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n";
    text(&[
        (h, Silent, &[]),
        (s, Silent, &[]),
        ("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\n", Silent, &["P15"]),
        ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 2\n", Silent, &["P15"]),
        ("# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\n", Silent, &["P15"]),
        ("# TYPE h histogram\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n", Silent, &["P15"]),
        ("# TYPE h histogram\nh_bucket{le=\"x\"} 3\nh_bucket{le=\"+Inf\"} 3\n", Silent, &["P15"]),
        ("# TYPE h histogram\nh_bucket 3\nh_bucket{le=\"+Inf\"} 3\n", Silent, &["P15"]),
        ("# TYPE s summary\ns 1\n", Silent, &["P15"]),
        ("# TYPE s summary\ns{quantile=\"x\"} 1\n", Silent, &["P15"]),
    ]);
}

#[test]
fn p16_bounds_have_a_canonical_form() {
    // Text keeps bounds as exposed, as Datadog's check does; the canonical form is a function of its own.
    assert_eq!(text_samples("# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"), ["h_bucket|le=1|1.0"]);
    assert_eq!(retriever::parse::canonical_bound("1"), "1.0");
}

#[test]
fn p17_a_quoted_name_stands_in_the_braces() {
    text(&[
        ("{\"a.b\"} 1\n{\"a.b\",c=\"d\"} 1\n{c=\"e\",\"a.b\"} 1\n", Silent, &[]),
        ("x 1\n{\"a\",\"b\"} 1\n", Skipped, &["P17"]),
        ("x 1\na{\"b\"} 1\n", Skipped, &["P17"]),
        ("x 1\n{abc} 1\n", Skipped, &["P11"]),
        ("x 1\n{b=\"c\"} 1\n", Skipped, &["P17"]),
        ("x 1\na-b 1\n", Skipped, &["P17"]),
    ]);
}

#[test]
fn p18_names_are_not_empty() {
    text(&[("x 1\n{\"\"} 1\n", Skipped, &["P18"]), ("x 1\na{\"\"=\"b\"} 1\n", Skipped, &["P18"])]);
}

#[test]
fn p19_quoting_is_no_identity() {
    assert_eq!(text_samples("abc 1\n{\"abc\"} 2\n{\"a\\\"\\n\"} 3\n"), ["abc||1.0", "abc||2.0", "a\"\n||3.0"]);
    text(&[("abc 1\n{\"abc\"} 2\n", Silent, &["P14"]), ("{\"a\\x\"} 1\n", Silent, &["P7"])]);
}

#[test]
fn o1_blanks_are_single() {
    open_metrics(&[
        ("a{b=\"c\",d=\"e\"} 1 2\n", Silent, &[]),
        ("a  1\n", Noted, &["O1"]),
        ("a 1 \n", Noted, &["O1"]),
        (" a 1\n", Noted, &["O1"]),
        ("a\t1\n", Noted, &["O1"]),
        ("a {b=\"c\"} 1\n", Noted, &["O1"]),
        ("a{b= \"c\"} 1\n", Noted, &["O1"]),
        ("a{b=\"c\", d=\"e\"} 1\n", Noted, &["O1"]),
        ("a{b=\"c\"}1\n", Noted, &["O1"]),
        ("a{b=\"c\",} 1\n", Silent, &["O1"]),
        ("a{b=\"c\"d=\"e\"} 1\n", Noted, &["O1"]),
        ("a 1\r\n", Noted, &["O1"]),
        ("\u{FEFF}a 1\n", Noted, &["O1"]),
        ("#  TYPE a gauge\n", Noted, &["O1"]),
        ("{b=\"c\",\"a\"} 1\n", Silent, &["O1"]),
        ("x 1\na 0x1\n", Skipped, &["O1"]),
    ]);
    assert_eq!(lenient(Format::OpenMetrics, b"a{b=\"\xFF\"} 1\n# EOF\n"), Noted);
    assert_eq!(strict(Format::OpenMetrics, b"a{b=\"\xFF\"} 1\n# EOF\n"), ["O1"]);
}

#[test]
fn o2_the_end_is_marked() {
    check(
        Format::OpenMetrics,
        &[
            ("# EOF\n", Silent, &[]),
            ("# EOF", Silent, &[]),
            ("a 1\n", Fails, &["O2"]),
            ("a 1\n# EOF\nb 1\n", Skipped, &["O2"]),
            ("a 1\n# EOF\n\n", Noted, &["O2"]),
            ("a 1\n# EOF \n", Noted, &["O1"]),
            // A body without a byte is an empty scrape, but no OpenMetrics.
            ("", Silent, &["O2"]),
        ],
    );
}

#[test]
fn o3_no_blank_lines_and_comments() {
    open_metrics(&[
        ("\n", Noted, &["O3"]),
        ("# words\n", Noted, &["O3"]),
        ("#TYPE a gauge\n", Noted, &["O3"]),
        ("# HELP\n", Noted, &["O3"]),
        ("# UNIT \n", Noted, &["O3"]),
    ]);
}

#[test]
fn o4_every_finding_counts() {
    // A strict reader reports each line, a lenient one keeps the lines that can be read.
    let body = b"a  1\nb 0x1\nc 3\n# EOF\n";
    assert_eq!(strict(Format::OpenMetrics, body), ["O1"]);
    let (log, _) = read(Format::OpenMetrics, Strictness::Strict, body);
    assert_eq!((log.errors.len(), log.samples.len()), (2, 2));
}

#[test]
fn o5_families_stand_together_and_share_no_names() {
    open_metrics(&[
        ("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n", Silent, &[]),
        ("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a x\n", Silent, &["O5"]),
        ("a 1\nb 1\na 2\n", Silent, &["O5"]),
        ("# TYPE a_created gauge\n# TYPE a counter\n", Silent, &["O5"]),
        ("# TYPE a summary\na_sum 1\na_count 1\n# TYPE a_count gauge\na_count 2\n", Silent, &["O5"]),
    ]);
}

#[test]
fn o6_metrics_stand_together_and_time_ascends() {
    open_metrics(&[
        ("# TYPE a gauge\na{b=\"1\"} 1 1\na{b=\"1\"} 2 2\na{b=\"2\"} 1 1\n", Silent, &[]),
        ("# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\",c=\"\"} 1\n", Silent, &["O6"]),
        ("# TYPE a gauge\na 1 2\na 2 1\n", Silent, &["O6"]),
        ("# TYPE a gauge\na 1 2\na 2\n", Silent, &["O6"]),
    ]);
}

#[test]
fn o7_metadata_comes_once_and_first() {
    open_metrics(&[
        ("# TYPE a_s gauge\n# UNIT a_s s\n# HELP a_s x\na_s 1\n", Silent, &[]),
        ("# HELP a x\n# TYPE a gauge\na 1\n", Silent, &[]),
        ("# TYPE a gauge\n# TYPE a gauge\n", Silent, &["O7"]),
        ("# HELP a x\n# HELP a x\n", Silent, &["O7"]),
        ("# UNIT a_s s\n# UNIT a_s s\n", Silent, &["O7"]),
        ("# TYPE a gauge\na 1\n# HELP a x\n", Silent, &["O7"]),
        ("# TYPE a gauge\n# TYPE b gauge\n# HELP a x\n", Silent, &["O5"]),
    ]);
}

#[test]
fn o8_types_and_empty_metadata() {
    open_metrics(&[
        ("a 1\n", Silent, &[]),
        ("# HELP a \n# UNIT a \n", Silent, &[]),
        ("# HELP a\n", Noted, &["O8"]),
        ("# UNIT a\n", Noted, &["O8"]),
        ("# TYPE a untyped\n", Noted, &["O8"]),
        ("x 1\n# TYPE a Gauge\n", Skipped, &["O8"]),
        ("x 1\n# TYPE a\n", Skipped, &["O8"]),
    ]);
}

#[test]
fn o9_the_unit_ends_the_name() {
    open_metrics(&[
        ("# UNIT a_seconds seconds\n", Silent, &[]),
        ("# UNIT a seconds\n", Noted, &["O9"]),
        ("# UNIT aseconds seconds\n", Noted, &["O9"]),
        ("# TYPE a_s info\n# UNIT a_s s\n", Silent, &["O9"]),
        ("# UNIT a_s s\n# TYPE a_s stateset\n", Silent, &["O9"]),
    ]);
}

#[test]
fn o10_help_has_three_escapes() {
    open_metrics(&[("# HELP a \\\"b\\\\ \\n c\n", Silent, &[]), ("# HELP a \"b\"\n", Silent, &[])]);
    let (log, _) = read(Format::OpenMetrics, Strictness::Lenient, b"# HELP a \\\"b\"\n# EOF\n");
    assert_eq!(log.families[0].help.as_deref(), Some("\"b\""));
}

#[test]
fn o11_label_names_are_unique() {
    open_metrics(&[
        ("a{b=\"1\",b=\"2\"} 1\n", Silent, &["O11"]),
        ("# TYPE a counter\na_total 1 # {b=\"1\",b=\"2\"} 1\n", Silent, &["O11"]),
    ]);
}

#[test]
fn o12_timestamps_are_seconds() {
    open_metrics(&[
        ("a 1 -1.5e3\n", Silent, &[]),
        ("x 1\na 1 NaN\n", Skipped, &["O12"]),
        ("x 1\na 1 +Inf\n", Skipped, &["O12"]),
        ("x 1\na 1 1_0\n", Skipped, &["O12"]),
    ]);
    let body = "a 1 1.005\nb 1 -0.0019\nc 1 1e20\n# EOF\n";
    let expected = ["a||1.0 @1004", "b||1.0 @-1", "c||1.0 @-9223372036854775808"];
    assert_eq!(samples(Format::OpenMetrics, body), expected);
}

#[test]
fn o13_samples_come_once() {
    open_metrics(&[
        ("# TYPE a gauge\na 1\na 2\n", Silent, &["O13"]),
        // Equal timestamps may have been different ones before they were cut.
        ("# TYPE a gauge\na 1 0\na 2 0\n", Silent, &[]),
    ]);
    assert_eq!(samples(Format::OpenMetrics, "a 1 0\na 2 0\n# EOF\n").len(), 2);
}

#[test]
fn o14_family_names_have_no_suffix() {
    open_metrics(&[
        ("# TYPE a counter\na_total 1\n", Silent, &[]),
        ("# TYPE a counter\na 1\n", Silent, &["O14"]),
        ("# TYPE a_total counter\na_total 1\n", Silent, &["O14"]),
        ("# TYPE a_info info\na_info 1\n", Silent, &["O14"]),
    ]);
}

#[test]
fn o15_other_samples_have_families_of_their_own() {
    open_metrics(&[("# TYPE a gauge\na 1\nb 2\n", Silent, &[])]);
    let (log, _) = read(Format::OpenMetrics, Strictness::Lenient, b"# TYPE a gauge\na 1\na_total 2\n# EOF\n");
    let families: Vec<_> = log.families.iter().map(|family| (family.name.as_str(), family.declared)).collect();
    assert_eq!(families, [("a", true), ("a_total", false)]);
}

#[test]
fn o16_exemplars_are_short_and_in_their_place() {
    let long =
        |length: usize| format!("# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n", "\u{E9}".repeat(length));
    assert_eq!(strict(Format::OpenMetrics, long(127).as_bytes()), [""; 0]);
    assert_eq!(strict(Format::OpenMetrics, long(128).as_bytes()), ["O16"]);
    assert_eq!(lenient(Format::OpenMetrics, long(500).as_bytes()), Silent);
    let bucket = "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {} 2\nh_bucket{le=\"+Inf\"} 1\n";
    open_metrics(&[
        ("# TYPE a counter\na_total 1 # {b=\"c\"} 1 1.5\n", Silent, &[]),
        ("# TYPE a counter\na_created 1 # {b=\"c\"} 1\n", Silent, &["O16"]),
        ("# TYPE a gauge\na 1 # {} 1\n", Silent, &["O16"]),
        (bucket, Silent, &["O16"]),
        ("x 1\na 1 # 1\n", Skipped, &["O16"]),
        ("x 1\na 1 # {\"b\"} 1\n", Skipped, &["O16"]),
        ("# TYPE a counter\na_total 1 #{} 1\n", Noted, &["O1"]),
    ]);
}

#[test]
fn o17_created_is_a_start_time() {
    struct Roles(Vec<Role>);
    impl Sink for Roles {
        fn family(&mut self, _: &Family) {}
        fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
            self.0.push(sample.role);
        }
        fn family_end(&mut self, _: &Family) {}
        fn malformed(&mut self, _: &Diagnostic) {}
    }
    let mut roles = Roles(Vec::new());
    let body = b"# TYPE a counter\na_total 1\na_created 2\n# TYPE b gauge\nb 1\nb_created 2\n# EOF\n";
    let mut reader = Reader::new(Format::OpenMetrics, ReaderLimits::default());
    reader.push(body, &mut roles).expect("an exposition");
    reader.finish(&mut roles).expect("a whole exposition");
    assert_eq!(roles.0, [Role::Total, Role::Created, Role::Value, Role::Value]);
}

#[test]
fn t1_to_t6_values_fit_their_types() {
    let h = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\nh_created 4\n";
    let g = "# TYPE g gaugehistogram\ng_bucket{le=\"-1\"} 1\ng_bucket{le=\"+Inf\"} 2\ng_gcount 2\ng_gsum -3\n";
    open_metrics(&[
        (h, Silent, &[]),
        (g, Silent, &[]),
        ("# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_count 2\ns_sum 3\n", Silent, &[]),
        ("# TYPE i info\ni_info{a=\"b\"} 1\n# TYPE t stateset\nt{t=\"a\"} 0\nt{t=\"b\"} 1\n", Silent, &[]),
        ("# TYPE a counter\na_total +Inf\n", Silent, &[]),
        ("# TYPE a counter\na_total NaN\n", Silent, &["T1"]),
        ("# TYPE a counter\na_total -1\n", Silent, &["T1"]),
        ("# TYPE s summary\ns_count 0.5\n", Silent, &["T2"]),
        ("# TYPE s summary\ns_sum -1\n", Silent, &["T2"]),
        ("# TYPE s summary\ns{quantile=\"1.1\"} 1\n", Silent, &["T2"]),
        ("# TYPE s summary\ns 1\n", Silent, &["T2"]),
        ("# TYPE s summary\ns_count{quantile=\"1\"} 1\n", Silent, &["T2"]),
        ("# TYPE s summary\ns{quantile=\"1\"} -1\n", Silent, &["T2"]),
        ("# TYPE h histogram\nh_bucket{le=\"1\"} 1\n", Silent, &["T3"]),
        ("# TYPE h histogram\nh_bucket{le=\"Inf\"} 1\nh_bucket{le=\"+Inf\"} 1\n", Silent, &["T3"]),
        ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0.5\n", Silent, &["T3"]),
        ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n", Silent, &["T3"]),
        ("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n", Silent, &["T3"]),
        ("# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n", Silent, &["T3"]),
        ("# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\ng_gcount 1\ng_gsum -1\n", Silent, &["T4"]),
        ("# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} -1\n", Silent, &["T4"]),
        ("# TYPE i info\ni_info 0\n", Silent, &["T5"]),
        ("# TYPE t stateset\nt{t=\"a\"} 2\n", Silent, &["T6"]),
        ("# TYPE t stateset\nt{a=\"a\"} 1\n", Silent, &["T6"]),
    ]);
}

#[test]
fn m1_to_m6_the_draft() {
    let h = "# TYPE h histogram\nh {count:2,sum:3,bucket:[1:1,+Inf:2]} 5 st@4.5 # {a=\"b\"} 0.5 4 # {} 2 4\n";
    let native = "# TYPE h histogram\nh {count:3,sum:3,schema:0,zero_threshold:0,zero_count:1,positive_spans:[-1:1,2:1],\
                  positive_buckets:[1,1]}\n";
    draft(&[
        (h, Silent, &[]),
        (native, Silent, &[]),
        ("# TYPE s summary\ns{a=\"b\"} {count:2,sum:3,quantile:[0.5:1,1:2]}\n", Silent, &[]),
        ("# TYPE s summary\ns {count:2,sum:3,quantile:[]}\n", Silent, &[]),
        ("# TYPE g gaugehistogram\ng {gcount:2,gsum:3,bucket:[+Inf:2]}\n", Silent, &[]),
        ("# TYPE a counter\na 1 st@1\n# TYPE b_info info\nb_info 1\n", Silent, &[]),
        ("# UNIT a seconds\n", Silent, &[]),
        ("# TYPE b info\nb 1\n", Silent, &["M1"]),
        ("# TYPE h histogram\nh 1\n", Silent, &["M2"]),
        ("# TYPE a gauge\na {count:2,sum:3,quantile:[]}\n", Silent, &["M2"]),
        ("x 1\n# TYPE h histogram\nh {sum:3,count:2,bucket:[+Inf:2]}\n", Skipped, &["O1"]),
        ("x 1\n# TYPE h histogram\nh {count:2,bucket:[+Inf:2]}\n", Skipped, &["M2"]),
        ("x 1\n# TYPE h histogram\nh {count:2,sum:3,bucket:[1:2]}\n", Skipped, &["M2"]),
        ("x 1\n# TYPE h histogram\nh {count:2,sum:3,schema:9,zero_threshold:0,zero_count:0}\n", Skipped, &["M2"]),
        ("x 1\na 1 st@NaN\n", Skipped, &["O12"]),
        ("# TYPE a counter\na 1 # {b=\"c\"} 1\n", Silent, &["M4"]),
        ("# TYPE \"a\" gauge\na 1\n", Silent, &["M5"]),
        ("# TYPE h histogram\nh {count:2,sum:3,bucket:[1:3,+Inf:2]}\n", Silent, &["M6"]),
        ("# TYPE h histogram\nh {count:2,sum:3,bucket:[2:1,1:1,+Inf:2]}\n", Silent, &["M6"]),
        ("# TYPE h histogram\nh {count:3,sum:3,bucket:[+Inf:2]}\n", Silent, &["M6"]),
        ("# TYPE s summary\ns {count:2,sum:3,quantile:[2:1]}\n", Silent, &["M6"]),
    ]);
}

#[test]
fn findings_are_the_same_however_the_body_is_cut() {
    let body = b"\xEF\xBB\xBFa{b=\"x\ny\"} 1\r\na 1\na 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 3";
    for format in [Format::PrometheusText, Format::OpenMetrics, Format::OpenMetrics2] {
        let whole = read(format, Strictness::Strict, body).0.errors;
        let mut log = Log::default();
        let mut reader = Reader::with_strictness(format, ReaderLimits::default(), Strictness::Strict);
        for chunk in body.chunks(1) {
            reader.push(chunk, &mut log).expect("no limit is reached");
        }
        let _ = reader.finish(&mut log);
        assert_eq!(log.errors, whole);
        assert!(whole.len() > 2);
    }
}
