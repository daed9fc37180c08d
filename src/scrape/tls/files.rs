//! What the files of TLS settings look like from outside: whether they have changed, and which files a folder has.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::TlsSettings;

/// The state of all files that TLS settings name, without their content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(PathBuf, Option<FileStamp>)>);

/// Where a file lies and when it was changed. It is the file behind links that counts, so that a link that leads
/// elsewhere, at whatever place of the path, is a change.
#[derive(Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds of the content, and of owner and permissions.
    times: [i64; 4],
}

impl Stamp {
    pub(super) fn of(settings: &TlsSettings) -> Self {
        let mut paths: Vec<PathBuf> = Vec::new();
        if let Some(path) = &settings.ca_cert {
            paths.push(path.clone());
            paths.extend(files_of(path).unwrap_or_default());
        }
        paths.extend(settings.cert.clone());
        paths.extend(settings.private_key.clone());
        let stamped = |path: PathBuf| {
            let stamp = fs::metadata(&path).ok().as_ref().map(FileStamp::new);
            (path, stamp)
        };
        Self(paths.into_iter().map(stamped).collect())
    }

    /// Whether there is any file that could change.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files that are not as they were.
    pub(super) fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Path> {
        self.0.iter().filter(|file| !before.0.contains(file)).map(|(path, _)| path.as_path())
    }
}

impl FileStamp {
    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            times: [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()],
        }
    }
}

/// The regular files of a folder, also behind links, in the order of their names; reading a pipe would hang.
pub(super) fn files_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
