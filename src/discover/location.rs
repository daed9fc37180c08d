//! A place that requests go to: an origin and a path, without credentials. Redirects make new ones of it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use crate::percent::is_encoded;

/// A URL that can be requested; its `Display` is fit for messages.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Location {
    origin: Origin,
    /// Percent-encoded; begins with a slash.
    path_and_query: String,
}

/// Whom a connection is made to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    Tcp {
        tls: bool,
        /// Lower case; an IPv6 address with its brackets.
        host: String,
        /// As written; none: the one of the scheme.
        port: Option<u16>,
    },
    Unix(PathBuf),
}

/// Why a text is no URL that can be requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlProblem {
    #[error("it is empty; write for example `http://localhost:9100/metrics`")]
    Empty,
    #[error("it has no scheme; write `http://{0}` or `https://{0}`")]
    NoScheme(String),
    #[error("the scheme `{0}` is not supported; `http`, `https` and `unix` are")]
    Scheme(String),
    #[error("`/`, `?` and `#` in a user name or password must be percent-encoded")]
    UserInfo,
    #[error("it names no host")]
    NoHost,
    #[error("`{0}` is not a host name; a name with other than ASCII letters is written in its punycode form")]
    Host(String),
    #[error("`{0}` is not an IPv6 address")]
    Ipv6(String),
    #[error("`{0}` is not a port, a number from 1 to 65535")]
    Port(String),
    #[error(
        "the path of a unix socket must be absolute and have a name that ends in `.sock`; write for example `unix:///run/app.sock/metrics`"
    )]
    Socket,
}

impl Location {
    /// Reads an absolute URL; gives the user information beside it.
    pub(crate) fn parse(text: &str) -> Result<(Self, Option<&str>), UrlProblem> {
        if text.is_empty() {
            return Err(UrlProblem::Empty);
        }
        let Some((scheme, rest)) = split_scheme(text) else {
            return Err(UrlProblem::NoScheme(redact(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Self::parse_tcp(false, rest),
            "https" => Self::parse_tcp(true, rest),
            "unix" => Ok((Self::parse_unix(rest)?, None)),
            _ => Err(UrlProblem::Scheme(scheme.to_owned())),
        }
    }

    fn parse_tcp(tls: bool, rest: &str) -> Result<(Self, Option<&str>), UrlProblem> {
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let (host, port) = parse_address(address).map_err(|problem| {
            // Then what was taken for host and port may be part of a password, and must not be shown.
            if path.contains('@') { UrlProblem::UserInfo } else { problem }
        })?;
        let origin = Origin::Tcp { tls, host, port };
        Ok((Self { origin, path_and_query: normal_path(path) }, user))
    }

    fn parse_unix(rest: &str) -> Result<Self, UrlProblem> {
        const ENDING: &str = ".sock";
        let end = rest.find(ENDING).ok_or(UrlProblem::Socket)? + ENDING.len();
        let (socket, path) = rest.split_at(end);
        if !socket.starts_with('/') {
            return Err(UrlProblem::Socket);
        }
        Ok(Self { origin: Origin::Unix(socket.into()), path_and_query: quoted_path(path) })
    }

    /// What a `Location` header at this place means.
    pub(crate) fn resolve(&self, reference: &str) -> Result<Self, UrlProblem> {
        let reference = reference.trim();
        if split_scheme(reference).is_some() {
            let (absolute, _) = Self::parse(reference)?;
            return Ok(absolute.on_socket_of(self));
        }
        if let Some((scheme, _)) = reference.split_once(':')
            && !scheme.contains(['/', '?', '#'])
        {
            return Err(UrlProblem::Scheme(scheme.to_owned()));
        }
        if let Some(rest) = reference.strip_prefix("//") {
            let tls = matches!(self.origin, Origin::Tcp { tls: true, .. });
            return Ok(Self::parse_tcp(tls, rest)?.0.on_socket_of(self));
        }
        Ok(Self { origin: self.origin.clone(), path_and_query: self.join(reference) })
    }

    /// A server behind a socket knows itself as the `localhost` of the `Host` header, so this name means the socket.
    fn on_socket_of(self, before: &Self) -> Self {
        let itself = matches!(&self.origin, Origin::Tcp { tls: false, host, port: None } if host == "localhost");
        match &before.origin {
            Origin::Unix(socket) if itself => Self { origin: Origin::Unix(socket.clone()), ..self },
            _ => self,
        }
    }

    fn join(&self, reference: &str) -> String {
        let (path, query) = match self.path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path_and_query.as_str(), None),
        };
        let reference = reference.split('#').next().unwrap_or_default();
        if reference.starts_with('/') {
            normal_path(reference)
        } else if reference.is_empty() {
            query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
        } else if reference.starts_with('?') {
            normal_path(&format!("{path}{reference}"))
        } else {
            let folder = &path[..=path.rfind('/').unwrap_or(0)];
            normal_path(&format!("{folder}{reference}"))
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The socket, if it is one.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Unix(socket) => Some(socket),
            Origin::Tcp { .. } => None,
        }
    }

    /// The name that a certificate must be for.
    pub(crate) fn host(&self) -> &str {
        match &self.origin {
            Origin::Tcp { host, .. } => host,
            Origin::Unix(_) => "localhost",
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.origin, Origin::Tcp { tls: true, .. })
    }

    /// Whether what is sent there stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match &self.origin {
            Origin::Unix(_) => true,
            Origin::Tcp { host, .. } => {
                let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
                host == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }

    /// Host and port where the port is not the scheme's own: the `Host` header.
    pub(crate) fn host_and_port(&self) -> String {
        match self.origin.normal() {
            Origin::Unix(_) => "localhost".to_owned(),
            Origin::Tcp { tls, host, port: Some(port) } if port != default_port(tls) => format!("{host}:{port}"),
            Origin::Tcp { host, .. } => host,
        }
    }

    /// Whether what is meant for `self` may be sent to `next`: the same host and port, or the same host on the HTTPS
    /// port instead of the HTTP port.
    pub(crate) fn trusts(&self, next: &Self) -> bool {
        match (self.origin.normal(), next.origin.normal()) {
            (
                Origin::Tcp { tls: false, host, port: Some(80) },
                Origin::Tcp { tls: true, host: next_host, port: Some(443) },
            ) => host == next_host,
            (Origin::Tcp { tls, host, port }, Origin::Tcp { tls: next_tls, host: next_host, port: next_port }) => {
                host == next_host && port == next_port && (!tls || next_tls)
            }
            (one, other) => one == other,
        }
    }
}

impl Origin {
    /// The same origin with its port filled in, so that equal ones are equal.
    pub(crate) fn normal(&self) -> Self {
        match self {
            Self::Tcp { tls, host, port } => {
                Self::Tcp { tls: *tls, host: host.clone(), port: Some(port.unwrap_or(default_port(*tls))) }
            }
            Self::Unix(socket) => Self::Unix(socket.clone()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Tcp { tls, host, port } => {
                write!(f, "http{}://{host}", if *tls { "s" } else { "" })?;
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
            }
            Origin::Unix(socket) => write!(f, "unix://{}", socket.display())?,
        }
        f.write_str(&mask_query(&self.path_and_query))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Splits at `://` after a word that can be a scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits)).then_some((scheme, rest))
}

fn parse_address(address: &str) -> Result<(String, Option<u16>), UrlProblem> {
    let (host, port) = match address.rfind(']') {
        Some(end) => address.split_at(end + 1),
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    if host.is_empty() {
        return Err(UrlProblem::NoHost);
    }
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or(inner);
        inner.parse::<Ipv6Addr>().map_err(|_| UrlProblem::Ipv6(inner.to_owned()))?;
    } else if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return Err(UrlProblem::Host(host.to_owned()));
    }
    Ok((host.to_ascii_lowercase(), parse_port(port)?))
}

/// What follows the host: nothing, a lone colon, or a colon and a number.
fn parse_port(text: &str) -> Result<Option<u16>, UrlProblem> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits.parse().ok().filter(|&number: &u16| number != 0 && digits.len() < text.len());
    number.map(Some).ok_or_else(|| UrlProblem::Port(digits.to_owned()))
}

/// Path and query as requested: quoted, without fragment and dot segments.
fn normal_path(text: &str) -> String {
    let quoted = quoted_path(text);
    let (path, query) = quoted.split_at(quoted.find('?').unwrap_or(quoted.len()));
    if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return quoted;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let folder = path.ends_with("/.") || path.ends_with("/..");
    let slash = if folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}{query}", kept.join("/"))
}

/// Percent-encodes what a request line cannot hold, leaves what is encoded, cuts the fragment.
fn quoted_path(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    let mut quoted = String::with_capacity(text.len() + 1);
    if !text.starts_with('/') {
        quoted.push('/');
    }
    for (at, byte) in text.bytes().enumerate() {
        let kept = match byte {
            b'%' => is_encoded(text.as_bytes(), at),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,/:;=?@[]".contains(&byte),
        };
        if kept {
            quoted.push(char::from(byte));
        } else {
            quoted.push('%');
            quoted.extend(format!("{byte:02X}").chars());
        }
    }
    quoted
}

/// Any text without what may be user information and secrets in the query, for messages about texts that are no URL.
pub(crate) fn redact(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let shown = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    mask_query(&format!("{scheme}{shown}"))
}

/// Hides the values of parameters whose names speak of secrets.
fn mask_query(text: &str) -> String {
    const SECRET: [&str; 7] = ["token", "key", "secret", "passw", "pwd", "auth", "signature"];
    let Some((path, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    let masked: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word)) => {
                format!("{name}=***")
            }
            _ => parameter.to_owned(),
        })
        .collect();
    format!("{path}?{}", masked.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(base: &str, reference: &str) -> String {
        Location::parse(base)
            .unwrap()
            .0
            .resolve(reference)
            .map_or_else(|problem| problem.to_string(), |l| l.to_string())
    }

    #[test]
    fn resolves_references_as_rfc_3986_does() {
        // The normal and abnormal examples of section 5.4, as far as they are HTTP.
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ] {
            assert_eq!(resolved("http://a/b/c/d;p?q", reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_redirect_of_a_socket_to_localhost_stays_there() {
        assert_eq!(resolved("unix:///a.sock/m", "http://localhost/n"), "unix:///a.sock/n");
        assert_eq!(resolved("unix:///a.sock/m", "/n"), "unix:///a.sock/n");
        assert_eq!(resolved("unix:///a.sock/m", "http://localhost:80/n"), "http://localhost:80/n");
    }

    #[test]
    fn names_schemes_without_slashes() {
        assert!(resolved("http://a/", "javascript:alert(1)").contains("`javascript` is not supported"));
        assert!(resolved("http://a/", "file:/etc/passwd").contains("`file` is not supported"));
    }

    #[test]
    fn trusts_only_the_same_host_and_port() {
        let trusts =
            |one: &str, other: &str| Location::parse(one).unwrap().0.trusts(&Location::parse(other).unwrap().0);
        assert!(trusts("http://a/x", "http://A:80/y"));
        assert!(trusts("http://a/", "https://a/"));
        assert!(!trusts("https://a/", "http://a/"));
        assert!(!trusts("http://a:8080/", "https://a/"));
        assert!(!trusts("http://a/", "http://b/"));
        assert!(!trusts("unix:///a.sock", "unix:///b.sock"));
    }
}
