//! What reading costs in memory: as many allocations for a long exposition as for a short one.

use std::fmt::Write as _;

use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};

/// Counts what it is given, and keeps nothing.
#[derive(Default)]
struct Count {
    samples: usize,
    labels: usize,
    exemplars: usize,
}

impl Sink for Count {
    fn family(&mut self, _: &Family) {}

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        self.samples += 1;
        self.labels += sample.labels.len();
        self.exemplars += usize::from(sample.exemplar.is_some());
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        panic!("{diagnostic}");
    }
}

/// Three families with `lines` lines for each form that a sample can have.
fn body(lines: usize) -> String {
    let mut body = String::new();
    let forms = [
        ("counter", "_total", r#"code="200",path="/a/b""#, "1.5e+09"),
        ("gauge", "", r#"code="200",path="C:\\a\"b""#, "0.30000000000000004"),
        ("gauge", "", "name=\"caf\u{e9}\"", "NaN 1700000000.123"),
        ("histogram", "_bucket", r#"le="0.5""#, r#"17 1700000000.123 # {trace_id="a",span_id="b"} 0.25 1700000000.1"#),
        ("histogram", "_bucket", r#"le="0.5""#, r#"17  # {trace_id="a\\b"} 0.25"#),
    ];
    for (number, (metric_type, suffix, labels, tail)) in forms.iter().enumerate() {
        writeln!(body, "# HELP m{number} Help.\n# TYPE m{number} {metric_type}").expect("a string takes text");
        for line in 0..lines {
            writeln!(body, "m{number}{suffix}{{{labels},line=\"{line}\"}} {tail}").expect("a string takes text");
        }
    }
    body + "# EOF\n"
}

/// Reads `body` in chunks of `size` bytes; gives the number of allocations and the most bytes held at once.
fn cost(body: &str, size: usize) -> (u64, u64, Count) {
    let mut count = Count::default();
    let used = allocation_counter::measure(|| {
        let mut reader = Reader::new(Format::OpenMetrics, ReaderLimits::default());
        for chunk in body.as_bytes().chunks(size) {
            reader.push(chunk, &mut count).expect("the body is an exposition");
        }
        reader.finish(&mut count).expect("the body is complete");
    });
    (used.count_total, used.bytes_max, count)
}

#[test]
fn no_sample_allocates_and_memory_is_constant() {
    // The longest line number has as many digits in both, so that the buffer for cut lines grows as far.
    let (short, long) = (body(10_000), body(99_999));
    for size in [1000, 64 << 10] {
        let (few, little, _) = cost(&short, size);
        let (many, much, count) = cost(&long, size);
        assert_eq!((count.samples, count.labels, count.exemplars), (499_995, 1_199_988, 199_998));
        assert!(many <= few + 8, "chunks of {size}: {few} allocations for the short body, {many} for the long one");
        assert!(much <= little + 1024, "chunks of {size}: {little} bytes for the short body, {much} for the long one");
        assert!(many < 100 && much < 16 << 10, "chunks of {size}: {many} allocations, {much} bytes at once");
    }
}
