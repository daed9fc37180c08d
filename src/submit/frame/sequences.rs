//! The sequences of a block (RFC 8878, sections 3.1.1.3.2 and 3.1.1.4): of each, how many literals come, and how much is
//! copied from where.

use super::bits::Bits;
use super::fse::{SYMBOLS, Shares, Table};

/// The shortest copy that the format can say.
pub(super) const SHORTEST: u32 = 3;
/// Fewer sequences than these are coded by the shares that the format lays down.
const FEW: usize = 48;

/// Literals, and what is copied behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    pub(super) literals: u32,
    pub(super) length: u32,
    /// How far back it is copied from, as the format says it: 1 to 3 for one of the last distances, and others with 3 added.
    pub(super) offset: u32,
}

/// A number as a symbol, and the rest of it in bits.
#[derive(Clone, Copy, Debug, Default)]
struct Code {
    symbol: u8,
    width: u8,
}

/// The three parts of a sequence as symbols.
#[derive(Clone, Copy, Debug, Default)]
struct Coded {
    literals: Code,
    offset: Code,
    length: Code,
    literals_rest: u16,
    length_rest: u16,
    offset_rest: u32,
}

const LITERALS: Shares = Shares::predefined(
    6,
    &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    ],
);
const LENGTHS: Shares = Shares::predefined(
    6,
    &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
);
const OFFSETS: Shares = Shares::predefined(
    5,
    &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
);

/// The least number of each code of literals, and of each code of copied bytes less the shortest copy.
const LITERAL_BASES: [u32; 36] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024,
    2048, 4096, 8192, 16384, 32768, 65536,
];
const LENGTH_BASES: [u32; 53] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 32, 34, 36, 38, 40, 44, 48, 56, 64, 80, 96, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536,
];
/// Numbers below this have their code in a list; each above has that of its highest bit.
const LISTED: usize = 128;
static LITERAL_CODES: [Code; LISTED] = listed(&LITERAL_BASES);
static LENGTH_CODES: [Code; LISTED] = listed(&LENGTH_BASES);

/// The codes of small numbers, by where each code begins.
const fn listed(bases: &[u32]) -> [Code; LISTED] {
    let mut codes = [Code { symbol: 0, width: 0 }; LISTED];
    let mut symbol = 0;
    let mut number = 0;
    while number < LISTED {
        if symbol + 1 < bases.len() && bases[symbol + 1] as usize <= number {
            symbol += 1;
        }
        let width = (bases[symbol + 1] - bases[symbol]).ilog2();
        codes[number] = Code { symbol: symbol as u8, width: width as u8 };
        number += 1;
    }
    codes
}

#[inline]
fn code(number: u32, listed: &[Code; LISTED], bases: &[u32]) -> (Code, u16) {
    let code = listed.get(number as usize).copied().unwrap_or_else(|| {
        // The last code begins with 2^16, and from 2^7 on each has a highest bit of its own.
        let width = number.ilog2();
        Code { symbol: (bases.len() as u32 - 17 + width) as u8, width: width as u8 }
    });
    (code, (number - bases[usize::from(code.symbol)]) as u16)
}

impl Coded {
    #[inline]
    fn new(sequence: Sequence) -> Self {
        let (literals, literals_rest) = code(sequence.literals, &LITERAL_CODES, &LITERAL_BASES);
        let (length, length_rest) = code(sequence.length - SHORTEST, &LENGTH_CODES, &LENGTH_BASES);
        let width = sequence.offset.ilog2() as u8;
        let offset = Code { symbol: width, width };
        Self { literals, offset, length, literals_rest, length_rest, offset_rest: sequence.offset }
    }
}

/// Makes sections of sequences.
#[derive(Debug)]
pub(super) struct Sequences {
    coded: Vec<Coded>,
    predefined: [Table; 3],
}

impl Default for Sequences {
    fn default() -> Self {
        Self { coded: Vec::new(), predefined: [LITERALS, OFFSETS, LENGTHS].map(|shares| Table::new(&shares)) }
    }
}

impl Sequences {
    /// Appends the section.
    pub(super) fn encode(&mut self, sequences: &[Sequence], out: &mut Vec<u8>) {
        number(sequences.len(), out);
        if sequences.is_empty() {
            return;
        }
        self.coded.clear();
        self.coded.extend(sequences.iter().map(|sequence| Coded::new(*sequence)));
        if sequences.len() < FEW {
            out.push(0);
            let [literals, offsets, lengths] = &self.predefined;
            stream(&self.coded, literals, offsets, lengths, out);
            return;
        }
        let mut counts = [[0_u32; SYMBOLS]; 3];
        let [literals, offsets, lengths] = &mut counts;
        for coded in &self.coded {
            literals[usize::from(coded.literals.symbol)] += 1;
            offsets[usize::from(coded.offset.symbol)] += 1;
            lengths[usize::from(coded.length.symbol)] += 1;
        }
        let modes = out.len();
        out.push(0);
        let finest = [9, 8, 9];
        let mut mode = 0;
        let tables: [Table; 3] = std::array::from_fn(|kind| {
            let (own, table) = table(&counts[kind], finest[kind], out);
            mode = mode << 2 | own;
            table
        });
        out[modes] = mode << 2;
        let [literals, offsets, lengths] = &tables;
        stream(&self.coded, literals, offsets, lengths, out);
    }
}

/// Appends how many sequences there are.
fn number(count: usize, out: &mut Vec<u8>) {
    match count {
        0..0x80 => out.push(count as u8),
        0x80..0x7f00 => out.extend_from_slice(&[(count >> 8) as u8 | 0x80, count as u8]),
        _ => {
            out.push(0xff);
            out.extend_from_slice(&((count - 0x7f00) as u16).to_le_bytes());
        }
    }
}

/// Appends a table for symbols that occur so often; with the number of its mode.
fn table(counts: &[u32; SYMBOLS], finest: u32, out: &mut Vec<u8>) -> (u8, Table) {
    let mut present = (0..SYMBOLS).filter(|symbol| counts[*symbol] > 0);
    if let (Some(only), None) = (present.next(), present.next()) {
        out.push(only as u8);
        return (1, Table::single());
    }
    let shares = Shares::of(counts, finest);
    shares.describe(out);
    (2, Table::new(&shares))
}

/// Appends the sequences, the last one first.
fn stream(coded: &[Coded], literals: &Table, offsets: &Table, lengths: &Table, out: &mut Vec<u8>) {
    let Some((last, earlier)) = coded.split_last() else { return };
    let mut bits = Bits::new(out, coded.len() * 11 + 16);
    let mut length = lengths.begin(last.length.symbol);
    let mut offset = offsets.begin(last.offset.symbol);
    let mut literal = literals.begin(last.literals.symbol);
    rest(last, &mut bits);
    for coded in earlier.iter().rev() {
        offsets.encode(&mut offset, coded.offset.symbol, &mut bits);
        lengths.encode(&mut length, coded.length.symbol, &mut bits);
        literals.encode(&mut literal, coded.literals.symbol, &mut bits);
        bits.flush();
        rest(coded, &mut bits);
    }
    lengths.end(length, &mut bits);
    offsets.end(offset, &mut bits);
    literals.end(literal, &mut bits);
    bits.close();
}

/// Adds what symbols leave open.
#[inline]
fn rest(coded: &Coded, bits: &mut Bits<'_>) {
    bits.add(u64::from(coded.literals_rest), u32::from(coded.literals.width));
    bits.add(u64::from(coded.length_rest), u32::from(coded.length.width));
    // Distances are below 2^24, so that there is room for all three behind what a flush leaves.
    bits.add(u64::from(coded.offset_rest), u32::from(coded.offset.width));
    bits.flush();
}
