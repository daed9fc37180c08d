//! Why the data directory cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the start. What goes wrong later is counted while delivery goes on in memory.
#[derive(Debug, thiserror::Error)]
#[error("the data directory `{}` {problem}", .directory.display())]
pub(crate) struct JournalError {
    directory: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(
        "cannot be used: {0}; make it writable for the user that Retriever runs as, or name another one with `data_dir` \
         (RETRIEVER_DATA_DIR); `none` keeps nothing on disk"
    )]
    Unusable(io::Error),
    #[error(
        "is in use by another process: give each its own with `data_dir` (RETRIEVER_DATA_DIR), or stop the other one"
    )]
    Taken,
}

impl JournalError {
    pub(super) fn unusable(directory: &Path, error: io::Error) -> Self {
        Self { directory: directory.to_owned(), problem: Problem::Unusable(error) }
    }

    pub(super) fn taken(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), problem: Problem::Taken }
    }
}
