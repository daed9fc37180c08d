//! `auth_token` with a file, and what is common to all readers.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use retriever::config::{
    AuthSettings, HttpSettings, Pattern, ProxySettings, Secret, TokenFile, TokenReader, TokenSettings, TokenWriter,
};

use super::{Answer, App, ask, fine, refuse, settings, succeed};
use crate::client;

pub(super) fn with_reader(reader: TokenReader) -> HttpSettings {
    let around = (Secret::new("Bearer "), Secret::new(""));
    let token = Some(TokenSettings {
        reader,
        writer: TokenWriter { name: "Authorization".into(), around },
        proxy: ProxySettings::default(),
    });
    settings(AuthSettings { token, ..AuthSettings::default() })
}

fn with_file(path: &Path, pattern: Option<&str>) -> HttpSettings {
    let pattern = pattern.map(|pattern| Pattern::with_one_group(pattern).unwrap());
    with_reader(TokenReader::File(TokenFile { path: path.to_owned(), pattern }))
}

/// Takes one token only.
async fn server(good: &'static str) -> App {
    App::start(move |seen| {
        let shown = seen.authorization().and_then(|value| value.strip_prefix("Bearer "));
        if shown == Some(good) { fine() } else { Answer(403, Vec::new(), String::new()) }
    })
    .await
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, " one\n").unwrap();
    let server = App::start(|_| fine()).await;
    let client = client(&with_file(&path, None));
    succeed(&client, &server.url("/")).await;
    std::fs::write(&path, "two").unwrap();
    succeed(&client, &server.url("/")).await;
    // As long as nothing fails, the last one does while the file is replaced.
    std::fs::remove_file(&path).unwrap();
    succeed(&client, &server.url("/")).await;
    let shown: Vec<_> = server.seen().iter().map(|seen| seen.authorization().unwrap().to_owned()).collect();
    assert_eq!(shown, ["Bearer one", "Bearer two", "Bearer two"]);
}

#[tokio::test]
async fn a_pattern_finds_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "user = a\ntoken = \"hunter2\"\ntoken = \"later\"\n").unwrap();
    let server = server("hunter2").await;
    succeed(&client(&with_file(&path, Some("token = \"([^\"]+)\""))), &server.url("/")).await;
    succeed(&client(&with_file(&path, Some("(?<=token = \")(\\w+)"))), &server.url("/")).await;
    let message = refuse(&client(&with_file(&path, Some("secret=(.+)"))), &server.url("/")).await;
    let expected = format!(
        "`{}` cannot be scraped: `{}`, the file of the token (`auth_token`), does not hold anything that matches the \
         pattern `secret=(.+)`",
        server.url("/"),
        path.display()
    );
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_token_that_cannot_be_had_is_the_error_of_the_scrape() {
    let folder = tempfile::tempdir().unwrap();
    let server = App::start(|_| fine()).await;
    let path = |name: &str| folder.path().join(name);
    for (name, content) in [("empty", " \n"), ("lines", "hunter2\nhunter2"), ("latin1", "")] {
        std::fs::write(path(name), content).unwrap();
    }
    std::fs::write(path("latin1"), b"\xe9").unwrap();
    std::fs::write(path("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    for (name, part) in [
        ("missing", "cannot be read: No such file"),
        ("empty", "holds no token"),
        ("lines", "the token has characters that a header cannot hold"),
        ("latin1", "is not valid UTF-8"),
        ("large", "is larger than 1048576 bytes"),
        ("", "is not a regular file"),
    ] {
        let message = refuse(&client(&with_file(&path(name), None)), &server.url("/")).await;
        assert!(message.contains(part), "{name}: {message}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_failure_has_the_token_renewed_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "wrong").unwrap();
    let refusing = server("right").await;
    let client = client(&with_file(&path, None));
    assert_eq!(ask(&client, &refusing.url("/")).await.unwrap().0, 403);
    assert_eq!(refusing.seen().len(), 2, "the second outcome is final");
    // Any status from 400 to 599 will do, and a connection that breaks; others will not.
    for (status, requests) in [(399, 1), (400, 2), (503, 2), (599, 2), (204, 1)] {
        let server = App::start(move |_| Answer(status, Vec::new(), String::new())).await;
        assert_eq!(ask(&client, &server.url("/")).await.unwrap().0, status);
        assert_eq!(server.seen().len(), requests, "{status}");
    }
    let first = std::sync::atomic::AtomicBool::new(true);
    let closing = crate::server::Server::start(move |_| {
        let answer = crate::server::response("", "up 1\n");
        let first = first.swap(false, Ordering::Relaxed);
        vec![if first { crate::server::Step::Close } else { crate::server::Step::Send(answer) }]
    })
    .await;
    succeed(&client, &closing.url("/")).await;
    assert_eq!(closing.requests().len(), 2);
}

#[tokio::test]
async fn the_second_try_has_the_token_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "old").unwrap();
    let (file, count) = (path.clone(), AtomicU32::new(0));
    // The token is replaced while the first request is under way.
    let server = App::start(move |seen| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            assert_eq!(seen.authorization(), Some("Bearer old"));
            std::fs::write(&file, "new").unwrap();
            return Answer(401, Vec::new(), String::new());
        }
        assert_eq!(seen.authorization(), Some("Bearer new"));
        fine()
    })
    .await;
    succeed(&client(&with_file(&path, None)), &server.url("/")).await;
    // What fails and cannot be renewed is an error, whatever was kept.
    let gone = path.clone();
    let server = App::start(move |_| {
        let _ = std::fs::remove_file(&gone);
        Answer(401, Vec::new(), String::new())
    })
    .await;
    let message = refuse(&client(&with_file(&path, None)), &server.url("/")).await;
    assert!(message.contains("No such file"), "{message}");
}

#[tokio::test]
async fn the_token_stays_at_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "hunter2").unwrap();
    let stranger = App::start(|_| fine()).await;
    let away = stranger.url("/");
    let home = App::start(move |_| Answer(302, vec![("location", away.clone())], String::new())).await;
    succeed(&client(&with_file(&path, None)), &home.url("/")).await;
    assert_eq!(home.seen()[0].authorization(), Some("Bearer hunter2"));
    assert_eq!(stranger.seen()[0].authorization(), None);
}
