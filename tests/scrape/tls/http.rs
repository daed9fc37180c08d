//! HTTP over TLS: versions of HTTP, redirects.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use retriever::config::{BasicAuth, Secret, TlsSettings};

use super::{Terminator, authority, identity, trusting, with_tls, write};
use crate::server::{Server, redirect, response};
use crate::{assert_failure, failure, scrape};

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
