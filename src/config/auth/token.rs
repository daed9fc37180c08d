//! The option `auth_token`: where a token comes from (`reader`) and where it goes (`writer`).

use std::path::PathBuf;
use std::time::Duration;

use super::{at, listed};
use crate::config::http::is_token;
use crate::config::node::{Node, Value};
use crate::config::pattern::Pattern;
use crate::config::proxy::ProxySettings;
use crate::config::secret::Secret;
use crate::config::section::Section;

/// A token and its header.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenSettings {
    /// Where the token comes from.
    pub reader: TokenReader,
    /// Where it goes.
    pub writer: TokenWriter,
    /// The proxies to whoever gives it out: those of the environment.
    pub proxy: ProxySettings,
}

/// Where a token comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenReader {
    /// A file.
    File(TokenFile),
    /// An OAuth server, by the grant of client credentials.
    OAuth(Box<OAuthReader>),
    /// The login of DC/OS.
    Dcos(DcosReader),
}

/// A file that holds a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFile {
    /// Its path.
    pub path: PathBuf,
    /// If set, the token is what its one group matches first; else all of the file, trimmed.
    pub pattern: Option<Pattern>,
}

/// A client of an OAuth server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthReader {
    /// The token endpoint.
    pub url: String,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Whether the request has the secret in its body (`include_client_id` of `options`) and not in a header.
    pub in_body: bool,
    /// What the request says besides (`options`).
    pub parameters: Vec<(String, Secret)>,
    /// Headers of the request (`headers` of `options`).
    pub headers: Vec<(String, Secret)>,
    /// Whether the certificate of the server is verified (`verify` of `options`).
    pub verify: bool,
    /// File or directory of the CA certificates of the server (`verify` of `options`), if not the system's.
    pub ca_cert: Option<PathBuf>,
    /// Time for the request (`timeout` of `options`), if not that of the instance.
    pub timeout: Option<Duration>,
}

/// A service account of DC/OS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DcosReader {
    /// Where it logs in.
    pub login_url: String,
    /// Its name.
    pub service_account: String,
    /// The file of its private key (PEM).
    pub private_key: PathBuf,
    /// How many seconds a login is valid.
    pub expiration: i64,
}

/// The header of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWriter {
    /// Its name.
    pub name: String,
    /// Its value before and behind the token.
    pub around: (Secret, Secret),
}

#[derive(Clone, Copy)]
enum ReaderType {
    Dcos,
    File,
    OAuth,
}

const READERS: [(&str, ReaderType); 3] =
    [("dcos_auth", ReaderType::Dcos), ("file", ReaderType::File), ("oauth", ReaderType::OAuth)];

const WRITERS: [(&str, ()); 1] = [("header", ())];

impl TokenSettings {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        section.present("auth_token")?;
        let settings = section.mapping("auth_token")?;
        let part = |option| match settings.node(option) {
            None => {
                settings.error(settings.at(), format!("`auth_token` needs a mapping `{option}`"));
                None
            }
            Some(_) => settings.mapping(option),
        };
        let (reader, writer) = (part("reader"), part("writer"));
        settings.finish();
        let (reader, writer) = (reader.map(TokenReader::read), writer.map(TokenWriter::read));
        let proxy = ProxySettings::of_variables(section.reading().surroundings);
        Some(Self { reader: reader??, writer: writer??, proxy })
    }
}

/// The `type` of a reader or writer.
fn kind<T: Copy>(section: &Section<'_>, what: &str, known: &[(&str, T)]) -> Option<T> {
    let named = required(section, "type", what)?;
    let found = known.iter().find(|(name, _)| *name == named);
    if found.is_none() {
        let message = format!("`auth_token` has no {what} of the type `{named}`; expected {}", listed(known));
        section.error(at(section, "type"), message);
    }
    found.map(|&(_, kind)| kind)
}

/// Text that may not be missing or empty.
fn required(section: &Section<'_>, option: &'static str, what: &str) -> Option<String> {
    let value = match section.present(option) {
        Some(_) => section.text(option)?,
        None => String::new(),
    };
    if value.is_empty() {
        section.error(at(section, option), format!("the {what} of `auth_token` needs `{option}`"));
        return None;
    }
    Some(value)
}

impl TokenReader {
    fn read(section: Section<'_>) -> Option<Self> {
        let reader = match kind(&section, "reader", &READERS) {
            // Which options there are is not known then.
            None => return None,
            Some(ReaderType::File) => TokenFile::read(&section).map(Self::File),
            Some(ReaderType::OAuth) => OAuthReader::read(&section).map(|reader| Self::OAuth(Box::new(reader))),
            Some(ReaderType::Dcos) => DcosReader::read(&section).map(Self::Dcos),
        };
        section.finish();
        reader
    }
}

impl TokenFile {
    fn read(section: &Section<'_>) -> Option<Self> {
        let path = required(section, "path", "reader");
        let pattern = match section.present("pattern") {
            None => None,
            Some(node) => Some(read_pattern(section, node)?),
        };
        Some(Self { path: path?.into(), pattern })
    }
}

/// Taken literally, like all patterns.
fn read_pattern(section: &Section<'_>, node: &Node) -> Option<Pattern> {
    let Value::Text(text) = &node.value else {
        section.error(node.at, format!("`pattern` is {}; expected text", node.describe()));
        return None;
    };
    Pattern::with_one_group(text).map_err(|message| section.error(node.at, message)).ok()
}

impl OAuthReader {
    fn read(section: &Section<'_>) -> Option<Self> {
        let url = required(section, "url", "reader");
        let client_id = required(section, "client_id", "reader");
        let client_secret = required(section, "client_secret", "reader").map(Secret::new);
        if let Some(node) = section.node("basic_auth")
            && !matches!(node.value, Value::Bool(_))
        {
            let message = format!("`basic_auth` is {}; expected `true` or `false`", node.describe());
            section.error(node.at, message);
        }
        let mut reader = Self {
            url: url?,
            client_id: client_id?,
            client_secret: client_secret?,
            in_body: false,
            parameters: Vec::new(),
            headers: Vec::new(),
            verify: true,
            ca_cert: None,
            timeout: None,
        };
        let basic = matches!(section.node("basic_auth"), Some(Node { value: Value::Bool(true), .. }));
        if section.present("options").is_some()
            && let Some(options) = section.mapping("options")
        {
            reader.read_options(&options, basic);
        }
        Some(reader)
    }

    /// What goes into the request; some of the names mean something else to the original, and mean the same here.
    fn read_options(&mut self, options: &Section<'_>, basic: bool) {
        const WITHOUT_EFFECT: [&str; 13] = [
            "auth",
            "authorization_response",
            "body",
            "cert",
            "client_id",
            "client_secret",
            "code",
            "force_querystring",
            "grant_type",
            "method",
            "proxies",
            "redirect_uri",
            "token_url",
        ];
        for (name, at, node) in options.pairs() {
            match name {
                "include_client_id" if !matches!(node.value, Value::Bool(true)) => {}
                // The secret stays in the header then.
                "include_client_id" if basic => {
                    self.parameters.push(("client_id".into(), Secret::new(self.client_id.clone())));
                }
                "include_client_id" => self.in_body = true,
                "verify" => match &node.value {
                    Value::Text(_) => self.ca_cert = options.text("verify").map(PathBuf::from),
                    _ => self.verify = options.affirmative("verify", true),
                },
                "timeout" => self.timeout = options.number("timeout").and_then(|s| Duration::try_from_secs_f64(s).ok()),
                "headers" => {
                    let Some(headers) = options.mapping("headers") else { continue };
                    self.headers.extend(headers.pairs().filter_map(|(name, _, node)| {
                        Some((name.to_owned(), Secret::new(parameter(&headers, name, node)?)))
                    }));
                }
                name if WITHOUT_EFFECT.contains(&name) => {
                    options.warning(at, format!("`{name}` has no effect in the `options` of `auth_token`"));
                }
                name => self.parameters.extend(parameter(options, name, node).map(|v| (name.into(), Secret::new(v)))),
            }
        }
    }
}

/// Text, or what can be spelled as text; the texts of a list are joined by blanks, as OAuth does with scopes.
fn parameter(section: &Section<'_>, name: &str, node: &Node) -> Option<String> {
    match &node.value {
        Value::List(list) => {
            let parts: Option<Vec<String>> = list.iter().map(|node| parameter(section, name, node)).collect();
            Some(parts?.join(" "))
        }
        Value::Text(_) => section.expect_text(&format!("`{name}`"), node),
        _ => node.key_text().or_else(|| section.expect_text(&format!("`{name}`"), node)),
    }
}

impl DcosReader {
    fn read(section: &Section<'_>) -> Option<Self> {
        let login_url = required(section, "login_url", "reader");
        let service_account = required(section, "service_account", "reader");
        let private_key = required(section, "private_key_path", "reader");
        let expiration = match section.node("expiration").map(|node| (&node.value, node)) {
            None => Some(300),
            Some((Value::Integer(seconds), node)) => {
                let seconds = i64::try_from(*seconds).ok().filter(|seconds| seconds.abs() < 1 << 40);
                if seconds.is_none() {
                    section.error(node.at, "`expiration` is more seconds than a clock can say");
                }
                seconds
            }
            Some((_, node)) => {
                let message = format!("`expiration` is {}; expected a whole number of seconds", node.describe());
                section.error(node.at, message);
                None
            }
        };
        Some(Self {
            login_url: login_url?,
            service_account: service_account?,
            private_key: private_key?.into(),
            expiration: expiration?,
        })
    }
}

impl TokenWriter {
    fn read(section: Section<'_>) -> Option<Self> {
        const PLACEHOLDER: &str = "<TOKEN>";
        kind(&section, "writer", &WRITERS)?;
        let name = required(&section, "name", "writer").filter(|name| {
            let valid = is_token(name);
            if !valid {
                section.error(at(&section, "name"), format!("`{name}` is not a valid header name"));
            }
            valid
        });
        let text = |option| match section.node(option) {
            None => Some(PLACEHOLDER.to_owned()),
            Some(_) => section.text(option),
        };
        let (value, placeholder) = (text("value"), text("placeholder"));
        let around = value.zip(placeholder).and_then(|(value, placeholder)| {
            let parts = if placeholder.is_empty() { None } else { value.split_once(&placeholder) };
            if placeholder.is_empty() {
                section.error(at(&section, "placeholder"), "`placeholder` is empty; expected text such as `<TOKEN>`");
            } else if parts.is_none() {
                let message = format!("`value` does not hold the placeholder `{placeholder}`, the place of the token");
                section.error(at(&section, "value"), message);
            }
            parts.map(|(before, behind)| (Secret::new(before), Secret::new(behind)))
        });
        section.finish();
        Some(Self { name: name?, around: around? })
    }
}
