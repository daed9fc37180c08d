//! Which proxy the requests of an instance go through: decided for each URL, redirects included.
//!
//! `proxy` of the instance, of `init_config`, and of the Agent are tried in this order, and the first that there is
//! counts as a whole. For a scheme that it does not mention the usual variables of the environment count.

mod address;
mod bypass;
mod intake;

use std::sync::Arc;

pub use address::Proxy;
pub(crate) use address::ProxyProtocol;
pub use intake::IntakeProxy;

use address::{ProxyProblem, ProxySource};
use bypass::{Bypass, EnvironmentBypass};
use intake::{Choices, Exceptions};

use super::expand::Surroundings;
use super::global::Global;
use super::node::Value;
use super::output::{Intake, Output};
use super::problem::{Problem, Problems};
use super::section::Section;

/// The proxies of one instance. The default uses none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxySettings {
    configured: Configured,
    environment: Environment,
}

/// What one `proxy` says, or what all of them together come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Configured {
    http: Choice,
    https: Choice,
    bypass: Bypass,
}

/// What is said about the URLs of one scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Choice {
    /// Nothing: the environment decides.
    #[default]
    Unset,
    /// Null, which hides the variable of the scheme, but not that of all schemes.
    Null,
    /// No proxy, whatever the environment says.
    Direct,
    Through(Arc<Proxy>),
    /// A URL that is none of a proxy, which has been reported.
    Faulty,
}

/// The proxies that the environment names for all programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Environment {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    bypass: EnvironmentBypass,
    /// What keeps one of them from being used.
    fault: Option<String>,
}

/// How the URLs of a host are reached, and by whose say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyDecision<'a> {
    Through(&'a Arc<Proxy>),
    Straight(StraightBecause),
}

/// Why there is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StraightBecause {
    /// `no_proxy` beside a proxy of the settings covers the host.
    SettingsExcept,
    /// The settings say that there is none: `skip_proxy`, or an empty URL.
    SettingsForbid,
    /// `NO_PROXY` covers the host.
    EnvironmentExcepts,
    /// Nothing names one.
    NothingNamed,
}

/// What instances without a `proxy` of their own fall back to.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyDefaults {
    init: Option<Configured>,
    skip: bool,
    ignores_agent: bool,
    /// What the top of the file says.
    file: Option<Configured>,
    /// The same with the Agent's variables before it.
    agent: Option<Configured>,
}

impl ProxySettings {
    /// The proxy for the URLs of a host; none: they are fetched straight.
    ///
    /// `host` is in lower case, an IPv6 address with its brackets; `port` is that of the URL, if it has one.
    pub fn choose(&self, tls: bool, host: &str, port: Option<u16>) -> Option<&Arc<Proxy>> {
        match self.decide(tls, host, port) {
            ProxyDecision::Through(proxy) => Some(proxy),
            ProxyDecision::Straight(_) => None,
        }
    }

    /// Like [`ProxySettings::choose`], with the reason where there is no proxy.
    pub(crate) fn decide(&self, tls: bool, host: &str, port: Option<u16>) -> ProxyDecision<'_> {
        use StraightBecause as Because;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let (configured, environment) = if tls {
            (&self.configured.https, self.environment.https.as_ref())
        } else {
            (&self.configured.http, self.environment.http.as_ref())
        };
        if self.configured.bypass.covers(host) {
            let is_named = matches!(configured, Choice::Through(_)) || environment.is_some();
            return ProxyDecision::Straight(if is_named { Because::SettingsExcept } else { Because::NothingNamed });
        }
        match (configured, environment) {
            (Choice::Direct | Choice::Faulty, _) => ProxyDecision::Straight(Because::SettingsForbid),
            (Choice::Unset | Choice::Null, None) => ProxyDecision::Straight(Because::NothingNamed),
            (Choice::Unset | Choice::Null, Some(_)) if self.environment.bypass.covers(host, port) => {
                ProxyDecision::Straight(Because::EnvironmentExcepts)
            }
            (Choice::Through(proxy), _) | (Choice::Unset | Choice::Null, Some(proxy)) => ProxyDecision::Through(proxy),
        }
    }

    /// Why requests cannot be made: what would count is not the URL of a proxy, and nobody is to be fetched past it.
    pub(crate) fn fault(&self) -> Option<&str> {
        let Configured { http, https, .. } = &self.configured;
        if [http, https].contains(&&Choice::Faulty) {
            return Some("the URL of its proxy cannot be used");
        }
        self.environment.fault.as_deref()
    }

    /// The proxies of a URL that no settings are about.
    pub fn of_environment(surroundings: &dyn Surroundings) -> Result<Self, Problem> {
        let mut problems = Problems::new("");
        let configured = Configured::with_variables(None, surroundings, &mut problems).unwrap_or_default();
        let environment = Environment::read(surroundings, &configured);
        problems.into_sorted().into_iter().next().map_or(Ok(Self { configured, environment }), Err)
    }

    /// The proxies of requests that are not to targets: what the environment says to all programs.
    pub(super) fn of_variables(surroundings: &dyn Surroundings) -> Self {
        let configured = Configured::default();
        Self { environment: Environment::read(surroundings, &configured), configured }
    }

    /// The options of an instance.
    pub(super) fn read(section: &Section<'_>, defaults: &ProxyDefaults) -> Self {
        let own = Configured::read(section, ProxySource::Instance);
        // The older name of the option; a list of hosts belongs into `proxy`.
        let legacy = section.affirmative("no_proxy", defaults.skip);
        if section.affirmative("skip_proxy", legacy) {
            return Self { configured: Configured::direct(), environment: Environment::default() };
        }
        let agent = defaults.agent.as_ref().filter(|_| !defaults.ignores_agent);
        let configured = own.as_ref().or(defaults.init.as_ref()).or(agent).cloned().unwrap_or_default();
        let environment = Environment::read(section.reading().surroundings, &configured);
        Self { configured, environment }
    }
}

impl ProxyDefaults {
    /// The options of `init_config`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            init: Configured::read(section, ProxySource::InitConfig),
            skip: section.affirmative("skip_proxy", false),
            ignores_agent: !section.affirmative("use_agent_proxy", true),
            file: None,
            agent: None,
        }
    }

    /// The proxy of the Agent: that at the top of the file, with the Agent's variables before it.
    pub(super) fn read_agent(&mut self, top: &Section<'_>) {
        self.file = Configured::read(top, ProxySource::TopOfFile);
        let reading = top.reading();
        let mut problems = reading.problems.borrow_mut();
        self.agent = Configured::with_variables(self.file.clone(), reading.surroundings, &mut problems);
    }

    /// Decides how each intake is reached.
    pub(super) fn lead_delivery(&self, top: &Section<'_>, global: &mut Global) {
        let exceptions = Exceptions::read(top, self.file.as_ref());
        let choices = Choices::new(top, self.file.as_ref());
        let decide = |intake: &mut Intake| intake.proxy = IntakeProxy::decide(&choices, &exceptions, &intake.url);
        let Some(api) = &mut global.api else { return };
        api.intakes_mut().for_each(decide);
        let output = global.outputs.iter_mut().find_map(|output| match output {
            Output::Api(output) => Some(output),
            _ => None,
        });
        if let Some(output) = output {
            output.clone_from(api);
            intake::warn_of_all_proxy(top, &api.main.proxy);
        }
    }
}

const PROXY: &str = "proxy";

impl Configured {
    /// No proxy for anything.
    fn direct() -> Self {
        Self { http: Choice::Direct, https: Choice::Direct, bypass: Bypass::default() }
    }

    /// The option `proxy`; none if it is not there or empty.
    fn read(section: &Section<'_>, source: ProxySource) -> Option<Self> {
        section.present(PROXY)?;
        let mapping = section.mapping(PROXY)?;
        let configured = (mapping.pairs().next().is_some()).then(|| Self {
            http: Choice::read(&mapping, "http", source),
            https: Choice::read(&mapping, "https", source),
            bypass: read_no_proxy(&mapping),
        });
        mapping.finish();
        configured
    }

    /// The variables of the Agent take the place of what the file says; they count even if they are empty.
    fn with_variables(file: Option<Self>, surroundings: &dyn Surroundings, problems: &mut Problems) -> Option<Self> {
        let mut choice = |name| {
            let text = surroundings.variable(name)?;
            Some(Choice::parse(&text, ProxySource::Variable(name)).unwrap_or_else(|problem| {
                problems.variable(name, problem.to_string());
                Choice::Faulty
            }))
        };
        let (http, https) = (choice("DD_PROXY_HTTP"), choice("DD_PROXY_HTTPS"));
        let bypass = surroundings.variable("DD_PROXY_NO_PROXY").map(|list| {
            let entries = list.split([' ', ',']).filter(|entry| !entry.is_empty());
            Bypass::new(entries)
        });
        if file.is_none() && http.is_none() && https.is_none() && bypass.is_none() {
            return None;
        }
        let file = file.unwrap_or_default();
        Some(Self {
            http: http.unwrap_or(file.http),
            https: https.unwrap_or(file.https),
            bypass: bypass.unwrap_or(file.bypass),
        })
    }
}

/// A list, or text with commas or semicolons; entries are not trimmed.
fn read_no_proxy(mapping: &Section<'_>) -> Bypass {
    match mapping.present("no_proxy").map(|node| &node.value) {
        None => Bypass::default(),
        Some(Value::Text(_)) => {
            let list = mapping.text("no_proxy").unwrap_or_default();
            Bypass::new(list.split([',', ';']))
        }
        Some(_) => Bypass::new(mapping.text_list("no_proxy")),
    }
}

impl Choice {
    fn read(mapping: &Section<'_>, option: &'static str, source: ProxySource) -> Self {
        let Some(node) = mapping.node(option) else { return Self::Unset };
        if matches!(node.value, Value::Null) {
            return Self::Null;
        }
        let Some(text) = mapping.text(option) else { return Self::Unset };
        Self::parse(&text, source).unwrap_or_else(|problem| {
            mapping.error(node.at, format!("the URL of `{PROXY}` for `{option}` {problem}"));
            Self::Faulty
        })
    }

    fn parse(text: &str, source: ProxySource) -> Result<Self, ProxyProblem> {
        if text.trim().is_empty() {
            return Ok(Self::Direct);
        }
        Proxy::parse(text, source).map(|proxy| Self::Through(Arc::new(proxy)))
    }
}

impl Environment {
    /// What of the environment can take effect beside `configured`: a variable that nobody looks at may be wrong.
    fn read(surroundings: &dyn Surroundings, configured: &Configured) -> Self {
        const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
        let mut fault = None;
        let mut proxy = |choice: &Choice, own: [&'static str; 2]| {
            let (name, url) = match choice {
                Choice::Unset => variable(surroundings, own).or_else(|| variable(surroundings, ALL)),
                Choice::Null => variable(surroundings, ALL),
                Choice::Direct | Choice::Through(_) | Choice::Faulty => None,
            }?;
            let source = ProxySource::Variable(name);
            let proxy = Proxy::parse(&url, source).map(Arc::new);
            proxy.map_err(|problem| fault = Some(format!("{source} {problem}"))).ok()
        };
        let http = proxy(&configured.http, ["http_proxy", "HTTP_PROXY"]);
        let https = proxy(&configured.https, ["https_proxy", "HTTPS_PROXY"]);
        let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| {
            let list = surroundings.variable(name);
            list.filter(|list| !list.is_empty())
        });
        Self { http, https, bypass: EnvironmentBypass::new(no_proxy.unwrap_or_default()), fault }
    }
}

/// A variable in lower case, else in upper case; an empty one in lower case hides the other.
fn variable(surroundings: &dyn Surroundings, [lower, upper]: [&'static str; 2]) -> Option<(&'static str, String)> {
    let found = match surroundings.variable(lower) {
        Some(value) => (lower, value),
        None => (upper, surroundings.variable(upper)?),
    };
    Some(found).filter(|(_, value)| !value.trim().is_empty())
}
