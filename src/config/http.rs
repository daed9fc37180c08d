//! How a target is fetched: timeouts, headers, authentication, TLS and limits of one instance.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;

/// All settings of the requests of one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// Time for name look-up, connection and TLS handshake.
    pub connect_timeout: Duration,
    /// Time to the first byte of the response, and between any two bytes.
    pub read_timeout: Duration,
    /// Time for the whole scrape, redirects and body included.
    pub total_timeout: Duration,
    /// Headers that replace all default ones (`headers`); empty: the defaults stay.
    pub headers: Vec<(String, Secret)>,
    /// Headers in addition (`extra_headers`); the same name, spelled the same, replaces.
    pub extra_headers: Vec<(String, Secret)>,
    /// Whether redirects are followed.
    pub allow_redirects: bool,
    /// Whether a connection is kept for the next scrape.
    pub persist_connections: bool,
    /// Whether OpenMetrics is asked for, and taken as the format whatever the response says.
    pub use_latest_spec: bool,
    /// User name and password of basic authentication.
    pub basic_auth: Option<BasicAuth>,
    /// TLS.
    pub tls: TlsSettings,
    /// What a response may cost.
    pub limits: BodyLimits,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            connect_timeout: timeout,
            read_timeout: timeout,
            total_timeout: Duration::from_mins(1),
            headers: Vec::new(),
            extra_headers: Vec::new(),
            allow_redirects: true,
            persist_connections: true,
            use_latest_spec: false,
            basic_auth: None,
            tls: TlsSettings::default(),
            limits: BodyLimits::default(),
        }
    }
}

/// Basic authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// Shown in no message either: some services put tokens here.
    pub username: Secret,
    /// May be empty.
    pub password: Secret,
    /// Whether the credentials are encoded as Latin-1 (`use_legacy_auth_encoding`) and not as UTF-8.
    pub latin1: bool,
}

/// TLS settings of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether the certificate of the target is verified. Always, if `ca_cert` is set.
    pub verify: bool,
    /// File or directory of CA certificates (PEM) to trust instead of the system's.
    pub ca_cert: Option<PathBuf>,
    /// Client certificate chain (PEM); may hold the key as well.
    pub cert: Option<PathBuf>,
    /// Key of the client certificate (PEM).
    pub private_key: Option<PathBuf>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { verify: true, ca_cert: None, cert: None, private_key: None }
    }
}

/// What one response may cost. All sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Status line and headers of a response.
    pub header_bytes: usize,
    /// The body as it comes over the wire.
    pub wire_bytes: u64,
    /// The body after decompression.
    pub body_bytes: u64,
    /// One line of the exposition.
    pub line_bytes: usize,
    /// Labels of one sample.
    pub labels: usize,
    /// Samples of one scrape.
    pub samples: u64,
    /// Redirects followed for one scrape.
    pub redirects: u32,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            wire_bytes: 1 << 30,
            body_bytes: 4 << 30,
            line_bytes: 16 << 20,
            labels: 512,
            samples: 50_000_000,
            redirects: 10,
        }
    }
}
