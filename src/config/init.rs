//! `init_config`: defaults for all instances of a file.

use super::node::Node;
use super::proxy::ProxyDefaults;
use super::section::{Reading, Section};

/// The options of `init_config` that take effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct InitConfig {
    /// Seconds; replaces the default of `timeout`.
    pub(crate) timeout: Option<f64>,
    /// The default of `service`.
    pub(crate) service: Option<String>,
    /// `proxy`, `skip_proxy` and `use_agent_proxy`, and what stands behind them.
    pub(crate) proxy: ProxyDefaults,
}

impl InitConfig {
    pub(crate) fn read(reading: &Reading<'_>, node: &Node) -> Self {
        let Some(section) = Section::new(reading, "`init_config`", node) else { return Self::default() };
        let init = Self {
            timeout: section.number("timeout"),
            service: section.scalar_text("service"),
            proxy: ProxyDefaults::read(&section),
        };
        for option in ["log_requests", "debug_metrics", "process_isolation"] {
            section.without_effect(option, "has no effect in Retriever");
        }
        // There is no such warning to suppress.
        section.node("tls_ignore_warning");
        section.finish();
        init
    }
}
