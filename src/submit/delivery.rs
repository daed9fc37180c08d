//! What one scrape of one target hands to `submit`.

use std::borrow::Cow;
use std::sync::Arc;

use super::event::Event;
use crate::aggregate::{Batch, FullPoint, FullSketch, Marks, Slots};
use crate::map::ServiceCheck;
use crate::time::UnixTime;

/// The points, sketches, service checks and events of one scrape of one target.
#[derive(Clone, Debug)]
pub struct Delivery<'r> {
    /// Where they come from: the endpoint, as the console shows it.
    pub target: Arc<str>,
    /// When the target was scraped; the time of the service checks, and from where the age of payloads counts.
    pub time: UnixTime,
    /// Points and sketches.
    pub batch: Batch,
    /// The series of the batch.
    pub slots: Cow<'r, Slots>,
    /// In the order of submission.
    pub service_checks: Vec<ServiceCheck>,
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// What is to be remembered of the target once all this is; none: nothing is.
    pub marks: Option<Marks>,
    /// Whether an empty host name stands for the host of the submitter; otherwise it stays empty.
    pub default_host: bool,
}

impl Delivery<'_> {
    /// The points with their series.
    pub fn points(&self) -> impl ExactSizeIterator<Item = FullPoint<'_>> {
        self.batch.full_points(&self.slots)
    }

    /// The sketches with their series.
    pub fn sketches(&self) -> impl ExactSizeIterator<Item = FullSketch<'_>> {
        self.batch.full_sketches(&self.slots)
    }

    /// How many things it holds, as they are counted in [`Stats`](super::Stats).
    pub(super) fn entries(&self) -> u64 {
        let Self { batch, service_checks, events, .. } = self;
        (batch.points.len() + batch.sketches.len() + service_checks.len() + events.len()) as u64
    }
}
