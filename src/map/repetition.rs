//! Samples that OpenMetrics repeats: the first of them stays.

use crate::parse::{Format, Sample};

/// The series and the timestamp of the sample before.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    series: String,
    timestamp_ms: Option<i64>,
}

impl Repetition {
    /// Whether a sample repeats the one before. In other formats two equal samples both count.
    pub(super) fn repeats(&mut self, sample: &Sample<'_>, format: Format) -> bool {
        if format != Format::OpenMetrics {
            return false;
        }
        if self.series == sample.series && self.timestamp_ms == sample.timestamp_ms {
            return true;
        }
        self.series.clear();
        self.series.push_str(sample.series);
        self.timestamp_ms = sample.timestamp_ms;
        false
    }
}
