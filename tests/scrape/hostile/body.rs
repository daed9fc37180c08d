//! Bodies that stop, drip, break off or never end.

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, behaviours, doing, millis, say};

behaviours![
    stops_in_the_body,
    stops_before_the_body,
    drips_the_body,
    drips_byte_by_byte,
    takes_too_long_for_the_body,
    ends_early,
    is_reset,
    is_reset_where_no_length_was_told,
    never_stops_sending,
    never_stops_sending_comments,
    never_stops_within_the_time,
    never_ends_its_line,
];

fn head_of(headers: &str) -> Step {
    say(format!("HTTP/1.1 200 OK\r\n{headers}\r\n{GOOD}"))
}

fn stops_in_the_body() -> Case {
    doing([Step::Hear, head_of("Content-Length: 100\r\n"), Step::Hang])
        .with("read_timeout: 0.3")
        .broken(
            "read_timeout",
            "the body stopped for 300ms after 25 bytes; raise `read_timeout` if the target needs this long",
        )
        .submits(&["good"])
}

fn stops_before_the_body() -> Case {
    doing([Step::Hear, say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), Step::Hang])
        .with("read_timeout: 0.3")
        .broken("read_timeout", "the body stopped for 300ms after 0 bytes")
}

fn drips_the_body() -> Case {
    doing([Step::Hear, head_of(""), Step::Drone(b"up 1\n".to_vec(), millis(20))])
        .with("total_timeout: 0.4\nexclude_metrics: [up]")
        .too_much("total_timeout", "it was not complete within 400ms; raise `total_timeout`")
        .submits(&["good"])
}

fn drips_byte_by_byte() -> Case {
    doing([Step::Hear, head_of("Content-Length: 1000000\r\n"), Step::Drone(b"#".to_vec(), millis(10))])
        .with("total_timeout: 0.4")
        .too_much("total_timeout", "it was not complete within 400ms")
        .submits(&["good"])
}

fn takes_too_long_for_the_body() -> Case {
    doing([Step::Hear, head_of("Content-Length: 100\r\n"), Step::Hang])
        .with("total_timeout: 0.3")
        .too_much("total_timeout", "it was not complete within 300ms")
        .submits(&["good"])
}

fn ends_early() -> Case {
    doing([Step::Hear, head_of("Content-Length: 100\r\n")])
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn is_reset() -> Case {
    doing([Step::Hear, head_of("Content-Length: 100\r\n"), Step::Cut])
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn is_reset_where_no_length_was_told() -> Case {
    doing([Step::Hear, head_of(""), Step::Cut])
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn never_stops_sending() -> Case {
    doing([Step::Hear, head_of(""), Step::Drone(b"up 1\n".repeat(10_000), Duration::ZERO)])
        .with("wire_size_limit: 300000\nexclude_metrics: [up]")
        .too_much("wire_limit", "the body is larger than 300000 bytes as sent; raise `wire_size_limit` or expose less")
        .submits(&["good"])
}

fn never_stops_sending_comments() -> Case {
    doing([Step::Hear, head_of(""), Step::Drone(b"# nothing\n".repeat(5000), Duration::ZERO)])
        .with("body_size_limit: 300000")
        .too_much("body_limit", "the body is larger than 300000 bytes after decompression; raise `body_size_limit`")
        .submits(&["good"])
}

fn never_stops_within_the_time() -> Case {
    doing([Step::Hear, head_of(""), Step::Drone(b"# nothing\n".repeat(6000), Duration::ZERO)])
        .with("total_timeout: 0.4")
        .too_much("total_timeout", "it was not complete within 400ms")
        .submits(&["good"])
}

fn never_ends_its_line() -> Case {
    doing([Step::Hear, head_of(""), Step::Drone(vec![b'x'; 60_000], Duration::ZERO)])
        .with("wire_size_limit: 300000\nline_size_limit: 1000")
        .too_much("wire_limit", "the body is larger than 300000 bytes as sent")
        .submits(&["good"])
        .skips(1)
}
