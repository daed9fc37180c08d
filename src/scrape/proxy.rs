//! The way to a target: straight, or through the proxy that the settings choose for it.
//!
//! What is opened here carries bytes to the target, or to an HTTP proxy that wants to be asked for the whole URL; TLS
//! with the target is not known here.

mod socks;
mod stream;
mod tunnel;

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use hyper_rustls::{DefaultServerNameResolver, HttpsConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::auth::basic_authorization;
use super::error::{ClientError, ClientProblem, Kind};
use super::failure::{describe, find};
use super::tls::{HttpVersions, Material, Side, tls_problem};
use crate::config::{HttpSettings, Proxy, ProxyProtocol, ProxySettings};
use crate::discover::{Location, Origin};
use crate::network::{Event, NameError, Observed, Resolver, Tcp, Whom, tell_secured};

pub(super) use stream::Stream;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The ways of one client.
#[derive(Clone)]
pub(super) struct Ways {
    settings: Arc<ProxySettings>,
    resolver: Resolver,
    tcp: Tcp,
    timeout: Duration,
    observed: Observed,
}

/// One of them, for one connection.
pub(super) struct Way {
    ways: Ways,
    proxy: Option<Arc<Proxy>>,
    /// For a proxy with TLS.
    tls: Arc<Material>,
}

impl Ways {
    /// `tcp` makes the connections, to targets and to proxies.
    pub(super) fn new(
        settings: &HttpSettings,
        resolver: Resolver,
        tcp: Tcp,
        observed: Observed,
    ) -> Result<Self, ClientError> {
        if let Some(fault) = settings.proxy.fault() {
            return Err(ClientProblem::Proxy(fault.to_owned()).into());
        }
        let timeout = settings.connect_timeout;
        Ok(Self { settings: Arc::new(settings.proxy.clone()), resolver, tcp, timeout, observed })
    }

    /// The proxy that leads to a location; a unix socket never has one.
    pub(super) fn proxy(&self, location: &Location) -> Option<&Arc<Proxy>> {
        match location.origin() {
            Origin::Unix(_) => None,
            Origin::Tcp { tls, host, port } => self.settings.choose(*tls, host, *port),
        }
    }

    /// The way through this proxy, or straight.
    pub(super) fn through(&self, proxy: Option<Arc<Proxy>>, tls: &Arc<Material>) -> Way {
        Way { ways: self.clone(), proxy, tls: Arc::clone(tls) }
    }

    /// Connects to a proxy that speaks HTTP, inside of TLS where its URL says so.
    async fn http_proxy(&self, proxy: &Arc<Proxy>, tls: &Material) -> Result<Stream, Kind> {
        let (mut tcp, uri) = (self.tcp.clone(), uri_of(proxy)?);
        if proxy.protocol() != ProxyProtocol::Https {
            return tcp.call(uri).await.map(Stream::new).map_err(|error| unreachable(proxy, &error, self.timeout));
        }
        let name = Arc::new(DefaultServerNameResolver::default());
        let mut https =
            HttpsConnector::new(tcp, tls.config(HttpVersions::Http1, &self.observed, Whom::Proxy)?, true, name);
        let connected = https.call(uri).await.map_err(|error| unreachable(proxy, error.as_ref(), self.timeout))?;
        tell_secured(&self.observed, Whom::Proxy, &connected);
        Ok(Stream::new(connected))
    }

    /// Connects to a proxy that speaks SOCKS.
    async fn socks_proxy(&self, proxy: &Arc<Proxy>) -> Result<TcpStream, Kind> {
        let connected = self.tcp.clone().call(uri_of(proxy)?).await;
        connected.map(TokioIo::into_inner).map_err(|error| unreachable(proxy, &error, self.timeout))
    }
}

/// Where a proxy listens. SOCKS has no part in it: it is only connected to.
fn uri_of(proxy: &Arc<Proxy>) -> Result<Uri, Kind> {
    let scheme = if proxy.protocol() == ProxyProtocol::Https { "https" } else { "http" };
    let uri = Uri::builder().scheme(scheme).authority(proxy.authority()).path_and_query("/").build();
    uri.map_err(|error| Kind::ProxyUnreachable { proxy: Arc::clone(proxy), cause: error.to_string() })
}

impl Service<Uri> for Way {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// The error is a [`Kind`] where the proxy is to blame, and else one that [`connect_failure`] understands.
    ///
    /// [`connect_failure`]: super::failure::connect_failure
    fn call(&mut self, to: Uri) -> Self::Future {
        let (ways, proxy, tls) = (self.ways.clone(), self.proxy.clone(), Arc::clone(&self.tls));
        Box::pin(async move {
            let Some(proxy) = proxy else {
                return Ok(Stream::new(ways.tcp.clone().call(to).await?));
            };
            let through = to.scheme_str() == Some("https");
            let host = to.host().unwrap_or_default();
            let port = to.port_u16().unwrap_or(if through { 443 } else { 80 });
            if proxy.protocol().is_socks() {
                let stream = socks::open(&ways, &proxy, host, port).await?;
                ways.observed.tell(|| Event::Tunnelled);
                return Ok(stream);
            }
            let stream = ways.http_proxy(&proxy, &tls).await?;
            if !through {
                return Ok(stream);
            }
            let stream = tunnel::open(stream, &proxy, host, port).await?;
            ways.observed.tell(|| Event::Tunnelled);
            Ok(stream)
        })
    }
}

/// Whether the proxy is asked for the URL itself, and not for a connection to its host.
pub(super) fn forwards(proxy: &Proxy, location: &Location) -> bool {
    !location.is_tls() && !proxy.protocol().is_socks()
}

/// Adds the credentials of a proxy to what is sent to it.
pub(super) fn authorize(headers: &mut HeaderMap, proxy: &Proxy) {
    if let Some(value) = authorization(proxy) {
        headers.insert(PROXY_AUTHORIZATION, value);
    }
}

fn authorization(proxy: &Proxy) -> Option<HeaderValue> {
    proxy.credentials().map(|it| basic_authorization(it.username.expose(), it.password.expose()))
}

/// Why a proxy that was reached gave no answer.
pub(super) fn exchange_failure(proxy: &Arc<Proxy>, error: &hyper::Error) -> Kind {
    let proxy = Arc::clone(proxy);
    match find::<rustls::Error>(error) {
        Some(error) => Kind::ProxyTls { proxy, cause: tls_problem(error, Side::Proxy) },
        None => Kind::ProxyAnswer { proxy, cause: describe(error) },
    }
}

/// Why a proxy was not reached.
fn unreachable(proxy: &Arc<Proxy>, error: &(dyn Error + 'static), limit: Duration) -> Kind {
    let proxy = Arc::clone(proxy);
    if let Some(error) = find::<rustls::Error>(error) {
        return Kind::ProxyTls { proxy, cause: tls_problem(error, Side::Proxy) };
    }
    if let Some(NameError(error)) = find::<NameError>(error) {
        return Kind::ProxyUnreachable { proxy, cause: format!("its name was not found: {error}") };
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => Kind::ProxyTimeout { proxy, limit },
        Some(io::ErrorKind::ConnectionRefused) => {
            Kind::ProxyUnreachable { proxy, cause: "it refused the connection".to_owned() }
        }
        _ => Kind::ProxyUnreachable { proxy, cause: describe(error) },
    }
}
