//! The reasons of the aggregator, in words.

use super::model::GrowthAccount;
use crate::aggregate::{Account, Growth};

/// What the submissions of the series are, as far as it changes the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// A monotonic count.
    Count,
    /// Growth per second.
    Rate,
    /// Observations that go into a sketch.
    Sketch,
}

pub(super) fn account(account: &Account<'_>, counted: Counted) -> GrowthAccount {
    let Account { growth, previous, present, amount, .. } = *account;
    let text = match counted {
        Counted::Rate => rate(previous, amount).to_owned(),
        Counted::Count | Counted::Sketch => reason(growth).to_owned(),
    };
    GrowthAccount { growth, previous, present, amount, text }
}

/// A rate has no first value: it is what lies between two readings.
fn rate(previous: Option<f64>, amount: Option<f64>) -> &'static str {
    match (previous, amount) {
        (None, _) => {
            "This is the first reading, and a rate lies between two: nothing is sent yet. The next scrape gives the first \
             rate"
        }
        (Some(_), None) => {
            "It fell, so it began anew since the scrape before, and a rate cannot be told: nothing is sent in this scrape"
        }
        (Some(_), Some(_)) => "The difference to the scrape before, divided by the seconds between the two, is sent",
    }
}

fn reason(growth: Growth) -> &'static str {
    match growth {
        Growth::First => {
            "This is the first reading. What the series counted before Retriever watched it is unknown, so nothing is \
             sent yet. Its growth is sent from the next scrape on"
        }
        Growth::FirstOfOld => {
            "This is the first reading, and by its start time the series is older than that. What it counted before \
             Retriever watched it is no growth of now, so nothing is sent yet. Its growth is sent from the next scrape on"
        }
        Growth::FirstSinceScrape => {
            "The scrape before did not have this series, so it began after that, from zero: all of its value is growth"
        }
        Growth::FirstSinceStart => {
            "This is the first reading, but the start time says that the series began only after Retriever last looked: \
             all of its value is growth"
        }
        Growth::Grown => "This is what came since the scrape before",
        Growth::ResetByStart => {
            "Its start time is later than the scrape before: the series began anew, from zero, so all of its present \
             value is growth"
        }
        Growth::ResetByFall => {
            "It fell, as a counter does when its process restarts: it began anew, from zero, after the scrape before, so \
             all of its present value is growth"
        }
        Growth::ResetWithGroup => {
            "Others of the same histogram or summary fell, so its process restarted and this series began anew with \
             them, from zero: all of its present value is growth, although it did not fall itself"
        }
        Growth::ResetUnseen => {
            "It began anew at a moment that Retriever did not see, because the scrape before failed. How much was counted \
             since is unknown, so no growth is claimed: 0 is sent"
        }
        Growth::Lowered => {
            "The sum fell while the counts beside it did not, so it did not begin anew: something negative was observed. \
             The difference is sent, negative as it is"
        }
        Growth::FellUnexplained => {
            "It fell, but by its start time it did not begin anew. A counter cannot do that, so nothing is claimed: 0 is \
             sent"
        }
    }
}

/// One word for each decision, for programs.
pub(super) fn word(growth: Growth) -> &'static str {
    match growth {
        Growth::First => "first",
        Growth::FirstOfOld => "first_of_old",
        Growth::FirstSinceScrape => "first_since_scrape",
        Growth::FirstSinceStart => "first_since_start",
        Growth::Grown => "grown",
        Growth::ResetByStart => "reset_by_start",
        Growth::ResetByFall => "reset_by_fall",
        Growth::ResetWithGroup => "reset_with_group",
        Growth::ResetUnseen => "reset_unseen",
        Growth::Lowered => "lowered",
        Growth::FellUnexplained => "fell_unexplained",
    }
}
