use proptest::prelude::*;

use super::*;

/// Something that is told to a frame.
#[derive(Clone, Debug)]
enum Told {
    Bytes(Vec<u8>),
    /// So many bytes from somewhere.
    Copy(u32, usize),
    /// So many bytes from where the last copy came from.
    Again(usize),
    End,
}

/// The most bytes of a frame.
const MOST: usize = 3_000_000;

fn told() -> impl Strategy<Value = Vec<Told>> {
    let one = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Told::Bytes),
        3 => "[a-z]{0,200}".prop_map(|text| Told::Bytes(text.into_bytes())),
        1 => (any::<u8>(), 0..3000_usize).prop_map(|(byte, count)| Told::Bytes(vec![byte; count])),
        1 => prop::collection::vec(any::<u8>(), 0..2000).prop_map(Told::Bytes),
        1 => (0..300_000_usize).prop_map(|length| Told::Bytes((0..length).map(|at| ((at * at) >> 7) as u8).collect())),
        8 => (any::<u32>(), 0..400_usize).prop_map(|(from, length)| Told::Copy(from, length)),
        1 => (any::<u32>(), 0..200_000_usize).prop_map(|(from, length)| Told::Copy(from, length)),
        8 => (0..50_usize).prop_map(Told::Again),
        1 => Just(Told::End),
    ];
    prop::collection::vec(one, 0..200)
}

/// A frame, and what it should come to hold.
#[derive(Default)]
struct Both {
    frame: Frame,
    content: Vec<u8>,
    distance: usize,
}

impl Both {
    fn tell(&mut self, told: Told) {
        match told {
            Told::Bytes(bytes) if self.content.len() + bytes.len() < MOST => {
                if bytes.len() <= WORD {
                    self.frame.literal_word(word(&bytes), bytes.len());
                } else {
                    self.frame.literals(&bytes);
                }
                self.content.extend(bytes);
            }
            Told::Copy(from, length) if !self.content.is_empty() => {
                self.distance = 1 + from as usize % self.content.len();
                self.copy(length);
            }
            Told::Again(length) if (1..=self.content.len()).contains(&self.distance) => self.copy(length),
            Told::End => self.end(),
            Told::Bytes(_) | Told::Copy(..) | Told::Again(_) => {}
        }
    }

    fn copy(&mut self, length: usize) {
        let start = self.content.len();
        if start + length > MOST {
            return;
        }
        for at in start..start + length {
            self.content.push(self.content[at - self.distance]);
        }
        if length < SHORTEST_NEW {
            self.frame.copy_word(self.distance, word(&self.content[start..]), length);
        } else {
            self.frame.copy(self.distance, length);
        }
    }

    fn end(&mut self) {
        let bound = self.frame.bound(0);
        assert_eq!(self.frame.size(), self.content.len());
        let done = self.frame.finish();
        assert!(done.len() <= bound, "{} bytes where at most {bound} were expected", done.len());
        assert!(zstd::bulk::decompress(&done, MOST).unwrap() == self.content);
        let mut other = Vec::with_capacity(self.content.len());
        ruzstd::decoding::FrameDecoder::new().decode_all_to_vec(&done, &mut other).unwrap();
        assert!(other == self.content);
        self.content.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The decoders are that of zstd itself, and one that shares nothing with it.
    #[test]
    fn a_decoder_reads_what_was_told(told in told()) {
        let mut both = Both::default();
        for told in told {
            both.tell(told);
        }
        both.end();
    }
}

/// All ways to say how many sequences there are, and each table: laid down, of one symbol, of many.
#[test]
fn sequences_of_any_number() {
    for count in [0, 1, 2, 47, 48, 49, 0x7f, 0x80, 1000, 12_000] {
        for varied in [false, true] {
            let mut both = Both::default();
            both.tell(Told::Bytes(b"what is copied".to_vec()));
            for number in 0..count {
                let variation = if varied { number * number % 7 } else { 0 };
                both.tell(Told::Bytes(vec![number as u8; 1 + variation]));
                both.tell(Told::Copy(8 + variation as u32, 6 + variation));
            }
            both.end();
        }
    }
}

/// Bytes of which some are so rare that their codes would be too long.
#[test]
fn literals_of_any_rarity() {
    for most in [2_usize, 3, 17, 60, 129, 256] {
        let mut literals = Vec::new();
        for byte in 0..most {
            literals.resize(literals.len() + (1 << (byte % 15)), byte as u8);
        }
        let mut both = Both::default();
        both.tell(Told::Bytes(literals));
        both.end();
    }
}
