//! A server that is as hostile as a test says, until it is told to behave.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What an honest target exposes.
pub(super) const GOOD: &str = "# TYPE good gauge\ngood 1\n";

/// One thing that a hostile server does with a connection; after the last it closes it.
#[derive(Clone)]
pub(super) enum Step {
    /// Waits for the head of a request.
    Hear,
    /// Waits for this many bytes, whatever they are.
    Take(usize),
    Say(Vec<u8>),
    Pause(Duration),
    /// Says the same again and again, with a pause, until the client has had enough.
    Drone(Vec<u8>, Duration),
    Hang,
    /// Resets the connection; inside of TLS, ends it without saying so.
    Cut,
}

/// Under what the steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    Tcp,
    /// TLS that offers this protocol.
    Tls(&'static str),
    /// TCP where TLS is expected.
    BeforeTls,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    good: Arc<AtomicBool>,
}

impl Server {
    /// Listens from now on; the steps are those of each connection.
    pub(super) fn start(under: Under, steps: Vec<Step>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let good = Arc::new(AtomicBool::new(false));
        let (behaves, steps) = (Arc::clone(&good), Arc::new(steps));
        tokio::spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (behaves, steps) = (behaves.load(Ordering::SeqCst), Arc::clone(&steps));
                // That the client goes away is no failure of the test.
                tokio::spawn(async move {
                    match (behaves, under) {
                        (true, Under::Tcp) => behave(stream).await,
                        (true, Under::Tls("h2")) => behave_under_tls(stream, "h2").await,
                        (true, Under::Tls(_) | Under::BeforeTls) => behave_under_tls(stream, "http/1.1").await,
                        (false, Under::Tcp | Under::BeforeTls) => harm(stream, &steps).await,
                        (false, Under::Tls(protocol)) => harm_under_tls(stream, protocol, &steps).await,
                    }
                });
            }
        });
        Self { address, good }
    }

    /// Every connection from now on is served as it should be.
    pub(super) fn reform(&self) {
        self.good.store(true, Ordering::SeqCst);
    }
}

/// An address at which nobody listens, and nobody else can as long as this is kept.
pub(super) struct Nobody {
    pub(super) address: SocketAddr,
    _socket: TcpSocket,
}

impl Nobody {
    pub(super) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }
}

// --- Misbehaving ------------------------------------------------------------------------------------------------------

async fn harm(mut stream: TcpStream, steps: &[Step]) -> io::Result<()> {
    if take(&mut stream, steps).await? == End::Cut {
        stream.set_zero_linger()?;
    }
    Ok(())
}

async fn harm_under_tls(stream: TcpStream, protocol: &'static str, steps: &[Step]) -> io::Result<()> {
    let mut stream = accept(stream, protocol).await?;
    match take(&mut stream, steps).await? {
        // Without the alert that says that this is the end.
        End::Cut => stream.get_mut().0.shutdown().await,
        End::Close => stream.shutdown().await,
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Close,
    Cut,
}

async fn take(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), steps: &[Step]) -> io::Result<End> {
    for step in steps {
        match step {
            Step::Hear => drop(head(stream).await?),
            Step::Take(bytes) => drop(stream.read_exact(&mut vec![0; *bytes]).await?),
            Step::Say(bytes) => say(stream, bytes).await?,
            Step::Drone(bytes, pause) => loop {
                say(stream, bytes).await?;
                tokio::time::sleep(*pause).await;
            },
            Step::Pause(pause) => tokio::time::sleep(*pause).await,
            Step::Hang => std::future::pending().await,
            Step::Cut => return Ok(End::Cut),
        }
    }
    Ok(End::Close)
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// The head of a request.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

// --- Behaving ---------------------------------------------------------------------------------------------------------

/// A target, and a proxy that leads to it wherever it is asked to go.
async fn behave(mut stream: TcpStream) -> io::Result<()> {
    loop {
        if head(&mut stream).await?.starts_with("CONNECT") {
            say(&mut stream, b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            return behave_under_tls(stream, "http/1.1").await;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len());
        say(&mut stream, answer.as_bytes()).await?;
    }
}

async fn behave_under_tls(stream: TcpStream, protocol: &'static str) -> io::Result<()> {
    let stream = accept(stream, protocol).await?;
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(|_| async { Ok::<_, io::Error>(hyper::Response::new(Full::new(Bytes::from(GOOD)))) });
    let stream = TokioIo::new(stream);
    let served = if is_h2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await
    };
    served.map_err(io::Error::other)
}

async fn accept(stream: TcpStream, protocol: &str) -> io::Result<TlsStream<TcpStream>> {
    static IDENTITY: LazyLock<(CertificateDer<'static>, Vec<u8>)> = LazyLock::new(|| {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.der().clone(), made.signing_key.serialize_der())
    });
    let (certificate, key) = &*IDENTITY;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate.clone()], key).unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    TlsAcceptor::from(Arc::new(config)).accept(stream).await
}
