//! Which options of histograms leave a part out.

use super::model::Hint;
use super::stage::Teller;
use crate::config::HistogramMode;
use crate::parse::Role;

/// Why a part of a histogram is left out, and how to get it.
pub(super) fn left_out(teller: &Teller, role: Role) -> Hint {
    let hint = |text: &str, option: &str, write: &str| Hint::new(text).at(teller.option(option)).write(write);
    match teller.instance.histograms {
        HistogramMode::NoBuckets => hint(
            "The buckets of histograms are left out; count and sum are submitted. To get the buckets, write for the \
             instance:",
            "collect_histogram_buckets",
            "collect_histogram_buckets: true",
        ),
        HistogramMode::Distributions { .. } => {
            let part = if role == Role::Sum { "sum" } else { "count" };
            let option = if teller.option("collect_histograms_as_distributions").is_some() {
                "collect_histograms_as_distributions"
            } else {
                "histogram_buckets_as_distributions"
            };
            hint(
                &format!(
                    "Histograms are submitted as distributions, which know their {part}; count and sum are left out as \
                     metrics of their own. To get those as well, write for the instance:"
                ),
                option,
                "collect_counters_with_distributions: true",
            )
        }
        HistogramMode::Cumulative | HistogramMode::Differences => {
            Hint::new("The options of histograms leave this part out.")
        }
    }
}
