//! The way of one request up to the moment when it can be sent: proxy, name, connection, tunnel.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::handshake;
use super::model::{Outcome, Step, StepKind};
use super::notes::{Hop, LookUp};
use super::socket;
use super::words::{duration, sentence};
use crate::config::{HttpSettings, Proxy, ProxyDecision, ProxyProtocol, StraightBecause};
use crate::discover::{Location, Origin};
use crate::scrape::ScrapeError;
use crate::time::UnixTime;

/// How many addresses of a name are tried one by one.
const PROBED: usize = 8;

/// What became of each address of a name that has several.
pub(super) type Probes = HashMap<SocketAddr, Result<Duration, String>>;

/// Tries every address of the names that have several: a request is content with one.
pub(super) async fn probe(look_ups: &[LookUp], limit: Duration) -> Probes {
    let mut tasks = JoinSet::new();
    let several = look_ups.iter().filter(|look_up| look_up.addresses.len() > 1);
    for address in several.flat_map(|look_up| look_up.addresses.iter().copied().take(PROBED)) {
        tasks.spawn(async move {
            let began = Instant::now();
            let found = match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(_)) => Ok(began.elapsed()),
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    Err("refuses the connection".to_owned())
                }
                Ok(Err(error)) => Err(format!("cannot be connected to: {error}")),
                Err(_) => Err(format!("does not answer within {}", duration(limit))),
            };
            (address, found)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// The step of a request that failed.
pub(super) struct Trouble {
    pub(super) kind: StepKind,
    /// What went wrong, and behind a semicolon what to do.
    pub(super) message: String,
}

impl Trouble {
    /// Tells from the error, and from how far the request had come, at which step it failed.
    pub(super) fn of(error: &ScrapeError, hop: Option<&Hop>) -> Self {
        let kind = match error.reason() {
            "authentication" => StepKind::Login,
            "name" => StepKind::Name,
            "refused" | "connect" => StepKind::Connection,
            "tls" => StepKind::Tls,
            "redirect" => StepKind::Redirect,
            "closed" | "not_http" | "header_limit" | "read_timeout" => StepKind::Answer,
            _ => hop.map_or(StepKind::Login, next),
        };
        let message = error.problem();
        let message = message.strip_prefix("TLS failed: ").unwrap_or(&message).to_owned();
        Self { kind, message }
    }
}

/// The step that comes next.
fn next(hop: &Hop) -> StepKind {
    let is_tls = hop.location.as_ref().is_some_and(Location::is_tls);
    match hop {
        _ if hop.reused => StepKind::Answer,
        Hop { connected: None, .. } if needs_look_up(hop) && hop.look_ups.is_empty() => StepKind::Name,
        Hop { connected: None, .. } => StepKind::Connection,
        Hop { proxy: Some(_), tunnelled: None, .. } if is_tunnelled(hop) => StepKind::Tunnel,
        _ if is_tls && hop.tls.secured.is_none() => StepKind::Tls,
        _ => StepKind::Answer,
    }
}

fn needs_look_up(hop: &Hop) -> bool {
    let is_socket = hop.location.as_ref().is_some_and(|location| location.socket().is_some());
    let is_address = |host: String| host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    !is_socket && !hop.first_host().is_some_and(is_address)
}

/// Whether the proxy is asked for a connection, and not for the URL.
fn is_tunnelled(hop: &Hop) -> bool {
    hop.proxy
        .as_ref()
        .is_some_and(|proxy| proxy.protocol().is_socks() || hop.location.as_ref().is_some_and(Location::is_tls))
}

/// The steps of a hop, up to the one that failed.
pub(super) fn steps(
    hop: &Hop,
    settings: &HttpSettings,
    probes: &Probes,
    trouble: Option<&Trouble>,
    now: UnixTime,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(location) = &hop.location else { return steps };
    for kind in [StepKind::Proxy, StepKind::Name, StepKind::Connection, StepKind::Tunnel, StepKind::Tls] {
        let message = trouble.filter(|trouble| trouble.kind == kind).map(|trouble| trouble.message.as_str());
        steps.extend(match kind {
            StepKind::Proxy => Some(proxy(settings, location)),
            StepKind::Name => Some(name(hop, message)),
            StepKind::Connection => Some(connection(hop, probes, message)),
            StepKind::Tunnel => tunnel(hop, message),
            _ => Some(handshake::step(hop, settings, message, now)),
        });
        if message.is_some() {
            break;
        }
    }
    steps
}

/// Which proxy leads to a location, and by whose say.
pub(super) fn proxy(settings: &HttpSettings, location: &Location) -> Step {
    let none = |because: &str| Step::not_needed(StepKind::Proxy, format!("none: {because}")).fact("proxy", Value::Null);
    let Origin::Tcp { tls, host, port } = location.origin() else { return none("a unix socket is on this machine") };
    match settings.proxy.decide(*tls, host, *port) {
        ProxyDecision::Through(proxy) => through(proxy),
        ProxyDecision::Straight(because) => none(match because {
            StraightBecause::NothingNamed => "neither the settings nor the environment name one",
            StraightBecause::SettingsExcept => "`no_proxy` of the settings covers this host",
            StraightBecause::SettingsForbid => "the settings forbid it (`skip_proxy`, or an empty URL in `proxy`)",
            StraightBecause::EnvironmentExcepts => "the environment variable `NO_PROXY` covers this host",
        }),
    }
}

/// Which proxy it is, and by whose say.
pub(super) fn through(proxy: &Proxy) -> Step {
    let login = if proxy.credentials().is_some() { ", with the user name of its URL" } else { "" };
    Step::fine(StepKind::Proxy, format!("{proxy}{login}"))
        .fact("proxy", proxy.address())
        .fact("set_by", proxy.source().to_string())
}

fn name(hop: &Hop, failed: Option<&str>) -> Step {
    let host = hop.first_host().unwrap_or_default();
    if let Some(message) = failed {
        let step = Step::failed_with(StepKind::Name, message).fact("host", host.as_str());
        return if host.contains('.') {
            step
        } else {
            step.advise(
                "a name without a dot is known in its own network only: in Kubernetes a service of another namespace is \
                 `NAME.NAMESPACE.svc`, and in Docker both containers must be in the same network",
            )
        };
    }
    if hop.look_ups.is_empty() {
        let text = match &hop.location {
            Some(location) if location.socket().is_some() => "a socket has none",
            _ => "an address needs no look-up",
        };
        return Step::not_needed(StepKind::Name, text);
    }
    name_of(&hop.look_ups, hop)
}

/// What was found of names.
pub(super) fn name_of(look_ups: &[LookUp], hop: &Hop) -> Step {
    let told: Vec<String> = look_ups.iter().map(told).collect();
    let mut step = Step::fine(StepKind::Name, told.join("; "))
        .took(Some(look_ups.iter().map(|look_up| look_up.took).sum()))
        .fact("look_ups", look_ups.iter().map(fact).collect::<Value>());
    if let Some(proxy) = &hop.proxy
        && proxy.protocol() != ProxyProtocol::Socks5
    {
        step = step.detail("This is the proxy; it looks up the name of the target itself.");
    }
    step
}

fn told(look_up: &LookUp) -> String {
    let mut addresses: Vec<String> = look_up.addresses.iter().take(PROBED).map(|a| a.ip().to_string()).collect();
    let more = look_up.addresses.len().saturating_sub(PROBED);
    if more > 0 {
        addresses.push(format!("{more} more"));
    }
    let last = addresses.pop().unwrap_or_else(|| "no address".to_owned());
    let addresses = if addresses.is_empty() { last } else { format!("{} and {last}", addresses.join(", ")) };
    format!("`{}` is {addresses}", look_up.host)
}

fn fact(look_up: &LookUp) -> Value {
    let addresses: Value = look_up.addresses.iter().map(|address| address.ip().to_string()).collect();
    json!({ "host": look_up.host, "addresses": addresses })
}

fn connection(hop: &Hop, probes: &Probes, failed: Option<&str>) -> Step {
    if hop.reused {
        return Step::fine(StepKind::Connection, "the one that is open already");
    }
    let socket = hop.location.as_ref().and_then(Location::socket);
    let step = match (failed, &hop.connected) {
        (Some(message), _) => match socket {
            Some(path) => socket::failed(path, message),
            None => refused(Step::failed_with(StepKind::Connection, message), hop, message),
        },
        (None, Some(connected)) => {
            let text = match connected.what {
                Some(address) if hop.proxy.is_some() => format!("{address}, the proxy, answers"),
                Some(address) => format!("{address} answers"),
                None => format!("`{}` answers", socket.unwrap_or_else(|| "".as_ref()).display()),
            };
            let fact = connected.what.map(|address| address.to_string());
            Step::fine(StepKind::Connection, text).took(Some(connected.took)).fact("address", fact)
        }
        (None, None) => Step::new(StepKind::Connection, Outcome::NotTried, ""),
    };
    let answered = hop.connected.as_ref().and_then(|connected| connected.what);
    others(step, &hop.look_ups, probes, answered)
}

/// What can be said of a connection that did not come about beside the error itself.
fn refused(step: Step, hop: &Hop, message: &str) -> Step {
    let host = hop.first_host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback {
        return step.advise(
            "inside of a container or pod `localhost` is that container or pod, not the machine that it runs on",
        );
    }
    if message.contains("within") {
        return step.advise(
            "when nothing comes back at all, a firewall, security group or network policy is the usual cause: a machine \
             that is reached and on which nothing listens refuses at once",
        );
    }
    step
}

/// Adds what became of the other addresses.
fn others(mut step: Step, look_ups: &[LookUp], probes: &Probes, answered: Option<SocketAddr>) -> Step {
    let addresses = look_ups.iter().flat_map(|look_up| &look_up.addresses);
    let mut facts = Vec::new();
    for address in addresses.filter(|&&address| Some(address) != answered) {
        let Some(found) = probes.get(address) else { continue };
        let state = match found {
            Ok(_) => "answers as well",
            Err(state) => state,
        };
        facts.push(json!({ "address": address.to_string(), "error": found.as_ref().err() }));
        step = step.detail(sentence(&format!("{address} {state}")));
    }
    if facts.is_empty() { step } else { step.fact("others", facts) }
}

fn tunnel(hop: &Hop, failed: Option<&str>) -> Option<Step> {
    let (proxy, location) = (hop.proxy.as_ref()?, hop.location.as_ref()?);
    if let Some(message) = failed {
        let step = Step::failed_with(StepKind::Tunnel, message);
        return Some(handshake::certificates(step, &hop.proxy_tls, "the proxy"));
    }
    if !is_tunnelled(hop) {
        return None;
    }
    let took = hop.tunnelled.as_ref().map(|moment| moment.took);
    let text = format!("`{}` has connected to `{}`", proxy.address(), location.host_and_port());
    Some(handshake::certificates(Step::fine(StepKind::Tunnel, text).took(took), &hop.proxy_tls, "the proxy"))
}
