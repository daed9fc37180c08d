//! What became of everything that was handed on for delivery, as the metrics page shows it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::time::UnixTime;

/// A reading of delivery. What is counted is counted from the start of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliverySnapshot {
    /// Payloads that wait.
    pub queued_payloads: u64,
    /// Bytes of payloads that wait.
    pub queued_bytes: u64,
    /// Payloads that were accepted.
    pub delivered_payloads: u64,
    /// What was in them by kind, as far as delivery tells kinds apart: `point`, `sketch`, `service_check`.
    pub delivered: Vec<(&'static str, u64)>,
    /// Bytes of payloads that were accepted, compressed where they are compressed.
    pub sent_bytes: u64,
    /// Attempts that failed and were to be repeated.
    pub retries: u64,
    /// What was given up, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Attempts that failed, by kind of error.
    pub errors: Vec<(&'static str, u64)>,
    /// When something was last accepted.
    pub last_success: Option<UnixTime>,
    /// False while delivery is tried and fails.
    pub healthy: bool,
    /// What went wrong last, without secrets; it may have come right since.
    pub last_error: Option<String>,
}

/// Nothing was delivered yet, and nothing went wrong.
impl Default for DeliverySnapshot {
    fn default() -> Self {
        Self {
            queued_payloads: 0,
            queued_bytes: 0,
            delivered_payloads: 0,
            delivered: Vec::new(),
            sent_bytes: 0,
            retries: 0,
            dropped: Vec::new(),
            errors: Vec::new(),
            last_success: None,
            healthy: true,
            last_error: None,
        }
    }
}

/// Reads delivery whenever a page is asked for; must not wait.
pub type DeliverySource = Arc<dyn Fn() -> DeliverySnapshot + Send + Sync>;

/// Shows a [`DeliverySnapshot`] on the metrics page.
pub(super) struct DeliveryCollector(pub(super) DeliverySource);

impl fmt::Debug for DeliveryCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryCollector").finish_non_exhaustive()
    }
}

impl Collector for DeliveryCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let snapshot = (self.0)();
        encode_state(&snapshot, &mut families)?;
        encode_sums(&snapshot, &mut families)
    }
}

fn encode_state(snapshot: &DeliverySnapshot, families: &mut Families<'_>) -> fmt::Result {
    let help = "Whether delivery works, as far as it was tried";
    let family = Description::new("retriever_delivery_healthy", help);
    families.gauge(&family, u64::from(snapshot.healthy))?;

    let family = Description::new("retriever_delivery_queue_payloads", "Payloads that wait for delivery");
    families.gauge(&family, snapshot.queued_payloads)?;

    let help = "Bytes of payloads that wait for delivery";
    let family = Description::with_unit("retriever_delivery_queue", Unit::Bytes, help);
    families.gauge(&family, snapshot.queued_bytes)?;

    if let Some(time) = snapshot.last_success {
        let help = "When a payload was last accepted, since the Unix epoch";
        let family = Description::with_unit("retriever_delivery_last_success_timestamp", Unit::Seconds, help);
        families.gauge(&family, time.seconds())?;
    }
    Ok(())
}

fn encode_sums(snapshot: &DeliverySnapshot, families: &mut Families<'_>) -> fmt::Result {
    let family = Description::new("retriever_delivery_payloads", "Payloads that were accepted");
    families.counter(&family, snapshot.delivered_payloads)?;

    let help = "Bytes of payloads that were accepted, as sent";
    let family = Description::with_unit("retriever_delivery_sent", Unit::Bytes, help);
    families.counter(&family, snapshot.sent_bytes)?;

    let help = "Attempts to deliver that failed and were to be repeated";
    let family = Description::new("retriever_delivery_retries", help);
    families.counter(&family, snapshot.retries)?;

    let family = Description::new("retriever_delivered", "What the accepted payloads held, by kind");
    families.counters(&family, by("kind", &snapshot.delivered))?;

    let help = "Points, sketches and service checks that were given up, by reason";
    let family = Description::new("retriever_delivery_dropped", help);
    families.counters(&family, by("reason", &snapshot.dropped))?;

    let family = Description::new("retriever_delivery_errors", "Attempts to deliver that failed, by kind of error");
    families.counters(&family, by("kind", &snapshot.errors))
}

fn by<'s>(
    name: &'static str,
    counts: &'s [(&'static str, u64)],
) -> impl Iterator<Item = ([(&'static str, &'static str); 1], u64)> + 's {
    counts.iter().map(move |&(value, count)| ([(name, value)], count))
}
