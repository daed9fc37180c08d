//! What an earlier process left in the data directory: payloads that wait, marks, and files that cannot be used.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::directory;
use super::log::{self, MAGIC, Place, Segment};
use super::marks::KeptMarks;
use super::record::{Done, Fault, Frame, IntakeId, PayloadHead, PayloadId, Record, Scan, scan};
use super::state::{self, State};

/// A payload that an earlier process has not seen done.
#[derive(Debug)]
pub(crate) struct RecoveredPayload {
    pub(crate) id: PayloadId,
    pub(crate) head: PayloadHead,
    pub(crate) place: Place,
    /// The intakes that it is done with.
    pub(crate) done: Vec<IntakeId>,
    /// Those that it was meant for and is not done with.
    pub(crate) left: Vec<IntakeId>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    pub(super) segments: VecDeque<Segment>,
    pub(super) next_number: u64,
    /// The last frame that was ever written, as far as can be known.
    pub(super) last_sequence: u64,
    /// The last frame that the state file includes.
    pub(super) included: u64,
    pub(super) marks: KeptMarks,
    pub(super) payloads: Vec<RecoveredPayload>,
    /// Files that were damaged or foreign.
    pub(super) damaged: u64,
}

/// A payload, as long as it is not known whether it is done.
#[derive(Debug)]
struct Candidate {
    payload: RecoveredPayload,
    meant_for: Vec<IntakeId>,
}

/// Reads everything in `directory`, and puts in order what is not.
pub(super) fn recover(directory: &Path) -> io::Result<Recovery> {
    let mut recovery = Recovery::default();
    recovery.read_state(directory)?;
    let files = log::list(directory)?;
    let last = files.last().map(|(number, _)| *number);
    recovery.next_number = last.map_or(0, |number| number + 1);
    let mut candidates = BTreeMap::new();
    let mut done = HashSet::new();
    for (number, path) in files {
        let bytes = fs::read(&path)?;
        let Some(scan) = recovery.orderly(&path, &bytes, Some(number) == last)? else { continue };
        let mut segment = Segment {
            number,
            path: path.into(),
            bytes: scan.end as u64,
            last_sequence: recovery.last_sequence,
            unfinished: 0,
        };
        for (offset, record) in scan.records {
            match record {
                Record::Done(list) => done.extend(list),
                Record::Load(frame) => recovery.take_frame(frame, offset as u64, &mut segment, &mut candidates),
            }
        }
        recovery.segments.push_back(segment);
    }
    recovery.settle(candidates, &done);
    Ok(recovery)
}

impl Recovery {
    fn read_state(&mut self, directory: &Path) -> io::Result<()> {
        let path = directory.join(state::NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some(State { sequence, marks }) = State::decode(&bytes) {
            (self.included, self.last_sequence) = (sequence, sequence);
            for marks in marks {
                self.marks.add(marks);
            }
            return Ok(());
        }
        self.damaged += 1;
        let aside = directory::set_aside(&path)?;
        tracing::warn!(
            "the state file `{}` is damaged or of another version: it is kept as `{}`, and counters that the journal \
             does not know begin anew, without what they grew since the last scrape before",
            path.display(),
            aside.display()
        );
        Ok(())
    }

    /// The records of a segment, which is repaired if there is something else in it. `None`: nothing is.
    fn orderly(&mut self, path: &Path, bytes: &[u8], is_last: bool) -> io::Result<Option<Scan>> {
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
            // It was just about to be begun.
            fs::remove_file(path)?;
            return Ok(None);
        }
        if !bytes.starts_with(&MAGIC) {
            self.damaged += 1;
            let aside = directory::set_aside(path)?;
            tracing::warn!(
                "`{}` in the data directory is damaged or of another version: it is kept as `{}`, and what waited for \
                 delivery in it is not sent",
                path.display(),
                aside.display()
            );
            return Ok(None);
        }
        let found = scan(bytes, MAGIC.len());
        // Only where a process ended, or power did, may something else follow.
        let is_torn = is_last || found.tail != Some(Fault::Damaged);
        if !found.holes.is_empty() || !is_torn {
            return self.repair(path, bytes, &found).map(Some);
        }
        if found.end < bytes.len() {
            OpenOptions::new().write(true).open(path)?.set_len(found.end as u64)?;
        }
        Ok(Some(found))
    }

    /// Puts a segment of the same records in the place of a damaged one.
    fn repair(&mut self, path: &Path, bytes: &[u8], found: &Scan) -> io::Result<Scan> {
        let mut whole = MAGIC.to_vec();
        let mut ends: Vec<usize> = found.holes.iter().map(|hole| hole.start).collect();
        ends.push(found.end);
        let begins = std::iter::once(MAGIC.len()).chain(found.holes.iter().map(|hole| hole.end));
        for (begin, end) in begins.zip(ends) {
            whole.extend_from_slice(&bytes[begin..end]);
        }
        let new = path.with_extension("new");
        let mut file = directory::create(&new)?;
        file.write_all(&whole)?;
        file.sync_all()?;
        let aside = directory::set_aside(path)?;
        fs::rename(&new, path)?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        self.damaged += 1;
        tracing::warn!(
            "`{}` in the data directory is damaged: {} bytes cannot be read, and what waited for delivery in them is not \
             sent; the file is kept as `{}`",
            path.display(),
            bytes.len() - whole.len(),
            aside.display()
        );
        Ok(scan(&whole, MAGIC.len()))
    }

    fn take_frame(
        &mut self,
        frame: Frame,
        offset: u64,
        segment: &mut Segment,
        candidates: &mut BTreeMap<PayloadId, Candidate>,
    ) {
        let Frame { sequence, intakes, payloads, marks } = frame;
        self.last_sequence = self.last_sequence.max(sequence);
        segment.last_sequence = self.last_sequence;
        if sequence > self.included {
            for marks in marks {
                self.marks.add(marks);
            }
        }
        for (index, (head, place)) in (0..).zip(payloads) {
            let id = PayloadId { sequence, index };
            let place = Place::new(segment, offset + place as u64, &head);
            let payload = RecoveredPayload { id, head, place, done: Vec::new(), left: Vec::new() };
            candidates.entry(id).or_insert(Candidate { payload, meant_for: intakes.clone() });
        }
    }

    /// Keeps the payloads that are not done with all intakes that they were meant for.
    fn settle(&mut self, mut candidates: BTreeMap<PayloadId, Candidate>, done: &HashSet<Done>) {
        for notice in done {
            if let Some(candidate) = candidates.get_mut(&notice.payload) {
                candidate.payload.done.push(notice.intake);
            }
        }
        for Candidate { mut payload, meant_for } in candidates.into_values() {
            payload.left = meant_for.into_iter().filter(|intake| !payload.done.contains(intake)).collect();
            if payload.left.is_empty() {
                continue;
            }
            let number = payload.place.segment();
            let place = self.segments.binary_search_by_key(&number, |segment| segment.number);
            if let Some(segment) = place.ok().and_then(|place| self.segments.get_mut(place)) {
                segment.unfinished += 1;
            }
            self.payloads.push(payload);
        }
    }
}
