//! Shows a target who asks: adds credentials to requests, answers challenges, and keeps what can be used again.
//!
//! Nothing of it is for any other place than the origin that the settings name; the client sees to that.

mod aws;
mod basic;
mod binding;
mod challenge;
mod dcos;
mod digest;
mod error;
mod exchange;
mod files;
#[cfg(feature = "kerberos")]
mod kerberos;
mod netrc;
mod ntlm;
mod oauth;
mod token;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use self::aws::Aws;
pub(super) use self::basic::{basic_authorization, latin1_or_utf8};
use self::digest::{Digest, DigestTurn};
pub(super) use self::error::AuthError;
#[cfg(feature = "kerberos")]
use self::kerberos::{Kerberos, KerberosTurn};
use self::netrc::Netrc;
use self::ntlm::{Ntlm, NtlmTurn};
use self::token::Token;
use super::error::ClientError;
use crate::config::{AuthScheme, HttpSettings};
use crate::discover::{Endpoint, Location};
use crate::network::{CredentialSource, Event};
use crate::time::UnixTime;

/// Authenticates the requests of one client.
pub(super) struct Authenticator {
    scheme: Scheme,
    token: Option<Token>,
    /// None: something is configured, so that netrc does not count.
    netrc: Option<Netrc>,
}

enum Scheme {
    /// The credentials of the URL or of netrc, if there are any.
    Unset,
    Basic(HeaderValue),
    Digest(Digest),
    Ntlm(Ntlm),
    #[cfg(feature = "kerberos")]
    Kerberos(Kerberos),
    Aws(Box<Aws>),
}

/// Whether a token that is kept may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Kept,
    /// The one that is kept did not work.
    Renewed,
}

/// What the requests of one scrape show, whatever the target asks.
pub(super) struct Credentials<'a> {
    authenticator: &'a Authenticator,
    standing: HeaderMap,
    source: Option<CredentialSource>,
    token_until: Option<UnixTime>,
}

/// One request, from its first sending to the answer that counts.
pub(super) struct Turn<'a> {
    credentials: &'a Credentials<'a>,
    location: &'a Location,
    state: State<'a>,
}

enum State<'a> {
    Standing,
    Digest(DigestTurn<'a>),
    Ntlm(NtlmTurn<'a>),
    #[cfg(feature = "kerberos")]
    Kerberos(Box<KerberosTurn<'a>>),
    Aws(&'a Aws),
}

/// What comes after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is the answer.
    Final,
    /// The request is to be sent again, over the same connection.
    Again,
}

impl Authenticator {
    /// Prepares what the settings ask for; reads no file and connects to nothing.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, ClientError> {
        let auth = &settings.auth;
        let scheme = match &auth.scheme {
            AuthScheme::Unset => Scheme::Unset,
            AuthScheme::Basic(basic) => Scheme::Basic(basic::of_settings(basic)?),
            AuthScheme::Digest(digest) => Scheme::Digest(Digest::new(digest)),
            AuthScheme::Ntlm(ntlm) => Scheme::Ntlm(Ntlm::new(ntlm)),
            AuthScheme::Kerberos(kerberos) => kerberos_scheme(kerberos)?,
            AuthScheme::Aws(aws) => Scheme::Aws(Box::new(Aws::new(aws, settings)?)),
        };
        let token = auth.token.as_ref().map(|token| Token::new(token, settings)).transpose()?;
        let own = settings.headers.iter().chain(&settings.extra_headers);
        let authorizes = |name: &str| name.eq_ignore_ascii_case(AUTHORIZATION.as_str());
        let configured = !matches!(scheme, Scheme::Unset)
            || token.as_ref().is_some_and(|token| *token.header_name() == AUTHORIZATION)
            || own.map(|(name, _)| name.as_str()).any(authorizes);
        let netrc = (!configured && !auth.netrc.is_empty()).then(|| Netrc::new(auth.netrc.clone()));
        Ok(Self { scheme, token, netrc })
    }

    /// What is shown to the endpoint in one scrape. Basic authentication of the settings wins over netrc, that over the
    /// URL, and all of them over a header.
    pub(super) async fn credentials(
        &self,
        endpoint: &Endpoint,
        freshness: Freshness,
        now: UnixTime,
    ) -> Result<Credentials<'_>, AuthError> {
        let mut standing = HeaderMap::new();
        let mut token_until = None;
        if let Some(token) = &self.token {
            let header = token.header(freshness, now).await?;
            standing.insert(header.name, header.value);
            token_until = header.until;
        }
        let authorization = match &self.scheme {
            Scheme::Basic(value) => Some((value.clone(), CredentialSource::Settings)),
            Scheme::Unset => match &self.netrc {
                Some(netrc) => netrc.find(endpoint.location()).await.map(|value| (value, CredentialSource::Netrc)),
                None => None,
            }
            .or_else(|| endpoint.user().map(|user| (basic::of_user(user), CredentialSource::Url))),
            _ => None,
        };
        let source = authorization.as_ref().map(|(_, source)| *source);
        if let Some((value, _)) = authorization {
            standing.insert(AUTHORIZATION, value);
        }
        Ok(Credentials { authenticator: self, standing, source, token_until })
    }

    /// Whether a scrape that failed is worth another one with [`Freshness::Renewed`] credentials.
    pub(super) fn can_renew(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a connection, once authenticated, stays so for later requests.
    pub(super) fn binds_connections(&self) -> bool {
        match &self.scheme {
            Scheme::Ntlm(_) => true,
            #[cfg(feature = "kerberos")]
            Scheme::Kerberos(_) => true,
            Scheme::Unset | Scheme::Basic(_) | Scheme::Digest(_) | Scheme::Aws(_) => false,
        }
    }

    /// Whether it works over HTTP/1.1 only, where a connection has one user.
    pub(super) fn needs_http1(&self) -> bool {
        matches!(self.scheme, Scheme::Ntlm(_))
    }
}

#[cfg(feature = "kerberos")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn kerberos_scheme(settings: &crate::config::KerberosAuth) -> Result<Scheme, ClientError> {
    Ok(Scheme::Kerberos(Kerberos::new(settings)))
}

#[cfg(not(feature = "kerberos"))]
fn kerberos_scheme(_: &crate::config::KerberosAuth) -> Result<Scheme, ClientError> {
    Err(super::error::ClientProblem::NoKerberos.into())
}

impl Credentials<'_> {
    /// Whether there is anything that must not travel in the clear.
    pub(super) fn are_secret(&self) -> bool {
        !self.standing.is_empty() || !matches!(self.authenticator.scheme, Scheme::Unset)
    }

    /// What they are, for an observer.
    pub(super) fn event(&self) -> Event<'static> {
        Event::Credentials { source: self.source, token_until: self.token_until }
    }

    /// Begins a request to the origin of the endpoint.
    pub(super) fn request<'a>(&'a self, location: &'a Location) -> Turn<'a> {
        let state = match &self.authenticator.scheme {
            Scheme::Unset | Scheme::Basic(_) => State::Standing,
            Scheme::Digest(digest) => State::Digest(digest.turn(location)),
            Scheme::Ntlm(ntlm) => State::Ntlm(ntlm.turn(location)),
            #[cfg(feature = "kerberos")]
            Scheme::Kerberos(kerberos) => State::Kerberos(Box::new(kerberos.turn(location))),
            Scheme::Aws(aws) => State::Aws(aws),
        };
        Turn { credentials: self, location, state }
    }
}

impl Turn<'_> {
    /// Adds credentials to the headers of the request, or to those of its repetition. `certificate`: that of the peer, if
    /// the request goes over a connection that is known already and has TLS.
    pub(super) async fn prepare(
        &mut self,
        headers: &mut HeaderMap,
        certificate: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<(), AuthError> {
        for (name, value) in &self.credentials.standing {
            headers.insert(name, value.clone());
        }
        let authorization = match &mut self.state {
            State::Standing => None,
            State::Digest(turn) => turn.authorization(),
            State::Ntlm(turn) => turn.authorization(certificate, now)?,
            #[cfg(feature = "kerberos")]
            State::Kerberos(turn) => turn.authorization(certificate).await?,
            State::Aws(aws) => return aws.sign(self.location, headers, now).await,
        };
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value);
        }
        Ok(())
    }

    /// Looks at an answer.
    #[cfg_attr(not(feature = "kerberos"), expect(clippy::unused_async, reason = "Kerberos waits for its library"))]
    pub(super) async fn answer<T>(&mut self, response: &Response<T>) -> Result<Next, AuthError> {
        let (status, headers) = (response.status(), response.headers());
        match &mut self.state {
            State::Standing | State::Aws(_) => Ok(Next::Final),
            State::Digest(turn) => Ok(turn.answer(status, headers)),
            State::Ntlm(turn) => turn.answer(status, headers),
            #[cfg(feature = "kerberos")]
            State::Kerberos(turn) => turn.answer(status, headers).await,
        }
    }

    /// The connection over which the request was to be repeated is gone.
    pub(super) fn lost_connection(&self) -> Result<(), AuthError> {
        match &self.state {
            State::Ntlm(turn) if turn.is_under_way() => Err(AuthError::Ntlm(
                "the target closed the connection in the middle of it; check that it and all between keep connections"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

/// A header value that logs do not show.
fn secret_value(bytes: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether an answer asks for credentials.
fn asks(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED
}

/// The name of a header that was checked when the settings were read.
fn header_name(name: &str) -> Result<HeaderName, ClientError> {
    name.parse().map_err(|_| super::error::ClientProblem::HeaderName(name.to_owned()).into())
}
