//! How fast expositions are read cold: tokens, labels, roles and families of every line, on one core.
//!
//! `cargo bench --bench parse`; beside Retriever stand a tokenizer that checks nothing, and other readers.

mod corpora;

use std::hint::black_box;

use corpora::Corpus;
use divan::Bencher;
use divan::counter::BytesCount;
use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};

fn main() {
    divan::main();
}

/// Bytes that arrive at once from a connection.
const CHUNK: usize = 64 << 10;

/// Takes everything that a consumer could want of a sample.
#[derive(Default)]
struct Taken {
    samples: usize,
    labels: usize,
    sum: f64,
}

impl Sink for Taken {
    fn family(&mut self, family: &Family) {
        black_box(family);
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        black_box(sample);
        self.samples += 1;
        self.labels += sample.labels.len();
        self.sum += sample.value;
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        panic!("{diagnostic}");
    }
}

fn read(corpus: &Corpus, text: &str) -> Taken {
    let mut taken = Taken::default();
    let mut reader = Reader::new(corpus.format, ReaderLimits::default());
    for chunk in text.as_bytes().chunks(CHUNK) {
        reader.push(chunk, &mut taken).expect("the corpus is an exposition");
    }
    reader.finish(&mut taken).expect("the corpus is complete");
    taken
}

#[divan::bench(args = corpora::all())]
fn retriever(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| read(corpus, &corpus.text));
}

/// Every sample through the grammar: what the straight path saves.
#[divan::bench(args = corpora::all())]
fn retriever_grammar_only(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.indented.len())).bench(|| read(corpus, &corpus.indented));
}

/// The floor: names, labels and values of lines of which everything is believed; no UTF-8 check, no families.
#[divan::bench(args = corpora::all())]
fn bare_tokenizer(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| bare::tokenize(corpus.text.as_bytes()));
}

#[divan::bench(args = corpora::all(), sample_count = 10)]
fn prometheus_parse(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| {
        let lines = corpus.text.lines().map(|line| Ok(line.to_owned()));
        prometheus_parse::Scrape::parse(lines).expect("the corpus is an exposition")
    });
}

/// Borrows names and labels too, and keeps the samples of a family until it is complete.
#[divan::bench(args = corpora::all(), sample_count = 10)]
fn prometheus_scraper(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    let format = prometheus_scraper::Format::Text(match corpus.format {
        Format::OpenMetrics => prometheus_scraper::TextFormat::OpenMetrics,
        _ => prometheus_scraper::TextFormat::Prometheus,
    });
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| {
        let families = prometheus_scraper::parse_payload(corpus.text.as_bytes(), format);
        families.map(|family| black_box(family.expect("the corpus is an exposition")).metric.len()).sum::<usize>()
    });
}

mod bare {
    //! A tokenizer as small as it can be while it still gives every name, label and value.

    use std::hint::black_box;

    use memchr::memchr;

    struct Row<'a> {
        name: &'a [u8],
        labels: std::ops::Range<usize>,
        value: f64,
    }

    pub(super) fn tokenize(text: &[u8]) -> usize {
        let mut labels: Vec<(&[u8], &[u8])> = Vec::new();
        let mut rest = text;
        let mut samples = 0;
        while let Some(end) = memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            labels.clear();
            let Some(row) = row(line, &mut labels) else { continue };
            black_box((row.name, &labels[row.labels], row.value));
            samples += 1;
        }
        samples
    }

    fn row<'a>(line: &'a [u8], labels: &mut Vec<(&'a [u8], &'a [u8])>) -> Option<Row<'a>> {
        let end = line.iter().position(|byte| matches!(byte, b'{' | b' '))?;
        let (name, mut rest) = line.split_at(end);
        if rest[0] == b'{' {
            rest = &rest[1..];
            while *rest.first()? != b'}' {
                let equals = rest.iter().position(|byte| *byte == b'=')?;
                let quoted = rest.get(equals + 2..)?;
                let mut quote = memchr(b'"', quoted)?;
                while quoted[..quote].last() == Some(&b'\\') {
                    quote += 1 + memchr(b'"', &quoted[quote + 1..])?;
                }
                labels.push((&rest[..equals], &quoted[..quote]));
                rest = quoted.get(quote + 1..)?;
                if *rest.first()? == b',' {
                    rest = &rest[1..];
                }
            }
            rest = &rest[1..];
        }
        let value = rest.get(1..)?;
        let value = &value[..value.iter().position(|byte| *byte == b' ').unwrap_or(value.len())];
        Some(Row { name, labels: 0..labels.len(), value: number(value)? })
    }

    fn number(text: &[u8]) -> Option<f64> {
        if text.len() < 16 && text.iter().all(u8::is_ascii_digit) {
            return Some(text.iter().fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0')) as f64);
        }
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}
