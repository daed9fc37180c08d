//! Points of one delivery as entries of `MetricPayload`, the fast way: what the points of a kind have in common is made
//! once, and the texts of a series are copied as they stand. The bytes are those of [`super::encode_series`].

use super::series::{resource, type_number};
use super::wire;
use crate::aggregate::{PointKind, SlotId, Slots};

/// Texts are copied in blocks of this many bytes, which is faster than to copy just as many as there are.
const BLOCK: usize = 64;
/// The most bytes that stand before the content of an entry: its key, and its length in base 128.
const HEAD: usize = 6;
/// The most bytes that stand before a text.
const TEXT_HEAD: usize = 6;
/// The most bytes that stand around the name of a host.
const HOST_FRAME: usize = 32;

const ENTRY: u8 = 1 << 3 | 2;
const METRIC: u8 = 2 << 3 | 2;
const TAG: u8 = 3 << 3 | 2;
const UNIT: u8 = 6 << 3 | 2;

/// Encodes points that have their time, the host of those that name none, and further tags in common.
#[derive(Debug)]
pub(in crate::submit) struct PointEncoder {
    /// The resource that stands for no host.
    host: Vec<u8>,
    /// Of points with a value and of those with the default value, which is left out.
    tails: [[Tail; 3]; 2],
    /// The entry that is being made.
    entry: Vec<u8>,
}

/// What stands behind the tags of a series, for one kind of point.
#[derive(Clone, Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Where the value stands within; none if it is left out.
    value_at: Option<usize>,
    /// What stands behind the unit.
    end: Vec<u8>,
}

impl Tail {
    fn new(tags: &[String], timestamp: i64, interval: u32, kind: PointKind, value: f64) -> Self {
        let mut bytes = Vec::new();
        for tag in tags {
            wire::element(&mut bytes, 3, tag);
        }
        let mut time = Vec::new();
        wire::int64(&mut time, 2, timestamp);
        wire::nested(&mut bytes, 4, |buffer| {
            wire::double(buffer, 1, value);
            buffer.extend_from_slice(&time);
        });
        let is_there = value.to_bits() != 0;
        let value_at = is_there.then(|| bytes.len() - time.len() - size_of::<f64>());
        wire::unsigned(&mut bytes, 5, type_number(kind));
        let mut end = Vec::new();
        wire::unsigned(&mut end, 8, if kind == PointKind::Gauge { 0 } else { u64::from(interval) });
        Self { bytes, value_at, end }
    }
}

impl PointEncoder {
    /// `host` is meant where a series names none; `tags` follow those of each series.
    pub(in crate::submit) fn new(host: &str, tags: &[String], timestamp: i64, interval: u32) -> Self {
        let mut own = Vec::new();
        resource(&mut own, "host", host);
        let tails = [1.0, 0.0].map(|value| {
            [PointKind::Gauge, PointKind::Count, PointKind::Rate]
                .map(|kind| Tail::new(tags, timestamp, interval, kind, value))
        });
        Self { host: own, tails, entry: Vec::new() }
    }

    /// Appends a point, measured in `unit` if that is not empty, of a series whose name and tags need no repair, and whose tags are none of the further ones.
    pub(in crate::submit) fn encode(
        &mut self,
        buffer: &mut Vec<u8>,
        slots: &Slots,
        series: SlotId,
        kind: PointKind,
        value: f64,
        unit: &str,
    ) {
        let tail = &self.tails[usize::from(value.to_bits() == 0)][kind as usize];
        let (texts, length) = slots.extent(series);
        let room = HEAD
            + self.host.len()
            + HOST_FRAME
            + length
            + (texts + 1) * TEXT_HEAD
            + BLOCK
            + tail.bytes.len()
            + unit.len()
            + tail.end.len();
        if self.entry.len() < room {
            self.entry.resize(room, 0);
        }
        let mut entry = Cursor { bytes: &mut self.entry, at: HEAD };
        let host = slots.host(series);
        if host.is_empty() {
            entry.put(&self.host);
        } else {
            let mut other = Vec::new();
            resource(&mut other, "host", host);
            entry.put(&other);
        }
        let mut key = METRIC;
        for (text, block) in slots.name_and_tags(series) {
            entry.text(key, text, block);
            key = TAG;
        }
        let tail_at = entry.at;
        entry.put(&tail.bytes);
        if let Some(at) = tail.value_at {
            entry.bytes[tail_at + at..][..size_of::<f64>()].copy_from_slice(&value.to_le_bytes());
        }
        if !unit.is_empty() {
            entry.text(UNIT, unit.as_bytes(), None);
        }
        entry.put(&tail.end);
        buffer.extend_from_slice(entry.finish());
    }
}

/// A place in an entry that is being made.
struct Cursor<'e> {
    bytes: &'e mut [u8],
    at: usize,
}

impl<'e> Cursor<'e> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// `block`: the text and what stands behind it, where so much does.
    #[inline]
    fn text(&mut self, key: u8, text: &[u8], block: Option<&[u8; BLOCK]>) {
        let room = self.bytes.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<{ 2 + BLOCK }>());
        if let (Some(block), Some(room)) = (block, room)
            && text.len() <= BLOCK
        {
            // A length that fits into one byte. What is too much of the block is written over by what follows.
            (room[0], room[1]) = (key, text.len() as u8);
            room[2..].copy_from_slice(block);
            self.at += 2 + text.len();
            return;
        }
        self.bytes[self.at] = key;
        self.at += 1;
        self.length(text.len());
        self.put(text);
    }

    #[inline]
    fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.bytes[self.at] = length as u8 | 0x80;
            self.at += 1;
            length >>= 7;
        }
        self.bytes[self.at] = length as u8;
        self.at += 1;
    }

    /// The whole entry: key and length are put right before what is there already.
    #[inline]
    fn finish(self) -> &'e [u8] {
        let (end, length) = (self.at, self.at - HEAD);
        let digits = (length.max(1).ilog2() / 7 + 1) as usize;
        let start = HEAD - digits - 1;
        let mut head = Cursor { bytes: self.bytes, at: start };
        head.bytes[start] = ENTRY;
        head.at += 1;
        head.length(length);
        &head.bytes[start..end]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::submit::encode::{Series, encode_series};

    fn kinds() -> impl Strategy<Value = PointKind> {
        prop_oneof![Just(PointKind::Gauge), Just(PointKind::Count), Just(PointKind::Rate)]
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_other_way(
            names in prop::collection::vec("[a-z]{1,90}", 1..4),
            tags in prop::collection::btree_set("[a-zé]{0,150}", 0..12),
            hosts in prop::collection::vec("[a-z]{0,40}", 2),
            more in prop::collection::vec("[A-Z]{1,150}", 0..3),
            value in prop_oneof![Just(0.0), Just(-0.0), any::<f64>()],
            kind in kinds(),
            unit in prop_oneof![Just(""), Just("byte"), Just("degree celsius")],
            timestamp in 0..2_000_000_000i64,
            interval in 0..1000u32,
        ) {
            let mut slots = Slots::default();
            let mut encoder = PointEncoder::new(&hosts[1], &more, timestamp, interval);
            // One after the other, so that what an entry leaves behind would show in the next.
            for name in &names {
                let series = slots.intern(name, &hosts[0], tags.iter().map(String::as_str), None);
                let (mut ours, mut theirs) = (vec![7], vec![7]);
                encoder.encode(&mut ours, &slots, series, kind, value, unit);
                encode_series(&mut theirs, Series {
                    host: if hosts[0].is_empty() { &hosts[1] } else { &hosts[0] },
                    device: "",
                    metric: name,
                    tags: tags.iter().chain(&more).map(String::as_str),
                    points: &[(value, timestamp)],
                    kind,
                    unit,
                    source_type_name: "",
                    interval: if kind == PointKind::Gauge { 0 } else { interval },
                    origin: None,
                });
                prop_assert_eq!(&ours, &theirs);
            }
        }
    }
}
