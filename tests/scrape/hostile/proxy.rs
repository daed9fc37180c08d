//! Proxies that are no better than targets.

use std::time::Duration;

use super::{Case, Step, Trial, answering, behaviours, doing, say};

behaviours![
    connect_is_answered_with_garbage,
    connect_is_answered_with_an_endless_head,
    connect_is_never_answered,
    connect_is_answered_by_the_end,
    connect_is_answered_with_interim_responses,
    connect_is_answered_with_a_body,
    connect_is_answered_with_silence_behind_it,
    connect_is_answered_with_a_redirect,
    connect_is_forbidden,
    a_forwarding_proxy_talks_garbage,
    a_forwarding_proxy_wants_a_password,
    a_forwarding_proxy_never_answers,
];

fn tunnel(steps: impl Into<Vec<Step>>) -> Case {
    doing(steps).on_the_way_to("https://target.example/metrics")
}

fn forwarding(steps: impl Into<Vec<Step>>) -> Case {
    doing(steps).on_the_way_to("http://target.example/metrics")
}

fn connect_is_answered_with_garbage() -> Case {
    tunnel([Step::Hear, say("nonsense\r\n"), Step::Hang])
        .unanswered("proxy", "does not answer as one (invalid HTTP version parsed); check scheme and port of its URL")
}

fn connect_is_answered_with_an_endless_head() -> Case {
    tunnel([Step::Hear, say("HTTP/1.1 200 OK\r\nA: "), Step::Drone(vec![b'x'; 10_000], Duration::ZERO)])
        .unanswered("proxy", "does not answer as one (message head is too large); check scheme and port of its URL")
}

fn connect_is_never_answered() -> Case {
    tunnel([Step::Hear, Step::Hang])
        .with("connect_timeout: 0.1")
        .unanswered("proxy", "within 100ms; check that proxy and target are reachable, or raise `connect_timeout`")
}

fn connect_is_answered_by_the_end() -> Case {
    tunnel([Step::Hear]).unanswered("proxy", "does not answer as one (connection closed before message completed)")
}

fn connect_is_answered_with_interim_responses() -> Case {
    tunnel([Step::Hear, Step::Drone(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100), Duration::ZERO)])
        .with("connect_timeout: 0.1")
        .unanswered("proxy", "within 100ms; check that proxy and target are reachable, or raise `connect_timeout`")
}

/// There is no such thing: what follows comes from the target, which speaks TLS.
fn connect_is_answered_with_a_body() -> Case {
    tunnel([Step::Hear, say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), Step::Hang])
        .unanswered("tls", "TLS failed: the target does not answer with TLS (")
}

fn connect_is_answered_with_silence_behind_it() -> Case {
    tunnel([Step::Hear, say("HTTP/1.1 200 OK\r\n\r\n"), Step::Hang])
        .with("connect_timeout: 0.1")
        .unanswered("proxy", "within 100ms; check that proxy and target are reachable, or raise `connect_timeout`")
}

/// It is not followed.
fn connect_is_answered_with_a_redirect() -> Case {
    tunnel([Step::Hear, say("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n"), Step::Hang])
        .unanswered("proxy", "refused to connect to the target with status 302 Found; its log may say why")
}

fn connect_is_forbidden() -> Case {
    tunnel([Step::Hear, say("HTTP/1.1 403 No\r\nContent-Length: 100000000\r\n\r\n"), Step::Hang]).unanswered(
        "proxy",
        "refused to connect to the target with status 403 Forbidden; its policy forbids this host or port",
    )
}

fn a_forwarding_proxy_talks_garbage() -> Case {
    forwarding([Step::Hear, say("nonsense\r\n"), Step::Hang]).unanswered("proxy", "does not answer as one (")
}

fn a_forwarding_proxy_wants_a_password() -> Case {
    answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        .on_the_way_to("http://target.example/metrics")
        .refused("407 Client Error: Proxy Authentication Required for url: http://target.example/metrics")
}

fn a_forwarding_proxy_never_answers() -> Case {
    forwarding([Step::Hear, Step::Hang])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms; raise `read_timeout`")
}

/// What a SOCKS proxy comes to that does this.
async fn socks(steps: impl Into<Vec<Step>>, words: &str) {
    let mut case = doing(steps).with("proxy: {http: 'socks5h://ADDRESS'}\nconnect_timeout: 0.2");
    case.endpoint = "http://target.example/metrics";
    let failure = Trial::of(&case).scrape().await.report.failure.unwrap();
    assert_eq!(failure.reason, "proxy", "{failure}");
    assert!(failure.message.contains(words), "{failure}");
}

#[tokio::test]
async fn socks_that_is_none() {
    socks([say("nonsense\r\n"), Step::Hang], "does not answer as one (").await;
    socks([], "does not answer as one (").await;
    socks([Step::Hang], "within 200ms; check that proxy and target are reachable, or raise `connect_timeout`").await;
    // It agrees, and then says how long the name is that it is at.
    let endless = [Step::Take(3), say([5, 0]), Step::Take(10), say([5, 0, 0, 3, 255]), Step::Hang];
    socks(endless, "within 200ms; check that proxy and target are reachable, or raise `connect_timeout`").await;
}
