//! The server of all targets, each at a path of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::target::Target;

/// The targets; their server ends with the process.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) address: SocketAddr,
    all: Arc<Vec<Mutex<Target>>>,
    starts: Arc<AtomicUsize>,
}

impl Targets {
    pub(super) async fn start(count: usize, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let now = seconds();
        let all = Arc::new((0..count).map(|number| Mutex::new(Target::new(number, seed, now))).collect::<Vec<_>>());
        let starts = Arc::<AtomicUsize>::default();
        let targets = Self { address: listener.local_addr()?, all: Arc::clone(&all), starts: Arc::clone(&starts) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, starts) = (Arc::clone(&all), Arc::clone(&starts));
                let service = service_fn(move |request: Request<Incoming>| {
                    let response = respond(request.uri().path(), &all, starts.load(Ordering::Relaxed));
                    async { response }
                });
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // The client may be killed.
                tokio::spawn(async { drop(connection.await) });
            }
        });
        Ok(targets)
    }

    /// The program is about to be started again.
    pub(super) fn another_start(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }

    /// All targets in their order.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Target>> {
        self.all.iter().map(|target| target.lock().expect("exposing does not panic"))
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

fn respond(path: &str, all: &[Mutex<Target>], start: usize) -> io::Result<Response<Full<Bytes>>> {
    let number = path.trim_start_matches('/').parse::<usize>().unwrap_or(usize::MAX);
    let Some(target) = all.get(number) else {
        return Response::builder().status(404).body(Full::default()).map_err(io::Error::other);
    };
    let text = target.lock().expect("exposing does not panic").expose(seconds(), start);
    let content_type = if Target::is_openmetrics(number) {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    let response = Response::builder().header("content-type", content_type);
    response.body(Full::new(text.into())).map_err(io::Error::other)
}

/// Since the epoch.
fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
