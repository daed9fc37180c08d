//! The HTTP client of the intake: one pool of connections, TLS verified as the platform does, a bounded answer.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::BuilderVerifierExt;

use super::answer::Answer;
use super::payload::Payload;
use crate::config::ApiSettings;
use crate::submit::error::SubmitError;
use crate::time::UnixTime;
use crate::unverified::Unverified;

const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const AGENT: &str = concat!("retriever/", env!("CARGO_PKG_VERSION"));
/// Bytes of an answer that are read; no honest one is longer.
const ANSWER_LIMIT: usize = 64 << 10;

/// Requests to one intake with one API key.
#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    key: HeaderValue,
    timeout: Duration,
}

impl Client {
    pub(super) fn new(settings: &ApiSettings) -> Result<Self, SubmitError> {
        let uri: Uri = settings.url.parse().map_err(|_| SubmitError::url(&settings.url))?;
        let is_http = uri.scheme_str() == Some("http");
        if uri.host().is_none() || !(is_http || uri.scheme_str() == Some("https")) {
            return Err(SubmitError::url(&settings.url));
        }
        let mut key = HeaderValue::from_str(settings.api_key.expose().trim()).map_err(|_| SubmitError::key())?;
        key.set_sensitive(true);
        let tls = if is_http { unused_tls() } else { tls(settings.skip_ssl_validation) }
            .map_err(|error| SubmitError::tls(&settings.url, error))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().wrap_connector(tcp);
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let url = settings.url.trim_end_matches('/').to_owned();
        Ok(Self { pool, url, key, timeout: settings.timeout })
    }

    /// The URL that all paths are appended to.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a payload once.
    pub(super) async fn deliver(&self, payload: &Payload) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, payload.kind.content_type())
            .header(CONTENT_ENCODING, "zstd");
        match self.exchange(request, payload.kind.path(), payload.body.clone()).await {
            Ok((status, headers, body)) => Answer::read(status, &headers, &body, UnixTime::now()),
            Err(reason) => Answer::Later { reason, wait: None },
        }
    }

    /// Fetches `path`: status and body.
    pub(super) async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), String> {
        let request = Request::builder().method(Method::GET);
        self.exchange(request, path, Bytes::new()).await.map(|(status, _, body)| (status, body))
    }

    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let request = request
            .uri(format!("{}{path}", self.url))
            .header(API_KEY, self.key.clone())
            .header(USER_AGENT, AGENT)
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let response = self.pool.request(request).await.map_err(|error| with_causes(&error))?;
            let (head, body) = response.into_parts();
            // The status says all that matters; a body that is too long or breaks off only costs its words.
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            Ok((head.status, head.headers, body.map_or_else(|_| Bytes::new(), Collected::to_bytes)))
        };
        let late = |_| format!("no answer within {} s", self.timeout.as_secs_f64());
        tokio::time::timeout(self.timeout, exchange).await.map_err(late)?
    }
}

/// An error with the errors behind it, each said once.
fn with_causes(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

fn tls(skip_validation: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    if skip_validation {
        return Ok(unverified(provider));
    }
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

fn unverified(provider: Arc<CryptoProvider>) -> ClientConfig {
    let verifier = Arc::new(Unverified::new(&provider));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports the protocol versions that it is made for");
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// For a URL without TLS: must not fail where the system has no certificates.
fn unused_tls() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}
