//! How the requests of one instance show who sends them: `auth_type` with its options, `auth_token`, and netrc.
//!
//! The rules about which option wins are those of Datadog's check.

mod aws;
mod kerberos;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;

pub use aws::{AwsAuth, AwsContainer, AwsKeys, AwsProfile, AwsSources, ContainerAuthorization};
pub use kerberos::{KerberosAuth, MutualAuthentication};
pub use token::{DcosReader, OAuthReader, TokenFile, TokenReader, TokenSettings, TokenWriter};

use super::expand::expand_home;
use super::problem::Position;
use super::secret::Secret;
use super::section::Section;

/// Everything that a request shows of its sender.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthSettings {
    /// What `auth_type` and its options ask for.
    pub scheme: AuthScheme,
    /// A token in a header of its own (`auth_token`).
    pub token: Option<TokenSettings>,
    /// The netrc files, of which the first that exists counts; they are only looked at where nothing else is configured.
    pub netrc: Vec<PathBuf>,
}

/// A way to authenticate.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AuthScheme {
    /// None, unless the URL or netrc has credentials.
    #[default]
    Unset,
    /// Name and password in each request.
    Basic(BasicAuth),
    /// A proof of the password, as RFC 7616 has it.
    Digest(DigestAuth),
    /// NTLM version 2.
    Ntlm(NtlmAuth),
    /// Kerberos by way of SPNEGO.
    Kerberos(KerberosAuth),
    /// Signature version 4 of AWS.
    Aws(AwsAuth),
}

/// Basic authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// Shown in no message either: some services put tokens here.
    pub username: Secret,
    /// May be empty.
    pub password: Secret,
    /// Whether the credentials are encoded as Latin-1 (`use_legacy_auth_encoding`) and not as UTF-8.
    pub latin1: bool,
}

/// Digest authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestAuth {
    /// The name of the user.
    pub username: Secret,
    /// May be empty.
    pub password: Secret,
}

/// NTLM authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NtlmAuth {
    /// What stands before the backslash of `ntlm_domain`; empty for a user of the target itself.
    pub domain: String,
    /// What stands behind it.
    pub user: Secret,
    /// May be empty.
    pub password: Secret,
}

impl From<BasicAuth> for AuthSettings {
    fn from(basic: BasicAuth) -> Self {
        AuthScheme::Basic(basic).into()
    }
}

impl From<AuthScheme> for AuthSettings {
    fn from(scheme: AuthScheme) -> Self {
        Self { scheme, ..Self::default() }
    }
}

/// The values of `auth_type`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AuthType {
    Basic,
    Digest,
    Ntlm,
    Kerberos,
    Aws,
}

const AUTH_TYPES: [(&str, AuthType); 5] = [
    ("basic", AuthType::Basic),
    ("digest", AuthType::Digest),
    ("ntlm", AuthType::Ntlm),
    ("kerberos", AuthType::Kerberos),
    ("aws", AuthType::Aws),
];

impl AuthSettings {
    /// The options of an instance.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self { scheme: read_scheme(section), token: TokenSettings::read(section), netrc: netrc_files(section) }
    }
}

fn read_scheme(section: &Section<'_>) -> AuthScheme {
    // All of them are read, so that what is wrong with one is told even where another wins.
    let username = section.scalar_text("username").map(Secret::new);
    let password = section.scalar_text("password").map(Secret::new);
    let latin1 = section.affirmative("use_legacy_auth_encoding", true);
    let ntlm_domain = section.scalar_text("ntlm_domain").filter(|domain| !domain.is_empty());
    let kerberos = KerberosAuth::read(section);
    let aws = AwsAuth::read(section);
    let at = at(section, "auth_type");
    match auth_type(section, kerberos.is_asked_for(), ntlm_domain.is_some()) {
        AuthType::Basic if username.is_none() && password.is_none() => AuthScheme::Unset,
        AuthType::Basic => {
            let both =
                both(section, section.at(), username, password, "basic authentication needs both `username` and");
            both.map_or(AuthScheme::Unset, |(username, password)| {
                AuthScheme::Basic(BasicAuth { username, password, latin1 })
            })
        }
        AuthType::Digest => {
            let both = both(section, at, username, password, "digest authentication needs `username` and");
            both.map_or(AuthScheme::Unset, |(username, password)| AuthScheme::Digest(DigestAuth { username, password }))
        }
        AuthType::Ntlm => {
            let needed = "NTLM authentication needs `ntlm_domain`, in the form `DOMAIN\\user`, and";
            let both = both(section, at, ntlm_domain, password, needed);
            both.map_or(AuthScheme::Unset, |(account, password)| AuthScheme::Ntlm(NtlmAuth::new(&account, password)))
        }
        AuthType::Kerberos => kerberos.finish(section).map_or(AuthScheme::Unset, AuthScheme::Kerberos),
        AuthType::Aws => aws.finish(section, at).map_or(AuthScheme::Unset, AuthScheme::Aws),
    }
}

/// A name and a password; without one of them the original sends requests without authentication, and so it is done here.
fn both<T>(
    section: &Section<'_>,
    at: Position,
    name: Option<T>,
    password: Option<Secret>,
    needed: &str,
) -> Option<(T, Secret)> {
    let both = name.zip(password);
    if both.is_none() {
        section.warning(at, format!("{needed} `password`; requests are sent without it"));
    }
    both
}

/// The way that is asked for, or implied by the options of another.
fn auth_type(section: &Section<'_>, kerberos: bool, ntlm: bool) -> AuthType {
    let named = section.text_if_any("auth_type");
    let known = named.as_deref().map(|named| {
        let known = AUTH_TYPES.iter().find(|(name, _)| named.eq_ignore_ascii_case(name));
        if known.is_none() {
            let message =
                format!("there is no `auth_type` `{named}`; `basic` is used, expected {}", listed(&AUTH_TYPES));
            section.warning(at(section, "auth_type"), message);
        }
        known.map_or(AuthType::Basic, |&(_, kind)| kind)
    });
    let implied = |option, kind| {
        let message = format!("`{option}` without `auth_type: {kind}` is deprecated; set `auth_type: {kind}`");
        section.warning(at(section, option), message);
    };
    match known.unwrap_or(AuthType::Basic) {
        AuthType::Basic if kerberos => {
            let option = if section.present("kerberos_auth").is_some() { "kerberos_auth" } else { "kerberos" };
            implied(option, "kerberos");
            AuthType::Kerberos
        }
        AuthType::Basic if ntlm => {
            implied("ntlm_domain", "ntlm");
            AuthType::Ntlm
        }
        other => other,
    }
}

fn listed<T>(known: &[(&str, T)]) -> String {
    let names: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("one of {}", names.join(", "))
}

fn at(section: &Section<'_>, option: &'static str) -> Position {
    section.node(option).map_or(section.at(), |node| node.at)
}

impl NtlmAuth {
    fn new(account: &str, password: Secret) -> Self {
        let (domain, user) = account.split_once('\\').unwrap_or(("", account));
        Self { domain: domain.to_owned(), user: Secret::new(user), password }
    }
}

/// `NETRC` alone if it is set, else the two usual names in the home directory.
fn netrc_files(section: &Section<'_>) -> Vec<PathBuf> {
    let surroundings = section.reading().surroundings;
    match surroundings.variable("NETRC") {
        Some(path) => vec![expand_home(&path, surroundings)],
        None if surroundings.variable("HOME").is_some() => {
            ["~/.netrc", "~/_netrc"].map(|path| expand_home(path, surroundings)).to_vec()
        }
        None => Vec::new(),
    }
}
