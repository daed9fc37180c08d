//! Requests to those who give out credentials: token endpoints, logins, metadata services.

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT as USER_AGENT_HEADER};
use hyper::{Method, Response, StatusCode};
use tokio::time::Instant;

use super::error::AuthError;
use crate::config::{HttpSettings, ProxySettings, TlsSettings};
use crate::discover::Location;
use crate::network::Observed;
use crate::scrape::USER_AGENT;
use crate::scrape::connect::{Connection, Connector};
use crate::scrape::error::{ClientError, Kind, ScrapeError};
use crate::scrape::failure::describe;
use crate::scrape::tls::{HttpVersions, Tls};

/// No answer that gives credentials is larger. Bytes.
const LIMIT: usize = 256 << 10;

/// Makes one request at a time, each over a connection of its own.
pub(super) struct Exchange {
    connector: Connector,
    tls: Tls,
    connect_timeout: Duration,
    timeout: Duration,
}

/// A request.
pub(super) struct Call<'a> {
    /// Whom it goes to, for messages.
    pub(super) what: &'static str,
    pub(super) method: Method,
    pub(super) location: &'a Location,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Exchange {
    /// With the time limits of the instance, but not with its TLS and its proxies, which are for the target.
    pub(super) fn new(
        settings: &HttpSettings,
        tls: TlsSettings,
        proxy: ProxySettings,
        timeout: Option<Duration>,
    ) -> Result<Self, ClientError> {
        let settings = HttpSettings { tls, proxy, ..settings.clone() };
        Ok(Self {
            connector: Connector::new(&settings, HttpVersions::Http1, &Observed::default())?,
            tls: Tls::new(&settings)?,
            connect_timeout: settings.connect_timeout,
            timeout: timeout.unwrap_or(settings.read_timeout),
        })
    }

    /// The answer, whatever its status; redirects are not followed.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Reply, AuthError> {
        let (what, location) = (call.what, call.location);
        // Boxed, because it is large and rarely needed.
        Box::pin(self.ask(call)).await.map_err(|kind| {
            let (url, cause) = (location.to_string(), kind.to_string());
            let unreachable = ScrapeError::new(&*url, kind).is_connection_error();
            AuthError::NoAnswer { url, what, cause, unreachable }
        })
    }

    async fn ask(&self, call: Call<'_>) -> Result<Reply, Kind> {
        let Call { method, location, mut headers, body, .. } = call;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.entry(USER_AGENT_HEADER).or_insert(HeaderValue::from_static(USER_AGENT));
        let tls = self.tls.materials(Instant::now()).await;
        // What stays on this machine is no business of a proxy.
        let proxy = self.connector.proxy(location).filter(|_| !location.is_local());
        let connecting = self.connector.connect(location, proxy, &tls, None);
        let connecting = tokio::time::timeout(self.connect_timeout, connecting).await;
        let mut connection = connecting.map_err(|_| Connector::late(proxy)(self.connect_timeout))??;
        let exchanging = async {
            let head = connection.send(method, location, headers, body).await?;
            let response = head.map_err(|error| self.connector.failure(location, proxy, &tls, &error))?;
            Reply::read(response, &mut connection).await
        };
        let reply = tokio::time::timeout(self.timeout, exchanging).await;
        reply.map_err(|_| Kind::HeadTimeout(self.timeout))?
    }
}

impl Reply {
    async fn read(response: Response<Incoming>, connection: &mut Connection) -> Result<Self, Kind> {
        let (status, mut incoming, mut body) = (response.status(), response, Vec::new());
        while let Some(frame) = connection.frame(incoming.body_mut()).await {
            let broken = |error| Kind::BrokenBody { received: body.len() as u64, cause: describe(&error) };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            body.extend_from_slice(&data);
            if body.len() > LIMIT {
                return Err(Kind::WireTooLarge(LIMIT as u64));
            }
        }
        Ok(Self { status, body })
    }

    /// The body as one JSON object.
    pub(super) fn json(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The text of the body, trimmed.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().map(str::trim)
    }
}

/// What a stranger wrote, fit for a message.
pub(super) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(200).map(|c| if c.is_control() || c == '`' { ' ' } else { c }).collect();
    format!("`{shown}`")
}
