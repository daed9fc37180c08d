//! What one scrape of one target hands to `submit`.

use std::sync::Arc;

use super::event::Event;
use crate::aggregate::{Batch, Marks};
use crate::map::ServiceCheck;
use crate::time::UnixTime;

/// The points, sketches, service checks and events of one scrape of one target.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where they come from: the endpoint, as the console shows it.
    pub target: Arc<str>,
    /// When the target was scraped; the time of the service checks, and from where the age of payloads counts.
    pub time: UnixTime,
    /// Points and sketches.
    pub batch: Batch,
    /// In the order of submission.
    pub service_checks: Vec<ServiceCheck>,
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// What is to be remembered of the target once all this is; none: nothing is.
    pub marks: Option<Marks>,
    /// Whether an empty host name stands for the host of the submitter; otherwise it stays empty.
    pub default_host: bool,
}
