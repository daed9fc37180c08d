//! What a sketch knows of its values beside the bins: how many, their sum, mean and extremes.

/// Count, sum, mean and extremes. All zero while the count is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Summary {
    pub(super) count: i64,
    pub(super) sum: f64,
    pub(super) avg: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Summary {
    /// Of one value.
    pub(super) fn of(value: f64) -> Self {
        Self { count: 1, sum: value, avg: value, min: value, max: value }
    }

    /// Of a value that stands for `weight` values. The count has no fraction but the sum does: at a sample rate of 0.3
    /// the value 7 counts 3 and adds 23.33, as in the Agent.
    pub(super) fn weighted(value: f64, weight: f64) -> Self {
        Self { count: weight as i64, sum: value * weight, avg: value, min: value, max: value }
    }

    /// Adds another summary. The order of operations is the Agent's, so that the last bits agree.
    pub(super) fn add(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.avg += (other.avg - self.avg) * other.count as f64 / self.count as f64;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}
