//! Why there is no connection through a proxy.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;

use crate::config::Proxy;

/// Why a proxy leads nowhere. The message says which one, why, and what to do; it holds no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the host name `{host}` was not found ({cause})")]
    Name { host: String, cause: String },
    #[error("the proxy {proxy} cannot be reached ({cause}); check that its address is right and that it runs")]
    Unreachable { proxy: Arc<Proxy>, cause: String },
    #[error("the proxy {proxy} does not answer in time; check that its address is right and that it runs")]
    TimedOut { proxy: Arc<Proxy> },
    #[error("TLS with the proxy {proxy} failed: {cause}")]
    Tls { proxy: Arc<Proxy>, cause: String },
    #[error("the proxy {proxy} does not answer as one ({cause}); check scheme and port of its URL")]
    Answer { proxy: Arc<Proxy>, cause: String },
    #[error(
        "the proxy {proxy} refused to connect to {to} with status {status}; {}", status_advice(*status, proxy, *to)
    )]
    Status { proxy: Arc<Proxy>, to: Destination, status: StatusCode },
    #[error("the proxy {proxy} {}", refusal.words(*to))]
    Socks { proxy: Arc<Proxy>, to: Destination, refusal: SocksRefusal },
}

/// What is behind a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Target,
    Intake,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "the target",
            Self::Intake => "the intake",
        })
    }
}

/// What a SOCKS proxy says no with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SocksRefusal {
    Method,
    Credentials,
    NotAllowed,
    General,
    NetworkUnreachable,
    HostUnreachable,
    ConnectionRefused,
    Expired,
    AddressType,
}

impl SocksRefusal {
    /// What it means, and what can be done.
    fn words(self, to: Destination) -> String {
        match self {
            Self::Method => "wants another way to log in; write user name and password into its URL, \
                             `socks5://USER:PASSWORD@HOST:PORT`, or take them out"
                .to_owned(),
            Self::Credentials => "does not accept the user name and password of its URL; correct them".to_owned(),
            Self::NotAllowed => {
                format!("does not allow connections to {to}; have it allowed there, or add its host to `no_proxy`")
            }
            Self::General => format!("could not connect to {to} and does not say why; its log may"),
            Self::NetworkUnreachable => {
                format!("cannot reach the network of {to}; check its routes, or add the host to `no_proxy`")
            }
            Self::HostUnreachable => {
                format!("cannot reach the host of {to}; check the host name, or add it to `no_proxy` if it is near")
            }
            Self::ConnectionRefused => {
                format!("was refused by {to}; check that {to} runs and listens at this address and port")
            }
            Self::Expired => format!("found {to} too far away (TTL expired); check its routes"),
            Self::AddressType => {
                format!("does not know this kind of address; with `socks5h://` it gets the name of {to} instead")
            }
        }
    }
}

/// What to do about a proxy that answers CONNECT with this status.
fn status_advice(status: StatusCode, proxy: &Proxy, to: Destination) -> String {
    // Some proxies confuse 401 with 407.
    const LOGIN: [StatusCode; 2] = [StatusCode::PROXY_AUTHENTICATION_REQUIRED, StatusCode::UNAUTHORIZED];
    match status {
        status if LOGIN.contains(&status) && proxy.credentials().is_some() => {
            "it does not accept the user name and password of its URL; correct them".to_owned()
        }
        status if LOGIN.contains(&status) => {
            "it wants user name and password; write them into its URL, `http://USER:PASSWORD@HOST:PORT`".to_owned()
        }
        StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {
            "its policy forbids this host or port; have it allowed there, or add the host to `no_proxy`".to_owned()
        }
        status if status.is_server_error() => {
            format!("it could not reach {to}; check that {to} runs, or add the host to `no_proxy` if it is near")
        }
        _ => "its log may say why".to_owned(),
    }
}
