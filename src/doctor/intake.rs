//! The way to Datadog's API: name, connection, TLS, whether the key is known there, and the time.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::answer;
use super::handshake;
use super::model::{Outcome, Step, StepKind};
use super::notes::{Hop, Notebook};
use super::way;
use super::words::{list, sentence};
use crate::config::{ApiSettings, IntakeProxy, Proxy};
use crate::submit::{KeyCheck, validate_key_observed};
use crate::time::UnixTime;

/// The sites that Datadog has.
const SITES: [&str; 9] = [
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
];

/// How many characters the keys of the API have, and those of applications, which are something else.
const API_KEY: usize = 32;
const APPLICATION_KEY: usize = 40;

const WHY_CLOCKS: &str = "set this machine's clock by NTP (`timedatectl` shows whether it is): points carry its time, and \
                          Datadog takes none of the future and none that is more than an hour old";

/// The steps to the intake.
pub(super) async fn steps(api: &ApiSettings) -> Vec<Step> {
    let notebook = Arc::new(Notebook::of_one_request());
    let checked = validate_key_observed(api, notebook.clone()).await;
    let now = UnixTime::now();
    let record = notebook.read();
    let mut hop = record.hops.first().cloned().unwrap_or_default();
    hop.proxy = api.main.proxy.proxy().cloned();
    let mut steps = vec![destination(api), proxy(api)];
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => {
            steps[0] = Step::failed(StepKind::Destination, error.to_string());
            return with_rest(steps);
        }
    };
    match &checked {
        KeyCheck::Unreachable(message) if hop.head.is_none() => {
            steps.extend(walked(api, &hop, now));
            steps.push(unreachable(api, &hop, message));
            return with_rest(steps);
        }
        _ => steps.extend(walked(api, &hop, now)),
    }
    let status = hop.head.as_ref().map_or(0, |head| head.what.status.as_u16());
    steps.push(key(api, &checked, status).took(hop.head.as_ref().map(|head| head.took)));
    if let Some(head) = &hop.head {
        steps.push(answer::clock(head, "Datadog", WHY_CLOCKS));
    }
    steps
}

/// The steps that were not reached.
fn with_rest(mut steps: Vec<Step>) -> Vec<Step> {
    for kind in [StepKind::Name, StepKind::Connection, StepKind::Tls, StepKind::Key, StepKind::Clock] {
        if !steps.iter().any(|step| step.kind == kind) {
            steps.push(Step::new(kind, Outcome::NotTried, ""));
        }
    }
    steps
}

fn site(api: &ApiSettings) -> Option<&str> {
    let site = api.main.url.strip_prefix("https://api.")?;
    (!site.contains(['/', ':'])).then_some(site)
}

fn host(api: &ApiSettings) -> &str {
    api.main.url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default()
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<IpAddr>().is_ok()
}

fn destination(api: &ApiSettings) -> Step {
    let url = &api.main.url;
    let step = match site(api) {
        Some(site) if SITES.contains(&site) => {
            Step::fine(StepKind::Destination, format!("Datadog's API at `{url}`: the site is `{site}`"))
        }
        Some(site) => {
            Step::warning(StepKind::Destination, format!("`{url}`: `{site}` is no site of Datadog that is known here"))
                .advise(format!("those that are known are {}", list(&SITES)))
        }
        None => Step::fine(StepKind::Destination, format!("`{url}` (`dd_url`)")),
    };
    step.fact("output", "api").fact("url", url.as_str()).fact("site", site(api))
}

/// Which proxy payloads go through, and by whose say.
fn proxy(api: &ApiSettings) -> Step {
    let none = |because: &str| Step::not_needed(StepKind::Proxy, format!("none: {because}")).fact("proxy", Value::Null);
    match &api.main.proxy {
        IntakeProxy::Through(proxy) => way::through(proxy),
        IntakeProxy::NoneNamed => none("neither the settings nor the environment name one"),
        IntakeProxy::Forbidden => none("the settings or the environment forbid it (an empty URL)"),
        IntakeProxy::Excepted(by) => none(&format!("`{by}` covers this host")),
    }
}

/// The steps up to the one that failed, if one did.
fn walked(api: &ApiSettings, hop: &Hop, now: UnixTime) -> Vec<Step> {
    let mut steps = Vec::new();
    if !hop.look_ups.is_empty() {
        steps.push(way::name_of(&hop.look_ups, hop));
    } else if hop.proxy.as_ref().map_or_else(|| is_address(host(api)), |proxy| is_address(proxy.host())) {
        steps.push(Step::not_needed(StepKind::Name, "an address needs no look-up"));
    }
    if let Some(connected) = &hop.connected
        && let Some(address) = connected.what
    {
        let whom = if hop.proxy.is_some() { ", the proxy," } else { "" };
        let step = Step::fine(StepKind::Connection, format!("{address}{whom} answers")).took(Some(connected.took));
        steps.push(step.fact("address", address.to_string()));
    }
    if let (Some(proxy), Some(tunnelled)) = (&hop.proxy, &hop.tunnelled) {
        let text = format!("`{}` has connected to `{}`", proxy.address(), host(api));
        let step = Step::fine(StepKind::Tunnel, text).took(Some(tunnelled.took));
        steps.push(handshake::certificates(step, &hop.proxy_tls, "the proxy"));
    }
    let trust = if api.skip_ssl_validation {
        "Nobody vouches for it: it is not verified (`skip_ssl_validation: true`)."
    } else {
        "It is trusted because of the CA certificates of this machine."
    };
    steps.extend(handshake::step_of_intake(&hop.tls, trust, now));
    if hop.connected.is_some() && !api.main.url.starts_with("https") {
        steps.push(Step::not_needed(StepKind::Tls, "none: the URL begins with `http://`"));
    }
    steps
}

/// The proxy is not there, or does not let through.
fn unreached_proxy(proxy: &Proxy, hop: &Hop, cause: &str) -> Step {
    let kind = match &hop.connected {
        None if hop.look_ups.is_empty() && !is_address(proxy.host()) => StepKind::Name,
        None => StepKind::Connection,
        Some(_) => StepKind::Tunnel,
    };
    let is_said = cause.contains("the proxy");
    let message = if is_said { cause.to_owned() } else { format!("the proxy {proxy} leads nowhere ({cause})") };
    handshake::certificates(Step::failed_with(kind, &message), &hop.proxy_tls, "the proxy")
}

/// The first step that could not be done.
fn unreachable(api: &ApiSettings, hop: &Hop, message: &str) -> Step {
    let cause = message.split_once("to check the API key: ").map_or(message, |(_, cause)| cause);
    // What the library says first says nothing.
    let cause = cause.split_once("(Connect): ").map_or(cause, |(_, cause)| cause);
    let cause = cause.strip_prefix("dns error: ").unwrap_or(cause);
    let lower = cause.to_lowercase();
    let is_tls = api.main.url.starts_with("https");
    if let Some(proxy) = hop.proxy.as_ref().filter(|_| hop.tunnelled.is_none() && (is_tls || hop.connected.is_none())) {
        return unreached_proxy(proxy, hop, cause);
    }
    if hop.connected.is_none() {
        if hop.look_ups.is_empty() && !is_address(host(api)) && lower.contains("lookup") {
            let host = host(api);
            return Step::failed(StepKind::Name, format!("the host name `{host}` was not found ({cause})")).advise(
                "check `site` (`dd_url`) for typing errors, and that this machine can look up names of the internet",
            );
        }
        return Step::failed(StepKind::Connection, format!("`{}` cannot be connected to ({cause})", host(api))).advise(
            match site(api) {
                Some(_) => {
                    "check that this machine may connect to the internet on port 443: a firewall may stand between; where \
                     only a proxy leads out, name it (`proxy`, or DD_PROXY_HTTPS)"
                }
                None => "check that `dd_url` is right, that what it names runs, and that no firewall stands between",
            },
        );
    }
    if is_tls && hop.tls.secured.is_none() {
        let step = handshake::certificates(
            Step::failed(StepKind::Tls, format!("no secure connection comes about ({cause})")),
            &hop.tls,
            "the intake",
        );
        return step.advise(
            "if that is not Datadog's certificate, something between opens TLS: install its CA certificate on this \
             machine (`update-ca-certificates`), or name it in SSL_CERT_FILE",
        );
    }
    Step::failed(StepKind::Key, cause.to_owned())
        .advise("what answers there does not speak as Datadog does: check `dd_url`, and what stands between")
}

fn key(api: &ApiSettings, checked: &KeyCheck, status: u16) -> Step {
    let step = match checked {
        KeyCheck::Valid => Step::fine(StepKind::Key, "the API key is valid"),
        KeyCheck::Unreachable(message) => {
            let message: Vec<&str> = message.split_whitespace().collect();
            Step::failed(StepKind::Key, message.join(" ")).advise(if status == 407 {
                "it is the proxy that answers: it wants another user name and password in its URL, \
                 `http://USER:PASSWORD@HOST:PORT`"
            } else if matches!(status, 429 | 500..) {
                "that says nothing about the key: try again later, and see `status.datadoghq.com`"
            } else {
                "so what answers there is not Datadog's API: check `dd_url`, and what stands between"
            })
        }
        KeyCheck::Invalid(_) => rejected(api),
    };
    step.fact("valid", matches!(checked, KeyCheck::Valid))
}

fn rejected(api: &ApiSettings) -> Step {
    let length = api.main.api_key.expose().chars().count();
    let is_hex = api.main.api_key.expose().chars().all(|c| c.is_ascii_hexdigit());
    let step = Step::failed(StepKind::Key, format!("`{}` does not know the API key", api.main.url));
    let step = match site(api) {
        Some(site) => step.advise(format!(
            "the usual cause is the wrong site: a key works at the site of its organisation only, and `site` is \
             `{site}`. See where you log in: `app.datadoghq.eu` is `site: datadoghq.eu`, `us5.datadoghq.com` is `site: \
             us5.datadoghq.com`, `app.datadoghq.com` is `site: datadoghq.com`; there are also {}",
            list(
                &SITES
                    .into_iter()
                    .filter(|other| !["datadoghq.com", "datadoghq.eu", "us5.datadoghq.com"].contains(other))
                    .collect::<Vec<_>>()
            )
        )),
        None => step.advise("check that `dd_url` is that of the site of your organisation"),
    };
    let step = if length == APPLICATION_KEY && is_hex {
        step.advise(sentence(&format!(
            "it has {APPLICATION_KEY} characters, as application keys have; an API key has {API_KEY}"
        )))
    } else if length != API_KEY || !is_hex {
        step.advise(format!(
            "it is not of the form of an API key, which has {API_KEY} characters of 0-9 and a-f; it has {length}: copy it anew"
        ))
    } else {
        step
    };
    step.advise("otherwise it was revoked: Organization Settings, API Keys shows those that work")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Intake, IntakeProxy, Secret, TlsVersion};

    fn advice(url: &str, key: &str) -> Vec<String> {
        let api = ApiSettings {
            main: Intake { url: url.to_owned(), api_key: Secret::new(key), proxy: IntakeProxy::default() },
            additional: Vec::new(),
            skip_ssl_validation: false,
            min_tls_version: TlsVersion::Tls12,
            timeout: Duration::from_secs(1),
            queue_bytes: 0,
        };
        let step = rejected(&api);
        assert!(!format!("{step:?}").contains(key), "{step:?}");
        step.advice
    }

    #[test]
    fn a_rejected_key_is_of_another_site_before_all() {
        let said = advice("https://api.us3.datadoghq.com", &"a1".repeat(16));
        assert!(said[0].contains("wrong site") && said[0].contains("`site` is `us3.datadoghq.com`"), "{said:?}");
        assert_eq!(said.len(), 2);
        let said = advice("https://api.datadoghq.com", &"a1".repeat(20));
        assert!(said[1].contains("as application keys have"), "{said:?}");
        let said = advice("http://127.0.0.1:1", "hunter2");
        assert!(said[0].contains("`dd_url`") && said[1].contains("it has 7"), "{said:?}");
    }
}
