//! Delivery to a terminal or a pipe: what would be sent, for people to read or, as JSON, for programs.

mod json;
mod text;

use std::fmt;
use std::io::{self, Write};

use super::delivery::Delivery;
use super::enrich::Enricher;

/// The form in which metrics are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleFormat {
    /// Aligned columns under one heading for each scrape.
    #[default]
    Text,
    /// One JSON object on each line.
    Json,
}

/// A place to show metrics at.
pub struct Console {
    out: Box<dyn Write + Send>,
    format: ConsoleFormat,
}

impl Console {
    /// Shows metrics at `out`.
    pub fn new(out: impl Write + Send + 'static, format: ConsoleFormat) -> Self {
        Self { out: Box::new(out), format }
    }

    /// Shows a delivery, all or nothing as far as `out` allows; gives the number of bytes.
    pub(super) fn show(&mut self, delivery: &Delivery<'_>, enricher: &Enricher) -> io::Result<usize> {
        let page = match self.format {
            ConsoleFormat::Text => text::page(delivery, enricher),
            ConsoleFormat::Json => json::lines(delivery, enricher),
        };
        self.out.write_all(page.as_bytes())?;
        self.out.flush()?;
        Ok(page.len())
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("format", &self.format).finish_non_exhaustive()
    }
}
