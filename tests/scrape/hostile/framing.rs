//! Where a body ends: `Content-Length`, chunks, and what contradicts them.

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, answering, behaviours, doing, millis, say};

behaviours![
    length_too_small,
    length_too_large,
    length_too_large_and_nothing_more,
    length_below_zero,
    length_beyond_all_numbers,
    length_of_two_exabytes,
    length_that_is_no_number,
    two_lengths_that_differ,
    two_lengths_in_one_that_differ,
    two_lengths_that_are_equal,
    length_beside_chunks,
    chunks_twice,
    chunks_of_http_1_0,
    an_unknown_transfer_encoding,
    a_chunk_size_that_is_none,
    a_chunk_size_beyond_all_numbers,
    a_chunk_that_is_never_filled,
    a_chunk_without_its_end,
    a_chunk_longer_than_it_says,
    chunks_without_end,
    chunks_that_drip,
    a_chunk_extension_that_never_ends,
    trailers_that_never_end,
    a_trailer_that_is_none,
];

fn chunked(chunks: &str) -> Case {
    answering(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"))
}

fn with_length(length: &str) -> Case {
    answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{GOOD}"))
}

fn length_too_small() -> Case {
    with_length("18").submits(&[])
}

fn length_too_large() -> Case {
    with_length("100").broken("broken_body", "the body broke off after 25 bytes (").submits(&["good"])
}

fn length_too_large_and_nothing_more() -> Case {
    doing([Step::Hear, say(format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{GOOD}")), Step::Hang])
        .with("read_timeout: 0.3")
        .broken("read_timeout", "the body stopped for 300ms after 25 bytes; raise `read_timeout`")
        .submits(&["good"])
}

fn length_below_zero() -> Case {
    with_length("-25").unanswered("not_http", "the answer is not HTTP (invalid content-length parsed)")
}

fn length_beyond_all_numbers() -> Case {
    with_length("99999999999999999999999")
        .unanswered("not_http", "the answer is not HTTP (invalid content-length parsed)")
}

fn length_of_two_exabytes() -> Case {
    with_length("2000000000000000000").broken("broken_body", "the body broke off after 25 bytes (").submits(&["good"])
}

fn length_that_is_no_number() -> Case {
    with_length("0x19").unanswered("not_http", "the answer is not HTTP (invalid content-length parsed)")
}

fn two_lengths_that_differ() -> Case {
    with_length("25\r\nContent-Length: 18").unanswered("not_http", "the answer is not HTTP (")
}

fn two_lengths_in_one_that_differ() -> Case {
    with_length("25, 18").unanswered("not_http", "the answer is not HTTP (")
}

fn two_lengths_that_are_equal() -> Case {
    with_length("25\r\nContent-Length: 25").submits(&["good"])
}

/// Where both are sent, the chunks count (RFC 9112, section 6.3).
fn length_beside_chunks() -> Case {
    answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n0\r\n\r\n"
    ))
    .submits(&["good"])
}

fn chunks_twice() -> Case {
    answering(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n19\r\n{GOOD}\r\n0\r\n\r\n"))
        .submits(&["good"])
}

fn chunks_of_http_1_0() -> Case {
    answering(format!("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n0\r\n\r\n"))
        .unanswered("not_http", "the answer is not HTTP (")
}

fn an_unknown_transfer_encoding() -> Case {
    answering(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{GOOD}")).submits(&["good"])
}

fn a_chunk_size_that_is_none() -> Case {
    chunked(&format!("19\r\n{GOOD}\r\nzz\r\n"))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_chunk_size_beyond_all_numbers() -> Case {
    chunked(&format!("19\r\n{GOOD}\r\n{}\r\n", "F".repeat(17)))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_chunk_that_is_never_filled() -> Case {
    chunked(&format!("FFFFFFFFFFFFFFF0\r\n{GOOD}"))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_chunk_without_its_end() -> Case {
    chunked(&format!("19\r\n{GOOD}0\r\n\r\n"))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_chunk_longer_than_it_says() -> Case {
    chunked(&format!("2\r\n{GOOD}\r\n0\r\n\r\n")).broken("broken_body", "the body broke off after 2 bytes (")
}

fn chunks_without_end() -> Case {
    chunked(&format!("19\r\n{GOOD}\r\n"))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn chunks_that_drip() -> Case {
    let chunk = b"2\r\n#\n\r\n".to_vec();
    doing([
        Step::Hear,
        say(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n")),
        Step::Drone(chunk, millis(20)),
    ])
    .with("total_timeout: 0.4")
    .too_much("total_timeout", "it was not complete within 400ms; raise `total_timeout`")
    .submits(&["good"])
}

fn a_chunk_extension_that_never_ends() -> Case {
    doing([
        Step::Hear,
        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19;"),
        Step::Drone(vec![b'x'; 10_000], Duration::ZERO),
    ])
    .broken("broken_body", "the body broke off after 0 bytes (")
}

fn trailers_that_never_end() -> Case {
    doing([
        Step::Hear,
        say(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n0\r\n")),
        Step::Drone(b"A: b\r\n".repeat(100), Duration::ZERO),
    ])
    .broken("broken_body", "the body broke off after 25 bytes (")
    .submits(&["good"])
}

fn a_trailer_that_is_none() -> Case {
    chunked(&format!("19\r\n{GOOD}\r\n0\r\n\0\0\0\r\n\r\n"))
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}
