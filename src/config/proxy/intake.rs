//! Which proxy payloads go through, by the rules of the Agent: `DD_PROXY_*`, else the variables of all programs, else
//! `proxy` at the top of the file; each part, and the exceptions, by themselves.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::address::{Proxy, ProxySource};
use super::{Choice, Configured};
use crate::config::section::{Section, is_affirmative};

/// Where clouds tell machines about themselves; no proxy leads there.
const CLOUD_METADATA: [&str; 2] = ["169.254.169.254", "100.100.100.200"];

/// How payloads get to the intake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IntakeProxy {
    /// Straight: no proxy is named.
    #[default]
    NoneNamed,
    /// Straight: the URL of the proxy is empty.
    Forbidden,
    /// Straight: the host is excepted by the option or variable of this name.
    Excepted(&'static str),
    /// Through this proxy.
    Through(Arc<Proxy>),
}

impl IntakeProxy {
    /// The proxy, if there is one.
    pub fn proxy(&self) -> Option<&Arc<Proxy>> {
        match self {
            Self::Through(proxy) => Some(proxy),
            Self::NoneNamed | Self::Forbidden | Self::Excepted(_) => None,
        }
    }

    /// The way to `url`.
    pub(super) fn decide(choices: &Choices<'_, '_>, exceptions: &Exceptions, url: &str) -> Self {
        let Some(peer) = Peer::of(url) else { return Self::NoneNamed };
        match choices.of(peer.is_tls) {
            Choice::Unset | Choice::Null => Self::NoneNamed,
            Choice::Direct | Choice::Faulty => Self::Forbidden,
            Choice::Through(proxy) => match exceptions.covers(&peer) {
                Some(name) => Self::Excepted(name),
                None => Self::Through(Arc::clone(proxy)),
            },
        }
    }
}

/// What is said about both schemes; each is read once at most, so that what is wrong with it is said once.
pub(super) struct Choices<'t, 'a> {
    top: &'t Section<'a>,
    file: Option<&'t Configured>,
    read: [OnceCell<Choice>; 2],
}

impl<'t, 'a> Choices<'t, 'a> {
    /// `file` is what `proxy` at the top of the file says.
    pub(super) fn new(top: &'t Section<'a>, file: Option<&'t Configured>) -> Self {
        Self { top, file, read: Default::default() }
    }

    fn of(&self, is_tls: bool) -> &Choice {
        self.read[usize::from(is_tls)].get_or_init(|| choice(self.top, self.file, is_tls))
    }
}

/// Warns where targets have a proxy and deliveries none: the Agent does not know the variable for both schemes.
pub(super) fn warn_of_all_proxy(top: &Section<'_>, proxy: &IntakeProxy) {
    let Some((name, _)) = variable(top, ["all_proxy", "ALL_PROXY"]).filter(|(_, text)| !text.trim().is_empty()) else {
        return;
    };
    if *proxy == IntakeProxy::NoneNamed {
        let message = "is used for targets only: metrics are sent to Datadog without it; set `HTTPS_PROXY` for them";
        top.reading().problems.borrow_mut().variable_warning(name, message);
    }
}

/// The variable that is set, the first one first, if only to nothing.
fn variable<const N: usize>(top: &Section<'_>, names: [&'static str; N]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, top.reading().surroundings.variable(name)?)))
}

/// What is said about one scheme.
fn choice(top: &Section<'_>, file: Option<&Configured>, is_tls: bool) -> Choice {
    let names = if is_tls {
        ["DD_PROXY_HTTPS", "HTTPS_PROXY", "https_proxy"]
    } else {
        ["DD_PROXY_HTTP", "HTTP_PROXY", "http_proxy"]
    };
    match variable(top, names) {
        Some((name, text)) => Choice::parse(&text, ProxySource::Variable(name)).unwrap_or_else(|problem| {
            top.reading().problems.borrow_mut().variable(name, problem.to_string());
            Choice::Faulty
        }),
        None => file.map_or(Choice::Unset, |file| if is_tls { file.https.clone() } else { file.http.clone() }),
    }
}

/// The intake, as its URL names it.
struct Peer<'u> {
    is_tls: bool,
    /// In lower case; an IPv6 address without its brackets.
    host: String,
    /// As in the URL.
    port: Option<&'u str>,
}

impl<'u> Peer<'u> {
    fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Some(Self { is_tls: scheme == "https", host, port })
    }

    fn port(&self) -> &str {
        self.port.unwrap_or(if self.is_tls { "443" } else { "80" })
    }
}

/// The hosts that no proxy is used for.
pub(super) struct Exceptions {
    entries: Vec<String>,
    /// The option or variable that has them.
    source: &'static str,
    /// Whether a domain covers what is in it, and a network its addresses (`no_proxy_nonexact_match`).
    nonexact: bool,
}

impl Exceptions {
    pub(super) fn read(top: &Section<'_>, file: Option<&Configured>) -> Self {
        let configured = top.affirmative("no_proxy_nonexact_match", false);
        let set = top.reading().surroundings.variable("DD_NO_PROXY_NONEXACT_MATCH");
        let nonexact = set.filter(|text| !text.trim().is_empty()).map_or(configured, |text| is_affirmative(&text));
        let (source, entries) = match (variable(top, ["DD_PROXY_NO_PROXY", "NO_PROXY", "no_proxy"]), file) {
            (Some((name, list)), _) => (name, list.split([' ', ',']).map(ToOwned::to_owned).collect::<Vec<_>>()),
            (None, Some(file)) => ("no_proxy", file.bypass.entries().map(|entry| entry.trim().to_owned()).collect()),
            (None, None) => ("no_proxy", Vec::new()),
        };
        let entries = entries.into_iter().filter(|entry| !entry.is_empty()).map(|entry| entry.to_ascii_lowercase());
        Self { entries: entries.collect(), source, nonexact }
    }

    /// What excepts a peer, if something does.
    fn covers(&self, peer: &Peer<'_>) -> Option<&'static str> {
        let covers = |entry: &String| if self.nonexact { covers(entry, peer) } else { is_exactly(entry, peer) };
        if self.nonexact && is_local(&peer.host) {
            return Some("no_proxy_nonexact_match");
        }
        let excepted = self.entries.iter().any(covers) || CLOUD_METADATA.contains(&peer.host.as_str());
        excepted.then_some(self.source)
    }
}

/// Whether an entry is the host, with or without the port that the URL has.
fn is_exactly(entry: &str, peer: &Peer<'_>) -> bool {
    match peer.port {
        Some(port) if entry.strip_suffix(port).is_some_and(|rest| rest.strip_suffix(':') == Some(&peer.host)) => true,
        _ => entry.trim_start_matches('[').trim_end_matches(']') == peer.host,
    }
}

/// Go's rule, which the Agent uses then: this machine itself never has a proxy.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Go's rule for one entry: everything, a network, an address, a domain with what is in it, or only what is in it.
fn covers(entry: &str, peer: &Peer<'_>) -> bool {
    let address = peer.host.parse::<IpAddr>().ok();
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address));
    }
    if let Ok(single) = entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return address == Some(single);
    }
    let (domain, port) = entry.rsplit_once(':').map_or((entry, None), |(domain, port)| (domain, Some(port)));
    if port.is_some_and(|port| port != peer.port()) {
        return false;
    }
    let domain = domain.strip_prefix('*').unwrap_or(domain);
    match domain.strip_prefix('.') {
        Some(_) => peer.host.ends_with(domain),
        None => peer.host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceptions(entries: &[&str], nonexact: bool) -> Exceptions {
        Exceptions { entries: entries.iter().map(ToString::to_string).collect(), source: "no_proxy", nonexact }
    }

    #[track_caller]
    fn assert_covered(entry: &str, nonexact: bool, url: &str, expected: bool) {
        let covered = exceptions(&[entry], nonexact).covers(&Peer::of(url).unwrap()).is_some();
        assert_eq!(covered, expected, "{entry} and {url}");
    }

    #[test]
    fn entries_are_exact_unless_they_need_not_be() {
        for (entry, url, exact, nonexact) in [
            ("a.example", "https://a.example", true, true),
            ("a.example", "https://A.example:8443/x", true, true),
            ("a.example:8443", "https://a.example:8443", true, true),
            ("a.example:443", "https://a.example", false, true),
            ("a.example:444", "https://a.example", false, false),
            ("example", "https://a.example", false, true),
            (".example", "https://a.example", false, true),
            ("*.example", "https://a.example", false, true),
            (".a.example", "https://a.example", false, false),
            ("xample", "https://a.example", false, false),
            ("*", "https://a.example", false, true),
            ("10.0.0.0/8", "http://10.1.2.3", false, true),
            ("10.1.2.3", "http://10.1.2.3:80", true, true),
            ("[fd00::1]", "http://[fd00::1]:80", true, true),
            ("b.example", "http://127.0.0.1:80", false, true),
            ("b.example", "http://localhost", false, true),
            ("b.example", "http://169.254.169.254/latest", true, true),
        ] {
            assert_covered(entry, false, url, exact);
            assert_covered(entry, true, url, nonexact);
        }
    }
}
