//! Why a scrape fails while it is mapped.

use crate::parse::MetricType;

/// A setting cannot do to a family what it says; the scrape ends there, and what came before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MapError(Kind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error(
        "the metric `{family}` has the type `{exposed}`, for which `native_dynamic` has nothing to submit; give it a `type`, \
         `gauge` for instance, or leave it out with `exclude_metrics`"
    )]
    NoNativeTransformer { family: String, exposed: MetricType },
    #[error("the metric `{family}` is selected by an entry that cannot be used: {message}")]
    FaultyRule { family: String, message: String },
    #[error(
        "the metric `{family}` has the type `temporal_percent` with the `scale` 0, by which nothing can be divided"
    )]
    ZeroScale { family: String },
    #[error(
        "the target has more than {limit} series, those of the last scrapes included; all of them are forgotten. Select \
         fewer, leave out labels whose values change all the time, or raise `series_limit`"
    )]
    TooManySeries { limit: u64 },
    #[error(
        "the names and labels of the target, those of the last scrapes included, have more than {limit} bytes; all of them \
         are forgotten. Leave out labels whose values are long and change all the time, or raise `series_limit`"
    )]
    TooManyBytes { limit: u64 },
    #[error(
        "the sources of `share_labels` and `target_info` lend more than {limit} labels, the most that one sample may have. \
         Name those that are wanted in `labels`, or raise `label_limit`"
    )]
    TooManySharedLabels { limit: usize },
}

impl MapError {
    /// One stable word for the reason, for counters.
    pub fn reason(&self) -> &'static str {
        match self.0 {
            Kind::NoNativeTransformer { .. } => "no_native_transformer",
            Kind::FaultyRule { .. } => "faulty_rule",
            Kind::ZeroScale { .. } => "zero_scale",
            Kind::TooManySeries { .. } | Kind::TooManyBytes { .. } => "series_limit",
            Kind::TooManySharedLabels { .. } => "shared_label_limit",
        }
    }

    pub(crate) fn no_native_transformer(family: &str, exposed: MetricType) -> Self {
        Self(Kind::NoNativeTransformer { family: family.to_owned(), exposed })
    }

    pub(crate) fn faulty_rule(family: &str, message: &str) -> Self {
        Self(Kind::FaultyRule { family: family.to_owned(), message: message.to_owned() })
    }

    /// Whether the target has more series than may be remembered.
    pub(crate) fn is_too_many_series(&self) -> bool {
        matches!(self.0, Kind::TooManySeries { .. } | Kind::TooManyBytes { .. })
    }

    /// Whether the target exposes more than it may.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.is_too_many_series() || matches!(self.0, Kind::TooManySharedLabels { .. })
    }

    pub(crate) fn too_many_shared_labels(limit: usize) -> Self {
        Self(Kind::TooManySharedLabels { limit })
    }

    pub(crate) fn too_many_series(limit: u64) -> Self {
        Self(Kind::TooManySeries { limit })
    }

    pub(crate) fn too_many_bytes(limit: u64) -> Self {
        Self(Kind::TooManyBytes { limit })
    }

    pub(crate) fn zero_scale(family: &str) -> Self {
        Self(Kind::ZeroScale { family: family.to_owned() })
    }
}
