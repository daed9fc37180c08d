//! The data directory: only its owner may read what is in it, and only one process at a time works with it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::JournalError;

const LOCK: &str = "lock";

/// Makes the directory if it is not there, and takes it for this process as long as the file is open.
pub(super) fn take(directory: &Path) -> Result<File, JournalError> {
    let failed = |error| JournalError::unusable(directory, error);
    if !directory.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    }
    let path = directory.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::taken(directory)),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes a file that only its owner may read; one that is there is emptied.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

/// Makes a file that only its owner may read, to append to.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Renames a file that cannot be used, so that it stays for whoever wants to look at it; gives its new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".damaged");
    let aside = PathBuf::from(name);
    fs::rename(path, &aside)?;
    Ok(aside)
}
