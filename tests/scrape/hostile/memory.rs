//! What hostile answers cost in memory, as the thread counts it that scrapes. (What is allocated in C, as zstd does, is
//! counted with the whole process: [`super::together`].)

use std::time::Duration;

use super::bombs::{gzip_of, zlib, zstd_of};
use super::server::GOOD;
use super::{Case, Step, Trial, doing, exposing, say};

const MIB: u64 = 1 << 20;

/// The most bytes that one scrape holds at once, and why it failed.
fn cost(case: &Case) -> (u64, Option<&'static str>) {
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut trial = {
        let _guard = elsewhere.enter();
        Trial::of(case)
    };
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut reason = None;
    let used = allocation_counter::measure(|| {
        reason = here.block_on(trial.scrape()).report.failure.map(|failure| failure.reason);
    });
    elsewhere.shutdown_background();
    (used.bytes_max, reason)
}

#[track_caller]
fn assert_cost(case: &Case, most: u64, reason: Option<&'static str>) {
    let (bytes, failure) = cost(case);
    println!("{bytes} bytes {failure:?}");
    assert_eq!(failure, reason);
    assert!(bytes <= most, "{bytes} bytes at once");
}

/// However much it means, only a piece of it is there at a time.
#[test]
fn a_bomb_is_never_held() {
    for (encoding, bomb) in
        [("gzip", gzip_of(30)), ("zstd", zstd_of(30, b' ')), ("deflate", zlib(vec![b' '; 30 << 20]))]
    {
        let case = exposing(&format!("Content-Encoding: {encoding}\r\n"), bomb);
        assert_cost(&case.with("line_size_limit: 10000"), MIB, Some("not_exposition"));
    }
}

#[test]
fn an_endless_head_is_held_up_to_its_limit() {
    let endless = doing([Step::Hear, say("HTTP/1.1 200 OK\r\nA: "), Step::Drone(vec![b'x'; 60_000], Duration::ZERO)]);
    assert_cost(&endless, MIB, Some("header_limit"));
}

#[test]
fn an_endless_body_is_not_held() {
    for line in [&b"# nothing\n"[..], b"x"] {
        let endless = doing([
            Step::Hear,
            say(format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}")),
            Step::Drone(line.repeat(60_000 / line.len()), Duration::ZERO),
        ]);
        let endless = endless.with("wire_size_limit: 5000000\nline_size_limit: 100000");
        assert_cost(&endless, MIB, Some("wire_limit"));
    }
}

/// Many megabytes without an end of line.
#[test]
fn an_endless_line_is_held_up_to_its_limit() {
    let case = exposing("Content-Encoding: zstd\r\n", zstd_of(24, b'x'));
    // Three times the limit, because what grows is moved.
    assert_cost(&case, 50 * MIB, Some("not_exposition"));
    assert_cost(&case.with("line_size_limit: 1000000"), 3 * MIB, Some("not_exposition"));
}

/// What is announced is not set aside before it comes.
#[test]
fn what_is_only_announced_costs_nothing() {
    let chunk = doing([
        Step::Hear,
        say(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n7FFFFFFFFFFFFFFF\r\nx")),
    ]);
    assert_cost(&chunk, MIB, Some("broken_body"));
    let length =
        doing([Step::Hear, say(format!("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{GOOD}"))]);
    assert_cost(&length, MIB, Some("broken_body"));
    // 64 MiB, the most that is allowed.
    let message = exposing(super::content::PROTOBUF, [0x80, 0x80, 0x80, 0x20, 0x0a, 4, b'g']);
    assert_cost(&message, MIB, Some("truncated"));
}
