//! A stand-in for Datadog's intake on the loopback interface: keeps and decodes what it is sent, and answers as it is
//! told to.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::proto::{MetricPayload, MetricSeries, SketchPayload, SketchSeries};

pub(crate) const SERIES: &str = "/api/v2/series";
pub(crate) const SKETCHES: &str = "/api/beta/sketches";
pub(crate) const CHECK_RUN: &str = "/api/v1/check_run";
pub(crate) const EVENTS: &str = "/api/v1/events";
pub(crate) const VALIDATE: &str = "/api/v1/validate";

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// 202, the only reply whose payload counts as taken.
    Accept,
    /// With a status and a body of errors.
    Status(u16),
    /// 429 with `Retry-After`.
    RetryAfter(u64),
    /// 413 for a body of more bytes, else 202.
    AcceptUpTo(usize),
    /// Never.
    Hang,
    /// By closing the connection.
    Close,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// As sent.
    pub(crate) body: Bytes,
    pub(crate) accepted: bool,
}

impl Received {
    /// A header as text; empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as it was before compression, of which two decoders have the same to say.
    pub(crate) fn decompressed(&self) -> Vec<u8> {
        assert_eq!(self.header("content-encoding"), "zstd");
        let decompressed = zstd::stream::decode_all(&*self.body).unwrap();
        let mut other = Vec::with_capacity(decompressed.len());
        ruzstd::decoding::FrameDecoder::new().decode_all_to_vec(&self.body, &mut other).unwrap();
        assert!(other == decompressed);
        decompressed
    }

    pub(crate) fn series(&self) -> Vec<MetricSeries> {
        MetricPayload::decode(&*self.decompressed()).unwrap().series
    }

    pub(crate) fn sketches(&self) -> Vec<SketchSeries> {
        SketchPayload::decode(&*self.decompressed()).unwrap().sketches
    }

    pub(crate) fn service_checks(&self) -> Vec<serde_json::Value> {
        serde_json::from_slice(&self.decompressed()).unwrap()
    }
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    /// Replies to the next requests of a path.
    next: HashMap<String, VecDeque<Reply>>,
    /// Replies when there are no such.
    standing: HashMap<String, Reply>,
}

/// A running intake; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Intake {
    url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Intake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { url, state, task }
    }

    /// What goes into `dd_url`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers all further requests for `path` so.
    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.lock().standing.insert(path.to_owned(), reply);
    }

    /// Answers the next requests for `path` so, one after the other.
    pub(crate) fn answer_next(&self, path: &str, replies: &[Reply]) {
        self.lock().next.entry(path.to_owned()).or_default().extend(replies);
    }

    /// All requests for `path`.
    pub(crate) fn received(&self, path: &str) -> Vec<Received> {
        self.lock().received.iter().filter(|request| request.path == path).cloned().collect()
    }

    fn accepted(&self, path: &str) -> Vec<Received> {
        self.received(path).into_iter().filter(|request| request.accepted).collect()
    }

    /// All series that were accepted.
    pub(crate) fn series(&self) -> Vec<MetricSeries> {
        self.accepted(SERIES).iter().flat_map(Received::series).collect()
    }

    /// All sketches that were accepted.
    pub(crate) fn sketches(&self) -> Vec<SketchSeries> {
        self.accepted(SKETCHES).iter().flat_map(Received::sketches).collect()
    }

    /// All service checks that were accepted.
    pub(crate) fn service_checks(&self) -> Vec<serde_json::Value> {
        self.accepted(CHECK_RUN).iter().flat_map(Received::service_checks).collect()
    }

    /// Waits until so many series were accepted.
    pub(crate) async fn wait_for_series(&self, series: usize) {
        let arrived = async {
            while self.series().len() < series {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), arrived).await.unwrap();
    }

    /// Waits until `path` was asked for so many times.
    pub(crate) async fn wait_for(&self, path: &str, requests: usize) {
        let arrived = async {
            while self.received(path).len() < requests {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let late = || format!("{requests} requests for {path} in ten seconds; {} came", self.received(path).len());
        tokio::time::timeout(Duration::from_secs(10), arrived).await.unwrap_or_else(|_| panic!("{}", late()));
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&state)));
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    // A connection that is closed on purpose, or by the client, is no concern of the test.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        let next = state.next.get_mut(&path).and_then(VecDeque::pop_front);
        let reply = next.or_else(|| state.standing.get(&path).copied()).unwrap_or(Reply::Accept);
        let accepted = match reply {
            Reply::Accept => true,
            Reply::AcceptUpTo(limit) => body.len() <= limit,
            _ => false,
        };
        let at = Instant::now();
        state.received.push(Received { at, path: path.clone(), headers: head.headers, body: body.clone(), accepted });
        reply
    };
    let status = match reply {
        Reply::Accept if path == VALIDATE => return Ok(answer(200, r#"{"valid":true}"#)),
        Reply::Accept => 202,
        Reply::AcceptUpTo(limit) => {
            if body.len() <= limit {
                202
            } else {
                413
            }
        }
        Reply::Status(status) => status,
        Reply::RetryAfter(seconds) => {
            let mut response = answer(429, "");
            response.headers_mut().insert("retry-after", seconds.into());
            return Ok(response);
        }
        Reply::Hang => match pending::<Infallible>().await {},
        Reply::Close => return Err(io::Error::other("closed on purpose")),
    };
    Ok(answer(status, &format!(r#"{{"errors":["the test says {status}"]}}"#)))
}

fn answer(status: u16, body: &str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}
