//! The runtimes that commands wait on.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// For commands that do one thing after the other.
pub(super) fn single() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// For `retriever run`.
pub(super) fn shared() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}
