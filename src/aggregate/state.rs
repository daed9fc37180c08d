//! What one context remembers from value to value and from scrape to scrape, and what it has to tell at a commit.
//!
//! The rules are those of the Datadog Agent's check sampler, kind by kind.

use super::distribution::Distribution;
use super::point::PointKind;
use super::refused::Refused;
use crate::map::MetricKind;
use crate::time::UnixTime;

/// The state of one context. Its variant is fixed by the first value. `None` in what a commit tells means that there
/// was no value since the last commit.
#[derive(Debug)]
pub(super) enum State {
    Gauge {
        last: Option<f64>,
    },
    Count {
        sum: Option<f64>,
    },
    MonotonicCount(Growth),
    Rate {
        base: Option<Reading>,
        /// Of the last two values.
        rate: Option<Result<f64, Refused>>,
    },
    Distribution(Box<Distribution>),
}

/// A value and when it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    value: f64,
    at: UnixTime,
}

impl State {
    /// The state of a context before its first value.
    pub(super) fn new(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Gauge => Self::Gauge { last: None },
            MetricKind::Count => Self::Count { sum: None },
            MetricKind::MonotonicCount => Self::MonotonicCount(Growth::default()),
            MetricKind::Rate => Self::Rate { base: None, rate: None },
        }
    }

    /// Takes a finite value.
    pub(super) fn add(&mut self, kind: MetricKind, value: f64, flush: bool, at: UnixTime) -> Result<(), Refused> {
        match (self, kind) {
            (Self::Gauge { last }, MetricKind::Gauge) => *last = Some(value),
            (Self::Count { sum }, MetricKind::Count) => *sum.get_or_insert(0.0) += value,
            (Self::MonotonicCount(growth), MetricKind::MonotonicCount) => growth.add(value, flush),
            (Self::Rate { base, rate }, MetricKind::Rate) => {
                let newer = Reading { value, at };
                // The newer value becomes the base whatever the rate is.
                if let Some(older) = base.replace(newer) {
                    *rate = Some(rate_of(older, newer));
                }
            }
            _ => return Err(Refused::KindChanged),
        }
        Ok(())
    }

    /// What there is to tell since the last commit. Nothing for a distribution, which gives a sketch instead.
    pub(super) fn take(&mut self) -> Option<Result<(PointKind, f64), Refused>> {
        let (kind, value) = match self {
            Self::Gauge { last } => (PointKind::Gauge, Ok(last.take()?)),
            Self::Count { sum } => (PointKind::Count, Ok(sum.take()?)),
            Self::MonotonicCount(growth) => (PointKind::Count, Ok(growth.sum.take()?)),
            // The Agent stores a rate as the gauge of a value per second.
            Self::Rate { rate, .. } => (PointKind::Gauge, rate.take()?),
            Self::Distribution(_) => return None,
        };
        // Sums and differences of finite values can exceed what a double holds.
        Some(value.and_then(|value| if value.is_finite() { Ok((kind, value)) } else { Err(Refused::NotFinite) }))
    }
}

/// The growth of a counter.
#[derive(Debug, Default)]
pub(super) struct Growth {
    previous: Option<f64>,
    /// Since the last commit.
    sum: Option<f64>,
}

impl Growth {
    /// Takes a reading of the counter; `flush` tells that a counter without a past, or fallen, has started from zero
    /// within our watch, so that its whole value is growth.
    fn add(&mut self, value: f64, flush: bool) {
        match self.previous.replace(value) {
            None if flush => self.sum = Some(value),
            None => {}
            Some(previous) if value >= previous => *self.sum.get_or_insert(0.0) += value - previous,
            // Not added: the Agent overwrites what it had gathered since the last commit.
            Some(_) if flush => self.sum = Some(value),
            // How far the counter came since it was reset is unknown, so nothing is claimed; a zero is, as if unchanged.
            Some(_) => _ = self.sum.get_or_insert(0.0),
        }
    }
}

fn rate_of(older: Reading, newer: Reading) -> Result<f64, Refused> {
    let seconds = newer.at.seconds() - older.at.seconds();
    // A clock that was set back gives no rate either.
    if seconds <= 0.0 {
        return Err(Refused::RateWithoutTime);
    }
    let rate = (newer.value - older.value) / seconds;
    if rate < 0.0 { Err(Refused::NegativeRate) } else { Ok(rate) }
}
