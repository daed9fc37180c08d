//! How long each step of a scrape may take.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::error::Kind;

/// The moment at which a whole scrape must be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    total: Duration,
    /// None: further away than a clock can say.
    at: Option<Instant>,
}

impl Deadline {
    /// The time of a scrape begins now.
    pub(super) fn after(total: Duration) -> Self {
        Self { total, at: Instant::now().checked_add(total) }
    }

    /// Fails when the time is over, for work that waits for nothing.
    pub(super) fn check(&self) -> Result<(), Kind> {
        match self.at {
            Some(at) if at <= Instant::now() => Err(Kind::TotalTimeout(self.total)),
            _ => Ok(()),
        }
    }

    /// Waits for something that has a limit of its own, never beyond the deadline.
    pub(super) async fn whole<F: Future>(&self, step: F) -> Result<F::Output, Kind> {
        self.within(Duration::MAX, |_| Kind::TotalTimeout(self.total), step).await
    }

    /// Waits for one step, at most `limit` and never beyond the deadline; `late` is the error of the former.
    ///
    /// The deadline holds even for a peer that always has more data ready, because it is looked at before each step.
    pub(super) async fn within<F: Future>(
        &self,
        limit: Duration,
        late: impl FnOnce(Duration) -> Kind,
        step: F,
    ) -> Result<F::Output, Kind> {
        let left = self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(Kind::TotalTimeout(self.total));
        }
        match tokio::time::timeout(limit.min(left), step).await {
            Ok(output) => Ok(output),
            Err(_) if left <= limit => Err(Kind::TotalTimeout(self.total)),
            Err(_) => Err(late(limit)),
        }
    }
}
