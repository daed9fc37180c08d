//! Redirects to nowhere, and to where nobody should go. Private and loopback addresses are places like any other: what
//! is scraped is mostly there. Credentials stay at the origin of the endpoint, wherever it leads.

use std::sync::LazyLock;

use retriever::config::{BasicAuth, HttpSettings, Secret};

use super::server::{GOOD, Nobody};
use super::{Case, answering, behaviours};
use crate::server::{Server, redirect, response};
use crate::{assert_failure, failure, patient, scrape};

behaviours![
    redirects_to_itself,
    redirects_too_often,
    redirects_to_a_file,
    redirects_to_ftp,
    redirects_to_a_script,
    redirects_to_data,
    redirects_to_a_unix_socket,
    redirects_to_no_host,
    redirects_to_no_port,
    redirects_to_spaces,
    redirects_to_a_password,
    redirects_to_control_characters,
    redirects_to_a_very_long_place,
    redirects_to_where_nobody_listens,
    redirects_nowhere,
];

fn to(location: &str) -> Case {
    answering(redirect(302, location))
}

fn refused(location: &str, words: &'static str) -> Case {
    to(location).unanswered("redirect", words)
}

fn redirects_to_itself() -> Case {
    refused("", "more than 10 redirects; the last one led to `http://127.0.0.1:")
}

fn redirects_too_often() -> Case {
    refused("x/", "more than 3 redirects; the last one led to `http://127.0.0.1:").with("redirect_limit: 3")
}

fn redirects_to_a_file() -> Case {
    refused(
        "file:///etc/passwd",
        "it redirects to `file:///etc/passwd`, which cannot be followed: the scheme `file` is not supported",
    )
}

fn redirects_to_ftp() -> Case {
    refused("ftp://127.0.0.1/x", "the scheme `ftp` is not supported")
}

fn redirects_to_a_script() -> Case {
    refused("javascript:alert(1)", "the scheme `javascript` is not supported")
}

fn redirects_to_data() -> Case {
    refused("data:text/plain,good%201", "the scheme `data` is not supported")
}

fn redirects_to_a_unix_socket() -> Case {
    refused("unix:///run/docker.sock/images", "which cannot be followed: only `http` and `https` are followed")
}

fn redirects_to_no_host() -> Case {
    refused("http://", "which cannot be followed: it names no host")
}

fn redirects_to_no_port() -> Case {
    refused("http://h:99999/", "which cannot be followed: `99999` is not a port, a number from 1 to 65535")
}

/// What a path cannot hold is encoded.
fn redirects_to_spaces() -> Case {
    refused("  a b/<c>\u{e9}/  ", "redirects; the last one led to")
}

fn redirects_to_a_password() -> Case {
    refused("http://user:hunter2@h:x/", "it redirects to `http://h:x/`, which cannot be followed: `x` is not a port")
}

fn redirects_to_control_characters() -> Case {
    refused("http://h\t:1/", "which cannot be followed: ")
}

fn redirects_to_a_very_long_place() -> Case {
    refused(&format!("ftp://{}", "x".repeat(20_000)), "which cannot be followed: the scheme `ftp` is not supported")
}

fn redirects_to_where_nobody_listens() -> Case {
    static NOBODY: LazyLock<Nobody> = LazyLock::new(Nobody::new);
    answering(redirect(302, &format!("http://{}/", NOBODY.address))).unanswered("refused", "the connection was refused")
}

/// Then it is an answer like any other.
fn redirects_nowhere() -> Case {
    answering(format!("HTTP/1.1 302 Found\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len())).submits(&["good"])
}

fn with_secrets() -> HttpSettings {
    HttpSettings {
        auth: BasicAuth { username: Secret::new("user"), password: Secret::new("hunter2"), latin1: true }.into(),
        extra_headers: vec![("X-Api-Key".into(), Secret::new("hunter2"))],
        ..patient()
    }
}

/// The user and the password are those that somebody else chose.
#[tokio::test]
async fn credentials_in_a_location_are_not_used() {
    let stranger = Server::with(response("", "up 1\n")).await;
    let there = stranger.url("/").replace("//", "//user:hunter2@");
    let home = Server::with(redirect(302, &there)).await;
    let (answer, _) = scrape(&with_secrets(), &home.url("/")).await.unwrap();
    assert_eq!(answer.head.final_url, stranger.url("/"));
    let [request] = &stranger.requests()[..] else { panic!() };
    assert!(!request.contains("Authorization") && !request.contains("X-Api-Key"), "{request}");
}

/// The failure of a stranger is told with his address, and without what was meant for another.
#[tokio::test]
async fn a_stranger_that_fails_is_named() {
    let stranger = Server::with("nonsense\r\n").await;
    let home = Server::with(redirect(302, &stranger.url("/?token=hunter2"))).await;
    let error = failure(&with_secrets(), &home.url("/")).await;
    assert_failure(&error, "not_http", "the answer is not HTTP", true);
    assert!(error.to_string().starts_with(&format!("`{}` cannot", stranger.url("/?token=***"))), "{error}");
}
