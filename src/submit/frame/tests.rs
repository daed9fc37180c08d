use proptest::prelude::*;

use super::*;

/// Something that is told to a block, or done with it.
#[derive(Clone, Debug)]
enum Told {
    Bytes(Vec<u8>),
    /// So many bytes from somewhere.
    Copy(u32, usize),
    /// So many bytes from where the last copy came from.
    Again(usize),
    EndBlock,
    /// The block before once more, with other literals.
    Repeat(u8),
    EndFrame,
}

/// The most bytes of a frame.
const MOST: usize = 3_000_000;

fn told() -> impl Strategy<Value = Vec<Told>> {
    let one = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Told::Bytes),
        3 => "[a-z]{0,200}".prop_map(|text| Told::Bytes(text.into_bytes())),
        1 => (any::<u8>(), 0..3000_usize).prop_map(|(byte, count)| Told::Bytes(vec![byte; count])),
        1 => prop::collection::vec(any::<u8>(), 0..2000).prop_map(Told::Bytes),
        1 => (0..BLOCK).prop_map(|length| Told::Bytes((0..length).map(|at| ((at * at) >> 7) as u8).collect())),
        8 => (any::<u32>(), 0..400_usize).prop_map(|(from, length)| Told::Copy(from, length)),
        1 => (any::<u32>(), 0..BLOCK).prop_map(|(from, length)| Told::Copy(from, length)),
        8 => (0..50_usize).prop_map(Told::Again),
        1 => Just(Told::EndBlock),
        1 => any::<u8>().prop_map(Told::Repeat),
        1 => Just(Told::EndFrame),
    ];
    prop::collection::vec(one, 0..200)
}

/// A block and a frame, and what they should come to hold.
#[derive(Default)]
struct Both {
    builder: BlockBuilder,
    block: Vec<u8>,
    distance: usize,
    /// The block before, and of each of its bytes which literal it is, or is a copy of.
    complete: Option<(Block, Vec<usize>)>,
    frame: Frame,
    content: Vec<u8>,
}

impl Both {
    fn tell(&mut self, told: Told) {
        match told {
            Told::Bytes(bytes) => {
                self.make_room(bytes.len());
                if bytes.len() <= WORD {
                    self.builder.put_word(word(&bytes), bytes.len());
                } else {
                    self.builder.put(&bytes);
                }
                self.block.extend(bytes);
            }
            Told::Copy(from, length) => {
                self.make_room(length);
                if !self.block.is_empty() {
                    self.distance = 1 + from as usize % self.block.len();
                    self.copy(length);
                }
            }
            Told::Again(length) => {
                self.make_room(length);
                if (1..=self.block.len()).contains(&self.distance) {
                    self.copy(length);
                }
            }
            Told::EndBlock => self.end_block(),
            Told::Repeat(change) => self.repeat(change),
            Told::EndFrame => self.end_frame(),
        }
    }

    fn make_room(&mut self, length: usize) {
        if self.block.len() + length > BLOCK {
            self.end_block();
        }
    }

    fn copy(&mut self, length: usize) {
        let start = self.block.len();
        for at in start..start + length {
            self.block.push(self.block[at - self.distance]);
        }
        if length < SHORTEST_NEW {
            self.builder.copy_word(self.distance, word(&self.block[start..]), length);
        } else {
            self.builder.copy(self.distance, length);
        }
    }

    fn end_block(&mut self) {
        assert_eq!(self.builder.size(), self.block.len());
        if self.block.is_empty() {
            return;
        }
        let mut block = self.builder.finish();
        self.add(&mut block, &self.block.clone());
        // Where each literal came to stand is found out by giving them numbers.
        let count = block.literals().len();
        let of_literals = block.literals().to_vec();
        let mut places = vec![0; self.block.len()];
        for digit in 0..3 {
            for (number, literal) in block.literals().iter_mut().enumerate() {
                *literal = (number >> (8 * digit)) as u8;
            }
            for (place, byte) in places.iter_mut().zip(alone(&mut block, self.block.len())) {
                *place |= usize::from(byte) << (8 * digit);
            }
        }
        assert!(places.iter().all(|place| *place < count));
        block.literals().copy_from_slice(&of_literals);
        self.complete = Some((block, places));
        self.block.clear();
    }

    fn add(&mut self, block: &mut Block, content: &[u8]) {
        if self.content.len() + content.len() > MOST {
            self.end_frame();
        }
        let bound = self.frame.bound(block);
        self.frame.add(block);
        self.content.extend_from_slice(content);
        assert_eq!(self.frame.size(), self.content.len());
        assert!(self.frame.done.len() <= bound, "{} bytes where at most {bound} were expected", self.frame.done.len());
    }

    fn repeat(&mut self, change: u8) {
        let Some((mut block, places)) = self.complete.take() else { return };
        for (number, literal) in block.literals().iter_mut().enumerate() {
            *literal = literal.wrapping_add(change.wrapping_mul(number as u8 % 8));
        }
        let content: Vec<u8> = places.iter().map(|place| block.literals()[*place]).collect();
        self.add(&mut block, &content);
        self.complete = Some((block, places));
    }

    fn end_frame(&mut self) {
        if !self.content.is_empty() {
            assert!(decoded(&self.frame.finish(), self.content.len()) == self.content);
            self.content.clear();
        }
    }

    fn end(&mut self) {
        self.end_block();
        self.end_frame();
    }
}

/// What a frame of this block alone holds.
fn alone(block: &mut Block, size: usize) -> Vec<u8> {
    let mut frame = Frame::default();
    frame.add(block);
    decoded(&frame.finish(), size)
}

/// What two decoders read: that of zstd itself, and one that shares nothing with it.
fn decoded(frame: &[u8], size: usize) -> Vec<u8> {
    let content = zstd::bulk::decompress(frame, size).unwrap();
    let mut other = Vec::with_capacity(size);
    ruzstd::decoding::FrameDecoder::new().decode_all_to_vec(frame, &mut other).unwrap();
    assert!(other == content);
    content
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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
        for part in literals.chunks(BLOCK) {
            both.tell(Told::Bytes(part.to_vec()));
        }
        both.end();
    }
}

#[test]
fn codes_serve_again_whatever_the_literals_become() {
    for different in [100, 200, 256] {
        let mut both = Both::default();
        both.tell(Told::Bytes((0..6000_usize).map(|at| (at * at / 40 % different) as u8).collect()));
        both.end_block();
        for change in 0..=40 {
            both.tell(Told::Repeat(change));
        }
        both.end_frame();
    }
}
