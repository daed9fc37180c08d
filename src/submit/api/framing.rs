//! Payloads of series that are compressed while they are encoded, for deliveries that have enough points to fill some.

use super::payload::{Limits, Payload, PayloadKind};
use crate::submit::encode::{Layout, PointEncoder};
use crate::submit::frame::Frame;
use crate::time::UnixTime;

/// Makes payloads of points, in their order.
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

    /// Adds the point that was laid out last, which is far smaller than a payload may be.
    pub(super) fn add(&mut self, encoder: &mut PointEncoder<'_>, layout: &Layout) {
        let (length, Limits { compressed, uncompressed, entries }) = (layout.length(), self.limits);
        let is_full = self.entries >= entries as u64
            || self.frame.size() + length > uncompressed
            || self.frame.bound(length) > compressed;
        if is_full && self.entries > 0 {
            let size = self.frame.size();
            self.seal();
            encoder.restart(size);
        }
        encoder.tell(&mut self.frame, layout);
        self.entries += 1;
    }

    fn seal(&mut self) {
        let body = self.frame.finish().into_boxed_slice().into();
        let entries = std::mem::take(&mut self.entries);
        self.done.push(Payload { kind: PayloadKind::Series, body, entries, created: self.created });
    }

    /// The payloads of all points.
    pub(super) fn finish(mut self) -> Vec<Payload> {
        if self.entries > 0 {
            self.seal();
        }
        self.done
    }
}
