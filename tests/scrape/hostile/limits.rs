//! More than the settings allow.

use super::server::GOOD;
use super::{Case, behaviours, exposing};

behaviours![
    more_bytes,
    more_bytes_as_sent,
    a_longer_line,
    a_longer_line_without_end,
    more_labels,
    a_longer_label_name,
    a_longer_label_value,
    more_samples,
    more_series,
    a_larger_message,
];

/// Five samples behind the good one.
fn more() -> String {
    let samples: Vec<String> = (0..5).map(|number| format!("more{{a=\"{number}\"}} 1\n")).collect();
    format!("{GOOD}# TYPE more gauge\n{}", samples.concat())
}

fn more_bytes() -> Case {
    exposing("", more())
        .with("body_size_limit: 100")
        .too_much("body_limit", "the body is larger than 100 bytes after decompression; raise `body_size_limit`")
}

fn more_bytes_as_sent() -> Case {
    exposing("", more())
        .with("wire_size_limit: 100")
        .too_much("wire_limit", "the body is larger than 100 bytes as sent; raise `wire_size_limit` or expose less")
}

/// The line is skipped, and the others are read.
fn a_longer_line() -> Case {
    exposing("", format!("long{{a=\"{}\"}} 1\n{GOOD}", "x".repeat(1000)))
        .with("line_size_limit: 1000")
        .skips(1)
        .submits(&["good"])
}

fn a_longer_line_without_end() -> Case {
    exposing("", format!("{GOOD}long{{a=\"{}", "x".repeat(1000)))
        .with("line_size_limit: 1000")
        .skips(1)
        .submits(&["good"])
}

fn more_labels() -> Case {
    exposing("", format!("{GOOD}more{{a=\"1\",b=\"2\",c=\"3\"}} 1\n"))
        .with("label_limit: 2")
        .skips(1)
        .submits(&["good"])
}

fn a_longer_label_name() -> Case {
    exposing("", format!("{GOOD}more{{{}=\"1\"}} 1\n", "x".repeat(11)))
        .with("label_name_length_limit: 10")
        .skips(1)
        .submits(&["good"])
}

fn a_longer_label_value() -> Case {
    exposing("", format!("{GOOD}more{{a=\"{}\"}} 1\n", "x".repeat(11)))
        .with("label_value_length_limit: 10")
        .skips(1)
        .submits(&["good"])
}

fn more_samples() -> Case {
    let case = exposing("", more()).with("sample_limit: 3").submits(&["good", "more", "more"]);
    case.fails(
        retriever::pipeline::Stage::Exposition,
        "sample_limit",
        "the exposition has more than 3 samples; the rest was not read; raise `sample_limit` or expose less",
        true,
    )
}

fn more_series() -> Case {
    let case = exposing("", more()).with("series_limit: 3").submits(&["good", "more", "more"]);
    case.fails(
        retriever::pipeline::Stage::Mapping,
        "series_limit",
        "the target has more than 3 series, those of the last scrapes included; all of them are forgotten",
        true,
    )
}

fn a_larger_message() -> Case {
    let family = [&[200, 1][..], &[0x0a, 5], b"large", &[0x12; 200]].concat();
    let case = exposing(super::content::PROTOBUF, family).with("message_size_limit: 100");
    case.fails(
        retriever::pipeline::Stage::Exposition,
        "message_limit",
        "a metric family has 200 bytes, which is above the limit of 100",
        true,
    )
}
