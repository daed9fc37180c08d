//! Measures how often the reader agrees with other readers on cases from their test suites. The folder of the cases is
//! named by the environment variable `RETRIEVER_CONFORMANCE`; it holds `cases.ndjson`, one JSON object a line.
//!
//! Two verdicts are compared. The lenient reader accepts a body when it reports nothing: no malformed line, no line that
//! departs from the format, no failure of the whole; that must be the verdict of Prometheus. (A line that departs is
//! read all the same, so its samples are not lost.) The strict reader accepts a body when it reports nothing; that must
//! be the verdict of the specification. Samples are compared as maps of labels, the name among them as `__name__`.

#[path = "conformance/protobuf.rs"]
mod protobuf;

use std::collections::BTreeMap;
use std::path::PathBuf;

use retriever::parse::{Diagnostic, Family, Format, ParseError, Reader, ReaderLimits, Sample, Sink, Strictness};
use serde_json::Value;

/// Keeps the first complaint and what the samples were.
#[derive(Default)]
struct Verdict {
    complaint: Option<String>,
    samples: Vec<Read>,
}

impl Sink for Verdict {
    fn family(&mut self, _: &Family) {}

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut labels = BTreeMap::from([("__name__".to_owned(), sample.name.text().into_owned())]);
        labels.extend(sample.labels.iter().map(|l| (l.name.text().into_owned(), l.value.text().into_owned())));
        self.samples.push((format!("{labels:?} {:?}", sample.value), sample.timestamp_ms));
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        self.complaint.get_or_insert_with(|| diagnostic.message.clone());
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.complaint.get_or_insert_with(|| diagnostic.message.clone());
    }
}

fn read_into(format: Format, strictness: Strictness, body: &[u8], sink: &mut impl Sink) -> Option<ParseError> {
    let mut reader = Reader::with_strictness(format, ReaderLimits::default(), strictness);
    reader.push(body, sink).and_then(|()| reader.finish(sink).map(drop)).err()
}

fn read(format: Format, strictness: Strictness, body: &[u8]) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(error) = read_into(format, strictness, body, &mut verdict) {
        verdict.complaint.get_or_insert_with(|| error.to_string());
    }
    verdict
}

/// Decodes base64 with padding.
fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter_map(|c| alphabet.iter().position(|a| *a == c)) {
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn body(case: &Value) -> Vec<u8> {
    case["input"]
        .as_str()
        .map_or_else(|| base64(case["input_base64"].as_str().unwrap_or("")), |s| s.as_bytes().to_vec())
}

/// A sample in one text, and its timestamp in milliseconds.
type Read = (String, Option<i64>);

/// Cases do not tell every timestamp.
fn same(expected: &[Read], read: &[Read]) -> bool {
    let same = |(e, r): (&Read, &Read)| e.0 == r.0 && (e.1.is_none() || e.1 == r.1);
    expected.len() == read.len() && expected.iter().zip(read).all(same)
}

/// The samples that the case expects, in the form of [`Verdict`]; `None` where a value is not text.
fn expected(case: &Value) -> Option<Vec<Read>> {
    let mut samples = Vec::new();
    for family in case["expected"]["families"].as_array()? {
        for sample in family["samples"].as_array()? {
            let labels = sample["labels"].as_object()?.iter();
            let mut labels =
                labels.map(|(n, v)| Some((n.clone(), v.as_str()?.to_owned()))).collect::<Option<BTreeMap<_, _>>>()?;
            labels.insert("__name__".to_owned(), sample["name"].as_str()?.to_owned());
            let value: f64 = sample["value"].as_str()?.parse().ok()?;
            samples.push((format!("{labels:?} {value:?}"), sample["timestamp_ms"].as_i64()));
        }
    }
    Some(samples)
}

/// How two verdicts about the same bodies agree.
#[derive(Default)]
struct Tally {
    agree: usize,
    refused: Vec<String>,
    taken: Vec<String>,
    same_content: usize,
    other_content: Vec<String>,
}

impl Tally {
    fn verdict(&mut self, id: &str, complaint: Option<&String>, accepted: bool, why: &Value) {
        match (complaint, accepted) {
            (None, true) | (Some(_), false) => self.agree += 1,
            (Some(complaint), true) => self.refused.push(format!("{id}: {complaint}")),
            (None, false) => self.taken.push(format!("{id}: {why}")),
        }
    }

    fn content(&mut self, id: &str, expected: &[Read], read: &[Read]) {
        if same(expected, read) {
            self.same_content += 1;
        } else {
            self.other_content.push(format!("{id}:\n    {expected:?}\n    {read:?}"));
        }
    }

    fn total(&self) -> usize {
        self.agree + self.refused.len() + self.taken.len()
    }

    fn print(&self, what: &str) {
        println!("{what}: {} of {} verdicts the same", self.agree, self.total());
        println!("  content: {} the same, {} others", self.same_content, self.other_content.len());
        let lists = [("refused", &self.refused), ("taken", &self.taken), ("read otherwise", &self.other_content)];
        for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            println!("  {what}: {}", list.len());
            for entry in list {
                println!("    {entry}");
            }
        }
    }
}

/// Whether other readers are known to read the body differently among themselves.
fn is_disputed(case: &Value) -> bool {
    let notes = case["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    notes.into_iter().any(|note| note.contains("drops") || note.contains("differently"))
}

/// All cases; none if no folder of cases is named.
fn cases() -> Vec<Value> {
    let Some(folder) = std::env::var_os("RETRIEVER_CONFORMANCE").map(PathBuf::from) else {
        println!("skipped: RETRIEVER_CONFORMANCE names no folder of cases");
        return Vec::new();
    };
    let cases = std::fs::read_to_string(folder.join("cases.ndjson")).expect("the folder holds cases.ndjson");
    cases.lines().map(|line| serde_json::from_str(line).expect("each line is a JSON object")).collect()
}

#[test]
fn agreement_with_other_readers() {
    let mut lenient: BTreeMap<String, Tally> = BTreeMap::new();
    let mut strict: BTreeMap<String, Tally> = BTreeMap::new();
    for case in cases() {
        let format = match case["format"].as_str() {
            Some("prometheus-text") => Format::PrometheusText,
            Some("openmetrics-text") => Format::OpenMetrics,
            Some("openmetrics-text-2.0") => Format::OpenMetrics2,
            _ => continue,
        };
        let (id, body) = (case["id"].as_str().unwrap_or("?"), body(&case));
        if let Some(valid) = case["strict_valid"].as_bool() {
            let verdict = read(format, Strictness::Strict, &body);
            let tally = strict.entry(format!("strict, {format}")).or_default();
            tally.verdict(id, verdict.complaint.as_ref(), valid, &case["errors"]);
        }
        let Some(accepted) = case["accepts"]["prometheus"].as_bool() else { continue };
        let tally = lenient.entry(format!("lenient, {format}")).or_default();
        let verdict = read(format, Strictness::Lenient, &body);
        tally.verdict(id, verdict.complaint.as_ref(), accepted, &case["errors"]["prometheus"]);
        if let (None, Some(expected), false) = (&verdict.complaint, expected(&case), is_disputed(&case)) {
            tally.content(id, &expected, &verdict.samples);
        }
    }
    for (tallies, least) in [(lenient, 99), (strict, 97)] {
        for (what, tally) in tallies {
            tally.print(&what);
            let is_draft = what.ends_with("2.0");
            assert!(is_draft || tally.agree * 100 >= tally.total() * least, "{what}: below {least} %");
            assert!(tally.other_content.is_empty(), "{what}: samples are read otherwise");
        }
    }
}
