//! Authentication, against servers that check what they are shown.

mod aws;
mod digest;
mod netrc;
mod ntlm;
mod token;
mod token_servers;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use retriever::config::{AuthSettings, HttpSettings};
use retriever::scrape::{Client, Clock, ScrapeError};
use retriever::time::UnixTime;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{endpoint, patient, read};

/// A request as a server sees it.
#[derive(Clone, Debug)]
struct Seen {
    /// The number of its connection.
    connection: usize,
    method: String,
    target: String,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }
}

/// Status, headers and body.
struct Answer(u16, Vec<(&'static str, String)>, String);

fn fine() -> Answer {
    Answer(200, Vec::new(), "up 1\n".to_owned())
}

fn challenge(text: impl Into<String>) -> Answer {
    Answer(401, vec![("www-authenticate", text.into())], "who are you?".to_owned())
}

/// A server with a mind of its own.
struct App {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl App {
    async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::launch(None, answer).await
    }

    /// With a certificate that nobody vouches for; gives the certificate (DER) too.
    async fn with_tls(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> (Self, Vec<u8>) {
        let certified = rcgen::generate_simple_self_signed(["elsewhere".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let certificate = certified.cert.der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
        (Self::launch(Some(TlsAcceptor::from(Arc::new(config))), answer).await, certificate.to_vec())
    }

    async fn launch(tls: Option<TlsAcceptor>, answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                let service = service_fn(move |request| {
                    let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                    async move {
                        let seen = see(connection, request).await;
                        log.lock().unwrap().push(seen.clone());
                        Ok::<_, Infallible>(respond(answer(&seen)))
                    }
                });
                let tls = tls.clone();
                tokio::spawn(async move {
                    let serving = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is no concern of the server.
                    let _ = match tls {
                        None => serving.serve_connection(TokioIo::new(stream), service).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            serving.serve_connection(TokioIo::new(stream), service).await
                        }
                    };
                });
            }
        });
        Self { address, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn see(connection: usize, request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Seen {
        connection,
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn respond(Answer(status, headers, body): Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(body))).unwrap()
}

/// A clock that a test sets.
#[derive(Clone)]
struct Now(Arc<AtomicU64>);

impl Now {
    fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Arc::new(move || UnixTime::from_seconds(now.load(Ordering::Relaxed) as f64))
    }
}

fn settings(auth: impl Into<AuthSettings>) -> HttpSettings {
    HttpSettings { auth: auth.into(), ..patient() }
}

/// Status and body of one scrape.
async fn ask(client: &Client, url: &str) -> Result<(u16, String), ScrapeError> {
    let mut response = client.fetch(&endpoint(url)).await?;
    let body = read(&mut response.body).await?;
    Ok((response.head.status, String::from_utf8(body).unwrap()))
}

/// A scrape that succeeds.
async fn succeed(client: &Client, url: &str) {
    let (status, body) = ask(client, url).await.unwrap();
    assert_eq!((status, body.as_str()), (200, "up 1\n"));
}

/// The message of a scrape that fails for want of authentication; it holds no secret.
async fn refuse(client: &Client, url: &str) -> String {
    let error = ask(client, url).await.unwrap_err();
    let message = error.to_string();
    assert_eq!(error.reason(), "authentication", "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    message
}
