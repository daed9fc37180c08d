//! The memory of delivery on disk: what waits for an intake, and up to where each counter's growth is accounted for.
//! After whatever end of the process, both are found together or not at all, so that no growth is lost and none counted
//! twice.
//!
//! It is a plain log in segments, not an embedded store: everything is appended once, read once if ever, and gone within
//! the hour, in the order in which it came. A store would write each payload twice (its own log, then its tree), would
//! need compaction to give room back, and its repair after a crash is all-or-nothing; here a segment is removed as a
//! file, and a damaged record costs itself.
//!
//! A frame holds all payloads and marks of one load, with a checksum; it is appended with one call, before anything of
//! the load is sent. Once the call returned, no end of the process loses it; the disk has it within about a second,
//! which is what a loss of power can cost. What an intake took is noted by a further record. A segment is removed when
//! all its payloads are done with and the state file includes its marks.

mod bytes;
mod directory;
mod error;
mod log;
mod marks;
mod record;
mod recovery;
mod state;
mod stats;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::bytes::Bytes;

pub(crate) use error::JournalError;
pub(crate) use log::Place;
pub(crate) use marks::TimedMarks;
pub(crate) use record::{Done, IntakeId, PayloadHead, PayloadId};
pub(crate) use recovery::RecoveredPayload;
pub use stats::JournalStats;
pub(crate) use stats::SharedJournalStats;

use crate::aggregate::{MarksContent, TargetKey};
use crate::config::StorageSettings;
use crate::time::UnixTime;
use log::Log;
use marks::KeptMarks;
use record::{NewFrame, encode_done};
use recovery::{Recovery, recover};

/// Everything that is delivered and remembered together.
#[derive(Debug)]
pub(crate) struct JournalLoad<'a> {
    /// For whom the payloads are.
    pub(crate) intakes: &'a [IntakeId],
    pub(crate) payloads: &'a [(PayloadHead, Bytes)],
    pub(crate) marks: Vec<TimedMarks>,
}

/// What became of a load.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    /// Of the load.
    pub(crate) sequence: u64,
    /// Where each payload stands; none: on disk nowhere.
    pub(crate) places: Vec<Option<Place>>,
    /// Segments that had to go to make room, although somebody may wait for payloads in them.
    pub(crate) dropped: Vec<u64>,
}

/// What was found at the start.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// In the order in which they were written.
    pub(crate) payloads: Vec<RecoveredPayload>,
    /// Of each target that was scraped lately: whole marks, then changes in their order.
    pub(crate) marks: Vec<(TargetKey, Vec<MarksContent>)>,
}

/// What was appended and the disk may not have yet.
#[derive(Debug)]
pub(crate) struct Flush {
    file: Arc<File>,
    directory: PathBuf,
    stats: Arc<SharedJournalStats>,
}

impl Flush {
    /// Waits until the disk has it; the journal may be written to meanwhile.
    pub(crate) fn run(self) {
        if let Err(error) = self.file.sync_data() {
            self.stats.fail(&self.directory, &error, UnixTime::now());
        }
    }
}

/// The journal and the state file of one data directory. Every method waits for the disk.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    settings: StorageSettings,
    log: Log,
    marks: KeptMarks,
    last_sequence: u64,
    /// The last frame that the state file includes.
    included: u64,
    state_due: UnixTime,
    is_dirty: bool,
    stats: Arc<SharedJournalStats>,
    /// Held as long as nobody else may use the directory.
    _lock: File,
}

impl Journal {
    /// Takes the directory and reads what is there.
    ///
    /// # Errors
    ///
    /// When it cannot be used, or another process uses it.
    pub(crate) fn open(
        directory: &Path,
        settings: &StorageSettings,
        now: UnixTime,
    ) -> Result<(Self, Recovered), JournalError> {
        let failed = |error| JournalError::unusable(directory, error);
        let lock = directory::take(directory)?;
        let Recovery { segments, next_number, last_sequence, included, mut marks, payloads, damaged } =
            recover(directory).map_err(failed)?;
        marks.expire(now, settings.state_age);
        let recovered = if settings.state { marks.by_target().collect() } else { Vec::new() };
        let journal = Self {
            directory: directory.to_owned(),
            log: Log::new(directory, segments, next_number, settings.disk_bytes),
            settings: settings.clone(),
            marks,
            last_sequence,
            included,
            state_due: now.plus(settings.state_interval),
            is_dirty: false,
            stats: Arc::default(),
            _lock: lock,
        };
        journal.stats.damaged(damaged);
        journal.stats.measure(&journal.log);
        Ok((journal, Recovered { payloads, marks: recovered }))
    }

    /// The counters, which can be read while the disk is waited for.
    pub(crate) fn stats(&self) -> Arc<SharedJournalStats> {
        Arc::clone(&self.stats)
    }

    /// Writes a load. A disk that does not take it is no error: then its payloads have no place.
    pub(crate) fn append(&mut self, load: JournalLoad<'_>, now: UnixTime) -> Appended {
        let JournalLoad { intakes, payloads, marks } = load;
        let payloads = if self.settings.queue { payloads } else { &[] };
        let marks = if self.settings.state { marks } else { Vec::new() };
        let mut appended = Appended { places: vec![None; payloads.len()], ..Appended::default() };
        self.last_sequence += 1;
        appended.sequence = self.last_sequence;
        if payloads.is_empty() && marks.is_empty() {
            return appended;
        }
        match self.write(intakes, payloads, &marks) {
            Ok(places) => appended.places = places.into_iter().map(Some).collect(),
            Err(error) => self.stats.fail(&self.directory, &error, now),
        }
        for marks in marks {
            self.marks.add(marks);
        }
        appended.dropped = self.make_room(now);
        self.stats.measure(&self.log);
        appended
    }

    fn write(
        &mut self,
        intakes: &[IntakeId],
        payloads: &[(PayloadHead, Bytes)],
        marks: &[TimedMarks],
    ) -> io::Result<Vec<Place>> {
        let bodies: Vec<(PayloadHead, &[u8])> = payloads.iter().map(|(head, body)| (*head, &**body)).collect();
        let frame = NewFrame { sequence: self.last_sequence, intakes, payloads: &bodies, marks };
        let (record, offsets) = frame.encode();
        let (segment, begin) = self.log.append(&record)?;
        segment.last_sequence = self.last_sequence;
        segment.unfinished += payloads.len();
        let place =
            |((head, _), offset): (&(PayloadHead, Bytes), usize)| Place::new(segment, begin + offset as u64, head);
        let places = payloads.iter().zip(offsets).map(place).collect();
        self.is_dirty = true;
        self.stats.succeed(&self.directory);
        Ok(places)
    }

    /// Keeps to the limit of the disk; gives the segments that went although they were needed.
    fn make_room(&mut self, now: UnixTime) -> Vec<u64> {
        let mut dropped = Vec::new();
        if self.log.bytes() <= self.settings.disk_bytes {
            return dropped;
        }
        // Marks must not go with the payloads beside them, and finished segments may only wait for the state file.
        self.write_state(now);
        while self.log.bytes() > self.settings.disk_bytes {
            match self.log.drop_first() {
                Ok(Some(number)) => dropped.push(number),
                Ok(None) => break,
                Err(error) => {
                    self.stats.fail(&self.directory, &error, now);
                    break;
                }
            }
        }
        dropped
    }

    /// Notes what is done, and the segments of payloads that nobody needs any more.
    pub(crate) fn done(&mut self, done: &[Done], finished: &[u64], now: UnixTime) {
        if !done.is_empty() {
            match self.log.append(&encode_done(done)) {
                Ok(_) => {
                    self.is_dirty = true;
                    self.stats.succeed(&self.directory);
                }
                Err(error) => self.stats.fail(&self.directory, &error, now),
            }
        }
        for &segment in finished {
            self.log.finish(segment);
        }
        self.trim(now);
    }

    fn trim(&mut self, now: UnixTime) {
        let included = if self.settings.state { self.included } else { u64::MAX };
        if let Err(error) = self.log.trim(included) {
            self.stats.fail(&self.directory, &error, now);
        }
        self.stats.measure(&self.log);
    }

    /// Writes the state file when it is due, and tells what the disk has to be asked to keep, if anything is new. To be
    /// called about a second after something was written, and now and then.
    pub(crate) fn tick(&mut self, now: UnixTime) -> Option<Flush> {
        if now >= self.state_due {
            self.write_state(now);
        }
        let file = self.log.open().filter(|_| std::mem::take(&mut self.is_dirty))?;
        Some(Flush { file, directory: self.directory.clone(), stats: Arc::clone(&self.stats) })
    }

    /// Writes the state file, and removes the segments that are not needed beside it.
    fn write_state(&mut self, now: UnixTime) {
        self.state_due = now.plus(self.settings.state_interval);
        if self.settings.state {
            self.marks.expire(now, self.settings.state_age);
            let write = || state::write(&self.directory, self.last_sequence, &self.marks.all());
            // First what the marks account for, then the marks.
            match self.log.sync().and_then(|()| write()) {
                Ok(()) => {
                    self.included = self.last_sequence;
                    self.is_dirty = false;
                }
                Err(error) => self.stats.fail(&self.directory, &error, now),
            }
        }
        self.trim(now);
    }

    /// A clean end: the state file is whole, and only segments stay in which something waits.
    pub(crate) fn close(&mut self, now: UnixTime) {
        if let Err(error) = self.log.close() {
            self.stats.fail(&self.directory, &error, now);
        }
        self.write_state(now);
    }
}
