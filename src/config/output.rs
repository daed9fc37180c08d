//! Where metrics go.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::proxy::IntakeProxy;
use super::secret::Secret;
use super::tls::TlsVersion;

/// The one place that metrics are delivered to.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Datadog's HTTP API, or anything that speaks like it.
    Api(ApiSettings),
    /// The `DogStatsD` listener of an Agent.
    Dogstatsd(DogstatsdAddress),
    /// Standard output.
    Console,
}

/// How Datadog's HTTP API is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiSettings {
    /// Scheme, host, port and path prefix, without a slash at the end: `https://api.<site>` unless `dd_url` says
    /// otherwise.
    pub url: String,
    /// The API key, trimmed.
    pub api_key: Secret,
    /// Whether the certificate of the intake is not verified (`skip_ssl_validation`).
    pub skip_ssl_validation: bool,
    /// The least version of TLS that is offered (`min_tls_version`).
    pub min_tls_version: TlsVersion,
    /// How the intake is reached.
    pub proxy: IntakeProxy,
    /// Time for one request (`forwarder_timeout`).
    pub timeout: Duration,
    /// Compressed bytes of payloads that may wait in memory (`forwarder_retry_queue_payloads_max_size`).
    pub queue_bytes: usize,
}

/// Where a `DogStatsD` listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DogstatsdAddress {
    /// `udp://host:port`; the name is looked up again now and then.
    Udp {
        /// Name or address.
        host: String,
        /// 8125 by default.
        port: u16,
    },
    /// `unix://`, `unixgram://`: a datagram socket.
    UnixDatagram(PathBuf),
    /// `unixstream://`: a stream socket whose packets carry their length.
    UnixStream(PathBuf),
}

impl fmt::Display for DogstatsdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { host, port } => write!(f, "udp://{host}:{port}"),
            Self::UnixDatagram(path) => write!(f, "unix://{}", path.display()),
            Self::UnixStream(path) => write!(f, "unixstream://{}", path.display()),
        }
    }
}

/// What `submit` puts on everything it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrichment {
    /// The host of points that name none.
    pub hostname: String,
    /// Tags of every series and service check: `tags`, `extra_tags` and `env`.
    pub tags: Vec<String>,
    /// Whether the HTTP API is told what series are measured in (`send_units`).
    pub send_units: bool,
}

impl Default for Enrichment {
    fn default() -> Self {
        Self { hostname: String::new(), tags: Vec::new(), send_units: true }
    }
}
