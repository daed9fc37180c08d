//! A load: the entries of many deliveries, so that small targets share requests, together with the marks of the same
//! deliveries.

use super::entries::Encoded;
use super::payload::{Entries, Limits, Payload, PayloadKind};
use crate::aggregate::Marks;
use crate::submit::journal::TimedMarks;
use crate::time::UnixTime;

/// What was handed in and is not kept yet. It always holds whole deliveries.
#[derive(Debug)]
pub(super) struct Load {
    /// By kind, each with the time of the oldest delivery within.
    entries: [(Entries, UnixTime); PayloadKind::ALL.len()],
    /// What is compressed already.
    payloads: Vec<Payload>,
    marks: Vec<TimedMarks>,
}

impl Default for Load {
    fn default() -> Self {
        let entries = PayloadKind::ALL.map(|kind| (Entries::new(kind), UnixTime::from_seconds(0.0)));
        Self { entries, payloads: Vec::new(), marks: Vec::new() }
    }
}

impl Load {
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.len() == 0
    }

    /// How many entries it holds.
    pub(super) fn len(&self) -> u64 {
        let compressed = self.payloads.iter().map(|payload| payload.entries).sum::<u64>();
        compressed + self.entries.iter().map(|(entries, _)| entries.len() as u64).sum::<u64>()
    }

    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        let compressed = self.payloads.iter().map(|payload| payload.body.len()).sum::<usize>();
        compressed + self.entries.iter().map(|(entries, _)| entries.size()).sum::<usize>()
    }

    /// Takes in a delivery of this time.
    pub(super) fn add(&mut self, encoded: Encoded, marks: Option<Marks>, time: UnixTime) {
        let Encoded { payloads, series, sketches, service_checks, events, dropped: _ } = encoded;
        self.payloads.extend(payloads);
        for new in [series, sketches, service_checks, events] {
            let (entries, oldest) = &mut self.entries[new.kind as usize];
            if !new.is_empty() && (entries.is_empty() || time < *oldest) {
                *oldest = time;
            }
            entries.append(new);
        }
        self.marks.extend(marks.map(|marks| TimedMarks { time, marks }));
    }

    /// Makes payloads of the entries, which takes long enough to be done where nobody waits.
    pub(super) fn seal(self) -> Sealed {
        self.seal_within(PayloadKind::limits)
    }

    fn seal_within(self, limits: impl Fn(PayloadKind) -> Limits) -> Sealed {
        let mut sealed = Sealed { payloads: self.payloads, too_large: 0, marks: self.marks };
        for (entries, oldest) in self.entries {
            sealed.too_large += entries.seal(limits(entries.kind), oldest, &mut sealed.payloads);
        }
        sealed
    }
}

/// A load that is ready to be kept and sent.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) payloads: Vec<Payload>,
    /// Entries that no payload can hold.
    pub(super) too_large: u64,
    pub(super) marks: Vec<TimedMarks>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::submit::api::payload::halve;
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

    fn entries_of(encoded: &mut Encoded, kind: PayloadKind) -> &mut Entries {
        match kind {
            PayloadKind::Series => &mut encoded.series,
            PayloadKind::Sketches => &mut encoded.sketches,
            PayloadKind::ServiceChecks => &mut encoded.service_checks,
            PayloadKind::Events => &mut encoded.events,
        }
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
            let (mut count, mut load) = (0, Load::default());
            for (lengths, time) in deliveries.iter().zip([9.0, 7.0, 8.0, 7.5, 9.5]) {
                let mut encoded = Encoded::default();
                for length in lengths {
                    entries_of(&mut encoded, kind).add(|buffer| buffer.extend(entry(kind, count, *length)));
                    count += 1;
                }
                load.add(encoded, None, UnixTime::from_seconds(time));
            }
            prop_assert_eq!(load.len(), u64::from(count));
            let Sealed { payloads, too_large, .. } = load.seal_within(|_| limits);
            let oldest = deliveries.iter().zip([9.0, 7.0, 8.0, 7.5, 9.5]).filter(|(lengths, _)| !lengths.is_empty());
            let oldest = oldest.map(|(_, time)| time).fold(f64::INFINITY, f64::min);
            prop_assert!(payloads.iter().all(|payload| payload.created == UnixTime::from_seconds(oldest)));
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
            match halve(kind, &sealed[0].body, sealed[0].created) {
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
