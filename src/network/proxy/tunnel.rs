//! A tunnel through an HTTP proxy: CONNECT, and from then on the bytes are those of the peer.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request};

use super::error::ProxyError;
use super::{Stream, Traveller, authorize, exchange_failure};
use crate::config::Proxy;

/// The head of an answer to CONNECT; it has little to say. Bytes.
const HEAD_LIMIT: usize = 64 << 10;

/// Has the proxy at the other end of the stream connect to the peer.
pub(super) async fn open(
    stream: Stream,
    proxy: &Arc<Proxy>,
    traveller: Traveller,
    host: &str,
    port: u16,
) -> Result<Stream, ProxyError> {
    let failed = |error: hyper::Error| exchange_failure(proxy, traveller, &error);
    let request =
        connect(proxy, host, port).map_err(|cause| ProxyError::Unreachable { proxy: Arc::clone(proxy), cause })?;
    let handshake = http1::Builder::new().title_case_headers(true).max_buf_size(HEAD_LIMIT).handshake(stream).await;
    let (mut sender, connection) = handshake.map_err(failed)?;
    let mut asking = pin!(async move {
        let response = sender.send_request(request).await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(ProxyError::Status { proxy: Arc::clone(proxy), to: traveller.to, status: response.status() });
        }
        hyper::upgrade::on(response).await.map_err(failed)
    });
    let mut connection = pin!(connection.with_upgrades());
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut asking => upgraded,
        // It has handed over what came before it ended.
        _ = &mut connection => asking.await,
    };
    upgraded.map(Stream::new)
}

fn connect(proxy: &Proxy, host: &str, port: u16) -> Result<Request<Empty<Bytes>>, String> {
    let target = format!("{host}:{port}");
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    request.headers_mut().insert(HOST, HeaderValue::from_str(&target).map_err(|error| error.to_string())?);
    *request.uri_mut() = target.parse().map_err(|error: hyper::http::uri::InvalidUri| error.to_string())?;
    authorize(request.headers_mut(), proxy);
    Ok(request)
}
