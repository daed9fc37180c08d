//! Payloads of series that are compressed block by block, for deliveries that have enough points to fill some.

use super::payload::{Limits, Payload, PayloadKind};
use crate::submit::frame::{Block, Frame};
use crate::time::UnixTime;

/// Makes payloads of blocks, in their order.
pub(super) struct Framing {
    limits: Limits,
    created: UnixTime,
    frame: Frame,
    /// How many the frame has.
    entries: u64,
    done: Vec<Payload>,
}

impl Framing {
    /// Payloads of a delivery of this time.
    pub(super) fn new(created: UnixTime, limits: Limits) -> Self {
        Self { limits, created, frame: Frame::default(), entries: 0, done: Vec::new() }
    }

    /// Adds a block of so many entries, which is far smaller than a payload may be.
    pub(super) fn add(&mut self, entries: usize, block: &mut Block) {
        let entries = entries as u64;
        let is_full = self.entries + entries > self.limits.entries as u64
            || self.frame.size() + block.size() > self.limits.uncompressed
            || self.frame.bound(block) > self.limits.compressed;
        if is_full && self.entries > 0 {
            self.seal();
        }
        self.frame.add(block);
        self.entries += entries;
    }

    fn seal(&mut self) {
        let body = self.frame.finish().into_boxed_slice().into();
        let entries = std::mem::take(&mut self.entries);
        self.done.push(Payload { kind: PayloadKind::Series, body, entries, created: self.created });
    }

    /// The payloads of all blocks.
    pub(super) fn finish(mut self) -> Vec<Payload> {
        if self.entries > 0 {
            self.seal();
        }
        self.done
    }
}
