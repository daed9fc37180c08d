//! Payloads: bodies of requests, compressed, within the limits of the intake, and unchanged until they are delivered.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use crate::submit::encode::wire;
use crate::time::UnixTime;

/// The level of the Agent: its gain over higher ones is time, and tags repeat enough for any level.
const ZSTD_LEVEL: i32 = 1;

/// What a payload holds, and so where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PayloadKind {
    Series,
    Sketches,
    ServiceChecks,
}

impl PayloadKind {
    pub(super) const ALL: [Self; 3] = [Self::Series, Self::Sketches, Self::ServiceChecks];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Series => "/api/v2/series",
            Self::Sketches => "/api/beta/sketches",
            Self::ServiceChecks => "/api/v1/check_run",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Series | Self::Sketches => "application/x-protobuf",
            Self::ServiceChecks => "application/json",
        }
    }

    /// What a request may hold. For series the documented figures, for the rest those that the Agent keeps to.
    pub(super) fn limits(self) -> Limits {
        match self {
            Self::Series => Limits { compressed: 512_000, uncompressed: 5_242_880, entries: 10_000 },
            Self::Sketches | Self::ServiceChecks => {
                Limits { compressed: 2_621_440, uncompressed: 4_194_304, entries: usize::MAX }
            }
        }
    }

    /// Whether the body is a JSON array of the entries; otherwise it is just the entries.
    fn is_json(self) -> bool {
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

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.bytes(index..index + 1))
    }

    /// The length of a body that holds all entries and one more of `next` bytes.
    pub(super) fn body_length_with(&self, next: usize) -> usize {
        let framing = if self.kind.is_json() { self.len() + 2 } else { 0 };
        self.bytes.len() + next + framing
    }

    fn compressed(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        if !self.kind.is_json() {
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
        if kind.is_json() {
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

    /// Compresses the entries into payloads that keep `limits.compressed`, halving where one would not. Gives the
    /// number of entries that are too large alone.
    pub(super) fn seal(&self, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        self.seal_range(0..self.len(), limits, created, out)
    }

    fn seal_range(&self, range: Range<usize>, limits: Limits, created: UnixTime, out: &mut Vec<Payload>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        if let Ok(body) = self.compressed(range.clone())
            && body.len() <= limits.compressed
        {
            let entries = range.len() as u64;
            out.push(Payload { kind: self.kind, body: body.into(), entries, created, sequence: 0 });
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
    /// The place among all payloads; given by the queue.
    pub(super) sequence: u64,
}

impl Payload {
    /// Two payloads of half the entries each, for an intake that finds this one too large. `None` when there is but
    /// one entry.
    pub(super) fn halve(&self) -> Option<Vec<Self>> {
        if self.entries < 2 {
            return None;
        }
        let body = zstd::bulk::decompress(&self.body, self.kind.limits().uncompressed).ok()?;
        let entries = Entries::read(self.kind, &body)?;
        let middle = entries.len() / 2;
        let mut halves = Vec::with_capacity(2);
        for range in [0..middle, middle..entries.len()] {
            // A half is smaller than a whole that kept the limits.
            entries.seal_range(range, self.kind.limits(), self.created, &mut halves);
        }
        Some(halves)
    }
}
