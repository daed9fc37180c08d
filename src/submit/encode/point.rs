//! Points of one delivery as entries of `MetricPayload`, told as what is new and what repeats: entries have most of their
//! texts in common with the one before, and the rest with others. The bytes are those of [`super::encode_series`].

#[cfg(test)]
mod tests;

use super::series::{resource, type_number};
use super::sink::Sink;
use super::wire;
use crate::aggregate::{PointKind, SlotId, Slots};
use crate::submit::frame::SHORTEST_NEW;

const ENTRY: u8 = 1 << 3 | 2;
const METRIC: u8 = 2 << 3 | 2;
const TAG: u8 = 3 << 3 | 2;
/// What tells a device from other tags. Datadog shows it as a resource.
pub(in crate::submit) const DEVICE: &str = "device:";

/// Where the device, the name and the tags stand among the elements of an entry; the host comes first.
const DEVICE_AT: usize = 1;
const METRIC_AT: usize = 2;
const TAGS_AT: usize = 3;
/// Stands for no text.
const NONE: u32 = u32::MAX;

/// The least place of an element that is not in the present run of entries is above all of an earlier one; before the
/// places reach this, they begin anew.
const MOST: u32 = 1 << 30;
/// In the place of a text: that it stands there as a metric.
const IS_METRIC: u32 = 1 << 31;

/// How a series stands in its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::submit) enum Form {
    /// Its name and tags as they are, each shorter than 128 bytes.
    Short,
    /// Its name and tags as they are.
    Long,
    /// Its name and tags as they are, but for the last tag that tells a device.
    Device,
}

/// What is to be encoded: the value of a series, which is measured in `unit` if that is not empty.
#[derive(Clone, Copy, Debug)]
pub(in crate::submit) struct Reading {
    pub(in crate::submit) series: SlotId,
    pub(in crate::submit) form: Form,
    pub(in crate::submit) kind: PointKind,
    pub(in crate::submit) value: f64,
    pub(in crate::submit) unit: &'static str,
}

/// The entry that a point is going to be.
#[derive(Clone, Copy, Debug)]
pub(in crate::submit) struct Layout {
    /// The length of its content.
    content: usize,
    reading: Reading,
}

impl Layout {
    /// How many bytes the entry takes.
    pub(in crate::submit) fn length(&self) -> usize {
        1 + framed(self.content)
    }
}

/// Encodes points that have their time, the host of those that name none, and further tags in common. Between two
/// calls of [`PointEncoder::restart`] all go to the same sink, and nothing else does.
#[derive(Debug)]
pub(in crate::submit) struct PointEncoder<'s> {
    slots: &'s Slots,
    /// The resource that stands for no host.
    host: Vec<u8>,
    /// Of points with a value and of those with the default value, which is left out.
    tails: [[Tail; 3]; 2],
    /// Where each text was told last, if that is not before `start`.
    places: Vec<u32>,
    /// The place where the sink was empty: places of earlier sinks are below it.
    start: u32,
    now: Entry,
    before: Entry,
    /// The resource or the text that is being made.
    draft: Vec<u8>,
}

/// What an entry consists of.
#[derive(Debug, Default)]
struct Entry {
    /// Where it begins; 0 if there is none.
    place: u32,
    /// Key and length.
    head: Vec<u8>,
    /// The texts of its elements: host, device, metric, tags.
    texts: Vec<u32>,
    /// Where each element begins, and where the last one ends.
    places: Vec<u32>,
    /// From how far back the end of it was copied; 0 if it was not.
    distance: usize,
}

/// What stands behind the tags of a series, for one kind of point.
#[derive(Clone, Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Where the value stands within; none if it is left out.
    value_at: Option<usize>,
    /// What stands behind the unit.
    end: Vec<u8>,
    /// Where it was told last, with what value and unit; 0: nowhere.
    place: u32,
    value: [u8; size_of::<f64>()],
    unit: &'static str,
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
        Self { bytes, value_at, end, ..Self::default() }
    }

    fn length(&self, unit: &str) -> usize {
        let unit = if unit.is_empty() { 0 } else { 1 + framed(unit.len()) };
        self.bytes.len() + unit + self.end.len()
    }

    /// Tells the tail at a place; gives how far back its end is copied from.
    fn tell(&mut self, sink: &mut impl Sink, place: u32, value: f64, unit: &'static str, draft: &mut Vec<u8>) -> usize {
        let value = value.to_le_bytes();
        let distance = if self.place == 0 { 0 } else { (place - self.place) as usize };
        let old = std::mem::replace(&mut self.value, value);
        let is_unit_known = std::mem::replace(&mut self.unit, unit) == unit;
        self.place = place;
        let Some(at) = self.value_at else {
            repeat(sink, distance, &self.bytes);
            return self.tell_end(sink, distance, is_unit_known, draft);
        };
        repeat(sink, distance, &self.bytes[..at]);
        // Of similar values the first bytes are the same, all zero for many, and often the last.
        let change = u64::from_le_bytes(old) ^ u64::from_le_bytes(value);
        if distance == 0 {
            sink.put(&value);
        } else if change == 0 {
            repeat(sink, distance, &value);
        } else {
            let first = (change.trailing_zeros() / 8) as usize;
            let last = size_of::<f64>() - (change.leading_zeros() / 8) as usize;
            repeat(sink, distance, &value[..first]);
            sink.put(&value[first..last]);
            repeat(sink, distance, &value[last..]);
        }
        repeat(sink, distance, &self.bytes[at + size_of::<f64>()..]);
        self.tell_end(sink, distance, is_unit_known, draft)
    }

    fn tell_end(&self, sink: &mut impl Sink, distance: usize, is_unit_known: bool, draft: &mut Vec<u8>) -> usize {
        let distance = if is_unit_known { distance } else { 0 };
        if !self.unit.is_empty() {
            draft.clear();
            wire::string(draft, 6, self.unit);
            repeat(sink, distance, draft);
        }
        repeat(sink, distance, &self.end);
        distance
    }
}

/// Tells bytes that stand `distance` bytes ahead too, unless that is 0.
#[inline]
fn repeat(sink: &mut impl Sink, distance: usize, bytes: &[u8]) {
    if distance == 0 {
        sink.put(bytes);
    } else if !bytes.is_empty() {
        sink.copy_any(distance, bytes);
    }
}

/// A length, and so many bytes.
fn framed(length: usize) -> usize {
    (length.max(1).ilog2() / 7 + 1) as usize + length
}

impl<'s> PointEncoder<'s> {
    /// `host` is meant where a series names none; `tags` follow those of each series.
    pub(in crate::submit) fn new(slots: &'s Slots, host: &str, tags: &[String], timestamp: i64, interval: u32) -> Self {
        let mut own = Vec::new();
        resource(&mut own, "host", host);
        let tails = [1.0, 0.0].map(|value| {
            [PointKind::Gauge, PointKind::Count, PointKind::Rate]
                .map(|kind| Tail::new(tags, timestamp, interval, kind, value))
        });
        let (now, before) = Default::default();
        let places = vec![0; slots.texts()];
        Self { slots, host: own, tails, places, start: 1, now, before, draft: Vec::new() }
    }

    /// What follows goes to another sink, or to one that was emptied of `size` bytes.
    pub(in crate::submit) fn restart(&mut self, size: usize) {
        self.start = u32::try_from(size).ok().and_then(|size| self.start.checked_add(size)).unwrap_or(MOST);
        if self.start >= MOST {
            self.places.fill(0);
            self.start = 1;
        }
        self.before.place = 0;
        for tail in self.tails.iter_mut().flatten() {
            tail.place = 0;
        }
    }

    /// Finds out what the entry of a point consists of. It is told next, or never.
    pub(in crate::submit) fn lay_out(&mut self, reading: Reading) -> Layout {
        let Self { slots, tails, now, .. } = self;
        let numbers = slots.numbers(reading.series);
        now.texts.clear();
        now.texts.extend_from_slice(&[numbers[0], NONE]);
        now.texts.extend_from_slice(&numbers[1..]);
        let text = |number: u32| slots.text(number);
        let host = if text(numbers[0]).is_empty() { self.host.len() } else { resource_length("host", text(numbers[0])) };
        let elements = match reading.form {
            Form::Short => {
                let (count, bytes) = slots.extent(reading.series);
                bytes - text(numbers[0]).len() + 2 * (count - 1)
            }
            Form::Long => numbers[1..].iter().map(|number| 1 + framed(text(*number).len())).sum(),
            Form::Device => {
                let is_device = |number: &u32| text(*number).len() > DEVICE.len() && text(*number).starts_with(DEVICE);
                let device = now.texts[TAGS_AT..].iter().rposition(is_device);
                let device = device.map_or(NONE, |at| now.texts.remove(TAGS_AT + at));
                now.texts[DEVICE_AT] = device;
                let own = if device == NONE { 0 } else { resource_length("device", &text(device)[DEVICE.len()..]) };
                let others: usize = now.texts[METRIC_AT..].iter().map(|number| 1 + framed(text(*number).len())).sum();
                own + others
            }
        };
        let tail = &tails[usize::from(reading.value.to_bits() == 0)][reading.kind as usize];
        Layout { content: host + elements + tail.length(reading.unit), reading }
    }

    /// Tells the point that was laid out last.
    pub(in crate::submit) fn tell(&mut self, sink: &mut impl Sink, layout: &Layout) {
        let Layout { content, reading } = *layout;
        let place = self.start + sink.size() as u32;
        self.now.place = place;
        self.tell_head(sink, content);
        self.now.places.clear();
        for at in 0..self.now.texts.len() {
            self.tell_element(sink, at);
        }
        let end = self.start + sink.size() as u32;
        self.now.places.push(end);
        let tail = &mut self.tails[usize::from(reading.value.to_bits() == 0)][reading.kind as usize];
        self.now.distance = tail.tell(sink, end, reading.value, reading.unit, &mut self.draft);
        std::mem::swap(&mut self.now, &mut self.before);
    }

    fn tell_head(&mut self, sink: &mut impl Sink, content: usize) {
        let Self { now, before, .. } = self;
        now.head.clear();
        now.head.push(ENTRY);
        wire::varint(&mut now.head, content as u64);
        if before.place == 0 {
            return sink.put(&now.head);
        }
        let distance = (now.place - before.place) as usize;
        if now.head == before.head {
            return sink.copy_any(distance, &now.head);
        }
        // Behind any end of an entry stands the key of another.
        repeat(sink, before.distance, &now.head[..1]);
        let same = if now.head.len() == before.head.len() {
            now.head.iter().rev().zip(before.head.iter().rev()).take_while(|(new, old)| new == old).count()
        } else {
            0
        };
        let changed = now.head.len() - same;
        sink.put(&now.head[1..changed]);
        sink.copy_few(distance, &now.head[changed..]);
    }

    fn tell_element(&mut self, sink: &mut impl Sink, at: usize) {
        let text = self.now.texts[at];
        let place = self.start + sink.size() as u32;
        self.now.places.push(place);
        let known = if self.before.place == 0 { None } else { self.before.texts.get(at).copied() };
        if let Some(known) = known
            && known == text
        {
            let old = self.before.places[at];
            let length = (self.before.places[at + 1] - old) as usize;
            if length >= SHORTEST_NEW {
                return sink.copy((place - old) as usize, length);
            }
            if length > 0 {
                self.draft(at, text);
                sink.copy_few((place - old) as usize, &self.draft);
            }
            return;
        }
        if at >= METRIC_AT {
            let metric = if at == METRIC_AT { IS_METRIC } else { 0 };
            let old = std::mem::replace(&mut self.places[text as usize], place | metric);
            if old & IS_METRIC == metric && old & !IS_METRIC >= self.start {
                let distance = (place - (old & !IS_METRIC)) as usize;
                let length = 1 + framed(self.slots.text(text).len());
                if length >= SHORTEST_NEW {
                    return sink.copy(distance, length);
                }
                self.draft(at, text);
                return sink.copy_few(distance, &self.draft);
            }
        }
        self.draft(at, text);
        self.tell_new(sink, at, place, known.filter(|known| *known != NONE && at >= METRIC_AT));
    }

    /// Tells the draft, which mostly begins like the element that stood there before.
    fn tell_new(&self, sink: &mut impl Sink, at: usize, place: u32, known: Option<u32>) {
        let draft = &*self.draft;
        let Some(known) = known.map(|known| self.slots.text(known).as_bytes()) else { return sink.put(draft) };
        let text_at = draft.len() - self.slots.text(self.now.texts[at]).len();
        let text = &draft[text_at..];
        let same = same(known, text);
        let distance = (place - self.before.places[at]) as usize;
        if known.len() == text.len() {
            sink.copy_any(distance, &draft[..text_at + same]);
            sink.put(&text[same..]);
        } else if text_at == 2 && known.len() < 1 << 7 {
            sink.put(&draft[..text_at]);
            sink.copy_any(distance, &text[..same]);
            sink.put(&text[same..]);
        } else {
            sink.put(draft);
        }
    }

    /// Makes the draft that of the element of a text.
    fn draft(&mut self, at: usize, number: u32) {
        let Self { slots, draft, .. } = self;
        draft.clear();
        if number == NONE {
            return;
        }
        let text = slots.text(number);
        match at {
            0 if text.is_empty() => draft.extend_from_slice(&self.host),
            0 => resource(draft, "host", text),
            DEVICE_AT => resource(draft, "device", &text[DEVICE.len()..]),
            _ => {
                draft.push(if at == METRIC_AT { METRIC } else { TAG });
                wire::varint(draft, text.len() as u64);
                draft.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// How many bytes a resource takes.
fn resource_length(kind: &str, name: &str) -> usize {
    if name.is_empty() { 0 } else { 1 + framed(2 + framed(kind.len()) + framed(name.len())) }
}

/// With how many bytes both begin.
fn same(one: &[u8], other: &[u8]) -> usize {
    let (words, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let equal = words.iter().zip(others).take_while(|(one, other)| one == other).count() * 8;
    let rest = one[equal..].iter().zip(&other[equal..]).take_while(|(one, other)| one == other).count();
    equal + rest
}
