//! The protobuf format of Prometheus, read from messages that an independent encoder made, from bytes written by hand,
//! and from noise.

#![allow(clippy::unwrap_used, reason = "a test whose helper cannot do its work has failed")]
#![allow(clippy::float_cmp, reason = "what was written is read back bit by bit")]

mod check;
mod hostile;
mod laws;
mod messages;
mod reading;

use retriever::parse::{
    Diagnostic, Exemplar, Family, Format, Label, ParseError, Reader, ReaderLimits, ResetHint, Role, Sample, Sink, Span,
    Totals,
};

type Labels = Vec<(String, String)>;

/// A number that is equal to itself even when it is NaN, and tells the zeros apart.
fn bits(number: f64) -> u64 {
    number.to_bits()
}

#[derive(Clone, Debug, PartialEq)]
struct OwnedExemplar {
    labels: Labels,
    value: u64,
    timestamp_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
struct OwnedNative {
    schema: i32,
    zero: (u64, u64),
    count: u64,
    sum: u64,
    integer: bool,
    gauge: bool,
    positive: (Vec<Span>, Vec<u64>),
    negative: (Vec<Span>, Vec<u64>),
    exemplars: Vec<OwnedExemplar>,
}

/// A sample that owns what it is made of; numbers as their bits.
#[derive(Clone, Debug, PartialEq)]
struct OwnedSample {
    series: String,
    name: String,
    labels: Labels,
    role: Role,
    value: u64,
    timestamp_ms: Option<i64>,
    start_ms: Option<i64>,
    exemplar: Option<OwnedExemplar>,
    native: Option<OwnedNative>,
}

/// What a reader handed out: each family with its samples.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    families: Vec<(Family, Vec<OwnedSample>)>,
    open: bool,
}

fn owned_labels(labels: &[Label<'_>]) -> Labels {
    labels.iter().map(|label| (label.name.text().into_owned(), label.value.text().into_owned())).collect()
}

fn owned_exemplar(exemplar: &Exemplar<'_>) -> OwnedExemplar {
    assert_same_number(exemplar.value_text, exemplar.value);
    let labels = owned_labels(exemplar.labels);
    OwnedExemplar { labels, value: bits(exemplar.value), timestamp_ms: exemplar.timestamp_ms }
}

/// The text of a number reads back as the number.
fn assert_same_number(text: &str, number: f64) {
    let back: f64 = text.parse().unwrap();
    assert!(bits(back) == bits(number) || (back.is_nan() && number.is_nan()), "{text} is not {number}");
}

impl Sink for Read {
    fn family(&mut self, family: &Family) {
        assert!(!self.open);
        self.open = true;
        self.families.push((family.clone(), Vec::new()));
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        let (open, samples) = self.families.last_mut().unwrap();
        assert_eq!(open, family);
        assert_same_number(sample.value_text, sample.value);
        let native = sample.native.map(|native| OwnedNative {
            schema: native.schema,
            zero: (bits(native.zero_threshold), bits(native.zero_count)),
            count: bits(native.count),
            sum: bits(native.sum),
            integer: native.integer,
            gauge: native.reset_hint == ResetHint::Gauge,
            positive: (native.positive.spans().to_vec(), native.positive.counts().map(bits).collect()),
            negative: (native.negative.spans().to_vec(), native.negative.counts().map(bits).collect()),
            exemplars: native.exemplars.iter().map(owned_exemplar).collect(),
        });
        samples.push(OwnedSample {
            series: sample.series.to_owned(),
            name: sample.name.text().into_owned(),
            labels: owned_labels(sample.labels),
            role: sample.role,
            value: bits(sample.value),
            timestamp_ms: sample.timestamp_ms,
            start_ms: sample.start_ms,
            exemplar: sample.exemplar.as_ref().map(owned_exemplar),
            native,
        });
    }

    fn family_end(&mut self, family: &Family) {
        assert!(std::mem::take(&mut self.open));
        assert_eq!(&self.families.last().unwrap().0, family);
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        panic!("protobuf has no lines, but this one is malformed: {diagnostic}");
    }
}

impl Read {
    fn samples(&self) -> Vec<&OwnedSample> {
        self.families.iter().flat_map(|(_, samples)| samples).collect()
    }

    /// Series and values.
    fn lines(&self) -> Vec<String> {
        self.samples().iter().map(|sample| format!("{} {:?}", sample.series, f64::from_bits(sample.value))).collect()
    }
}

/// What comes out of a body in these pieces, and how it ended.
fn read_pieces<'b>(
    limits: ReaderLimits,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> (Read, Result<Totals, ParseError>) {
    let mut read = Read::default();
    let mut reader = Reader::new(Format::PrometheusProtobuf, limits);
    for piece in pieces {
        if let Err(error) = reader.push(piece, &mut read) {
            assert_eq!(reader.push(b"\x01", &mut read), Err(error.clone()), "an error stays");
            assert_eq!(reader.finish(&mut read), Err(error.clone()), "an error stays");
            assert!(!read.open);
            return (read, Err(error));
        }
    }
    let end = reader.finish(&mut read);
    assert!(!read.open);
    (read, end)
}

fn read_whole(body: &[u8]) -> (Read, Result<Totals, ParseError>) {
    read_pieces(ReaderLimits::default(), [body])
}

/// What comes out of a body that is sound.
fn read(body: &[u8]) -> Read {
    let (read, end) = read_whole(body);
    let totals = end.unwrap();
    assert_eq!((totals.bytes, totals.malformed, totals.lines), (body.len() as u64, 0, 0));
    assert_eq!(totals.families, read.families.len() as u64);
    assert_eq!(totals.samples, read.samples().len() as u64);
    read
}
