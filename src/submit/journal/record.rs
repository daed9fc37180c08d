//! The records of a segment: what is written with one call, and read back whole or not at all.
//!
//! A record is four letters that say what it is, the length of its body, and a CRC-32 of all three, so that neither half
//! a record nor a flipped bit is ever taken for one.

use std::ops::Range;

use super::bytes::{Reader, put_f64, put_u32, put_u64};
use super::marks::{MarksRef, TimedMarks};
use crate::aggregate::{Marks, MarksContent, TargetKey};
use crate::time::UnixTime;

/// Letters, length, checksum.
pub(super) const HEAD: usize = 12;
const LOAD: [u8; 4] = *b"LOAD";
const DONE: [u8; 4] = *b"DONE";
/// Bytes of the head of a payload, of marks, and of a notice that something is done.
const PAYLOAD_HEAD: usize = 25;
const MARKS_HEAD: usize = 21;
const DONE_LENGTH: usize = 20;

/// Which intake is meant: what its URL and its number among intakes of that URL come to, never its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IntakeId(pub(crate) u64);

/// A payload's place among all: that of its load, and within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PayloadId {
    pub(crate) sequence: u64,
    pub(crate) index: u32,
}

/// What is known of a payload beside its body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PayloadHead {
    /// What it holds; the numbers belong to the output.
    pub(crate) kind: u8,
    /// Points, sketches, service checks or events within.
    pub(crate) entries: u64,
    /// The time of the oldest delivery within.
    pub(crate) created: UnixTime,
    /// Bytes of the body.
    pub(crate) length: usize,
    /// CRC-32 of the body.
    pub(crate) checksum: u32,
}

/// One intake needs a payload no longer: it took it, or it was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Done {
    pub(crate) payload: PayloadId,
    pub(crate) intake: IntakeId,
}

/// A load as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) sequence: u64,
    /// For whom its payloads are.
    pub(super) intakes: Vec<IntakeId>,
    /// Each with where its body begins, from the begin of the record.
    pub(super) payloads: Vec<(PayloadHead, usize)>,
    pub(super) marks: Vec<TimedMarks>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Record {
    Load(Frame),
    Done(Vec<Done>),
}

/// What stands where a record should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its begin; the file ends before it does.
    Cut,
    /// Something else.
    Damaged,
}

/// A load to be written.
#[derive(Debug)]
pub(super) struct NewFrame<'a> {
    pub(super) sequence: u64,
    pub(super) intakes: &'a [IntakeId],
    pub(super) payloads: &'a [(PayloadHead, &'a [u8])],
    pub(super) marks: &'a [TimedMarks],
}

impl NewFrame<'_> {
    /// The record, and where in it each body begins.
    pub(super) fn encode(&self) -> (Vec<u8>, Vec<usize>) {
        let mut out = begin(LOAD);
        put_u64(&mut out, self.sequence);
        put_u32(&mut out, self.intakes.len());
        self.intakes.iter().for_each(|intake| put_u64(&mut out, intake.0));
        put_u32(&mut out, self.payloads.len());
        for (head, _) in self.payloads {
            out.push(head.kind);
            put_u64(&mut out, head.entries);
            put_f64(&mut out, head.created.seconds());
            put_u32(&mut out, head.length);
            out.extend_from_slice(&head.checksum.to_le_bytes());
        }
        let marks: Vec<MarksRef<'_>> = self.marks.iter().map(TimedMarks::borrow).collect();
        put_marks(&mut out, &marks);
        let places = self.payloads.iter().map(|(_, body)| {
            let place = out.len();
            out.extend_from_slice(body);
            place
        });
        let places = places.collect();
        (finish(out), places)
    }
}

/// The record of these notices.
pub(super) fn encode_done(done: &[Done]) -> Vec<u8> {
    let mut out = begin(DONE);
    put_u32(&mut out, done.len());
    for done in done {
        put_u64(&mut out, done.payload.sequence);
        out.extend_from_slice(&done.payload.index.to_le_bytes());
        put_u64(&mut out, done.intake.0);
    }
    finish(out)
}

/// Appends marks: how many there are, their heads, their contents.
pub(super) fn put_marks(out: &mut Vec<u8>, marks: &[MarksRef<'_>]) {
    put_u32(out, marks.len());
    for marks in marks {
        put_u64(out, marks.target.0);
        put_f64(out, marks.time.seconds());
        out.push(u8::from(!marks.is_whole));
        put_u32(out, marks.bytes.len());
    }
    for marks in marks {
        out.extend_from_slice(marks.bytes);
    }
}

/// Reads what [`put_marks`] wrote.
pub(super) fn take_marks(reader: &mut Reader<'_>) -> Option<Vec<TimedMarks>> {
    let count = reader.count(MARKS_HEAD)?;
    let mut heads = Vec::with_capacity(count);
    for _ in 0..count {
        let target = TargetKey(reader.u64()?);
        heads.push((target, UnixTime::from_seconds(reader.f64()?), reader.u8()?, reader.u32()?));
    }
    let marks = heads.into_iter().map(|(target, time, kind, length)| {
        let bytes = reader.take(usize::try_from(length).ok()?)?.to_vec();
        let content = match kind {
            0 => MarksContent::Whole(bytes),
            1 => MarksContent::Changes(bytes),
            _ => return None,
        };
        Some(TimedMarks { time, marks: Marks { target, content } })
    });
    marks.collect()
}

fn begin(letters: [u8; 4]) -> Vec<u8> {
    let mut out = letters.to_vec();
    out.resize(HEAD, 0);
    out
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let mut length = Vec::with_capacity(4);
    put_u32(&mut length, out.len() - HEAD);
    out[4..8].copy_from_slice(&length);
    let checksum = checksum(&out).to_le_bytes();
    out[8..HEAD].copy_from_slice(&checksum);
    out
}

/// Of everything but the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..8]);
    hasher.update(&record[HEAD..]);
    hasher.finalize()
}

/// Reads the record that begins here; gives its length too.
pub(super) fn read(bytes: &[u8]) -> Result<(Record, usize), Fault> {
    let mut reader = Reader(bytes);
    let letters = reader.take(4).ok_or(Fault::Cut)?;
    let length = reader.u32().ok_or(Fault::Cut)?;
    let expected = reader.u32().ok_or(Fault::Cut)?;
    if letters != LOAD && letters != DONE {
        return Err(Fault::Damaged);
    }
    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(HEAD)).ok_or(Fault::Damaged)?;
    let record = bytes.get(..end).ok_or(Fault::Cut)?;
    if checksum(record) != expected {
        return Err(Fault::Damaged);
    }
    let body = Reader(&record[HEAD..]);
    let record =
        if letters == LOAD { read_load(body, end).map(Record::Load) } else { read_done(body).map(Record::Done) };
    record.map(|record| (record, end)).ok_or(Fault::Damaged)
}

fn read_load(mut body: Reader<'_>, end: usize) -> Option<Frame> {
    let sequence = body.u64()?;
    let intakes = (0..body.count(8)?).map(|_| body.u64().map(IntakeId)).collect::<Option<_>>()?;
    let heads = (0..body.count(PAYLOAD_HEAD)?).map(|_| read_head(&mut body)).collect::<Option<Vec<_>>>()?;
    let marks = take_marks(&mut body)?;
    let mut place = end - body.0.len();
    let mut payloads = Vec::with_capacity(heads.len());
    for head in heads {
        body.take(head.length)?;
        payloads.push((head, place));
        place += head.length;
    }
    body.0.is_empty().then_some(Frame { sequence, intakes, payloads, marks })
}

fn read_head(body: &mut Reader<'_>) -> Option<PayloadHead> {
    Some(PayloadHead {
        kind: body.u8()?,
        entries: body.u64()?,
        created: UnixTime::from_seconds(body.f64()?),
        length: usize::try_from(body.u32()?).ok()?,
        checksum: body.u32()?,
    })
}

fn read_done(mut body: Reader<'_>) -> Option<Vec<Done>> {
    let count = body.count(DONE_LENGTH)?;
    let done = (0..count).map(|_| {
        let payload = PayloadId { sequence: body.u64()?, index: body.u32()? };
        Some(Done { payload, intake: IntakeId(body.u64()?) })
    });
    done.collect()
}

/// All records of a segment, and what lies between them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Each with its place.
    pub(super) records: Vec<(usize, Record)>,
    /// What is no record, but has one behind it.
    pub(super) holes: Vec<Range<usize>>,
    /// The end of the last record, and what stands there unless the segment ends.
    pub(super) end: usize,
    pub(super) tail: Option<Fault>,
}

/// Reads all records from `start` on.
pub(super) fn scan(bytes: &[u8], start: usize) -> Scan {
    let mut scan = Scan { end: start.min(bytes.len()), ..Scan::default() };
    while scan.end < bytes.len() {
        match read(&bytes[scan.end..]) {
            Ok((record, length)) => {
                scan.records.push((scan.end, record));
                scan.end += length;
            }
            Err(fault) => {
                let Some(next) = next_record(bytes, scan.end + 1) else {
                    scan.tail = Some(fault);
                    break;
                };
                scan.holes.push(scan.end..next);
                scan.end = next;
            }
        }
    }
    scan
}

fn next_record(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let candidates = memchr::memchr2_iter(LOAD[0], DONE[0], rest).map(|place| from + place);
    candidates.into_iter().find(|&place| read(&bytes[place..]).is_ok())
}
