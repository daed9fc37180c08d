//! Where metrics go: one output or several, each with all that it needs to be started.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::dogstatsd::DogstatsdSettings;
use super::proxy::IntakeProxy;
use super::secret::Secret;
use super::tls::TlsVersion;

/// One place that metrics are delivered to.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Datadog's HTTP API, or anything that speaks like it.
    Api(ApiSettings),
    /// The `DogStatsD` listener of an Agent.
    Dogstatsd(DogstatsdSettings),
    /// A file that grows.
    File(FileSettings),
    /// Standard output, in this form.
    Console(OutputFormat),
}

impl Output {
    /// Which of the outputs it is.
    pub fn kind(&self) -> OutputKind {
        match self {
            Self::Api(_) => OutputKind::Api,
            Self::Dogstatsd(_) => OutputKind::Dogstatsd,
            Self::File(_) => OutputKind::File,
            Self::Console(_) => OutputKind::Console,
        }
    }
}

/// As messages call it.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(api) => {
                f.write_str("the API at ")?;
                for (number, Intake { url, proxy, .. }) in api.intakes().enumerate() {
                    let and = if number == 0 { "" } else { " and " };
                    write!(f, "{and}{url}")?;
                    proxy.proxy().map_or(Ok(()), |proxy| write!(f, " through the proxy {proxy}"))?;
                }
                Ok(())
            }
            Self::Dogstatsd(dogstatsd) => write!(f, "the DogStatsD listener at {}", dogstatsd.address),
            Self::File(file) => write!(f, "the file `{}`", file.path.display()),
            Self::Console(_) => f.write_str("the console"),
        }
    }
}

/// A single output is a list of one.
impl AsRef<[Output]> for Output {
    fn as_ref(&self) -> &[Output] {
        std::slice::from_ref(self)
    }
}

/// The kinds of outputs; there is at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// [`Output::Api`]
    Api,
    /// [`Output::Dogstatsd`]
    Dogstatsd,
    /// [`Output::File`]
    File,
    /// [`Output::Console`]
    Console,
}

impl OutputKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Api, Self::Dogstatsd, Self::File, Self::Console];

    /// The word of the settings and of telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Dogstatsd => "dogstatsd",
            Self::File => "file",
            Self::Console => "console",
        }
    }
}

/// The form in which metrics are printed or written to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// For people: aligned columns under one heading for each scrape.
    #[default]
    Text,
    /// For programs: one JSON object on each line.
    Json,
}

/// A file that metrics are appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Where it is, or will be made.
    pub path: PathBuf,
    /// What is written.
    pub format: OutputFormat,
}

/// One intake with one API key.
#[derive(Clone, Debug, PartialEq)]
pub struct Intake {
    /// Scheme, host, port and path prefix, without a slash at the end: `https://api.<site>` unless `dd_url` says
    /// otherwise.
    pub url: String,
    /// The API key, trimmed.
    pub api_key: Secret,
    /// How it is reached.
    pub proxy: IntakeProxy,
}

/// How Datadog's HTTP API is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiSettings {
    /// The intake of `api_key`.
    pub main: Intake,
    /// Further ones that get the same (`additional_endpoints`).
    pub additional: Vec<Intake>,
    /// Whether the certificate of the intake is not verified (`skip_ssl_validation`).
    pub skip_ssl_validation: bool,
    /// The least version of TLS that is offered (`min_tls_version`).
    pub min_tls_version: TlsVersion,
    /// Time for one request (`forwarder_timeout`).
    pub timeout: Duration,
    /// Compressed bytes of payloads that may wait in memory (`forwarder_retry_queue_payloads_max_size`).
    pub queue_bytes: usize,
}

impl ApiSettings {
    /// All who get everything, the main one first.
    pub fn intakes(&self) -> impl Iterator<Item = &Intake> {
        std::iter::once(&self.main).chain(&self.additional)
    }

    pub(super) fn intakes_mut(&mut self) -> impl Iterator<Item = &mut Intake> {
        std::iter::once(&mut self.main).chain(&mut self.additional)
    }
}

/// What `submit` puts on everything it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrichment {
    /// The host of points that name none.
    pub hostname: String,
    /// Tags of every series and service check: `tags`, `extra_tags` and `env`.
    pub tags: Vec<String>,
    /// Whether the HTTP API is told what series are measured in, and JSON lines tell it (`send_units`).
    pub send_units: bool,
}

impl Default for Enrichment {
    fn default() -> Self {
        Self { hostname: String::new(), tags: Vec::new(), send_units: true }
    }
}
