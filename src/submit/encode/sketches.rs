//! Entries of `SketchPayload`, the body of `POST /api/beta/sketches`.

use super::wire;

/// One sketch of one series. Text that is empty is not sent.
#[derive(Clone, Debug)]
pub struct SketchSeries<'a, T> {
    /// The name.
    pub metric: &'a str,
    /// The host; a field here, and not a resource.
    pub host: &'a str,
    /// `key:value` or bare.
    pub tags: T,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// The sum of the counts of all bins.
    pub count: i64,
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The mean value.
    pub avg: f64,
    /// The sum of all values.
    pub sum: f64,
    /// Keys and counts, keys ascending; not empty, for the intake answers 400 to a sketch without bins.
    pub bins: &'a [(i16, u16)],
}

/// Appends a sketch as one entry of a payload. Payloads are concatenated entries.
pub fn encode_sketch<'a>(buffer: &mut Vec<u8>, sketch: SketchSeries<'a, impl IntoIterator<Item = &'a str>>) {
    wire::nested(buffer, 1, |buffer| {
        wire::string(buffer, 1, sketch.metric);
        wire::string(buffer, 2, sketch.host);
        for tag in sketch.tags {
            wire::element(buffer, 4, tag);
        }
        wire::nested(buffer, 7, |buffer| {
            wire::int64(buffer, 1, sketch.timestamp);
            wire::int64(buffer, 2, sketch.count);
            wire::double(buffer, 3, sketch.min);
            wire::double(buffer, 4, sketch.max);
            wire::double(buffer, 5, sketch.avg);
            wire::double(buffer, 6, sketch.sum);
            wire::packed(buffer, 7, sketch.bins.iter().map(|&(key, _)| wire::zigzag(i32::from(key))));
            wire::packed(buffer, 8, sketch.bins.iter().map(|&(_, count)| u64::from(count)));
        });
    });
}
