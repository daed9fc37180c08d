use proptest::prelude::*;

use super::*;
use crate::submit::encode::{Series, encode_series};

/// A series as it is generated: name, host, tags, and whether the second tag is a device.
#[derive(Clone, Debug)]
struct Draft {
    name: String,
    host: String,
    tags: Vec<String>,
    points: Vec<(f64, PointKind, &'static str)>,
}

fn points() -> impl Strategy<Value = Vec<(f64, PointKind, &'static str)>> {
    let value = prop_oneof![Just(0.0), Just(-0.0), (0..400_u32).prop_map(f64::from), any::<f64>()];
    let kind = prop_oneof![Just(PointKind::Gauge), Just(PointKind::Count), Just(PointKind::Rate)];
    let unit = prop_oneof![4 => Just(""), 1 => Just("byte"), 1 => Just("degree celsius")];
    prop::collection::vec((value, kind, unit), 1..4)
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let tag = prop_oneof![
        4 => "[a-c]{1,3}:[a-c]{0,12}",
        1 => "pod:[a-z]{1,3}-[a-f0-9]{10,40}",
        1 => "long:[a-zé]{110,160}",
        1 => "device:[a-c]{0,4}",
    ];
    let name = prop_oneof!["[a-c]{1,2}", "kube_pod_[a-c]{1,3}", "[a-z]{120,140}"];
    let host = prop_oneof![3 => Just(String::new()), 1 => "[a-b]{1,40}"];
    let draft = (name, host, prop::collection::vec(tag, 0..8), points()).prop_map(|(name, host, mut tags, points)| {
        tags.sort();
        tags.dedup();
        Draft { name, host, tags, points }
    });
    prop::collection::vec(draft, 1..60)
}

fn form(draft: &Draft) -> Form {
    let is_long = |text: &String| text.len() >= 128;
    if draft.tags.iter().any(|tag| tag.starts_with(DEVICE)) {
        Form::Edited
    } else if draft.tags.iter().any(is_long) || is_long(&draft.name) {
        Form::Long
    } else {
        Form::Short
    }
}

/// The same bytes without any memory of what came before.
fn plain(buffer: &mut Vec<u8>, draft: &Draft, own: &str, more: &[String], reading: Reading, time: i64, interval: u32) {
    let device = draft.tags.iter().rfind(|tag| tag.len() > DEVICE.len() && tag.starts_with(DEVICE));
    let start = buffer.len();
    // What stands for the value that would be left out, and is replaced by it.
    let stand_in = f64::from_bits(0x0102_0304_0506_0708);
    let value = if reading.value.to_bits() == 0 { stand_in } else { reading.value };
    let series = Series {
        host: if draft.host.is_empty() { own } else { &draft.host },
        device: device.map_or("", |tag| &tag[DEVICE.len()..]),
        metric: &draft.name,
        tags: draft.tags.iter().filter(|tag| Some(*tag) != device).chain(more).map(String::as_str),
        points: &[(value, time)],
        kind: reading.kind,
        unit: reading.unit,
        source_type_name: "",
        interval: if reading.kind == PointKind::Gauge { 0 } else { interval },
        origin: None,
    };
    encode_series(buffer, series);
    if reading.value.to_bits() == 0 {
        let at = buffer[start..].windows(WORD).rposition(|bytes| bytes == stand_in.to_le_bytes()).unwrap();
        buffer[start + at..][..WORD].fill(0);
    }
}

/// Takes only copies that are copies.
#[derive(Default)]
struct Told(Vec<u8>);

impl Sink for Told {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.put(bytes);
    }

    fn copy(&mut self, distance: usize, length: usize) {
        assert!(length >= SHORTEST_NEW && (length..=self.0.len()).contains(&distance), "{length} of {distance}");
        self.0.copy(distance, length);
    }

    fn put_word(&mut self, word: u64, count: usize) {
        self.0.put_word(word, count);
    }

    fn copy_word(&mut self, distance: usize, word: u64, count: usize) {
        let place = self.0.len() - distance;
        assert_eq!(self.0[place..place + count], word.to_le_bytes()[..count]);
        self.0.put_word(word, count);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_bytes_are_those_of_the_other_way(
        drafts in drafts(),
        own in "[a-z]{0,40}",
        more in prop::collection::vec("[A-Z]{1,150}", 0..3),
        rounds in 1..4_usize,
        time in 0..2_000_000_000_i64,
        interval in 0..1000_u32,
        entries in 1..50_usize,
    ) {
        let mut slots = Slots::default();
        let ids: Vec<SlotId> = drafts
            .iter()
            .map(|draft| slots.intern(&draft.name, &draft.host, draft.tags.iter().map(String::as_str), None))
            .collect();
        let mut into_bytes = PointEncoder::new(&slots, &own, &more, time, interval);
        let mut into_block = PointEncoder::new(&slots, &own, &more, time, interval);
        let (mut bytes, mut told, mut expected) = (vec![], Told::default(), vec![]);
        let (mut count, mut start) = (0, 0);
        for _ in 0..rounds {
            for (draft, series) in drafts.iter().zip(&ids) {
                for &(value, kind, unit) in &draft.points {
                    let reading = Reading { series: *series, form: form(draft), kind, value, unit };
                    let before = expected.len();
                    plain(&mut expected, draft, &own, &more, reading, time, interval);
                    let layout = into_bytes.lay_out(reading);
                    prop_assert_eq!(layout.length(), expected.len() - before);
                    into_bytes.tell(&mut bytes, &layout);
                    let layout = into_block.lay_out(reading);
                    into_block.tell(&mut told, &layout);
                    prop_assert!(told.0 == expected[start..]);
                    count += 1;
                    if count % entries == 0 {
                        into_block.restart(told.0.len());
                        told.0.clear();
                        start = expected.len();
                    }
                }
            }
        }
        prop_assert!(bytes == expected);
    }
}
