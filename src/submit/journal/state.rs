//! The state file: the marks of all targets up to one frame of the journal, replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::bytes::{Reader, put_u64};
use super::directory;
use super::marks::{MarksRef, TimedMarks};
use super::record::{put_marks, take_marks};

/// The name in the data directory.
pub(super) const NAME: &str = "state";
/// With the version of the form at its end.
const MAGIC: [u8; 8] = *b"RTRVSTA1";

/// What the file holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    /// The last frame whose marks it includes.
    pub(super) sequence: u64,
    pub(super) marks: Vec<TimedMarks>,
}

impl State {
    /// `None`: damaged, or not written by this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut reader = Reader(content.strip_prefix(&MAGIC)?);
        let sequence = reader.u64()?;
        let marks = take_marks(&mut reader)?;
        reader.0.is_empty().then_some(Self { sequence, marks })
    }
}

fn encode(sequence: u64, marks: &[MarksRef<'_>]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put_u64(&mut out, sequence);
    put_marks(&mut out, marks);
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// Replaces the file in `directory` by one of these marks, up to the frame `sequence`; whoever reads finds the old one or
/// the new one, power loss or not.
pub(super) fn write(directory: &Path, sequence: u64, marks: &[MarksRef<'_>]) -> io::Result<()> {
    let new = directory.join("state.new");
    let mut file = directory::create(&new)?;
    file.write_all(&encode(sequence, marks))?;
    file.sync_all()?;
    fs::rename(&new, directory.join(NAME))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{Marks, MarksContent, TargetKey};
    use crate::time::UnixTime;

    fn example() -> State {
        let timed = |content| TimedMarks {
            time: UnixTime::from_seconds(7.5),
            marks: Marks { target: TargetKey(u64::MAX), content },
        };
        let marks = vec![timed(MarksContent::Whole(b"whole".to_vec())), timed(MarksContent::Changes(Vec::new()))];
        State { sequence: 42, marks }
    }

    fn encoded(state: &State) -> Vec<u8> {
        let marks: Vec<_> = state.marks.iter().map(TimedMarks::borrow).collect();
        encode(state.sequence, &marks)
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let bytes = encoded(&example());
        assert_eq!(State::decode(&bytes), Some(example()));
        for end in 0..bytes.len() {
            assert_eq!(State::decode(&bytes[..end]), None, "cut at {end}");
            let mut flipped = bytes.clone();
            flipped[end] ^= 1 << (end % 8);
            assert_eq!(State::decode(&flipped), None, "flipped at {end}");
        }
    }

    #[test]
    fn the_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let marks = example().marks;
        let marks: Vec<_> = marks.iter().map(TimedMarks::borrow).collect();
        write(folder.path(), 7, &[]).unwrap();
        write(folder.path(), 42, &marks).unwrap();
        let read = fs::read(folder.path().join(NAME)).unwrap();
        assert_eq!(State::decode(&read), Some(example()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
