//! What one series of Datadog remembers within a scrape, and what it has to tell at its commit.
//!
//! The rules are those of the Datadog Agent's check sampler, kind by kind.

use super::point::PointKind;
use super::refused::Refused;
use super::sketch::Sketch;
use crate::config::GaugeAggregation;
use crate::map::{MetricKind, SeriesId};

/// The state of a series. Its variant is fixed by the first value. `None` in what a commit tells means that there was
/// no value since the last commit.
#[derive(Debug)]
pub(super) enum State {
    /// The last gauge, and the series it was read from.
    Gauge(Option<(SeriesId, f64)>),
    /// Gauges of which one is made at the commit.
    Gauges(Vec<(SeriesId, f64)>, GaugeAggregation),
    Count(Option<f64>),
    MonotonicCount(Option<f64>),
    /// Per second.
    Rate(Option<f64>),
    Distribution(Box<Sketch>),
}

impl State {
    /// The state of a series before its first value.
    pub(super) fn new(kind: MetricKind, gauges: GaugeAggregation) -> Self {
        match (kind, gauges) {
            (MetricKind::Gauge, GaugeAggregation::Last) => Self::Gauge(None),
            (MetricKind::Gauge, _) => Self::Gauges(Vec::new(), gauges),
            (MetricKind::Count, _) => Self::Count(None),
            (MetricKind::MonotonicCount, _) => Self::MonotonicCount(None),
            (MetricKind::Rate, _) => Self::Rate(None),
        }
    }

    /// Whether values of this kind go here.
    pub(super) fn is(&self, kind: MetricKind) -> bool {
        match self {
            Self::Gauge(_) | Self::Gauges(..) => kind == MetricKind::Gauge,
            Self::Count(_) => kind == MetricKind::Count,
            Self::MonotonicCount(_) => kind == MetricKind::MonotonicCount,
            Self::Rate(_) => kind == MetricKind::Rate,
            Self::Distribution(_) => false,
        }
    }

    /// Takes what one series came to: a finite value of its own kind.
    pub(super) fn add(&mut self, value: f64) {
        match self {
            Self::Count(sum) | Self::MonotonicCount(sum) | Self::Rate(sum) => *sum.get_or_insert(0.0) += value,
            // These have their own ways in.
            Self::Gauge(_) | Self::Gauges(..) | Self::Distribution(_) => {}
        }
    }

    /// Takes the gauge of a series; gives the series whose value it replaced, if that was another.
    pub(super) fn gauge(&mut self, series: SeriesId, value: f64) -> Option<SeriesId> {
        match self {
            Self::Gauge(last) => {
                let (before, _) = last.replace((series, value))?;
                (before != series).then_some(before)
            }
            Self::Gauges(readings, _) => {
                readings.push((series, value));
                None
            }
            Self::Count(_) | Self::MonotonicCount(_) | Self::Rate(_) | Self::Distribution(_) => None,
        }
    }

    /// What there is to tell since the last commit. Nothing for a distribution, which gives a sketch instead.
    pub(super) fn take(&mut self) -> Option<Result<(PointKind, f64), Refused>> {
        let (kind, value) = match self {
            Self::Gauge(last) => (PointKind::Gauge, last.take()?.1),
            Self::Gauges(readings, aggregation) => {
                let value = aggregated(readings, *aggregation)?;
                readings.clear();
                (PointKind::Gauge, value)
            }
            Self::Count(sum) | Self::MonotonicCount(sum) => (PointKind::Count, sum.take()?),
            // The Agent stores a rate as the gauge of a value per second.
            Self::Rate(rate) => (PointKind::Gauge, rate.take()?),
            Self::Distribution(_) => return None,
        };
        // Sums and differences of finite values can exceed what a double holds.
        Some(if value.is_finite() { Ok((kind, value)) } else { Err(Refused::NotFinite) })
    }
}

/// What the gauges of several series come to. A series that is exposed twice is still one, and the last reading counts.
fn aggregated(readings: &mut [(SeriesId, f64)], aggregation: GaugeAggregation) -> Option<f64> {
    // A stable sort: readings of one series stay in their order.
    readings.sort_by_key(|(series, _)| *series);
    let mut values = readings.chunk_by(|one, next| one.0 == next.0).filter_map(|same| Some(same.last()?.1));
    match aggregation {
        GaugeAggregation::Last => values.next_back(),
        GaugeAggregation::Sum => values.reduce(|sum, value| sum + value),
        GaugeAggregation::Max => values.reduce(f64::max),
        GaugeAggregation::Min => values.reduce(f64::min),
        GaugeAggregation::Avg => {
            let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
            (count > 0).then(|| sum / f64::from(count))
        }
    }
}
