//! The settings at the top of a file: where metrics go and what goes with them, under the names of `datadog.yaml`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::expand::Surroundings;
use super::output::{ApiSettings, DogstatsdAddress, Enrichment, Output};
use super::proxy::IntakeProxy;
use super::secret::Secret;
use super::section::{Section, is_affirmative};
use super::tls::TlsVersion;

/// Where Retriever's own pages listen unless the settings say otherwise.
const DEFAULT_ADMIN: &str = "127.0.0.1:8226";
/// The region of an account that names none.
const DEFAULT_SITE: &str = "datadoghq.com";
const DEFAULT_DOGSTATSD_PORT: u16 = 8125;
/// The Agent's figure: 15 MiB.
const DEFAULT_QUEUE_BYTES: usize = 15 << 20;
const DEFAULT_FORWARDER_TIMEOUT: Duration = Duration::from_secs(20);
/// Far more than run at once while targets answer, so that hundreds of them may hang and delay nobody; each takes a
/// connection and some tens of kilobytes.
const DEFAULT_SLOTS: NonZeroUsize = NonZeroUsize::new(1000).expect("it is not zero");

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// All settings that are not of one instance.
#[derive(Clone, Debug)]
pub struct Global {
    /// Where metrics go.
    pub output: Output,
    /// How Datadog's API is reached, also where metrics go elsewhere; none without an API key.
    pub api: Option<ApiSettings>,
    /// The application key, which those need who change what Datadog knows of metrics (`app_key`).
    pub app_key: Option<Secret>,
    /// What is put on everything that is sent.
    pub enrichment: Enrichment,
    /// Where Retriever's own pages listen; none: nowhere.
    pub admin_listen: Option<SocketAddr>,
    /// The least severe level that is logged: `trace`, `debug`, `info`, `warn`, `error` or `off`.
    pub log_level: String,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// How many scrapes may run together (`max_concurrent_scrapes`).
    pub slots: NonZeroUsize,
    /// Whether the settings are read again when their files change (`watch_settings`).
    pub watch_settings: bool,
    /// Whether a request to Retriever's own pages may have the settings read again (`admin_reload`).
    pub admin_reload: bool,
}

/// An option at the top of the file, or the environment variable that overrides it.
struct Overridden<'s, 'a> {
    section: &'s Section<'a>,
    surroundings: &'a dyn Surroundings,
}

impl Overridden<'_, '_> {
    /// The first of the variables that is set and not empty, else the option.
    fn text(&self, option: &'static str, variables: &[&str]) -> Option<String> {
        let configured = self.section.scalar_text(option);
        self.variable(variables).or(configured).filter(|text| !text.is_empty())
    }

    fn variable(&self, variables: &[&str]) -> Option<String> {
        variables.iter().find_map(|name| self.surroundings.variable(name).filter(|value| !value.trim().is_empty()))
    }

    fn affirmative(&self, option: &'static str, variable: &str, default: bool) -> bool {
        let configured = self.section.affirmative(option, default);
        self.variable(&[variable]).map_or(configured, |text| is_affirmative(&text))
    }

    /// A number of the option or of the variable, which is reported like one of the file.
    fn number(&self, option: &'static str, variable: &str) -> Option<f64> {
        let configured = self.section.number(option);
        let Some(text) = self.variable(&[variable]) else { return configured };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Some(number),
            _ => {
                self.variable_error(variable, "is not a number that is not negative");
                configured
            }
        }
    }

    /// Tags of the option, or of the variable, where blanks or commas separate them.
    fn tags(&self, option: &'static str, variable: &str) -> Vec<String> {
        let configured = self.section.text_list(option);
        match self.variable(&[variable]) {
            None => configured,
            Some(text) => {
                let tags = text.split([' ', ',']).filter(|tag| !tag.is_empty());
                tags.map(ToOwned::to_owned).collect()
            }
        }
    }

    fn variable_error(&self, name: &str, message: &str) {
        self.section.reading().problems.borrow_mut().variable(name, message);
    }

    /// An error of an option that may have come from any of the variables.
    fn error(&self, option: &'static str, variables: &[&str], message: &str) {
        if let Some(name) = variables.iter().find(|name| self.variable(&[name]).is_some()) {
            self.variable_error(name, message);
        } else {
            let at = self.section.node(option).map_or(self.section.at(), |node| node.at);
            self.section.error(at, format!("`{option}` {message}"));
        }
    }
}

impl Global {
    /// Reads the options at the top of the file, each overridden by its environment variable.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let options = Overridden { section, surroundings: section.reading().surroundings };
        let mut tags = options.tags("tags", "DD_TAGS");
        tags.extend(options.tags("extra_tags", "DD_EXTRA_TAGS"));
        tags.extend(options.text("env", &["DD_ENV"]).map(|env| format!("env:{env}")));
        let log_json = section.affirmative("log_format_json", false);
        let api = read_api(&options);
        Self {
            output: read_output(&options, api.clone()),
            api,
            app_key: read_key(&options, "app_key", "DD_APP_KEY", "application key"),
            enrichment: Enrichment {
                hostname: options.text("hostname", &["DD_HOSTNAME"]).unwrap_or_default(),
                tags,
                send_units: options.affirmative("send_units", "RETRIEVER_SEND_UNITS", true),
            },
            admin_listen: read_admin(&options),
            log_level: read_log_level(&options),
            log_format: if log_json { LogFormat::Json } else { LogFormat::Text },
            slots: read_slots(&options),
            watch_settings: options.affirmative("watch_settings", "RETRIEVER_WATCH_SETTINGS", true),
            admin_reload: options.affirmative("admin_reload", "RETRIEVER_ADMIN_RELOAD", false),
        }
    }
}

/// The output that is asked for, else the first for which there is an address: API, `DogStatsD`, console.
fn read_output(options: &Overridden<'_, '_>, api: Option<ApiSettings>) -> Output {
    let dogstatsd = read_dogstatsd(options);
    let wanted = options.text("output", &["RETRIEVER_OUTPUT"]);
    match wanted.as_deref() {
        None => api.map(Output::Api).or(dogstatsd.map(Output::Dogstatsd)).unwrap_or(Output::Console),
        Some("console") => Output::Console,
        Some("api") => api.map_or_else(
            || {
                options.error(
                    "output",
                    &["RETRIEVER_OUTPUT"],
                    "is `api`, but there is no API key: set `api_key` or DD_API_KEY",
                );
                Output::Console
            },
            Output::Api,
        ),
        Some("dogstatsd") => Output::Dogstatsd(
            dogstatsd.unwrap_or(DogstatsdAddress::Udp { host: "127.0.0.1".to_owned(), port: DEFAULT_DOGSTATSD_PORT }),
        ),
        Some(_) => {
            options.error("output", &["RETRIEVER_OUTPUT"], "is none of `api`, `dogstatsd`, `console`");
            Output::Console
        }
    }
}

fn read_api(options: &Overridden<'_, '_>) -> Option<ApiSettings> {
    const URL_VARIABLES: [&str; 2] = ["DD_DD_URL", "DD_URL"];
    let site = options.text("site", &["DD_SITE"]).unwrap_or_else(|| DEFAULT_SITE.to_owned());
    let url = options.text("dd_url", &URL_VARIABLES);
    let timeout = options.number("forwarder_timeout", "DD_FORWARDER_TIMEOUT");
    let queue = options.number("forwarder_retry_queue_payloads_max_size", "DD_FORWARDER_RETRY_QUEUE_PAYLOADS_MAX_SIZE");
    let skip_ssl_validation = options.affirmative("skip_ssl_validation", "DD_SKIP_SSL_VALIDATION", false);
    let min_tls_version = read_min_tls_version(options);
    let api_key = read_key(options, "api_key", "DD_API_KEY", "API key")?;
    let url = match url {
        None if site.contains(['/', ' ', ':']) || site.is_empty() => {
            options.error("site", &["DD_SITE"], "is not a site such as `datadoghq.eu`; a whole URL goes into `dd_url`");
            format!("https://api.{DEFAULT_SITE}")
        }
        None => format!("https://api.{}", site.trim_end_matches('.')),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => url.trim_end_matches('/').to_owned(),
        Some(_) => {
            options.error("dd_url", &URL_VARIABLES, "does not begin with `http://` or `https://`");
            format!("https://api.{site}")
        }
    };
    Some(ApiSettings {
        url,
        api_key,
        skip_ssl_validation,
        min_tls_version,
        // Decided when all of the file is read that names proxies.
        proxy: IntakeProxy::default(),
        timeout: timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(DEFAULT_FORWARDER_TIMEOUT),
        queue_bytes: queue.map_or(DEFAULT_QUEUE_BYTES, |bytes| bytes as usize),
    })
}

/// A key, as it is sent in a header.
fn read_key(options: &Overridden<'_, '_>, option: &'static str, variable: &str, what: &str) -> Option<Secret> {
    let key = options.text(option, &[variable])?;
    // A stray line feed is the usual cause of a refused key.
    let key = key.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if !key.chars().all(|c| c.is_ascii_graphic()) {
        options.error(option, &[variable], &format!("holds characters that no {what} holds"));
    }
    Some(Secret::new(key))
}

/// There is nothing below TLS 1.2 here, so the older names of the Agent come to that.
fn read_min_tls_version(options: &Overridden<'_, '_>) -> TlsVersion {
    const VARIABLES: [&str; 1] = ["DD_MIN_TLS_VERSION"];
    match options.text("min_tls_version", &VARIABLES).map(|text| text.to_lowercase()).as_deref() {
        None | Some("tlsv1.0" | "tlsv1.1" | "tlsv1.2") => TlsVersion::Tls12,
        Some("tlsv1.3") => TlsVersion::Tls13,
        Some(_) => {
            options.error("min_tls_version", &VARIABLES, "is no version of TLS; expected `tlsv1.2` or `tlsv1.3`");
            TlsVersion::Tls12
        }
    }
}

fn read_dogstatsd(options: &Overridden<'_, '_>) -> Option<DogstatsdAddress> {
    const URL_VARIABLES: [&str; 1] = ["DD_DOGSTATSD_URL"];
    let port = options.number("dogstatsd_port", "DD_DOGSTATSD_PORT");
    let port = match port {
        None => DEFAULT_DOGSTATSD_PORT,
        Some(port) if port.fract() == 0.0 && (1.0..=65_535.0).contains(&port) => port as u16,
        Some(_) => {
            options.error("dogstatsd_port", &["DD_DOGSTATSD_PORT"], "is not a port; expected 1 to 65535");
            DEFAULT_DOGSTATSD_PORT
        }
    };
    let url = options.text("dogstatsd_url", &URL_VARIABLES);
    let socket = options.text("dogstatsd_socket", &["DD_DOGSTATSD_SOCKET"]);
    let host = options.text("dogstatsd_host", &["DD_AGENT_HOST"]);
    if let Some(url) = url {
        let address = parse_dogstatsd_url(&url);
        if address.is_none() {
            let message = "is no DogStatsD address; expected `udp://HOST:PORT`, `unix:///PATH` or `unixstream:///PATH`";
            options.error("dogstatsd_url", &URL_VARIABLES, message);
        }
        return address;
    }
    if let Some(socket) = socket {
        return Some(DogstatsdAddress::UnixDatagram(PathBuf::from(socket)));
    }
    host.map(|host| DogstatsdAddress::Udp { host, port })
}

fn parse_dogstatsd_url(url: &str) -> Option<DogstatsdAddress> {
    let (scheme, rest) = url.split_once("://")?;
    let path = || (!rest.is_empty()).then(|| PathBuf::from(rest));
    match scheme {
        "udp" => {
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) if !host.ends_with(':') => (host, port.parse().ok()?),
                _ => (rest, DEFAULT_DOGSTATSD_PORT),
            };
            (!host.is_empty()).then(|| DogstatsdAddress::Udp { host: host.to_owned(), port })
        }
        "unix" | "unixgram" => path().map(DogstatsdAddress::UnixDatagram),
        "unixstream" => path().map(DogstatsdAddress::UnixStream),
        _ => None,
    }
}

fn read_admin(options: &Overridden<'_, '_>) -> Option<SocketAddr> {
    const VARIABLES: [&str; 1] = ["RETRIEVER_ADMIN_LISTEN"];
    let listen = options.text("admin_listen", &VARIABLES).unwrap_or_else(|| DEFAULT_ADMIN.to_owned());
    if listen == "none" {
        return None;
    }
    let address = listen.parse().ok();
    if address.is_none() {
        let message = "is no address to listen on; expected `127.0.0.1:8226` for instance, or `none`";
        options.error("admin_listen", &VARIABLES, message);
    }
    address
}

fn read_slots(options: &Overridden<'_, '_>) -> NonZeroUsize {
    const VARIABLE: &str = "RETRIEVER_MAX_CONCURRENT_SCRAPES";
    let Some(number) = options.number("max_concurrent_scrapes", VARIABLE) else { return DEFAULT_SLOTS };
    let slots = (number.fract() == 0.0).then_some(number as usize).and_then(NonZeroUsize::new);
    if slots.is_none() {
        options.error("max_concurrent_scrapes", &[VARIABLE], "is no number of scrapes; expected 1 or more");
    }
    slots.unwrap_or(DEFAULT_SLOTS)
}

fn read_log_level(options: &Overridden<'_, '_>) -> String {
    let level = options.text("log_level", &["DD_LOG_LEVEL"]).unwrap_or_else(|| "info".to_owned()).to_lowercase();
    match level.as_str() {
        "trace" | "debug" | "info" | "error" | "off" => level,
        "warn" | "warning" => "warn".to_owned(),
        "critical" => "error".to_owned(),
        _ => {
            options.error(
                "log_level",
                &["DD_LOG_LEVEL"],
                "is none of `trace`, `debug`, `info`, `warn`, `error`, `off`",
            );
            "info".to_owned()
        }
    }
}
