//! Delivery over TLS: an unknown certificate is refused, unless it is not to be looked at.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use retriever::config::{ApiSettings, Intake, IntakeProxy, Secret, TlsVersion};
use retriever::submit::{KeyCheck, validate_key};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

/// Answers one request, if the client trusts it so far.
fn serve(listener: &TcpListener, tls: Arc<ServerConfig>) -> std::io::Result<String> {
    let (mut socket, _) = listener.accept()?;
    let mut connection = ServerConnection::new(tls).map_err(std::io::Error::other)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"valid\":true}")?;
    stream.flush()?;
    String::from_utf8(request).map_err(std::io::Error::other)
}

async fn attempt(skip_ssl_validation: bool) -> (KeyCheck, std::io::Result<String>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = thread::spawn(move || serve(&listener, Arc::new(tls)));
    let settings = ApiSettings {
        main: Intake { url, api_key: Secret::new("key"), proxy: IntakeProxy::default() },
        additional: Vec::new(),
        skip_ssl_validation,
        min_tls_version: TlsVersion::Tls12,
        timeout: Duration::from_secs(10),
        queue_bytes: 0,
    };
    let check = match validate_key(&settings).await {
        Ok(check) => check,
        // Where the system has no certificates at all, nothing can be verified, and nothing is sent.
        Err(error) => return (KeyCheck::Unreachable(error.to_string()), Err(std::io::Error::other(error))),
    };
    (check, server.join().unwrap())
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let (check, request) = attempt(false).await;
    let KeyCheck::Unreachable(message) = check else { panic!("{check:?}") };
    assert!(message.to_lowercase().contains("certificate"), "{message}");
    assert!(request.is_err(), "the key was not sent");
}

#[tokio::test]
async fn an_unknown_certificate_is_accepted_when_it_is_not_looked_at() {
    let (check, request) = attempt(true).await;
    assert_eq!(check, KeyCheck::Valid);
    assert!(request.unwrap().starts_with("GET /api/v1/validate HTTP/1.1\r\n"));
}
