//! The step login: what is shown of the sender, and whether the target takes it. Secrets themselves are never told.

use std::fs;
use std::time::{Duration, SystemTime};

use super::model::{Step, StepKind};
use super::notes::{Answer, Record, Shown};
use super::words::{duration, list};
use crate::config::{AuthScheme, HttpSettings, TokenReader};
use crate::discover::redact;
use crate::network::CredentialSource;
use crate::time::UnixTime;

/// The credentials could not even be had.
pub(super) fn failed(settings: &HttpSettings, message: &str) -> Step {
    let step = Step::failed_with(StepKind::Login, message);
    match settings.auth.token.as_ref().map(|token| &token.reader) {
        Some(TokenReader::File(file)) if step.advice.is_empty() => step.advise(format!(
            "the token is read from `{}` for each scrape: check that the file is there and that this user may read it",
            file.path.display()
        )),
        _ => step,
    }
}

/// What was shown, and what the target said to it.
///
/// `left_behind`: where a redirect led to whose credentials are not sent.
pub(super) fn step(
    settings: &HttpSettings,
    record: &Record,
    answer: &Answer,
    left_behind: Option<&str>,
    now: UnixTime,
) -> Step {
    let shown = record.credentials.last().and_then(|shown| described(settings, *shown, now));
    let challenged = record.hops.iter().any(|hop| hop.challenged);
    let step = match (answer.status.as_u16(), &shown) {
        (401 | 403, Some(_)) if let Some(to) = left_behind => not_shown(to, answer),
        (401, None) => wanted(answer),
        (401, Some(shown)) => not_accepted(shown, answer, settings),
        (403, shown) => forbidden(shown.as_deref()),
        (_, Some(_)) if let Some(to) = left_behind => {
            Step::fine(StepKind::Login, format!("not needed at `{to}`, to where the redirect led"))
        }
        (_, Some(shown)) => Step::fine(StepKind::Login, format!("{shown}: the target takes it")),
        (_, None) => Step::not_needed(StepKind::Login, "none: nothing is shown, and nothing was asked for"),
    };
    let step = step.fact("shown", shown).fact("challenged", challenged).fact("asks_for", answer.schemes.clone());
    let step = if challenged { step.detail("The target asked for it, and the request was repeated.") } else { step };
    match record.credentials[..] {
        [_, _, ..] => {
            step.detail("A first request failed, so the token was got anew and the request repeated, as `run` does.")
        }
        _ => step,
    }
}

fn not_shown(to: &str, answer: &Answer) -> Step {
    let text = format!(
        "{}: `{to}` wants to know who asks, and credentials are not sent to where a redirect leads",
        answer.status
    );
    Step::failed(StepKind::Login, text)
        .advise("set the URL of the instance to where the redirect leads, if the credentials are meant for that place")
}

fn wanted(answer: &Answer) -> Step {
    let step = Step::failed(
        StepKind::Login,
        format!("{}: the target wants to know who asks, and no login is configured", answer.status),
    );
    let known = answer.schemes.iter().filter_map(|scheme| advice_for(scheme));
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        return step
            .advise("set what it expects: `username` and `password`, `auth_token`, or a header in `extra_headers`");
    }
    known.into_iter().fold(step, Step::advise)
}

/// What to set for a scheme that a target names.
fn advice_for(scheme: &str) -> Option<&'static str> {
    Some(match scheme.to_ascii_lowercase().as_str() {
        "basic" => "it asks for a name and a password (`Basic`): set `username` and `password`",
        "bearer" => "it asks for a token (`Bearer`): name the file of the token in `auth_token`",
        "digest" => "it asks for `Digest`: set `auth_type: digest`, `username` and `password`",
        "ntlm" => "it asks for `NTLM`: set `auth_type: ntlm`, `ntlm_domain` and `password`",
        "negotiate" => "it asks for `Negotiate`: set `auth_type: kerberos`",
        _ => return None,
    })
}

fn not_accepted(shown: &str, answer: &Answer, settings: &HttpSettings) -> Step {
    let step = Step::failed(StepKind::Login, format!("{}: the target does not accept {shown}", answer.status));
    let step =
        if answer.schemes.is_empty() { step } else { step.detail(format!("It asks for {}.", list(&answer.schemes))) };
    match &settings.auth.token {
        Some(_) => step.advise("check that the token is meant for this target and has not expired"),
        None => {
            step.advise("compare name and password with what the target expects, and `auth_type` with what it asks for")
        }
    }
}

fn forbidden(shown: Option<&str>) -> Step {
    match shown {
        Some(shown) => {
            Step::failed(StepKind::Login, format!("403 Forbidden: the target does not let this in: {shown}"))
                .advise("have it allowed there; in Kubernetes the service account needs the verb `get` for the non-resource URL, for instance `/metrics`")
        }
        None => Step::failed(StepKind::Login, "403 Forbidden: the target does not let everybody in, and nothing was shown to it").advise(
            "set what it expects (`username` and `password`, `auth_token`, `tls_cert`), or have this machine's address allowed there",
        ),
    }
}

/// What is shown of the sender; none: nothing.
fn described(settings: &HttpSettings, shown: Shown, now: UnixTime) -> Option<String> {
    let scheme = match (&settings.auth.scheme, shown.source) {
        (AuthScheme::Basic(_), _) => Some("`username` and `password` (basic authentication)"),
        (AuthScheme::Digest(_), _) => Some("`username` and `password` (digest authentication)"),
        (AuthScheme::Ntlm(_), _) => Some("`ntlm_domain` and `password` (NTLM)"),
        (AuthScheme::Kerberos(_), _) => Some("a ticket of Kerberos"),
        (AuthScheme::Aws(_), _) => Some("a signature of AWS"),
        (AuthScheme::Unset, Some(CredentialSource::Netrc)) => Some("name and password of the netrc file"),
        (AuthScheme::Unset, Some(CredentialSource::Url)) => Some("name and password of the URL"),
        (AuthScheme::Unset, Some(CredentialSource::Settings) | None) => None,
    };
    let header = settings
        .headers
        .iter()
        .chain(&settings.extra_headers)
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let header = (header && scheme.is_none()).then(|| "the header `Authorization` of the settings".to_owned());
    let parts = [scheme.map(ToOwned::to_owned), token(settings, shown, now), header];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

fn token(settings: &HttpSettings, shown: Shown, now: UnixTime) -> Option<String> {
    let token = settings.auth.token.as_ref()?;
    let (what, age) = match &token.reader {
        TokenReader::File(file) => {
            let age = fs::metadata(&file.path).and_then(|found| found.modified()).ok().and_then(age);
            let age = age.map_or_else(String::new, |age| format!(" (written {} ago)", duration(age)));
            (format!("the token of `{}`", file.path.display()), age)
        }
        TokenReader::OAuth(oauth) => {
            let left = shown.token_until.map(|until| (until.seconds() - now.seconds()).max(0.0));
            let left = left.and_then(|left| Duration::try_from_secs_f64(left).ok());
            let left = left.map_or_else(String::new, |left| format!(" (good for {})", duration(left)));
            (format!("a token of `{}`", redact(&oauth.url)), left)
        }
        TokenReader::Dcos(dcos) => (format!("a token of `{}`", redact(&dcos.login_url)), String::new()),
    };
    Some(format!("{what} in the header `{}`{age}", token.writer.name))
}

fn age(modified: SystemTime) -> Option<Duration> {
    SystemTime::now().duration_since(modified).ok()
}
