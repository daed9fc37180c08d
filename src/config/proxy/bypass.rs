//! Which hosts are reached without a proxy: the rules of `no_proxy` in settings, and those of the variable `NO_PROXY`.
//!
//! They differ, because Datadog's check has rules of its own for its settings, and leaves the environment to the
//! library that it makes its requests with.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// The hosts that the settings except from their proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bypass(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    text: String,
    /// Set if it is a single address, too.
    network: Option<IpNet>,
}

impl Bypass {
    /// Entries count as they are, blanks included.
    pub(super) fn new(entries: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let entries = entries.into_iter().map(Into::into).map(|text| Entry { network: network(&text), text });
        Self(entries.collect())
    }

    /// The entries as they are written.
    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.text.as_str())
    }

    /// `host` is in lower case; an IPv6 address without brackets.
    pub(super) fn covers(&self, host: &str) -> bool {
        let address = host.parse().ok();
        self.0.iter().any(|entry| entry.text == "*" || entry.covers(host, address))
    }
}

impl Entry {
    fn covers(&self, host: &str, address: Option<IpAddr>) -> bool {
        if let (Some(network), Some(address)) = (&self.network, address) {
            return network.contains(&address);
        }
        let domain = match self.text.strip_prefix("*.") {
            // All asterisks go, as the original has it.
            Some(_) => self.text.trim_start_matches('*'),
            None => &self.text,
        };
        let inside = if domain.starts_with('.') { host.ends_with(domain) } else { is_domain_of(domain, host) };
        inside || self.text == host
    }
}

/// Whether the host is the domain itself or inside of it.
fn is_domain_of(domain: &str, host: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// An address or a network as Python reads it: a length, or for IPv4 also a mask or its complement, behind the slash; no bit
/// set outside of the mask.
fn network(text: &str) -> Option<IpNet> {
    let (address, mask) = text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
    let address: IpAddr = address.parse().ok()?;
    let length = match mask {
        None => IpNet::from(address).prefix_len(),
        Some(mask) => digits(mask).or_else(|| address.is_ipv4().then(|| mask_length(mask)).flatten())?,
    };
    let network = IpNet::new(address, length).ok()?;
    (network.network() == address).then_some(network)
}

fn digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn mask_length(mask: &str) -> Option<u8> {
    let mask: Ipv4Addr = mask.parse().ok()?;
    ipnet::ipv4_mask_to_prefix(mask).or_else(|_| ipnet::ipv4_mask_to_prefix(Ipv4Addr::from_bits(!mask.to_bits()))).ok()
}

/// The hosts that the environment excepts from its proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EnvironmentBypass(String);

impl EnvironmentBypass {
    /// The value of `NO_PROXY`.
    pub(super) fn new(list: impl Into<String>) -> Self {
        Self(list.into())
    }

    /// `host` is in lower case, an IPv6 address without brackets; `port` is that of the URL, if it has one.
    pub(super) fn covers(&self, host: &str, port: Option<u16>) -> bool {
        self.0 == "*" || self.has_address_or_domain(host, port) || self.has_domain(host)
    }

    /// The rule of the Python library `requests`: for addresses of IPv4 networks, and for all other hosts domains, in the case
    /// that they are written in, with or without a port.
    fn has_address_or_domain(&self, host: &str, port: Option<u16>) -> bool {
        let list = self.0.replace(' ', "");
        let mut entries = list.split(',').filter(|entry| !entry.is_empty());
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return entries.any(|entry| match ipv4_network(entry) {
                Some(network) => network.contains(&address),
                None => entry == host,
            });
        }
        let with_port = port.map(|port| format!("{host}:{port}"));
        entries.map(|entry| entry.trim_start_matches('.')).any(|domain| {
            is_domain_of(domain, host) || with_port.as_ref().is_some_and(|host| is_domain_of(domain, host))
        })
    }

    /// The rule of Python itself: domains, in any case.
    fn has_domain(&self, host: &str) -> bool {
        let entries = self.0.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(|entry| entry.trim_start_matches('.').to_lowercase()).any(|domain| is_domain_of(&domain, host))
    }
}

/// A network with a length of 1 to 32; bits behind it are of no account.
fn ipv4_network(text: &str) -> Option<Ipv4Net> {
    let (address, length) = text.split_once('/')?;
    let length = length.parse().ok().filter(|length| (1..=32).contains(length))?;
    Ipv4Net::new(address.parse().ok()?, length).ok()
}
