//! Bodies that are no protobuf, not all of it, or too much of it.

use retriever::parse::{ParseError, ReaderLimits};

use super::messages::*;
use super::{Read, read_pieces, read_whole};

fn good() -> MetricFamily {
    let metric = Metric { gauge: Some(Value { value: Some(1.0) }), ..Metric::default() };
    family("good", GAUGE, vec![metric])
}

/// A message behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u8::try_from(message.len()).unwrap();
    assert!(length < 0x80);
    [&[length], message].concat()
}

/// The error of a body behind a good family, which is read all the same.
fn failure(limits: ReaderLimits, tail: &[u8]) -> (Read, ParseError) {
    let body = [body(&[good()]), tail.to_vec()].concat();
    let (read, end) = read_pieces(limits, [body.as_slice()]);
    assert_eq!(read.lines()[0], "good 1.0");
    let error = end.unwrap_err();
    assert_eq!(error.totals().bytes, body.len() as u64);
    (read, error)
}

fn message(tail: &[u8]) -> String {
    failure(ReaderLimits::default(), tail).1.to_string()
}

#[test]
fn violations_say_where_and_what() {
    for (bytes, what) in [
        (framed(b"\x0a\x01x\x18\x06\x22\x00"), "there is no metric type with the number 6"),
        (framed(b"\x0a\x01x\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x22\x00"), "the number -1"),
        (framed(b"\x22\x00"), "the metric family that begins at byte 22: it has no name"),
        (framed(b"\x0a\x01\xff\x22\x00"), "the name is not UTF-8"),
        (
            framed(b"\x0a\x01x\x12\x01\xff\x22\x00"),
            "the metric family `x` that begins at byte 22: the help text is not",
        ),
        (framed(b"\x0a\x01x\x22\x00\x22\x07\x0a\x05\x12\x03abc"), "metric 2 of the metric family `x`"),
        (framed(b"\x0a\x01x\x22\x07\x0a\x05\x12\x03abc"), "a label has no name"),
        (framed(b"\x0a\x01x\x22\x05\x0a\x03\x0a\x01\xff"), "the name of a label is not UTF-8"),
        (framed(b"\x0a\x01x\x22\x08\x0a\x06\x0a\x01a\x12\x01\xff"), "the value of a label is not UTF-8"),
        (framed(b"\x0a\x01x\x22\x03\x12\x01\x09"), "a field ends behind the message"),
        (framed(b"\x0a\x01x\x22\x04\x12\x02\x08\x01"), "the field 1 is a number; expected a double"),
        (framed(b"\x0e"), "the field 1 has the wire type 6"),
        (framed(b"\x08\x01"), "the field 1 is a number; expected text or a message"),
        (framed(b"\x0a\x01x\x20\x01"), "the field 4 is a number; expected text or a message"),
        (framed(b"\x00"), "a field has the number 0"),
        (
            framed(b"\x0a\x01x\x18\x04\x22\x04\x3a\x02\x62\x00\x22\x09\x3a\x07\x28\x69\x3d\0\0\0\0"),
            "the field 7 is a number of 4 bytes",
        ),
        (framed(b"\x0a\x01x\x18\x04\x22\x06\x3a\x04\x28\x6a\x38\x01"), "the schema 53"),
        (framed(b"\x0a\x01x\x18\x04\x22\x06\x3a\x04\x62\x00\x68\x02"), "spans of its native histogram mean 0 buckets"),
        (b"\xff\xff\xff\xff\xff\x01".to_vec(), "the length of a metric family at byte 22"),
        (b"\xff\xff\xff\xff\x7f".to_vec(), "a metric family has 34359738367 bytes"),
    ] {
        let error = message(&bytes);
        assert!(error.contains(what), "{bytes:?}: {error}");
    }
}

#[test]
fn metrics_before_a_violation_are_kept() {
    let broken = framed(b"\x0a\x01x\x18\x01\x22\x00\x22\x02\x12\x01\x22\x00");
    let (read, error) = failure(ReaderLimits::default(), &broken);
    assert_eq!(read.lines(), ["good 1.0", "x 0.0"]);
    assert!(!error.is_truncated() && !error.is_not_exposition() && !error.is_over_limit());
    assert_eq!(error.reason(), "malformed");
    assert_eq!((error.totals().families, error.totals().samples), (2, 2));
}

#[test]
fn a_body_that_breaks_off_is_truncated() {
    let (_, error) = failure(ReaderLimits::default(), b"\x05abc");
    assert!(error.is_truncated());
    assert!(error.to_string().contains("4 bytes into the metric family that begins at byte 22"), "{error}");
    assert!(failure(ReaderLimits::default(), b"\x80").1.is_truncated());
}

#[test]
fn pages_are_named() {
    for (page, what) in [
        ("<!DOCTYPE html><html><head><title>Sign in</title></head><body>login</body></html>", "an HTML or XML page"),
        ("<html>", "an HTML or XML page"),
        ("{\"error\": \"forbidden\"}", "a JSON document"),
        ("[{\"a\": 1}]", "a JSON document"),
    ] {
        for size in [1, 7, page.len()] {
            let (_, end) = read_pieces(ReaderLimits::default(), page.as_bytes().chunks(size));
            let error = end.unwrap_err();
            assert!(error.is_not_exposition() && error.to_string().contains(what), "{page}: {error}");
        }
    }
}

#[test]
fn limits_fail_the_scrape() {
    let default = ReaderLimits::default();
    let metric = |pairs: &[(&str, &str)]| Metric { label: labels(pairs), ..Metric::default() };
    let two = body(&[family("long_name", GAUGE, vec![metric(&[("a", "1")]), metric(&[("b", "2"), ("c", "3")])])]);
    let (read, error) = failure(ReaderLimits { labels: 1, ..default }, &two);
    assert_eq!(read.lines().len(), 2);
    assert!(error.to_string().contains("more labels than the limit of 1"), "{error}");
    assert_eq!((error.is_over_limit(), error.reason()), (true, "label_limit"));
    let (read, error) = failure(ReaderLimits { samples: 2, ..default }, &two);
    assert_eq!(read.lines().len(), 2);
    assert!(error.is_too_many_samples());
    let (read, error) = failure(ReaderLimits { series_bytes: 25, ..default }, &two);
    assert_eq!(read.lines().len(), 2);
    assert!(error.to_string().contains("longer than 25 bytes"), "{error}");
    let (read, error) = failure(ReaderLimits { message_bytes: 30, ..default }, &two);
    assert_eq!(read.lines().len(), 1);
    assert_eq!((error.is_over_limit(), error.reason()), (true, "message_limit"));
    assert!(error.to_string().contains("above the limit of 30") && error.to_string().contains("message_size_limit"));
}

#[test]
fn lists_are_bounded() {
    let many = Histogram { bucket: vec![Bucket::default(); 65_537], ..Histogram::default() };
    let metric = Metric { histogram: Some(many), ..Metric::default() };
    let error = message(&body(&[family("h", HISTOGRAM, vec![metric])]));
    assert!(error.contains("more than 65536 buckets"), "{error}");
}

/// 2000 metrics of 100 buckets in a few hundred kilobytes, every series of which would be 60 kB long: what a body means
/// is bounded, not only what it weighs.
#[test]
fn a_small_body_cannot_mean_a_huge_exposition() {
    let histogram = Histogram { bucket: vec![Bucket::default(); 100], ..Histogram::default() };
    let metric = Metric { histogram: Some(histogram), ..Metric::default() };
    let body = body(&[family(&"n".repeat(60_000), HISTOGRAM, vec![metric; 2000])]);
    let limits = ReaderLimits { series_bytes: 100 << 20, ..ReaderLimits::default() };
    let (read, end) = read_pieces(limits, [body.as_slice()]);
    assert!(end.unwrap_err().to_string().contains("longer than 104857600 bytes"));
    assert!(read.lines().len() < 2000);
}

#[test]
fn an_empty_body_is_an_empty_exposition() {
    let (read, end) = read_whole(b"");
    assert_eq!((read.families.len(), end.unwrap().samples), (0, 0));
}
