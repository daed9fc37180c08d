//! Delivery to standard output or to a file: what would be sent, for people to read or, as JSON, for programs.
//!
//! A thread of its own writes, so that a reader that is slow, or a disk that is full, delays neither a scrape nor another
//! output.

mod file;
mod json;
mod queue;
mod text;
mod writer;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::delivery::Delivery;
use super::enrich::Enricher;
use super::stats::{DropReason, Stats};
use crate::config::{FileSettings, OutputFormat};
use file::GrowingFile;
use queue::{Page, Queue};

/// A place to show metrics at.
pub struct Console {
    out: Box<dyn Write + Send>,
    name: String,
    format: OutputFormat,
    readers: Readers,
}

/// Who reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    /// One, who does not come back once it is gone.
    One,
    /// Whoever comes.
    Any,
}

impl Console {
    /// Shows metrics at `out`.
    pub fn new(out: impl Write + Send + 'static, format: OutputFormat) -> Self {
        Self { out: Box::new(out), name: "the console".to_owned(), format, readers: Readers::One }
    }

    /// Appends metrics to a file, which is made if it is not there, and made again if it was moved away.
    pub(super) fn file(settings: &FileSettings) -> io::Result<Self> {
        let out = GrowingFile::open(settings.path.clone())?;
        let name = format!("`{}`", settings.path.display());
        Ok(Self { out: Box::new(out), name, format: settings.format, readers: Readers::Any })
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

/// A console or a file as an output.
#[derive(Debug)]
pub(super) struct Shown {
    format: OutputFormat,
    queue: Arc<Queue>,
}

impl Shown {
    /// Starts the thread that writes.
    pub(super) fn start(console: Console) -> io::Result<Self> {
        let Console { out, name, format, readers } = console;
        let queue = Arc::new(Queue::default());
        let taken = Arc::clone(&queue);
        // It may hang in a write for ever, for which the end of the process does not wait.
        std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || writer::write(&taken, out, &name, readers))?;
        Ok(Self { format, queue })
    }

    /// Renders a delivery and leaves it to the writer. Never waits for the reader.
    pub(super) fn submit(&self, delivery: &Delivery, enricher: &Enricher) {
        let text = match self.format {
            OutputFormat::Text => text::page(delivery, enricher),
            OutputFormat::Json => json::lines(delivery, enricher),
        };
        self.queue.put(Page { text, points: delivery.entries() });
    }

    pub(super) fn stats(&self) -> Stats {
        self.queue.stats()
    }

    /// Whether the reader went away.
    pub(super) fn is_unread(&self) -> bool {
        self.queue.is_unread()
    }

    /// Waits until the reader goes away.
    pub(super) async fn unread(&self) {
        self.queue.unread().await;
    }

    /// Writes what waits until `deadline`; gives the number of points that were given up.
    pub(super) async fn drain(&self, deadline: Instant) -> u64 {
        self.queue.close();
        // What was not written by then is counted below.
        let _ = timeout_at(deadline, self.queue.emptied()).await;
        self.queue.give_up();
        self.queue.stats().dropped.count(DropReason::Shutdown)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.queue.close();
        self.queue.give_up();
    }
}
