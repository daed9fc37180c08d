//! TLS of one instance: whom it trusts, what it shows of itself, and what a refusal means.
//!
//! What the settings come to is [`Material`], which instances with equal settings share, and which is replaced when the
//! files change that it was read from.

mod certificate;
mod chain;
mod files;
mod key;
mod material;
mod problem;
mod roots;
mod verifier;
mod watch;

pub(crate) use certificate::Described;
pub(super) use material::{HttpVersions, Material};
pub(super) use problem::{Side, tls_problem};

use std::sync::Arc;

use hyper::header::{HOST, HeaderMap};
use rustls::pki_types::ServerName;
use tokio::time::Instant;

use self::watch::Watched;
use super::error::{ClientError, ClientProblem};
use crate::config::{HttpSettings, TlsSettings};

/// What the connections of one scrape are made with.
#[derive(Clone)]
pub(super) struct Materials {
    /// To the target.
    pub(super) target: Arc<Material>,
    /// To a proxy with TLS.
    pub(super) proxy: Arc<Material>,
}

impl Materials {
    /// Whether nothing was read anew in between.
    pub(super) fn are_those(&self, others: &Self) -> bool {
        Arc::ptr_eq(&self.target, &others.target) && Arc::ptr_eq(&self.proxy, &others.proxy)
    }
}

/// The TLS side of one client.
pub(super) struct Tls {
    target: Arc<Watched>,
    proxy: Arc<Watched>,
    /// The name of the `Host` header, if the settings say that it counts.
    host_header: Option<ServerName<'static>>,
}

impl Tls {
    /// Reads the files that the settings name, unless another client with the same settings has done so.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, ClientError> {
        let host_header = if settings.tls.use_host_header { host_header(settings)? } else { None };
        let (target, proxy) = (Watched::shared(&settings.tls)?, Watched::shared(&of_proxy(&settings.tls))?);
        Ok(Self { target, proxy, host_header })
    }

    /// What connections are made with from now on; looks after the files if they have not been looked at for a while.
    pub(super) async fn materials(&self, now: Instant) -> Materials {
        watch::look(&self.target, now).await;
        watch::look(&self.proxy, now).await;
        Materials { target: self.target.material(), proxy: self.proxy.material() }
    }

    /// The name that the target must prove, where it is not the host of the URL: a request that carries the `Host`
    /// header of the settings may ask for the name in it.
    pub(super) fn server_name(&self, headers: &HeaderMap) -> Option<&ServerName<'static>> {
        self.host_header.as_ref().filter(|_| headers.contains_key(HOST))
    }
}

/// A proxy has to be as trustworthy as a target, but is not shown the certificate that is meant for the target.
fn of_proxy(settings: &TlsSettings) -> TlsSettings {
    TlsSettings { cert: None, private_key: None, private_key_password: None, ..settings.clone() }
}

/// The name in the header that is spelled exactly `Host`, without its port.
fn host_header(settings: &HttpSettings) -> Result<Option<ServerName<'static>>, ClientError> {
    let mut headers = settings.extra_headers.iter().chain(&settings.headers);
    let Some((_, value)) = headers.find(|(name, _)| name == "Host") else { return Ok(None) };
    let value = value.expose().trim();
    let host = match value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => value.rsplit_once(':').map_or(value, |(host, _)| host),
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ClientProblem::HostHeader)?;
    Ok(Some(name))
}
