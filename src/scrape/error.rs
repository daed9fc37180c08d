//! Why a scrape failed, or why its client could not be made.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::auth::AuthError;
use super::failure::{shortened, shown};
use super::head::Head;
use crate::config::Proxy;
use crate::network::ProxyError;

/// What is told of a URL. Characters.
const LONGEST_URL: usize = 500;

/// Why a target could not be fetched. The message says what, where, why, and what to do; it holds no credentials.
#[derive(Debug)]
pub struct ScrapeError {
    url: String,
    kind: Kind,
}

/// The reasons. Sizes are bytes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error("the host name `{host}` was not found ({cause}); check the spelling and the name servers of this machine")]
    Name { host: String, cause: String },
    #[error("the connection was refused; check that the target runs and listens at this address and port")]
    Refused,
    #[error("the socket does not exist; check its path, and that the target runs")]
    NoSocket,
    #[error("the connection failed ({0}); check that this machine can reach the target")]
    Connect(String),
    #[error(
        "there was no connection, TLS included, within {0:?}; check that the target is reachable, or raise `connect_timeout`"
    )]
    ConnectTimeout(Duration),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("no response came within {0:?}; raise `read_timeout` if the target needs this long")]
    HeadTimeout(Duration),
    #[error(
        "the body stopped for {limit:?} after {received} bytes; raise `read_timeout` if the target needs this long"
    )]
    BodyTimeout { limit: Duration, received: u64 },
    #[error("it was not complete within {0:?}; raise `total_timeout` if the target needs this long")]
    TotalTimeout(Duration),
    #[error("the target closed the connection before it answered ({0})")]
    Closed(String),
    #[error("the answer is not HTTP ({0}); check port and scheme of the URL")]
    NotHttp(String),
    #[error(
        "the answer breaks the rules of HTTP/2 ({cause}), or its headers are larger than {header_bytes} bytes; check what \
         answers at this port, or raise `header_size_limit`"
    )]
    NotHttp2 { cause: String, header_bytes: usize },
    #[error("status line and headers are larger than {0} bytes, or there are more than 100 headers")]
    HeadTooLarge(usize),
    #[error("the body is larger than {0} bytes as sent; raise `wire_size_limit` or expose less")]
    WireTooLarge(u64),
    #[error("the body is larger than {0} bytes after decompression; raise `body_size_limit` or expose less")]
    BodyTooLarge(u64),
    #[error("the body broke off after {received} bytes ({cause})")]
    BrokenBody { received: u64, cause: String },
    #[error("the body is encoded as `{0}`; only one of `gzip`, `deflate` and `zstd` is understood")]
    Encoding(String),
    #[error("the body is not valid {encoding} ({cause})")]
    Corrupt { encoding: &'static str, cause: String },
    #[error("the content type declares the unknown charset `{0}`")]
    Charset(String),
    #[error("more than {0} redirects; the last one led to `{1}`")]
    TooManyRedirects(u32, String),
    #[error("it redirects to `{to}`, which cannot be followed: {cause}")]
    BadRedirect { to: String, cause: String },
    #[error(
        "there was no connection through the proxy {proxy} within {limit:?}; check that proxy and target are reachable, or raise `connect_timeout`"
    )]
    ProxyTimeout { proxy: Arc<Proxy>, limit: Duration },
    #[error(transparent)]
    Proxy(ProxyError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("{status} {side} Error: {reason} for url: {url}")]
    Status { status: u16, side: &'static str, reason: String, url: String },
}

impl Kind {
    /// The reason of a connection through a proxy that did not come about within `limit`, or at all.
    pub(super) fn of_proxy(error: ProxyError, limit: Duration) -> Self {
        match error {
            ProxyError::Name { host, cause } => Self::Name { host, cause },
            ProxyError::TimedOut { proxy } => Self::ProxyTimeout { proxy, limit },
            error => Self::Proxy(error),
        }
    }
}

impl ScrapeError {
    /// Where it leads, a peer says that redirects.
    pub(super) fn new(url: impl AsRef<str>, kind: Kind) -> Self {
        Self { url: shortened(url.as_ref(), LONGEST_URL), kind }
    }

    /// The error of a response whose status is 400 to 599; none for any other status.
    pub fn for_status(head: &Head) -> Option<Self> {
        let side = match head.status {
            400..=499 => "Client",
            500..=599 => "Server",
            _ => return None,
        };
        let (reason, url) = (shown(&head.reason), shortened(&head.final_url, LONGEST_URL));
        Some(Self::new(&*head.final_url, Kind::Status { status: head.status, side, reason, url }))
    }

    /// Whether `ignore_connection_errors` forgives it: the target could not be reached, did not answer with HTTP, or
    /// stopped in the middle of the body.
    pub fn is_connection_error(&self) -> bool {
        match self.kind {
            Kind::Auth(ref error) => error.is_connection_error(),
            Kind::Name { .. }
            | Kind::Refused
            | Kind::NoSocket
            | Kind::Connect(_)
            | Kind::ConnectTimeout(_)
            | Kind::Tls(_)
            | Kind::BodyTimeout { .. }
            | Kind::Closed(_)
            | Kind::NotHttp(_)
            | Kind::NotHttp2 { .. }
            | Kind::ProxyTimeout { .. }
            | Kind::Proxy(_) => true,
            Kind::HeadTimeout(_)
            | Kind::TotalTimeout(_)
            | Kind::HeadTooLarge(_)
            | Kind::WireTooLarge(_)
            | Kind::BodyTooLarge(_)
            | Kind::BrokenBody { .. }
            | Kind::Encoding(_)
            | Kind::Corrupt { .. }
            | Kind::Charset(_)
            | Kind::TooManyRedirects(..)
            | Kind::BadRedirect { .. }
            | Kind::Status { .. } => false,
        }
    }

    /// What went wrong and what to do, without the URL.
    pub(crate) fn problem(&self) -> String {
        self.kind.to_string()
    }

    /// Whether the target sent more than it may, or took longer for all of it.
    pub fn is_limit(&self) -> bool {
        matches!(
            self.kind,
            Kind::HeadTooLarge(_) | Kind::WireTooLarge(_) | Kind::BodyTooLarge(_) | Kind::TotalTimeout(_)
        )
    }

    /// One stable word for the reason, for counters.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            Kind::Name { .. } => "name",
            Kind::Refused | Kind::NoSocket => "refused",
            Kind::Connect(_) => "connect",
            Kind::ConnectTimeout(_) => "connect_timeout",
            Kind::Tls(_) => "tls",
            Kind::HeadTimeout(_) | Kind::BodyTimeout { .. } => "read_timeout",
            Kind::TotalTimeout(_) => "total_timeout",
            Kind::Closed(_) => "closed",
            Kind::NotHttp(_) | Kind::NotHttp2 { .. } => "not_http",
            Kind::HeadTooLarge(_) => "header_limit",
            Kind::WireTooLarge(_) => "wire_limit",
            Kind::BodyTooLarge(_) => "body_limit",
            Kind::BrokenBody { .. } => "broken_body",
            Kind::Encoding(_) | Kind::Corrupt { .. } => "encoding",
            Kind::Charset(_) => "charset",
            Kind::TooManyRedirects(..) | Kind::BadRedirect { .. } => "redirect",
            Kind::ProxyTimeout { .. } | Kind::Proxy(_) => "proxy",
            Kind::Auth(_) => "authentication",
            Kind::Status { .. } => "status",
        }
    }
}

impl std::fmt::Display for ScrapeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            // The text of the health check, which others compare.
            Kind::Status { .. } => self.kind.fmt(f),
            kind => write!(f, "`{}` cannot be scraped: {kind}", self.url),
        }
    }
}

impl std::error::Error for ScrapeError {}

/// Why the settings of an instance give no client.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ClientError(#[from] ClientProblem);

#[derive(Debug, thiserror::Error)]
pub(super) enum ClientProblem {
    #[error("`{}`, the {what}, cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, what: &'static str, cause: String },
    #[error("`{}`, the {what}, {problem}", path.display())]
    Unusable { path: PathBuf, what: &'static str, problem: String },
    #[error("`tls_private_key` is set without `tls_cert`; name the file of the client certificate there")]
    KeyWithoutCertificate,
    #[error("the value of the header `Host` is not a host name or address, which `tls_use_host_header` needs it to be")]
    HostHeader,
    #[error("`{option}` is not a URL that can be asked for credentials: {problem}")]
    TokenUrl { option: &'static str, problem: String },
    #[cfg(not(feature = "kerberos"))]
    #[error("this build of Retriever has no Kerberos")]
    NoKerberos,
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error("`{0}` is not the name of a header")]
    HeaderName(String),
    #[error("the value of the header `{0}` has characters that a header cannot hold, such as line breaks")]
    HeaderValue(String),
    #[error("{0}; correct it, or set `skip_proxy: true` for this instance")]
    Proxy(String),
    #[error(
        "user name or password have characters outside of Latin-1; set `use_legacy_auth_encoding: false` to send UTF-8"
    )]
    NotLatin1,
}

impl ClientError {
    pub(super) fn unreadable(path: &Path, what: &'static str, cause: &std::io::Error) -> Self {
        ClientProblem::Unreadable { path: path.to_owned(), what, cause: cause.to_string() }.into()
    }

    pub(super) fn unusable(path: &Path, what: &'static str, problem: impl Into<String>) -> Self {
        ClientProblem::Unusable { path: path.to_owned(), what, problem: problem.into() }.into()
    }
}
