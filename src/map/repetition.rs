//! Samples that OpenMetrics repeats: the first of them stays.

use crate::parse::{Format, Sample};

use super::origin::SeriesId;

/// The series and the timestamp of the sample before.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    series: String,
    timestamp_ms: Option<i64>,
    /// The series, if that sample was one of a series that needed no reading.
    passed: Option<SeriesId>,
}

impl Repetition {
    /// Whether a sample repeats the one before; `is_of` says whether it is one of a series. In other formats two
    /// equal samples both count.
    pub(super) fn repeats(
        &mut self,
        sample: &Sample<'_>,
        format: Format,
        is_of: impl FnOnce(SeriesId) -> bool,
    ) -> bool {
        if format != Format::OpenMetrics {
            return false;
        }
        let same = match self.passed {
            Some(series) => is_of(series),
            None => self.series == sample.series,
        };
        if same && self.timestamp_ms == sample.timestamp_ms {
            return true;
        }
        self.passed = None;
        self.series.clear();
        self.series.push_str(sample.series);
        self.timestamp_ms = sample.timestamp_ms;
        false
    }

    /// The series of the sample before, if that was read.
    pub(super) fn read(&self) -> Option<&str> {
        self.passed.is_none().then_some(self.series.as_str())
    }

    /// A sample passed that repeats nothing.
    pub(super) fn passed(&mut self, series: Option<SeriesId>, timestamp_ms: Option<i64>) {
        (self.passed, self.timestamp_ms) = (series, timestamp_ms);
    }
}
