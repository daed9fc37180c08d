//! One proxy: where it listens, how it is spoken to, and which setting names it.

use std::fmt;
use std::net::Ipv6Addr;

use crate::config::Secret;
use crate::percent;

/// A proxy. `Display` and `Debug` show its address and where it comes from, and never its credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    protocol: ProxyProtocol,
    /// Lower case; an IPv6 address with its brackets.
    host: String,
    port: u16,
    credentials: Option<ProxyCredentials>,
    source: ProxySource,
}

/// User name and password of a proxy, with percent signs decoded; the name is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProxyCredentials {
    pub(crate) username: Secret,
    pub(crate) password: Secret,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProxyProtocol {
    Http,
    /// HTTP inside of TLS with the proxy itself.
    Https,
    /// Names of targets are looked up here.
    Socks5,
    /// Names of targets are looked up by the proxy.
    Socks5h,
}

/// Which setting names a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProxySource {
    Instance,
    InitConfig,
    TopOfFile,
    Variable(&'static str),
}

/// Why a text is not the URL of a proxy. No message holds what may be a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyProblem {
    #[error("uses SOCKS4, which cannot be used; expected `socks5://` or `socks5h://`")]
    Socks4,
    #[error(
        "has a scheme that no proxy is spoken to with; expected `http://`, `https://`, `socks5://` or `socks5h://`"
    )]
    Scheme,
    #[error("names no host; expected for instance `http://proxy.example:3128`")]
    NoHost,
    #[error("has no valid host; expected for instance `http://proxy.example:3128`")]
    Host,
    #[error("has no valid port; expected 1 to 65535")]
    Port,
    #[error("has a user name or password with `/`, `?` or `#`, which must be percent-encoded")]
    UserInfo,
    #[error("has a user name or password of more than 255 bytes, which SOCKS does not allow")]
    LongCredentials,
}

impl Proxy {
    /// Reads the URL of a proxy; without a scheme it is an HTTP proxy.
    pub(crate) fn parse(text: &str, source: ProxySource) -> Result<Self, ProxyProblem> {
        let (scheme, rest) = text.trim().split_once("://").unwrap_or(("http", text.trim()));
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "https" => ProxyProtocol::Https,
            "socks5" => ProxyProtocol::Socks5,
            "socks5h" => ProxyProtocol::Socks5h,
            "socks4" | "socks4a" => return Err(ProxyProblem::Socks4),
            _ => return Err(ProxyProblem::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if path.contains('@') {
            return Err(ProxyProblem::UserInfo);
        }
        let (user_info, address) = match authority.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, authority),
        };
        let (host, port) = split_address(address)?;
        let port = match port {
            "" => protocol.default_port(),
            digits => digits.parse().ok().filter(|&port| port != 0).ok_or(ProxyProblem::Port)?,
        };
        let credentials = user_info.and_then(ProxyCredentials::parse);
        let long = |credentials: &ProxyCredentials| {
            credentials.username.expose().len().max(credentials.password.expose().len()) > 255
        };
        if protocol.is_socks() && credentials.as_ref().is_some_and(long) {
            return Err(ProxyProblem::LongCredentials);
        }
        Ok(Self { protocol, host: host.to_ascii_lowercase(), port, credentials, source })
    }

    pub(crate) fn protocol(&self) -> ProxyProtocol {
        self.protocol
    }

    pub(crate) fn credentials(&self) -> Option<&ProxyCredentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn source(&self) -> ProxySource {
        self.source
    }

    /// Scheme, host and port: all of its URL that may be shown.
    pub fn address(&self) -> String {
        format!("{}://{}:{}", self.protocol.scheme(), self.host, self.port)
    }

    /// A name or an address, which has its brackets if it is one of IPv6.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl ProxyCredentials {
    /// None without a user name: a password alone is not sent.
    fn parse(user_info: &str) -> Option<Self> {
        let (username, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        let decoded = |text| Secret::new(percent::decode(text));
        (!username.is_empty()).then(|| Self { username: decoded(username), password: decoded(password) })
    }
}

impl ProxyProtocol {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    pub(crate) fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }
}

/// Host, and the digits of the port if there are any.
fn split_address(address: &str) -> Result<(&str, &str), ProxyProblem> {
    let (host, port) = match address.rfind(']') {
        Some(end) => address.split_at(end + 1),
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    if host.is_empty() {
        return Err(ProxyProblem::NoHost);
    }
    let valid = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
    };
    if !valid {
        return Err(ProxyProblem::Host);
    }
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, digits)),
        None if port.is_empty() => Ok((host, "")),
        _ => Err(ProxyProblem::Port),
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (set by {})", self.address(), self.source)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for ProxySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance => f.write_str("`proxy` of the instance"),
            Self::InitConfig => f.write_str("`proxy` of `init_config`"),
            Self::TopOfFile => f.write_str("`proxy` at the top of the settings"),
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Proxy, ProxyProblem> {
        Proxy::parse(text, ProxySource::Instance)
    }

    #[test]
    fn reads_what_people_write() {
        for (text, address) in [
            ("http://Proxy.Example:3128", "http://proxy.example:3128"),
            ("http://proxy/", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("proxy:3128", "http://proxy:3128"),
            ("user:word@proxy:3128", "http://proxy:3128"),
            ("SOCKS5://proxy", "socks5://proxy:1080"),
            ("socks5h://[::1]:9", "socks5h://[::1]:9"),
            (" http://10.0.0.1: ", "http://10.0.0.1:80"),
        ] {
            assert_eq!(parse(text).map(|proxy| proxy.address()), Ok(address.to_owned()), "{text}");
        }
    }

    #[test]
    fn decodes_credentials_and_never_shows_them() {
        let proxy = parse("http://us%40er:p%3Aw:hunter2@proxy:3128").unwrap();
        let credentials = proxy.credentials().unwrap();
        assert_eq!((credentials.username.expose(), credentials.password.expose()), ("us@er", "p:w:hunter2"));
        let shown = format!("{proxy} {proxy:?} {credentials:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("us@er"), "{shown}");
        assert_eq!(proxy.to_string(), "`http://proxy:3128` (set by `proxy` of the instance)");
        assert_eq!(parse("http://:hunter2@proxy").unwrap().credentials(), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let long = format!("socks5://{}:b@proxy", "a".repeat(256));
        for (text, problem) in [
            ("socks4://proxy", ProxyProblem::Socks4),
            ("ftp://proxy", ProxyProblem::Scheme),
            ("http://", ProxyProblem::NoHost),
            ("http://user:hunter2@", ProxyProblem::NoHost),
            ("http://pro xy", ProxyProblem::Host),
            ("http://[::g]", ProxyProblem::Host),
            ("http://proxy:0", ProxyProblem::Port),
            ("http://proxy:65536", ProxyProblem::Port),
            ("http://proxy:+1", ProxyProblem::Port),
            ("http://[::1]1", ProxyProblem::Port),
            ("http://user:hun/ter2@proxy", ProxyProblem::UserInfo),
            (&long, ProxyProblem::LongCredentials),
        ] {
            assert_eq!(parse(text), Err(problem), "{text}");
        }
    }
}
