//! The payload that is being filled: entries are compressed as they come, so that it ends where the next one might not
//! fit, and nothing is compressed twice.

use std::io::Write as _;

use zstd::stream::write::Encoder;

use super::payload::{Entries, Limits, Payload, PayloadKind};
use crate::time::UnixTime;

/// The level of the Agent: its gain over higher ones is time, and tags repeat enough for any level.
const ZSTD_LEVEL: i32 = 1;

/// Makes payloads of entries of one kind, in their order.
pub(super) struct Packing {
    kind: PayloadKind,
    limits: Limits,
    created: UnixTime,
    open: Option<Open>,
    done: Vec<Payload>,
    /// Entries that no payload can hold.
    too_large: u64,
}

/// A payload that is not full yet.
struct Open {
    encoder: Encoder<'static, Vec<u8>>,
    entries: usize,
    /// Bytes before compression.
    uncompressed: usize,
    /// Of these, at most so many have not come out compressed.
    pending: usize,
}

/// The most bytes that compression makes of so many.
fn bound(uncompressed: usize) -> usize {
    uncompressed + uncompressed / 256 + 64
}

impl Packing {
    pub(super) fn new(kind: PayloadKind, limits: Limits, created: UnixTime) -> Self {
        Self { kind, limits, created, open: None, done: Vec::new(), too_large: 0 }
    }

    /// Takes all entries of a list.
    pub(super) fn feed(&mut self, entries: &Entries) {
        for entry in entries.iter() {
            self.add(entry);
        }
    }

    fn add(&mut self, entry: &[u8]) {
        // With what frames it.
        let length = entry.len() + 2;
        if let Some(open) = &self.open {
            let Limits { compressed, uncompressed, entries } = self.limits;
            let fits = open.entries < entries
                && open.uncompressed + length <= uncompressed
                && open.encoder.get_ref().len() + bound(open.pending + length) <= compressed;
            if !fits {
                self.close();
            }
        }
        let is_larger = length > self.limits.uncompressed || bound(length) > self.limits.compressed;
        if self.open.is_none() && is_larger {
            return self.alone(entry);
        }
        if self.write(entry).is_none() {
            self.too_large += 1;
        }
    }

    /// Appends an entry to the open payload. `None`: it could not be compressed, for which there must be no memory.
    fn write(&mut self, entry: &[u8]) -> Option<()> {
        let is_array = self.kind.is_array();
        let open = match &mut self.open {
            Some(open) => open,
            open => open.insert(Open {
                encoder: Encoder::new(Vec::new(), ZSTD_LEVEL).ok()?,
                entries: 0,
                uncompressed: usize::from(is_array),
                pending: 0,
            }),
        };
        let before = open.encoder.get_ref().len();
        let frame: &[u8] = if !is_array {
            b""
        } else if open.entries == 0 {
            b"["
        } else {
            b","
        };
        open.encoder.write_all(frame).and_then(|()| open.encoder.write_all(entry)).ok()?;
        let length = frame.len() + entry.len();
        open.entries += 1;
        open.uncompressed += length;
        // What came out had come in before, but for the end of what was written last.
        open.pending = if open.encoder.get_ref().len() > before { length } else { open.pending + length };
        Some(())
    }

    /// Makes a payload of an entry that may fit nowhere.
    fn alone(&mut self, entry: &[u8]) {
        let (limits, is_array) = (self.limits, self.kind.is_array());
        let fits = entry.len() + 2 * usize::from(is_array) <= limits.uncompressed;
        if !fits || self.write(entry).is_none() {
            self.too_large += 1;
            return;
        }
        self.close();
    }

    /// Ends the open payload.
    fn close(&mut self) {
        let Some(Open { mut encoder, entries, .. }) = self.open.take() else { return };
        let framed = if self.kind.is_array() { encoder.write_all(b"]") } else { Ok(()) };
        match framed.and_then(|()| encoder.finish()) {
            Ok(body) if body.len() <= self.limits.compressed => self.done.push(Payload {
                kind: self.kind,
                body: body.into(),
                entries: entries as u64,
                created: self.created,
            }),
            Ok(body) if entries > 1 => self.split(&body, entries),
            Ok(_) | Err(_) => self.too_large += entries as u64,
        }
    }

    /// Makes several payloads of one that came out larger than it may be.
    fn split(&mut self, body: &[u8], entries: usize) {
        let read = zstd::bulk::decompress(body, self.limits.uncompressed).ok();
        let Some(read) = read.and_then(|body| Entries::read(self.kind, &body)) else {
            self.too_large += entries as u64;
            return;
        };
        let limits = Limits { entries: entries.div_ceil(2), ..self.limits };
        let mut parts = Self::new(self.kind, limits, self.created);
        parts.feed(&read);
        let (done, too_large) = parts.finish();
        self.done.extend(done);
        self.too_large += too_large;
    }

    /// The payloads, and the number of entries that no payload can hold.
    pub(super) fn finish(mut self) -> (Vec<Payload>, u64) {
        self.close();
        (self.done, self.too_large)
    }
}
