//! What a reader accepts, so that no exposition can cost more than the settings allow.

/// What a reader accepts of an exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Bytes of a line; a longer one is malformed.
    pub line_bytes: usize,
    /// Labels of a sample, and of an exemplar; a line with more is malformed.
    pub labels: usize,
    /// Bytes of the name of a label; a line with a longer one is malformed.
    pub label_name_bytes: usize,
    /// Bytes of the value of a label as exposed; a line with a longer one is malformed.
    pub label_value_bytes: usize,
    /// Samples of an exposition; one more fails it.
    pub samples: u64,
    /// Bytes of a metric family in protobuf, which is held in memory as a whole; a larger one fails the exposition.
    pub message_bytes: usize,
    /// Bytes of the names and labels of all samples of an exposition in protobuf, which says them once for many samples;
    /// more of them fail it.
    pub series_bytes: u64,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            line_bytes: 16 << 20,
            labels: 512,
            label_name_bytes: 4 << 10,
            label_value_bytes: 64 << 10,
            samples: 5_000_000,
            message_bytes: 64 << 20,
            series_bytes: 2 << 30,
        }
    }
}

impl ReaderLimits {
    /// Without those that make a line malformed.
    pub(super) fn lifted(self) -> Self {
        let most = usize::MAX;
        Self { line_bytes: most, labels: most, label_name_bytes: most, label_value_bytes: most, ..self }
    }

    /// A line of no more bytes breaks none of the limits of its parts.
    pub(super) fn shortest(&self) -> usize {
        self.line_bytes.min(self.label_name_bytes).min(self.label_value_bytes)
    }

    /// Those of one label set.
    pub(super) fn of_labels(&self) -> LabelLimits {
        LabelLimits { number: self.labels, name_bytes: self.label_name_bytes, value_bytes: self.label_value_bytes }
    }
}

/// What the labels of a sample, or of an exemplar, may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelLimits {
    pub(super) number: usize,
    pub(super) name_bytes: usize,
    pub(super) value_bytes: usize,
}
