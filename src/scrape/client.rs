//! Fetches one exposition: connection, redirects, and the head of the response; the body follows as it arrives.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderMap, LOCATION};
use hyper::{Response as HttpResponse, StatusCode};
use tokio::time::Instant;

use super::auth::{Authenticator, Credentials, Freshness, Next};
use super::body::{Body, Wire};
use super::connect::{Connection, Connector};
use super::deadline::Deadline;
use super::error::{ClientError, Kind, ScrapeError};
use super::failure::shown;
use super::head::Head;
use super::pool::{Lease, Peer, Pool, Pools};
use super::request::RequestHeaders;
use super::tls::{HttpVersions, Materials, Tls};
use crate::config::{BodyLimits, HttpSettings};
use crate::discover::{Endpoint, Location, redact};
use crate::network::{Event, Observed, Observer};
use crate::time::UnixTime;

/// Tells the time of signatures and of the lifetime of tokens.
pub type Clock = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// Fetches the endpoints of one instance with its settings.
pub struct Client {
    connector: Connector,
    tls: Tls,
    headers: RequestHeaders,
    authenticator: Authenticator,
    clock: Clock,
    /// None: every request has its own connection.
    pools: Option<Pools>,
    connect_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Duration,
    follow: bool,
    log_requests: bool,
    limits: BodyLimits,
    observed: Observed,
}

/// What a target answered.
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body, of which nothing may have arrived yet.
    pub body: Body,
}

/// What the connections of one scrape are made with and kept in.
#[derive(Clone)]
struct Means {
    tls: Materials,
    pool: Option<Arc<Pool>>,
    deadline: Deadline,
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
        Self::build(settings, user_agent, clock, Observed::default())
    }

    /// Like [`Client::new`], and tells of each step of each request.
    pub(crate) fn observed(
        settings: &HttpSettings,
        user_agent: &str,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, ClientError> {
        Self::build(settings, user_agent, Arc::new(UnixTime::now), Observed::by(observer))
    }

    fn build(settings: &HttpSettings, user_agent: &str, clock: Clock, observed: Observed) -> Result<Self, ClientError> {
        let authenticator = Authenticator::new(settings)?;
        let versions = if authenticator.needs_http1() { HttpVersions::Http1 } else { HttpVersions::All };
        Ok(Self {
            connector: Connector::new(settings, versions, &observed)?,
            tls: Tls::new(settings)?,
            headers: RequestHeaders::new(settings, user_agent)?,
            authenticator,
            clock,
            pools: settings.persist_connections.then(Pools::default),
            connect_timeout: settings.connect_timeout,
            read_timeout: settings.read_timeout,
            total_timeout: settings.total_timeout,
            follow: settings.allow_redirects,
            log_requests: settings.log_requests,
            limits: settings.limits,
            observed,
        })
    }

    /// Asks the endpoint for its exposition, follows redirects, and returns as soon as the head is there, whatever its
    /// status. The body is under the same deadline.
    ///
    /// Where a token is used, a failure or a status of 400 to 599 has it renewed once; what comes then is final.
    pub async fn fetch(&self, endpoint: &Endpoint) -> Result<Response, ScrapeError> {
        let means = self.means().await;
        let credentials = self.credentials(endpoint, Freshness::Kept, &means.deadline).await?;
        let first = self.follow(endpoint, &credentials, &means).await;
        let failed = match &first {
            Ok(response) => ScrapeError::for_status(&response.head).is_some(),
            Err(_) => true,
        };
        if !failed || !self.authenticator.can_renew() {
            return first;
        }
        drop(first);
        let credentials = self.credentials(endpoint, Freshness::Renewed, &means.deadline).await?;
        self.follow(endpoint, &credentials, &means).await
    }

    /// What a scrape that begins now is made with.
    async fn means(&self) -> Means {
        let deadline = Deadline::after(self.total_timeout);
        let tls = self.tls.materials(Instant::now()).await;
        let pool = self.pools.as_ref().map(|pools| pools.of(&tls));
        Means { tls, pool, deadline }
    }

    async fn credentials(
        &self,
        endpoint: &Endpoint,
        freshness: Freshness,
        deadline: &Deadline,
    ) -> Result<Credentials<'_>, ScrapeError> {
        let getting = self.authenticator.credentials(endpoint, freshness, (self.clock)());
        let got = deadline.whole(getting).await.and_then(|got| got.map_err(Kind::from));
        let got = got.map_err(|kind| ScrapeError::new(endpoint.to_string(), kind))?;
        self.observed.tell(|| got.event());
        Ok(got)
    }

    /// The response at the end of all redirects.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        credentials: &Credentials<'_>,
        means: &Means,
    ) -> Result<Response, ScrapeError> {
        let mut location = endpoint.location().clone();
        // Once a redirect has left the origin, credentials do not come back even if it returns there.
        let mut trusted = true;
        let mut redirects = 0;
        loop {
            let failed = |kind| ScrapeError::new(location.to_string(), kind);
            let entrusted = trusted.then_some(credentials);
            let answer = self.converse(&location, entrusted, means).await.map_err(failed)?;
            if answer.head.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Err(failed(Kind::NotHttp(format!("{}, which nobody asked for", answer.head.status()))));
            }
            let Some(next) = self.redirect(&location, &answer.head, credentials).map_err(failed)? else {
                return Ok(self.respond(&location, answer, means.deadline));
            };
            if redirects == self.limits.redirects {
                return Err(failed(Kind::TooManyRedirects(redirects, shown(&next.to_string()))));
            }
            redirects += 1;
            self.observed.tell(|| Event::Redirected);
            self.discard(answer, means.deadline).await;
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
        means: &Means,
    ) -> Result<Answer, Kind> {
        let mut headers = self.headers.of_request(credentials.is_some());
        let Some(credentials) = credentials else {
            // A connection that was authenticated may still be open.
            let apart = self.authenticator.binds_connections();
            let means = if apart { &Means { pool: None, ..means.clone() } } else { means };
            return self.ask(location, headers, None, means).await;
        };
        let mut turn = credentials.request(location);
        let mut kept: Option<Connection> = None;
        loop {
            let certificate = kept.as_ref().and_then(Connection::certificate);
            means.deadline.whole(turn.prepare(&mut headers, certificate, (self.clock)())).await??;
            let answer = self.ask(location, headers.clone(), kept, means).await?;
            match means.deadline.whole(turn.answer(&answer.head)).await?? {
                Next::Final => return Ok(answer),
                Next::Again => {
                    self.observed.tell(|| Event::Challenged);
                    kept = self.reclaim(answer, means.deadline).await;
                }
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
        mut kept: Option<Connection>,
        means: &Means,
    ) -> Result<Answer, Kind> {
        if self.log_requests {
            tracing::debug!("GET {location}");
        }
        let Means { tls, pool, deadline } = means;
        let peer = Peer::new(location.origin(), self.connector.proxy(location).cloned());
        self.observed.tell(|| Event::Request { location, proxy: peer.proxy(), headers: &headers });
        while let Some(mut connection) = kept.take().or_else(|| pool.as_ref()?.take(&peer)) {
            let ready = deadline.within(self.connect_timeout, Kind::ConnectTimeout, connection.ready()).await?;
            if ready.is_err() {
                continue;
            }
            self.observed.tell(|| Event::Reused);
            let sent = connection.get(location, headers.clone());
            match deadline.within(self.read_timeout, Kind::HeadTimeout, sent).await?? {
                Ok(head) => return Ok(self.answer(peer, connection, head, pool.as_ref())),
                // The target may have closed it at the same moment; asking again does no harm.
                Err(error) if !error.is_parse() => {}
                Err(error) => return Err(self.connector.failure(location, peer.proxy(), tls, &error)),
            }
        }
        // Boxed, because it is large and rarely needed.
        let connecting = self.connector.connect(location, peer.proxy(), tls, self.tls.server_name(&headers));
        let connecting = Box::pin(connecting);
        if let Some(proxy) = peer.proxy() {
            tracing::debug!("`{location}` is reached through the proxy {proxy}");
        }
        let mut connection = deadline.within(self.connect_timeout, Connector::late(peer.proxy()), connecting).await??;
        self.observed.tell(|| Event::Sent);
        let sent = connection.get(location, headers);
        match deadline.within(self.read_timeout, Kind::HeadTimeout, sent).await?? {
            Ok(head) => Ok(self.answer(peer, connection, head, pool.as_ref())),
            Err(error) => Err(self.connector.failure(location, peer.proxy(), tls, &error)),
        }
    }

    fn answer(
        &self,
        peer: Peer,
        connection: Connection,
        head: HttpResponse<Incoming>,
        pool: Option<&Arc<Pool>>,
    ) -> Answer {
        self.observed.tell(|| Event::Head { status: head.status(), headers: head.headers() });
        let home = pool.map(|pool| (Arc::clone(pool), peer));
        Answer { head, lease: Lease::new(connection, home) }
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
        let refused = |cause: String| Kind::BadRedirect { to: shown(&redact(&to)), cause: shown(&cause) };
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
        let wire = Wire {
            incoming,
            lease: answer.lease,
            deadline,
            read_timeout: self.read_timeout,
            received: 0,
            observed: self.observed.clone(),
        };
        let body = Body::from_wire(&head, wire, &self.limits);
        Response { head, body }
    }

    /// The connection of an answer that is of no interest, for the next request.
    async fn reclaim(&self, answer: Answer, deadline: Deadline) -> Option<Connection> {
        drained(answer, self.read_timeout, deadline).await?.take()
    }

    /// Has the connection of a redirect serve later requests.
    async fn discard(&self, answer: Answer, deadline: Deadline) {
        const PATIENCE: Duration = Duration::from_millis(100);
        if self.pools.is_some()
            && let Some(mut lease) = drained(answer, PATIENCE, deadline).await
        {
            lease.give_back();
        }
    }
}

/// Reads the small body that redirects and challenges have; a large or slow one is not worth it, and its connection is
/// cut.
async fn drained(answer: Answer, patience: Duration, deadline: Deadline) -> Option<Lease> {
    const LIMIT: usize = 64 << 10;
    let Answer { head, mut lease } = answer;
    let mut incoming = head.into_body();
    let reading = async {
        let mut received = 0;
        while let Some(frame) = lease.frame(&mut incoming).await {
            received += frame.ok()?.into_data().map_or(0, |data| data.len());
            if received > LIMIT {
                return None;
            }
        }
        Some(lease)
    };
    deadline.within(patience, Kind::HeadTimeout, reading).await.ok()?
}
