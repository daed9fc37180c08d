//! What a reader counts.

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes pushed.
    pub bytes: u64,
    /// Lines, blank ones and comments included; protobuf has none.
    pub lines: u64,
    /// Families announced.
    pub families: u64,
    /// Samples handed out.
    pub samples: u64,
    /// Lines skipped with a diagnostic.
    pub malformed: u64,
    /// Lines read although Prometheus refuses an exposition for them.
    pub departing: u64,
}
