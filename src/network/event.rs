//! The steps of a request as they are told to an observer.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use rustls::{ProtocolVersion, SupportedCipherSuite};

use crate::config::Proxy;
use crate::discover::Location;
use crate::time::UnixTime;

/// Is told of each step when it is done. A step that fails is not told: the error of the request says which it was.
pub(crate) trait Observer: Send + Sync {
    /// A step was done just now.
    fn observe(&self, event: Event<'_>);
}

/// One step.
#[derive(Clone, Copy)]
pub(crate) enum Event<'a> {
    /// It is known what the requests of this scrape show of their sender.
    Credentials {
        /// Where the credentials come from that are sent unasked; none: there are none.
        source: Option<CredentialSource>,
        /// When the token ends, if there is one that says so.
        token_until: Option<UnixTime>,
    },
    /// A request begins.
    Request {
        location: &'a Location,
        proxy: Option<&'a Arc<Proxy>>,
        /// Without those of the protocol itself; some hold secrets.
        headers: &'a HeaderMap,
    },
    /// It goes over a connection that was open already.
    Reused,
    /// A name was looked up.
    LookedUp { host: &'a str, addresses: &'a [SocketAddr] },
    /// A TCP connection stands.
    Connected { address: SocketAddr },
    /// A connection to a unix socket stands.
    SocketConnected,
    /// The proxy has connected to the target.
    Tunnelled,
    /// The peer showed certificates, its own first, and they were looked at.
    Certificates { whom: Whom, chain: &'a [CertificateDer<'a>] },
    /// The peer asked for a client certificate.
    ClientCertificate { whom: Whom, shown: bool },
    /// A TLS handshake is done.
    Secured {
        whom: Whom,
        version: Option<ProtocolVersion>,
        cipher: Option<SupportedCipherSuite>,
        application: Option<&'a [u8]>,
    },
    /// The request is about to be sent.
    Sent,
    /// The head of a response is there.
    Head { status: StatusCode, headers: &'a HeaderMap },
    /// The response asks for credentials, and the request is repeated with them.
    Challenged,
    /// The response leads to another place, and the next request goes there.
    Redirected,
    /// Bytes of the body have arrived.
    Received(usize),
    /// As many bytes came of them.
    Decoded(usize),
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialSource {
    Settings,
    Netrc,
    Url,
}

/// Who is at the other end of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Target,
    Proxy,
}

/// Somebody or nobody who observes.
#[derive(Clone, Default)]
pub(crate) struct Observed(Option<Arc<dyn Observer>>);

impl Observed {
    pub(crate) fn by(observer: Arc<dyn Observer>) -> Self {
        Self(Some(observer))
    }

    /// Tells of a step, which is described only if somebody observes.
    pub(crate) fn tell<'e>(&self, event: impl FnOnce() -> Event<'e>) {
        if let Some(observer) = &self.0 {
            observer.observe(event());
        }
    }

    pub(crate) fn is_somebody(&self) -> bool {
        self.0.is_some()
    }
}

impl std::fmt::Debug for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_somebody() { "Observed" } else { "Unobserved" })
    }
}
