//! An intake that accepts everything and keeps nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Count;

/// The server of the intake; it ends with the process.
#[derive(Debug)]
pub(crate) struct Intake {
    address: SocketAddr,
    requests: Count,
    bytes: Count,
}

impl Intake {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let intake = Self { address: listener.local_addr()?, requests: Count::default(), bytes: Count::default() };
        let (requests, bytes) = (Count::clone(&intake.requests), Count::clone(&intake.bytes));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, bytes) = (Count::clone(&requests), Count::clone(&bytes));
                let service = service_fn(move |request| accept(request, Count::clone(&requests), Count::clone(&bytes)));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // The client may close it.
                tokio::spawn(async { drop(connection.await) });
            }
        });
        Ok(intake)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Payloads and their bytes, compressed.
    pub(crate) fn taken(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

async fn accept(request: Request<Incoming>, requests: Count, bytes: Count) -> io::Result<Response<Full<Bytes>>> {
    // All but payloads is the question whether the key is valid.
    let (status, answer) = if request.method() == Method::GET { (200, "{\"valid\":true}") } else { (202, "{}") };
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        bytes.fetch_add(frame.data_ref().map_or(0, |data| data.len() as u64), Ordering::Relaxed);
    }
    requests.fetch_add(1, Ordering::Relaxed);
    Response::builder().status(status).body(Full::new(Bytes::from(answer))).map_err(io::Error::other)
}
