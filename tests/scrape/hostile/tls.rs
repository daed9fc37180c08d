//! TLS that is none, and TLS that ends where it should not. Renegotiation is not tried: it does not exist in TLS 1.3, and
//! the library that is used has none for TLS 1.2.

use std::time::Duration;

use super::server::{GOOD, Under};
use super::{Case, Step, behaviours, doing, say};

behaviours![
    plain_http_where_tls_is_expected,
    garbage_in_the_handshake,
    the_handshake_never_finishes,
    the_handshake_drips,
    a_handshake_message_of_sixteen_megabytes,
    closes_in_the_handshake,
    resets_in_the_handshake,
    an_alert_in_place_of_a_handshake,
    garbage_behind_the_handshake,
    a_body_that_is_cut_off,
    a_body_with_its_length_that_is_cut_off,
    a_body_that_ends_in_good_order,
    closes_after_the_handshake,
    http_1_without_a_protocol_in_common,
];

fn before_tls(steps: impl Into<Vec<Step>>) -> Case {
    Case { under: Under::BeforeTls, ..doing(steps).under_tls("http/1.1") }
}

fn plain_http_where_tls_is_expected() -> Case {
    before_tls([Step::Take(10), say("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Hang])
        .unanswered("tls", "the target does not answer with TLS (")
}

fn garbage_in_the_handshake() -> Case {
    before_tls([Step::Take(10), say([0x16, 3, 3, 0, 5, 2, 0, 0, 1, 9]), Step::Hang])
        .unanswered("tls", "TLS failed: the target does not answer with TLS (")
}

fn the_handshake_never_finishes() -> Case {
    before_tls([Step::Take(10), Step::Hang])
        .with("connect_timeout: 0.1")
        .unanswered("connect_timeout", "there was no connection, TLS included, within 100ms")
}

/// A record that is announced, and comes byte by byte.
fn the_handshake_drips() -> Case {
    before_tls([Step::Take(10), say([0x16, 3, 3, 0x40, 0]), Step::Drone(vec![2], Duration::from_millis(10))])
        .with("connect_timeout: 0.1")
        .unanswered("connect_timeout", "there was no connection, TLS included, within 100ms")
}

fn a_handshake_message_of_sixteen_megabytes() -> Case {
    let record = [&[0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff][..], &[0; 0x4000 - 4]].concat();
    let more = [&[0x16, 3, 3, 0x40, 0][..], &[0; 0x4000]].concat();
    before_tls([Step::Take(10), say(record), Step::Drone(more, Duration::ZERO)])
        .unanswered("tls", "the target does not answer with TLS (")
}

fn closes_in_the_handshake() -> Case {
    before_tls([Step::Take(10)])
        .unanswered("tls", "the target closed the connection in the handshake; check that it speaks TLS")
}

fn resets_in_the_handshake() -> Case {
    before_tls([Step::Take(10), Step::Cut])
        .unanswered("tls", "the target closed the connection in the handshake; check that it speaks TLS")
}

/// `internal_error`.
fn an_alert_in_place_of_a_handshake() -> Case {
    before_tls([Step::Take(10), say([0x15, 3, 3, 0, 2, 2, 80]), Step::Hang])
        .unanswered("tls", "the target broke off the handshake (InternalError); its log may say why")
}

fn garbage_behind_the_handshake() -> Case {
    doing([Step::Hear, say("nonsense\r\n"), Step::Hang])
        .under_tls("http/1.1")
        .unanswered("not_http", "the answer is not HTTP (")
}

/// Nothing but the end of TLS itself says that this is the end: whoever is on the way could have cut it.
fn a_body_that_is_cut_off() -> Case {
    doing([Step::Hear, say(format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}")), Step::Cut])
        .under_tls("http/1.1")
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_body_with_its_length_that_is_cut_off() -> Case {
    doing([Step::Hear, say(format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{GOOD}")), Step::Cut])
        .under_tls("http/1.1")
        .broken("broken_body", "the body broke off after 25 bytes (")
        .submits(&["good"])
}

fn a_body_that_ends_in_good_order() -> Case {
    doing([Step::Hear, say(format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}"))]).under_tls("http/1.1").submits(&["good"])
}

fn closes_after_the_handshake() -> Case {
    doing([Step::Hear])
        .under_tls("http/1.1")
        .unanswered("closed", "the target closed the connection before it answered (")
}

/// The server insists on a protocol that was not offered.
fn http_1_without_a_protocol_in_common() -> Case {
    doing([Step::Hang])
        .under_tls("spdy/1")
        .unanswered("tls", "TLS failed: the target broke off the handshake (NoApplicationProtocol)")
}
