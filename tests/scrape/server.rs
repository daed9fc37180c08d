//! A server that does to each request exactly what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

/// What is done with a connection after a request came. After the last step the next request is read.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Sends again and again, with a pause, until the client has had enough.
    Repeat(Vec<u8>, Duration),
    Hang,
    Close,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, connection, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self { address, requests }
    }

    /// Answers every request with the same bytes.
    pub(crate) async fn with(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |_| vec![Step::Send(response.clone())]).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(_, head)| head.clone()).collect()
    }

    /// For each request the number of its connection.
    pub(crate) fn connections(&self) -> Vec<usize> {
        self.requests.lock().unwrap().iter().map(|(connection, _)| *connection).collect()
    }
}

/// The same at a unix socket; gives the request heads that come.
pub(crate) fn unix(path: &std::path::Path, response: &'static str) -> Arc<Mutex<Vec<(usize, String)>>> {
    let listener = UnixListener::bind(path).unwrap();
    let requests = Arc::default();
    let log = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::new(|_: &str| vec![Step::Send(response.as_bytes().to_vec())]);
            tokio::spawn(serve(stream, 0, Arc::clone(&log), answer));
        }
    });
    requests
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    log: Arc<Mutex<Vec<(usize, String)>>>,
    answer: Arc<impl Fn(&str) -> Vec<Step>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        log.lock().unwrap().push((connection, request.clone()));
        for step in answer(&request) {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Repeat(bytes, pause) => {
                    while stream.write_all(&bytes).await.is_ok() {
                        tokio::time::sleep(pause).await;
                    }
                    return;
                }
                Step::Hang => std::future::pending().await,
                Step::Close => return,
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A response with these header lines, each with its line end, and this body.
pub(crate) fn response(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A redirect to there.
pub(crate) fn redirect(status: u16, location: &str) -> Vec<u8> {
    let body = "<a href=\"there\">moved</a>";
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}
