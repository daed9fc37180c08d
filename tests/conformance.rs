//! Measures how often the reader agrees with other readers on cases from their test suites. The folder of the cases is
//! named by the environment variable `RETRIEVER_CONFORMANCE`; it holds `cases.ndjson`, one JSON object a line.
//!
//! Two verdicts are compared. The lenient reader accepts a body when it reports nothing: no malformed line, no line that
//! departs from the format, no failure of the whole; that must be the verdict of Prometheus. (A line that departs is
//! read all the same, so its samples are not lost.) The strict reader accepts a body when it reports nothing; that must
//! be the verdict of the specification.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};
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
        let mut labels: Vec<_> = sample.labels.iter().map(|l| (l.name.text(), l.value.text())).collect();
        labels.sort();
        let value = sample.value;
        self.samples.push((format!("{} {labels:?} {value:?}", sample.name.text()), sample.timestamp_ms));
    }

    fn departing(&mut self, diagnostic: &Diagnostic) {
        self.complaint.get_or_insert_with(|| diagnostic.message.clone());
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.complaint.get_or_insert_with(|| diagnostic.message.clone());
    }
}

fn read(format: Format, body: &[u8]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut reader = Reader::new(format, ReaderLimits::default());
    let error = reader.push(body, &mut verdict).and_then(|()| reader.finish(&mut verdict).map(drop)).err();
    if let Some(error) = error {
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
            let mut labels: Vec<_> = sample["labels"].as_object()?.iter().map(|(n, v)| (n, v.as_str())).collect();
            labels.sort();
            let labels = labels.into_iter().map(|(n, v)| Some((n, v?))).collect::<Option<Vec<_>>>()?;
            let value: f64 = sample["value"].as_str()?.parse().ok()?;
            let timestamp = sample["timestamp_ms"].as_i64();
            samples.push((format!("{} {labels:?} {value:?}", sample["name"].as_str()?), timestamp));
        }
    }
    Some(samples)
}

#[derive(Default)]
struct Tally {
    agree: usize,
    stricter: Vec<String>,
    more_lenient: Vec<String>,
    same_content: usize,
    other_content: Vec<String>,
}

#[test]
fn agreement_with_other_readers() {
    let Some(folder) = std::env::var_os("RETRIEVER_CONFORMANCE").map(PathBuf::from) else {
        println!("skipped: RETRIEVER_CONFORMANCE names no folder of cases");
        return;
    };
    let cases = std::fs::read_to_string(folder.join("cases.ndjson")).expect("the folder holds cases.ndjson");
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("each line is a JSON object");
        let format = match case["format"].as_str() {
            Some("prometheus-text") => Format::PrometheusText,
            Some("openmetrics-text") => Format::OpenMetrics,
            _ => continue,
        };
        let Some(accepted) = case["accepts"]["prometheus"].as_bool() else { continue };
        let id = case["id"].as_str().unwrap_or("?");
        let tally = tallies.entry(format.to_string()).or_default();
        let verdict = read(format, &body(&case));
        match (&verdict.complaint, accepted) {
            (None, true) | (Some(_), false) => tally.agree += 1,
            (Some(complaint), true) => tally.stricter.push(format!("{id}: {complaint}")),
            (None, false) => tally.more_lenient.push(format!("{id}: {}", case["errors"]["prometheus"])),
        }
        if let (None, Some(expected)) = (&verdict.complaint, expected(&case)) {
            if same(&expected, &verdict.samples) {
                tally.same_content += 1;
            } else {
                tally.other_content.push(format!("{id}:\n    {expected:?}\n    {:?}", verdict.samples));
            }
        }
    }
    for (format, tally) in tallies {
        let total = tally.agree + tally.stricter.len() + tally.more_lenient.len();
        println!("{format}: {} of {total} verdicts as Prometheus", tally.agree);
        println!("  content: {} the same, {} others", tally.same_content, tally.other_content.len());
        for (what, list) in
            [("refused", tally.stricter), ("taken", tally.more_lenient), ("read otherwise", tally.other_content)]
        {
            println!("  {what}: {}", list.len());
            for entry in list {
                println!("    {entry}");
            }
        }
    }
}
