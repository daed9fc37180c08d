//! The literals of a block (RFC 8878, section 3.1.1.3.1): bytes that are copied from nowhere, coded by how often each
//! occurs.

use super::WORD;
use super::huffman::{Codes, Histogram};

/// So few bytes are not worth codes of their own.
const FEW: usize = 64;
/// Codes that save less are not worth being decoded.
const LEAST_GAIN: usize = 64;
/// From so many bytes on, they are coded in four streams, which are decoded side by side.
const MANY: usize = 1 << 8;

/// The longest header of the section.
pub(super) const HEADER: usize = 5;

const RAW: u32 = 0;
const RUN: u32 = 1;
const CODED: u32 = 2;

/// With so many different bytes, codes for all bytes are hardly longer.
const NEARLY_ALL: usize = 176;
/// How often codes serve again.
const SERVINGS: u32 = 15;

/// Codes, and how the section says them.
#[derive(Debug)]
struct Described {
    codes: Codes,
    description: Vec<u8>,
}

/// Codes for all bytes, which serve again for other literals in the same place: how often each byte occurs changes slowly,
/// and to find that out takes as long as half of the coding.
#[derive(Debug)]
pub(super) struct KeptCodes {
    described: Described,
    /// How often they still may serve.
    servings: u32,
}

/// Appends the section.
pub(super) fn encode(literals: &[u8], kept: &mut Option<KeptCodes>, out: &mut Vec<u8>) {
    if let Some(KeptCodes { described, servings }) = kept.as_mut().filter(|kept| kept.servings > 0)
        && append(literals, described, out)
    {
        *servings -= 1;
        return;
    }
    *kept = None;
    let histogram = histogram(literals);
    if let Some(first) = literals.first().filter(|first| histogram[usize::from(**first)] as usize == literals.len()) {
        plain_header(RUN, literals.len(), out);
        out.push(*first);
        return;
    }
    if literals.len() >= FEW
        && let Some((described, is_for_all)) = codes_for(literals, &histogram)
        && append(literals, &described, out)
    {
        *kept = is_for_all.then_some(KeptCodes { described, servings: SERVINGS });
        return;
    }
    plain_header(RAW, literals.len(), out);
    out.extend_from_slice(literals);
}

/// Codes for such literals, if they are a gain; and whether all bytes have one.
fn codes_for(literals: &[u8], histogram: &Histogram) -> Option<(Described, bool)> {
    let exact = || Described::new(histogram).map(|described| (described, false));
    let for_all = || Described::new(&histogram.map(|count| count.max(1))).map(|described| (described, true));
    let different = histogram.iter().filter(|count| **count > 0).count();
    let codes = if different >= NEARLY_ALL { for_all().or_else(exact) } else { exact() }?;
    (codes.0.codes.cost(histogram) / 8 + LEAST_GAIN < literals.len()).then_some(codes)
}

impl Described {
    fn new(histogram: &Histogram) -> Option<Self> {
        let (codes, mut description) = (Codes::new(histogram), Vec::new());
        codes.describe(&mut description).then_some(Self { codes, description })
    }
}

/// The header of literals that are not coded.
fn plain_header(kind: u32, length: usize, out: &mut Vec<u8>) {
    let length = length as u32;
    match length {
        0..32 => out.push((kind | length << 3) as u8),
        32..4096 => out.extend_from_slice(&((kind | 1 << 2 | length << 4) as u16).to_le_bytes()),
        _ => out.extend_from_slice(&(kind | 3 << 2 | length << 4).to_le_bytes()[..3]),
    }
}

/// Appends literals in codes; false, and nothing is appended, if that is no gain.
fn append(literals: &[u8], Described { codes, description }: &Described, out: &mut Vec<u8>) -> bool {
    // Widths of the two lengths in the header, and how the header says so.
    let (size_format, width) = match literals.len() {
        0..MANY => (0, 10),
        MANY..1024 => (1, 10),
        1024..0x4000 => (2, 14),
        _ => (3, 18),
    };
    let header_length = (4 + 2 * width as usize).div_ceil(8);
    let start = out.len();
    out.resize(start + header_length, 0);
    out.extend_from_slice(description);
    if size_format == 0 {
        codes.encode(literals, out);
    } else {
        streams(literals, codes, out);
    }
    let length = out.len() - start - header_length;
    if length >= literals.len() {
        out.truncate(start);
        return false;
    }
    let header = u64::from(CODED) | size_format << 2 | (literals.len() as u64) << 4 | (length as u64) << (4 + width);
    out[start..start + header_length].copy_from_slice(&header.to_le_bytes()[..header_length]);
    true
}

/// Four streams, and before them the lengths of three.
fn streams(literals: &[u8], codes: &Codes, out: &mut Vec<u8>) {
    let table = out.len();
    out.resize(table + 6, 0);
    for (number, quarter) in literals.chunks(literals.len().div_ceil(4)).enumerate() {
        let start = out.len();
        codes.encode(quarter, out);
        let length = (out.len() - start) as u16;
        if number < 3 {
            out[table + 2 * number..][..2].copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// Counts in four tables, so that a run of one byte does not wait for itself.
fn histogram(bytes: &[u8]) -> Histogram {
    let mut counts = [[0_u32; 256]; 4];
    let (chunks, rest) = bytes.as_chunks::<WORD>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        for place in 0..WORD {
            counts[place % 4][(word >> (8 * place)) as usize & 0xff] += 1;
        }
    }
    for byte in rest {
        counts[0][usize::from(*byte)] += 1;
    }
    let [first, second, third, fourth] = &counts;
    std::array::from_fn(|byte| first[byte] + second[byte] + third[byte] + fourth[byte])
}
