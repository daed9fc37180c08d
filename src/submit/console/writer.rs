//! The thread that writes pages, and says once that it cannot and once that it can again.

use std::io::{self, Write};

use super::Readers;
use super::queue::Queue;

/// Writes until the queue is closed and empty, or nobody reads any more. `name` is what messages call `out`.
pub(super) fn write(queue: &Queue, mut out: Box<dyn Write + Send>, name: &str, readers: Readers) {
    let mut is_failing = false;
    while let Some(page) = queue.take() {
        match out.write_all(page.text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => {
                queue.written(page.text.len());
                if std::mem::take(&mut is_failing) {
                    tracing::info!("metrics are written to {name} again");
                }
            }
            Err(error) => {
                let message = format!("metrics cannot be written to {name}: {error}");
                let is_unread = readers == Readers::One && error.kind() == io::ErrorKind::BrokenPipe;
                if is_unread {
                    tracing::info!("nobody reads {name} any more; nothing is written there from now on");
                } else if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!("{message}; what cannot be written is counted as dropped, and scrapes go on");
                }
                queue.lost(message, is_unread);
            }
        }
    }
}
