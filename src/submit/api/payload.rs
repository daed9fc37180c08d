//! Payloads: bodies of requests, compressed, within the limits of the intake, and unchanged until they are delivered.

use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::submit::encode::wire;
use crate::submit::journal::PayloadHead;
use crate::time::UnixTime;

/// The level of the Agent: its gain over higher ones is time, and tags repeat enough for any level.
const ZSTD_LEVEL: i32 = 1;

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
    fn is_array(self) -> bool {
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

    fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[self.start(range.start)..self.start(range.end)]
    }

    /// The length of the body of these entries before compression.
    fn body_length(&self, range: Range<usize>) -> usize {
        // Two brackets, and commas between.
        let framing = if self.kind.is_array() { range.len() + 1 } else { 0 };
        self.bytes(range).len() + framing
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

    fn compressed(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        if self.kind.content_encoding().is_none() {
            return Ok(self.bytes(range).to_vec());
        }
        if !self.kind.is_array() {
            return zstd::bulk::compress(self.bytes(range), ZSTD_LEVEL);
        }
        let mut body = vec![b'['];
        for index in range.clone() {
            if index > range.start {
                body.push(b',');
            }
            body.extend_from_slice(self.bytes(index..index + 1));
        }
        body.push(b']');
        zstd::bulk::compress(&body, ZSTD_LEVEL)
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

    /// Makes payloads of the entries that keep the limits: as few as their size before compression allows, halved where
    /// compression makes too little of it. Gives the number of entries that are too large alone.
    pub(super) fn seal(&self, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        let mut too_large = 0;
        let mut start = 0;
        for index in 0..self.len() {
            if self.body_length(index..index + 1) > limits.uncompressed {
                too_large += 1 + self.seal_range(start..index, limits, created, out);
                start = index + 1;
            } else if index - start >= limits.entries || self.body_length(start..index + 1) > limits.uncompressed {
                too_large += self.seal_range(start..index, limits, created, out);
                start = index;
            }
        }
        too_large + self.seal_range(start..self.len(), limits, created, out)
    }

    fn seal_range(&self, range: Range<usize>, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        if let Ok(body) = self.compressed(range.clone())
            && body.len() <= limits.compressed
        {
            let entries = range.len() as u64;
            out.push(Payload { kind: self.kind, body: body.into(), entries, created });
            return 0;
        }
        if range.len() == 1 {
            return 1;
        }
        let middle = range.start + range.len() / 2;
        self.seal_range(range.start..middle, limits, created, out)
            + self.seal_range(middle..range.end, limits, created, out)
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

/// Two payloads of half the entries each, for an intake that finds the one of this body too large. `None` when there is
/// but one entry.
pub(super) fn halve(kind: PayloadKind, body: &[u8], created: UnixTime) -> Option<Vec<Payload>> {
    kind.content_encoding()?;
    let body = zstd::bulk::decompress(body, kind.limits().uncompressed).ok()?;
    let entries = Entries::read(kind, &body)?;
    if entries.len() < 2 {
        return None;
    }
    let middle = entries.len() / 2;
    let mut halves = Vec::with_capacity(2);
    for range in [0..middle, middle..entries.len()] {
        // A half is smaller than a whole that kept the limits.
        entries.seal_range(range, kind.limits(), created, &mut halves);
    }
    Some(halves)
}
