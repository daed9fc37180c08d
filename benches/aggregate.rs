//! What the aggregator costs for each sample of a scrape whose series are all known, without reading the exposition.
//!
//! `cargo bench --bench aggregate`

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use retriever::aggregate::Aggregator;
use retriever::config::GaugeAggregation;
use retriever::map::{Contexts, GroupId, MetricKind, Origin, Part, SeriesId, Submission};
use retriever::time::UnixTime;

const SERIES: u32 = 100_000;

fn main() {
    divan::main();
}

/// What the series are.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Gauges,
    Counts,
    /// Counts that are 20 by 20 those of one histogram.
    GroupedCounts,
}

/// A target that was scraped once.
fn known(kind: Kind) -> (Aggregator, Contexts, UnixTime) {
    let mut contexts = Contexts::default();
    let mut aggregator = Aggregator::new(Duration::from_secs(15), None);
    for number in 0..SERIES {
        let tags =
            ["namespace:default", &format!("pod:api-{number}"), &format!("uid:{:x}", number.wrapping_mul(0x9e37))];
        let context = contexts.intern("kube_pod_status_ready", "", tags, None);
        let group = matches!(kind, Kind::GroupedCounts).then(|| (GroupId::new(number / 20), Part::Count));
        let submission = Submission::Metric {
            kind: if matches!(kind, Kind::Gauges) { MetricKind::Gauge } else { MetricKind::MonotonicCount },
            context,
            origin: Origin { series: SeriesId::new(number), group },
            gauges: GaugeAggregation::Last,
            lower: None,
            value: 0.0,
            flush_first_value: false,
        };
        aggregator.accept(&submission);
    }
    let now = UnixTime::from_seconds(1_700_000_000.0);
    let batch = aggregator.commit(now, contexts.slots(), None);
    aggregator.reuse(batch);
    (aggregator, contexts, now)
}

/// From the values to the points.
#[divan::bench(args = [Kind::Gauges, Kind::Counts, Kind::GroupedCounts])]
fn next_scrape(bencher: Bencher<'_, '_>, kind: Kind) {
    let (mut aggregator, contexts, mut now) = known(kind);
    let mut value = 0.0;
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| {
        value += 1.0;
        now = now.plus(Duration::from_secs(15));
        for number in 0..SERIES {
            assert!(aggregator.again(SeriesId::new(number), value, true));
        }
        let batch = aggregator.commit(now, contexts.slots(), None);
        assert_eq!(batch.points.len(), SERIES as usize);
        aggregator.reuse(batch);
    });
}
