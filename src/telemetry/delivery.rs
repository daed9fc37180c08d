//! What became of everything that was handed on for delivery, as the metrics page shows it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::submit::Stats;

/// Reads delivery whenever a page is asked for; must not wait.
pub type DeliverySource = Arc<dyn Fn() -> Stats + Send + Sync>;

/// Shows the [`Stats`] of delivery on the metrics page.
pub(super) struct DeliveryCollector(pub(super) DeliverySource);

impl fmt::Debug for DeliveryCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryCollector").finish_non_exhaustive()
    }
}

impl Collector for DeliveryCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let stats = (self.0)();
        encode_state(&stats, &mut families)?;
        encode_sums(&stats, &mut families)
    }
}

fn encode_state(stats: &Stats, families: &mut Families<'_>) -> fmt::Result {
    let help = "Whether delivery works, as far as it was tried";
    let family = Description::new("retriever_delivery_healthy", help);
    families.gauge(&family, u64::from(stats.unhealthy_since.is_none()))?;

    let family = Description::new("retriever_delivery_queue_payloads", "Payloads that wait for delivery");
    families.gauge(&family, stats.queue_payloads as u64)?;

    let help = "Bytes of payloads that wait for delivery";
    let family = Description::with_unit("retriever_delivery_queue", Unit::Bytes, help);
    families.gauge(&family, stats.queue_bytes as u64)?;

    if let Some(time) = stats.last_success {
        let help = "When a payload was last accepted, since the Unix epoch";
        let family = Description::with_unit("retriever_delivery_last_success_timestamp", Unit::Seconds, help);
        families.gauge(&family, time.seconds())?;
    }
    Ok(())
}

fn encode_sums(stats: &Stats, families: &mut Families<'_>) -> fmt::Result {
    let family = Description::new("retriever_delivery_payloads", "Payloads that were accepted");
    families.counter(&family, stats.payloads_delivered)?;

    let help = "Bytes of payloads that were accepted, as sent";
    let family = Description::with_unit("retriever_delivery_sent", Unit::Bytes, help);
    families.counter(&family, stats.bytes_sent)?;

    let help = "Attempts to deliver that failed and were to be repeated";
    let family = Description::new("retriever_delivery_retries", help);
    families.counter(&family, stats.retries)?;

    let help = "Points, sketches and service checks in the payloads that were accepted";
    let family = Description::new("retriever_delivered", help);
    families.counter(&family, stats.points_delivered)?;

    let help = "Points, sketches and service checks that were given up, by reason";
    let family = Description::new("retriever_delivery_dropped", help);
    let dropped = stats.dropped.iter().filter(|&(_, count)| count > 0);
    families.counters(&family, dropped.map(|(reason, count)| ([("reason", reason.as_str())], count)))
}
