//! Making connections, and one request at a time over each of them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{
    DefaultServerNameResolver, FixedServerNameResolver, HttpsConnector, MaybeHttpsStream, ResolveServerName,
};
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::UnixStream;
use tower_service::Service;

use super::driver::{Beside, Driver};
use super::error::{ClientError, Kind};
use super::failure::{connect_failure, describe, request_failure};
use super::proxy::{Ways, exchange_failure, forwards};
use super::tls::{HttpVersions, Materials};
use crate::config::{HttpSettings, Proxy};
use crate::discover::{Location, Origin};
use crate::network::{BoxError, Event, Observed, ProxyError, Stream, Tcp, Whom, authorize, tell_secured};

/// How connections are made: TCP, proxy or unix socket, TLS, HTTP/1.1 or HTTP/2.
pub(super) struct Connector {
    ways: Ways,
    versions: HttpVersions,
    timeout: Duration,
    header_bytes: usize,
    observed: Observed,
}

impl Connector {
    pub(super) fn new(
        settings: &HttpSettings,
        versions: HttpVersions,
        observed: &Observed,
    ) -> Result<Self, ClientError> {
        // Divided among the addresses of a name, so that a dead one leaves time for the next.
        let tcp = Tcp::new(observed.clone(), |tcp| tcp.set_connect_timeout(Some(settings.connect_timeout)));
        Ok(Self {
            ways: Ways::new(settings, tcp, observed.clone())?,
            versions,
            timeout: settings.connect_timeout,
            header_bytes: settings.limits.header_bytes,
            observed: observed.clone(),
        })
    }

    /// The proxy through which a location is reached.
    pub(super) fn proxy(&self, location: &Location) -> Option<&Arc<Proxy>> {
        self.ways.proxy(location)
    }

    /// Connects, through a proxy if there is one, and shakes hands; the caller limits the time. A target with TLS must
    /// prove to be `server_name`, or else the host of the location.
    pub(super) async fn connect(
        &self,
        location: &Location,
        proxy: Option<&Arc<Proxy>>,
        tls: &Materials,
        server_name: Option<&ServerName<'static>>,
    ) -> Result<Connection, Kind> {
        let way = |proxy| self.ways.through(proxy, &tls.proxy);
        let failed = |error: BoxError| match error.downcast::<ProxyError>() {
            Ok(error) => Kind::of_proxy(*error, self.timeout),
            Err(error) => connect_failure(error.as_ref(), location, &tls.target, self.timeout),
        };
        match location.origin() {
            Origin::Unix(path) => {
                let stream = unix(path).await?;
                self.observed.tell(|| Event::SocketConnected);
                self.http1(TokioIo::new(stream)).await
            }
            Origin::Tcp { tls: false, .. } => {
                let stream = way(proxy)?.call(absolute(location)?).await.map_err(failed)?;
                let mut connection = self.http1(stream).await?;
                connection.forwarder = proxy.filter(|proxy| forwards(proxy, location)).cloned();
                Ok(connection)
            }
            Origin::Tcp { tls: true, .. } => {
                let name: Arc<dyn ResolveServerName + Send + Sync> = match server_name {
                    Some(name) => Arc::new(FixedServerNameResolver::new(name.clone())),
                    None => Arc::new(DefaultServerNameResolver::default()),
                };
                let config = tls.target.config(self.versions, &self.observed, Whom::Target)?;
                let mut https = HttpsConnector::new(way(proxy)?, config, true, name);
                let stream: MaybeHttpsStream<Stream> = https.call(absolute(location)?).await.map_err(failed)?;
                tell_secured(&self.observed, Whom::Target, &stream);
                let certificate = certificate(&stream);
                let mut connection = if stream.connected().is_negotiated_h2() {
                    self.http2(stream).await?
                } else {
                    self.http1(stream).await?
                };
                connection.certificate = certificate;
                Ok(connection)
            }
        }
    }

    /// The error of a connection that takes too long.
    pub(super) fn late(proxy: Option<&Arc<Proxy>>) -> impl FnOnce(Duration) -> Kind {
        let proxy = proxy.cloned();
        |limit| match proxy {
            Some(proxy) => Kind::ProxyTimeout { proxy, limit },
            None => Kind::ConnectTimeout(limit),
        }
    }

    /// Why a request over a connection failed.
    pub(super) fn failure(
        &self,
        location: &Location,
        proxy: Option<&Arc<Proxy>>,
        tls: &Materials,
        error: &hyper::Error,
    ) -> Kind {
        match proxy.filter(|proxy| forwards(proxy, location)) {
            // It was the proxy that was asked.
            Some(proxy) if !error.is_parse_too_large() => exchange_failure(proxy, error),
            _ => request_failure(error, &tls.target, self.header_bytes),
        }
    }

    async fn http1<T: Read + Write + Unpin + Send + 'static>(&self, stream: T) -> Result<Connection, Kind> {
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .max_header_size(self.header_bytes)
            .max_buf_size(self.header_bytes.max(READ_BUFFER))
            .handshake(stream)
            .await
            .map_err(|error| Kind::Connect(describe(&error)))?;
        Ok(Connection::new(Sender::Http1(sender), Driver::new(connection, Beside::default())))
    }

    async fn http2<T: Read + Write + Unpin + Send + 'static>(&self, stream: T) -> Result<Connection, Kind> {
        let beside = Beside::default();
        let (sender, connection) = http2::Builder::new(beside.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(HTTP2_WINDOW)
            .initial_connection_window_size(HTTP2_WINDOW)
            .max_header_list_size(u32::try_from(self.header_bytes).unwrap_or(u32::MAX))
            .handshake(stream)
            .await
            .map_err(|error| Kind::Connect(describe(&error)))?;
        Ok(Connection::new(Sender::Http2(sender), Driver::new(connection, beside)))
    }
}

fn certificate(stream: &MaybeHttpsStream<Stream>) -> Option<CertificateDer<'static>> {
    match stream {
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().1.peer_certificates()?.first().cloned(),
        MaybeHttpsStream::Http(_) => None,
    }
}

/// What is read from a connection at once. Bytes.
const READ_BUFFER: usize = 64 << 10;

/// What an HTTP/2 peer may send before it is read. Bytes.
const HTTP2_WINDOW: u32 = 1 << 20;

/// A connection that carries one request at a time.
pub(super) struct Connection {
    sender: Sender,
    driver: Driver,
    /// The proxy at its other end, if that has to be asked for whole URLs.
    forwarder: Option<Arc<Proxy>>,
    /// Of the target, where there is TLS.
    certificate: Option<CertificateDer<'static>>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    fn new(sender: Sender, driver: Driver) -> Self {
        Self { sender, driver, forwarder: None, certificate: None }
    }

    /// Waits until the connection takes a request; fails if it was closed meanwhile.
    pub(super) async fn ready(&mut self) -> hyper::Result<()> {
        match &mut self.sender {
            Sender::Http1(sender) => self.driver.during(sender.ready()).await,
            Sender::Http2(sender) => self.driver.during(sender.ready()).await,
        }
    }

    /// The certificate of the peer (DER), where there is TLS.
    pub(super) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Sends a GET and waits for the head of the response.
    pub(super) async fn get(
        &mut self,
        location: &Location,
        headers: HeaderMap,
    ) -> Result<hyper::Result<Response<Incoming>>, Kind> {
        self.send(Method::GET, location, headers, Bytes::new()).await
    }

    /// Sends any request and waits for the head of the response.
    pub(super) async fn send(
        &mut self,
        method: Method,
        location: &Location,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<hyper::Result<Response<Incoming>>, Kind> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                if !headers.contains_key(HOST) {
                    headers.insert(HOST, HeaderValue::from_str(&location.host_and_port()).map_err(|_| not_sendable())?);
                }
                let uri = match &self.forwarder {
                    Some(proxy) => {
                        authorize(&mut headers, proxy);
                        absolute(location)?
                    }
                    None => location.path_and_query().parse().map_err(|_| not_sendable())?,
                };
                Ok(self.driver.during(sender.send_request(request(method, uri, headers, body))).await)
            }
            Sender::Http2(sender) => {
                let request = request(method, absolute(location)?, headers, body);
                let response = self.driver.during(sender.send_request(request)).await;
                // A request that was not sent for the end of the connection does not say why that came.
                Ok(response
                    .map_err(|error| if error.is_canceled() { self.driver.failure().unwrap_or(error) } else { error }))
            }
        }
    }

    /// The next part of the body of a response.
    pub(super) async fn frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<Frame<Bytes>>> {
        self.driver.during(body.frame()).await
    }

    /// Nothing is asked for until the connection is [ready](Self::ready) again.
    pub(super) fn rest(&mut self) {
        self.driver.rest();
    }

    /// Ends the connection in good order.
    pub(super) fn close(self) {
        self.driver.finish();
    }
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

fn absolute(location: &Location) -> Result<Uri, Kind> {
    let scheme = if location.is_tls() { "https" } else { "http" };
    let authority = location.host_and_port();
    let parts = Uri::builder().scheme(scheme).authority(authority).path_and_query(location.path_and_query());
    parts.build().map_err(|_| not_sendable())
}

/// A location is always quoted so that this does not happen.
fn not_sendable() -> Kind {
    Kind::Connect("the URL cannot be sent; check its host and path".to_owned())
}

async fn unix(path: &Path) -> Result<UnixStream, Kind> {
    UnixStream::connect(path).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Kind::NoSocket,
        io::ErrorKind::ConnectionRefused => Kind::Refused,
        _ => Kind::Connect(error.to_string()),
    })
}
