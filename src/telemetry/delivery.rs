//! What became of everything that was handed on for delivery, as the metrics page shows it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::families::{Description, Families};
use crate::config::OutputKind;
use crate::submit::{IntakeStats, JournalStats, Stats};

/// Reads how delivery to each output stands, whenever a page is asked for; must not wait.
pub type DeliverySource = Arc<dyn Fn() -> Vec<(OutputKind, Stats)> + Send + Sync>;

/// Shows the [`Stats`] of each output on the metrics page.
pub(super) struct DeliveryCollector(pub(super) DeliverySource);

impl fmt::Debug for DeliveryCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryCollector").finish_non_exhaustive()
    }
}

impl Collector for DeliveryCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let outputs = (self.0)();
        encode_state(&outputs, &mut families)?;
        encode_sums(&outputs, &mut families)?;
        let intakes = outputs.iter().find(|(kind, _)| *kind == OutputKind::Api).map(|(_, stats)| &*stats.intakes);
        encode_intakes(intakes.unwrap_or_default(), &mut families)?;
        // All outputs share it.
        let journal = outputs.iter().find_map(|(_, stats)| stats.journal.as_ref());
        journal.map_or(Ok(()), |journal| encode_journal(journal, &mut families))
    }
}

/// What `read` reads of each output, with the label of the output.
fn each<'a, V>(
    outputs: &'a [(OutputKind, Stats)],
    read: impl Fn(&Stats) -> V + 'a,
) -> impl Iterator<Item = ([(&'static str, &'static str); 1], V)> + 'a {
    outputs.iter().map(move |(kind, stats)| ([("output", kind.as_str())], read(stats)))
}

fn encode_state(outputs: &[(OutputKind, Stats)], families: &mut Families<'_>) -> fmt::Result {
    let help = "Whether delivery to an output works, as far as it was tried";
    let family = Description::new("retriever_delivery_healthy", help);
    families.gauges(&family, each(outputs, |stats| u64::from(stats.unhealthy_since.is_none())))?;

    let family = Description::new("retriever_delivery_queue_payloads", "Payloads that wait for delivery");
    families.gauges(&family, each(outputs, |stats| stats.queue_payloads as u64))?;

    let help = "Bytes of payloads that wait for delivery, in memory or on disk";
    let family = Description::with_unit("retriever_delivery_queue", Unit::Bytes, help);
    families.gauges(&family, each(outputs, |stats| stats.queue_bytes as u64))?;

    let help = "Bytes of payloads in memory, with those that are being sent";
    let family = Description::with_unit("retriever_delivery_queue_memory", Unit::Bytes, help);
    families.gauges(&family, each(outputs, |stats| stats.queue_memory_bytes as u64))?;

    let help = "When a payload was last accepted, since the Unix epoch";
    let family = Description::with_unit("retriever_delivery_last_success_timestamp", Unit::Seconds, help);
    let times = each(outputs, |stats| stats.last_success);
    families.gauges(&family, times.filter_map(|(labels, time)| Some((labels, time?.seconds()))))
}

fn encode_sums(outputs: &[(OutputKind, Stats)], families: &mut Families<'_>) -> fmt::Result {
    let family = Description::new("retriever_delivery_payloads", "Payloads that were accepted");
    families.counters(&family, each(outputs, |stats| stats.payloads_delivered))?;

    let help = "Bytes of payloads that were accepted, as sent";
    let family = Description::with_unit("retriever_delivery_sent", Unit::Bytes, help);
    families.counters(&family, each(outputs, |stats| stats.bytes_sent))?;

    let help = "Attempts to deliver that failed and were to be repeated";
    let family = Description::new("retriever_delivery_retries", help);
    families.counters(&family, each(outputs, |stats| stats.retries))?;

    let help = "Points, sketches, service checks and events in the payloads that were accepted";
    let family = Description::new("retriever_delivered", help);
    families.counters(&family, each(outputs, |stats| stats.points_delivered))?;

    let help = "Points, sketches, service checks and events that were given up, by reason";
    let family = Description::new("retriever_delivery_dropped", help);
    let dropped = outputs.iter().flat_map(|(kind, stats)| {
        let dropped = stats.dropped.iter().filter(|&(_, count)| count > 0);
        dropped.map(|(reason, count)| ([("output", kind.as_str()), ("reason", reason.as_str())], count))
    });
    families.counters(&family, dropped)
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
