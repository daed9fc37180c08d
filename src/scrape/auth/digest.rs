//! Digest authentication (RFC 7616): a proof of the password for each request, from a nonce of the target.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};
use md5::{Digest as _, Md5};
use ring::digest::{SHA256, SHA512_256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::challenge::{Challenge, challenges, parameters};
use super::{Next, asks, secret_value};
use crate::config::DigestAuth;
use crate::discover::{Location, Origin};

/// The credentials, and the nonce that can be used again.
pub(super) struct Digest {
    settings: DigestAuth,
    session: Mutex<Option<Session>>,
}

/// What an origin asked for, and how often it was answered.
#[derive(Clone)]
struct Session {
    origin: Origin,
    demand: Demand,
    /// One for the life of the nonce, so that servers that take the first and those that take the present one for the
    /// `-sess` algorithms both find the same.
    cnonce: String,
    count: u32,
}

/// A challenge that can be answered.
#[derive(Clone)]
struct Demand {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    hash: Hash,
    /// How the target spells the algorithm; none if it does not.
    algorithm: Option<String>,
    sess: bool,
    /// Whether the quality of protection is `auth`; else there is none, as RFC 2069 had it.
    qop: bool,
    userhash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512Of256,
}

/// One request.
pub(super) struct DigestTurn<'a> {
    digest: &'a Digest,
    location: &'a Location,
    /// The nonces that were answered in this turn.
    answered: Vec<String>,
    /// Whether the last of them is one that the target gave in this turn.
    demanded: bool,
}

/// Answers to challenges in one turn: a kept nonce that is stale, and then one whose successor is stale already.
const ANSWERS: usize = 3;

impl Digest {
    pub(super) fn new(settings: &DigestAuth) -> Self {
        Self { settings: settings.clone(), session: Mutex::default() }
    }

    pub(super) fn turn<'a>(&'a self, location: &'a Location) -> DigestTurn<'a> {
        DigestTurn { digest: self, location, answered: Vec::new(), demanded: false }
    }
}

impl DigestTurn<'_> {
    /// The header, if the target has asked for one before.
    pub(super) fn authorization(&mut self) -> Option<HeaderValue> {
        let mut session = self.digest.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = session.as_mut().filter(|session| session.origin == self.location.origin().normal())?;
        session.count += 1;
        self.answered.push(session.demand.nonce.clone());
        let text = session.header(&self.digest.settings, self.location.path_and_query());
        secret_value(text.as_bytes())
    }

    pub(super) fn answer(&mut self, status: StatusCode, headers: &HeaderMap) -> Next {
        let mut session = self.digest.session.lock().unwrap_or_else(PoisonError::into_inner);
        if !asks(status) {
            if let Some(session) = session.as_mut().filter(|session| session.origin == self.location.origin().normal())
                && let Some(next) = next_nonce(headers)
            {
                (session.demand.nonce, session.count) = (next, 0);
            }
            return Next::Final;
        }
        *session = None;
        let offered = challenges(headers);
        let Some((demand, stale)) = offered.iter().find_map(Demand::of) else { return Next::Final };
        // The same nonce again, or another one although the last was not stale: the credentials are wrong.
        let refused = self.answered.contains(&demand.nonce) || (self.demanded && !stale);
        if refused || self.answered.len() >= ANSWERS {
            return Next::Final;
        }
        let Some(cnonce) = random() else { return Next::Final };
        *session = Some(Session { origin: self.location.origin().normal(), demand, cnonce, count: 0 });
        self.demanded = true;
        Next::Again
    }
}

/// The nonce that the target announces for the next request.
fn next_nonce(headers: &HeaderMap) -> Option<String> {
    let info = headers.get("authentication-info")?;
    let found = parameters(&String::from_utf8_lossy(info.as_bytes()));
    found.into_iter().find(|(name, _)| name == "nextnonce").map(|(_, nonce)| nonce)
}

fn random() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

impl Demand {
    /// What a challenge asks, and whether it says that the nonce of the last answer was merely too old. None if it is
    /// no digest challenge or one that asks for what is not known.
    fn of(challenge: &Challenge) -> Option<(Self, bool)> {
        if challenge.scheme != "digest" {
            return None;
        }
        let algorithm = challenge.get("algorithm");
        let lower = algorithm.unwrap_or("MD5").to_ascii_lowercase();
        let (name, sess) = lower.strip_suffix("-sess").map_or((lower.as_str(), false), |name| (name, true));
        let hash = match name {
            "md5" => Hash::Md5,
            "sha-256" => Hash::Sha256,
            "sha-512-256" => Hash::Sha512Of256,
            _ => return None,
        };
        let qop = challenge.get("qop");
        if qop.is_some_and(|qop| !qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth"))) {
            return None;
        }
        let is_true = |name| challenge.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let demand = Self {
            realm: challenge.get("realm")?.to_owned(),
            nonce: challenge.get("nonce")?.to_owned(),
            opaque: challenge.get("opaque").map(str::to_owned),
            hash,
            algorithm: algorithm.map(str::to_owned),
            sess,
            qop: qop.is_some(),
            userhash: is_true("userhash"),
        };
        Some((demand, is_true("stale")))
    }
}

impl Session {
    /// The header for a GET of `uri`.
    fn header(&self, user: &DigestAuth, uri: &str) -> String {
        let Demand { realm, nonce, hash, .. } = &self.demand;
        let (username, password) = (user.username.expose(), user.password.expose());
        let mut secret = hash.of(&format!("{username}:{realm}:{password}"));
        if self.demand.sess {
            secret = hash.of(&format!("{secret}:{nonce}:{}", self.cnonce));
        }
        let request = hash.of(&format!("GET:{uri}"));
        let count = format!("{:08x}", self.count);
        let response = if self.demand.qop {
            hash.of(&format!("{secret}:{nonce}:{count}:{}:auth:{request}", self.cnonce))
        } else {
            hash.of(&format!("{secret}:{nonce}:{request}"))
        };
        let shown = if self.demand.userhash { hash.of(&format!("{username}:{realm}")) } else { escaped(username) };
        let mut header = format!(
            "Digest username=\"{shown}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
            escaped(realm),
            escaped(nonce),
            escaped(uri)
        );
        if let Some(algorithm) = &self.demand.algorithm {
            let _ = write!(header, ", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.demand.opaque {
            let _ = write!(header, ", opaque=\"{}\"", escaped(opaque));
        }
        if self.demand.qop {
            let _ = write!(header, ", qop=auth, nc={count}");
        }
        if self.demand.qop || self.demand.sess {
            let _ = write!(header, ", cnonce=\"{}\"", self.cnonce);
        }
        if self.demand.userhash {
            header.push_str(", userhash=true");
        }
        header
    }
}

impl Hash {
    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
            Self::Sha512Of256 => hex(digest(&SHA512_256, text.as_bytes()).as_ref()),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// The header for the challenge, as a set of parts.
    fn answered(challenge: &str, user: &str, password: &str, cnonce: &str, uri: &str) -> Vec<(String, String)> {
        let headers = HeaderMap::from_iter([(hyper::header::WWW_AUTHENTICATE, challenge.parse().unwrap())]);
        let (demand, _) = challenges(&headers).iter().find_map(Demand::of).unwrap();
        let origin = Location::parse("http://h/").unwrap().0.origin().normal();
        let session = Session { origin, demand, cnonce: cnonce.into(), count: 1 };
        let user = DigestAuth { username: Secret::new(user), password: Secret::new(password) };
        parameters(session.header(&user, uri).strip_prefix("Digest ").unwrap())
    }

    fn response(parts: &[(String, String)]) -> &str {
        &parts.iter().find(|(name, _)| name == "response").unwrap().1
    }

    #[test]
    fn answers_the_examples_of_rfc_7616() {
        // Section 3.9.1.
        let challenge = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let parts = answered(&challenge(algorithm), "Mufasa", "Circle of Life", cnonce, "/dir/index.html");
            assert_eq!(response(&parts), expected, "{algorithm}");
        }
    }

    #[test]
    fn answers_the_example_of_rfc_2617() {
        // Section 3.5.
        let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let parts = answered(challenge, "Mufasa", "Circle Of Life", "0a4f113b", "/dir/index.html");
        assert_eq!(response(&parts), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn leaves_alone_what_it_does_not_know() {
        for challenge in [
            "Basic realm=\"x\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        ] {
            let headers = HeaderMap::from_iter([(hyper::header::WWW_AUTHENTICATE, challenge.parse().unwrap())]);
            assert!(challenges(&headers).iter().find_map(Demand::of).is_none(), "{challenge}");
        }
    }
}
