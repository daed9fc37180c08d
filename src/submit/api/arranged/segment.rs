//! Entries that were encoded and compressed once, and serve again: with other values, and at another time.

use crate::aggregate::{PointKind, SlotId};
use crate::submit::encode::{PointEncoder, Reading, Sink};
use crate::submit::frame::{BLOCK, Block, BlockBuilder, WORD};

/// Entries that share a block with nothing else.
#[derive(Debug)]
pub(super) struct Segment {
    entries: Box<[Entry]>,
    /// Where the time stands among the literals of the block.
    times: Box<[u32]>,
    block: Block,
}

/// What of an entry stays.
#[derive(Clone, Copy, Debug)]
struct Entry {
    series: SlotId,
    kind: PointKind,
    /// How far the value stands behind the one before among the literals of the block.
    gap: u16,
}

/// An entry this large goes into no segment: so values are nearer to each other than 2^16 bytes.
const LARGE: usize = 1 << 15;

impl Segment {
    pub(super) fn block(&mut self) -> &mut Block {
        &mut self.block
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it would be so small with this many entries that these are better off elsewhere.
    pub(super) fn is_small_with(&self, entries: usize) -> bool {
        self.block.size() / self.len() * entries < BLOCK / 4
    }

    /// Whether there is room for more than a few entries.
    pub(super) fn has_room(&self) -> bool {
        self.block.size() < BLOCK / 4 * 3
    }

    /// The series of its entries and their kinds, in order.
    pub(super) fn series(&self) -> impl Iterator<Item = (SlotId, PointKind)> {
        self.entries.iter().map(|entry| (entry.series, entry.kind))
    }

    /// Gives each entry the time and its value, up to one for which there is none; the error is how many are before that.
    pub(super) fn fill(
        &mut self,
        time: &[u8],
        mut value: impl FnMut(SlotId, PointKind) -> Option<f64>,
    ) -> Result<(), usize> {
        let literals = self.block.literals();
        for &place in &self.times {
            literals[place as usize..][..time.len()].copy_from_slice(time);
        }
        let mut place = 0;
        for (filled, entry) in self.entries.iter().enumerate() {
            let value = value(entry.series, entry.kind).ok_or(filled)?;
            place += usize::from(entry.gap);
            literals[place..place + WORD].copy_from_slice(&value.to_le_bytes());
        }
        Ok(())
    }
}

/// Makes segments of points.
#[derive(Debug)]
pub(super) struct SegmentBuilder<'s> {
    encoder: PointEncoder<'s>,
    sink: Recorder,
    done: Vec<Segment>,
}

impl<'s> SegmentBuilder<'s> {
    pub(super) fn new(encoder: PointEncoder<'s>) -> Self {
        Self { encoder, sink: Recorder::default(), done: Vec::new() }
    }

    /// Adds a point, unless it is too large.
    pub(super) fn add(&mut self, reading: Reading) -> bool {
        let layout = self.encoder.lay_out(reading);
        if layout.length() >= LARGE {
            return false;
        }
        if self.sink.block.size() + layout.length() > BLOCK {
            self.close();
        }
        self.sink.entry = Some((reading.series, reading.kind));
        self.encoder.tell(&mut self.sink, &layout);
        true
    }

    /// The segments of what was added since this was called last.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Segment> {
        self.close();
        self.done.drain(..)
    }

    fn close(&mut self) {
        let size = self.sink.block.size();
        if size > 0 {
            self.encoder.restart(size);
            self.done.push(self.sink.finish());
        }
    }
}

/// A block that is being made, and where what changes is in it.
#[derive(Debug, Default)]
struct Recorder {
    block: BlockBuilder,
    /// Whose value comes next.
    entry: Option<(SlotId, PointKind)>,
    entries: Vec<Entry>,
    /// Where the last value stands.
    last: usize,
    times: Vec<u32>,
}

impl Recorder {
    fn finish(&mut self) -> Segment {
        self.last = 0;
        let (entries, times) = (self.entries.as_slice().into(), self.times.as_slice().into());
        self.entries.clear();
        self.times.clear();
        Segment { entries, times, block: self.block.finish() }
    }
}

impl Sink for Recorder {
    #[inline]
    fn size(&self) -> usize {
        self.block.size()
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.block.put(bytes);
    }

    #[inline]
    fn copy(&mut self, distance: usize, length: usize) {
        self.block.copy(distance, length);
    }

    #[inline]
    fn put_word(&mut self, word: u64, count: usize) {
        self.block.put_word(word, count);
    }

    #[inline]
    fn copy_word(&mut self, distance: usize, word: u64, count: usize) {
        self.block.copy_word(distance, word, count);
    }

    #[inline]
    fn put_value(&mut self, value: f64) {
        let place = self.block.place();
        if let Some((series, kind)) = self.entry.take() {
            self.entries.push(Entry { series, kind, gap: (place - self.last) as u16 });
        }
        self.last = place;
        self.block.put_word(value.to_bits(), WORD);
    }

    #[inline]
    fn put_time(&mut self, bytes: &[u8]) {
        self.times.push(self.block.place() as u32);
        self.block.put(bytes);
    }
}
