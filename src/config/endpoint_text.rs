//! The text that the settings give for an endpoint: used as it is written, shown without what is secret in it.

use std::fmt;
use std::ops::Deref;

/// The URL of an endpoint exactly as configured. `Display` and `Debug` show it without user and password, and with `***` for
/// the secrets of its query; that is also the tag `endpoint`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EndpointText(String);

impl From<String> for EndpointText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The text as configured.
impl Deref for EndpointText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for EndpointText {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Debug for EndpointText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Display for EndpointText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = match self.0.find("://") {
            Some(at) => self.0.split_at(at + 3),
            None => ("", &*self.0),
        };
        let (mut authority, mut path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // A password may hold what ends a host. Then the URL cannot be used, but it is shown.
        if !authority.contains('@')
            && is_no_host(authority)
            && let Some(end) = rest.rfind('@')
        {
            (authority, path) = rest.split_at(end + 1);
        }
        f.write_str(scheme)?;
        f.write_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host))?;
        let (path, query) = path.split_at(path.find('?').map_or(path.len(), |at| at + 1));
        f.write_str(path)?;
        for (i, parameter) in query.split('&').enumerate() {
            let separator = if i == 0 { "" } else { "&" };
            match parameter.split_once('=') {
                Some((name, _)) if is_secret(name) => write!(f, "{separator}{name}=***")?,
                _ => write!(f, "{separator}{parameter}")?,
            }
        }
        Ok(())
    }
}

/// Whether what stands before the path is not a host with a port.
fn is_no_host(authority: &str) -> bool {
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| !port.ends_with(']') && port.parse::<u16>().is_err())
}

/// Whether a parameter of this name is a secret: whole words count, so that `keyspace` and `author` are shown, because
/// they may tell targets apart.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "token",
        "key",
        "apikey",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "auth",
        "authorization",
        "signature",
    ];
    const ENDS: [&str; 4] = ["token", "apikey", "secret", "password"];
    let name = name.to_ascii_lowercase();
    let is_word = |word: &str| WORDS.contains(&word) || ENDS.iter().any(|end| word.ends_with(end));
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_everything_but_secrets() {
        for (text, shown) in [
            ("http://h:9100/metrics?match[]=a@b&keyspace=k#part", "http://h:9100/metrics?match[]=a@b&keyspace=k#part"),
            ("http://bob:hunter2@h:1/m", "http://h:1/m"),
            ("http://hunter2@h/m", "http://h/m"),
            ("http://:hunter2@[::1]:9/", "http://[::1]:9/"),
            ("https://b:hun@ter2@h", "https://h"),
            ("https://b:hunter2/x@h", "https://h"),
            ("https://b:hunter2?x@h/m", "https://h/m"),
            ("http://h/m?token=hunter2&x=1&client_secret=hunter2", "http://h/m?token=***&x=1&client_secret=***"),
            ("http://h?X-Amz-Signature=hunter2&accessToken=hunter2", "http://h?X-Amz-Signature=***&accessToken=***"),
            ("b:hunter2@h/m", "h/m"),
            ("unix:///run/a.sock/m?key=hunter2", "unix:///run/a.sock/m?key=***"),
            ("", ""),
        ] {
            let endpoint = EndpointText::from(text.to_owned());
            assert_eq!((endpoint.to_string().as_str(), &*endpoint), (shown, text));
            assert_eq!(format!("{endpoint:?}"), format!("{shown:?}"));
        }
    }
}
