//! `init_config`: defaults for all instances of a file.

use super::node::Node;
use super::proxy::ProxyDefaults;
use super::section::{Reading, Section};
use super::without_effect;

/// The options of `init_config` that take effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct InitConfig {
    /// Seconds; replaces the default of `timeout`.
    pub(crate) timeout: Option<f64>,
    /// The default of `service`.
    pub(crate) service: Option<String>,
    /// The default of `log_requests`.
    pub(crate) log_requests: bool,
    /// `proxy`, `skip_proxy` and `use_agent_proxy`, and what stands behind them.
    pub(crate) proxy: ProxyDefaults,
}

impl InitConfig {
    pub(crate) fn read(reading: &Reading<'_>, node: &Node) -> Self {
        let Some(section) = Section::new(reading, "`init_config`", node) else { return Self::default() };
        let init = Self {
            timeout: section.number("timeout"),
            service: section.scalar_text("service"),
            log_requests: section.affirmative("log_requests", false),
            proxy: ProxyDefaults::read(&section),
        };
        without_effect::note(&section);
        section.finish();
        init
    }
}
