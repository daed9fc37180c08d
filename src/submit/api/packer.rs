//! Gathers encoded entries until they fill a payload, so that small targets share requests.

use super::payload::{Entries, Limits, Payload, PayloadKind};
use crate::time::UnixTime;

/// Entries that fill a payload before compression, or wait for others.
#[derive(Debug)]
struct Load {
    entries: Entries,
    /// The time of the oldest delivery within.
    created: UnixTime,
}

/// The open load of one kind.
#[derive(Debug)]
pub(super) struct Packer {
    kind: PayloadKind,
    limits: Limits,
    open: Option<Load>,
}

impl Packer {
    pub(super) fn new(kind: PayloadKind, limits: Limits) -> Self {
        Self { kind, limits, open: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none()
    }

    /// Takes entries in; what is full leaves as [`Packed`].
    pub(super) fn add(&mut self, entries: &Entries, created: UnixTime) -> Packed {
        let mut packed = Packed { limits: self.limits, loads: Vec::new(), too_large: 0 };
        for entry in entries.iter() {
            if Entries::new(self.kind).body_length_with(entry.len()) > self.limits.uncompressed {
                packed.too_large += 1;
                continue;
            }
            if let Some(load) = &self.open
                && (load.entries.len() >= self.limits.entries
                    || load.entries.body_length_with(entry.len()) > self.limits.uncompressed)
            {
                packed.loads.extend(self.open.take());
            }
            let load = self.open.get_or_insert_with(|| Load { entries: Entries::new(self.kind), created });
            if created < load.created {
                load.created = created;
            }
            load.entries.add(|buffer| buffer.extend_from_slice(entry));
        }
        packed
    }

    /// Takes out what waits, full or not.
    pub(super) fn take(&mut self) -> Packed {
        Packed { limits: self.limits, loads: self.open.take().into_iter().collect(), too_large: 0 }
    }
}

/// Loads on their way to be compressed, which takes long enough to be done where nobody waits for the packer.
#[derive(Debug)]
#[must_use]
pub(super) struct Packed {
    limits: Limits,
    loads: Vec<Load>,
    too_large: u64,
}

impl Packed {
    /// The payloads, and how many entries were too large for one.
    pub(super) fn seal(self) -> (Vec<Payload>, u64) {
        let mut payloads = Vec::new();
        let mut too_large = self.too_large;
        for load in self.loads {
            too_large += load.entries.seal(self.limits, load.created, &mut payloads);
        }
        (payloads, too_large)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::submit::encode::{CheckRun, encode_check_run};

    /// A framed entry of about `length` bytes that compresses badly and tells its number.
    fn entry(kind: PayloadKind, number: u32, length: usize) -> Vec<u8> {
        let mut state = u64::from(number) + 1;
        let noise: String = std::iter::from_fn(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some(char::from(b'!' + (state >> 59) as u8))
        })
        .filter(|c| !matches!(c, '"' | '\\'))
        .take(length)
        .collect();
        let content = format!("{number}:{noise}");
        let mut buffer = Vec::new();
        if kind == PayloadKind::ServiceChecks {
            let run = CheckRun {
                check: &content,
                host_name: "",
                status: crate::map::Status::Ok,
                timestamp: 0,
                message: "",
                tags: &[],
            };
            encode_check_run(&mut buffer, &run);
        } else {
            prost::encoding::string::encode(1, &content, &mut buffer);
        }
        buffer
    }

    #[derive(prost::Message)]
    struct Strings {
        #[prost(string, repeated, tag = "1")]
        entries: Vec<String>,
    }

    fn numbers(payload: &Payload, limits: Limits) -> Vec<u32> {
        let body = zstd::bulk::decompress(&payload.body, 1 << 24).unwrap();
        assert!(body.len() <= limits.uncompressed && payload.body.len() <= limits.compressed);
        let texts = if payload.kind == PayloadKind::ServiceChecks {
            let checks: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
            checks.iter().map(|check| check["check"].as_str().unwrap().to_owned()).collect()
        } else {
            <Strings as prost::Message>::decode(&*body).unwrap().entries
        };
        assert!(!texts.is_empty() && texts.len() <= limits.entries);
        assert_eq!(payload.entries, texts.len() as u64);
        texts.iter().map(|text| text.split(':').next().unwrap().parse().unwrap()).collect()
    }

    fn kinds() -> impl Strategy<Value = PayloadKind> {
        prop_oneof![Just(PayloadKind::Series), Just(PayloadKind::Sketches), Just(PayloadKind::ServiceChecks)]
    }

    proptest! {
        #[test]
        fn every_entry_is_packed_once_or_counted(
            kind in kinds(),
            deliveries in prop::collection::vec(prop::collection::vec(0_usize..700, 0..30), 1..6),
            uncompressed in 200_usize..3000,
            compressed in 150_usize..1500,
            entries in 1_usize..40,
        ) {
            let limits = Limits { compressed, uncompressed, entries };
            let mut packer = Packer::new(kind, limits);
            let (mut count, mut too_large, mut payloads) = (0, 0, Vec::new());
            let mut collect = |packed: Packed| {
                let (sealed, lost) = packed.seal();
                payloads.extend(sealed);
                too_large += lost;
            };
            for lengths in &deliveries {
                let mut encoded = Entries::new(kind);
                for length in lengths {
                    encoded.add(|buffer| buffer.extend(entry(kind, count, *length)));
                    count += 1;
                }
                collect(packer.add(&encoded, UnixTime::from_seconds(0.0)));
            }
            collect(packer.take());
            prop_assert!(packer.is_empty());
            let found: Vec<u32> = payloads.iter().flat_map(|payload| numbers(payload, limits)).collect();
            prop_assert!(found.is_sorted_by(|a, b| a < b), "in order, each once");
            prop_assert_eq!(found.len() as u64 + too_large, u64::from(count));
            let fits = deliveries.iter().flatten().filter(|length| **length < 60).count();
            prop_assert!(found.len() >= fits, "small entries always fit");
        }

        #[test]
        fn halving_keeps_every_entry(kind in kinds(), count in 1_u32..40) {
            let mut entries = Entries::new(kind);
            for number in 0..count {
                entries.add(|buffer| buffer.extend(entry(kind, number, 20)));
            }
            let mut sealed = Vec::new();
            prop_assert_eq!(entries.seal(kind.limits(), UnixTime::from_seconds(7.0), &mut sealed), 0);
            prop_assert_eq!(sealed.len(), 1);
            match sealed[0].halve() {
                None => prop_assert_eq!(count, 1),
                Some(halves) => {
                    prop_assert_eq!(halves.len(), 2);
                    let found: Vec<u32> = halves.iter().flat_map(|half| numbers(half, kind.limits())).collect();
                    prop_assert_eq!(found, (0..count).collect::<Vec<_>>());
                    prop_assert!(halves.iter().all(|half| half.created == UnixTime::from_seconds(7.0)));
                }
            }
        }
    }
}
