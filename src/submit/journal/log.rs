//! The segments of the journal on disk: records are appended to the last one, and the first ones go once nobody needs
//! them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::directory;
use super::record::PayloadHead;

/// What a segment begins with; the version of the form is at its end.
pub(super) const MAGIC: [u8; 8] = *b"RTRVJRN1";
const PREFIX: &str = "journal-";
/// Bytes of a segment, give or take a record: few enough to be read at once, and to give room back soon.
const SEGMENT: u64 = 16 << 20;
const SMALLEST_SEGMENT: u64 = 16 << 10;

/// One file.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: Arc<Path>,
    pub(super) bytes: u64,
    /// The last frame up to its end, in whichever segment.
    pub(super) last_sequence: u64,
    /// Payloads that somebody still waits for.
    pub(super) unfinished: usize,
}

/// Where the body of a payload stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: Arc<Path>,
    segment: u64,
    offset: u64,
    length: usize,
    checksum: u32,
}

impl Place {
    pub(super) fn new(segment: &Segment, offset: u64, head: &PayloadHead) -> Self {
        let PayloadHead { length, checksum, .. } = *head;
        Self { path: Arc::clone(&segment.path), segment: segment.number, offset, length, checksum }
    }

    /// The number of the segment.
    pub(crate) fn segment(&self) -> u64 {
        self.segment
    }

    /// Reads the body again; waits for the disk.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        let mut body = vec![0; self.length];
        File::open(&self.path)?.read_exact_at(&mut body, self.offset)?;
        if crc32fast::hash(&body) == self.checksum {
            Ok(body.into())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is another one than when it was written"))
        }
    }
}

/// All segments, the oldest first.
#[derive(Debug)]
pub(super) struct Log {
    directory: PathBuf,
    segments: VecDeque<Segment>,
    /// The last segment, as long as records fit in.
    open: Option<Arc<File>>,
    next_number: u64,
    segment_bytes: u64,
}

impl Log {
    /// Goes on after `segments`, which are not written to any more. `limit`: bytes for all of them.
    pub(super) fn new(directory: &Path, segments: VecDeque<Segment>, next_number: u64, limit: u64) -> Self {
        let segment_bytes = (limit / 8).clamp(SMALLEST_SEGMENT, SEGMENT);
        Self { directory: directory.to_owned(), segments, open: None, next_number, segment_bytes }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The length of the last segment.
    #[cfg(test)]
    pub(super) fn segment_end(&self) -> u64 {
        self.segments.back().map_or(0, |last| last.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Appends a record with one call; gives its segment and its place there. After an error the log is what it was
    /// before.
    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<(&mut Segment, u64)> {
        let room = self.segment_bytes.saturating_sub(record.len() as u64);
        if self.open.is_none() || self.segments.back().is_none_or(|last| last.bytes > room) {
            self.rotate()?;
        }
        let (Some(file), Some(last)) = (&self.open, self.segments.back_mut()) else {
            return Err(io::Error::other("there is no segment to write to"));
        };
        let offset = last.bytes;
        if let Err(error) = (&**file).write_all(record) {
            // Half a record is in the way of the next one; if it cannot be taken away, the next goes elsewhere.
            if file.set_len(offset).is_err() {
                self.open = None;
            }
            return Err(error);
        }
        last.bytes += record.len() as u64;
        Ok((last, offset))
    }

    /// Begins another segment.
    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        self.open = None;
        let (number, path) = (self.next_number, path(&self.directory, self.next_number));
        let mut file = directory::append_to(&path)?;
        if let Err(error) = file.write_all(&MAGIC).and_then(|()| File::open(&self.directory)?.sync_all()) {
            // An empty segment says nothing; the next start removes it if this does not.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.next_number += 1;
        let last_sequence = self.segments.back().map_or(0, |last| last.last_sequence);
        let bytes = MAGIC.len() as u64;
        self.segments.push_back(Segment { number, path: path.into(), bytes, last_sequence, unfinished: 0 });
        self.open = Some(Arc::new(file));
        Ok(())
    }

    /// Has everything written that was appended.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |file| file.sync_data())
    }

    /// The segment that is written to.
    pub(super) fn open(&self) -> Option<Arc<File>> {
        self.open.clone()
    }

    /// A payload in this segment is needed by nobody any more.
    pub(super) fn finish(&mut self, number: u64) {
        let place = self.segments.binary_search_by_key(&number, |segment| segment.number);
        if let Some(segment) = place.ok().and_then(|place| self.segments.get_mut(place)) {
            segment.unfinished = segment.unfinished.saturating_sub(1);
        }
    }

    /// Removes segments from the front that nobody needs: their payloads are done with, and their marks are among those
    /// up to `included` that the state file has. Never one behind another that stays, for it may say what is done of
    /// that one's payloads.
    pub(super) fn trim(&mut self, included: u64) -> io::Result<()> {
        while let Some(first) = self.segments.front()
            && first.unfinished == 0
            && first.last_sequence <= included
            && (self.segments.len() > 1 || self.open.is_none())
        {
            self.remove_first()?;
        }
        Ok(())
    }

    /// Removes the oldest segment, whatever is in it; gives its number. The last one stays.
    pub(super) fn drop_first(&mut self) -> io::Result<Option<u64>> {
        if self.segments.len() < 2 {
            return Ok(None);
        }
        self.remove_first()
    }

    fn remove_first(&mut self) -> io::Result<Option<u64>> {
        let Some(first) = self.segments.front() else { return Ok(None) };
        let number = first.number;
        match fs::remove_file(&first.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => self.segments.pop_front(),
        };
        Ok(Some(number))
    }

    /// Writes to the last segment no more, so that it can be removed too.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.sync()?;
        self.open = None;
        Ok(())
    }
}

/// The path of a segment.
fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{PREFIX}{number:016x}"))
}

/// The segments of a directory by their numbers, the oldest first.
pub(super) fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).filter(|digits| digits.len() == 16);
        if let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}
