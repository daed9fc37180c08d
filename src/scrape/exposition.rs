//! What scraping hands to reading: bytes as they arrive, and the format they are in.

use super::body::Body;
use super::client::Response;
use super::head::Head;
use super::negotiation;
use crate::config::HttpSettings;
use crate::parse::Format;

/// An exposition that is on its way.
pub struct Exposition {
    /// How the bytes are to be read.
    pub format: Format,
    /// The bytes.
    pub chunks: Body,
}

impl Exposition {
    /// The exposition of a body that came with this head, live or recorded. The head tells the format, unless the
    /// settings of the instance do.
    pub fn new(head: &Head, chunks: Body, settings: &HttpSettings) -> Self {
        Self { format: negotiation::format(head, settings), chunks }
    }
}

impl Response {
    /// How the body is to be read.
    pub(crate) fn format(&self, settings: &HttpSettings) -> Format {
        negotiation::format(&self.head, settings)
    }

    /// The exposition of this response, whatever its status: look at that first, with
    /// [`ScrapeError::for_status`](super::ScrapeError::for_status).
    pub fn into_exposition(self, settings: &HttpSettings) -> Exposition {
        Exposition::new(&self.head, self.body, settings)
    }
}
