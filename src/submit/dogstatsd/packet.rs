//! Packets: whole lines up to the size that the way to the Agent allows.

use bytes::Bytes;

/// Lines that travel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) bytes: Bytes,
    /// Points, sketches and service checks that are complete with this packet.
    pub(super) points: u64,
}

/// Gathers lines into packets.
#[derive(Debug)]
pub(super) struct Packets {
    limit: usize,
    open: Vec<u8>,
    points: u64,
    full: Vec<Packet>,
}

impl Packets {
    /// Packets of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, open: Vec::new(), points: 0, full: Vec::new() }
    }

    /// Takes the lines of one point; `false` when one is too long, and then none is taken.
    pub(super) fn add(&mut self, lines: &[String]) -> bool {
        if lines.iter().any(|line| line.len() > self.limit) {
            return false;
        }
        for line in lines {
            if !self.open.is_empty() && self.open.len() + 1 + line.len() > self.limit {
                self.close();
            }
            if !self.open.is_empty() {
                self.open.push(b'\n');
            }
            self.open.extend_from_slice(line.as_bytes());
        }
        self.points += 1;
        true
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let bytes = std::mem::take(&mut self.open).into();
            self.full.push(Packet { bytes, points: std::mem::take(&mut self.points) });
        }
    }

    /// All packets.
    pub(super) fn finish(mut self) -> Vec<Packet> {
        self.close();
        self.full
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_stay_whole_and_in_order(
            limit in 1_usize..60,
            points in prop::collection::vec(prop::collection::vec("[a-z]{1,70}", 1..4), 0..30),
        ) {
            let mut packets = Packets::new(limit);
            let taken: Vec<&Vec<String>> = points.iter().filter(|lines| packets.add(lines)).collect();
            let fits = |lines: &&Vec<String>| lines.iter().all(|line| line.len() <= limit);
            prop_assert_eq!(&taken, &points.iter().filter(fits).collect::<Vec<_>>());
            let packets = packets.finish();
            prop_assert!(packets.iter().all(|packet| (1..=limit).contains(&packet.bytes.len())));
            let total: u64 = packets.iter().map(|packet| packet.points).sum();
            prop_assert_eq!(total, taken.len() as u64);
            let sent: Vec<String> = packets
                .iter()
                .flat_map(|packet| std::str::from_utf8(&packet.bytes).unwrap().split('\n').map(str::to_owned))
                .collect();
            prop_assert_eq!(sent, taken.into_iter().flatten().cloned().collect::<Vec<_>>());
        }
    }
}
