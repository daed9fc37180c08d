//! The way to a peer: straight, or through a proxy.
//!
//! What is opened here carries bytes to the peer, or to an HTTP proxy that wants to be asked for the whole URL; TLS with
//! the peer is not known here.

mod error;
mod socks;
mod stream;
mod tunnel;

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use hyper_rustls::{DefaultServerNameResolver, HttpsConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::credentials::basic_authorization;
use super::event::{Event, Observed, Whom};
use super::failure::{describe, find};
use super::name::{NameError, Resolver};
use super::overheard::tell_secured;
use super::tcp::Tcp;
use crate::config::{Proxy, ProxyProtocol};

pub(crate) use error::{Destination, ProxyError};
pub(crate) use stream::Stream;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Who wants to get somewhere, in whose words errors are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traveller {
    pub(crate) to: Destination,
    /// What an error of TLS with the proxy means.
    pub(crate) explain_tls: fn(&rustls::Error) -> String,
}

/// A way, for any number of connections.
#[derive(Clone)]
pub(crate) struct Way {
    traveller: Traveller,
    resolver: Resolver,
    tcp: Tcp,
    gate: Option<Gate>,
    observed: Observed,
}

/// A proxy, ready to be spoken to.
#[derive(Clone)]
pub(crate) struct Gate {
    proxy: Arc<Proxy>,
    speech: Speech,
}

#[derive(Clone)]
enum Speech {
    Http,
    /// HTTP inside of TLS.
    Https(Arc<ClientConfig>),
    Socks,
}

impl Gate {
    /// `tls` is asked for if it is needed for the handshake with the proxy itself; it offers HTTP/1.1 or nothing.
    pub(crate) fn new<E>(proxy: Arc<Proxy>, tls: impl FnOnce() -> Result<Arc<ClientConfig>, E>) -> Result<Self, E> {
        let speech = match proxy.protocol() {
            ProxyProtocol::Http => Speech::Http,
            ProxyProtocol::Https => Speech::Https(tls()?),
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5h => Speech::Socks,
        };
        Ok(Self { proxy, speech })
    }
}

impl Way {
    /// `tcp` makes the connections, to peers and to proxies; without a gate it is straight.
    pub(crate) fn new(traveller: Traveller, tcp: Tcp, gate: Option<Gate>, observed: Observed) -> Self {
        Self { traveller, resolver: Resolver::new(observed.clone()), tcp, gate, observed }
    }

    /// Connects to a proxy that speaks HTTP.
    async fn http_proxy(&self, proxy: &Arc<Proxy>, tls: Option<&Arc<ClientConfig>>) -> Result<Stream, ProxyError> {
        let (mut tcp, uri) = (self.tcp.clone(), uri_of(proxy)?);
        let Some(config) = tls else {
            return tcp.call(uri).await.map(Stream::new).map_err(|error| self.unreachable(proxy, &error));
        };
        let name = Arc::new(DefaultServerNameResolver::default());
        let mut https = HttpsConnector::new(tcp, Arc::clone(config), true, name);
        let connected = https.call(uri).await.map_err(|error| self.unreachable(proxy, error.as_ref()))?;
        tell_secured(&self.observed, Whom::Proxy, &connected);
        Ok(Stream::new(connected))
    }

    /// Connects to a proxy that speaks SOCKS.
    async fn socks_proxy(&self, proxy: &Arc<Proxy>) -> Result<TcpStream, ProxyError> {
        let connected = self.tcp.clone().call(uri_of(proxy)?).await;
        connected.map(TokioIo::into_inner).map_err(|error| self.unreachable(proxy, &error))
    }

    /// Why a proxy was not reached.
    fn unreachable(&self, proxy: &Arc<Proxy>, error: &(dyn Error + 'static)) -> ProxyError {
        let proxy = Arc::clone(proxy);
        if let Some(error) = find::<rustls::Error>(error) {
            return ProxyError::Tls { proxy, cause: (self.traveller.explain_tls)(error) };
        }
        if let Some(NameError(error)) = find::<NameError>(error) {
            return ProxyError::Unreachable { proxy, cause: format!("its name was not found: {error}") };
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => ProxyError::TimedOut { proxy },
            Some(io::ErrorKind::ConnectionRefused) => {
                ProxyError::Unreachable { proxy, cause: "it refused the connection".to_owned() }
            }
            _ => ProxyError::Unreachable { proxy, cause: describe(error) },
        }
    }
}

/// Where a proxy listens. SOCKS has no part in it: it is only connected to.
fn uri_of(proxy: &Arc<Proxy>) -> Result<Uri, ProxyError> {
    let scheme = if proxy.protocol() == ProxyProtocol::Https { "https" } else { "http" };
    let uri = Uri::builder().scheme(scheme).authority(proxy.authority()).path_and_query("/").build();
    uri.map_err(|error| ProxyError::Unreachable { proxy: Arc::clone(proxy), cause: error.to_string() })
}

impl Service<Uri> for Way {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// The error is a [`ProxyError`] where the proxy is to blame, and else that of the connection.
    fn call(&mut self, to: Uri) -> Self::Future {
        let way = self.clone();
        Box::pin(async move {
            let Some(Gate { proxy, speech }) = &way.gate else {
                return Ok(Stream::new(way.tcp.clone().call(to).await?));
            };
            let through = to.scheme_str() == Some("https");
            let host = to.host().unwrap_or_default();
            let port = to.port_u16().unwrap_or(if through { 443 } else { 80 });
            let stream = match speech {
                Speech::Socks => socks::open(&way, proxy, host, port).await?,
                Speech::Http | Speech::Https(_) => {
                    let tls = if let Speech::Https(config) = speech { Some(config) } else { None };
                    let stream = way.http_proxy(proxy, tls).await?;
                    if !through {
                        return Ok(stream.into_forwarder());
                    }
                    tunnel::open(stream, proxy, way.traveller, host, port).await?
                }
            };
            way.observed.tell(|| Event::Tunnelled);
            Ok(stream)
        })
    }
}

/// Whether a proxy is asked for an URL itself, and not for a connection to its host.
pub(crate) fn forwards(proxy: &Proxy, is_tls: bool) -> bool {
    !is_tls && !proxy.protocol().is_socks()
}

/// Adds the credentials of a proxy to what is sent to it.
pub(crate) fn authorize(headers: &mut HeaderMap, proxy: &Proxy) {
    if let Some(value) = authorization(proxy) {
        headers.insert(PROXY_AUTHORIZATION, value);
    }
}

fn authorization(proxy: &Proxy) -> Option<HeaderValue> {
    proxy.credentials().map(|it| basic_authorization(it.username.expose(), it.password.expose()))
}

/// Why a proxy that was reached gave no answer.
pub(crate) fn exchange_failure(proxy: &Arc<Proxy>, traveller: Traveller, error: &hyper::Error) -> ProxyError {
    let proxy = Arc::clone(proxy);
    match find::<rustls::Error>(error) {
        Some(error) => ProxyError::Tls { proxy, cause: (traveller.explain_tls)(error) },
        None => ProxyError::Answer { proxy, cause: describe(error) },
    }
}
