//! How a target is fetched: timeouts, headers, authentication, TLS and limits of one instance.

use std::time::Duration;

use super::auth::AuthSettings;
use super::init::InitConfig;
use super::node::Value;
use super::protocol::ScrapeProtocol;
use super::proxy::ProxySettings;
use super::secret::Secret;
use super::section::Section;
use super::tls::TlsSettings;

/// All settings of the requests of one instance.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own that users switch on or off")]
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// Time for name look-up, connection and TLS handshake.
    pub connect_timeout: Duration,
    /// Time to the first byte of the response, and between any two bytes.
    pub read_timeout: Duration,
    /// Time for the whole scrape, redirects and body included.
    pub total_timeout: Duration,
    /// Headers that replace all default ones (`headers`); empty: the defaults stay.
    pub headers: Vec<(String, Secret)>,
    /// Headers in addition (`extra_headers`); the same name, spelled the same, replaces.
    pub extra_headers: Vec<(String, Secret)>,
    /// Whether redirects are followed.
    pub allow_redirects: bool,
    /// Whether a connection is kept for the next scrape.
    pub persist_connections: bool,
    /// Whether each request is a line of the log, at the level `debug`.
    pub log_requests: bool,
    /// Whether OpenMetrics is asked for, and taken as the format whatever the response says.
    pub use_latest_spec: bool,
    /// The formats to ask for, best first (`scrape_protocols`), with the names and the meaning that Prometheus gives them:
    /// `PrometheusProto`, `OpenMetricsText1.0.0`, `OpenMetricsText0.0.1`, `PrometheusText1.0.0`, `PrometheusText0.0.4`.
    /// What the response says it is decides how it is read, so `use_latest_spec` has no effect beside it. Empty: text is
    /// asked for, or OpenMetrics with `use_latest_spec`; protobuf is only asked for if it is named here.
    pub scrape_protocols: Vec<ScrapeProtocol>,
    /// The format in which a response is read whose content type is missing or none of these formats
    /// (`fallback_scrape_protocol`); text if not set.
    pub fallback_scrape_protocol: Option<ScrapeProtocol>,
    /// How requests show who sends them.
    pub auth: AuthSettings,
    /// TLS.
    pub tls: TlsSettings,
    /// Proxies.
    pub proxy: ProxySettings,
    /// What a response may cost.
    pub limits: BodyLimits,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            connect_timeout: timeout,
            read_timeout: timeout,
            total_timeout: Duration::from_mins(1),
            headers: Vec::new(),
            extra_headers: Vec::new(),
            allow_redirects: true,
            persist_connections: true,
            log_requests: false,
            use_latest_spec: false,
            scrape_protocols: Vec::new(),
            fallback_scrape_protocol: None,
            auth: AuthSettings::default(),
            tls: TlsSettings::default(),
            proxy: ProxySettings::default(),
            limits: BodyLimits::default(),
        }
    }
}

/// What one response may cost. All sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Status line and headers of a response.
    pub header_bytes: usize,
    /// The body as it comes over the wire.
    pub wire_bytes: u64,
    /// The body after decompression; of protobuf, also the names and labels that it means.
    pub body_bytes: u64,
    /// One line of the exposition.
    pub line_bytes: usize,
    /// One metric family of an exposition in protobuf.
    pub message_bytes: usize,
    /// Labels of one sample.
    pub labels: usize,
    /// The name of one label.
    pub label_name_bytes: usize,
    /// The value of one label.
    pub label_value_bytes: usize,
    /// Samples of one scrape.
    pub samples: u64,
    /// Series that are remembered of one target.
    pub series: u64,
    /// Redirects followed for one scrape.
    pub redirects: u32,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            wire_bytes: 1 << 30,
            body_bytes: 2 << 30,
            line_bytes: 16 << 20,
            message_bytes: 64 << 20,
            labels: 512,
            label_name_bytes: 4 << 10,
            label_value_bytes: 64 << 10,
            samples: 5_000_000,
            series: 2_000_000,
            redirects: 10,
        }
    }
}

impl HttpSettings {
    /// The HTTP options of an instance.
    pub(crate) fn read(section: &Section<'_>, init: &InitConfig) -> Self {
        let defaults = Self::default();
        let timeout = seconds(section, "timeout").or(init.timeout.and_then(duration)).unwrap_or(defaults.read_timeout);
        let use_latest_spec = section.affirmative("use_latest_spec", false);
        let connect_timeout = seconds(section, "connect_timeout").unwrap_or(timeout);
        let read_timeout = seconds(section, "read_timeout").unwrap_or(timeout);
        // What the other two allow must not be forbidden by one that nobody set.
        let total_timeout = defaults.total_timeout.max(connect_timeout.saturating_add(read_timeout));
        Self {
            connect_timeout,
            read_timeout,
            total_timeout: seconds(section, "total_timeout").unwrap_or(total_timeout),
            headers: read_headers(section, "headers"),
            extra_headers: read_headers(section, "extra_headers"),
            allow_redirects: section.affirmative("allow_redirects", defaults.allow_redirects),
            persist_connections: section.affirmative("persist_connections", defaults.persist_connections),
            log_requests: section.affirmative("log_requests", init.log_requests),
            use_latest_spec,
            scrape_protocols: ScrapeProtocol::read_list(section, use_latest_spec),
            fallback_scrape_protocol: ScrapeProtocol::read_fallback(section),
            auth: AuthSettings::read(section),
            tls: TlsSettings::read(section),
            proxy: ProxySettings::read(section, &init.proxy),
            limits: BodyLimits::read(section),
        }
    }
}

fn seconds(section: &Section<'_>, option: &'static str) -> Option<Duration> {
    duration(section.number(option)?)
}

/// A time-out of `seconds`; zero and absurd ones fall back to the default.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

fn read_headers(section: &Section<'_>, option: &'static str) -> Vec<(String, Secret)> {
    let Some(mapping) = section.present(option).and_then(|_| section.mapping(option)) else { return Vec::new() };
    let mut headers = Vec::new();
    for (name, at, node) in mapping.pairs() {
        let value = match (&node.value, node.key_text()) {
            (Value::Text(_), _) => section.expect_text(&format!("the header `{name}`"), node),
            (_, Some(text)) => Some(text),
            (_, None) => {
                section.error(node.at, format!("the header `{name}` is {}; expected text", node.describe()));
                None
            }
        };
        if !is_token(name) {
            section.error(at, format!("`{name}` is not a valid header name"));
        }
        let Some(value) = value else { continue };
        if value.contains(|c: char| c.is_control() && c != '\t') {
            section
                .error(node.at, format!("the value of the header `{name}` holds characters that no header may hold"));
            continue;
        }
        headers.push((name.to_owned(), Secret::new(value)));
    }
    headers
}

/// Whether a header may have this name (RFC 9110, section 5.6.2).
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl BodyLimits {
    /// Retriever's own options, named as Prometheus names them where it has the concept. Zero is no limit.
    fn read(section: &Section<'_>) -> Self {
        let defaults = Self::default();
        let limit = |option, default: u64| match section.size(option) {
            None => default,
            Some(0) => u64::MAX,
            Some(limit) => limit,
        };
        let size = |option, default: usize| usize::try_from(limit(option, default as u64)).unwrap_or(usize::MAX);
        Self {
            header_bytes: size("header_size_limit", defaults.header_bytes),
            wire_bytes: limit("wire_size_limit", defaults.wire_bytes),
            body_bytes: limit("body_size_limit", defaults.body_bytes),
            line_bytes: size("line_size_limit", defaults.line_bytes),
            message_bytes: size("message_size_limit", defaults.message_bytes),
            labels: size("label_limit", defaults.labels),
            label_name_bytes: size("label_name_length_limit", defaults.label_name_bytes),
            label_value_bytes: size("label_value_length_limit", defaults.label_value_bytes),
            samples: limit("sample_limit", defaults.samples),
            series: limit("series_limit", defaults.series),
            redirects: u32::try_from(limit("redirect_limit", u64::from(defaults.redirects))).unwrap_or(u32::MAX),
        }
    }
}
