//! The step TLS: what was agreed upon, the certificates, and who vouches for them.

use std::time::Duration;

use rustls::ProtocolVersion;
use serde_json::{Value, json};

use super::model::{Outcome, Step, StepKind};
use super::notes::{Certificate, Handshake, Hop, Session};
use super::words::{duration, list};
use crate::calendar::rfc3339;
use crate::config::{HttpSettings, TlsSettings};
use crate::discover::Location;
use crate::time::UnixTime;

/// A certificate that ends sooner is worth a warning. Seconds.
const SOON: i64 = 14 * 86_400;

/// The step of a hop to a target.
pub(super) fn step(hop: &Hop, settings: &HttpSettings, failed: Option<&str>, now: UnixTime) -> Step {
    let handshake = &hop.tls;
    if let Some(message) = failed {
        let step = certificates(Step::failed_with(StepKind::Tls, message), handshake, "the target");
        let step = if handshake.chain.is_empty() && message.contains("within") {
            step.advise("the connection stands, and the handshake got no answer: check that TLS is spoken at this port, for if it is not, the URL begins with `http://`")
        } else {
            step
        };
        return client_certificate(step, handshake, &settings.tls);
    }
    if !hop.location.as_ref().is_some_and(Location::is_tls) {
        let text = match hop.location.as_ref().and_then(Location::socket) {
            Some(_) => "none at a unix socket",
            None => "none: the URL begins with `http://`",
        };
        return Step::not_needed(StepKind::Tls, text);
    }
    let Some(secured) = &handshake.secured else { return Step::new(StepKind::Tls, Outcome::NotTried, "") };
    let step = agreed(&secured.what, secured.took);
    let step = certificates(step, handshake, "the target").detail(trust(&settings.tls));
    ending(client_certificate(step, handshake, &settings.tls), handshake, now)
}

/// The step of a connection to the intake; `trust` says who vouches for it.
pub(super) fn step_of_intake(handshake: &Handshake, trust: &str, now: UnixTime) -> Option<Step> {
    let secured = handshake.secured.as_ref()?;
    let step = certificates(agreed(&secured.what, secured.took), handshake, "the intake").detail(trust);
    Some(ending(step, handshake, now))
}

fn agreed(session: &Session, took: Duration) -> Step {
    let version = match session.version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let cipher = session.cipher.and_then(|cipher| cipher.suite().as_str()).unwrap_or("an unknown cipher suite");
    let application = match session.application.as_deref() {
        Some("h2") => "HTTP/2",
        _ => "HTTP/1.1",
    };
    Step::fine(StepKind::Tls, format!("{version} with {cipher}, and {application} inside"))
        .took(Some(took))
        .fact("version", version)
        .fact("cipher", cipher)
        .fact("alpn", session.application.clone())
}

/// Adds the certificates that a peer has shown.
pub(super) fn certificates(mut step: Step, handshake: &Handshake, whom: &str) -> Step {
    let Some((own, others)) = handshake.chain.split_first() else { return step };
    step = step.detail(format!("The certificate of {whom}, `{}`, is for {}.", own.subject, names(&own.names))).detail(
        format!(
            "It is valid from {} to {}, and was issued by `{}`.",
            day(own.not_before),
            day(own.not_after),
            own.issuer
        ),
    );
    for other in others {
        let (subject, issuer) = (&other.subject, &other.issuer);
        step =
            step.detail(format!("Sent with it: `{subject}`, valid to {}, issued by `{issuer}`.", day(other.not_after)));
    }
    step.fact("certificates", handshake.chain.iter().map(fact).collect::<Value>())
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "no name at all".to_owned() } else { list(names) }
}

fn day(seconds: i64) -> String {
    let text = rfc3339(seconds);
    text.split('T').next().unwrap_or(&text).to_owned()
}

fn fact(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": certificate.names,
        "not_before": rfc3339(certificate.not_before),
        "not_after": rfc3339(certificate.not_after),
    })
}

/// Who vouches for a certificate that was accepted.
fn trust(settings: &TlsSettings) -> String {
    let name =
        if settings.validate_hostname { "" } else { " Its name is not compared (`tls_validate_hostname: false`)." };
    if !settings.verify {
        return "Nobody vouches for it: it is not verified (`tls_verify: false`).".to_owned();
    }
    match &settings.ca_cert {
        Some(path) => format!("It is trusted because of `{}` (`tls_ca_cert`).{name}", path.display()),
        None => format!("It is trusted because of the CA certificates of this machine.{name}"),
    }
}

fn client_certificate(step: Step, handshake: &Handshake, settings: &TlsSettings) -> Step {
    let (text, word) = match (handshake.client_certificate, &settings.cert) {
        (Some(true), Some(path)) => {
            (format!("The target asked for a client certificate and got that of `{}`.", path.display()), "shown")
        }
        (Some(_), None) => {
            ("The target asked for a client certificate; there is none (`tls_cert`).".to_owned(), "missing")
        }
        (Some(false), Some(path)) => (
            format!("The target asked for a client certificate, but for another kind than `{}`.", path.display()),
            "unsuitable",
        ),
        (None, Some(_)) => ("The target did not ask for the client certificate of `tls_cert`.".to_owned(), "not_asked"),
        (None, None) => return step,
    };
    step.detail(text).fact("client_certificate", word)
}

/// Warns of what ends soon.
fn ending(step: Step, handshake: &Handshake, now: UnixTime) -> Step {
    let Some(first) = handshake.chain.iter().min_by_key(|certificate| certificate.not_after) else { return step };
    let left = first.not_after - now.whole_seconds();
    let step = step.fact("days_left", left.div_euclid(86_400));
    if left >= SOON {
        return step;
    }
    let when = match u64::try_from(left) {
        Ok(left) => format!("ends in {}", duration(Duration::from_secs(left))),
        Err(_) => "has ended".to_owned(),
    };
    step.at_least(Outcome::Warning)
        .advise(format!("the certificate `{}` {when}: renew it, or nothing is fetched from then on", first.subject))
}
