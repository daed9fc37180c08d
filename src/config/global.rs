//! The settings at the top of a file: where metrics go and what goes with them, under the names of `datadog.yaml`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::intakes::{is_url, read_additional};
use super::output::{ApiSettings, Enrichment, Intake, Output};
use super::outputs::read_outputs;
use super::overridden::Overridden;
use super::proxy::IntakeProxy;
use super::secret::Secret;
use super::section::Section;
use super::storage::StorageSettings;
use super::tls::TlsVersion;

/// Where Retriever's own pages listen unless the settings say otherwise.
const DEFAULT_ADMIN: &str = "127.0.0.1:8226";
/// The region of an account that names none.
const DEFAULT_SITE: &str = "datadoghq.com";
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
    /// Where metrics go: at least one output, at most one of a kind.
    pub outputs: Vec<Output>,
    /// How Datadog's API is reached, also where metrics go elsewhere; none without an API key.
    pub api: Option<ApiSettings>,
    /// The application key, which those need who change what Datadog knows of metrics (`app_key`).
    pub app_key: Option<Secret>,
    /// What is put on everything that is sent.
    pub enrichment: Enrichment,
    /// What is kept on disk.
    pub storage: StorageSettings,
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

impl Global {
    /// Reads the options at the top of the file, each overridden by its environment variable.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let options = Overridden { section, surroundings: section.reading().surroundings };
        let mut tags = options.tags("tags", &["DD_TAGS", "DATADOG_TAGS"]);
        tags.extend(options.tags("extra_tags", &["DD_EXTRA_TAGS"]));
        tags.extend(options.text("env", &["DD_ENV"]).map(|env| format!("env:{env}")));
        let log_json = section.affirmative("log_format_json", false);
        let api = read_api(&options);
        Self {
            outputs: read_outputs(&options, api.clone()),
            api,
            app_key: read_key(&options, "app_key", "DD_APP_KEY", "application key"),
            enrichment: Enrichment {
                hostname: options.text("hostname", &["DD_HOSTNAME"]).unwrap_or_default(),
                tags,
                send_units: options.affirmative("send_units", "RETRIEVER_SEND_UNITS", true),
            },
            storage: StorageSettings::read(&options),
            admin_listen: read_admin(&options),
            log_level: read_log_level(&options),
            log_format: if log_json { LogFormat::Json } else { LogFormat::Text },
            slots: read_slots(&options),
            watch_settings: options.affirmative("watch_settings", "RETRIEVER_WATCH_SETTINGS", true),
            admin_reload: options.affirmative("admin_reload", "RETRIEVER_ADMIN_RELOAD", false),
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
    let additional = read_additional(options);
    let api_key = read_key(options, "api_key", "DD_API_KEY", "API key")?;
    let url = match url {
        None if site.contains(['/', ' ', ':']) || site.is_empty() => {
            options.error("site", &["DD_SITE"], "is not a site such as `datadoghq.eu`; a whole URL goes into `dd_url`");
            format!("https://api.{DEFAULT_SITE}")
        }
        None => format!("https://api.{}", site.trim_end_matches('.')),
        Some(url) if is_url(&url) => url.trim_end_matches('/').to_owned(),
        Some(_) => {
            options.error("dd_url", &URL_VARIABLES, "does not begin with `http://` or `https://`");
            format!("https://api.{site}")
        }
    };
    Some(ApiSettings {
        // Proxies are decided on when all of the file is read that names them.
        main: Intake { url, api_key, proxy: IntakeProxy::default() },
        additional,
        skip_ssl_validation,
        min_tls_version,
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
