//! Points of one delivery as entries of `MetricPayload`, told as what is new and what repeats: entries have most of their
//! texts in common with the one before, and the rest with others. The bytes are those of [`super::encode_series`], but for
//! values of 0, which are not left out: so all points are of one length, and entries more alike.

#[cfg(test)]
mod tests;

use super::series::{resource, type_number};
use super::sink::Sink;
use super::wire;
use crate::aggregate::{PointKind, SlotId, Slots};
use crate::submit::frame::{SHORTEST_NEW, WORD, word};

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

/// A sink that would begin above this place begins anew at 1, so that with its size places stay below [`IS_METRIC`].
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
    /// Its name and tags as they are, but for the last tag that tells a device, and those that follow anyway.
    Edited,
}

impl Form {
    /// A number for it from 1 to 3.
    pub(in crate::submit) fn number(self) -> u32 {
        match self {
            Self::Short => 1,
            Self::Long => 2,
            Self::Edited => 3,
        }
    }

    /// The form of this number.
    pub(in crate::submit) fn from_number(number: u32) -> Option<Self> {
        [Self::Short, Self::Long, Self::Edited].into_iter().find(|form| form.number() == number)
    }
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

/// Encodes points that have their time, the host of those that name none, and further tags in common. Until
/// [`PointEncoder::restart`] is called, all go to the same sink, and nothing else does but whole entries that are not
/// copied from, and those never into a block.
#[derive(Debug)]
pub(in crate::submit) struct PointEncoder<'s> {
    slots: &'s Slots,
    /// The resource that stands for no host.
    host: Vec<u8>,
    /// The further tags.
    more: Vec<String>,
    /// By the kind of point.
    tails: [Tail; 3],
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
    head: Head,
    /// The texts of its elements: host, device, metric, tags.
    texts: Vec<u32>,
    /// Where each element begins, and where the last one ends.
    places: Vec<u32>,
    /// From how far back the end of it was copied; 0 if it was not.
    distance: usize,
}

/// What an entry begins with: its key, and its length in base 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    /// The first byte is the lowest.
    bytes: u64,
    count: usize,
}

impl Head {
    fn new(mut content: usize) -> Self {
        let (mut bytes, mut count) = (u64::from(ENTRY), 1);
        while content >= 0x80 {
            bytes |= (content as u64 & 0x7f | 0x80) << (8 * count);
            content >>= 7;
            count += 1;
        }
        bytes |= (content as u64) << (8 * count);
        Self { bytes, count: count + 1 }
    }

    /// In how many bytes both end.
    fn same_end(self, other: Self) -> usize {
        if self.count != other.count {
            return 0;
        }
        let change = self.bytes ^ other.bytes;
        self.count - (u64::BITS - change.leading_zeros()).div_ceil(8) as usize
    }
}

/// Bytes that every entry of a kind has.
#[derive(Clone, Debug, Default)]
struct Piece {
    bytes: Vec<u8>,
    /// The first ones.
    word: u64,
}

impl Piece {
    fn new(bytes: Vec<u8>) -> Self {
        Self { word: word(&bytes), bytes }
    }

    /// Tells the piece, which stands `distance` bytes before too, unless that is 0.
    #[inline]
    fn tell(&self, sink: &mut impl Sink, distance: usize) {
        let count = self.bytes.len();
        if distance == 0 {
            sink.put(&self.bytes);
        } else if count >= SHORTEST_NEW {
            sink.copy(distance, count);
        } else if count > 0 {
            sink.copy_word(distance, self.word, count);
        }
    }
}

/// What stands behind the tags of a series, for one kind of point.
#[derive(Clone, Debug, Default)]
struct Tail {
    /// What stands before the value, between it and the unit, and behind the unit.
    front: Piece,
    back: Piece,
    end: Piece,
    /// Where it was told last, with what unit; 0: nowhere.
    place: u32,
    unit: &'static str,
}

impl Tail {
    fn new(tags: &[String], timestamp: i64, interval: u32, kind: PointKind) -> Self {
        let mut front = Vec::new();
        for tag in tags {
            wire::element(&mut front, 3, tag);
        }
        let mut back = time_field(timestamp);
        wire::nested(&mut front, 4, |buffer| {
            wire::present_double(buffer, 1, 0.0);
            buffer.extend_from_slice(&back);
        });
        front.truncate(front.len() - back.len() - WORD);
        wire::unsigned(&mut back, 5, type_number(kind));
        let mut end = Vec::new();
        wire::unsigned(&mut end, 8, if kind == PointKind::Gauge { 0 } else { u64::from(interval) });
        Self { front: Piece::new(front), back: Piece::new(back), end: Piece::new(end), ..Self::default() }
    }

    #[inline]
    fn length(&self, unit: &str) -> usize {
        let unit = if unit.is_empty() { 0 } else { 1 + framed(unit.len()) };
        self.front.bytes.len() + WORD + self.back.bytes.len() + unit + self.end.bytes.len()
    }

    /// Tells the tail at a place; gives how far back its end is copied from.
    #[inline]
    fn tell(&mut self, sink: &mut impl Sink, place: u32, value: f64, unit: &'static str) -> usize {
        let distance = if self.place == 0 { 0 } else { (place - self.place) as usize };
        self.place = place;
        self.front.tell(sink, distance);
        sink.put_value(value);
        if distance == 0 {
            sink.put_time(&self.back.bytes);
        } else {
            self.back.tell(sink, distance);
        }
        let old_unit = std::mem::replace(&mut self.unit, unit);
        if old_unit.is_empty() && unit.is_empty() {
            self.end.tell(sink, distance);
            return distance;
        }
        let distance = if old_unit == unit { distance } else { 0 };
        let mut element = Vec::new();
        wire::string(&mut element, 6, unit);
        Piece::new(element).tell(sink, distance);
        self.end.tell(sink, distance);
        distance
    }
}

/// The field of a point that tells its time.
pub(in crate::submit) fn time_field(timestamp: i64) -> Vec<u8> {
    let mut field = Vec::new();
    wire::int64(&mut field, 2, timestamp);
    field
}

/// A length, and so many bytes.
#[inline]
fn framed(length: usize) -> usize {
    if length < 1 << 7 { 1 + length } else { (length.ilog2() / 7 + 1) as usize + length }
}

impl<'s> PointEncoder<'s> {
    /// `host` is meant where a series names none; `tags` follow those of each series.
    pub(in crate::submit) fn new(slots: &'s Slots, host: &str, tags: &[String], timestamp: i64, interval: u32) -> Self {
        let mut own = Vec::new();
        resource(&mut own, "host", host);
        let tails = [PointKind::Gauge, PointKind::Count, PointKind::Rate]
            .map(|kind| Tail::new(tags, timestamp, interval, kind));
        let (now, before) = Default::default();
        let places = vec![0; slots.texts()];
        Self { slots, host: own, more: tags.to_vec(), tails, places, start: 1, now, before, draft: Vec::new() }
    }

    /// What follows goes to another sink, or to one that was emptied of `size` bytes.
    pub(in crate::submit) fn restart(&mut self, size: usize) {
        self.start = u32::try_from(size).ok().and_then(|size| self.start.checked_add(size)).unwrap_or(MOST);
        if self.start >= MOST {
            self.places.fill(0);
            self.start = 1;
        }
        self.before.place = 0;
        for tail in &mut self.tails {
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
        let host_length = slots.text_length(numbers[0]);
        let host = if host_length == 0 { self.host.len() } else { resource_length("host", host_length) };
        let elements = match reading.form {
            Form::Short => {
                let (count, bytes) = slots.extent(reading.series);
                bytes - host_length + 2 * (count - 1)
            }
            Form::Long => elements_length(slots, &numbers[1..]),
            Form::Edited => edit(slots, &mut now.texts, &self.more),
        };
        let tail = &tails[reading.kind as usize];
        Layout { content: host + elements + tail.length(reading.unit), reading }
    }

    /// Tells the point that was laid out last.
    pub(in crate::submit) fn tell(&mut self, sink: &mut impl Sink, layout: &Layout) {
        let Layout { content, reading } = *layout;
        self.now.place = self.start + sink.size() as u32;
        self.tell_head(sink, content);
        let end = self.tell_elements(sink);
        self.now.distance = self.tails[reading.kind as usize].tell(sink, end, reading.value, reading.unit);
        std::mem::swap(&mut self.now, &mut self.before);
    }

    fn tell_head(&mut self, sink: &mut impl Sink, content: usize) {
        let Self { now, before, .. } = self;
        now.head = Head::new(content);
        let Head { bytes, count } = now.head;
        if before.place == 0 {
            return sink.put_word(bytes, count);
        }
        let distance = (now.place - before.place) as usize;
        if now.head == before.head {
            return sink.copy_word(distance, bytes, count);
        }
        let mut told = 0;
        if before.distance > 0 {
            // Behind any end of an entry stands the key of another.
            sink.copy_word(before.distance, bytes, 1);
            told = 1;
        }
        let changed = count - now.head.same_end(before.head);
        sink.put_word(bytes >> (8 * told), changed - told);
        if changed < count {
            sink.copy_word(distance, bytes >> (8 * changed), count - changed);
        }
    }

    /// Tells host, device, name and tags; gives the place behind them.
    fn tell_elements(&mut self, sink: &mut impl Sink) -> u32 {
        let mut place = self.start + sink.size() as u32;
        self.now.places.clear();
        while self.now.places.len() < self.now.texts.len() {
            place = self.tell_run(sink, place);
            place = self.tell_element(sink, place);
        }
        self.now.places.push(place);
        place
    }

    /// Tells the elements that are those of the entry before, up to one that is not.
    #[inline]
    fn tell_run(&mut self, sink: &mut impl Sink, place: u32) -> u32 {
        let Self { now, before, .. } = self;
        let at = now.places.len();
        let (false, Some(others)) = (before.place == 0, before.texts.get(at..)) else { return place };
        let run = now.texts[at..].iter().zip(others).take_while(|(new, old)| new == old).count();
        let [old, .., end] = before.places[at..=at + run] else { return place };
        let moved = place - old;
        now.places.extend(before.places[at..at + run].iter().map(|old| old + moved));
        let length = (end - old) as usize;
        if length >= SHORTEST_NEW {
            sink.copy(moved as usize, length);
        } else if length > 0 {
            let mut bytes = Vec::new();
            for at in at..at + run {
                self.draft(at);
                bytes.extend_from_slice(&self.draft);
            }
            sink.copy_word(moved as usize, word(&bytes), length);
        }
        end + moved
    }

    /// Tells the next element, if there is one, which is not that of the entry before; gives the place behind it.
    fn tell_element(&mut self, sink: &mut impl Sink, place: u32) -> u32 {
        let at = self.now.places.len();
        let Some(&text) = self.now.texts.get(at) else { return place };
        self.now.places.push(place);
        if at >= METRIC_AT {
            let metric = if at == METRIC_AT { IS_METRIC } else { 0 };
            let old = std::mem::replace(&mut self.places[text as usize], place | metric);
            let length = 1 + framed(self.slots.text_length(text));
            if old & IS_METRIC == metric && old & !IS_METRIC >= self.start && length >= SHORTEST_NEW {
                sink.copy((place - (old & !IS_METRIC)) as usize, length);
                return place + length as u32;
            }
        }
        self.draft(at);
        self.tell_new(sink, at, place);
        place + self.draft.len() as u32
    }

    /// Tells the draft, which mostly begins like the element that stood there before.
    fn tell_new(&self, sink: &mut impl Sink, at: usize, place: u32) {
        let draft = &*self.draft;
        let known = self.before.texts.get(at).filter(|_| self.before.place > 0 && at >= METRIC_AT);
        let Some(known) = known.map(|known| self.slots.text_bytes(*known)) else { return sink.put(draft) };
        let length = self.slots.text_length(self.now.texts[at]);
        let text_at = draft.len() - length;
        // Where also the length is the same, it is copied with the text.
        let from = if known.len() == length { 0 } else { text_at };
        let to = text_at + same(known, &draft[text_at..]);
        let is_aligned = from == 0 || (text_at == 2 && known.len() < 1 << 7);
        if is_aligned && to - from >= SHORTEST_NEW {
            let distance = (place - self.before.places[at]) as usize;
            sink.put(&draft[..from]);
            sink.copy(distance, to - from);
            sink.put(&draft[to..]);
        } else {
            sink.put(draft);
        }
    }

    /// Makes the draft that of an element.
    fn draft(&mut self, at: usize) {
        let Self { slots, draft, now, .. } = self;
        let number = now.texts[at];
        draft.clear();
        if number == NONE {
            return;
        }
        let text = slots.text_bytes(number);
        match at {
            0 if text.is_empty() => draft.extend_from_slice(&self.host),
            0 => resource(draft, "host", slots.text(number)),
            DEVICE_AT => resource(draft, "device", &slots.text(number)[DEVICE.len()..]),
            _ => {
                draft.push(if at == METRIC_AT { METRIC } else { TAG });
                wire::varint(draft, text.len() as u64);
                draft.extend_from_slice(text);
            }
        }
    }
}

/// Moves the last tag that tells a device to the place of the device, and takes those away that follow anyway; gives the
/// length of all but the host.
fn edit(slots: &Slots, texts: &mut Vec<u32>, more: &[String]) -> usize {
    let mut at = 0;
    texts.retain(|number| {
        at += 1;
        at <= TAGS_AT || !more.iter().any(|tag| tag.as_bytes() == slots.text_bytes(*number))
    });
    let is_device = |number: &u32| {
        slots.text_length(*number) > DEVICE.len() && slots.text_bytes(*number).starts_with(DEVICE.as_bytes())
    };
    let device = texts[TAGS_AT..].iter().rposition(is_device).map(|at| texts.remove(TAGS_AT + at));
    texts[DEVICE_AT] = device.unwrap_or(NONE);
    let own = device.map_or(0, |device| resource_length("device", slots.text_length(device) - DEVICE.len()));
    own + elements_length(slots, &texts[METRIC_AT..])
}

/// How many bytes a name and tags take.
fn elements_length(slots: &Slots, texts: &[u32]) -> usize {
    texts.iter().map(|number| 1 + framed(slots.text_length(*number))).sum()
}

/// How many bytes a resource with a name of this length takes, which is not 0.
fn resource_length(kind: &str, name: usize) -> usize {
    1 + framed(2 + framed(kind.len()) + framed(name))
}

/// With how many bytes both begin.
fn same(one: &[u8], other: &[u8]) -> usize {
    let (words, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let equal = words.iter().zip(others).take_while(|(one, other)| one == other).count() * 8;
    let rest = one[equal..].iter().zip(&other[equal..]).take_while(|(one, other)| one == other).count();
    equal + rest
}
