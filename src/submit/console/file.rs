//! A file that grows and may be moved away meanwhile, as programs that rotate logs do.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A file that is appended to, always the one that has the path.
#[derive(Debug)]
pub(super) struct GrowingFile {
    path: PathBuf,
    file: File,
    /// Which file it is.
    identity: (u64, u64),
    /// Whether a line was begun that did not come to its end.
    is_torn: bool,
}

impl GrowingFile {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path, file, identity, is_torn: false })
    }

    /// Opens the file anew if another one, or none, has the path by now.
    fn follow(&mut self) -> io::Result<()> {
        let is_there = std::fs::metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.identity);
        if !is_there {
            *self = Self::open(self.path.clone())?;
        }
        Ok(())
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Each write begins with a whole line, also after one that failed.
impl Write for GrowingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.follow()?;
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
