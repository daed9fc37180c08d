//! HTTP/2, frame by frame (RFC 9113).

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, behaviours, doing, millis, say};

behaviours![
    promises_h2_and_speaks_http_1,
    promises_h2_and_says_nothing,
    goes_away_at_once,
    goes_away_before_it_answers,
    resets_the_stream,
    resets_the_stream_in_the_body,
    goes_away_in_the_body,
    goes_away_and_finishes_what_was_asked_for,
    takes_no_streams,
    opens_no_window,
    headers_are_continued_for_ever,
    headers_are_more_than_allowed,
    headers_that_are_none,
    frames_larger_than_allowed,
    pushes_what_nobody_asked_for,
    a_flood_of_pings,
    a_flood_of_settings,
    a_flood_of_empty_data,
    a_body_longer_than_it_says,
    a_body_shorter_than_it_says,
    never_stops_sending_data,
];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &u32::try_from(payload.len()).unwrap().to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a client begins with: 24 bytes and a frame of settings, and then its request.
fn connected(settings: &[u8], mut steps: Vec<Step>) -> Case {
    let mut all =
        vec![Step::Take(24 + 9), Step::Say(frame(SETTINGS, 0, 0, settings)), Step::Say(frame(SETTINGS, ACK, 0, &[]))];
    // The frames that follow are no smaller than that in all.
    all.push(Step::Take(40));
    all.append(&mut steps);
    doing(all).under_tls("h2")
}

/// `:status: 200`, from the table of HPACK.
fn head(flags: u8) -> Step {
    Step::Say(frame(HEADERS, END_HEADERS | flags, 1, &[0x88]))
}

fn data(flags: u8) -> Step {
    Step::Say(frame(DATA, flags, 1, GOOD.as_bytes()))
}

/// A header in the plain form of HPACK.
fn header(name: &str, value: &str) -> Vec<u8> {
    let part = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    [vec![0], part(name), part(value)].concat()
}

/// Nothing that was asked for is answered.
fn goaway(error: u32) -> Vec<u8> {
    goaway_after(0, error)
}

/// What was asked for up to this stream is answered.
fn goaway_after(stream: u32, error: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[stream.to_be_bytes(), error.to_be_bytes()].concat())
}

fn promises_h2_and_speaks_http_1() -> Case {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len());
    doing([say(answer), Step::Hang]).under_tls("h2").unanswered("not_http", "the answer breaks the rules of HTTP/2 (")
}

fn promises_h2_and_says_nothing() -> Case {
    doing([Step::Hang])
        .under_tls("h2")
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn goes_away_at_once() -> Case {
    connected(&[], vec![Step::Say(goaway(0)), Step::Hang])
        .unanswered("closed", "the target closed the connection before it answered (")
}

fn goes_away_before_it_answers() -> Case {
    connected(&[], vec![Step::Say(goaway(11)), Step::Hang])
        .unanswered("closed", "the target closed the connection before it answered (")
}

fn resets_the_stream() -> Case {
    connected(&[], vec![Step::Say(frame(RST_STREAM, 0, 1, &2_u32.to_be_bytes())), Step::Hang])
        .unanswered("closed", "the target closed the connection before it answered (")
}

fn resets_the_stream_in_the_body() -> Case {
    connected(&[], vec![head(0), data(0), Step::Say(frame(RST_STREAM, 0, 1, &2_u32.to_be_bytes())), Step::Hang])
        .broken("broken_body", "the body broke off after ")
        .submits(&["good"])
}

fn goes_away_in_the_body() -> Case {
    connected(&[], vec![head(0), data(0), Step::Say(goaway(2))])
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

/// As servers do that are about to be replaced.
fn goes_away_and_finishes_what_was_asked_for() -> Case {
    let steps = vec![head(0), Step::Say(goaway_after(1, 0)), Step::Pause(millis(100)), data(END_STREAM)];
    connected(&[], steps).submits(&["good"])
}

/// `SETTINGS_MAX_CONCURRENT_STREAMS` of 0.
fn takes_no_streams() -> Case {
    doing([Step::Say(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 0])), Step::Hang])
        .under_tls("h2")
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

/// `SETTINGS_INITIAL_WINDOW_SIZE` of 0: nothing may be sent, and a request without a body has nothing to send.
fn opens_no_window() -> Case {
    connected(&[0, 4, 0, 0, 0, 0], vec![head(0), data(END_STREAM)]).submits(&["good"])
}

fn headers_are_continued_for_ever() -> Case {
    let more = frame(CONTINUATION, 0, 1, &header("a", &"b".repeat(100)).repeat(100));
    connected(&[], vec![Step::Say(frame(HEADERS, 0, 1, &[0x88])), Step::Drone(more, Duration::ZERO)]).unanswered(
        "not_http",
        "or its headers are larger than 65536 bytes; check what answers at this port, or raise `header_size_limit`",
    )
}

fn headers_are_more_than_allowed() -> Case {
    let block = [vec![0x88], header("a", &"b".repeat(100)).repeat(100)].concat();
    connected(&[], vec![Step::Say(frame(HEADERS, END_HEADERS, 1, &block)), data(END_STREAM), Step::Hang])
        .with("header_size_limit: 5000")
        .unanswered(
            "not_http",
            "or its headers are larger than 5000 bytes; check what answers at this port, or raise `header_size_limit`",
        )
}

fn headers_that_are_none() -> Case {
    connected(&[], vec![Step::Say(frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0xff, 0xff, 0xff])), Step::Hang])
        .unanswered("not_http", "the answer breaks the rules of HTTP/2 (")
}

fn frames_larger_than_allowed() -> Case {
    connected(&[], vec![head(0), data(0), Step::Say(frame(DATA, 0, 1, &vec![b'#'; 1 << 20])), Step::Hang])
        .broken("broken_body", "the body broke off after ")
        .submits(&["good"])
}

fn pushes_what_nobody_asked_for() -> Case {
    let promise = frame(PUSH_PROMISE, END_HEADERS, 1, &[&2_u32.to_be_bytes()[..], &[0x82, 0x84, 0x86]].concat());
    connected(&[], vec![Step::Say(promise), Step::Hang])
        .unanswered("not_http", "the answer breaks the rules of HTTP/2 (")
}

fn a_flood_of_pings() -> Case {
    connected(&[], vec![Step::Drone(frame(PING, 0, 0, &[0; 8]).repeat(100), Duration::ZERO)])
        .with("read_timeout: 0.2")
        .unanswered("read_timeout", "no response came within 200ms")
}

fn a_flood_of_settings() -> Case {
    connected(&[], vec![Step::Drone(frame(SETTINGS, 0, 0, &[]).repeat(100), Duration::ZERO)])
        .with("read_timeout: 0.2")
        .unanswered("read_timeout", "no response came within 200ms")
}

fn a_flood_of_empty_data() -> Case {
    connected(&[], vec![head(0), data(0), Step::Drone(frame(DATA, 0, 1, &[]).repeat(100), Duration::ZERO)])
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_body_longer_than_it_says() -> Case {
    let block = [vec![0x88], header("content-length", "10")].concat();
    connected(&[], vec![Step::Say(frame(HEADERS, END_HEADERS, 1, &block)), data(END_STREAM), Step::Hang])
        .broken("broken_body", "the body broke off after ")
}

fn a_body_shorter_than_it_says() -> Case {
    let block = [vec![0x88], header("content-length", "100")].concat();
    connected(&[], vec![Step::Say(frame(HEADERS, END_HEADERS, 1, &block)), data(END_STREAM), Step::Hang])
        .broken("broken_body", "the body broke off after ")
}

fn never_stops_sending_data() -> Case {
    connected(&[], vec![head(0), data(0), Step::Drone(frame(DATA, 0, 1, &[b'#'; 16_000]), millis(2))])
        .with("wire_size_limit: 300000")
        .too_much("wire_limit", "the body is larger than 300000 bytes as sent")
        .submits(&["good"])
}
