//! TLS, with certificates made for the occasion.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use retriever::config::{BasicAuth, HttpSettings, Secret, TlsSettings};
use retriever::scrape::Client;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Server, redirect, response};
use crate::{assert_failure, failure, patient, scrape};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

struct Identity {
    cert: rcgen::Certificate,
    key: KeyPair,
}

fn identity(issuer: &Issuer, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    Identity { cert: params.signed_by(&key, issuer).unwrap(), key }
}

/// How a server deals with TLS before it hands the bytes to a plain one.
struct Terminator {
    identity: Identity,
    client_ca: Option<Vec<u8>>,
    alpn: Vec<Vec<u8>>,
}

impl Terminator {
    fn new(identity: Identity) -> Self {
        Self { identity, client_ca: None, alpn: Vec::new() }
    }

    /// Listens, and forwards what is decrypted to `plain`.
    fn start(self, plain: SocketAddr) -> SocketAddr {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = match self.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.into()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.identity.key.serialize_der()));
        let mut config = builder.with_single_cert(vec![self.identity.cert.der().clone()], key).unwrap();
        config.alpn_protocols = self.alpn;
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let tls = StreamOwned::new(connection, stream.unwrap());
                std::thread::spawn(move || drop(pump(tls, TcpStream::connect(plain).unwrap())));
            }
        });
        address
    }
}

/// Carries bytes both ways until one side is done.
fn pump(mut tls: StreamOwned<ServerConnection, TcpStream>, mut plain: TcpStream) -> std::io::Result<()> {
    let pause = Some(Duration::from_millis(1));
    tls.sock.set_read_timeout(pause)?;
    plain.set_read_timeout(pause)?;
    let mut buffer = [0; 16 << 10];
    loop {
        match tls.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => plain.write_all(&buffer[..length])?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        match plain.read(&mut buffer) {
            Ok(0) => {
                tls.conn.send_close_notify();
                return tls.flush();
            }
            Ok(length) => {
                tls.write_all(&buffer[..length])?;
                tls.flush()?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn with_tls(tls: TlsSettings) -> HttpSettings {
    HttpSettings { tls, ..patient() }
}

fn trusting(ca_cert: &Path) -> HttpSettings {
    with_tls(TlsSettings { ca_cert: Some(ca_cert.to_owned()), ..TlsSettings::default() })
}

/// A server behind TLS that exposes one sample, and a directory with the CA certificate in `ca.pem`.
async fn tls_server(change: impl FnOnce(&mut Terminator, &Issuer)) -> (String, tempfile::TempDir, Issuer) {
    let issuer = authority();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "ca.pem", &issuer.pem());
    let plain = Server::with(response("", "up 1\n")).await;
    let mut terminator = Terminator::new(identity(&issuer, "localhost", |_| {}));
    change(&mut terminator, &issuer);
    let address = terminator.start(plain.address);
    (format!("https://localhost:{}/metrics", address.port()), directory, issuer)
}

#[tokio::test]
async fn trusts_a_file_or_a_directory_or_anyone() {
    let (url, directory, _) = tls_server(|_, _| {}).await;
    let (answer, body) = scrape(&trusting(&directory.path().join("ca.pem")), &url).await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", url.as_str()));
    write(directory.path(), "readme.txt", "no certificate");
    assert_eq!(scrape(&trusting(directory.path()), &url).await.unwrap().1, "up 1\n");
    let anyone = with_tls(TlsSettings { verify: false, ..TlsSettings::default() });
    assert_eq!(scrape(&anyone, &url).await.unwrap().1, "up 1\n");
    assert_eq!(scrape(&anyone, &url.replace("localhost", "127.0.0.1")).await.unwrap().1, "up 1\n");
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let (url, _directory, _) = tls_server(|_, _| {}).await;
    let other = tempfile::tempdir().unwrap();
    let ca = write(other.path(), "ca.pem", &authority().pem());
    assert_failure(&failure(&trusting(&ca), &url).await, "tls", "set `tls_ca_cert`", true);
    // With a CA it is verified even if verification is off.
    let mut settings = trusting(&ca);
    settings.tls.verify = false;
    assert_failure(&failure(&settings, &url).await, "tls", "set `tls_ca_cert`", true);
    // And the system does not know it, or knows nobody.
    assert_failure(&failure(&with_tls(TlsSettings::default()), &url).await, "tls", "`tls_ca_cert`", true);
}

#[tokio::test]
async fn names_what_is_wrong_with_a_certificate() {
    let (url, directory, _) = tls_server(|terminator, issuer| {
        terminator.identity = identity(issuer, "localhost", |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        });
    })
    .await;
    let settings = trusting(&directory.path().join("ca.pem"));
    assert_failure(&failure(&settings, &url).await, "tls", "has expired", true);

    let (url, directory, _) =
        tls_server(|terminator, issuer| terminator.identity = identity(issuer, "other.example", |_| {})).await;
    let settings = trusting(&directory.path().join("ca.pem"));
    assert_failure(&failure(&settings, &url).await, "tls", "is not for `localhost`", true);
}

#[tokio::test]
async fn plain_http_at_an_https_url_is_recognised() {
    let server = Server::with("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    // The client hello has no line end at which the server would answer, so this one speaks first.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 4096]);
    });
    let settings = with_tls(TlsSettings { verify: false, ..TlsSettings::default() });
    let error = failure(&settings, &format!("https://{address}/")).await;
    assert_failure(&error, "tls", "should the URL begin with `http://`", true);
    drop(server);
}

#[tokio::test]
async fn shows_a_client_certificate() {
    let (url, directory, issuer) =
        tls_server(|terminator, issuer| terminator.client_ca = Some(issuer.der().to_vec())).await;
    let directory = directory.path();
    let settings = trusting(&directory.join("ca.pem"));
    assert_failure(&failure(&settings, &url).await, "tls", "`tls_cert`", true);

    let own =
        identity(&issuer, "client", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let cert = write(directory, "cert.pem", &own.cert.pem());
    let key = write(directory, "key.pem", &own.key.serialize_pem());
    let both = write(directory, "both.pem", &format!("{}{}", own.cert.pem(), own.key.serialize_pem()));
    let mut settings = settings;
    settings.tls.cert = Some(cert);
    settings.tls.private_key = Some(key);
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    settings.tls.cert = Some(both);
    settings.tls.private_key = None;
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
}

#[tokio::test]
async fn speaks_http_2_where_the_server_does() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                let line = format!("{:?} {}\n", request.version(), request.uri());
                let mut response = hyper::Response::new(Full::new(Bytes::from(line)));
                *response.status_mut() = hyper::StatusCode::NOT_FOUND;
                Ok::<_, std::convert::Infallible>(response)
            });
            let io = TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
        }
    });
    let issuer = authority();
    let directory = tempfile::tempdir().unwrap();
    let ca = write(directory.path(), "ca.pem", &issuer.pem());
    let terminator =
        Terminator { alpn: vec![b"h2".to_vec()], ..Terminator::new(identity(&issuer, "localhost", |_| {})) };
    let url = format!("https://localhost:{}/metrics", terminator.start(plain).port());
    let client = crate::client(&trusting(&ca));
    for _ in 0..3 {
        let mut answer = client.fetch(&crate::endpoint(&url)).await.unwrap();
        let body = crate::read(&mut answer.body).await.unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), format!("HTTP/2.0 {url}\n"));
        assert_eq!((answer.head.status, answer.head.reason.as_str()), (404, "Not Found"));
    }
}

#[tokio::test]
async fn does_not_leave_https_with_credentials() {
    let plain = Server::with(response("", "up 1\n")).await;
    let redirecting = Server::with(redirect(302, &plain.url("/"))).await;
    let issuer = authority();
    let address = Terminator::new(identity(&issuer, "localhost", |_| {})).start(redirecting.address);
    let url = format!("https://localhost:{}/", address.port());
    let mut settings = with_tls(TlsSettings { verify: false, ..TlsSettings::default() });
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    assert_failure(
        &failure(&settings, &url.replace("//", "//user:hunter2@")).await,
        "redirect",
        "leaves HTTPS although credentials",
        false,
    );
    settings.auth = BasicAuth { username: Secret::new("u"), password: Secret::new("hunter2"), latin1: true }.into();
    assert_failure(&failure(&settings, &url).await, "redirect", "leaves HTTPS although credentials", false);
    assert_eq!(plain.requests().len(), 1);
}

#[test]
fn names_the_file_that_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (one, other) = (identity(&authority(), "a", |_| {}), KeyPair::generate().unwrap());
    let cert = write(directory, "cert.pem", &one.cert.pem());
    let wrong_key = write(directory, "wrong.pem", &other.serialize_pem());
    let text = write(directory, "text.pem", "hello");
    let broken = write(directory, "broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let encrypted = write(
        directory,
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = directory.join("empty");
    std::fs::create_dir(&empty).unwrap();
    let missing = directory.join("missing.pem");
    let message = |ca_cert: Option<&Path>, cert: Option<&Path>, key: Option<&Path>| {
        let own = |path: Option<&Path>| path.map(Path::to_owned);
        let tls = TlsSettings { verify: true, ca_cert: own(ca_cert), cert: own(cert), private_key: own(key) };
        Client::new(&with_tls(tls), "x").err().expect("should fail").to_string()
    };
    for (message, path, part) in [
        (message(Some(&missing), None, None), &missing, "cannot be read"),
        (message(Some(&text), None, None), &text, "has no certificate in PEM form"),
        (message(Some(&broken), None, None), &broken, "not valid PEM"),
        (message(Some(&empty), None, None), &empty, "directory without certificates"),
        (message(None, Some(&missing), None), &missing, "`tls_cert`"),
        (message(None, Some(&cert), None), &cert, "no private key"),
        (message(None, Some(&cert), Some(&missing)), &missing, "`tls_private_key`"),
        (message(None, Some(&cert), Some(&wrong_key)), &wrong_key, "does not fit"),
        (message(None, Some(&cert), Some(&encrypted)), &encrypted, "encrypted key"),
    ] {
        assert!(message.contains(&path.display().to_string()) && message.contains(part), "{message}");
    }
    assert!(message(None, None, Some(&cert)).contains("without `tls_cert`"));
}
