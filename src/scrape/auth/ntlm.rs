//! NTLM over HTTP: three requests over one connection, which is authenticated from then on.

mod message;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};
use ring::rand::{SecureRandom as _, SystemRandom};

use self::message::{Account, Challenge, Moment, Target, negotiate};
use super::binding::end_point;
use super::challenge::challenges;
use super::error::AuthError;
use super::{Next, asks, secret_value};
use crate::config::NtlmAuth;
use crate::discover::Location;
use crate::time::UnixTime;

/// The account.
pub(super) struct Ntlm {
    account: Account,
}

/// One request.
pub(super) struct NtlmTurn<'a> {
    ntlm: &'a Ntlm,
    location: &'a Location,
    /// `NTLM`, or `Negotiate` if the target offers only that.
    scheme: &'static str,
    step: Step,
}

enum Step {
    /// The connection may be authenticated already.
    Plain,
    Negotiate,
    Authenticate(Box<Challenge>),
    Done,
}

impl Ntlm {
    pub(super) fn new(settings: &NtlmAuth) -> Self {
        Self { account: Account::new(&settings.domain, settings.user.expose(), settings.password.expose()) }
    }

    pub(super) fn turn<'a>(&'a self, location: &'a Location) -> NtlmTurn<'a> {
        NtlmTurn { ntlm: self, location, scheme: "NTLM", step: Step::Plain }
    }
}

impl NtlmTurn<'_> {
    /// The header of the present step.
    pub(super) fn authorization(
        &mut self,
        certificate: Option<&[u8]>,
        now: UnixTime,
    ) -> Result<Option<HeaderValue>, AuthError> {
        let message = match &self.step {
            Step::Plain | Step::Done => return Ok(None),
            Step::Negotiate => negotiate(),
            Step::Authenticate(challenge) => {
                let mut nonce = [0; 8];
                SystemRandom::new().fill(&mut nonce).map_err(|_| AuthError::Random)?;
                let target = Target { host: self.location.host(), binding: certificate.and_then(end_point) };
                self.ntlm.account.authenticate(challenge, &Moment { now, nonce }, &target)
            }
        };
        if let Step::Authenticate(_) = self.step {
            self.step = Step::Done;
        }
        Ok(secret_value(format!("{} {}", self.scheme, BASE64.encode(message)).as_bytes()))
    }

    pub(super) fn answer(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Next, AuthError> {
        if !asks(status) {
            return Ok(Next::Final);
        }
        let offered = challenges(headers);
        let offer = |scheme: &str| offered.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme));
        match self.step {
            Step::Plain => {
                let Some(scheme) = ["NTLM", "Negotiate"].into_iter().find(|scheme| offer(scheme).is_some()) else {
                    return Ok(Next::Final);
                };
                self.scheme = scheme;
                self.step = Step::Negotiate;
                Ok(Next::Again)
            }
            Step::Negotiate => {
                let token = offer(self.scheme).and_then(|offer| offer.token.as_deref());
                let token = token.ok_or_else(|| AuthError::Ntlm("the target gave no challenge".to_owned()))?;
                let bytes = BASE64.decode(token).ok();
                let challenge = bytes.as_deref().and_then(Challenge::read);
                let challenge = challenge
                    .ok_or_else(|| AuthError::Ntlm("what the target gave is no challenge of NTLM".to_owned()))?;
                self.step = Step::Authenticate(Box::new(challenge));
                Ok(Next::Again)
            }
            Step::Authenticate(_) | Step::Done => Ok(Next::Final),
        }
    }

    /// Whether the connection is needed for the next step.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.step, Step::Authenticate(_))
    }
}
