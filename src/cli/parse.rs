//! `retriever parse`: reads an exposition and prints its families, samples and malformed lines.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::format::Format as Output;
use crate::parse::{
    Diagnostic, Exemplar, Family, Format, Label, NativeBucket, NativeHistogram, ParseError, Reader, ReaderLimits,
    Sample, Sink, Strictness,
};

/// How many bytes are read at once.
const CHUNK: usize = 64 * 1024;

/// Read an exposition: families, samples, malformed lines
#[derive(Debug, clap::Args)]
pub(super) struct ParseArgs {
    /// The exposition; `-` is the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The `Content-Type` that the exposition came with [default: told by the ending: .prom and .txt are Prometheus
    /// text, .om is OpenMetrics, .pb is protobuf; otherwise Prometheus text]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Report every breach of a rule of the format, with the number that docs/formats.md gives it; for authors of
    /// exporters. Takes memory for every series. Without it, what Prometheus would refuse is reported
    #[arg(long)]
    strict: bool,

    /// How to print; as text, malformed lines go to the standard error
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Runs the command. Exit status: 0 nothing was reported, so that Prometheus too would take the exposition (with
/// `--strict`: so that it is as its format wants it); 1 something was reported; 2 the file cannot be read.
pub(super) fn run(args: &ParseArgs) -> Exit {
    let mut talk = io::stderr();
    let out = BufWriter::new(io::stdout().lock());
    if args.file == Path::new("-") {
        return print(args, io::stdin().lock(), out, &mut talk);
    }
    match File::open(&args.file) {
        Ok(file) => print(args, file, out, &mut talk),
        Err(error) => {
            complain(&mut talk, format_args!("cannot read `{}`: {error}", args.file.display()));
            Exit::Unusable
        }
    }
}

/// Nothing is left to be done when even the standard error is gone.
fn complain(talk: &mut impl Write, message: impl fmt::Display) {
    let _ = writeln!(talk, "{message}");
}

fn print(args: &ParseArgs, input: impl Read, out: impl Write, talk: &mut impl Write) -> Exit {
    let format = match &args.content_type {
        Some(content_type) => Format::named_by(content_type).unwrap_or(Format::PrometheusText),
        None => Format::from_path(&args.file).unwrap_or(Format::PrometheusText),
    };
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Lenient };
    let result = match args.format {
        Output::Json => read(format, strictness, input, &mut JsonPrinter::new(out)),
        Output::Text => read(format, strictness, input, &mut TextPrinter::new(out, &mut *talk)),
    };
    match result {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::Findings,
        Err(Stop::Exposition(error)) => {
            complain(talk, format_args!("`{}`: {error}", args.file.display()));
            Exit::Findings
        }
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(Stop::Output(error)) => {
            complain(talk, format_args!("cannot write the output: {error}"));
            Exit::Unusable
        }
        Err(Stop::Input(error)) => {
            complain(talk, format_args!("cannot read `{}`: {error}", args.file.display()));
            Exit::Unusable
        }
    }
}

/// Why reading ended early.
enum Stop {
    Input(io::Error),
    Output(io::Error),
    Exposition(ParseError),
}

/// A sink whose output can fail, and which has something to write at the end.
trait Printer: Sink {
    /// The first error of the output.
    fn check(&mut self) -> io::Result<()>;
    /// The exposition is read; `failure` says why it failed as a whole, if it did.
    fn end(&mut self, failure: Option<&ParseError>) -> io::Result<()>;
    /// How many diagnostics there were.
    fn diagnostics(&self) -> u64;
}

/// Whether there was nothing to report.
fn read(
    format: Format,
    strictness: Strictness,
    mut input: impl Read,
    printer: &mut impl Printer,
) -> Result<bool, Stop> {
    let mut reader = Reader::with_strictness(format, ReaderLimits::default(), strictness);
    let mut chunk = vec![0; CHUNK];
    let mut failure = None;
    while failure.is_none() {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => failure = reader.push(&chunk[..count], printer).err(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Stop::Input(error)),
        }
        printer.check().map_err(Stop::Output)?;
    }
    let result = reader.finish(printer);
    printer.end(result.as_ref().err()).map_err(Stop::Output)?;
    result.map_err(Stop::Exposition)?;
    Ok(printer.diagnostics() == 0)
}

/// Keeps the first error of a writer and writes nothing after it.
struct Guarded<W> {
    out: W,
    error: Option<io::Error>,
}

impl<W: Write> Guarded<W> {
    fn new(out: W) -> Self {
        Self { out, error: None }
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        if self.error.is_none() {
            self.error = self.out.write_fmt(text).err();
        }
    }

    fn check(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn end(&mut self) -> io::Result<()> {
        self.check()?;
        self.out.flush()
    }
}

/// Prints one JSON document, family by family; only the diagnostics wait for the end.
struct JsonPrinter<W> {
    out: Guarded<W>,
    families: u64,
    samples: u64,
    diagnostics: Vec<Value>,
}

impl<W: Write> JsonPrinter<W> {
    fn new(out: W) -> Self {
        let mut out = Guarded::new(out);
        out.write(format_args!("{{\"families\":["));
        Self { out, families: 0, samples: 0, diagnostics: Vec::new() }
    }
}

/// As a JSON object; of a label that is exposed twice the last value counts.
fn labels_json(labels: &[Label<'_>]) -> Value {
    let pairs = labels.iter().map(|label| (label.name.text().into_owned(), label.value.text().into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn exemplar_json(exemplar: &Exemplar<'_>) -> Value {
    json!({
        "labels": labels_json(exemplar.labels),
        "value": exemplar.value_text,
        "timestamp_ms": exemplar.timestamp_ms,
    })
}

/// A number as JSON has it, or as text where JSON has none.
fn number_json(number: f64) -> Value {
    if number.is_finite() {
        json!(number)
    } else if number.is_nan() {
        json!("nan")
    } else {
        json!(if number > 0.0 { "inf" } else { "-inf" })
    }
}

fn histogram_json(histogram: &NativeHistogram<'_>) -> Value {
    let bucket = |bucket: NativeBucket| json!([bucket.lower, bucket.upper, bucket.count].map(number_json));
    json!({
        "count": number_json(histogram.count),
        "sum": number_json(histogram.sum),
        "schema": histogram.schema,
        "zero_threshold": number_json(histogram.zero_threshold),
        "zero_count": number_json(histogram.zero_count),
        "positive": histogram.positive_buckets().map(bucket).collect::<Value>(),
        "negative": histogram.negative_buckets().map(bucket).collect::<Value>(),
    })
}

/// A comma before everything but the first entry.
fn separator(written: u64) -> &'static str {
    if written == 0 { "\n" } else { ",\n" }
}

impl<W: Write> Sink for JsonPrinter<W> {
    fn family(&mut self, family: &Family) {
        let (name, help, unit) = (json!(family.name), json!(family.help), json!(family.unit));
        self.out.write(format_args!(
            "{}{{\"name\":{name},\"type\":\"{}\",\"help\":{help},\"unit\":{unit},\"samples\":[",
            separator(self.families),
            family.metric_type
        ));
        self.families += 1;
        self.samples = 0;
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut entry = json!({
            "name": sample.name.text(),
            "labels": labels_json(sample.labels),
            "value": sample.value_text,
            "timestamp_ms": sample.timestamp_ms,
            "exemplar": sample.exemplar.as_ref().map(exemplar_json),
        });
        // What only newer formats have is there only when it is.
        if let Some(start) = sample.start_ms {
            entry["start_ms"] = start.into();
        }
        if !sample.more_exemplars.is_empty() {
            entry["more_exemplars"] = sample.more_exemplars.iter().map(exemplar_json).collect();
        }
        if let (Some(native), Some(entry)) = (sample.native, entry.as_object_mut()) {
            entry.insert("histogram".to_owned(), histogram_json(native));
        }
        self.out.write(format_args!("{}{entry}", separator(self.samples)));
        self.samples += 1;
    }

    fn family_end(&mut self, _: &Family) {
        self.out.write(format_args!("]}}"));
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        let mut entry = json!({
            "line": diagnostic.line,
            "column": diagnostic.column,
            "message": diagnostic.message,
            "severity": diagnostic.severity.as_str(),
        });
        if let Some(rule) = diagnostic.rule {
            entry["rule"] = rule.into();
        }
        self.diagnostics.push(entry);
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        self.malformed(diagnostic);
    }
}

impl<W: Write> Printer for JsonPrinter<W> {
    fn check(&mut self) -> io::Result<()> {
        self.out.check()
    }

    fn end(&mut self, failure: Option<&ParseError>) -> io::Result<()> {
        let whole = failure.map(|error| {
            json!({ "line": error.totals().lines, "column": 1, "message": error.to_string(), "severity": "error" })
        });
        self.diagnostics.extend(whole);
        let diagnostics = json!(self.diagnostics);
        self.out.write(format_args!("],\n\"diagnostics\":{diagnostics}}}\n"));
        self.out.end()
    }

    fn diagnostics(&self) -> u64 {
        self.diagnostics.len() as u64
    }
}

/// Prints for people: a heading for each family, its samples as exposed; malformed lines with a caret to `talk`.
struct TextPrinter<W, T> {
    out: Guarded<W>,
    talk: T,
    diagnostics: u64,
}

impl<W: Write, T: Write> TextPrinter<W, T> {
    fn new(out: W, talk: T) -> Self {
        Self { out: Guarded::new(out), talk, diagnostics: 0 }
    }
}

/// Text on one line: control characters, line feeds among them, as escapes.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") })
    }
}

impl<W: Write, T: Write> Sink for TextPrinter<W, T> {
    fn family(&mut self, family: &Family) {
        let declared = if family.declared { "" } else { ", not declared" };
        self.out.write(format_args!("{} ({}{declared})", OneLine(&family.name), family.metric_type));
        if let Some(unit) = &family.unit {
            self.out.write(format_args!(" in {}", OneLine(unit)));
        }
        if let Some(help) = &family.help {
            self.out.write(format_args!(": {}", OneLine(help)));
        }
        self.out.write(format_args!("\n"));
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        self.out.write(format_args!("  {} {}", OneLine(sample.series), sample.value_text));
        if let Some(native) = sample.native {
            self.out.write(format_args!(" histogram {}", histogram_json(native)));
        }
        if let Some(timestamp) = sample.timestamp_ms {
            self.out.write(format_args!(" at {timestamp} ms"));
        }
        if let Some(start) = sample.start_ms {
            self.out.write(format_args!(" since {start} ms"));
        }
        for exemplar in sample.exemplar.iter().chain(sample.more_exemplars) {
            self.out.write(format_args!(" exemplar {} {}", labels_json(exemplar.labels), exemplar.value_text));
            if let Some(timestamp) = exemplar.timestamp_ms {
                self.out.write(format_args!(" at {timestamp} ms"));
            }
        }
        self.out.write(format_args!("\n"));
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.diagnostics += 1;
        complain(&mut self.talk, diagnostic);
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        self.malformed(diagnostic);
    }
}

impl<W: Write, T: Write> Printer for TextPrinter<W, T> {
    fn check(&mut self) -> io::Result<()> {
        self.out.check()
    }

    fn end(&mut self, _: Option<&ParseError>) -> io::Result<()> {
        self.out.end()
    }

    fn diagnostics(&self) -> u64 {
        self.diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exit, standard output and standard error of the command on `body`.
    fn printed(file: &str, format: Output, body: &[u8]) -> (Exit, String, String) {
        printed_with(file, false, format, body)
    }

    fn printed_with(file: &str, strict: bool, format: Output, body: &[u8]) -> (Exit, String, String) {
        let args = ParseArgs { file: file.into(), content_type: None, strict, format };
        let (mut out, mut talk) = (Vec::new(), Vec::new());
        let outcome = print(&args, body, &mut out, &mut talk);
        (outcome, String::from_utf8(out).expect("text"), String::from_utf8(talk).expect("text"))
    }

    #[test]
    fn json_has_the_fixed_form() {
        let body = b"# HELP a_seconds What \\\"a\\\" is.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
            a_seconds_bucket{le=\"+Inf\",x=\"a\\nb\"} 1e0 1.5 # {id=\"7\"} 0.5 2\nbad line\nb{x=\"1\",x=\"2\"} +Inf\n# EOF\n";
        let (outcome, out, talk) = printed("x.om", Output::Json, body);
        let document: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            document,
            json!({
                "families": [
                    {"name": "a_seconds", "type": "histogram", "help": "What \"a\" is.", "unit": "seconds", "samples": [
                        {"name": "a_seconds_bucket", "labels": {"le": "+Inf", "x": "a\nb"}, "value": "1e0",
                         "timestamp_ms": 1500, "exemplar": {"labels": {"id": "7"}, "value": "0.5", "timestamp_ms": 2000}},
                    ]},
                    {"name": "b", "type": "unknown", "help": null, "unit": null, "samples": [
                        {"name": "b", "labels": {"x": "2"}, "value": "+Inf", "timestamp_ms": null, "exemplar": null},
                    ]},
                ],
                "diagnostics": [{"line": 5, "column": 5, "message": "the value `line` is not a number", "severity": "error"}],
            })
        );
        assert_eq!((outcome, talk.as_str()), (Exit::Findings, ""));
    }

    #[test]
    fn text_is_readable_and_carets_go_to_stderr() {
        let (outcome, out, talk) =
            printed("x", Output::Text, b"# TYPE a gauge\n# HELP a Is a.\na{b=\"c\"} 1 5\na{b} 2\n");
        assert_eq!(out, "a (gauge): Is a.\n  a{b=\"c\"} 1 at 5 ms\n");
        assert_eq!(talk, "line 4, column 4: expected `=` after the label name `b`\n  | a{b} 2\n  |    ^\n");
        assert_eq!(outcome, Exit::Findings);
        assert_eq!(printed("x", Output::Text, b"a 1").0, Exit::Fine);
    }

    #[test]
    fn what_prometheus_refuses_is_reported_and_read() {
        let (outcome, out, talk) = printed("x", Output::Text, b"a 1\r\na{b=\"c\"} 2\r\n");
        assert_eq!(out, "a (unknown, not declared)\n  a 1\na (unknown, not declared)\n  a{b=\"c\"} 2\n");
        assert_eq!(
            talk,
            "line 1, column 4: warning: the line ends with CRLF; the format has LF alone; the line is read, Prometheus \
             refuses the scrape\n  | a 1\n  |    ^\n"
        );
        assert_eq!(outcome, Exit::Findings);
    }

    #[test]
    fn strict_findings_have_rules() {
        let body = b"# TYPE a gauge\na 1\na 2\n# EOF\n";
        assert_eq!(printed("x.om", Output::Json, body).0, Exit::Fine);
        let (outcome, out, talk) = printed_with("x.om", true, Output::Json, body);
        let document: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            document["diagnostics"],
            json!([{"line": 3, "column": 1, "message": "the series stands in the exposition twice",
                    "severity": "error", "rule": "O13"}])
        );
        assert_eq!(document["families"][0]["samples"].as_array().map(Vec::len), Some(2));
        assert_eq!((outcome, talk.as_str()), (Exit::Findings, ""));
    }

    #[test]
    fn a_failed_exposition_is_a_whole_document_and_a_message() {
        let (outcome, out, talk) = printed("x.om", Output::Json, b"# TYPE a gauge\na 1\n");
        let document: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(document["families"][0]["samples"][0]["value"], "1");
        assert!(document["diagnostics"][0]["message"].as_str().is_some_and(|message| message.contains("truncated")));
        assert!(talk.contains("truncated"), "{talk}");
        assert_eq!(outcome, Exit::Findings);
    }

    /// `h` with two observations in (1, 2], one below -1, one in the zero bucket, and the exposition breaks off behind it.
    const NATIVE: &[u8] = b"\x46\x0a\x01h\x18\x04\x22\x3f\x0a\x06\x0a\x01a\x12\x01b\x3a\x35\x08\x04\
        \x11\0\0\0\0\0\0\xf8\x3f\x31\0\0\0\0\0\0\xe0\x3f\x38\x01\
        \x4a\x05\x08\x82\x10\x10\x01\x50\x02\x62\x04\x08\x02\x10\x01\x68\x04\
        \x82\x01\x0b\x11\0\0\0\0\0\0\xf0\x3f\x1a\0\x05";

    #[test]
    fn native_histograms_have_a_key_of_their_own() {
        let (outcome, out, talk) = printed("x.pb", Output::Json, NATIVE);
        let document: Value = serde_json::from_str(&out).expect("JSON");
        let sample = |name: &str, le: &str, value: &str, exemplar: Value| {
            let labels = if le.is_empty() { json!({"a": "b"}) } else { json!({"a": "b", "le": le}) };
            json!({"name": name, "labels": labels, "value": value, "timestamp_ms": null, "exemplar": exemplar})
        };
        let mut native = sample("h", "", "4", Value::Null);
        native["histogram"] = json!({
            "count": 4.0, "sum": 1.5, "schema": 0, "zero_threshold": 0.5, "zero_count": 1.0,
            "positive": [[1.0, 2.0, 2.0]], "negative": [["-inf", -f64::MAX, 1.0]],
        });
        assert_eq!(
            document["families"],
            json!([{"name": "h", "type": "histogram", "help": null, "unit": null, "samples": [
                native,
                sample("h_count", "", "4", Value::Null),
                sample("h_sum", "", "1.5", Value::Null),
                sample("h_bucket", "+Inf", "4", Value::Null),
            ]}])
        );
        assert!(talk.contains("truncated"), "{talk}");
        assert_eq!(outcome, Exit::Findings);
        let (_, out, _) = printed("x.pb", Output::Text, NATIVE);
        assert!(out.contains("  h{a=\"b\"} 4 histogram {\"count\":4.0,"), "{out}");
    }

    /// Accepts nothing, as a closed pipe.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_is_quiet_and_a_full_disk_is_not() {
        for (kind, expected, silent) in
            [(io::ErrorKind::BrokenPipe, Exit::Fine, true), (io::ErrorKind::StorageFull, Exit::Unusable, false)]
        {
            let args = ParseArgs { file: "-".into(), content_type: None, strict: false, format: Output::Json };
            let mut talk = Vec::new();
            assert_eq!(print(&args, &b"a 1\n"[..], Broken(kind), &mut talk), expected);
            assert_eq!(talk.is_empty(), silent);
        }
    }
}
