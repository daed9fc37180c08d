//! Reads the settings: one YAML file in the form of the Agent's check files, the environment, and what they refer to.
//!
//! Whatever is wrong is gathered and reported together, each problem with its place; what comes out needs no further
//! validation.

mod auth;
mod cipher;
mod dogstatsd;
mod endpoint_text;
mod expand;
mod files;
mod fingerprint;
mod global;
mod http;
mod init;
mod instance;
mod intakes;
mod legacy;
mod lint;
mod metadata;
mod metrics;
mod node;
mod output;
mod outputs;
mod overridden;
mod pattern;
mod places;
mod problem;
mod protocol;
mod proxy;
mod relabel;
mod secret;
mod section;
mod share;
mod storage;
#[cfg(test)]
mod tests;
mod tls;
mod without_effect;

use std::cell::RefCell;
use std::path::Path;

pub use auth::{
    AuthScheme, AuthSettings, AwsAuth, AwsContainer, AwsKeys, AwsProfile, AwsSources, BasicAuth,
    ContainerAuthorization, DcosReader, DigestAuth, KerberosAuth, MutualAuthentication, NtlmAuth, OAuthReader,
    TokenFile, TokenReader, TokenSettings, TokenWriter,
};
pub use cipher::{CipherSuite, TlsCiphers};
pub use dogstatsd::{Cardinality, DogstatsdAddress, DogstatsdIdentity, DogstatsdSettings};
pub use endpoint_text::EndpointText;
pub use expand::{NoSurroundings, ProcessSurroundings, Surroundings};
pub use files::{Files, Remembering, Stamp};
pub use fingerprint::Fingerprint;
pub use global::{Global, LogFormat};
pub use http::{BodyLimits, HttpSettings};
pub use instance::{HistogramMode, HostnameRule, Instance, LabelFilter, MetricFilter, MetricPatterns};
pub use metadata::{MetadataRule, VersionScheme};
pub use metrics::{GaugeAggregation, MetricMatcher, MetricRule, Status, Transformer};
pub(crate) use node::{Node, Value};
pub use output::{ApiSettings, Enrichment, FileSettings, Intake, Output, OutputFormat, OutputKind};
pub use pattern::Pattern;
pub use places::{Place, Places};
pub(crate) use problem::Problems;
pub use problem::{Position, Problem, Severity};
pub use protocol::ScrapeProtocol;
pub use proxy::{IntakeProxy, Proxy, ProxySettings};
pub(crate) use proxy::{ProxyDecision, ProxyProtocol, StraightBecause};
pub use secret::Secret;
pub use share::{ShareSource, Sharing};
pub use storage::{DataDirectory, StorageSettings};
pub use tls::{TlsSettings, TlsVersion};

use init::InitConfig;
use instance::endpoint_of;
pub(crate) use section::nearest;
use section::{Reading, Section};

/// Everything that one settings file says, and everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings at the top of the file; defaults where they could not be read.
    pub global: Global,
    /// The entries of `instances` in their order.
    pub instances: Vec<ConfiguredInstance>,
    /// Whether any of them has the legacy form, and was translated.
    pub has_legacy_form: bool,
    /// All problems in the order of the file.
    pub problems: Vec<Problem>,
}

/// One entry of `instances`.
#[derive(Clone, Debug)]
pub enum ConfiguredInstance {
    /// It can be used.
    Valid(Box<Instance>),
    /// It cannot.
    Invalid {
        /// The endpoint, if that much is known.
        endpoint: Option<EndpointText>,
        /// The errors of this instance; they are among [`Config::problems`] as well.
        errors: Vec<Problem>,
    },
}

impl Config {
    /// Reads a settings file; a file that cannot be read is a problem like others.
    pub fn load(path: &Path, surroundings: &dyn Surroundings) -> Self {
        let source = path.display().to_string();
        match surroundings.file(path) {
            Ok(text) => Self::read(&text, &source, surroundings),
            Err(error) => {
                let mut problems = Problems::new(source);
                problems.whole(format!("the settings cannot be read: {error}"));
                Self::of(None, problems, surroundings)
            }
        }
    }

    /// Reads the text of a settings file; `source` names it in problems.
    pub fn read(text: &str, source: &str, surroundings: &dyn Surroundings) -> Self {
        let mut problems = Problems::new(source);
        let document = Node::read(text, &mut problems);
        Self::of(document, problems, surroundings)
    }

    fn of(document: Option<Node>, problems: Problems, surroundings: &dyn Surroundings) -> Self {
        let readable = document.is_some();
        let document = document.unwrap_or_else(Node::nothing);
        let problems = RefCell::new(problems);
        let reading = Reading { problems: &problems, surroundings };
        let section = Section::new(&reading, "the file", &document);
        let nothing = Node::nothing();
        let fallback = Section::new(&reading, "the file", &nothing).expect("nothing at all is an empty mapping");
        let usable = readable && section.is_some();
        let section = section.unwrap_or(fallback);
        let mut global = Global::read(&section);
        let init_node = section.node("init_config");
        let mut init = init_node.map(|node| InitConfig::read(&reading, node)).unwrap_or_default();
        init.proxy.read_agent(&section);
        init.proxy.lead_delivery(&section, &mut global);
        let nodes = if usable { instance_nodes(&section) } else { &[] };
        let instances = read_instances(&reading, nodes, init_node, &init);
        let has_legacy_form = nodes.iter().any(legacy::has_legacy_form);
        section.finish();
        Self { global, instances, has_legacy_form, problems: problems.into_inner().into_sorted() }
    }

    /// Whether anything keeps the settings from being used.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

fn instance_nodes<'n>(section: &Section<'n>) -> &'n [Node] {
    let list = match section.present("instances") {
        None => &[],
        Some(_) => match section.list("instances") {
            Some(list) => list,
            None => return &[],
        },
    };
    if list.is_empty() {
        let message = "there are no `instances`; expected a list with at least one `openmetrics_endpoint`";
        section.error(section.at(), message);
    }
    list
}

fn read_instances(
    reading: &Reading<'_>,
    nodes: &[Node],
    init_node: Option<&Node>,
    init: &InitConfig,
) -> Vec<ConfiguredInstance> {
    let instances = nodes.iter().enumerate().map(|(i, node)| {
        let before = reading.problems.borrow().errors();
        let node = legacy::modern(reading, i + 1, node);
        let fingerprint = Fingerprint::of(init_node.into_iter().chain([&*node]), reading.surroundings);
        let instance = Instance::read(reading, i + 1, &node, init, fingerprint);
        let errors = reading.problems.borrow().errors_since(before);
        match instance {
            Some(instance) if errors.is_empty() => ConfiguredInstance::Valid(Box::new(instance)),
            _ => ConfiguredInstance::Invalid { endpoint: endpoint_of(&node), errors },
        }
    });
    instances.collect()
}
