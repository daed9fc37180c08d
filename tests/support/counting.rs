//! Targets on the loopback interface that count how often they are scraped, and expose that count.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on which each path is a target of its own: the counter `hits_total` says how often it was asked, this time
/// included. Answers under `/slow` take a while.
#[derive(Debug)]
pub(crate) struct Counting {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    hits: HashMap<String, u64>,
    connections: usize,
    /// Requests that are being answered, and the most at one time.
    slow: (usize, usize),
    tokens: Vec<String>,
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Counting {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    state.lock().unwrap().connections += 1;
                    tokio::spawn(serve(stream, Arc::clone(&state)));
                }
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often a path was asked for.
    pub(crate) fn hits(&self, path: &str) -> u64 {
        self.state.lock().unwrap().hits.get(path).copied().unwrap_or_default()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// How many requests under `/slow` are being answered, and the most at one time so far.
    pub(crate) fn slow(&self) -> (usize, usize) {
        self.state.lock().unwrap().slow
    }

    /// The headers `x-token` of all requests that had one.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.state.lock().unwrap().tokens.clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(Response::new(Full::new(respond(&request, &state).await))) }
    });
    // A connection that the client closes is no concern of the test.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: &Request<Incoming>, state: &Mutex<State>) -> Bytes {
    let path = request.uri().path();
    let hits = {
        let mut state = state.lock().unwrap();
        let token = request.headers().get("x-token").map(|value| value.to_str().unwrap().to_owned());
        state.tokens.extend(token);
        let hits = state.hits.entry(path.to_owned()).or_default();
        *hits += 1;
        *hits
    };
    if path.starts_with("/slow") {
        {
            let slow = &mut state.lock().unwrap().slow;
            slow.0 += 1;
            slow.1 = slow.1.max(slow.0);
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        state.lock().unwrap().slow.0 -= 1;
    }
    let mut body = format!("# TYPE hits counter\nhits_total {hits}\n");
    body.push_str("# TYPE load gauge\nload{cpu=\"0\"} 1\nload{cpu=\"1\"} 2\n");
    body.into()
}

/// One request: status and body.
pub(crate) async fn ask(address: SocketAddr, method: Method, path: &str) -> (u16, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
