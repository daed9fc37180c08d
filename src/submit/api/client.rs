//! The HTTP client of the intake: one pool of connections, TLS verified as the platform does, a bounded answer.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::{ClientConfig, SupportedProtocolVersion};
use rustls_platform_verifier::Verifier;
use tower_service::Service;

use super::answer::Answer;
use super::payload::PayloadKind;
use crate::config::{ApiSettings, Intake, Proxy, TlsVersion};
use crate::network::{
    Destination, Event, Gate, Observed, Stream, Tcp, Traveller, Way, Whom, authorize, forwards, overheard, tell_secured,
};
use crate::submit::error::SubmitError;
use crate::time::UnixTime;
use crate::unverified::Unverified;

const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const APPLICATION_KEY: HeaderName = HeaderName::from_static("dd-application-key");
const AGENT: &str = concat!("retriever/", env!("CARGO_PKG_VERSION"));
/// Bytes of an answer that are read; no honest one is longer.
const ANSWER_LIMIT: usize = 64 << 10;

/// A delivery.
const DELIVERY: Traveller = Traveller { to: Destination::Intake, explain_tls: ToString::to_string };

/// Requests to one intake with one API key.
#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    url: String,
    key: HeaderValue,
    /// The proxy that is asked for whole URLs, if there is such a one.
    forwarder: Option<Arc<Proxy>>,
    timeout: Duration,
    observed: Observed,
}

impl Client {
    pub(super) fn new(intake: &Intake, settings: &ApiSettings) -> Result<Self, SubmitError> {
        Self::observed(intake, settings, Observed::default())
    }

    /// Like [`Client::new`], for somebody who observes.
    pub(super) fn observed(intake: &Intake, settings: &ApiSettings, observed: Observed) -> Result<Self, SubmitError> {
        let uri: Uri = intake.url.parse().map_err(|_| SubmitError::url(&intake.url))?;
        let is_http = uri.scheme_str() == Some("http");
        if uri.host().is_none() || !(is_http || uri.scheme_str() == Some("https")) {
            return Err(SubmitError::url(&intake.url));
        }
        let mut key = HeaderValue::from_str(intake.api_key.expose().trim()).map_err(|_| SubmitError::key())?;
        key.set_sensitive(true);
        let failed = |error| SubmitError::tls(&intake.url, error);
        let config = if is_http { unused_tls() } else { tls(settings, &observed, Whom::Target) }.map_err(failed)?;
        // A proxy has to be as trustworthy as the intake.
        let proxy = intake.proxy.proxy();
        let gate = proxy.map(|proxy| {
            Gate::new(Arc::clone(proxy), || tls(settings, &observed, Whom::Proxy).map(Arc::new).map_err(failed))
        });
        let tcp = Tcp::new(observed.clone(), |tcp| tcp.set_keepalive(Some(Duration::from_mins(1))));
        let way = Way::new(DELIVERY, tcp, gate.transpose()?, observed.clone());
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(way);
        let connector = Connector { https, observed: observed.clone() };
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let forwarder = proxy.filter(|proxy| forwards(proxy, !is_http)).cloned();
        let url = intake.url.trim_end_matches('/').to_owned();
        Ok(Self { pool, url, key, forwarder, timeout: settings.timeout, observed })
    }

    /// The URL that all paths are appended to.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a payload once.
    pub(super) async fn deliver(&self, kind: PayloadKind, body: Bytes) -> Answer {
        let mut request = Request::builder().method(Method::POST).header(CONTENT_TYPE, kind.content_type());
        if let Some(encoding) = kind.content_encoding() {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        match self.exchange(request, kind.path(), body).await {
            Ok((status, headers, body)) => Answer::read(status, &headers, &body, UnixTime::now()),
            Err(reason) => Answer::Later { reason, wait: None },
        }
    }

    /// Fetches `path`: status and body.
    pub(super) async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), String> {
        let request = Request::builder().method(Method::GET);
        self.exchange(request, path, Bytes::new()).await.map(|(status, _, body)| (status, body))
    }

    /// Asks for what takes an application key as well: status, headers and body.
    pub(super) async fn administer(
        &self,
        method: Method,
        path: &str,
        application_key: &HeaderValue,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let request = Request::builder()
            .method(method)
            .header(APPLICATION_KEY, application_key)
            .header(CONTENT_TYPE, "application/json");
        self.exchange(request, path, body).await
    }

    async fn exchange(
        &self,
        request: hyper::http::request::Builder,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let mut request = request
            .uri(format!("{}{path}", self.url))
            .header(API_KEY, self.key.clone())
            .header(USER_AGENT, AGENT)
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        if let Some(proxy) = &self.forwarder {
            authorize(request.headers_mut(), proxy);
        }
        let exchange = async {
            let response = self.pool.request(request).await.map_err(|error| with_causes(&error))?;
            let (head, body) = response.into_parts();
            self.observed.tell(|| Event::Head { status: head.status, headers: &head.headers });
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

/// Connects, and tells of the handshake.
#[derive(Clone, Debug)]
struct Connector {
    https: HttpsConnector<Way>,
    observed: Observed,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.https.call(to);
        let observed = self.observed.clone();
        Box::pin(async move {
            let stream = connecting.await?;
            tell_secured(&observed, Whom::Target, &stream);
            Ok(stream)
        })
    }
}

fn tls(settings: &ApiSettings, observed: &Observed, whom: Whom) -> Result<ClientConfig, rustls::Error> {
    static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if settings.skip_ssl_validation {
        Arc::new(Unverified::new(&provider))
    } else {
        Arc::new(Verifier::new(Arc::clone(&provider))?)
    };
    let versions = match settings.min_tls_version {
        TlsVersion::Tls12 => rustls::DEFAULT_VERSIONS,
        TlsVersion::Tls13 => &ONLY_TLS13,
    };
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::clone(&verifier)).with_no_client_auth();
    Ok(if observed.is_somebody() { overheard(&config, verifier, observed, whom) } else { config })
}

/// For a URL without TLS: must not fail where the system has no certificates.
fn unused_tls() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}
