//! What targets count, and how it moves from one exposition to the next.
//!
//! All values are whole, or whole multiples of a 64th, so that sums of them are exact.

use super::random::Random;

/// Upper bounds of buckets, in 64ths; above them is one without a bound.
pub(super) const BOUNDS: [u64; 5] = [4, 32, 64, 160, 640];
/// How far a counter has to come before it may begin anew. It grows far less between two scrapes of which Retriever
/// keeps the readings, so that a new beginning always shows as a fall.
const LEAST_BEFORE_RESET: u64 = 1000;

/// A counter within one life: it begins at zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) value: u64,
    /// Tells lives apart.
    pub(super) number: u32,
    /// When it began, in seconds since the epoch.
    pub(super) began: f64,
}

impl Life {
    pub(super) fn begun(number: u32, began: f64, value: u64) -> Self {
        Self { value, number, began }
    }

    /// Counts on, and now and then begins anew if it may; `at`: when that would have been.
    pub(super) fn count(&mut self, random: &mut Random, most: u64, resets: bool, at: f64) {
        if resets && self.value >= LEAST_BEFORE_RESET && random.percent(10) {
            *self = Self::begun(self.number + 1, at, 0);
        }
        // Nothing happens in a third of the time.
        if !random.percent(33) {
            self.value += random.within(0..=most);
        }
    }
}

/// A counter that is not always there. Coming back it may be another one, with a label of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flickering {
    pub(super) life: Life,
    pub(super) visible: bool,
}

impl Flickering {
    pub(super) fn step(&mut self, random: &mut Random, at: f64) {
        if self.visible {
            self.visible = !random.percent(8);
        } else if random.percent(30) {
            self.visible = true;
            if random.percent(50) {
                self.life = Life::begun(self.life.number + 1, at, 0);
            }
        }
        // It counts on where nobody sees it.
        self.life.count(random, 40, false, at);
    }
}

/// A histogram within one life.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    /// Of each bucket alone.
    pub(super) counts: [u64; BOUNDS.len() + 1],
    /// In 64ths.
    pub(super) sum: u64,
    pub(super) number: u32,
    pub(super) began: f64,
}

impl Histogram {
    pub(super) fn begun(number: u32, began: f64) -> Self {
        Self { counts: [0; BOUNDS.len() + 1], sum: 0, number, began }
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Observes some values, and now and then begins anew if it may.
    pub(super) fn step(&mut self, random: &mut Random, resets: bool, at: f64) {
        if resets && self.count() >= LEAST_BEFORE_RESET && random.percent(10) {
            *self = Self::begun(self.number + 1, at);
        }
        if random.percent(25) {
            return;
        }
        for _ in 0..random.within(0..=60) {
            // Small ones are more frequent.
            let most = random.pick(&[8, 40, 200, 1000]);
            let value = random.within(0..=most);
            let bucket = BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len());
            self.counts[bucket] += 1;
            self.sum += value;
        }
    }
}
