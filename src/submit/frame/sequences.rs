//! The sequences of a block (RFC 8878, sections 3.1.1.3.2 and 3.1.1.4): of each, how many literals come, and how much is
//! copied from where.

use super::bits;
use super::fse::{SYMBOLS, Shares, Table};

/// The shortest copy that the format can say.
const SHORTEST: u32 = 3;
/// Below so many sequences their number is told in two bytes; no block has as many.
pub(super) const MOST: usize = 0x7f00;
/// How many bits there is room for behind three symbols of at most 9, 9 and 8, and what a flush left.
const ROOM_FOR_REST: u8 = 30;
/// Fewer sequences than these are coded by the shares that the format lays down.
const FEW: usize = 48;

/// A number as a symbol, and how many bits tell the rest of it.
#[derive(Clone, Copy, Debug)]
struct Code {
    symbol: u8,
    width: u8,
}

/// A sequence as symbols, and what these leave open.
#[derive(Clone, Copy, Debug)]
struct Coded {
    rest: u64,
    width: u8,
    literals: u8,
    offset: u8,
    length: u8,
}

const LITERALS: Shares = Shares::predefined(
    6,
    &[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
);
const LENGTHS: Shares = Shares::predefined(
    6,
    &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
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

/// The code of a number, and its rest.
#[inline]
fn code(number: u32, listed: &[Code; LISTED], bases: &[u32]) -> (Code, u64) {
    let code = listed.get(number as usize).copied().unwrap_or_else(|| {
        // The last code begins with 2^16, and from 2^7 on each has a highest bit of its own.
        let width = number.ilog2();
        Code { symbol: (bases.len() as u32 - 17 + width) as u8, width: width as u8 }
    });
    (code, u64::from(number - bases[usize::from(code.symbol)]))
}

/// How often each symbol of an alphabet occurs.
type Counts = [u32; SYMBOLS];

/// Makes sections of sequences.
#[derive(Debug)]
pub(super) struct Sequences {
    coded: Vec<Coded>,
    literals: Counts,
    offsets: Counts,
    lengths: Counts,
    predefined: [Table; 3],
}

impl Default for Sequences {
    fn default() -> Self {
        Self {
            coded: Vec::new(),
            literals: [0; SYMBOLS],
            offsets: [0; SYMBOLS],
            lengths: [0; SYMBOLS],
            predefined: [LITERALS, OFFSETS, LENGTHS].map(|shares| Table::new(&shares)),
        }
    }
}

impl Sequences {
    /// Adds one: so many literals, and behind them a copy of `length` bytes. `offset` is how far back that is copied from as
    /// the format says it: 1 to 3 for one of the last distances, and others, all below 2^23, with 3 added.
    #[inline]
    pub(super) fn push(&mut self, literals: u32, length: u32, offset: u32) {
        let (literal, literals_rest) = code(literals, &LITERAL_CODES, &LITERAL_BASES);
        let (length, length_rest) = code(length - SHORTEST, &LENGTH_CODES, &LENGTH_BASES);
        let offset_width = offset.ilog2();
        let offset_rest = u64::from(offset ^ 1 << offset_width);
        let rest = (offset_rest << length.width | length_rest) << literal.width | literals_rest;
        let width = literal.width + length.width + offset_width as u8;
        let coded = Coded { rest, width, literals: literal.symbol, offset: offset_width as u8, length: length.symbol };
        self.literals[usize::from(coded.literals) % SYMBOLS] += 1;
        self.offsets[usize::from(coded.offset) % SYMBOLS] += 1;
        self.lengths[usize::from(coded.length) % SYMBOLS] += 1;
        self.coded.push(coded);
    }

    /// Appends the section of the sequences that were added, and forgets them.
    pub(super) fn encode(&mut self, out: &mut Vec<u8>) {
        number(self.coded.len(), out);
        if self.coded.is_empty() {
            return;
        }
        if self.coded.len() < FEW {
            out.push(0);
            let [literals, offsets, lengths] = &self.predefined;
            stream(&self.coded, literals, offsets, lengths, out);
        } else {
            let modes = out.len();
            out.push(0);
            let (literals_mode, literals) = table(&self.literals, 9, out);
            let (offsets_mode, offsets) = table(&self.offsets, 8, out);
            let (lengths_mode, lengths) = table(&self.lengths, 9, out);
            out[modes] = literals_mode << 6 | offsets_mode << 4 | lengths_mode << 2;
            stream(&self.coded, &literals, &offsets, &lengths, out);
        }
        self.coded.clear();
        (self.literals, self.offsets, self.lengths) = ([0; SYMBOLS], [0; SYMBOLS], [0; SYMBOLS]);
    }
}

/// Appends how many sequences there are, fewer than [`MOST`].
fn number(count: usize, out: &mut Vec<u8>) {
    match count {
        0..0x80 => out.push(count as u8),
        _ => out.extend_from_slice(&[(count >> 8) as u8 | 0x80, count as u8]),
    }
}

/// Appends a table for symbols that occur so often; gives the number of its mode, too.
fn table(counts: &Counts, finest: u32, out: &mut Vec<u8>) -> (u8, Table) {
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
    bits::backward(out, coded.len() * 11 + 16, |bits| {
        let mut length = lengths.begin(last.length);
        let mut offset = offsets.begin(last.offset);
        let mut literal = literals.begin(last.literals);
        bits.add(last.rest, u32::from(last.width));
        bits.flush();
        for coded in earlier.iter().rev() {
            offsets.encode(&mut offset, coded.offset, bits);
            lengths.encode(&mut length, coded.length, bits);
            literals.encode(&mut literal, coded.literals, bits);
            if coded.width > ROOM_FOR_REST {
                bits.flush();
            }
            bits.add(coded.rest, u32::from(coded.width));
            bits.flush();
        }
        lengths.end(length, bits);
        offsets.end(offset, bits);
        literals.end(literal, bits);
    });
}
