//! Makes payloads of entries: as large as the limits allow, by what compression made of the entries before, so that hardly
//! anything is compressed twice.

use std::ops::Range;

use zstd::bulk::Compressor;

use super::payload::{Entries, Limits, Payload, PayloadKind};
use crate::time::UnixTime;

/// The level of the Agent: its gain over higher ones is time, and tags repeat enough for any level.
const ZSTD_LEVEL: i32 = 1;
/// To what part of its size entries are compressed, as long as nothing is known.
const USUAL_RATIO: f64 = 0.2;
/// How much of the room of a payload is filled, so that it still fits when the next entries compress somewhat worse.
const FILLED: f64 = 0.85;

/// Makes payloads of entries of one kind, in their order.
pub(super) struct Packing {
    kind: PayloadKind,
    limits: Limits,
    created: UnixTime,
    /// What part of its size the last payload was compressed to.
    ratio: f64,
    compressor: Option<Compressor<'static>>,
    done: Vec<Payload>,
    /// Entries that no payload can hold.
    too_large: u64,
}

impl Packing {
    pub(super) fn new(kind: PayloadKind, limits: Limits, created: UnixTime) -> Self {
        let compressor = Compressor::new(ZSTD_LEVEL).ok();
        Self { kind, limits, created, ratio: USUAL_RATIO, compressor, done: Vec::new(), too_large: 0 }
    }

    /// Whether entries fill a payload.
    pub(super) fn is_filled_by(&self, entries: &Entries) -> bool {
        entries.len() >= self.limits.entries || entries.size() >= self.room()
    }

    /// Bytes before compression that likely fit.
    fn room(&self) -> usize {
        let expected = self.limits.compressed as f64 * FILLED / self.ratio.max(1e-3);
        self.limits.uncompressed.min(expected as usize)
    }

    /// Makes payloads of all entries of a list.
    pub(super) fn feed(&mut self, entries: &Entries) {
        let mut start = 0;
        for index in 0..entries.len() {
            if entries.body_length(index..index + 1) > self.limits.uncompressed {
                self.pack(entries, start..index);
                self.too_large += 1;
                start = index + 1;
            } else if index - start >= self.limits.entries || entries.body_length(start..index + 1) > self.room() {
                self.pack(entries, start..index);
                start = index;
            }
        }
        self.pack(entries, start..entries.len());
    }

    /// Makes a payload of some entries; several if they are too large for one.
    fn pack(&mut self, entries: &Entries, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        if let Some(body) = self.compressed(entries, range.clone()) {
            self.ratio = body.len() as f64 / entries.body_length(range.clone()).max(1) as f64;
            if body.len() <= self.limits.compressed {
                let entries = range.len() as u64;
                self.done.push(Payload { kind: self.kind, body: body.into(), entries, created: self.created });
                return;
            }
        }
        if range.len() == 1 {
            self.too_large += 1;
            return;
        }
        let middle = range.start + range.len() / 2;
        self.pack(entries, range.start..middle);
        self.pack(entries, middle..range.end);
    }

    /// The body of some entries; none if there is no memory for it.
    fn compressed(&mut self, entries: &Entries, range: Range<usize>) -> Option<Vec<u8>> {
        let compressor = self.compressor.as_mut()?;
        if !self.kind.is_array() {
            return compressor.compress(entries.bytes(range)).ok();
        }
        let mut body = vec![b'['];
        for index in range.clone() {
            if index > range.start {
                body.push(b',');
            }
            body.extend_from_slice(entries.bytes(index..index + 1));
        }
        body.push(b']');
        compressor.compress(&body).ok()
    }

    /// The payloads, and the number of entries that no payload can hold.
    pub(super) fn finish(self) -> (Vec<Payload>, u64) {
        (self.done, self.too_large)
    }
}
