//! Payloads: bodies of requests, compressed, within the limits of the intake, and unchanged until they are delivered.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::packing::Packing;
use crate::submit::encode::wire;
use crate::submit::journal::PayloadHead;
use crate::time::UnixTime;

/// What a payload holds, and so where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PayloadKind {
    Series,
    Sketches,
    ServiceChecks,
    Events,
}

impl PayloadKind {
    pub(super) const ALL: [Self; 4] = [Self::Series, Self::Sketches, Self::ServiceChecks, Self::Events];

    /// The kind of this number, as the journal has it.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Never another one for the same kind: the journal has it.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Series => "/api/v2/series",
            Self::Sketches => "/api/beta/sketches",
            Self::ServiceChecks => "/api/v1/check_run",
            Self::Events => "/api/v1/events",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Series | Self::Sketches => "application/x-protobuf",
            Self::ServiceChecks | Self::Events => "application/json",
        }
    }

    /// How bodies are compressed, as its header says it. For events no compression is documented.
    pub(super) fn content_encoding(self) -> Option<&'static str> {
        (self != Self::Events).then_some("zstd")
    }

    /// How long a payload is worth sending. The intake takes metrics up to an hour old, service checks up to ten minutes
    /// and events up to 18 hours; what is older it discards, although it answers 202. The rest is room for the way
    /// there.
    pub(super) fn age_limit(self) -> Duration {
        match self {
            Self::Series | Self::Sketches => Duration::from_mins(55),
            Self::ServiceChecks => Duration::from_mins(9),
            Self::Events => Duration::from_mins(18 * 60 - 5),
        }
    }

    /// What a request may hold. For series the documented figures, for the rest those that the Agent keeps to.
    pub(super) fn limits(self) -> Limits {
        match self {
            Self::Series => Limits { compressed: 512_000, uncompressed: 5_242_880, entries: 10_000 },
            Self::Sketches | Self::ServiceChecks => {
                Limits { compressed: 2_621_440, uncompressed: 4_194_304, entries: usize::MAX }
            }
            // One for each request.
            Self::Events => Limits { compressed: 2_621_440, uncompressed: 4_194_304, entries: 1 },
        }
    }

    /// Whether the body is a JSON array of the entries; otherwise it is just the entries.
    pub(super) fn is_array(self) -> bool {
        self == Self::ServiceChecks
    }
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of the body as sent.
    pub(super) compressed: usize,
    /// Bytes of the body before compression.
    pub(super) uncompressed: usize,
    /// Series (each with one point), sketches or service checks.
    pub(super) entries: usize,
}

/// Encoded entries of one kind, one after another.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    pub(super) kind: PayloadKind,
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
}

impl Entries {
    pub(super) fn new(kind: PayloadKind) -> Self {
        Self { kind, bytes: Vec::new(), ends: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends what `encode` writes as one entry.
    pub(super) fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }

    /// Appends the entries of others of the same kind.
    pub(super) fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }

    /// Bytes of all entries.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Some of them, one after the other.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[self.start(range.start)..self.start(range.end)]
    }

    /// The length of the body of these entries before compression.
    pub(super) fn body_length(&self, range: Range<usize>) -> usize {
        // Two brackets, and commas between.
        let framing = if self.kind.is_array() { range.len() + 1 } else { 0 };
        self.bytes(range).len() + framing
    }

    /// One after the other.
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| &self.bytes[self.start(index)..self.ends[index]])
    }

    /// Forgets all entries, and keeps the room for others.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Reads the entries back from a body.
    fn read(kind: PayloadKind, body: &[u8]) -> Option<Self> {
        let mut entries = Self::new(kind);
        if kind.is_array() {
            let values: Vec<serde_json::Value> = serde_json::from_slice(body).ok()?;
            for value in values {
                let text = serde_json::to_vec(&value).ok()?;
                entries.add(|buffer| buffer.extend_from_slice(&text));
            }
            return Some(entries);
        }
        let mut rest = body;
        while !rest.is_empty() {
            let (_, after_key) = wire::read_varint(rest)?;
            let (length, content) = wire::read_varint(after_key)?;
            let head = rest.len() - content.len();
            let entry = rest.get(..head.checked_add(usize::try_from(length).ok()?)?)?;
            entries.add(|buffer| buffer.extend_from_slice(entry));
            rest = &rest[entry.len()..];
        }
        Some(entries)
    }

    /// Makes payloads of the entries that keep the limits. Gives the number of entries that are too large alone.
    pub(super) fn seal(&self, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        if self.kind.content_encoding().is_none() {
            return self.seal_plain(limits, created, out);
        }
        let mut packing = Packing::new(self.kind, limits, created);
        packing.feed(self);
        let (payloads, too_large) = packing.finish();
        out.extend(payloads);
        too_large
    }

    /// A payload of each entry, as it is.
    fn seal_plain(&self, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        let before = out.len();
        let fitting = self.iter().filter(|entry| entry.len() <= limits.uncompressed.min(limits.compressed));
        out.extend(fitting.map(|entry| {
            let body = Bytes::copy_from_slice(entry);
            Payload { kind: self.kind, body, entries: 1, created }
        }));
        (self.len() - (out.len() - before)) as u64
    }
}

/// One request's body.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub(super) kind: PayloadKind,
    /// Compressed.
    pub(super) body: Bytes,
    /// Points, sketches or service checks within.
    pub(super) entries: u64,
    /// The time of the oldest delivery within.
    pub(super) created: UnixTime,
}

impl Payload {
    /// What the journal is to know of it.
    pub(super) fn head(&self) -> PayloadHead {
        PayloadHead {
            kind: self.kind.number(),
            entries: self.entries,
            created: self.created,
            length: self.body.len(),
            checksum: crc32fast::hash(&self.body),
        }
    }
}

/// Payloads of at most half the entries each, for an intake that finds the one of this body too large. `None` when there
/// is but one entry.
pub(super) fn halve(kind: PayloadKind, body: &[u8], created: UnixTime) -> Option<Vec<Payload>> {
    kind.content_encoding()?;
    let body = zstd::bulk::decompress(body, kind.limits().uncompressed).ok()?;
    let entries = Entries::read(kind, &body)?;
    if entries.len() < 2 {
        return None;
    }
    let limits = Limits { entries: entries.len().div_ceil(2), ..kind.limits() };
    let mut halves = Vec::with_capacity(2);
    // Compressed by another coder than the whole, a half may exceed the limits, and is halved again then.
    entries.seal(limits, created, &mut halves);
    Some(halves)
}
