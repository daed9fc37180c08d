//! Redirects: followed with care, or not at all.

use std::sync::{Arc, OnceLock};

use retriever::config::{BasicAuth, HttpSettings, Secret};

use crate::server::{Server, Step, redirect, response};
use crate::{assert_failure, failure, patient, scrape};

fn with_secrets() -> HttpSettings {
    HttpSettings {
        auth: BasicAuth { username: Secret::new("user"), password: Secret::new("hunter2"), latin1: true }.into(),
        extra_headers: vec![("X-Api-Key".into(), Secret::new("hunter2"))],
        ..patient()
    }
}

/// Follows `/n` to `/n-1` until `/0`.
async fn staircase(status: u16) -> Server {
    Server::start(move |request| {
        let step: u32 = request.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        vec![Step::Send(match step.checked_sub(1) {
            Some(next) => redirect(status, &format!("../{next}")),
            None => response("", "up 1\n"),
        })]
    })
    .await
}

#[tokio::test]
async fn follows_up_to_the_limit_over_one_connection() {
    for status in [301, 302, 303, 307, 308] {
        let server = staircase(status).await;
        let (answer, body) = scrape(&patient(), &server.url("/10")).await.unwrap();
        assert_eq!((body.as_str(), answer.head.final_url), ("up 1\n", server.url("/0")));
        assert_eq!(server.connections(), [0; 11]);
        let error = failure(&patient(), &server.url("/11")).await;
        assert_failure(
            &error,
            "redirect",
            &format!("more than 10 redirects; the last one led to `{}`", server.url("/0")),
            false,
        );
    }
}

#[tokio::test]
async fn does_not_follow_when_told_not_to() {
    let server = staircase(302).await;
    let settings = HttpSettings { allow_redirects: false, ..patient() };
    let (answer, _) = scrape(&settings, &server.url("/1")).await.unwrap();
    assert_eq!((answer.head.status, server.requests().len()), (302, 1));
}

#[tokio::test]
async fn a_loop_ends() {
    let server = Server::with(redirect(302, "/")).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "redirect", "more than 10 redirects", false);
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn credentials_stay_at_their_origin() {
    let stranger = Server::with(response("", "up 1\n")).await;
    let there = stranger.url("/there");
    let home = Server::start(move |request| {
        vec![Step::Send(if request.starts_with("GET /a ") { redirect(302, "/b") } else { redirect(302, &there) })]
    })
    .await;
    let url = home.url("/a").replace("//", "//user:hunter2@");
    scrape(&with_secrets(), &url).await.unwrap();
    for request in home.requests() {
        assert!(request.contains("Authorization: Basic") && request.contains("X-Api-Key: hunter2"), "{request}");
    }
    let [request] = &stranger.requests()[..] else { panic!() };
    assert!(!request.contains("Authorization") && !request.contains("hunter2"), "{request}");
    assert!(request.contains("User-Agent: retriever/test"), "{request}");
}

#[tokio::test]
async fn credentials_do_not_come_back_after_a_detour() {
    let home_url = Arc::new(OnceLock::<String>::new());
    let back = Arc::clone(&home_url);
    let stranger =
        Server::start(move |_| vec![Step::Send(redirect(302, &format!("{}back", back.get().unwrap())))]).await;
    let away = stranger.url("/");
    let home = Server::start(move |request| {
        vec![Step::Send(if request.starts_with("GET /back ") { response("", "up 1\n") } else { redirect(302, &away) })]
    })
    .await;
    home_url.set(home.url("/")).unwrap();
    let (answer, _) = scrape(&with_secrets(), &home.url("/start")).await.unwrap();
    assert_eq!(answer.head.final_url, home.url("/back"));
    let [first, last] = &home.requests()[..] else { panic!() };
    assert!(first.contains("hunter2") && !last.contains("hunter2") && !last.contains("Authorization"), "{last}");
}

#[tokio::test]
async fn other_schemes_are_refused() {
    for (to, part) in [
        ("file:///etc/passwd", "`file` is not supported"),
        ("ftp://127.0.0.1/x", "`ftp` is not supported"),
        ("unix:///run/docker.sock/images", "only `http` and `https` are followed"),
        ("http://", "names no host"),
        ("http://user:hunter2@h:x/", "`x` is not a port"),
    ] {
        let server = Server::with(redirect(302, to)).await;
        assert_failure(&failure(&patient(), &server.url("/")).await, "redirect", part, false);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn without_a_location_it_is_no_redirect() {
    let server = Server::with("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(scrape(&patient(), &server.url("/")).await.unwrap().0.head.status, 302);
}
