//! The formats that a target may be asked for, under the names that Prometheus gives them.

use super::section::{Section, nearest};

/// A format as the settings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Protobuf, the only one with native histograms.
    PrometheusProto,
    /// OpenMetrics text 0.0.1.
    OpenMetricsText0_0_1,
    /// OpenMetrics text 1.0.0.
    OpenMetricsText1_0_0,
    /// The text format of Prometheus.
    PrometheusText0_0_4,
    /// The text format of Prometheus with quoted names.
    PrometheusText1_0_0,
}

impl ScrapeProtocol {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText0_0_1,
        Self::OpenMetricsText1_0_0,
        Self::PrometheusText0_0_4,
        Self::PrometheusText1_0_0,
    ];

    /// The name in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        if let Some(protocol) = Self::ALL.into_iter().find(|protocol| protocol.as_str() == name) {
            return Ok(protocol);
        }
        let names = || Self::ALL.into_iter().map(Self::as_str);
        // Letters in another case or a missing version are nearer than any other spelling.
        let begins = |known: &&str| known.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
        let begun = names().rfind(begins).filter(|_| !name.is_empty());
        Err(match begun.or_else(|| nearest(name, names())) {
            Some(near) => format!("there is no scrape protocol `{name}`; did you mean `{near}`?"),
            None => {
                format!("there is no scrape protocol `{name}`; expected {}", names().collect::<Vec<_>>().join(", "))
            }
        })
    }

    /// The option `scrape_protocols`: a list that names at least one and none twice. Empty where the option is not set.
    pub(super) fn read_list(section: &Section<'_>, use_latest_spec: bool) -> Vec<Self> {
        const OPTION: &str = "scrape_protocols";
        let mut protocols = Vec::new();
        let Some(list) = section.list(OPTION) else { return protocols };
        if list.is_empty() {
            let at = section.node(OPTION).map_or(section.at(), |node| node.at);
            section.error(at, format!("`{OPTION}` is empty; name at least one, or leave the option out"));
        }
        for (i, node) in list.iter().enumerate() {
            let Some(name) = section.expect_text(&format!("entry {} of `{OPTION}`", i + 1), node) else { continue };
            match Self::named(&name) {
                Ok(protocol) if protocols.contains(&protocol) => {
                    section.error(node.at, format!("`{OPTION}` names `{name}` twice"));
                }
                Ok(protocol) => protocols.push(protocol),
                Err(message) => section.error(node.at, message),
            }
        }
        if use_latest_spec && !protocols.is_empty() {
            let at = section.node("use_latest_spec").map_or(section.at(), |node| node.at);
            section.warning(at, format!("`use_latest_spec` has no effect beside `{OPTION}`"));
        }
        protocols
    }

    /// The option `fallback_scrape_protocol`.
    pub(super) fn read_fallback(section: &Section<'_>) -> Option<Self> {
        const OPTION: &str = "fallback_scrape_protocol";
        let name = section.text(OPTION).filter(|name| !name.is_empty())?;
        let at = section.node(OPTION).map_or(section.at(), |node| node.at);
        Self::named(&name).map_err(|message| section.error(at, message)).ok()
    }
}
