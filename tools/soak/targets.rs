//! All targets: one server, with a path for each of them.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::exposition::Exposition;

/// The server of the targets; it ends with the process.
#[derive(Debug)]
pub(crate) struct Targets {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    start: Instant,
    exposition: Exposition,
    /// How many requests came in each second since the start.
    begun: Mutex<Vec<u32>>,
}

impl Targets {
    pub(crate) async fn start(series: usize) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let exposition = Exposition::new(series);
        let state = Arc::new(State { start: Instant::now(), exposition, begun: Mutex::default() });
        tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many scrapes began in each whole second after the first `warm_up` seconds.
    pub(crate) fn begun(&self, warm_up: u64) -> Vec<u32> {
        let begun = self.state.begun.lock().expect("counting does not panic");
        let whole = begun.len().saturating_sub(1);
        begun[..whole].iter().skip(warm_up as usize).copied().collect()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        // Too many open files, most likely: those that are there go on.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(serve(stream, Arc::clone(&state)));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request: Request<Incoming>| respond(request, Arc::clone(&state)));
    // The client may close it.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, state: Arc<State>) -> io::Result<Response<Full<Bytes>>> {
    let second = state.start.elapsed().as_secs();
    {
        let mut begun = state.begun.lock().expect("counting does not panic");
        if begun.len() <= second as usize {
            begun.resize(second as usize + 1, 0);
        }
        begun[second as usize] += 1;
    }
    if request.uri().path().starts_with("/hang/") {
        pending::<()>().await;
    }
    let response = Response::builder().header("content-type", "text/plain; version=0.0.4");
    response.body(Full::new(state.exposition.at(second))).map_err(io::Error::other)
}
