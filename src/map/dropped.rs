//! Why samples do not become submissions, counted by reason.

/// Why a sample was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// No entry of `metrics` means its family.
    NotSelected,
    /// `exclude_metrics` means its family.
    Excluded,
    /// Its family has no type, and the settings give none.
    Untyped,
    /// Its family has the type `info`, which is only submitted when the settings say as what.
    Info,
    /// Its family has the type `stateset`, which is only submitted when the settings say as what.
    StateSet,
    /// Its family has the type `gaugehistogram`, which is only submitted when the settings say as what.
    GaugeHistogram,
    /// A rule of `metric_relabel_configs` drops it.
    Relabeled,
    /// The rules of `metric_relabel_configs` left it no name.
    RelabeledNameless,
    /// `exclude_metrics_by_labels` means one of its labels.
    ExcludedByLabel,
    /// Its full name is left out by `metric_patterns`.
    LeftOutByPattern,
    /// Its value is NaN or infinite.
    NotFinite,
    /// It says when its series began.
    Created,
    /// Its name is none that its type has.
    NotOfItsType,
    /// It is the bucket of all observations, which the count says already.
    InfiniteBucket,
    /// Buckets, sums or counts that the histogram options leave out.
    HistogramOption,
    /// It has a bound or quantile that is not a number.
    BadBound,
    /// It is treated as a bucket, and has no bound.
    MissingBound,
    /// The label whose value is wanted as metadata is missing.
    MissingLabel,
    /// It is a native histogram of a family that is treated as something else.
    NativeHistogram,
    /// It is a native histogram that does not count over time.
    NativeGauge,
    /// It is a bucket of a histogram of which the same sketch is made from a native histogram.
    ReplacedByNative,
    /// `max_returned_metrics` was reached.
    Limited,
    /// It repeats the sample before it: same series, same timestamp or none, in OpenMetrics.
    Repeated,
    /// Its line is left out by `raw_line_filters`.
    FilteredLine,
    /// Its line could not be read.
    Malformed,
}

impl DropReason {
    /// All reasons, in the order in which they are reported.
    pub const ALL: [Self; 25] = [
        Self::NotSelected,
        Self::Excluded,
        Self::Untyped,
        Self::Info,
        Self::StateSet,
        Self::GaugeHistogram,
        Self::Relabeled,
        Self::RelabeledNameless,
        Self::ExcludedByLabel,
        Self::LeftOutByPattern,
        Self::NotFinite,
        Self::Created,
        Self::NotOfItsType,
        Self::InfiniteBucket,
        Self::HistogramOption,
        Self::BadBound,
        Self::MissingBound,
        Self::MissingLabel,
        Self::NativeHistogram,
        Self::NativeGauge,
        Self::ReplacedByNative,
        Self::Limited,
        Self::Repeated,
        Self::FilteredLine,
        Self::Malformed,
    ];

    /// The reason in a few words, as `check` and `/metrics` show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSelected => "not selected",
            Self::Excluded => "excluded by exclude_metrics",
            Self::Untyped => "no type exposed and none configured",
            Self::Info => "type `info` is only submitted when configured",
            Self::StateSet => "type `stateset` is only submitted when configured",
            Self::GaugeHistogram => "type `gaugehistogram` is only submitted when configured",
            Self::Relabeled => "dropped by metric_relabel_configs",
            Self::RelabeledNameless => "left without a name by metric_relabel_configs",
            Self::ExcludedByLabel => "excluded by exclude_metrics_by_labels",
            Self::LeftOutByPattern => "left out by metric_patterns",
            Self::NotFinite => "not a finite number",
            Self::Created => "start time of a series",
            Self::NotOfItsType => "name does not belong to the type",
            Self::InfiniteBucket => "infinite bucket, same as the count",
            Self::HistogramOption => "left out by the histogram options",
            Self::BadBound => "bound or quantile that is not a number",
            Self::MissingBound => "bucket without a bound",
            Self::MissingLabel => "label for metadata missing",
            Self::NativeHistogram => "native histogram, configured as another type",
            Self::NativeGauge => "native histogram of a gauge",
            Self::ReplacedByNative => "bucket, in the native histogram already",
            Self::Limited => "beyond max_returned_metrics",
            Self::Repeated => "repeats the sample before it",
            Self::FilteredLine => "line left out by raw_line_filters",
            Self::Malformed => "malformed line",
        }
    }
}

/// How many samples were dropped for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl DropCounts {
    pub(crate) fn add(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// How many samples were dropped for this reason.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self.0[reason as usize])).filter(|&(_, count)| count > 0)
    }
}
