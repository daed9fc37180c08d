//! Laws of reading: what was printed is read back, chunk boundaries never matter, a malformed line never changes its
//! neighbours, no bytes make the reader panic, and an independent reader sees the same samples.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use retriever::parse::{
    Diagnostic, Exemplar, Family, Format, Label, MetricType, ParseError, Reader, ReaderLimits, Role, Sample, Sink,
    Strictness, Totals,
};

type Labels = Vec<(String, String)>;

/// A value that is equal to itself even when it is NaN, and tells the zeros apart.
#[derive(Clone, Copy, Debug)]
struct Number(f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// An exemplar that owns what it is made of.
#[derive(Clone, Debug, PartialEq)]
struct OwnedExemplar {
    labels: Labels,
    value: Number,
    timestamp_ms: Option<i64>,
}

/// A sample that owns what it is made of.
#[derive(Clone, Debug, PartialEq)]
struct OwnedSample {
    name: String,
    labels: Labels,
    role: Role,
    value: Number,
    timestamp_ms: Option<i64>,
    exemplar: Option<OwnedExemplar>,
}

/// A call of the sink.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Family(Family),
    Sample(Family, OwnedSample),
    End(Family),
    Malformed(Diagnostic),
}

#[derive(Default)]
struct Events(Vec<Event>);

fn owned_labels(labels: &[Label<'_>]) -> Labels {
    labels.iter().map(|label| (label.name.text().into_owned(), label.value.text().into_owned())).collect()
}

fn owned_exemplar(exemplar: &Exemplar<'_>) -> OwnedExemplar {
    OwnedExemplar {
        labels: owned_labels(exemplar.labels),
        value: Number(exemplar.value),
        timestamp_ms: exemplar.timestamp_ms,
    }
}

impl Sink for Events {
    fn family(&mut self, family: &Family) {
        self.0.push(Event::Family(family.clone()));
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        let owned = OwnedSample {
            name: sample.name.text().into_owned(),
            labels: owned_labels(sample.labels),
            role: sample.role,
            value: Number(sample.value),
            timestamp_ms: sample.timestamp_ms,
            exemplar: sample.exemplar.as_ref().map(owned_exemplar),
        };
        self.0.push(Event::Sample(family.clone(), owned));
    }

    fn family_end(&mut self, family: &Family) {
        self.0.push(Event::End(family.clone()));
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.0.push(Event::Malformed(diagnostic.clone()));
    }
}

/// Reads `body` in the given chunks.
fn read<'a>(
    format: Format,
    limits: ReaderLimits,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, Result<Totals, ParseError>) {
    let mut events = Events::default();
    let mut reader = Reader::new(format, limits);
    for chunk in chunks {
        if reader.push(chunk, &mut events).is_err() {
            break;
        }
    }
    let result = reader.finish(&mut events);
    (events.0, result)
}

fn read_whole(format: Format, body: &str) -> (Vec<Event>, Result<Totals, ParseError>) {
    read(format, ReaderLimits::default(), [body.as_bytes()])
}

/// A family as generated: its samples are below it.
type Generated = (Family, Vec<OwnedSample>);

fn is_classic(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn name_or_quoted(name: &str) -> String {
    if is_classic(name) { name.to_owned() } else { quoted(name) }
}

fn label_list(labels: &Labels) -> Vec<String> {
    labels.iter().map(|(name, value)| format!("{}={}", name_or_quoted(name), quoted(value))).collect()
}

fn number(Number(value): Number) -> String {
    if value.is_nan() { "NaN".into() } else { format!("{value:?}") }
}

fn timestamp(format: Format, milliseconds: i64) -> String {
    match format {
        Format::PrometheusText | Format::PrometheusProtobuf => milliseconds.to_string(),
        // Whole seconds only: fractions are not exact in a double.
        Format::OpenMetrics | Format::OpenMetrics2 => (milliseconds / 1000).to_string(),
    }
}

/// Writes the sample as the format's definition says.
fn print_sample(body: &mut String, format: Format, sample: &OwnedSample) {
    let mut inner = label_list(&sample.labels);
    if is_classic(&sample.name) {
        body.push_str(&sample.name);
    } else {
        inner.insert(0, quoted(&sample.name));
    }
    if !inner.is_empty() {
        write!(body, "{{{}}}", inner.join(",")).expect("a string takes text");
    }
    write!(body, " {}", number(sample.value)).expect("a string takes text");
    if let Some(milliseconds) = sample.timestamp_ms {
        write!(body, " {}", timestamp(format, milliseconds)).expect("a string takes text");
    }
    if let Some(exemplar) = &sample.exemplar {
        let (labels, value) = (label_list(&exemplar.labels).join(","), number(exemplar.value));
        write!(body, " # {{{labels}}} {value}").expect("a string takes text");
        if let Some(milliseconds) = exemplar.timestamp_ms {
            write!(body, " {}", milliseconds / 1000).expect("a string takes text");
        }
    }
    body.push('\n');
}

fn help(format: Format, text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if format == Format::OpenMetrics { text.replace('"', "\\\"") } else { text }
}

/// The lines of the families, without the end mark.
fn print(format: Format, families: &[Generated]) -> String {
    let mut body = String::new();
    for (family, samples) in families {
        let name = name_or_quoted(&family.name);
        writeln!(body, "# TYPE {name} {}", family.metric_type).expect("a string takes text");
        if let Some(text) = &family.help {
            writeln!(body, "# HELP {name} {}", help(format, text)).expect("a string takes text");
        }
        if let (Some(unit), Format::OpenMetrics) = (&family.unit, format) {
            writeln!(body, "# UNIT {name} {unit}").expect("a string takes text");
        }
        for sample in samples {
            print_sample(&mut body, format, sample);
        }
    }
    body
}

fn print_whole(format: Format, families: &[Generated]) -> String {
    let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
    print(format, families) + end
}

/// Every text format, for laws about any bytes.
fn every_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::PrometheusText), Just(Format::OpenMetrics), Just(Format::OpenMetrics2)]
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::PrometheusText), Just(Format::OpenMetrics)]
}

/// Suffixes and what they mean, from the definition of each type.
fn forms(metric_type: MetricType, format: Format) -> Vec<(&'static str, Role)> {
    match (metric_type, format) {
        (MetricType::Counter, _) => vec![("_total", Role::Total), ("_created", Role::Created)],
        (MetricType::Histogram, _) => {
            vec![("_bucket", Role::Bucket), ("_sum", Role::Sum), ("_count", Role::Count), ("_created", Role::Created)]
        }
        (MetricType::Summary, _) => {
            vec![("", Role::Quantile), ("_sum", Role::Sum), ("_count", Role::Count), ("_created", Role::Created)]
        }
        (MetricType::GaugeHistogram, Format::OpenMetrics) => {
            vec![("_bucket", Role::Bucket), ("_gsum", Role::Sum), ("_gcount", Role::Count)]
        }
        (MetricType::Info, Format::OpenMetrics) => vec![("_info", Role::Info)],
        (MetricType::StateSet, _) => vec![("", Role::State)],
        _ => vec![("", Role::Value)],
    }
}

/// Names that no suffix makes ambiguous.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z_][a-z0-9_]{0,8}x", 1 => "[a-zA-Z0-9 .\"\\\\\n{}#=,\u{e9}\u{1F600}]{1,8}x"]
}

fn any_labels() -> impl Strategy<Value = Labels> {
    vec((any_name(), prop_oneof!["[a-z0-9]{0,6}", "[ -~\n\u{0}\u{85}\u{e9}\u{2028}\u{1F600}]{0,12}"]), 0..4)
}

fn any_value() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        any::<f64>().prop_filter("not NaN", |v| !v.is_nan()),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
    .prop_map(Number)
}

/// Whole seconds, so that both formats hold them exactly.
fn any_timestamp() -> impl Strategy<Value = Option<i64>> {
    option::of((-1_000_000_000_i64..10_000_000_000).prop_map(|seconds| seconds * 1000))
}

fn any_exemplar() -> impl Strategy<Value = Option<OwnedExemplar>> {
    option::weighted(0.2, (any_labels(), any_value(), any_timestamp()))
        .prop_map(|parts| parts.map(|(labels, value, timestamp_ms)| OwnedExemplar { labels, value, timestamp_ms }))
}

fn any_sample(family: &str, forms: Vec<(&'static str, Role)>) -> impl Strategy<Value = OwnedSample> + use<> {
    let family = family.to_owned();
    let form = proptest::sample::select(forms);
    (form, any_labels(), any_value(), any_timestamp(), any_exemplar()).prop_map(
        move |((suffix, role), labels, value, timestamp_ms, exemplar)| OwnedSample {
            name: format!("{family}{suffix}"),
            labels,
            role,
            value,
            timestamp_ms,
            exemplar,
        },
    )
}

fn any_family(format: Format) -> impl Strategy<Value = Generated> {
    let types = [
        MetricType::Counter,
        MetricType::Gauge,
        MetricType::Histogram,
        MetricType::GaugeHistogram,
        MetricType::Summary,
        MetricType::Info,
        MetricType::StateSet,
        MetricType::Unknown,
    ];
    let help = option::of("[ -~\n\u{e9}]{0,12}x");
    let unit = option::of("[a-z]{1,5}");
    (any_name(), proptest::sample::select(types.to_vec()), help, unit).prop_flat_map(
        move |(name, metric_type, help, unit)| {
            let unit = unit.filter(|_| format == Format::OpenMetrics);
            let samples = vec(any_sample(&name, forms(metric_type, format)), 0..4);
            (Just(Family { name, metric_type, help, unit, declared: true }), samples)
        },
    )
}

/// Families of which no two neighbours have the same name.
fn any_families(format: Format) -> impl Strategy<Value = Vec<Generated>> {
    vec(any_family(format), 0..5).prop_map(|mut families| {
        families.dedup_by(|a, b| a.0.name == b.0.name);
        families
    })
}

fn any_exposition() -> impl Strategy<Value = (Format, Vec<Generated>)> {
    any_format().prop_flat_map(|format| (Just(format), any_families(format)))
}

/// What a sink should hear of the families.
fn expected(families: &[Generated]) -> Vec<Event> {
    let mut events = Vec::new();
    for (family, samples) in families {
        events.push(Event::Family(family.clone()));
        events.extend(samples.iter().map(|sample| Event::Sample(family.clone(), sample.clone())));
        events.push(Event::End(family.clone()));
    }
    events
}

/// Cuts `body` at the given places, taken modulo its length.
fn cut<'a>(body: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place % (body.len() + 1)).collect();
    places.sort_unstable();
    let (mut chunks, mut from) = (Vec::new(), 0);
    for place in places {
        chunks.push(&body[from..place]);
        from = place;
    }
    chunks.push(&body[from..]);
    chunks
}

/// Text that looks like an exposition, with faults in it.
fn near_exposition() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "a",
        "b_total",
        "{",
        "}",
        "\"",
        "\\",
        "=",
        ",",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "# TYPE ",
        "# HELP ",
        "# UNIT ",
        "# EOF",
        " # {",
        "counter",
        "histogram",
        "gauge\n",
        "1",
        "-1.5e3",
        "NaN",
        "+Inf",
        "1e999",
        "\u{e9}",
        "\u{FEFF}",
        "\0",
        "a 1\n",
        "a{b=\"c\"} 2\n",
        "# TYPE a gauge\n",
        "# TYPE a histogram\n",
        "a {count:2,sum:1,bucket:[1:1,+Inf:2]}",
        "a {count:2,sum:1,schema:0,zero_threshold:0,zero_count:0,positive_spans:[1:2],positive_buckets:[1,1]}",
        "{count:",
        ",quantile:[0.5:1]}",
        " st@1",
    ];
    let text = vec(proptest::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![4 => text, 1 => vec(any::<u8>(), 0..200)]
}

/// Lines that are malformed wherever they stand, and say nothing about a family.
const MALFORMED: &[&str] = &[
    "a{b=\"c\" 1",
    "a",
    "1 a",
    "a b",
    "a 1 2 3",
    "{\"\"} 1",
    "a{b=c} 1",
    "a 1e999",
    "# TYPE a",
    "# HELP 1a b",
    "a-b 1",
    "a{b=\"c\\\"} 1",
    "\u{e9} 1",
    "<html>",
    "a 1 # {",
    "a +nan",
    "a 0x1",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_printed_is_read_back((format, families) in any_exposition()) {
        let body = print_whole(format, &families);
        let (events, result) = read_whole(format, &body);
        prop_assert_eq!(&events, &expected(&families), "{}", body);
        let totals = result.expect("a well-formed exposition");
        prop_assert_eq!(totals.families as usize, families.len());
        prop_assert_eq!(totals.samples as usize, families.iter().map(|family| family.1.len()).sum::<usize>());
        prop_assert_eq!((totals.malformed, totals.bytes as usize), (0, body.len()));
    }

    #[test]
    fn chunk_boundaries_never_matter(
        format in every_format(),
        body in near_exposition(),
        places in vec(any::<usize>(), 0..12),
        line_bytes in prop_oneof![5..30_usize, Just(1000)],
    ) {
        let limits = ReaderLimits { line_bytes, labels: 3, samples: 10, ..ReaderLimits::default() };
        let (whole, whole_result) = read(format, limits, [body.as_slice()]);
        let (cut, cut_result) = read(format, limits, cut(&body, &places));
        prop_assert_eq!(whole, cut);
        // How many bytes were pushed when an exposition fails depends on the chunks; nothing else does.
        let without_bytes = |result: Result<Totals, ParseError>| match result {
            Ok(totals) => (None, totals),
            Err(error) => (Some(error.to_string()), Totals { bytes: 0, ..*error.totals() }),
        };
        prop_assert_eq!(without_bytes(whole_result), without_bytes(cut_result));
    }

    #[test]
    fn single_bytes_are_chunks_too(format in every_format(), body in near_exposition()) {
        let limits = ReaderLimits::default();
        let (whole, _) = read(format, limits, [body.as_slice()]);
        let (bytes, _) = read(format, limits, body.chunks(1));
        prop_assert_eq!(whole, bytes);
    }

    #[test]
    fn a_malformed_line_changes_no_neighbour(
        (format, families) in any_exposition(),
        line in proptest::sample::select(MALFORMED.to_vec()),
        place in any::<usize>(),
    ) {
        let body = print(format, &families);
        let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
        let mut lines: Vec<_> = body.lines().collect();
        let place = place % (lines.len() + 1);
        lines.insert(place, line);
        let (events, _) = read_whole(format, &format!("{}\n{end}", lines.join("\n")));
        let (malformed, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|e| matches!(e, Event::Malformed(_)));
        prop_assert_eq!(others, expected(&families));
        let [Event::Malformed(diagnostic)] = malformed.as_slice() else {
            return Err(TestCaseError::fail(format!("{malformed:?}")));
        };
        prop_assert_eq!(diagnostic.line, place as u64 + 1);
        let wanted = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        prop_assert_eq!(&diagnostic.excerpt, &wanted);
        prop_assert!(diagnostic.column >= 1 && diagnostic.column <= line.chars().count() + 1);
    }

    #[test]
    fn a_strict_reader_hands_out_the_same(format in every_format(), body in near_exposition()) {
        let (lenient, _) = read(format, ReaderLimits::default(), [body.as_slice()]);
        let mut events = Events::default();
        let mut reader = Reader::with_strictness(format, ReaderLimits::default(), Strictness::Strict);
        let _ = reader.push(&body, &mut events).and_then(|()| reader.finish(&mut events));
        let without_diagnostics = |events: Vec<Event>| {
            events.into_iter().filter(|event| !matches!(event, Event::Malformed(_))).collect::<Vec<_>>()
        };
        let malformed = |events: &[Event]| events.iter().any(|event| matches!(event, Event::Malformed(_)));
        prop_assert!(!malformed(&lenient) || malformed(&events.0), "what is skipped breaks a rule");
        prop_assert_eq!(without_diagnostics(lenient), without_diagnostics(events.0));
    }

    #[test]
    fn families_are_announced_and_ended_in_turn(format in every_format(), body in near_exposition()) {
        let (events, result) = read(format, ReaderLimits { samples: 5, ..ReaderLimits::default() }, [body.as_slice()]);
        let mut open: Option<Family> = None;
        for event in &events {
            match event {
                Event::Family(family) => {
                    prop_assert!(open.is_none(), "{:?}", events);
                    open = Some(family.clone());
                }
                Event::Sample(family, _) => prop_assert_eq!(open.as_ref(), Some(family)),
                Event::End(family) => prop_assert_eq!(open.take(), Some(family.clone())),
                Event::Malformed(_) => {}
            }
        }
        prop_assert!(open.is_none());
        let totals = result.unwrap_or_else(|error| *error.totals());
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count() as u64;
        prop_assert_eq!(totals.samples, count(|event| matches!(event, Event::Sample(..))));
        prop_assert_eq!(totals.families, count(|event| matches!(event, Event::Family(_))));
        prop_assert_eq!(totals.malformed, count(|event| matches!(event, Event::Malformed(_))));
    }

    /// Bodies of the part of the format that both readers understand: samples without metadata, plain label values.
    #[test]
    fn an_independent_reader_sees_the_same_samples(
        samples in vec(("[a-z_][a-z0-9_]{0,8}", vec(("[a-z_][a-z0-9_]{0,5}", "[a-z0-9 .:/-]{0,8}"), 0..4), any_value()), 0..20),
    ) {
        let mut body = String::new();
        for (name, labels, value) in &samples {
            let sample = OwnedSample {
                name: name.clone(), labels: labels.clone(), role: Role::Value, value: *value, timestamp_ms: Some(1000),
                exemplar: None,
            };
            print_sample(&mut body, Format::PrometheusText, &sample);
        }
        let theirs = prometheus_parse::Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).expect("lines");
        let theirs: Vec<_> = theirs.samples.iter().map(|sample| {
            let prometheus_parse::Value::Untyped(value) = sample.value else { panic!("{:?}", sample.value) };
            let labels: std::collections::BTreeMap<_, _> =
                sample.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            (sample.metric.clone(), labels, Number(value), sample.timestamp.timestamp_millis())
        }).collect();
        let (events, _) = read_whole(Format::PrometheusText, &body);
        let ours: Vec<_> = events.into_iter().filter_map(|event| match event {
            Event::Sample(_, sample) => {
                Some((sample.name, sample.labels.into_iter().collect(), sample.value, sample.timestamp_ms?))
            }
            _ => None,
        }).collect();
        prop_assert_eq!(ours, theirs, "{}", body);
    }
}
