//! Marks as bytes: the last readings of series, each under a hash of its text, behind a head that says of which scrape
//! they are.
//!
//! All numbers are little-endian. The head is the version, 1, and four numbers of 64 bits: the time of the scrape, until
//! when the target was watched, when its process started, and when that was told; NaN where something is not known. Each
//! mark is the hash, a byte of flags whose lowest two bits are the kind of reading, the reading, and what the flags
//! announce: a time of its own, two bounds, a start time. A native histogram is its count, its sum, the number of its
//! buckets in 32 bits, and of each bucket the bounds and the count.

use super::distribution::Bounds;
use super::growth::ProcessStart;
use super::marks::TargetKey;
use super::reading::ReadingKind;
use crate::map::{NativeCount, NativeReading};
use crate::time::UnixTime;

const VERSION: u8 = 1;
const KINDS: [ReadingKind; 4] = [ReadingKind::Count, ReadingKind::Rate, ReadingKind::Bucket, ReadingKind::Native];
const KIND: u8 = 0b11;
const ABSENT: u8 = 1 << 2;
const BOUNDED: u8 = 1 << 3;
const STARTED: u8 = 1 << 4;
const KNOWN: u8 = KIND | ABSENT | BOUNDED | STARTED;

impl TargetKey {
    /// The key of the target that scrapes `endpoint`; `ordinal` counts the targets before it that scrape the same. It does
    /// not depend on what else the settings say, for readings are of what is exposed.
    pub fn of(endpoint: &str, ordinal: u32) -> Self {
        Self(fnv(fnv(OFFSET, endpoint.as_bytes()), &ordinal.to_le_bytes()))
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Fowler, Noll and Vo's hash of 64 bits, in its variant 1a: the same for ever.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The hash of a series as exposed.
pub(super) fn hash(series: &str) -> u64 {
    fnv(OFFSET, series.as_bytes())
}

/// Of which scrape marks are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) at: UnixTime,
    pub(super) watched_until: Option<UnixTime>,
    pub(super) process: Option<ProcessStart>,
}

/// The last reading of a series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) kind: ReadingKind,
    /// As in a reading; nothing of a native histogram.
    pub(super) bits: u64,
    pub(super) native: Option<NativeReading>,
    /// When it was read; none: at the latest scrape of which there are marks.
    pub(super) at: Option<UnixTime>,
    pub(super) bounds: Option<Bounds>,
    /// When the series began, if that is known.
    pub(super) start: Option<UnixTime>,
}

/// Marks that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarksError {
    /// They were written by another version.
    #[error("marks of version {0} are not known; version {VERSION} is")]
    Version(u8),
    /// They are not what was written.
    #[error("marks are damaged at byte {0}")]
    Damaged(usize),
}

/// Appends the head.
pub(super) fn write_head(out: &mut Vec<u8>, head: &Head) {
    let seconds = |time: Option<UnixTime>| time.map_or(f64::NAN, UnixTime::seconds);
    out.push(VERSION);
    let process = head.process;
    let times =
        [Some(head.at), head.watched_until, process.map(|process| process.at), process.map(|process| process.told)];
    for time in times {
        out.extend_from_slice(&seconds(time).to_le_bytes());
    }
}

/// Appends a mark. `native`: the reading of a native histogram.
pub(super) fn write(out: &mut Vec<u8>, hash: u64, mark: &Mark, native: Option<&NativeReading>) {
    let kind = KINDS.iter().position(|kind| *kind == mark.kind).unwrap_or_default() as u8;
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let flags = flag(mark.at.is_some(), ABSENT) | flag(mark.bounds.is_some(), BOUNDED);
    out.extend_from_slice(&hash.to_le_bytes());
    out.push(kind | flags | flag(mark.start.is_some(), STARTED));
    match native {
        None => out.extend_from_slice(&mark.bits.to_le_bytes()),
        Some(NativeReading { count, sum, buckets }) => {
            put(out, *count);
            put(out, *sum);
            // A scrape has fewer, and what is beyond would only be read as the next mark, and refused.
            out.extend_from_slice(&u32::try_from(buckets.len()).unwrap_or(u32::MAX).to_le_bytes());
            for NativeCount { lower, upper, count } in buckets {
                put(out, *lower);
                put(out, *upper);
                put(out, *count);
            }
        }
    }
    if let Some(at) = mark.at {
        put(out, at.seconds());
    }
    if let Some((lower, upper)) = mark.bounds.map(Bounds::ends) {
        put(out, lower);
        put(out, upper);
    }
    if let Some(start) = mark.start {
        put(out, start.seconds());
    }
}

fn put(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// The head and all marks.
pub(super) fn read(bytes: &[u8]) -> Result<(Head, Vec<(u64, Mark)>), MarksError> {
    let mut reader = Reader { all: bytes, at: 0 };
    let [version] = reader.take()?;
    if version != VERSION {
        return Err(MarksError::Version(version));
    }
    let at = reader.time()?;
    let watched_until = reader.time_or_none()?;
    let process = (reader.time_or_none()?, reader.time_or_none()?);
    let process = match process {
        (Some(at), Some(told)) => Some(ProcessStart { at, told }),
        (None, None) => None,
        _ => return Err(reader.damaged()),
    };
    let mut marks = Vec::new();
    while reader.at < bytes.len() {
        let hash = u64::from_le_bytes(reader.take()?);
        marks.push((hash, reader.mark()?));
    }
    Ok((Head { at, watched_until, process }, marks))
}

struct Reader<'b> {
    all: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn damaged(&self) -> MarksError {
        MarksError::Damaged(self.at)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MarksError> {
        let rest = self.all.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let taken = *rest.ok_or_else(|| self.damaged())?;
        self.at += N;
        Ok(taken)
    }

    fn number(&mut self) -> Result<f64, MarksError> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    /// A number that satisfies `is_right`.
    fn right(&mut self, is_right: impl Fn(f64) -> bool) -> Result<f64, MarksError> {
        let number = self.number()?;
        if is_right(number) { Ok(number) } else { Err(self.damaged()) }
    }

    fn time(&mut self) -> Result<UnixTime, MarksError> {
        self.right(f64::is_finite).map(UnixTime::from_seconds)
    }

    fn time_or_none(&mut self) -> Result<Option<UnixTime>, MarksError> {
        let seconds = self.right(|seconds| !seconds.is_infinite())?;
        Ok((!seconds.is_nan()).then(|| UnixTime::from_seconds(seconds)))
    }

    fn mark(&mut self) -> Result<Mark, MarksError> {
        let [flags] = self.take()?;
        if flags & !KNOWN != 0 {
            return Err(self.damaged());
        }
        let kind = KINDS[usize::from(flags & KIND)];
        let (bits, native) = match kind {
            ReadingKind::Count | ReadingKind::Rate => (self.right(f64::is_finite)?.to_bits(), None),
            ReadingKind::Bucket => (u64::from_le_bytes(self.take()?), None),
            ReadingKind::Native => (0, Some(self.native()?)),
        };
        let at = if flags & ABSENT != 0 { Some(self.time()?) } else { None };
        let bounds = if flags & BOUNDED != 0 { Some(self.bounds()?) } else { None };
        let start = if flags & STARTED != 0 { Some(self.time()?) } else { None };
        Ok(Mark { kind, bits, native, at, bounds, start })
    }

    fn bounds(&mut self) -> Result<Bounds, MarksError> {
        let (lower, upper) = (self.number()?, self.number()?);
        Bounds::new(lower, upper).map_err(|_| self.damaged())
    }

    fn native(&mut self) -> Result<NativeReading, MarksError> {
        let is_count = |count: f64| count.is_finite() && count >= 0.0;
        let (count, sum) = (self.right(is_count)?, self.number()?);
        let length = u32::from_le_bytes(self.take()?);
        let mut buckets = Vec::new();
        for _ in 0..length {
            let (lower, upper) = self.bounds()?.ends();
            buckets.push(NativeCount { lower, upper, count: self.right(is_count)? });
        }
        Ok(NativeReading { count, sum, buckets })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = UnixTime> {
        (0.0..2e9f64).prop_map(UnixTime::from_seconds)
    }

    fn bounds() -> impl Strategy<Value = Bounds> {
        (-1e9..1e9f64, 0.0..1e9f64).prop_map(|(lower, width)| Bounds::new(lower, lower + width).unwrap())
    }

    fn natives() -> impl Strategy<Value = NativeReading> {
        let buckets = proptest::collection::vec((bounds(), 0.0..1e9f64), 0..5);
        (0.0..1e9f64, -1e9..1e9f64, buckets).prop_map(|(count, sum, buckets)| {
            let bucket = |(bounds, count): (Bounds, f64)| {
                let (lower, upper) = bounds.ends();
                NativeCount { lower, upper, count }
            };
            NativeReading { count, sum, buckets: buckets.into_iter().map(bucket).collect() }
        })
    }

    fn marks() -> impl Strategy<Value = Mark> {
        let value = prop_oneof![
            (-1e300..1e300f64).prop_map(|value| (ReadingKind::Count, value.to_bits(), None)),
            (-1e300..1e300f64).prop_map(|value| (ReadingKind::Rate, value.to_bits(), None)),
            any::<u64>().prop_map(|count| (ReadingKind::Bucket, count, None)),
            natives().prop_map(|native| (ReadingKind::Native, 0, Some(native))),
        ];
        let beside = (proptest::option::of(times()), proptest::option::of(bounds()), proptest::option::of(times()));
        (value, beside).prop_map(|((kind, bits, native), (at, bounds, start))| Mark {
            kind,
            bits,
            native,
            at,
            bounds,
            start,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            at in times(),
            watched_until in proptest::option::of(times()),
            process in proptest::option::of((times(), times())),
            marks in proptest::collection::vec((any::<u64>(), marks()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let process = process.map(|(at, told)| ProcessStart { at, told });
            let head = Head { at, watched_until, process };
            let mut bytes = Vec::new();
            write_head(&mut bytes, &head);
            let mut ends = vec![bytes.len()];
            for (hash, mark) in &marks {
                write(&mut bytes, *hash, mark, mark.native.as_ref());
                ends.push(bytes.len());
            }
            prop_assert_eq!(read(&bytes), Ok((head, marks)));
            let cut = cut.index(bytes.len());
            prop_assert_eq!(read(&bytes[..cut]).is_ok(), ends.contains(&cut));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), version in any::<bool>()) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut().filter(|_| version) {
                *first = VERSION;
            }
            let _ = read(&bytes);
        }
    }

    #[test]
    fn the_form_is_fixed() {
        // The published test value of the hash.
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
        let head = Head { at: UnixTime::from_seconds(1.0), watched_until: None, process: None };
        let mut bytes = Vec::new();
        write_head(&mut bytes, &head);
        let mark = Mark { kind: ReadingKind::Bucket, bits: 3, native: None, at: None, bounds: None, start: None };
        write(&mut bytes, 2, &mark, None);
        let nan = f64::NAN.to_le_bytes();
        let expected =
            [&[1][..], &1f64.to_le_bytes(), &nan, &nan, &nan, &2u64.to_le_bytes(), &[2], &3u64.to_le_bytes()].concat();
        assert_eq!(bytes, expected);
        bytes[0] = 9;
        assert_eq!(read(&bytes), Err(MarksError::Version(9)));
    }
}
