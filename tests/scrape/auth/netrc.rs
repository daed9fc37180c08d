//! Credentials out of a netrc file.

use std::path::PathBuf;

use retriever::config::{AuthSettings, BasicAuth, HttpSettings, Secret};

use super::{App, fine, settings, succeed};
use crate::client;

struct File(tempfile::TempDir);

impl File {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("netrc"), text).unwrap();
        Self(folder)
    }

    /// A file that is not there stands before it.
    fn settings(&self) -> HttpSettings {
        let netrc: Vec<PathBuf> = ["none", "netrc"].map(|name| self.0.path().join(name)).to_vec();
        settings(AuthSettings { netrc, ..AuthSettings::default() })
    }
}

/// The `Authorization` header that such settings send to a URL with a user.
async fn shown(settings: &HttpSettings) -> Option<String> {
    let server = App::start(|_| fine()).await;
    succeed(&client(settings), &server.url("/").replace("//", "//u:p@")).await;
    server.seen()[0].authorization().map(str::to_owned)
}

const OF_URL: &str = "Basic dTpw";
/// `me:hunter2`
const OF_FILE: &str = "Basic bWU6aHVudGVyMg==";

#[tokio::test]
async fn wins_over_the_url_for_its_host_only() {
    for (text, expected) in [
        ("machine 127.0.0.1 login me password hunter2\nmachine other login x password y", OF_FILE),
        ("machine other login x password y\ndefault login me password hunter2", OF_FILE),
        ("machine other login me password hunter2", OF_URL),
        ("machine 127.0.0.1 account me password hunter2", OF_FILE),
        ("machine 127.0.0.1", OF_URL),
        ("", OF_URL),
        ("machine 127.0.0.1 login me pasword hunter2", OF_URL),
    ] {
        let file = File::with(text);
        assert_eq!(shown(&file.settings()).await.as_deref(), Some(expected), "{text}");
    }
}

#[tokio::test]
async fn counts_only_where_nothing_is_configured() {
    let file = File::with("default login me password hunter2");
    let mut configured = file.settings();
    let basic = BasicAuth { username: Secret::new("a"), password: Secret::new("b"), latin1: true };
    configured.auth = AuthSettings { netrc: configured.auth.netrc.clone(), ..basic.into() };
    assert_eq!(shown(&configured).await.as_deref(), Some("Basic YTpi"));

    let mut own = file.settings();
    own.extra_headers = vec![("authorization".into(), Secret::new("Bearer x"))];
    let server = App::start(|_| fine()).await;
    succeed(&client(&own), &server.url("/")).await;
    assert_eq!(server.seen()[0].authorization(), Some("Bearer x"));
}

#[tokio::test]
async fn a_change_counts_at_the_next_scrape() {
    let file = File::with("default login a password b");
    let server = App::start(|_| fine()).await;
    let client = client(&file.settings());
    succeed(&client, &server.url("/")).await;
    std::fs::write(file.0.path().join("netrc"), "default login me password hunter2").unwrap();
    succeed(&client, &server.url("/")).await;
    std::fs::remove_file(file.0.path().join("netrc")).unwrap();
    succeed(&client, &server.url("/")).await;
    let seen = server.seen();
    let shown: Vec<_> = seen.iter().map(super::Seen::authorization).collect();
    assert_eq!(shown, [Some("Basic YTpi"), Some(OF_FILE), None]);
}
