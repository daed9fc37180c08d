//! The journal as it is found after every kind of end.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::aggregate::Marks;
use crate::config::DataDirectory;

const NOW: f64 = 1_700_000_000.0;

fn now() -> UnixTime {
    UnixTime::from_seconds(NOW)
}

fn settings() -> StorageSettings {
    StorageSettings { directory: DataDirectory::None, ..StorageSettings::default() }
}

fn body(number: usize, length: usize) -> Bytes {
    // Letters of the records among it, so that they are met where they mean nothing.
    (0..length).map(|at| b"LOADONE"[(at * 3 + number) % 7]).collect::<Vec<_>>().into()
}

fn head(body: &Bytes) -> PayloadHead {
    PayloadHead { kind: 1, entries: 3, created: now(), length: body.len(), checksum: crc32fast::hash(body) }
}

fn payloads(lengths: &[usize]) -> Vec<(PayloadHead, Bytes)> {
    let bodies = lengths.iter().enumerate().map(|(number, &length)| body(number, length));
    bodies.map(|body| (head(&body), body)).collect()
}

fn whole(target: u64, text: &str) -> TimedMarks {
    let content = MarksContent::Whole(text.into());
    TimedMarks { time: now(), marks: Marks { target: TargetKey(target), content } }
}

const MAIN: IntakeId = IntakeId(7);
const OTHER: IntakeId = IntakeId(8);

/// A journal in a directory that goes with it, and what it should still hold.
struct Kept {
    folder: tempfile::TempDir,
    journal: Option<Journal>,
    settings: StorageSettings,
}

impl Kept {
    fn new(settings: StorageSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Self { folder, journal: None, settings };
        assert!(kept.reopen().payloads.is_empty());
        kept
    }

    /// As after an end without a goodbye.
    fn reopen(&mut self) -> Recovered {
        self.journal = None;
        let (journal, recovered) = Journal::open(self.folder.path(), &self.settings, now()).unwrap();
        self.journal = Some(journal);
        recovered
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().unwrap()
    }

    fn append(&mut self, lengths: &[usize], marks: Vec<TimedMarks>) -> Appended {
        let payloads = payloads(lengths);
        self.journal().append(JournalLoad { intakes: &[MAIN, OTHER], payloads: &payloads, marks }, now())
    }

    fn done(&mut self, appended: &Appended, index: u32, intake: IntakeId, is_last: bool) {
        let payload = PayloadId { sequence: appended.sequence, index };
        let segment = appended.places[index as usize].as_ref().map(Place::segment);
        let finished: Vec<u64> = segment.filter(|_| is_last).into_iter().collect();
        self.journal().done(&[Done { payload, intake }], &finished, now());
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn ids(recovered: &Recovered) -> Vec<(u64, u32)> {
    recovered.payloads.iter().map(|payload| (payload.id.sequence, payload.id.index)).collect()
}

#[test]
fn what_was_written_and_not_done_is_found_again_with_its_bytes() {
    let mut kept = Kept::new(settings());
    let first = kept.append(&[10, 2000], vec![whole(1, "a")]);
    let second = kept.append(&[30], vec![whole(2, "b")]);
    kept.done(&first, 0, MAIN, false);
    kept.done(&first, 0, OTHER, true);
    kept.done(&first, 1, OTHER, false);
    for _ in 0..2 {
        let recovered = kept.reopen();
        assert_eq!(ids(&recovered), [(first.sequence, 1), (second.sequence, 0)]);
        assert_eq!(recovered.payloads[0].done, [OTHER]);
        assert_eq!(recovered.payloads[0].head, head(&body(1, 2000)));
        assert_eq!(recovered.payloads[0].place.read().unwrap(), body(1, 2000));
        let marks: Vec<_> = recovered.marks.iter().map(|(target, _)| target.0).collect();
        assert_eq!(marks, [1, 2]);
    }
    assert_eq!(kept.append(&[1], Vec::new()).sequence, second.sequence + 1);
}

#[test]
fn a_segment_goes_when_it_is_done_with_and_the_state_file_has_its_marks() {
    let mut kept = Kept::new(StorageSettings { disk_bytes: 1 << 20, ..settings() });
    let loads: Vec<_> = (0..10).map(|number| kept.append(&[40_000], vec![whole(number, "a")])).collect();
    let segments = kept.journal().log.len();
    assert!(segments > 2, "{segments}");
    for load in &loads[..9] {
        kept.done(load, 0, MAIN, false);
        kept.done(load, 0, OTHER, true);
    }
    assert_eq!(kept.journal().log.len(), segments, "their marks are nowhere else");
    kept.journal().close(now());
    assert_eq!(kept.journal().log.len(), 1);
    let recovered = kept.reopen();
    assert_eq!(ids(&recovered), [(loads[9].sequence, 0)]);
    assert_eq!(recovered.marks.len(), 10);
    kept.done(&loads[9], 0, MAIN, false);
    kept.done(&loads[9], 0, OTHER, true);
    kept.journal().close(now());
    assert_eq!(kept.files(), ["lock", "state"]);
    assert_eq!(kept.append(&[1], Vec::new()).sequence, loads[9].sequence + 1, "numbers go on");
}

#[test]
fn the_oldest_goes_when_the_disk_is_as_full_as_it_may_be() {
    let limit = 200_000;
    let mut kept = Kept::new(StorageSettings { disk_bytes: limit, ..settings() });
    let mut dropped = Vec::new();
    let mut places = Vec::new();
    for number in 0..100 {
        let appended = kept.append(&[10_000], vec![whole(number, "a")]);
        dropped.extend(appended.dropped);
        places.push((appended.sequence, appended.places[0].clone().unwrap()));
        assert!(kept.journal().log.bytes() <= limit);
        assert_eq!(kept.journal().stats().read().bytes, kept.journal().log.bytes());
    }
    assert!(dropped.is_sorted() && dropped.len() > 10);
    places.retain(|(_, place)| !dropped.contains(&place.segment()));
    let recovered = kept.reopen();
    assert_eq!(ids(&recovered), places.iter().map(|(sequence, _)| (*sequence, 0)).collect::<Vec<_>>());
    assert_eq!(recovered.marks.len(), 100, "marks do not go with payloads");
}

#[test]
fn only_one_process_uses_a_directory_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("deep/data");
    let (mut journal, _) = Journal::open(&directory, &settings(), now()).unwrap();
    let error = Journal::open(&directory, &settings(), now()).unwrap_err().to_string();
    assert!(error.contains("another process") && error.contains("deep/data"), "{error}");
    journal.append(JournalLoad { intakes: &[MAIN], payloads: &payloads(&[5]), marks: vec![whole(1, "a")] }, now());
    journal.close(now());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    drop(journal);
    Journal::open(&directory, &settings(), now()).unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Journal::open(&file, &settings(), now()).unwrap_err().to_string();
    assert!(error.contains("cannot be used") && error.contains("`data_dir`"), "{error}");
}

#[test]
fn old_marks_are_not_used() {
    let mut kept = Kept::new(StorageSettings { state_age: Duration::from_mins(1), ..settings() });
    let mut old = whole(1, "a");
    old.time = UnixTime::from_seconds(NOW - 61.0);
    kept.append(&[], vec![old, whole(2, "b")]);
    assert_eq!(kept.reopen().marks.iter().map(|(target, _)| target.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn what_is_switched_off_is_not_written() {
    let mut kept = Kept::new(StorageSettings { queue: false, ..settings() });
    assert!(kept.append(&[10], vec![whole(1, "a")]).places.is_empty());
    let recovered = kept.reopen();
    assert_eq!((recovered.payloads.len(), recovered.marks.len()), (0, 1));
    let mut kept = Kept::new(StorageSettings { state: false, ..settings() });
    kept.append(&[10], vec![whole(1, "a")]);
    kept.journal().close(now());
    let recovered = kept.reopen();
    assert_eq!((recovered.payloads.len(), recovered.marks.len()), (1, 0));
    assert!(!kept.files().contains(&"state".to_owned()));
}

#[test]
fn damage_costs_only_what_is_damaged_and_the_file_is_kept() {
    let mut kept = Kept::new(settings());
    let loads: Vec<_> = (0..3).map(|number| kept.append(&[100], vec![whole(number, "a")])).collect();
    let path = kept.folder.path().join("journal-0000000000000000");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    fs::write(kept.folder.path().join("journal-0000000000000001"), "something else").unwrap();
    fs::write(kept.folder.path().join("state"), "something else").unwrap();
    for damaged in [3, 0] {
        let recovered = kept.reopen();
        assert_eq!(ids(&recovered), [(loads[0].sequence, 0), (loads[2].sequence, 0)]);
        assert!(recovered.payloads.iter().all(|payload| payload.place.read().unwrap() == body(0, 100)));
        assert_eq!(kept.journal().stats().read().damaged, damaged);
    }
    let aside = ["journal-0000000000000000", "journal-0000000000000001", "state"].map(|name| format!("{name}.damaged"));
    assert!(aside.iter().all(|name| kept.files().contains(name)), "{:?}", kept.files());
    assert_eq!(fs::read(kept.folder.path().join(&aside[0])).unwrap(), bytes);
}

#[test]
fn a_body_that_changed_is_not_read() {
    let mut kept = Kept::new(settings());
    let appended = kept.append(&[100], Vec::new());
    let path = kept.folder.path().join("journal-0000000000000000");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = appended.places[0].as_ref().unwrap().read().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_disk_that_takes_nothing_stops_nothing_and_is_well_again_when_it_does() {
    let mut kept = Kept::new(settings());
    let first = kept.append(&[10], vec![whole(1, "a")]);
    // No directory, no segment: the first of this process is not there yet after a start anew.
    let recovered = kept.reopen();
    assert_eq!(ids(&recovered), [(first.sequence, 0)]);
    let (here, away) = (kept.folder.path().to_owned(), kept.folder.path().with_extension("away"));
    fs::rename(&here, &away).unwrap();
    let unwritten = kept.append(&[10], vec![whole(2, "b")]);
    assert!(unwritten.places.iter().all(Option::is_none));
    let stats = kept.journal().stats().read();
    assert!(stats.failures > 0 && stats.failing_since == Some(now()), "{stats:?}");
    fs::rename(&away, &here).unwrap();
    let third = kept.append(&[10], vec![whole(3, "c")]);
    assert!(third.places[0].is_some());
    assert_eq!(kept.journal().stats().read().failing_since, None);
    let recovered = kept.reopen();
    assert_eq!(ids(&recovered), [(first.sequence, 0), (third.sequence, 0)]);
}

/// What a test does to a journal.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>, u64),
    /// The `n`th payload of those that wait is done.
    Done(usize),
    Tick,
    Reopen,
    /// Reopened after the last segment lost so many bytes of its end.
    Cut(u64),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (prop::collection::vec(0_usize..6000, 0..4), 0_u64..4).prop_map(|(lengths, target)| Step::Append(lengths, target)),
        6 => (0_usize..20).prop_map(Step::Done),
        1 => Just(Step::Tick),
        1 => Just(Step::Reopen),
        1 => (0_u64..9000).prop_map(Step::Cut),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..40)
}

/// A payload that should be found again.
#[derive(Clone, Debug)]
struct Expected {
    id: PayloadId,
    body: Bytes,
    segment: u64,
    /// Where its record ends in its segment.
    end: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_was_written_less_what_was_done(steps in steps()) {
        // Small segments, much room.
        let mut kept = Kept::new(StorageSettings { disk_bytes: 150_000, ..settings() });
        let mut waiting: Vec<Expected> = Vec::new();
        for step in steps {
            match step {
                Step::Append(lengths, target) => {
                    let bodies = payloads(&lengths);
                    let load = JournalLoad { intakes: &[MAIN], payloads: &bodies, marks: vec![whole(target, "a")] };
                    let appended = kept.journal().append(load, now());
                    waiting.retain(|payload| !appended.dropped.contains(&payload.segment));
                    let end = kept.journal().log.segment_end();
                    for (index, ((_, body), place)) in (0..).zip(bodies.iter().zip(&appended.places)) {
                        let id = PayloadId { sequence: appended.sequence, index };
                        let segment = place.as_ref().unwrap().segment();
                        waiting.push(Expected { id, body: body.clone(), segment, end });
                    }
                }
                Step::Done(number) => {
                    if let Some(place) = number.checked_rem(waiting.len()) {
                        let payload = waiting.remove(place);
                        let done = Done { payload: payload.id, intake: MAIN };
                        kept.journal().done(&[done], &[payload.segment], now());
                    }
                }
                Step::Tick => kept.journal().tick(now()).into_iter().for_each(Flush::run),
                Step::Close => kept.journal().close(now()),
                Step::Reopen => {
                    let recovered = kept.reopen();
                    compare(&recovered, &waiting, true)?;
                }
                Step::Cut(bytes) => {
                    let last = log::list(kept.folder.path()).unwrap().pop();
                    if let Some((number, path)) = last {
                        let length = fs::metadata(&path).unwrap().len().saturating_sub(bytes);
                        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
                        waiting.retain(|payload| payload.segment != number || payload.end <= length);
                    }
                    let recovered = kept.reopen();
                    // What was done may be found again, for the notice of it was cut off.
                    compare(&recovered, &waiting, false)?;
                    for payload in &recovered.payloads {
                        if !waiting.iter().any(|expected| expected.id == payload.id) {
                            let done = Done { payload: payload.id, intake: MAIN };
                            kept.journal().done(&[done], &[payload.place.segment()], now());
                        }
                    }
                }
            }
        }
        let recovered = kept.reopen();
        compare(&recovered, &waiting, true)?;
        prop_assert_eq!(kept.journal().stats().read().damaged, 0);
    }

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), is_framed: bool) {
        let folder = tempfile::tempdir().unwrap();
        let mut content = if is_framed { log::MAGIC.to_vec() } else { Vec::new() };
        content.extend(&bytes);
        fs::write(folder.path().join("journal-0000000000000003"), &content).unwrap();
        fs::write(folder.path().join("state"), &bytes).unwrap();
        let (_, recovered) = Journal::open(folder.path(), &settings(), now()).unwrap();
        prop_assert!(recovered.payloads.is_empty() && recovered.marks.is_empty());
    }

    #[test]
    fn a_flipped_bit_costs_one_record(place in 0_usize..3000, bit in 0_u32..8) {
        let mut kept = Kept::new(settings());
        let loads: Vec<u64> = (0..5).map(|number| kept.append(&[500], vec![whole(number, "a")]).sequence).collect();
        let path = kept.folder.path().join("journal-0000000000000000");
        let mut bytes = fs::read(&path).unwrap();
        let place = log::MAGIC.len() + place % (bytes.len() - log::MAGIC.len());
        bytes[place] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let found = ids(&kept.reopen());
        prop_assert_eq!(found.len(), 4);
        prop_assert!(found.iter().all(|(sequence, _)| loads.contains(sequence)));
    }
}

fn compare(recovered: &Recovered, waiting: &[Expected], exactly: bool) -> Result<(), TestCaseError> {
    for expected in waiting {
        let found = recovered.payloads.iter().find(|payload| payload.id == expected.id);
        prop_assert!(found.is_some(), "{:?} is lost", expected.id);
        prop_assert_eq!(&found.unwrap().place.read().unwrap(), &expected.body);
    }
    if exactly {
        prop_assert_eq!(recovered.payloads.len(), waiting.len());
    }
    Ok(())
}

#[test]
fn a_crash_at_every_byte_of_a_frame_leaves_all_of_it_or_nothing() {
    let mut kept = Kept::new(settings());
    let first = kept.append(&[20], vec![whole(1, "first")]);
    let path = kept.folder.path().join("journal-0000000000000000");
    let before = fs::read(&path).unwrap();
    let second = kept.append(&[30, 40], vec![whole(1, "second")]);
    let after = fs::read(&path).unwrap();
    for end in before.len()..=after.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal-0000000000000000"), &after[..end]).unwrap();
        let (journal, recovered) = Journal::open(folder.path(), &settings(), now()).unwrap();
        let marks = |text: &str| vec![(TargetKey(1), vec![MarksContent::Whole(text.into())])];
        if end == after.len() {
            assert_eq!(ids(&recovered), [(first.sequence, 0), (second.sequence, 0), (second.sequence, 1)]);
            assert_eq!(recovered.marks, marks("second"));
        } else {
            assert_eq!(ids(&recovered), [(first.sequence, 0)]);
            assert_eq!(recovered.marks, marks("first"));
            let length = fs::metadata(folder.path().join("journal-0000000000000000")).unwrap().len();
            assert_eq!(length as usize, before.len(), "a torn end is cut off");
        }
        assert_eq!(journal.stats().read().damaged, 0);
    }
}
