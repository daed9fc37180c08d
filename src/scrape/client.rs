//! Fetches one exposition: connection, redirects, and the head of the response; the body follows as it arrives.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Response as HttpResponse;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderMap, LOCATION};

use super::auth::{Authenticator, Credentials, Freshness, Next};
use super::body::{Body, Wire};
use super::connect::{Connection, Connector, HttpVersions};
use super::deadline::Deadline;
use super::error::{ClientError, Kind, ScrapeError};
use super::failure::request_failure;
use super::head::Head;
use super::pool::{Lease, Pool};
use super::request::RequestHeaders;
use super::tls;
use crate::config::{BodyLimits, HttpSettings};
use crate::discover::{Endpoint, Location, redact};
use crate::time::UnixTime;

/// Tells the time of signatures and of the lifetime of tokens.
pub type Clock = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// Fetches the endpoints of one instance with its settings.
pub struct Client {
    connector: Connector,
    headers: RequestHeaders,
    authenticator: Authenticator,
    clock: Clock,
    /// None: every request has its own connection.
    pool: Option<Arc<Pool>>,
    connect_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Duration,
    follow: bool,
    limits: BodyLimits,
}

/// What a target answered.
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body, of which nothing may have arrived yet.
    pub body: Body,
}

/// A head whose body has not been read, and where it came from.
struct Answer {
    head: HttpResponse<Incoming>,
    lease: Lease,
}

impl Client {
    /// Reads the files that the settings name and prepares the headers; connects to nothing.
    ///
    /// `user_agent` is sent unless the settings have their own.
    pub fn new(settings: &HttpSettings, user_agent: &str) -> Result<Self, ClientError> {
        Self::with_clock(settings, user_agent, Arc::new(UnixTime::now))
    }

    /// Like [`Client::new`], with another clock than that of the system. Time limits are not measured with it.
    pub fn with_clock(settings: &HttpSettings, user_agent: &str, clock: Clock) -> Result<Self, ClientError> {
        let tls = tls::client_config(&settings.tls)?;
        let authenticator = Authenticator::new(settings)?;
        let versions = if authenticator.needs_http1() { HttpVersions::Http1 } else { HttpVersions::All };
        Ok(Self {
            connector: Connector::new(tls, versions, settings.connect_timeout, settings.limits.header_bytes),
            headers: RequestHeaders::new(settings, user_agent)?,
            authenticator,
            clock,
            pool: settings.persist_connections.then(Arc::default),
            connect_timeout: settings.connect_timeout,
            read_timeout: settings.read_timeout,
            total_timeout: settings.total_timeout,
            follow: settings.allow_redirects,
            limits: settings.limits,
        })
    }

    /// Asks the endpoint for its exposition, follows redirects, and returns as soon as the head is there, whatever its
    /// status. The body is under the same deadline.
    ///
    /// Where a token is used, a failure or a status of 400 to 599 has it renewed once; what comes then is final.
    pub async fn fetch(&self, endpoint: &Endpoint) -> Result<Response, ScrapeError> {
        let deadline = Deadline::after(self.total_timeout);
        let credentials = self.credentials(endpoint, Freshness::Kept, &deadline).await?;
        let first = self.follow(endpoint, &credentials, &deadline).await;
        let failed = match &first {
            Ok(response) => ScrapeError::for_status(&response.head).is_some(),
            Err(_) => true,
        };
        if !failed || !self.authenticator.can_renew() {
            return first;
        }
        drop(first);
        let credentials = self.credentials(endpoint, Freshness::Renewed, &deadline).await?;
        self.follow(endpoint, &credentials, &deadline).await
    }

    async fn credentials(
        &self,
        endpoint: &Endpoint,
        freshness: Freshness,
        deadline: &Deadline,
    ) -> Result<Credentials<'_>, ScrapeError> {
        let getting = self.authenticator.credentials(endpoint, freshness, (self.clock)());
        let got = deadline.whole(getting).await.and_then(|got| got.map_err(Kind::from));
        got.map_err(|kind| ScrapeError::new(endpoint.to_string(), kind))
    }

    /// The response at the end of all redirects.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        credentials: &Credentials<'_>,
        deadline: &Deadline,
    ) -> Result<Response, ScrapeError> {
        let mut location = endpoint.location().clone();
        // Once a redirect has left the origin, credentials do not come back even if it returns there.
        let mut trusted = true;
        let mut redirects = 0;
        loop {
            let failed = |kind| ScrapeError::new(location.to_string(), kind);
            let shown = trusted.then_some(credentials);
            let answer = self.converse(&location, shown, deadline).await.map_err(failed)?;
            let Some(next) = self.redirect(&location, &answer.head, credentials).map_err(failed)? else {
                return Ok(self.respond(&location, answer, *deadline));
            };
            if redirects == self.limits.redirects {
                return Err(failed(Kind::TooManyRedirects(redirects, next.to_string())));
            }
            redirects += 1;
            self.discard(answer, *deadline).await;
            trusted &= endpoint.location().trusts(&next);
            location = next;
        }
    }

    /// One request, repeated as often as the target asks for credentials that can be given. Without `credentials`
    /// nothing is shown that may be a secret.
    async fn converse(
        &self,
        location: &Location,
        credentials: Option<&Credentials<'_>>,
        deadline: &Deadline,
    ) -> Result<Answer, Kind> {
        let mut headers = self.headers.of_request(credentials.is_some());
        let Some(credentials) = credentials else {
            // A connection that was authenticated may still be open.
            let pool = self.pool.as_ref().filter(|_| !self.authenticator.binds_connections());
            return self.ask(location, headers, pool, None, deadline).await;
        };
        let mut turn = credentials.request(location);
        let mut kept: Option<Connection> = None;
        loop {
            let certificate = kept.as_ref().and_then(Connection::certificate);
            deadline.whole(turn.prepare(&mut headers, certificate, (self.clock)())).await??;
            let answer = self.ask(location, headers.clone(), self.pool.as_ref(), kept, deadline).await?;
            match deadline.whole(turn.answer(&answer.head)).await?? {
                Next::Final => return Ok(answer),
                Next::Again => kept = self.reclaim(answer, *deadline).await,
            }
            if kept.is_none() {
                turn.lost_connection()?;
            }
        }
    }

    /// One request, over the connection that is kept for it, or else over a waiting one, if there is one that still
    /// lives.
    async fn ask(
        &self,
        location: &Location,
        headers: HeaderMap,
        pool: Option<&Arc<Pool>>,
        mut kept: Option<Connection>,
        deadline: &Deadline,
    ) -> Result<Answer, Kind> {
        let answer = |connection, head| {
            let home = pool.map(|pool| (Arc::clone(pool), location.origin().clone()));
            Answer { head, lease: Lease::new(connection, home) }
        };
        while let Some(mut connection) = kept.take().or_else(|| pool.and_then(|pool| pool.take(location.origin()))) {
            let ready = deadline.within(self.connect_timeout, Kind::ConnectTimeout, connection.ready()).await?;
            if ready.is_err() {
                continue;
            }
            let sent = connection.get(location, headers.clone());
            match deadline.within(self.read_timeout, Kind::HeadTimeout, sent).await?? {
                Ok(head) => return Ok(answer(connection, head)),
                // The target may have closed it at the same moment; asking again does no harm.
                Err(error) if !error.is_parse() => {}
                Err(error) => return Err(self.failure(location, &error)),
            }
        }
        // Boxed, because it is large and rarely needed.
        let connecting = Box::pin(self.connector.connect(location));
        let mut connection = deadline.within(self.connect_timeout, Kind::ConnectTimeout, connecting).await??;
        let sent = connection.get(location, headers);
        match deadline.within(self.read_timeout, Kind::HeadTimeout, sent).await?? {
            Ok(head) => Ok(answer(connection, head)),
            Err(error) => Err(self.failure(location, &error)),
        }
    }

    fn failure(&self, location: &Location, error: &hyper::Error) -> Kind {
        request_failure(error, location, self.limits.header_bytes)
    }

    /// Where the response sends the request, if it does and is to be followed.
    fn redirect(
        &self,
        location: &Location,
        head: &HttpResponse<Incoming>,
        credentials: &Credentials<'_>,
    ) -> Result<Option<Location>, Kind> {
        if !self.follow || !matches!(head.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(to) = head.headers().get(LOCATION) else {
            return Ok(None);
        };
        let to = String::from_utf8_lossy(to.as_bytes());
        let refused = |cause: String| Kind::BadRedirect { to: redact(&to).chars().take(200).collect(), cause };
        let next = location.resolve(&to).map_err(|problem| refused(problem.to_string()))?;
        if location.socket() != next.socket() && next.socket().is_some() {
            return Err(refused("only `http` and `https` are followed".to_owned()));
        }
        if location.is_tls() && !next.is_tls() && (self.headers.are_secret() || credentials.are_secret()) {
            return Err(refused(
                "it leaves HTTPS although credentials or own headers are configured; set the URL to where it should go"
                    .to_owned(),
            ));
        }
        Ok(Some(next))
    }

    fn respond(&self, location: &Location, answer: Answer, deadline: Deadline) -> Response {
        let (parts, incoming) = answer.head.into_parts();
        let reason = match parts.extensions.get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let head =
            Head { status: parts.status.as_u16(), reason, final_url: location.to_string(), headers: parts.headers };
        let wire = Wire { incoming, lease: answer.lease, deadline, read_timeout: self.read_timeout, received: 0 };
        let body = Body::from_wire(&head, wire, &self.limits);
        Response { head, body }
    }

    /// The connection of an answer that is of no interest, once its small body is read.
    async fn reclaim(&self, answer: Answer, deadline: Deadline) -> Option<Connection> {
        const LIMIT: usize = 64 << 10;
        let connection = answer.lease.take()?;
        let mut incoming = answer.head.into_body();
        let reading = async {
            let mut received = 0;
            while let Some(frame) = incoming.frame().await {
                received += frame.ok()?.into_data().map_or(0, |data| data.len());
                if received > LIMIT {
                    return None;
                }
            }
            Some(connection)
        };
        deadline.within(self.read_timeout, Kind::HeadTimeout, reading).await.ok()?
    }

    /// Reads the small body that redirects have, so that the connection can serve the next request; a large or slow one
    /// is not worth it.
    async fn discard(&self, answer: Answer, deadline: Deadline) {
        const LIMIT: u64 = 64 << 10;
        const PATIENCE: Duration = Duration::from_millis(100);
        if self.pool.is_none() {
            return;
        }
        let incoming = answer.head.into_body();
        let mut wire = Wire { incoming, lease: answer.lease, deadline, read_timeout: PATIENCE, received: 0 };
        let reading = async { while let Ok(Some(_)) = wire.next(LIMIT).await {} };
        // Late is as good as never: then the connection is cut.
        drop(tokio::time::timeout(PATIENCE, reading).await);
    }
}
