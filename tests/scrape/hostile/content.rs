//! Bodies that arrive whole and are not what they should be.

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, behaviours, doing, exposing, say};

behaviours![
    an_html_page,
    a_json_document,
    binary_data,
    some_text,
    garbage_without_end,
    nothing,
    a_byte_order_mark,
    utf_16,
    utf_16_that_says_so,
    utf_8_that_is_none,
    zero_bytes,
    an_unknown_charset,
    text_that_claims_to_be_protobuf,
    protobuf_that_claims_to_be_text,
    a_message_of_four_gibibytes,
    a_length_that_never_ends,
    a_message_that_breaks_off,
    openmetrics_without_its_end,
    openmetrics_behind_its_end,
    numbers_beyond_all_numbers,
];

pub(super) const PROTOBUF: &str =
    "Content-Type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n";
const OPENMETRICS: &str = "Content-Type: application/openmetrics-text; version=1.0.0\r\n";

/// A gauge `good` of 1, written by hand.
fn good_protobuf() -> Vec<u8> {
    let gauge = [&[0x09][..], &1_f64.to_le_bytes()].concat();
    let metric = [&[0x12, 9][..], &gauge].concat();
    let family = [&[0x0a, 4][..], b"good", &[0x18, 1, 0x22, 11], &metric].concat();
    [&[u8::try_from(family.len()).unwrap()][..], &family].concat()
}

fn an_html_page() -> Case {
    exposing("Content-Type: text/html\r\n", "<!DOCTYPE html>\n<html><body>Log in</body></html>\n")
        .no_exposition("not_exposition", "the body is an HTML or XML page, not an exposition: 2 lines were read")
        .skips(2)
}

fn a_json_document() -> Case {
    exposing("Content-Type: application/json\r\n", "{\"error\": \"not here\"}\n")
        .no_exposition("not_exposition", "the body is a JSON document, not an exposition: 1 lines were read")
        .skips(1)
}

fn binary_data() -> Case {
    let noise: Vec<u8> = (0..20_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let lines = noise.split(|byte| *byte == b'\n').count() as u64;
    exposing("", noise).no_exposition("not_exposition", "the body is binary data, not an exposition: ").skips(lines)
}

fn some_text() -> Case {
    exposing("", "Hello!\n")
        .no_exposition("not_exposition", "the body is some other text, not an exposition: ")
        .skips(1)
}

/// It is given up early.
fn garbage_without_end() -> Case {
    doing([Step::Hear, say("HTTP/1.1 200 OK\r\n\r\n"), Step::Drone(b"~~~ garbage\n".repeat(100), Duration::ZERO)])
        .no_exposition(
            "not_exposition",
            "the first is `~~~ garbage`; check the URL, and whether a login page or a proxy answers",
        )
        .skips(100)
}

/// As in Datadog's check.
fn nothing() -> Case {
    exposing("", "").submits(&[])
}

fn a_byte_order_mark() -> Case {
    exposing("", format!("\u{feff}{GOOD}")).submits(&["good"])
}

fn utf_16() -> Case {
    let text: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    exposing("", text).no_exposition("not_exposition", "the body is binary data, not an exposition: ").skips(2)
}

fn utf_16_that_says_so() -> Case {
    let text: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    exposing("Content-Type: text/plain; charset=utf-16le\r\n", text).submits(&["good"])
}

/// What is no character becomes U+FFFD.
fn utf_8_that_is_none() -> Case {
    exposing("", [GOOD.as_bytes(), b"good{a=\"\xff\"} 1\n"].concat()).submits(&["good", "good"])
}

fn zero_bytes() -> Case {
    exposing("", format!("{GOOD}a\0b 1\n\0\0\0\n")).submits(&["good"]).skips(2)
}

fn an_unknown_charset() -> Case {
    exposing(&format!("Content-Type: text/plain; charset=\"{}\"\r\n", "utf-7".repeat(100)), GOOD)
        .broken("charset", "the content type declares the unknown charset `utf-7utf-7")
}

fn text_that_claims_to_be_protobuf() -> Case {
    exposing(PROTOBUF, GOOD)
        .no_exposition("not_exposition", "the body is some other text, not an exposition in protobuf; check the URL")
}

fn protobuf_that_claims_to_be_text() -> Case {
    exposing("Content-Type: text/plain\r\n", good_protobuf())
        .no_exposition("not_exposition", "the body is binary data, not an exposition: ")
        .skips(2)
}

fn a_message_of_four_gibibytes() -> Case {
    exposing(PROTOBUF, [good_protobuf(), vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a]].concat())
        .fails(
            retriever::pipeline::Stage::Exposition,
            "message_limit",
            "a metric family has 4294967295 bytes, which is above the limit of 67108864",
            true,
        )
        .submits(&["good"])
}

fn a_length_that_never_ends() -> Case {
    exposing(PROTOBUF, [good_protobuf(), vec![0xff; 100]].concat())
        .no_exposition("malformed", "the length of a metric family at byte 22 is no number of at most 5 bytes")
        .submits(&["good"])
}

fn a_message_that_breaks_off() -> Case {
    let good = good_protobuf();
    exposing(PROTOBUF, [&good[..], &good[..10]].concat())
        .no_exposition(
            "truncated",
            "the exposition is truncated: it ends 10 bytes into the metric family that begins at byte 22",
        )
        .submits(&["good"])
}

fn openmetrics_without_its_end() -> Case {
    exposing(OPENMETRICS, GOOD)
        .no_exposition("truncated", "the OpenMetrics exposition is truncated: its last line is not `# EOF`")
        .submits(&["good"])
}

fn openmetrics_behind_its_end() -> Case {
    exposing(OPENMETRICS, format!("{GOOD}# EOF\nmore 1\n")).submits(&["good"]).skips(1)
}

fn numbers_beyond_all_numbers() -> Case {
    exposing("", format!("{GOOD}a 1e999\nb {}\nc 0x7f\n", "9".repeat(400))).submits(&["good"]).skips(3)
}
