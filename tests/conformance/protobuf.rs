//! The protobuf cases: what Prometheus' own parser hands out, event by event. Unlike text, there is nothing to be lenient
//! about, so every difference is a failure.

use retriever::parse::{Exemplar, Family, Format, NativeBuckets, NativeHistogram, ResetHint, Sample, Sink, Strictness};
use serde_json::Value;

use super::{Diagnostic, body, read_into};

/// Families, samples and native histograms, each in one text.
#[derive(Debug, Default, PartialEq)]
struct Events {
    families: Vec<String>,
    series: Vec<String>,
    histograms: Vec<String>,
}

type Exemplars = Vec<(Vec<(String, String)>, f64, Option<i64>)>;

fn owned(exemplar: &Exemplar<'_>) -> (Vec<(String, String)>, f64, Option<i64>) {
    let mut labels: Vec<_> =
        exemplar.labels.iter().map(|label| (label.name.raw().to_owned(), label.value.raw().to_owned())).collect();
    labels.sort();
    (labels, exemplar.value, exemplar.timestamp_ms)
}

fn filled(buckets: &NativeBuckets<'_>) -> Vec<(i64, f64)> {
    buckets.iter().filter(|(_, count)| *count != 0.0).collect()
}

fn native_text(native: &NativeHistogram<'_>) -> String {
    let NativeHistogram { schema, zero_threshold, zero_count, count, sum, integer, .. } = native;
    let gauge = native.reset_hint == ResetHint::Gauge;
    let (positive, negative) = (filled(&native.positive), filled(&native.negative));
    format!("{integer} {gauge} {schema} {zero_threshold} {zero_count} {count} {sum} {positive:?} {negative:?}")
}

impl Sink for Events {
    fn family(&mut self, family: &Family) {
        let (help, unit) = (family.help.clone().unwrap_or_default(), family.unit.clone().unwrap_or_default());
        self.families.push(format!("{} {} {help:?} {unit:?}", family.name, family.metric_type));
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut labels: Vec<_> = sample.labels.iter().map(|l| (l.name.raw(), l.value.raw())).collect();
        labels.push(("__name__", sample.name.raw()));
        labels.sort_unstable();
        let times = (sample.timestamp_ms, sample.start_ms);
        if let Some(native) = sample.native {
            let exemplars: Exemplars = native.exemplars.iter().map(owned).collect();
            self.histograms.push(format!("{labels:?} {times:?} {exemplars:?} {}", native_text(native)));
        } else {
            let exemplars: Exemplars = sample.exemplar.iter().map(owned).collect();
            self.series.push(format!("{labels:?} {} {times:?} {exemplars:?}", sample.value_text));
        }
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        panic!("protobuf has no lines, but this one is malformed: {diagnostic}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn pairs(list: &Value) -> Vec<(String, String)> {
    let pairs = list.as_array().expect("a list of labels").iter();
    let mut pairs: Vec<_> = pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
    pairs.sort();
    pairs
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| text(value).parse().expect("a number"))
}

fn exemplars(entry: &Value) -> Exemplars {
    let list = entry["exemplars"].as_array().into_iter().flatten();
    list.map(|e| (pairs(&e["labels"]), number(&e["value"]), e["timestamp_ms"].as_i64())).collect()
}

/// Index and count of the buckets that are not empty.
fn buckets(histogram: &Value, side: &str) -> Vec<(i64, f64)> {
    let mut next = 0;
    let mut indexes = Vec::new();
    for span in histogram[format!("{side}_spans")].as_array().into_iter().flatten() {
        next += span[0].as_i64().expect("an offset");
        for _ in 0..span[1].as_i64().expect("a length") {
            indexes.push(next);
            next += 1;
        }
    }
    let list = |kind: &str| histogram[format!("{side}_{kind}")].as_array().into_iter().flatten();
    let mut sum = 0;
    let summed = list("deltas").map(|delta| {
        sum += delta.as_i64().expect("a delta");
        sum as f64
    });
    let counts: Vec<f64> = summed.chain(list("counts").map(number)).collect();
    assert_eq!(indexes.len(), counts.len(), "{histogram}");
    indexes.into_iter().zip(counts).filter(|(_, count)| *count != 0.0).collect()
}

fn histogram_text(histogram: &Value) -> String {
    let (integer, gauge) = (histogram["kind"] == "int", histogram["counter_reset_hint"] == 3);
    let field = |name: &str| number(&histogram[name]);
    let (positive, negative) = (buckets(histogram, "positive"), buckets(histogram, "negative"));
    let (zero_threshold, zero_count) = (field("zero_threshold"), field("zero_count"));
    let (schema, count, sum) = (&histogram["schema"], field("count"), field("sum"));
    format!("{integer} {gauge} {schema} {zero_threshold} {zero_count} {count} {sum} {positive:?} {negative:?}")
}

/// Classic series as Prometheus hands them out when it passes over native histograms, and native histograms as it hands
/// them out by default: Retriever gives both.
fn expected(case: &Value) -> Events {
    let mut events = Events::default();
    let list = |key: &str| case[key].as_array().cloned();
    let (default, classic) = (list("prometheus_entries"), list("prometheus_entries_ignore_native"));
    let default = default.expect("the events of the case");
    let (mut help, mut unit) = (String::new(), String::new());
    for entry in classic.as_ref().unwrap_or(&default) {
        match entry["e"].as_str() {
            Some("help") => help = text(&entry["help"]),
            Some("unit") => unit = text(&entry["unit"]),
            Some("type") => {
                let (name, kind) = (text(&entry["name"]), text(&entry["type"]));
                events.families.push(format!("{name} {kind} {help:?} {unit:?}"));
                unit.clear();
            }
            Some("series") => {
                let times = (entry["timestamp_ms"].as_i64(), entry["start_timestamp_ms"].as_i64());
                let (labels, exemplars) = (pairs(&entry["labels"]), exemplars(entry));
                events.series.push(format!("{labels:?} {} {times:?} {exemplars:?}", text(&entry["value"])));
            }
            other => panic!("unknown event {other:?}"),
        }
    }
    for entry in default.iter().filter(|entry| entry["e"] == "histogram") {
        let times = (entry["timestamp_ms"].as_i64(), entry["start_timestamp_ms"].as_i64());
        let (labels, exemplars) = (pairs(&entry["labels"]), exemplars(entry));
        let histogram = histogram_text(&entry["histogram"]);
        events.histograms.push(format!("{labels:?} {times:?} {exemplars:?} {histogram}"));
    }
    events
}

#[test]
fn protobuf_is_read_as_prometheus_reads_it() {
    let (mut verdicts, mut contents) = (0, 0);
    for case in super::cases().iter().filter(|case| case["format"] == "protobuf") {
        let id = &case["id"];
        let mut events = Events::default();
        let error = read_into(Format::PrometheusProtobuf, Strictness::Lenient, &body(case), &mut events);
        assert_eq!(Some(error.is_none()), case["accepts"]["prometheus"].as_bool(), "{id}: {error:?}");
        verdicts += 1;
        if error.is_none() {
            let expected = expected(case);
            assert_eq!(events.families, expected.families, "{id}");
            assert_eq!(events.series, expected.series, "{id}");
            assert_eq!(events.histograms, expected.histograms, "{id}");
            contents += 1;
        }
    }
    println!("protobuf: {verdicts} of {verdicts} verdicts as Prometheus\n  content: {contents} the same, 0 others");
}
