//! Scraping, against servers of this machine that behave, misbehave, and lie.

#![allow(clippy::unwrap_used, reason = "a test whose helper cannot do its work has failed")]

mod auth;
#[path = "../support/daemon.rs"]
mod daemon;
mod hostile;
mod options;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "only a part of it is used here")]
mod program;
mod proxies;
mod proxy_choice;
mod proxy_program;
mod proxy_servers;
mod real_proxies;
mod recorded;
mod redirects;
#[allow(dead_code, reason = "other tests have it too, and need more of it")]
mod server;
mod settings;
mod tls;

use std::time::Duration;

use retriever::config::HttpSettings;
use retriever::discover::Endpoint;
use retriever::scrape::{Body, Client, Response, ScrapeError};

/// Settings for peers that answer, on a machine that may be busy.
fn patient() -> HttpSettings {
    let timeout = Duration::from_secs(20);
    HttpSettings { connect_timeout: timeout, read_timeout: timeout, total_timeout: timeout, ..HttpSettings::default() }
}

fn client(settings: &HttpSettings) -> Client {
    Client::new(settings, "retriever/test").unwrap()
}

/// An address at which nobody listens, most likely.
async fn free() -> std::net::SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url).unwrap()
}

/// One request with a client of its own; the whole body.
async fn scrape(settings: &HttpSettings, url: &str) -> Result<(Response, String), ScrapeError> {
    let mut response = client(settings).fetch(&endpoint(url)).await?;
    let body = read(&mut response.body).await?;
    Ok((response, String::from_utf8(body).unwrap()))
}

async fn read(body: &mut Body) -> Result<Vec<u8>, ScrapeError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        assert!(!chunk.is_empty() && chunk.len() <= 256 << 10);
        bytes.extend_from_slice(&chunk);
    }
    assert!(body.chunk().await.unwrap().is_none());
    Ok(bytes)
}

/// The error of a scrape, which names the endpoint and holds no credentials.
async fn failure(settings: &HttpSettings, url: &str) -> ScrapeError {
    let error = scrape(settings, url).await.err().expect("the scrape should fail");
    let message = error.to_string();
    assert!(!message.contains("hunter2"), "{message}");
    assert!(message.starts_with('`') && message.contains("` cannot be scraped: "), "{message}");
    error
}

fn assert_failure(error: &ScrapeError, reason: &str, part: &str, connection: bool) {
    assert_eq!(error.reason(), reason, "{error}");
    assert!(error.to_string().contains(part), "{error}");
    assert_eq!(error.is_connection_error(), connection, "{error}");
}
