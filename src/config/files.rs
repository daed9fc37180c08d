//! The files that settings were read from, so that a change of any of them can be noticed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::expand::Surroundings;

/// Tells one state of a file from another without reading it. Links are followed, so a link that is set to another file
/// is another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(Result<Seen, io::ErrorKind>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    place: (u64, u64),
}

impl Stamp {
    /// How the file is now.
    pub fn of(path: &Path) -> Self {
        Self(fs::metadata(path).map_err(|error| error.kind()).map(|metadata| Seen {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            place: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
        }))
    }
}

/// The files of a settings file: itself and those that it refers to, each with its state before it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Stamp>);

impl Files {
    /// The same files as they are now.
    #[must_use]
    pub fn now(&self) -> Self {
        Self(self.0.keys().map(|path| (path.clone(), Stamp::of(path))).collect())
    }
}

/// Surroundings that remember which files were read. Each file is read once, so that all of the settings see the same
/// content.
pub struct Remembering<'a> {
    surroundings: &'a dyn Surroundings,
    read: RefCell<BTreeMap<PathBuf, Read>>,
}

/// A file as it was before it was read, and its content.
type Read = (Stamp, Result<String, Unread>);

/// Why a file could not be read, as far as it can be said twice.
#[derive(Clone, Copy, Hash)]
enum Unread {
    System(i32),
    Other(io::ErrorKind),
}

impl From<&io::Error> for Unread {
    fn from(error: &io::Error) -> Self {
        error.raw_os_error().map_or(Self::Other(error.kind()), Self::System)
    }
}

impl From<Unread> for io::Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::System(code) => Self::from_raw_os_error(code),
            Unread::Other(kind) => Self::from(kind),
        }
    }
}

impl<'a> Remembering<'a> {
    /// Nothing was read yet.
    pub fn new(surroundings: &'a dyn Surroundings) -> Self {
        Self { surroundings, read: RefCell::default() }
    }

    /// The files that were read, and a number that tells whether their content is the same as another time.
    pub fn into_files(self) -> (Files, u64) {
        let mut hasher = DefaultHasher::new();
        let read = self.read.into_inner();
        for (path, (_, content)) in &read {
            (path, content).hash(&mut hasher);
        }
        (Files(read.into_iter().map(|(path, (stamp, _))| (path, stamp)).collect()), hasher.finish())
    }
}

impl Surroundings for Remembering<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.surroundings.variable(name)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let mut read = self.read.borrow_mut();
        if let Some((_, content)) = read.get(path) {
            return content.clone().map_err(io::Error::from);
        }
        let stamp = Stamp::of(path);
        let content = self.surroundings.file(path);
        let kept = content.as_ref().map(String::clone).map_err(Unread::from);
        read.insert(path.to_owned(), (stamp, kept));
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProcessSurroundings;

    #[test]
    fn a_change_of_any_kind_is_another_state() {
        let folder = tempfile::tempdir().unwrap();
        let [link, one, other] = ["link", "one", "other"].map(|name| folder.path().join(name));
        fs::write(&one, "a").unwrap();
        fs::write(&other, "a").unwrap();
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let seen = Stamp::of(&link);
        assert_eq!(Stamp::of(&link), seen);

        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let swapped = Stamp::of(&link);
        assert_ne!(swapped, seen);
        fs::write(&other, "ab").unwrap();
        let longer = Stamp::of(&link);
        assert_ne!(longer, swapped);
        fs::remove_file(&other).unwrap();
        assert_ne!(Stamp::of(&link), longer);
        assert_eq!(Stamp::of(&link), Stamp::of(&other), "not there is one state");
    }

    #[test]
    fn each_file_is_read_once_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let [there, missing] = ["there", "missing"].map(|name| folder.path().join(name));
        let files = |content: &str| {
            fs::write(&there, content).unwrap();
            let surroundings = Remembering::new(&ProcessSurroundings);
            assert_eq!(surroundings.file(&there).unwrap(), content);
            fs::write(&there, "changed meanwhile").unwrap();
            assert_eq!(surroundings.file(&there).unwrap(), content);
            assert_eq!(surroundings.file(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
            surroundings.into_files()
        };
        let (read, digest) = files("a");
        assert_eq!(read.0.len(), 2);
        assert_ne!(read, read.now(), "it was changed after it was read");
        assert_eq!(files("a").1, digest);
        assert_ne!(files("b").1, digest);
    }
}
