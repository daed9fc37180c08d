//! What became of everything that was handed on for delivery, as the metrics page shows it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::submit::{IntakeStats, JournalStats, Stats};

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
        encode_sums(&stats, &mut families)?;
        encode_intakes(&stats.intakes, &mut families)?;
        stats.journal.map_or(Ok(()), |journal| encode_journal(&journal, &mut families))
    }
}

fn encode_state(stats: &Stats, families: &mut Families<'_>) -> fmt::Result {
    let help = "Whether delivery works, as far as it was tried";
    let family = Description::new("retriever_delivery_healthy", help);
    families.gauge(&family, u64::from(stats.unhealthy_since.is_none()))?;

    let family = Description::new("retriever_delivery_queue_payloads", "Payloads that wait for delivery");
    families.gauge(&family, stats.queue_payloads as u64)?;

    let help = "Bytes of payloads that wait for delivery, in memory or on disk";
    let family = Description::with_unit("retriever_delivery_queue", Unit::Bytes, help);
    families.gauge(&family, stats.queue_bytes as u64)?;

    let help = "Bytes of payloads in memory, with those that are being sent";
    let family = Description::with_unit("retriever_delivery_queue_memory", Unit::Bytes, help);
    families.gauge(&family, stats.queue_memory_bytes as u64)?;

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

/// The same for each intake; where there are several, the sums count what each of them got.
fn encode_intakes(intakes: &[IntakeStats], families: &mut Families<'_>) -> fmt::Result {
    let of = |read: fn(&Stats) -> u64| {
        intakes.iter().map(move |intake| ([("intake", &*intake.intake)], read(&intake.stats)))
    };

    let help = "Whether delivery to an intake works, as far as it was tried";
    let family = Description::new("retriever_intake_healthy", help);
    families.gauges(&family, of(|stats| u64::from(stats.unhealthy_since.is_none())))?;

    let family = Description::new("retriever_intake_queue_payloads", "Payloads that wait for an intake");
    families.gauges(&family, of(|stats| stats.queue_payloads as u64))?;

    let family =
        Description::with_unit("retriever_intake_queue", Unit::Bytes, "Bytes of payloads that wait for an intake");
    families.gauges(&family, of(|stats| stats.queue_bytes as u64))?;

    let help = "When an intake last accepted a payload, since the Unix epoch";
    let family = Description::with_unit("retriever_intake_last_success_timestamp", Unit::Seconds, help);
    let times =
        intakes.iter().filter_map(|intake| Some(([("intake", &*intake.intake)], intake.stats.last_success?.seconds())));
    families.gauges(&family, times)?;

    let family = Description::new("retriever_intake_payloads", "Payloads that an intake accepted");
    families.counters(&family, of(|stats| stats.payloads_delivered))?;

    let help = "Points, sketches, service checks and events in the payloads that an intake accepted";
    let family = Description::new("retriever_intake_delivered", help);
    families.counters(&family, of(|stats| stats.points_delivered))?;

    let help = "Attempts to deliver to an intake that failed and were to be repeated";
    let family = Description::new("retriever_intake_retries", help);
    families.counters(&family, of(|stats| stats.retries))?;

    let help = "Points, sketches, service checks and events that an intake did not get, by reason";
    let family = Description::new("retriever_intake_dropped", help);
    let dropped = intakes.iter().flat_map(|intake| {
        let dropped = intake.stats.dropped.iter().filter(|&(_, count)| count > 0);
        dropped.map(|(reason, count)| ([("intake", &*intake.intake), ("reason", reason.as_str())], count))
    });
    families.counters(&family, dropped)
}

fn encode_journal(journal: &JournalStats, families: &mut Families<'_>) -> fmt::Result {
    let help = "Whether the data directory can be written to, as far as it was tried";
    let family = Description::new("retriever_journal_healthy", help);
    families.gauge(&family, u64::from(journal.failing_since.is_none()))?;

    let help = "Bytes of the journal in the data directory";
    let family = Description::with_unit("retriever_journal_size", Unit::Bytes, help);
    families.gauge(&family, journal.bytes)?;

    let family = Description::new("retriever_journal_segments", "Files of the journal in the data directory");
    families.gauge(&family, journal.segments)?;

    let help = "How often the data directory did not take what was to be written";
    let family = Description::new("retriever_journal_failures", help);
    families.counter(&family, journal.failures)?;

    let help = "Files in the data directory that were found damaged or of another version";
    let family = Description::new("retriever_journal_damaged_files", help);
    families.counter(&family, journal.damaged)
}
