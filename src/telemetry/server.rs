//! The listener behind Retriever's own pages: metrics, health, readiness.
//!
//! It is made for a monitoring system or two: few connections at a time, each for a bounded time, so that whoever holds
//! connections open cannot keep others out for long.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::metrics::Telemetry;
use super::readiness::Readiness;
use super::reload::{Reload, ReloadRequests};
use crate::submit::Health;

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// For the head of a request, and for an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// After this long a connection ends with the response that it is at.
const LIFETIME: Duration = Duration::from_mins(1);
/// For that response.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// After the system refused to accept, for lack of descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const INDEX: &str = "Retriever\n\n\
    /metrics    what Retriever counts about itself, as OpenMetrics\n\
    /-/healthy  whether the process runs\n\
    /-/ready    whether the scheduler runs and each target was tried once\n\
    /-/reload   POST: reads the settings again, if `admin_reload` allows it\n";

/// Retriever's own pages cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on `{address}` for Retriever's own pages: {source}; \
     set `admin_listen` to another address, or to `none` to do without them"
)]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// Shows Retriever's own pages over HTTP/1.1.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    address: SocketAddr,
    reload: Option<ReloadRequests>,
}

impl AdminServer {
    /// Listens; answers nothing before [`AdminServer::serve`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let bound = TcpListener::bind(address).await;
        let bound = bound.and_then(|listener| Ok(Self { address: listener.local_addr()?, listener, reload: None }));
        bound.map_err(|source| ListenError { address, source })
    }

    /// Lets whoever reaches the pages have the settings read again.
    #[must_use]
    pub fn with_reload(self, requests: ReloadRequests) -> Self {
        Self { reload: Some(requests), ..self }
    }

    /// Where it listens, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then lets responses that are on their way end, for a few seconds at most.
    pub async fn serve(self, telemetry: Telemetry, readiness: Readiness, shutdown: impl Future<Output = ()>) {
        let pages = Arc::new(Pages { telemetry, readiness, reload: self.reload });
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(answer(stream, Arc::clone(&pages), stopped.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, address = %self.address, "cannot accept a connection to the own pages");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        drop(stop);
        while connections.join_next().await.is_some() {}
    }
}

/// Answers the requests of one connection.
async fn answer<S>(stream: S, pages: Arc<Pages>, mut stopped: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request: hyper::Request<_>| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(pages.response(request.method(), request.uri().path()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        // The sender never sends: this is its end.
        _ = stopped.changed() => None,
        () = sleep(LIFETIME) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        timeout(GRACE, connection).await.unwrap_or(Ok(()))
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the own pages broke off");
    }
}

/// What the server shows.
#[derive(Debug)]
struct Pages {
    telemetry: Telemetry,
    readiness: Readiness,
    reload: Option<ReloadRequests>,
}

impl Pages {
    /// The response to a request; that to HEAD is stripped of its body by hyper.
    async fn response(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if path == "/-/reload" {
            return self.reload(method).await;
        }
        let page: fn(&Self) -> Response<Full<Bytes>> = match path {
            "/" => |_| text(StatusCode::OK, INDEX),
            "/metrics" => Self::metrics,
            "/-/healthy" => |_| text(StatusCode::OK, "healthy\n"),
            "/-/ready" => Self::ready,
            _ => return text(StatusCode::NOT_FOUND, format!("no such page\n\n{INDEX}")),
        };
        if method != Method::GET && method != Method::HEAD {
            return not_allowed("only GET and HEAD are allowed here\n", "GET, HEAD");
        }
        page(self)
    }

    /// Answers once the settings were read.
    async fn reload(&self, method: &Method) -> Response<Full<Bytes>> {
        let Some(requests) = &self.reload else {
            return text(StatusCode::FORBIDDEN, "set `admin_reload` to `true` to allow this, and start anew\n");
        };
        if method != Method::POST && method != Method::PUT {
            return not_allowed("only POST and PUT are allowed here\n", "POST, PUT");
        }
        match requests.ask().await {
            Some((Reload::Applied | Reload::Unchanged, message)) => text(StatusCode::OK, format!("{message}\n")),
            Some((Reload::Failed, message)) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{message}\n")),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "it is stopping\n"),
        }
    }

    /// Always OpenMetrics, whatever the request would rather accept: every scraper goes by the content type.
    fn metrics(&self) -> Response<Full<Bytes>> {
        respond(StatusCode::OK, OPEN_METRICS, self.telemetry.exposition())
    }

    /// Failing delivery is told here but does not count; see [`Readiness`].
    fn ready(&self) -> Response<Full<Bytes>> {
        let (status, mut page) = match self.readiness.check(&self.telemetry) {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")),
        };
        for (_, stats) in self.telemetry.delivery() {
            if let Health::Failing { message: error, .. } = stats.health() {
                page.push_str("delivery fails: ");
                page.push_str(&error);
                page.push('\n');
            }
        }
        text(status, page)
    }
}

fn not_allowed(page: &'static str, allowed: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, page);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn text(status: StatusCode, page: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, PLAIN, page)
}

fn respond(status: StatusCode, content_type: &'static str, page: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::time::UnixTime;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// How long a connection lasts on which `client` behaves as it does; `buffer` bytes are on their way unread.
    async fn lasts<F: Future<Output = DuplexStream>>(
        buffer: usize,
        client: impl FnOnce(DuplexStream) -> F,
    ) -> Duration {
        let telemetry = Telemetry::new(UnixTime::from_seconds(0.0), Arc::new(Vec::new));
        let pages = Arc::new(Pages { telemetry, readiness: Readiness::default(), reload: None });
        let (near, far) = duplex(buffer);
        let (_stop, stopped) = watch::channel(());
        let began = Instant::now();
        let server = async {
            answer(near, pages, stopped).await;
            began.elapsed()
        };
        tokio::join!(server, client(far)).0
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for() {
        let lasted = lasts(4096, |mut far| async {
            far.write_all(&REQUEST[..20]).await.unwrap();
            far
        });
        assert_eq!(lasted.await.as_secs(), HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends() {
        assert!(lasts(4096, |far| async { far }).await <= HEAD_TIMEOUT + Duration::from_secs(1));
        let lasted = lasts(4096, |mut far| async {
            far.write_all(REQUEST).await.unwrap();
            far
        });
        assert!(lasted.await <= LIFETIME + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_left() {
        let lasted = lasts(64, |mut far| async {
            far.write_all(REQUEST).await.unwrap();
            far
        });
        assert_eq!(lasted.await.as_secs(), (LIFETIME + GRACE).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_client_has_to_connect_anew_at_times() {
        let lasted = lasts(4096, |mut far| async {
            let mut answer = [0; 4096];
            while far.write_all(REQUEST).await.is_ok() && far.read(&mut answer).await.is_ok_and(|read| read > 0) {
                sleep(Duration::from_secs(7)).await;
            }
            far
        });
        assert_eq!(lasted.await.as_secs(), LIFETIME.as_secs());
    }
}
