//! What a reader hands out, body by body.

use std::fmt::Write as _;

use super::{Diagnostic, Family, Format, ParseError, Reader, ReaderLimits, Sample, Sink, Totals};

/// Writes down every call.
#[derive(Default)]
struct Log(Vec<String>);

impl Sink for Log {
    fn family(&mut self, family: &Family) {
        let mark = if family.declared { "" } else { "?" };
        let mut entry = format!("{} {}{mark}", family.name, family.metric_type);
        for (word, text) in [("help", &family.help), ("unit", &family.unit)] {
            if let Some(text) = text {
                write!(entry, " {word}={text:?}").expect("a string takes text");
            }
        }
        self.0.push(entry);
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut entry = format!("  {} = {} {:?}", sample.series, sample.value, sample.role);
        if let Some(timestamp) = sample.timestamp_ms {
            write!(entry, " @{timestamp}").expect("a string takes text");
        }
        if let Some(exemplar) = &sample.exemplar {
            let labels: Vec<_> =
                exemplar.labels.iter().map(|l| format!("{}={}", l.name.text(), l.value.text())).collect();
            write!(entry, " # {} {} {:?}", labels.join(","), exemplar.value, exemplar.timestamp_ms)
                .expect("a string takes text");
        }
        self.0.push(entry);
    }

    fn family_end(&mut self, _: &Family) {
        self.0.push(".".into());
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.0.push(format!("! {}:{} {}", diagnostic.line, diagnostic.column, diagnostic.message));
    }
}

fn read_with(format: Format, limits: ReaderLimits, body: &[u8]) -> (Vec<String>, Result<Totals, ParseError>) {
    let mut log = Log::default();
    let mut reader = Reader::new(format, limits);
    let result = reader.push(body, &mut log).and_then(|()| reader.finish(&mut log));
    (log.0, result)
}

fn read(format: Format, body: &str) -> (Vec<String>, Result<Totals, ParseError>) {
    read_with(format, ReaderLimits::default(), body.as_bytes())
}

/// The log of a body in the text format that is fine as a whole.
fn text(body: &str) -> Vec<String> {
    let (log, result) = read(Format::PrometheusText, body);
    assert!(result.is_ok(), "{result:?}");
    log
}

/// The same for OpenMetrics; `# EOF` is added.
fn open_metrics(body: &str) -> Vec<String> {
    let (log, result) = read(Format::OpenMetrics, &format!("{body}# EOF\n"));
    assert!(result.is_ok(), "{result:?}");
    log
}

/// The message about the one line of `body` behind a good line.
fn complaint(format: Format, line: &str) -> String {
    let (log, _) = read(format, &format!("ok 1\n{line}\n"));
    assert_eq!(log.len(), 4, "{log:?}");
    log[3].strip_prefix("! 2:").map_or_else(|| format!("no complaint: {log:?}"), str::to_owned)
}

#[test]
fn metadata_is_complete_before_the_first_sample() {
    assert_eq!(
        text("# TYPE a gauge\n# HELP a It\\n is \\\\ \\\"a\\\".\na 1\na{b=\"c\"} 2\n# HELP b B.\n# UNIT b s\n"),
        [
            "a gauge help=\"It\\n is \\\\ \\\\\\\"a\\\\\\\".\"",
            "  a = 1 Value",
            "  a{b=\"c\"} = 2 Value",
            ".",
            "b unknown help=\"B.\"",
            "."
        ]
    );
    assert_eq!(
        open_metrics("# UNIT a_s s\n# HELP a_s Say \\\"a\\\".\n# TYPE a_s gauge\na_s 1\n"),
        ["a_s gauge help=\"Say \\\"a\\\".\" unit=\"s\"", "  a_s = 1 Value", "."]
    );
}

#[test]
fn text_families_own_the_names_of_their_type() {
    assert_eq!(
        text("# TYPE c counter\nc 1\nc_total 2\nc_created 3\n# TYPE d_total counter\nd_total 4\nd_created 5\n"),
        [
            "c counter",
            "  c = 1 Value",
            "  c_total = 2 Total",
            "  c_created = 3 Created",
            ".",
            "d_total counter",
            "  d_total = 4 Total",
            "  d_created = 5 Created",
            "."
        ]
    );
    assert_eq!(
        text("# TYPE s summary\ns{quantile=\"1\"} 1\ns_sum 2\ns_count 3\ns_created 4\ns_bucket 5\n"),
        [
            "s summary",
            "  s{quantile=\"1\"} = 1 Quantile",
            "  s_sum = 2 Sum",
            "  s_count = 3 Count",
            "  s_created = 4 Created",
            ".",
            "s_bucket unknown?",
            "  s_bucket = 5 Value",
            "."
        ]
    );
    assert_eq!(
        text("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 2\nh_count 3\nh 4\n"),
        [
            "h histogram",
            "  h_bucket{le=\"1\"} = 1 Bucket",
            "  h_sum = 2 Sum",
            "  h_count = 3 Count",
            ".",
            "h unknown?",
            "  h = 4 Value",
            "."
        ]
    );
    assert_eq!(
        text("# TYPE i info\ni_info 1\n# TYPE j stateset\nj 1\n# TYPE g gaugehistogram\ng 1\ng_gsum 2\n"),
        [
            "i info",
            ".",
            "i_info unknown?",
            "  i_info = 1 Value",
            ".",
            "j stateset",
            "  j = 1 State",
            ".",
            "g gaugehistogram",
            "  g = 1 Value",
            ".",
            "g_gsum unknown?",
            "  g_gsum = 2 Value",
            "."
        ]
    );
}

#[test]
fn open_metrics_families_own_the_names_of_their_type() {
    assert_eq!(
        open_metrics("# TYPE c counter\nc_total 1\nc_created 2\nc 3\n# TYPE d_total counter\nd_total 4\n"),
        [
            "c counter",
            "  c_total = 1 Total",
            "  c_created = 2 Created",
            "  c = 3 Value",
            ".",
            "d_total counter",
            "  d_total = 4 Total",
            "."
        ]
    );
    assert_eq!(
        open_metrics("# TYPE g gaugehistogram\ng_bucket{le=\"1\"} 1\ng_gcount 2\ng_gsum 3\n# TYPE i info\ni_info 1\n"),
        [
            "g gaugehistogram",
            "  g_bucket{le=\"1\"} = 1 Bucket",
            "  g_gcount = 2 Count",
            "  g_gsum = 3 Sum",
            ".",
            "i info",
            "  i_info = 1 Info",
            "."
        ]
    );
}

#[test]
fn a_stray_sample_closes_the_open_family() {
    let body = "# TYPE a gauge\na 1\nb 2\na 3\na 4\n";
    assert_eq!(
        text(body),
        [
            "a gauge",
            "  a = 1 Value",
            ".",
            "b unknown?",
            "  b = 2 Value",
            ".",
            "a unknown?",
            "  a = 3 Value",
            ".",
            "a unknown?",
            "  a = 4 Value",
            "."
        ]
    );
    assert_eq!(
        open_metrics(body),
        [
            "a gauge",
            "  a = 1 Value",
            ".",
            "b unknown?",
            "  b = 2 Value",
            ".",
            "a unknown?",
            "  a = 3 Value",
            "  a = 4 Value",
            "."
        ]
    );
}

#[test]
fn a_type_after_samples_holds_for_those_that_follow() {
    for log in [
        text("# TYPE m gauge\nm 1\n# TYPE m gauge\n# TYPE m counter\nm 2\n"),
        open_metrics("# TYPE m gauge\nm 1\n# TYPE m gauge\n# TYPE m counter\nm 2\n"),
    ] {
        assert_eq!(log, ["m gauge", "  m = 1 Value", ".", "m counter", "  m = 2 Value", "."]);
    }
    assert_eq!(
        open_metrics("m 1\n# TYPE m gauge\nm 2\n"),
        ["m unknown?", "  m = 1 Value", ".", "m gauge", "  m = 2 Value", "."]
    );
}

#[test]
fn an_unknown_type_word_costs_the_type() {
    assert_eq!(
        text("# TYPE a gauge\na 1\n# TYPE b Gauge\nb 2\nb 3\n"),
        [
            "a gauge",
            "  a = 1 Value",
            ".",
            "! 3:10 `Gauge` is no metric type; expected counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown \
          or untyped",
            "b unknown",
            "  b = 2 Value",
            "  b = 3 Value",
            "."
        ]
    );
}

#[test]
fn lenient_forms() {
    let lines = [
        "\t a{b=\"c\",} 1\r",
        "a{b=\"1\" c=\"2\"}1",
        "a { b = \"}\" , c = \"# {\" }\t1\t-5 ",
        "a{} +1",
        "a{b=\"1\",b=\"2\"} .5",
        "a{b=\"\\\"\\\\\\n\\x\"} 5.",
        "a 1e-400",
        "a -INF",
        "a infinity",
        "a nan",
        "a 9007199254740993",
        "a 007",
    ];
    for line in lines {
        let log = text(&format!("# TYPE a gauge\n{line}\n"));
        assert_eq!(log.len(), 3, "{line}: {log:?}");
    }
    assert_eq!(text("#\n# \n#TYPE a gauge\n#HELP a\n# HELP\n# EOF\n# TYPEX a b\n\n  \t\r\n#a 1\n"), [""; 0]);
    assert_eq!(open_metrics("\n# words\na 1\t\n"), ["a unknown?", "  a = 1 Value", "."]);
}

#[test]
fn quoted_names() {
    let body = "# TYPE \"a.b\" counter\n{\"a.b_total\",\"c d\"=\"e\"} 1\n{c=\"d\", \"a.b_total\"} 2\n{\"a.b\\\"\"} 3\n";
    let expected = [
        "a.b counter",
        "  {\"a.b_total\",\"c d\"=\"e\"} = 1 Total",
        "  {c=\"d\", \"a.b_total\"} = 2 Total",
        ".",
        "a.b\" unknown?",
        "  {\"a.b\\\"\"} = 3 Value",
        ".",
    ];
    assert_eq!(text(body), expected);
    assert_eq!(open_metrics(body), expected);
}

#[test]
fn timestamps_and_exemplars() {
    assert_eq!(
        open_metrics("a 1 1.005\na 2 -0.0019\na 3 1e3\na 4 # {} 5\na{b=\" # {\"} 6 7 # {t=\"x\",u=\"\"} +Inf -1.5\n"),
        [
            "a unknown?",
            "  a = 1 Value @1004",
            "  a = 2 Value @-1",
            "  a = 3 Value @1000000",
            "  a = 4 Value #  5 None",
            "  a{b=\" # {\"} = 6 Value @7000 # t=x,u= inf Some(-1500)",
            "."
        ]
    );
    assert_eq!(
        text("# TYPE h histogram\nh_bucket{le=\"1\"} 5 -9 # {trace_id=\"abc\"} 0.5 1.5\n"),
        ["h histogram", "  h_bucket{le=\"1\"} = 5 Bucket @-9 # trace_id=abc 0.5 Some(1500)", "."]
    );
}

#[test]
fn complaints_say_where_and_what_was_expected() {
    let both = [
        ("a{foo 1", "7 expected `=` after the label name `foo`"),
        ("a{foo}", "6 expected `=` after the label name `foo`"),
        ("a{foo=bar} 1", "7 expected a quoted value after `foo=`"),
        ("a{foo=\"bar} 1", "7 expected a closing `\"` for the quote that opens here"),
        ("a{foo=\"bar\\", "7 expected a closing `\"` for the quote that opens here"),
        ("a{foo=\"bar\"", "12 expected `}` before the end of the line"),
        ("a{foo=\"bar\"; 1", "12 expected `,` or `}` after the value of the label `foo`"),
        ("a{,} 1", "3 expected a label name or `}`"),
        ("a{b=\"1\",,} 1", "9 expected a label name or `}`"),
        ("a{\"b\"} 1", "3 `b` is a second metric name; expected `=` after it"),
        ("{\"a\",\"b\"} 1", "6 `b` is a second metric name; expected `=` after it"),
        ("{\"\"} 1", "2 the quoted metric name is empty"),
        ("{b=\"1\"} 1", "1 expected a metric name (letters, digits, `_` and `:`, no digit first)"),
        ("\u{e9}{foo=\"\u{e9}\"} 1", "1 expected a metric name (letters, digits, `_` and `:`, no digit first)"),
        ("a{b=\"\u{e9}\"} abc", "10 the value `abc` is not a number"),
        ("a", "2 expected a value"),
        ("a 1_000", "3 the value `1_000` is not a number"),
        ("a 0x1p4", "3 the value `0x1p4` is not a number"),
        ("a -nan", "3 the value `-nan` is not a number"),
        ("a 1e400", "3 the value `1e400` is beyond the range of a double"),
        ("a 1 # x", "7 expected `{` after the `#` that begins an exemplar"),
        ("a 1 # {\"x\"} 1", "8 expected `=` after the exemplar's label name `x`"),
        ("a 1 # {} 1 2 3", "14 expected the end of the line or an exemplar (`# {...} value`)"),
        ("# TYPE a", "9 expected a metric type after the name `a`"),
        ("# HELP 1 x", "8 expected a metric name (letters, digits, `_` and `:`, no digit first)"),
    ];
    for (line, expected) in both {
        assert_eq!(complaint(Format::PrometheusText, line), expected, "{line}");
    }
    assert_eq!(
        complaint(Format::PrometheusText, "a 1 1.5"),
        "5 the timestamp `1.5` is not a whole number of milliseconds"
    );
    let log = read(Format::OpenMetrics, "a 1 NaN\n# EOF\nb 1\n").0;
    assert_eq!(
        log,
        [
            "! 1:5 the timestamp `NaN` is not a finite number of seconds",
            "! 3:1 nothing may follow `# EOF`; the line is ignored"
        ]
    );
    let dotted = complaint(Format::PrometheusText, "a.b 1");
    assert!(dotted.starts_with("2 expected a blank or `{` after the metric name `a`"), "{dotted}");
}

#[test]
fn limits_cost_a_line_or_the_exposition() {
    let limits = ReaderLimits { line_bytes: 20, labels: 2, samples: 3, ..ReaderLimits::default() };
    let body =
        b"# TYPE a gauge\na 1\na{b=\"1\",c=\"2\"} 2\na{b=\"\",c=\"\",d=\"\"} 3\na 4\na                     5\na 6\n";
    let (log, result) = read_with(Format::PrometheusText, limits, body);
    assert_eq!(
        log,
        [
            "a gauge",
            "  a = 1 Value",
            "  a{b=\"1\",c=\"2\"} = 2 Value",
            "! 4:13 this label is one more than the limit of 2",
            "  a = 4 Value",
            "! 6:1 the line is longer than the limit of 20 bytes",
            "."
        ]
    );
    let error = result.expect_err("a fourth sample");
    assert!(error.is_too_many_samples(), "{error}");
    assert_eq!(
        *error.totals(),
        Totals { bytes: body.len() as u64, lines: 7, families: 1, samples: 3, malformed: 2, departing: 0 }
    );

    let limits = ReaderLimits { labels: 1, ..ReaderLimits::default() };
    let (log, _) = read_with(Format::PrometheusText, limits, b"a 1\nb{c=\"\",d=\"\"} 1\nb 1 # {c=\"\",d=\"\"} 1\n");
    assert_eq!(
        log[3..],
        ["! 2:8 this label is one more than the limit of 1", "! 3:13 this label is one more than the limit of 1"]
    );
}

#[test]
fn what_is_no_exposition_is_named() {
    let html = "\n<!DOCTYPE html>\n<html><body>Sign in</body></html>\n";
    let bodies = [
        (html, "an HTML or XML page"),
        ("{\"error\": {\"code\": 404}}", "a JSON document"),
        ("[1, 2]", "a JSON document"),
        ("\u{1f}\u{fffd}\u{8}\0", "binary data"),
        ("404 page not found\n", "some other text"),
    ];
    for (body, expected) in bodies {
        for format in [Format::PrometheusText, Format::OpenMetrics] {
            let error = read(format, body).1.expect_err(body);
            assert!(error.is_not_exposition() && error.to_string().contains(expected), "{body}: {error}");
        }
    }
    let (log, result) = read(Format::PrometheusText, &format!("{html}a 1\n"));
    assert!(result.is_ok() && log.contains(&"  a = 1 Value".to_owned()), "{log:?}");
    let (log, result) = read(Format::PrometheusText, &"<p>\n".repeat(100_000));
    assert!(result.is_err_and(|error| error.is_not_exposition()));
    assert_eq!(log.len(), 100);
}

#[test]
fn a_failed_reader_stays_failed() {
    let mut log = Log::default();
    let mut reader = Reader::new(Format::PrometheusText, ReaderLimits { samples: 1, ..ReaderLimits::default() });
    let error = reader.push(b"a 1\na 2\na 3\n", &mut log).expect_err("a second sample");
    let told = log.0.len();
    assert_eq!(reader.push(b"a 4\n", &mut log), Err(error.clone()));
    assert_eq!(reader.finish(&mut log), Err(error));
    assert_eq!(log.0.len(), told);
}

#[test]
fn open_metrics_without_its_end_is_truncated() {
    let (log, result) = read(Format::OpenMetrics, "# TYPE a gauge\na 1\n# TYPE b gauge\nb 12");
    assert!(result.is_err_and(|error| error.is_truncated()));
    assert_eq!(log, ["a gauge", "  a = 1 Value", ".", "b gauge", "."]);
    for empty in ["", "\n", "# EOF", "# EOF\r\n\n"] {
        assert_eq!(read(Format::OpenMetrics, empty).1.map(|totals| totals.samples), Ok(0), "{empty:?}");
    }
}

/// Keeps diagnostics as they are shown to people.
#[derive(Default)]
struct Shown(Vec<String>);

impl Sink for Shown {
    fn family(&mut self, _: &Family) {}

    fn sample(&mut self, _: &Family, _: &Sample<'_>) {}

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.0.push(diagnostic.to_string());
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        self.malformed(diagnostic);
    }
}

#[test]
fn diagnostics_show_the_token() {
    let mut shown = Shown::default();
    let mut reader = Reader::new(Format::PrometheusText, ReaderLimits::default());
    let body = b"a{b=\"\xC3\xA9\"} 1,5 7\n# TYPE c  Gauge\na 1 -5\na 2 -6\n";
    reader.push(body, &mut shown).expect("an exposition");
    assert_eq!(
        shown.0,
        [
            "line 1, column 10: the value `1,5` is not a number\n  | a{b=\"\u{e9}\"} 1,5 7\n  |          ^^^",
            "line 2, column 9: warning: one blank must stand before this word, and none behind it; the line is read, \
             Prometheus refuses the scrape\n  | # TYPE c  Gauge\n  |         ^",
            "line 2, column 11: `Gauge` is no metric type; expected counter, gauge, histogram, gaugehistogram, summary, \
             info, stateset, unknown or untyped\n  | # TYPE c  Gauge\n  |           ^^^^^",
            "line 3, column 5: warning: Prometheus reads no timestamp with a sign in this format; the line is read, \
             Prometheus refuses the scrape\n  | a 1 -5\n  |     ^",
        ]
    );
}

#[test]
fn labels_longer_than_the_limits_cost_their_line() {
    let limits = ReaderLimits { label_name_bytes: 3, label_value_bytes: 5, ..ReaderLimits::default() };
    for (format, end) in
        [(Format::PrometheusText, ""), (Format::OpenMetrics, "# EOF\n"), (Format::OpenMetrics2, "# EOF\n")]
    {
        let mut log = Log::default();
        let mut reader = Reader::new(format, limits);
        let body = format!("a{{abc=\"12345\"}} 1\na{{abcd=\"1\"}} 2\na{{a=\"1\",b=\"123456\"}} 3\na 4\n{end}");
        reader.push(body.as_bytes(), &mut log).expect("no limit of the whole is broken");
        let totals = reader.finish(&mut log).expect("no limit of the whole is broken");
        assert_eq!((totals.samples, totals.malformed), (2, 2), "{format}: {:?}", log.0);
    }
}

/// A line that is only too large does not make the body something else.
#[test]
fn a_body_of_large_lines_is_an_exposition() {
    let limits = ReaderLimits { label_value_bytes: 2, ..ReaderLimits::default() };
    let (log, result) = read_with(Format::PrometheusText, limits, b"a{b=\"123\"} 1\n");
    assert_eq!(result.map(|totals| (totals.samples, totals.malformed)), Ok((0, 1)), "{log:?}");
}

/// A short line of the draft can mean long series many times over.
#[test]
fn what_a_line_of_the_draft_means_is_bounded() {
    let buckets = "1:1,".repeat(1000);
    let body = format!(
        "# TYPE a histogram\na{{b=\"{}\"}} {{count:1,sum:1,bucket:[{buckets}+Inf:1]}}\n# EOF\n",
        "x".repeat(1000)
    );
    let limits = ReaderLimits { series_bytes: 100_000, ..ReaderLimits::default() };
    let (_, result) = read_with(Format::OpenMetrics2, limits, body.as_bytes());
    assert!(result.is_err_and(|error| error.is_over_limit() && error.reason() == "body_limit"));
}

#[test]
fn each_exemplar_of_a_line_may_have_labels_up_to_the_limit() {
    let exemplars = " # {t=\"x\"} 1 1".repeat(10);
    let body = format!("# TYPE a counter\na 5{exemplars}\n# EOF\n");
    let limits = ReaderLimits { labels: 1, ..ReaderLimits::default() };
    let (log, result) = read_with(Format::OpenMetrics2, limits, body.as_bytes());
    assert_eq!(result.map(|totals| totals.samples), Ok(1), "{log:?}");
}

#[test]
fn a_content_type_is_read_as_http_has_it_where_prometheus_options_ask_for_it() {
    for header in ["Application/OpenMetrics-Text; version=1.0.0", "application/openmetrics-text ; version=1.0.0"] {
        assert_eq!(Format::named_by(header), Some(Format::OpenMetrics), "{header}");
        assert_eq!(Format::from_content_type(Some(header)), Format::PrometheusText, "{header}");
    }
}
