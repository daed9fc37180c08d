//! The way to a target: straight, or through the proxy that the settings choose for it.

use std::sync::Arc;

use super::error::{ClientError, ClientProblem, Kind};
use super::tls::{HttpVersions, Material, Side, tls_problem};
use crate::config::{HttpSettings, Proxy, ProxySettings};
use crate::discover::{Location, Origin};
use crate::network::{Destination, Gate, Observed, Tcp, Traveller, Way, Whom};

/// A scrape.
const SCRAPE: Traveller = Traveller { to: Destination::Target, explain_tls: |error| tls_problem(error, Side::Proxy) };

/// The ways of one client.
pub(super) struct Ways {
    settings: ProxySettings,
    tcp: Tcp,
    observed: Observed,
}

impl Ways {
    /// `tcp` makes the connections, to targets and to proxies.
    pub(super) fn new(settings: &HttpSettings, tcp: Tcp, observed: Observed) -> Result<Self, ClientError> {
        if let Some(fault) = settings.proxy.fault() {
            return Err(ClientProblem::Proxy(fault.to_owned()).into());
        }
        Ok(Self { settings: settings.proxy.clone(), tcp, observed })
    }

    /// The proxy that leads to a location; a unix socket never has one.
    pub(super) fn proxy(&self, location: &Location) -> Option<&Arc<Proxy>> {
        match location.origin() {
            Origin::Unix(_) => None,
            Origin::Tcp { tls, host, port } => self.settings.choose(*tls, host, *port),
        }
    }

    /// The way through this proxy, or straight; `tls` is for a proxy with TLS.
    pub(super) fn through(&self, proxy: Option<&Arc<Proxy>>, tls: &Material) -> Result<Way, Kind> {
        let config = || tls.config(HttpVersions::Http1, &self.observed, Whom::Proxy);
        let gate = proxy.map(|proxy| Gate::new(Arc::clone(proxy), config)).transpose()?;
        Ok(Way::new(SCRAPE, self.tcp.clone(), gate, self.observed.clone()))
    }
}

/// Whether the proxy is asked for the URL itself, and not for a connection to its host.
pub(super) fn forwards(proxy: &Proxy, location: &Location) -> bool {
    crate::network::forwards(proxy, location.is_tls())
}

/// Why a proxy that was reached gave no answer.
pub(super) fn exchange_failure(proxy: &Arc<Proxy>, error: &hyper::Error) -> Kind {
    Kind::Proxy(crate::network::exchange_failure(proxy, SCRAPE, error))
}
