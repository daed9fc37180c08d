//! A connection through a SOCKS5 proxy.

use std::net::IpAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};
use tower_service::Service;

use super::error::{Destination, ProxyError, SocksRefusal};
use super::{Stream, Way};
use crate::config::{Proxy, ProxyProtocol};

/// Has the proxy connect to the peer, whose name it looks up itself if its scheme is `socks5h`.
pub(super) async fn open(way: &Way, proxy: &Arc<Proxy>, host: &str, port: u16) -> Result<Stream, ProxyError> {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
    let targets = match literal {
        Ok(address) => vec![TargetAddr::Ip((address, port).into())],
        Err(_) if proxy.protocol() == ProxyProtocol::Socks5h => vec![TargetAddr::Domain(host.into(), port)],
        Err(_) => addresses(way, host, port).await?,
    };
    let mut refused = None;
    for target in targets {
        // Each address needs a connection of its own: after a refusal the proxy closes it.
        let stream = way.socks_proxy(proxy).await?;
        match ask(stream, proxy, target).await {
            Ok(stream) => return Ok(Stream::new(TokioIo::new(stream))),
            Err(error) if is_of_address(&error) => refused = Some(error),
            Err(error) => return Err(failure(proxy, way.traveller.to, &error)),
        }
    }
    Err(match refused {
        Some(error) => failure(proxy, way.traveller.to, &error),
        None => ProxyError::Name { host: host.to_owned(), cause: "it has no address".to_owned() },
    })
}

async fn addresses(way: &Way, host: &str, port: u16) -> Result<Vec<TargetAddr<'static>>, ProxyError> {
    let failed = |cause: String| ProxyError::Name { host: host.to_owned(), cause };
    let name = host.parse().map_err(|error| failed(format!("{error}")))?;
    let found = way.resolver.clone().call(name).await.map_err(|error| failed(error.to_string()))?;
    Ok(found.map(|address| TargetAddr::Ip((address.ip(), port).into())).collect())
}

/// Both a user name and a password are needed for either to be sent.
async fn ask(stream: TcpStream, proxy: &Proxy, target: TargetAddr<'_>) -> Result<TcpStream, Error> {
    let credentials = proxy.credentials().map(|it| (it.username.expose(), it.password.expose()));
    let opened = match credentials.filter(|(_, password)| !password.is_empty()) {
        Some((username, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, target, username, password).await
        }
        None => Socks5Stream::connect_with_socket(stream, target).await,
    };
    opened.map(Socks5Stream::into_inner)
}

/// Whether another address of the same peer may fare better.
fn is_of_address(error: &Error) -> bool {
    matches!(
        error,
        Error::GeneralSocksServerFailure
            | Error::NetworkUnreachable
            | Error::HostUnreachable
            | Error::ConnectionRefused
            | Error::TtlExpired
            | Error::AddressTypeNotSupported
    )
}

fn failure(proxy: &Arc<Proxy>, to: Destination, error: &Error) -> ProxyError {
    let proxy = Arc::clone(proxy);
    let refusal = match error {
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => SocksRefusal::Method,
        Error::PasswordAuthFailure(_) => SocksRefusal::Credentials,
        Error::ConnectionNotAllowedByRuleset => SocksRefusal::NotAllowed,
        Error::GeneralSocksServerFailure => SocksRefusal::General,
        Error::NetworkUnreachable => SocksRefusal::NetworkUnreachable,
        Error::HostUnreachable => SocksRefusal::HostUnreachable,
        Error::ConnectionRefused => SocksRefusal::ConnectionRefused,
        Error::TtlExpired => SocksRefusal::Expired,
        Error::AddressTypeNotSupported => SocksRefusal::AddressType,
        other => return ProxyError::Answer { proxy, cause: other.to_string() },
    };
    ProxyError::Socks { proxy, to, refusal }
}
