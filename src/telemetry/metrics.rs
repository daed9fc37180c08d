//! Gathers what is known of this process and shows it as one exposition.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::delivery::{DeliveryCollector, DeliverySource};
use super::process::ProcessCollector;
use super::reload::{Reload, ReloadCollector, Reloads};
use super::target::{TargetCollector, TargetTelemetry, Targets};
use crate::config::OutputKind;
use crate::submit::Stats;
use crate::time::UnixTime;

/// Upper bounds of the scrape duration's buckets, in seconds: from an exporter on the same host to one that times out.
const DURATIONS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Everything that Retriever counts about itself. Clones count together.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    registry: Registry,
    targets: Arc<Targets>,
    durations: Histogram,
    running: Gauge,
    slots: Gauge,
    reloads: Arc<Reloads>,
    delivery: DeliverySource,
}

impl Telemetry {
    /// Nothing is counted yet. `started` is when the process began, `delivery` is read at each look at the page.
    pub fn new(started: UnixTime, delivery: DeliverySource) -> Self {
        let targets = Arc::<Targets>::default();
        let durations = Histogram::new(DURATIONS);
        let mut registry = Registry::default();
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("retriever_build", "Which Retriever this is", build);
        let help = "How long the scrapes of all targets took, from the request to the last submission";
        registry.register_with_unit("retriever_scrape_duration", help, Unit::Seconds, durations.clone());
        let (running, slots) = (Gauge::default(), Gauge::default());
        registry.register("retriever_scrapes_running", "Scrapes that run at the moment", running.clone());
        registry.register("retriever_scrapes_limit", "How many scrapes may run together", slots.clone());
        let reloads = Arc::new(Reloads::new(started));
        registry.register_collector(Box::new(ReloadCollector(Arc::clone(&reloads))));
        registry.register_collector(Box::new(TargetCollector(Arc::clone(&targets))));
        registry.register_collector(Box::new(DeliveryCollector(Arc::clone(&delivery))));
        registry.register_collector(Box::new(ProcessCollector { started }));
        Self(Arc::new(Inner { registry, targets, durations, running, slots, reloads, delivery }))
    }

    /// Adds a target. `endpoint` becomes the label `target` and must not hold secrets; a second target of the same
    /// endpoint is labelled `ENDPOINT (2)`.
    pub fn target(&self, endpoint: &str) -> TargetTelemetry {
        let Inner { targets, durations, running, .. } = &*self.0;
        TargetTelemetry::new(endpoint, Arc::clone(targets), durations.clone(), running.clone())
    }

    /// How many scrapes may run together from now on.
    pub fn limited(&self, slots: NonZeroUsize) {
        self.0.slots.set(i64::try_from(slots.get()).unwrap_or(i64::MAX));
    }

    /// The settings were read again.
    pub fn reloaded(&self, reload: Reload, now: UnixTime) {
        self.0.reloads.add(reload, now);
    }

    /// All metrics as OpenMetrics text.
    ///
    /// # Panics
    ///
    /// Never: a `String` takes all that is written, and the collectors pass on no other error.
    pub fn exposition(&self) -> String {
        let mut page = String::new();
        encode(&mut page, &self.0.registry).expect("a string takes all that is written");
        page
    }

    /// The labels of the targets that were never scraped.
    pub(super) fn untried(&self) -> Vec<Arc<str>> {
        self.0.targets.untried()
    }

    /// How delivery to each output stands.
    pub(super) fn delivery(&self) -> Vec<(OutputKind, Stats)> {
        (self.0.delivery)()
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("targets", &self.0.targets).finish_non_exhaustive()
    }
}
