//! What the errors of TLS mean for the one who reads the message.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::certificate::{date, shown};
use super::chain::ChainProblem;

/// What a certificate is for is listed up to this many names.
const NAMES: usize = 5;

/// Who is at the other end of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrape) enum Side {
    Target {
        /// Whether a client certificate is there for it.
        shows_certificate: bool,
    },
    /// It gets to see no client certificate.
    Proxy,
}

impl Side {
    fn whom(self) -> &'static str {
        match self {
            Self::Target { .. } => "the target",
            Self::Proxy => "the proxy",
        }
    }
}

/// What went wrong, why, and what to do.
pub(in crate::scrape) fn tls_problem(error: &Error, side: Side) -> String {
    let whom = side.whom();
    match error {
        Error::InvalidCertificate(problem) => certificate_problem(problem, side),
        Error::AlertReceived(alert) => alert_problem(*alert, side),
        Error::InvalidMessage(_) => {
            format!("{whom} does not answer with TLS ({error}); should its URL begin with `http://`?")
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => no_common_version(whom),
        Error::PeerIncompatible(_) => format!(
            "{whom} and Retriever have no way of TLS in common ({error}); see `tls_ciphers` and \
             `tls_protocols_allowed`, and update {whom}"
        ),
        other => other.to_string(),
    }
}

fn no_common_version(whom: &str) -> String {
    format!(
        "{whom} does not speak a version of TLS that is offered; TLS 1.2 and 1.3 are, unless `tls_protocols_allowed` \
         names only one of them: allow it there, or update {whom}"
    )
}

fn certificate_problem(problem: &CertificateError, side: Side) -> String {
    use CertificateError as Cert;
    let whom = side.whom();
    match problem {
        Cert::ExpiredContext { time, not_after } => format!(
            "the certificate of {whom} expired on {}, and now it is {}; renew it there, or check the clock of this \
             machine",
            date(*not_after),
            date(*time)
        ),
        Cert::NotValidYetContext { time, not_before } => format!(
            "the certificate of {whom} is not valid before {}, and now it is {}; check the clocks of both machines",
            date(*not_before),
            date(*time)
        ),
        Cert::NotValidForNameContext { expected, presented } => format!(
            "the certificate of {whom} is for {}, not for `{}`; use a name that it is for in the URL{}, or accept any \
             name with `tls_validate_hostname: false`",
            names(presented),
            shown(&expected.to_str()),
            or_host_header(side)
        ),
        Cert::UnknownIssuer => format!(
            "the certificate of {whom} comes from an unknown issuer; set `tls_ca_cert` to a file with the certificate of \
             the issuer"
        ),
        Cert::Revoked => format!("the certificate of {whom} was revoked by its issuer; get a new one there"),
        Cert::BadSignature => format!(
            "the certificate of {whom} has a signature that does not fit; it was damaged or is not what it claims to \
             be: replace it there"
        ),
        Cert::InvalidPurposeContext { .. } | Cert::InvalidPurpose => format!(
            "the certificate of {whom} is not made for servers ({problem}); get one with the purpose `serverAuth` there"
        ),
        Cert::Other(cause) => match cause.0.downcast_ref::<ChainProblem>() {
            Some(problem) => problem.told(whom),
            None => unacceptable(problem, whom),
        },
        other => unacceptable(other, whom),
    }
}

fn unacceptable(problem: &CertificateError, whom: &str) -> String {
    format!("the certificate of {whom} is not accepted ({problem}); replace it there")
}

fn or_host_header(side: Side) -> &'static str {
    match side {
        Side::Target { .. } => ", or give it in a `Host` header with `tls_use_host_header: true`",
        Side::Proxy => "",
    }
}

/// The names of a certificate, which come in the form `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all (only alternative names count, not the common name)".to_owned();
    }
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        format!("`{}`", shown(inner.trim_matches('"')))
    };
    let mut list = presented.iter().take(NAMES).map(bare).collect::<Vec<_>>().join(", ");
    if presented.len() > NAMES {
        list = format!("{list} and {} more", presented.len() - NAMES);
    }
    list
}

fn alert_problem(alert: AlertDescription, side: Side) -> String {
    use AlertDescription as Alert;
    let whom = side.whom();
    let why = match alert {
        Alert::CertificateRequired => {
            return match side {
                Side::Target { .. } => {
                    "the target asks for a client certificate; set `tls_cert` and `tls_private_key`".to_owned()
                }
                Side::Proxy => {
                    "the proxy asks for a client certificate, which is not shown to proxies; let it ask for \
                                user name and password instead"
                        .to_owned()
                }
            };
        }
        Alert::ProtocolVersion => return no_common_version(whom),
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            let certificate = match side {
                Side::Target { .. } => "a client certificate (`tls_cert`) that it accepts",
                Side::Proxy => "a client certificate, which is not shown to proxies",
            };
            return format!(
                "{whom} refused the handshake ({alert:?}): it has no cipher suite in common with those that are offered \
                 (see `tls_ciphers` and `tls_protocols_allowed`), or it asks for {certificate}"
            );
        }
        Alert::UnrecognisedName => {
            return format!(
                "{whom} does not know the host name that it was asked for; use its own name in the URL{}",
                or_host_header(side)
            );
        }
        Alert::UnknownCA => "does not know the issuer of",
        Alert::CertificateExpired => "finds too old",
        Alert::CertificateRevoked => "finds revoked",
        Alert::BadCertificate | Alert::CertificateUnknown | Alert::UnsupportedCertificate | Alert::AccessDenied => {
            "does not accept"
        }
        other => return format!("{whom} broke off the handshake ({other:?}); its log may say why"),
    };
    match side {
        Side::Target { shows_certificate: true } => {
            format!("{whom} {why} the client certificate ({alert:?}); set `tls_cert` to one that it accepts")
        }
        Side::Target { shows_certificate: false } => format!(
            "{whom} refused the handshake ({alert:?}); if it asks for a client certificate, set `tls_cert` and \
             `tls_private_key` to one that it accepts"
        ),
        Side::Proxy => {
            format!(
                "{whom} refused the handshake ({alert:?}); it may ask for a client certificate, which is not shown to proxies"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_the_names_of_a_certificate() {
        let presented = |count: usize| (0..count).map(|i| format!("DnsName(\"{i}.example\")")).collect::<Vec<_>>();
        assert_eq!(names(&["IpAddress(::1)".to_owned()]), "`::1`");
        assert_eq!(names(&presented(2)), "`0.example`, `1.example`");
        assert!(names(&presented(7)).ends_with("`4.example` and 2 more"), "{}", names(&presented(7)));
        assert!(names(&[]).starts_with("no name at all"));
    }

    /// What no server of the tests sends.
    #[test]
    fn rare_refusals_say_what_to_do() {
        for (error, shows, part) in [
            (Error::AlertReceived(AlertDescription::CertificateRevoked), true, "finds revoked the client certificate"),
            (Error::AlertReceived(AlertDescription::CertificateExpired), true, "finds too old the client certificate"),
            (Error::AlertReceived(AlertDescription::AccessDenied), false, "if it asks for a client certificate"),
            (Error::AlertReceived(AlertDescription::UnrecognisedName), false, "`tls_use_host_header: true`"),
            (Error::AlertReceived(AlertDescription::InternalError), false, "its log may say why"),
            (CertificateError::Revoked.into(), false, "was revoked"),
        ] {
            let message = tls_problem(&error, Side::Target { shows_certificate: shows });
            assert!(message.contains(part), "{message}");
        }
    }
}
