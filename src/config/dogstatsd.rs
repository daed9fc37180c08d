//! How the `DogStatsD` listener of an Agent is reached and what is sent there, found where the clients of the protocol
//! find it.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::overridden::Overridden;
use super::section::is_affirmative;

const DEFAULT_PORT: u16 = 8125;
/// The most bytes of a packet over UDP: what passes Ethernet unfragmented.
const UDP_PACKET: usize = 1432;
/// The most bytes of a packet at a socket: the buffer that an Agent reads into.
const SOCKET_PACKET: usize = 8192;
/// The limits of the setting: a packet that holds a line, and the largest datagram.
const PACKETS: std::ops::RangeInclusive<usize> = 128..=65_467;

/// How a `DogStatsD` listener is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DogstatsdSettings {
    /// Where it listens.
    pub address: DogstatsdAddress,
    /// The most bytes of a packet, and so of a line (`dogstatsd_max_packet_size`).
    pub packet_bytes: usize,
    /// How many values may stand for one distribution (`dogstatsd_distribution_values`); none: one for each bin of the
    /// sketch, from which the Agent makes the same bins again.
    pub distribution_values: Option<NonZeroUsize>,
    /// What the sender says of itself.
    pub identity: DogstatsdIdentity,
}

impl From<DogstatsdAddress> for DogstatsdSettings {
    fn from(address: DogstatsdAddress) -> Self {
        let packet_bytes = match &address {
            DogstatsdAddress::Udp { .. } => UDP_PACKET,
            DogstatsdAddress::UnixDatagram(_) | DogstatsdAddress::UnixStream(_) => SOCKET_PACKET,
        };
        Self { address, packet_bytes, distribution_values: None, identity: DogstatsdIdentity::default() }
    }
}

/// What a client of `DogStatsD` says of itself, so that an Agent can add the tags of its container. The default says
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DogstatsdIdentity {
    /// The pod (`DD_ENTITY_ID`), as a tag that the Agent takes away again.
    pub entity_id: Option<String>,
    /// The tag `service:` (`DD_SERVICE`) of what has none.
    pub service: Option<String>,
    /// The tag `version:` (`DD_VERSION`) of what has none.
    pub version: Option<String>,
    /// Whether the container that the process runs in is found out and told (`DD_ORIGIN_DETECTION_ENABLED`).
    pub detects_origin: bool,
    /// What the admission controller of a cluster wants to be told (`DD_EXTERNAL_ENV`).
    pub external_data: Option<String>,
    /// Which of the container's tags are wanted (`DD_CARDINALITY`); none: what the Agent is set to.
    pub cardinality: Option<Cardinality>,
}

/// Which tags of its origin an Agent puts on a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// None at all.
    None,
    /// Those of the host and the deployment.
    Low,
    /// Those of the pod too.
    Orchestrator,
    /// Those of the container too.
    High,
}

impl Cardinality {
    const ALL: [Self; 4] = [Self::None, Self::Low, Self::Orchestrator, Self::High];

    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Orchestrator => "orchestrator",
            Self::High => "high",
        }
    }
}

/// Where a `DogStatsD` listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DogstatsdAddress {
    /// `udp://host:port`; the name is looked up again now and then.
    Udp {
        /// Name or address, without brackets.
        host: String,
        /// 8125 by default.
        port: u16,
    },
    /// `unix://`, `unixgram://`: a datagram socket.
    UnixDatagram(PathBuf),
    /// `unixstream://`: a stream socket whose packets carry their length.
    UnixStream(PathBuf),
}

impl fmt::Display for DogstatsdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { host, port } if host.contains(':') => write!(f, "udp://[{host}]:{port}"),
            Self::Udp { host, port } => write!(f, "udp://{host}:{port}"),
            Self::UnixDatagram(path) => write!(f, "unix://{}", path.display()),
            Self::UnixStream(path) => write!(f, "unixstream://{}", path.display()),
        }
    }
}

impl DogstatsdAddress {
    /// What is taken when `DogStatsD` is asked for and nothing says where.
    fn usual() -> Self {
        Self::Udp { host: "127.0.0.1".to_owned(), port: DEFAULT_PORT }
    }

    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let path = || (!rest.is_empty()).then(|| PathBuf::from(rest));
        match scheme {
            "udp" => {
                let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                    Some((host, "")) => (host, DEFAULT_PORT),
                    Some((host, port)) => (host, port.strip_prefix(':')?.parse().ok()?),
                    None => match rest.rsplit_once(':') {
                        Some((host, port)) => (host, port.parse().ok()?),
                        None => (rest, DEFAULT_PORT),
                    },
                };
                (!host.is_empty()).then(|| Self::Udp { host: host.to_owned(), port })
            }
            "unix" | "unixgram" => path().map(Self::UnixDatagram),
            "unixstream" => path().map(Self::UnixStream),
            _ => None,
        }
    }
}

/// What the settings say of `DogStatsD`.
pub(super) struct ReadDogstatsd {
    settings: Option<DogstatsdSettings>,
    fallback: DogstatsdSettings,
    /// Whether a client of the protocol would send nothing (`DD_DOGSTATSD_DISABLE`).
    pub(super) is_disabled: bool,
}

impl ReadDogstatsd {
    /// The settings, if there is an address.
    pub(super) fn if_addressed(self) -> Option<DogstatsdSettings> {
        self.settings.filter(|_| !self.is_disabled)
    }

    /// The settings with the address that clients take when there is none.
    pub(super) fn anywhere(self) -> DogstatsdSettings {
        self.settings.unwrap_or(self.fallback)
    }

    pub(super) fn read(options: &Overridden<'_, '_>) -> Self {
        let identity = read_identity(options);
        let packet_bytes = read_whole(options, "dogstatsd_max_packet_size", "RETRIEVER_DOGSTATSD_MAX_PACKET_SIZE");
        let packet_bytes = packet_bytes.filter(|bytes| {
            let is_sendable = PACKETS.contains(bytes);
            if !is_sendable {
                let message = "is no size of a packet; expected 128 to 65467 bytes";
                options.error("dogstatsd_max_packet_size", &["RETRIEVER_DOGSTATSD_MAX_PACKET_SIZE"], message);
            }
            is_sendable
        });
        let values = read_whole(options, "dogstatsd_distribution_values", "RETRIEVER_DOGSTATSD_DISTRIBUTION_VALUES");
        let with = |address: DogstatsdAddress| {
            let usual = DogstatsdSettings::from(address);
            DogstatsdSettings {
                packet_bytes: packet_bytes.unwrap_or(usual.packet_bytes),
                distribution_values: values.and_then(NonZeroUsize::new),
                identity: identity.clone(),
                ..usual
            }
        };
        let disabled = options.variable(&["DD_DOGSTATSD_DISABLE"]);
        Self {
            settings: read_address(options).map(with),
            fallback: with(DogstatsdAddress::usual()),
            is_disabled: disabled.is_some_and(|text| is_affirmative(text.trim())),
        }
    }
}

fn read_address(options: &Overridden<'_, '_>) -> Option<DogstatsdAddress> {
    const URL_VARIABLES: [&str; 1] = ["DD_DOGSTATSD_URL"];
    let port = options.number("dogstatsd_port", "DD_DOGSTATSD_PORT");
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) if port.fract() == 0.0 && (1.0..=65_535.0).contains(&port) => port as u16,
        Some(_) => {
            options.error("dogstatsd_port", &["DD_DOGSTATSD_PORT"], "is not a port; expected 1 to 65535");
            DEFAULT_PORT
        }
    };
    let url = options.text("dogstatsd_url", &URL_VARIABLES);
    let socket = options.text("dogstatsd_socket", &["DD_DOGSTATSD_SOCKET"]);
    let host = options.text("dogstatsd_host", &["DD_AGENT_HOST"]);
    if let Some(url) = url {
        let address = DogstatsdAddress::parse(&url);
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

/// A number without a fraction.
fn read_whole(options: &Overridden<'_, '_>, option: &'static str, variable: &'static str) -> Option<usize> {
    let number = options.number(option, variable)?;
    if number.fract() != 0.0 {
        options.error(option, &[variable], "is not a whole number");
        return None;
    }
    Some(number as usize)
}

/// From the environment only, like the clients of the protocol: whoever starts a container knows it, not the settings.
fn read_identity(options: &Overridden<'_, '_>) -> DogstatsdIdentity {
    let variable = |name: &str| options.variable(&[name]).map(|text| text.trim().to_owned());
    let cardinality = ["DD_CARDINALITY", "DATADOG_CARDINALITY"].into_iter().find_map(|name| {
        let text = variable(name)?;
        let known = Cardinality::ALL.into_iter().find(|level| text.eq_ignore_ascii_case(level.as_str()));
        if known.is_none() {
            options.variable_warning(
                name,
                "is none of `none`, `low`, `orchestrator`, `high`; it is left to the Agent which tags of the container \
                 it adds",
            );
        }
        known
    });
    let is_denied = |text: String| ["no", "false", "0", "n", "off"].contains(&text.to_lowercase().as_str());
    DogstatsdIdentity {
        entity_id: variable("DD_ENTITY_ID"),
        service: variable("DD_SERVICE"),
        version: variable("DD_VERSION"),
        detects_origin: !variable("DD_ORIGIN_DETECTION_ENABLED").is_some_and(is_denied),
        external_data: variable("DD_EXTERNAL_ENV"),
        cardinality,
    }
}
