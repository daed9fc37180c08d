//! Strange statuses, and bodies where there must be none.

use std::time::Duration;

use super::server::GOOD;
use super::{Case, Step, answering, behaviours, doing, say};

behaviours![
    status_with_letters,
    status_of_two_digits,
    status_of_four_digits,
    status_below_zero,
    status_999,
    status_600,
    switches_protocols_unasked,
    no_content_with_content,
    not_modified_with_content,
    many_choices,
    use_a_proxy,
    an_error_of_the_target,
    an_error_of_the_client,
    an_error_with_an_endless_body,
];

fn with_status(status: &str) -> Case {
    answering(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len()))
}

fn status_with_letters() -> Case {
    with_status("abc OK").unanswered("not_http", "the answer is not HTTP (invalid HTTP status-code parsed)")
}

fn status_of_two_digits() -> Case {
    with_status("99 OK").unanswered("not_http", "the answer is not HTTP (")
}

fn status_of_four_digits() -> Case {
    with_status("2000 OK").unanswered("not_http", "the answer is not HTTP (")
}

fn status_below_zero() -> Case {
    with_status("-20 OK").unanswered("not_http", "the answer is not HTTP (")
}

/// Only 400 to 599 are errors, as in Datadog's check.
fn status_999() -> Case {
    with_status("999 No Reason").submits(&["good"])
}

fn status_600() -> Case {
    with_status("600").submits(&["good"])
}

fn switches_protocols_unasked() -> Case {
    doing([
        Step::Hear,
        say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
        Step::Hang,
    ])
    .unanswered("not_http", "the answer is not HTTP (101 Switching Protocols, which nobody asked for)")
}

/// What follows the head is no body, and the connection that it came over is of no use any more.
fn no_content_with_content() -> Case {
    with_status("204 No Content").submits(&[])
}

fn not_modified_with_content() -> Case {
    with_status("304 Not Modified").submits(&[])
}

fn many_choices() -> Case {
    with_status("300 Multiple Choices\r\nLocation: /other").submits(&["good"])
}

fn use_a_proxy() -> Case {
    with_status("305 Use Proxy\r\nLocation: http://proxy.example/").submits(&["good"])
}

fn an_error_of_the_target() -> Case {
    with_status("503 Come back\tlater").refused("503 Server Error: Come back\u{fffd}later for url: http://127.0.0.1:")
}

/// Without words of its own, as in Datadog's check.
fn an_error_of_the_client() -> Case {
    with_status("404").refused("404 Client Error:  for url: http://127.0.0.1:")
}

fn an_error_with_an_endless_body() -> Case {
    doing([Step::Hear, say("HTTP/1.1 500 No\r\n\r\n"), Step::Drone(vec![b'x'; 60_000], Duration::ZERO)])
        .refused("500 Server Error: No for url: http://127.0.0.1:")
}
