//! Status lines and headers.

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, answering, behaviours, doing, exposing, millis, response, say};

behaviours![
    drips_the_head,
    stops_in_the_head,
    one_header_never_ends,
    headers_never_end,
    a_hundred_and_one_headers,
    more_than_the_settings_allow,
    a_zero_byte_in_a_header,
    an_illegal_header_name,
    a_bare_carriage_return,
    a_header_without_colon,
    folded_headers,
    bytes_beyond_ascii_in_a_header,
    no_status_line,
    http_0_9,
    http_1_0,
    another_version_of_http,
    another_protocol,
    binary_in_place_of_http,
    interim_responses_without_end,
    interim_responses_in_a_flood,
    a_long_reason,
];

const OK: &str = "HTTP/1.1 200 OK\r\n";

fn drips_the_head() -> Case {
    doing([Step::Hear, say(OK), Step::Drone(b"A: b\r\n".to_vec(), millis(20))])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn stops_in_the_head() -> Case {
    doing([Step::Hear, say("HTTP/1.1 200 OK\r\nContent-"), Step::Hang])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn one_header_never_ends() -> Case {
    doing([Step::Hear, say(OK), say("A: "), Step::Drone(vec![b'x'; 10_000], Duration::ZERO)])
        .unanswered("header_limit", "status line and headers are larger than 65536 bytes")
}

fn headers_never_end() -> Case {
    doing([Step::Hear, say(OK), Step::Drone(b"A: b\r\n".repeat(1000), Duration::ZERO)])
        .unanswered("header_limit", "status line and headers are larger than 65536 bytes, or there are more")
}

fn a_hundred_and_one_headers() -> Case {
    exposing(&"A: b\r\n".repeat(100), GOOD).unanswered("header_limit", "or there are more than 100 headers")
}

fn more_than_the_settings_allow() -> Case {
    exposing(&format!("A: {}\r\n", "x".repeat(3000)), GOOD)
        .with("header_size_limit: 2000")
        .unanswered("header_limit", "larger than 2000 bytes")
}

fn a_zero_byte_in_a_header() -> Case {
    exposing("A: b\0c\r\n", GOOD).unanswered("not_http", "the answer is not HTTP (invalid HTTP header parsed)")
}

fn an_illegal_header_name() -> Case {
    exposing("A\u{1}(B): c\r\n", GOOD).unanswered("not_http", "the answer is not HTTP (invalid HTTP header parsed)")
}

fn a_bare_carriage_return() -> Case {
    exposing("A: b\rTransfer-Encoding: chunked\r\n", GOOD).unanswered("not_http", "the answer is not HTTP (")
}

fn a_header_without_colon() -> Case {
    exposing("Content-Type text/plain\r\n", GOOD).unanswered("not_http", "the answer is not HTTP (")
}

/// Old, forbidden since, and without harm.
fn folded_headers() -> Case {
    exposing("A: b,\r\n  c\r\n", GOOD).submits(&["good"])
}

fn bytes_beyond_ascii_in_a_header() -> Case {
    let head = b"HTTP/1.1 200 OK\r\nServer: \xff\xfe\r\nContent-Type: \xe9\r\n\r\n";
    answering([&head[..], GOOD.as_bytes()].concat()).submits(&["good"])
}

fn no_status_line() -> Case {
    answering(format!("Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len()))
        .unanswered("not_http", "the answer is not HTTP (")
}

/// The body alone.
fn http_0_9() -> Case {
    answering(GOOD).unanswered("not_http", "the answer is not HTTP (invalid HTTP version parsed)")
}

fn http_1_0() -> Case {
    answering(format!("HTTP/1.0 200 OK\r\n\r\n{GOOD}")).submits(&["good"])
}

fn another_version_of_http() -> Case {
    answering(format!("HTTP/3.0 200 OK\r\n\r\n{GOOD}"))
        .unanswered("not_http", "the answer is not HTTP (invalid HTTP version parsed)")
}

fn another_protocol() -> Case {
    answering("SSH-2.0-OpenSSH_9.6\r\n").unanswered("not_http", "the answer is not HTTP (")
}

fn binary_in_place_of_http() -> Case {
    answering(b"\0\x01\x02\x03\x04\x05\x06\x07\r\n\r\n").unanswered("not_http", "check port and scheme of the URL")
}

fn interim_responses_without_end() -> Case {
    doing([Step::Hear, Step::Drone(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n".to_vec(), millis(5))])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn interim_responses_in_a_flood() -> Case {
    doing([Step::Hear, Step::Drone(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000), Duration::ZERO)])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn a_long_reason() -> Case {
    let answer = String::from_utf8(response("", "no")).unwrap();
    answering(answer.replace("200 OK", &format!("500 {}", "no! ".repeat(10_000)))).refused("500 Server Error: no! no!")
}
