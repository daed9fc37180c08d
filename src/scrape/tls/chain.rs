//! Why a chain of certificates is not trusted, told with the names that stand in them.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Error, OtherError};

use super::certificate::{Described, date};

/// What is wrong with a chain, where the names of its certificates help.
#[derive(Debug)]
pub(super) enum ChainProblem {
    NobodyTrusted,
    SelfSigned { subject: String },
    UnknownRoot { root: String },
    MissingIssuer { issuer: String, url: Option<String> },
    OtherKey { issuer: String },
    IssuerExpired { subject: String, not_after: String, now: String },
    IssuerNotYetValid { subject: String, not_before: String, now: String },
}

impl ChainProblem {
    /// What is wrong and what to do; `whom` the certificates belong to.
    pub(super) fn told(&self, whom: &str) -> String {
        match self {
            Self::NobodyTrusted => "this machine has no CA certificates; install them (`ca-certificates`), or set \
                                    `tls_ca_cert` to those to trust"
                .to_owned(),
            Self::SelfSigned { subject } => format!(
                "the certificate of {whom}, `{subject}`, is self-signed and not one of those that are trusted; to trust \
                 it, set `tls_ca_cert` to a file with this certificate"
            ),
            Self::UnknownRoot { root } => format!(
                "the certificate of {whom} comes from an unknown issuer, `{root}`; to trust it, set `tls_ca_cert` to a \
                 file with the certificate of this issuer"
            ),
            Self::MissingIssuer { issuer, url } => format!(
                "the issuer of the certificate, `{issuer}`, is neither trusted nor sent by {whom}; let {whom} send its \
                 whole chain, or set `tls_ca_cert` to a file with the certificate of this issuer{}",
                or_from(url.as_deref())
            ),
            Self::OtherKey { issuer } => format!(
                "a certificate of {whom} was not signed with the key of the `{issuer}` that is trusted; if that issuer \
                 has a new key, put its new certificate where `tls_ca_cert` points to"
            ),
            Self::IssuerExpired { subject, not_after, now } => format!(
                "the certificate `{subject}`, which vouches for that of {whom}, expired on {not_after}, and now it is \
                 {now}; let {whom} send a chain that is valid, or check the clock of this machine"
            ),
            Self::IssuerNotYetValid { subject, not_before, now } => format!(
                "the certificate `{subject}`, which vouches for that of {whom}, is not valid before {not_before}, and \
                 now it is {now}; check the clock of this machine"
            ),
        }
    }
}

impl fmt::Display for ChainProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told("the peer"))
    }
}

impl std::error::Error for ChainProblem {}

fn or_from(url: Option<&str>) -> String {
    url.map_or_else(String::new, |url| format!(", which is said to be at `{url}`"))
}

impl From<ChainProblem> for Error {
    fn from(problem: ChainProblem) -> Self {
        CertificateError::Other(OtherError(Arc::new(problem))).into()
    }
}

/// The same error with more in it, where the certificates tell more. What concerns only the certificate of the target
/// itself stays, and so does what the target is told about it.
pub(super) fn explain(
    error: Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) -> Error {
    let Error::InvalidCertificate(problem) = &error else { return error };
    let Some(leaf) = Described::read(end_entity) else { return error };
    let others: Vec<_> = intermediates.iter().filter_map(Described::read).collect();
    let now = date(now);
    match problem {
        CertificateError::ExpiredContext { not_after, .. } if leaf.validity().1 != *not_after => {
            match others.iter().find(|other| other.validity().1 == *not_after) {
                Some(other) => {
                    ChainProblem::IssuerExpired { subject: other.subject(), not_after: date(*not_after), now }.into()
                }
                None => error,
            }
        }
        CertificateError::NotValidYetContext { not_before, .. } if leaf.validity().0 != *not_before => {
            match others.iter().find(|other| other.validity().0 == *not_before) {
                Some(other) => {
                    let not_before = date(*not_before);
                    ChainProblem::IssuerNotYetValid { subject: other.subject(), not_before, now }.into()
                }
                None => error,
            }
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_)
            if leaf.is_named_by(&leaf) =>
        {
            ChainProblem::SelfSigned { subject: leaf.subject() }.into()
        }
        CertificateError::BadSignature => ChainProblem::OtherKey { issuer: top(&leaf, &others).issuer() }.into(),
        CertificateError::UnknownIssuer => {
            let top = top(&leaf, &others);
            if top.is_named_by(top) {
                ChainProblem::UnknownRoot { root: top.subject() }.into()
            } else {
                ChainProblem::MissingIssuer { issuer: top.issuer(), url: top.issuer_url() }.into()
            }
        }
        _ => error,
    }
}

/// The end of the chain that the target sent, followed by the names of the issuers.
fn top<'a>(leaf: &'a Described, others: &'a [Described]) -> &'a Described {
    let mut top = leaf;
    // A chain visits every certificate once; two that name each other are no reason to go round.
    for _ in others {
        if top.is_named_by(top) {
            break;
        }
        match others.iter().find(|other| other.is_named_by(top)) {
            Some(next) => top = next,
            None => break,
        }
    }
    top
}
