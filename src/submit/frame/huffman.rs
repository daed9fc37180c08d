//! Huffman codes, the other of the two codes of zstd (RFC 8878, section 4.2): how long the code of each byte is, as a frame
//! says it, and the codes themselves.

use super::bits::{self, Code};
use super::fse::{SYMBOLS, Shares, Table};

/// The longest code that the format allows, in bits.
const LONGEST: u32 = 11;
/// So many weights of 4 bits are the most that stand without being coded themselves.
const MOST_PLAIN: usize = 128;
/// The finest table that weights are coded with.
const WEIGHT_STATES: u32 = 6;

/// How often each byte occurs.
pub(super) type Histogram = [u32; 256];

/// Codes of bytes.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    /// The length of each code; 0 for bytes that do not occur.
    lengths: [u8; 256],
    codes: [Code; 256],
}

impl Codes {
    /// Codes for bytes of which at least two occur.
    pub(super) fn new(histogram: &Histogram) -> Self {
        let lengths = limited(histogram);
        let mut next = [0_u16; LONGEST as usize + 2];
        for length in &lengths {
            next[usize::from(*length)] += 1;
        }
        // The longest codes come first; what they fill of the codes that are one bit shorter is whole.
        let mut first = 0;
        for count in next[1..].iter_mut().rev() {
            first = (first + std::mem::replace(count, first)) >> 1;
        }
        let codes = std::array::from_fn(|byte| {
            let code = &mut next[usize::from(lengths[byte])];
            *code += 1;
            Code::new(*code - 1, lengths[byte])
        });
        Self { lengths, codes }
    }

    /// How many bits these bytes take.
    pub(super) fn cost(&self, histogram: &Histogram) -> usize {
        histogram.iter().zip(&self.lengths).map(|(count, length)| *count as usize * usize::from(*length)).sum()
    }

    /// Appends the lengths as a frame says them; false if there is no way to say them.
    pub(super) fn describe(&self, out: &mut Vec<u8>) -> bool {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        let last = self.lengths.iter().rposition(|length| *length > 0).unwrap_or(0);
        let mut weights = [0_u8; 256];
        for (weight, length) in weights.iter_mut().zip(&self.lengths).filter(|(_, length)| **length > 0) {
            *weight = longest + 1 - length;
        }
        // The weight of the last byte follows from the others.
        let weights = &weights[..last];
        let start = out.len();
        out.push(0);
        let coded = encode_weights(weights, out) && out.len() - start - 1 < MOST_PLAIN;
        let length = out.len() - start - 1;
        if coded && (weights.len() > MOST_PLAIN || length < weights.len().div_ceil(2)) {
            out[start] = length as u8;
            return true;
        }
        out.truncate(start);
        if weights.len() > MOST_PLAIN {
            return false;
        }
        out.push((MOST_PLAIN - 1 + weights.len()) as u8);
        out.extend(weights.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
        true
    }

    /// Appends a stream of bytes, of which each has a code.
    pub(super) fn encode(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let code = |byte: u8| self.codes[usize::from(byte)];
        let (chunks, rest) = bytes.as_chunks::<4>();
        bits::codes(out, bytes.len() * LONGEST as usize / 8 + 1, |bits| {
            for byte in rest.iter().rev() {
                bits.add(code(*byte));
                bits.flush();
            }
            for [first, second, third, fourth] in chunks.iter().rev() {
                // Neither pair waits for the other.
                let (late, early) = (code(*fourth).then(code(*third)), code(*second).then(code(*first)));
                bits.add(late);
                bits.add(early);
                bits.flush();
            }
        });
    }
}

/// Appends weights coded by how often they occur; false if the format has no such code for them.
fn encode_weights(weights: &[u8], out: &mut Vec<u8>) -> bool {
    let mut counts = [0; SYMBOLS];
    for weight in weights {
        counts[usize::from(*weight)] += 1;
    }
    // With a single weight the end of the stream could not be told.
    if weights.len() < 3 || counts.iter().filter(|count| **count > 0).count() < 2 {
        return false;
    }
    let shares = Shares::of(&counts, WEIGHT_STATES);
    shares.describe(out);
    let table = Table::new(&shares);
    bits::backward(out, weights.len() * WEIGHT_STATES as usize / 8 + 4, |bits| {
        // Two states take turns.
        let mut states = [None; 2];
        for (place, weight) in weights.iter().enumerate().rev() {
            match &mut states[place % 2] {
                Some(state) => table.encode(state, *weight, bits),
                state => *state = Some(table.begin(*weight)),
            }
            bits.flush();
        }
        for state in states.into_iter().rev().flatten() {
            table.end(state, bits);
        }
    });
    true
}

/// Lengths of codes, none longer than allowed, that leave no code unused.
fn limited(histogram: &Histogram) -> [u8; 256] {
    // Each byte below how often it occurs, which is less than 2^24 times in a block, so that whole numbers are sorted.
    let mut counted = [0_u32; 256];
    let mut present = 0;
    for (byte, count) in (0..).zip(histogram).filter(|(_, count)| **count > 0) {
        counted[present] = count << 8 | byte;
        present += 1;
    }
    let counted = &mut counted[..present];
    counted.sort_unstable();
    let mut order = [0_u8; 256];
    let order = &mut order[..present];
    for (byte, counted) in order.iter_mut().zip(counted) {
        *byte = *counted as u8;
    }
    let mut lengths = [0; 256];
    for (byte, depth) in order.iter().zip(depths(order, histogram)) {
        lengths[usize::from(*byte)] = depth.min(LONGEST) as u8;
    }
    // How much of all codes of the longest length each byte takes; what they take too much, or too little.
    let part = |length: u8| 1_i32 << (LONGEST - u32::from(length));
    let mut excess = order.iter().map(|byte| part(lengths[usize::from(*byte)])).sum::<i32>() - part(0);
    // Longer codes for the rarest bytes that have not the longest.
    let mut shorter = order.iter().map(|byte| usize::from(*byte)).peekable();
    while excess > 0 {
        let Some(&byte) = shorter.peek() else { break };
        if u32::from(lengths[byte]) == LONGEST {
            shorter.next();
            continue;
        }
        lengths[byte] += 1;
        excess -= part(lengths[byte]);
    }
    while excess < 0 {
        // A shorter code for the most frequent byte whose part is still to be had.
        let fits = |byte: &&u8| part(lengths[usize::from(**byte)]) <= -excess;
        let Some(byte) = order.iter().rev().find(fits) else { break };
        excess += part(lengths[usize::from(*byte)]);
        lengths[usize::from(*byte)] -= 1;
    }
    lengths
}

/// How deep each byte, the rarest first, stands in the tree that Huffman makes.
fn depths(order: &[u8], histogram: &Histogram) -> impl Iterator<Item = u32> {
    let leaves = order.len();
    let mut weights = [0_u32; 512];
    for (weight, byte) in weights.iter_mut().zip(order) {
        *weight = histogram[usize::from(*byte)];
    }
    let mut parents = [0_u16; 512];
    // Leaves and inner nodes both become heavier, so that the lightest two are always at one of two fronts.
    let (mut leaf, mut inner, mut nodes) = (0, leaves, leaves);
    while nodes + 1 < 2 * leaves {
        for _ in 0..2 {
            let is_leaf = leaf < leaves && (inner >= nodes || weights[leaf] <= weights[inner]);
            let front = if is_leaf { &mut leaf } else { &mut inner };
            weights[nodes] += weights[*front];
            parents[*front] = nodes as u16;
            *front += 1;
        }
        nodes += 1;
    }
    let mut depths = [0_u32; 512];
    for node in (0..nodes.saturating_sub(1)).rev() {
        depths[node] = depths[usize::from(parents[node])] + 1;
    }
    depths.into_iter().take(leaves)
}
