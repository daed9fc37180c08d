//! What scraping hands to reading: bytes as they arrive, and the format they are in.

use super::body::Body;
use super::client::Response;
use super::head::Head;
use crate::parse::Format;

/// An exposition that is on its way.
pub struct Exposition {
    /// How the bytes are to be read.
    pub format: Format,
    /// The bytes.
    pub chunks: Body,
}

impl Exposition {
    /// The exposition of a body that came with this head, live or recorded. `use_latest_spec` decides over the head, as
    /// in Datadog's check.
    pub fn new(head: &Head, chunks: Body, use_latest_spec: bool) -> Self {
        let format = if use_latest_spec { Format::OpenMetrics } else { Format::from_content_type(head.content_type()) };
        Self { format, chunks }
    }
}

impl Response {
    /// The exposition of this response, whatever its status: look at that first, with
    /// [`ScrapeError::for_status`](super::ScrapeError::for_status).
    pub fn into_exposition(self, use_latest_spec: bool) -> Exposition {
        Exposition::new(&self.head, self.body, use_latest_spec)
    }
}
