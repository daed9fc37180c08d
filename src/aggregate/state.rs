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
    Gauge(Option<Gauge>),
    Count(Option<f64>),
    MonotonicCount(Option<f64>),
    /// Per second.
    Rate(Option<f64>),
    Distribution(Box<Sketch>),
}

/// The gauges of one scrape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    value: f64,
    /// How many series it was made of.
    series: u32,
    aggregation: GaugeAggregation,
    last: SeriesId,
}

impl State {
    /// The state of a series before its first value.
    pub(super) fn new(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Gauge => Self::Gauge(None),
            MetricKind::Count => Self::Count(None),
            MetricKind::MonotonicCount => Self::MonotonicCount(None),
            MetricKind::Rate => Self::Rate(None),
        }
    }

    /// Whether values of this kind go here.
    pub(super) fn is(&self, kind: MetricKind) -> bool {
        match self {
            Self::Gauge(_) => kind == MetricKind::Gauge,
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
            Self::Gauge(_) | Self::Distribution(_) => {}
        }
    }

    /// Takes the gauge of a series; gives the series whose value it replaced, if that was another.
    pub(super) fn gauge(&mut self, series: SeriesId, value: f64, aggregation: GaugeAggregation) -> Option<SeriesId> {
        let Self::Gauge(gauge) = self else { return None };
        let Some(known) = gauge else {
            *gauge = Some(Gauge { value, series: 1, aggregation, last: series });
            return None;
        };
        known.add(series, value)
    }

    /// What there is to tell since the last commit. Nothing for a distribution, which gives a sketch instead.
    pub(super) fn take(&mut self) -> Option<Result<(PointKind, f64), Refused>> {
        let (kind, value) = match self {
            Self::Gauge(gauge) => (PointKind::Gauge, gauge.take()?.finish()),
            Self::Count(sum) | Self::MonotonicCount(sum) => (PointKind::Count, sum.take()?),
            // The Agent stores a rate as the gauge of a value per second.
            Self::Rate(rate) => (PointKind::Gauge, rate.take()?),
            Self::Distribution(_) => return None,
        };
        // Sums and differences of finite values can exceed what a double holds.
        Some(if value.is_finite() { Ok((kind, value)) } else { Err(Refused::NotFinite) })
    }
}

impl Gauge {
    fn add(&mut self, series: SeriesId, value: f64) -> Option<SeriesId> {
        let before = std::mem::replace(&mut self.last, series);
        if before == series && self.aggregation != GaugeAggregation::Last {
            // A series that is exposed twice is still one.
            return None;
        }
        self.series += 1;
        match self.aggregation {
            GaugeAggregation::Last => self.value = value,
            GaugeAggregation::Sum | GaugeAggregation::Avg => self.value += value,
            GaugeAggregation::Max => self.value = self.value.max(value),
            GaugeAggregation::Min => self.value = self.value.min(value),
        }
        (self.aggregation == GaugeAggregation::Last && before != series).then_some(before)
    }

    fn finish(self) -> f64 {
        match self.aggregation {
            GaugeAggregation::Avg => self.value / f64::from(self.series),
            GaugeAggregation::Last | GaugeAggregation::Sum | GaugeAggregation::Max | GaugeAggregation::Min => {
                self.value
            }
        }
    }
}
