//! Entries of `MetricPayload`, the body of `POST /api/v2/series`.

use super::wire;
use crate::aggregate::PointKind;

/// One series with its points. Text that is empty is not sent.
#[derive(Clone, Debug)]
pub struct Series<'a, T> {
    /// The first resource.
    pub host: &'a str,
    /// The second resource.
    pub device: &'a str,
    /// The name.
    pub metric: &'a str,
    /// `key:value` or bare.
    pub tags: T,
    /// Values (finite) and their times in seconds since the epoch.
    pub points: &'a [(f64, i64)],
    /// How the points are stored.
    pub kind: PointKind,
    /// A name of Datadog's list of units.
    pub unit: &'a str,
    /// The kind of thing that the series is about; the Agent says `System`.
    pub source_type_name: &'a str,
    /// Seconds that a point covers; 0: not known.
    pub interval: u32,
    /// The product that the series is accounted to.
    pub origin: Option<Origin>,
}

/// Which product made a series. Datadog gives the numbers out; a program without numbers of its own leaves them away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// For instance 10, the Agent.
    pub product: u32,
    /// What part of the product.
    pub category: u32,
    /// Which integration.
    pub service: u32,
}

/// Appends a series as one entry of a payload. Payloads are concatenated entries.
pub fn encode_series<'a>(buffer: &mut Vec<u8>, series: Series<'a, impl IntoIterator<Item = &'a str>>) {
    wire::nested(buffer, 1, |buffer| {
        resource(buffer, "host", series.host);
        resource(buffer, "device", series.device);
        wire::string(buffer, 2, series.metric);
        for tag in series.tags {
            wire::element(buffer, 3, tag);
        }
        for &(value, timestamp) in series.points {
            wire::nested(buffer, 4, |buffer| {
                wire::double(buffer, 1, value);
                wire::int64(buffer, 2, timestamp);
            });
        }
        wire::unsigned(buffer, 5, type_number(series.kind));
        wire::string(buffer, 6, series.unit);
        wire::string(buffer, 7, series.source_type_name);
        wire::unsigned(buffer, 8, u64::from(series.interval));
        if let Some(origin) = series.origin {
            wire::nested(buffer, 9, |buffer| wire::nested(buffer, 1, |buffer| write_origin(buffer, origin)));
        }
    });
}

pub(super) fn resource(buffer: &mut Vec<u8>, kind: &str, name: &str) {
    if !name.is_empty() {
        wire::nested(buffer, 1, |buffer| {
            wire::string(buffer, 1, kind);
            wire::string(buffer, 2, name);
        });
    }
}

pub(super) fn type_number(kind: PointKind) -> u64 {
    match kind {
        PointKind::Count => 1,
        PointKind::Rate => 2,
        PointKind::Gauge => 3,
    }
}

fn write_origin(buffer: &mut Vec<u8>, origin: Origin) {
    wire::unsigned(buffer, 4, u64::from(origin.product));
    wire::unsigned(buffer, 5, u64::from(origin.category));
    wire::unsigned(buffer, 6, u64::from(origin.service));
}
