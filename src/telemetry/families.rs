//! Writes whole families of an exposition from values that were read elsewhere.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Name, unit and help of a family.
pub(super) struct Description {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
}

impl Description {
    /// A family without unit. The suffix `_total` of a counter does not belong to its name.
    pub(super) fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, help }
    }

    /// A family whose name ends in its unit, which `name` leaves out.
    pub(super) fn with_unit(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self { name, unit: Some(unit), help }
    }
}

/// Writes families one after the other.
pub(super) struct Families<'a>(DescriptorEncoder<'a>);

impl<'a> Families<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A counter with one value.
    pub(super) fn counter(&mut self, family: &Description, value: impl EncodeCounterValue + Copy) -> fmt::Result {
        write_counter(self.describe(family, MetricType::Counter)?, &value)
    }

    /// A gauge with one value.
    pub(super) fn gauge(&mut self, family: &Description, value: impl EncodeGaugeValue + Copy) -> fmt::Result {
        self.describe(family, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// A counter with a value for each set of labels; without any there is no family.
    pub(super) fn counters<L, V>(&mut self, family: &Description, series: impl Iterator<Item = (L, V)>) -> fmt::Result
    where
        L: EncodeLabelSet,
        V: EncodeCounterValue,
    {
        self.series(family, MetricType::Counter, series, |encoder, value| write_counter(encoder, value))
    }

    /// A gauge with a value for each set of labels; without any there is no family.
    pub(super) fn gauges<L, V>(&mut self, family: &Description, series: impl Iterator<Item = (L, V)>) -> fmt::Result
    where
        L: EncodeLabelSet,
        V: EncodeGaugeValue,
    {
        self.series(family, MetricType::Gauge, series, |mut encoder, value| encoder.encode_gauge(value))
    }

    fn series<L: EncodeLabelSet, V>(
        &mut self,
        family: &Description,
        metric_type: MetricType,
        series: impl Iterator<Item = (L, V)>,
        write: impl Fn(MetricEncoder<'_>, &V) -> fmt::Result,
    ) -> fmt::Result {
        let mut series = series.peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut encoder = self.describe(family, metric_type)?;
        series.try_for_each(|(labels, value)| write(encoder.encode_family(&labels)?, &value))
    }

    fn describe<'s>(
        &'s mut self,
        family: &'s Description,
        metric_type: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        // The registry adds the same full stop to the families that it describes itself.
        let help = format!("{}.", family.help);
        self.0.encode_descriptor(family.name, &help, family.unit.as_ref(), metric_type)
    }
}

fn write_counter(mut encoder: MetricEncoder<'_>, value: &impl EncodeCounterValue) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, _, u64>(value, None)
}
