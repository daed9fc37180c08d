//! What is said of a target in the log: a line when something begins or changes, not one for each scrape.

use crate::aggregate::Collisions;
use crate::discover::Endpoint;
use crate::map::DropReason;
use crate::pipeline::Report;
use crate::road::{Contribution, Road};

/// How the last scrapes went, so that only changes are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    state: Option<State>,
    malformed: bool,
    colliding: bool,
    limited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Down,
    /// Out of reach, which `ignore_connection_errors` says is no failure.
    Ignored,
}

impl Condition {
    /// The condition after one more scrape.
    fn after(self, contribution: &Contribution) -> Self {
        let Contribution { report, collisions, .. } = contribution;
        let state = match (&report.failure, &report.ignored) {
            (Some(_), _) => State::Down,
            (None, Some(_)) => State::Ignored,
            (None, None) => State::Up,
        };
        // What a scrape that failed does not show need not be over.
        let or_before = |now: bool, before: bool| now || (before && state != State::Up);
        Self {
            state: Some(state),
            malformed: !report.told_diagnostics().is_empty(),
            colliding: or_before(collisions.replaced > 0, self.colliding),
            limited: or_before(report.dropped.of(DropReason::Limited) > 0, self.limited),
        }
    }

    /// Takes in one more scrape, and says what is new.
    pub(super) fn update(&mut self, endpoint: &Endpoint, contribution: &Contribution, road: &Road) {
        let before = *self;
        *self = before.after(contribution);
        let Contribution { report, collisions, .. } = contribution;
        tell_state(endpoint, report, before.state, self.state);
        if let Some(diagnostic) = report.told_diagnostics().first()
            && !before.malformed
        {
            tracing::warn!(%endpoint, lines = report.totals.malformed, "lines cannot be read; the first:\n{diagnostic}");
        }
        match (before.colliding, self.colliding) {
            (false, true) => tell_collisions(endpoint, collisions, road),
            (true, false) => tracing::info!(%endpoint, "no gauge replaces another one any more"),
            _ => {}
        }
        match (before.limited, self.limited) {
            (false, true) => tracing::warn!(
                %endpoint,
                dropped = report.dropped.of(DropReason::Limited),
                "`max_returned_metrics` is reached: samples of series that were not known before are dropped; raise it, \
                 or collect less with `metrics` and `exclude_metrics`"
            ),
            (true, false) => tracing::info!(%endpoint, "`max_returned_metrics` is not reached any more"),
            _ => {}
        }
    }
}

fn tell_state(endpoint: &Endpoint, report: &Report, before: Option<State>, now: Option<State>) {
    let cause = report.failure.as_ref().or(report.ignored.as_ref());
    let cause = cause.map(|failure| failure.message.as_str()).unwrap_or_default();
    match now {
        _ if before == now => tracing::debug!(%endpoint, "as before: {now:?} {cause}"),
        None => {}
        Some(State::Up) => tracing::info!(%endpoint, samples = report.totals.samples, "the target is up"),
        Some(State::Down) => tracing::warn!(%endpoint, "the target is down: {cause}"),
        Some(State::Ignored) => {
            tracing::info!(%endpoint, "the target is out of reach, which the settings say to ignore: {cause}");
        }
    }
}

fn tell_collisions(endpoint: &Endpoint, collisions: &Collisions, road: &Road) {
    let Some(first) = collisions.examples.first() else { return };
    tracing::warn!(
        %endpoint,
        replaced = collisions.replaced,
        "different series come to one gauge with the same tags, so that only the last of them is sent: `{}` replaces `{}` \
         in `{}`; keep a label that tells them apart (`exclude_labels`, `include_labels`), or say with \
         `gauge_aggregation` what they come to",
        road.exposed_or_gone(first.by),
        road.exposed_or_gone(first.replaced),
        first.series.metric,
    );
}
