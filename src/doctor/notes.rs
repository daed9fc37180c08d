//! Notes what happens to the requests of one client, and when.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ACCEPT, DATE, HeaderMap, HeaderName, WWW_AUTHENTICATE};
use rustls::{ProtocolVersion, SupportedCipherSuite};
use tokio::time::Instant;

use crate::calendar::from_http_date;
use crate::config::Proxy;
use crate::discover::Location;
use crate::network::{CredentialSource, Event, Observer, Whom};
use crate::scrape::Described;
use crate::time::UnixTime;

/// What was noted so far.
#[derive(Default)]
pub(super) struct Notebook(Mutex<Record>);

/// All of it.
#[derive(Clone, Default)]
pub(super) struct Record {
    /// The credentials of each attempt: a token that failed is renewed once.
    pub(super) credentials: Vec<Shown>,
    pub(super) hops: Vec<Hop>,
    pub(super) received: u64,
    pub(super) decoded: u64,
    /// When the last bytes came.
    pub(super) last_byte: Option<Instant>,
}

/// What a scrape shows of its sender.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) source: Option<CredentialSource>,
    pub(super) token_until: Option<UnixTime>,
}

/// One request and the way that it took.
#[derive(Clone, Default)]
pub(super) struct Hop {
    pub(super) location: Option<Location>,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) began: Option<Instant>,
    pub(super) accept: Option<String>,
    pub(super) reused: bool,
    pub(super) look_ups: Vec<LookUp>,
    pub(super) connected: Option<Moment<Option<SocketAddr>>>,
    pub(super) tunnelled: Option<Moment<()>>,
    pub(super) proxy_tls: Handshake,
    pub(super) tls: Handshake,
    pub(super) sent: Option<Instant>,
    pub(super) head: Option<Moment<Answer>>,
    /// Whether the answer asked for credentials that were then given.
    pub(super) challenged: bool,
    pub(super) redirected: bool,
}

/// Something, and how long it took since what came before it.
#[derive(Clone, Copy)]
pub(super) struct Moment<T> {
    pub(super) what: T,
    pub(super) took: Duration,
}

/// The addresses of a name.
#[derive(Clone)]
pub(super) struct LookUp {
    pub(super) host: String,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) took: Duration,
}

/// What is known of a TLS handshake.
#[derive(Clone, Default)]
pub(super) struct Handshake {
    pub(super) chain: Vec<Certificate>,
    /// Whether the peer asked for a client certificate, and then whether one was shown.
    pub(super) client_certificate: Option<bool>,
    pub(super) secured: Option<Moment<Session>>,
}

/// What was agreed upon.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) version: Option<ProtocolVersion>,
    pub(super) cipher: Option<SupportedCipherSuite>,
    pub(super) application: Option<String>,
}

/// What a certificate says about itself.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) names: Vec<String>,
    /// Seconds since the epoch.
    pub(super) not_before: i64,
    /// Seconds since the epoch.
    pub(super) not_after: i64,
}

/// The head of an answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The ways to authenticate that it names in `WWW-Authenticate`.
    pub(super) schemes: Vec<String>,
    /// Seconds since the epoch, as the peer has it in `Date`; it says them without a fraction.
    pub(super) date: Option<i64>,
    /// What the clock here said then.
    pub(super) at: UnixTime,
}

impl Notebook {
    /// For a client that does not say when its request begins: now.
    pub(super) fn of_one_request() -> Self {
        let hop = Hop { began: Some(Instant::now()), ..Hop::default() };
        Self(Mutex::new(Record { hops: vec![hop], ..Record::default() }))
    }

    pub(super) fn read(&self) -> Record {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Hop {
    /// The host to which the first connection is made.
    pub(super) fn first_host(&self) -> Option<String> {
        match (&self.proxy, &self.location) {
            (Some(proxy), _) => Some(proxy.host().to_owned()),
            (None, Some(location)) => Some(location.host().to_owned()),
            (None, None) => None,
        }
    }

    /// The time since the last step of the connection.
    fn since(&self, now: Instant) -> Duration {
        let looked_up: Duration = self.look_ups.iter().map(|look_up| look_up.took).sum();
        let steps = [
            self.connected.as_ref().map(|moment| moment.took),
            self.tunnelled.as_ref().map(|moment| moment.took),
            self.proxy_tls.secured.as_ref().map(|moment| moment.took),
            self.tls.secured.as_ref().map(|moment| moment.took),
        ];
        let spent = looked_up + steps.into_iter().flatten().sum::<Duration>();
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began).saturating_sub(spent))
    }

    fn handshake(&mut self, whom: Whom) -> &mut Handshake {
        match whom {
            Whom::Target => &mut self.tls,
            Whom::Proxy => &mut self.proxy_tls,
        }
    }
}

impl Record {
    fn note(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Credentials { source, token_until } => {
                self.credentials.push(Shown { source, token_until });
            }
            Event::Request { location, proxy, headers } => self.hops.push(Hop {
                location: Some(location.clone()),
                proxy: proxy.cloned(),
                began: Some(now),
                accept: text(headers, &ACCEPT),
                ..Hop::default()
            }),
            Event::Received(bytes) => {
                self.received += bytes as u64;
                self.last_byte = Some(now);
            }
            Event::Decoded(bytes) => self.decoded += bytes as u64,
            other => {
                if let Some(hop) = self.hops.last_mut() {
                    hop.note(other, now);
                }
            }
        }
    }
}

impl Hop {
    fn note(&mut self, event: Event<'_>, now: Instant) {
        let took = self.since(now);
        match event {
            Event::Reused => {
                self.reused = true;
                self.sent = Some(now);
            }
            Event::LookedUp { host, addresses } => {
                self.look_ups.push(LookUp { host: host.to_owned(), addresses: addresses.to_vec(), took });
            }
            Event::Connected { address } => self.connected = Some(Moment { what: Some(address), took }),
            Event::SocketConnected => self.connected = Some(Moment { what: None, took }),
            Event::Tunnelled => self.tunnelled = Some(Moment { what: (), took }),
            Event::Certificates { whom, chain } => {
                let described = chain.iter().filter_map(Described::read);
                self.handshake(whom).chain = described.map(|described| Certificate::of(&described)).collect();
            }
            Event::ClientCertificate { whom, shown } => self.handshake(whom).client_certificate = Some(shown),
            Event::Secured { whom, version, cipher, application } => {
                let application = application.map(|name| String::from_utf8_lossy(name).into_owned());
                let what = Session { version, cipher, application };
                self.handshake(whom).secured = Some(Moment { what, took });
            }
            Event::Sent => self.sent = Some(now),
            Event::Head { status, headers } => {
                let date = text(headers, &DATE).and_then(|date| from_http_date(&date));
                let took = self.sent.map_or(took, |sent| now.saturating_duration_since(sent));
                self.head = Some(Moment {
                    what: Answer { status, schemes: schemes(headers), date, at: UnixTime::now() },
                    took,
                });
            }
            Event::Challenged => self.challenged = true,
            Event::Redirected => self.redirected = true,
            // The record has them.
            Event::Credentials { .. } | Event::Request { .. } | Event::Received(_) | Event::Decoded(_) => {}
        }
    }
}

impl Certificate {
    fn of(described: &Described) -> Self {
        let (not_before, not_after) = described.validity();
        let seconds = |time: rustls::pki_types::UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self {
            subject: described.subject(),
            issuer: described.issuer(),
            names: described.names(),
            not_before: seconds(not_before),
            not_after: seconds(not_after),
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

/// The first word of each challenge; what follows it may be anything.
fn schemes(headers: &HeaderMap) -> Vec<String> {
    let words = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()?.split(' ').next());
    let is_scheme =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    words.filter(is_scheme).map(|word| word.chars().take(20).collect()).collect()
}

impl Observer for Notebook {
    fn observe(&self, event: Event<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(event, Instant::now());
    }
}
