//! Finite state entropy, one of the two codes of zstd (RFC 8878, section 4.1): how likely each symbol is, as a frame
//! says it, and the table that turns symbols into bits.

use super::bits::{self, Bits};

/// The most symbols of any alphabet that is coded so.
pub(super) const SYMBOLS: usize = 53;
/// The finest table is of 2^9 states.
const STATES: usize = 1 << 9;
/// Room for the symbols of any alphabet, so that the place of one needs no check.
const ROOM: usize = 64;
const COARSEST: u32 = 5;

/// How many of the states of a table are those of each symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    /// The number of states is two to the power of this.
    log: u32,
    /// -1 stands for one state of a symbol that is less likely than one state says.
    of: [i16; SYMBOLS],
    /// How many symbols the alphabet has, the last of which has a share.
    symbols: usize,
}

impl Shares {
    /// Shares that the format lays down.
    pub(super) const fn predefined(log: u32, of: &[i16]) -> Self {
        let mut shares = [0; SYMBOLS];
        let mut symbol = 0;
        while symbol < of.len() {
            shares[symbol] = of[symbol];
            symbol += 1;
        }
        Self { log, of: shares, symbols: of.len() }
    }

    /// Shares by how often symbols occur, of which at least two do; in at most 2^`finest` states.
    pub(super) fn of(counts: &[u32; SYMBOLS], finest: u32) -> Self {
        let total: u32 = counts.iter().sum();
        let symbols = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let distinct = counts.iter().filter(|count| **count > 0).count() as u32;
        // More states than a quarter of what there is to code are not worth telling.
        let log = total.ilog2().saturating_sub(2).clamp(COARSEST.max(distinct.ilog2() + 1), finest);
        let mut shares = [0; SYMBOLS];
        let mut left = 1_i32 << log;
        for (share, count) in shares.iter_mut().zip(counts).filter(|(_, count)| **count > 0) {
            *share = ((u64::from(*count) << log) / u64::from(total)).max(1) as i16;
            left -= i32::from(*share);
        }
        // What rounding left goes to the likeliest, and what it took too much comes from those that can spare it best.
        while left != 0 {
            let Some(largest) = (0..symbols).max_by_key(|symbol| shares[*symbol]) else { break };
            let change = if left > 0 { left } else { -((i32::from(shares[largest]) / 4).max(1).min(-left)) };
            shares[largest] += change as i16;
            left -= change;
        }
        Self { log, of: shares, symbols }
    }

    /// Appends the shares as a frame says them.
    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        bits::forward(out, 2 * SYMBOLS + 8, |bits| self.write(bits));
    }

    fn write(&self, bits: &mut Bits<'_>) {
        bits.add(u64::from(self.log - COARSEST), 4);
        let (mut left, mut threshold, mut width) = ((1_i32 << self.log) + 1, 1_i32 << self.log, self.log + 1);
        let mut symbol = 0;
        while symbol < self.symbols && left > 1 {
            let share = self.of[symbol];
            let most = 2 * threshold - 1 - left;
            left -= i32::from(share.abs());
            let mut value = i32::from(share) + 1;
            if value >= threshold {
                value += most;
            }
            bits.add(value as u64, width - u32::from(value < most));
            bits.flush();
            while left < threshold {
                width -= 1;
                threshold >>= 1;
            }
            symbol += 1;
            if share == 0 {
                let mut more = self.of[symbol..self.symbols].iter().take_while(|share| **share == 0).count();
                symbol += more;
                while more >= 3 {
                    bits.add(3, 2);
                    bits.flush();
                    more -= 3;
                }
                bits.add(more as u64, 2);
            }
        }
    }
}

/// How a symbol moves from one state to the next.
#[derive(Clone, Copy, Debug, Default)]
struct Transition {
    /// Added to a state, it has in its upper half how many bits are to be written.
    bits: u32,
    /// From the state without these bits to the place of the next state.
    offset: i32,
}

/// A table to encode with.
#[derive(Clone, Debug)]
pub(super) struct Table {
    log: u32,
    states: [u16; STATES],
    transitions: [Transition; ROOM],
}

impl Table {
    /// A table of a single symbol, which takes no bits.
    pub(super) const fn single() -> Self {
        Self { log: 0, states: [0; STATES], transitions: [Transition { bits: 0, offset: 0 }; ROOM] }
    }

    pub(super) fn new(shares: &Shares) -> Self {
        let mut table = Self { log: shares.log, ..Self::single() };
        let size = 1_usize << shares.log;
        let mut symbols = [0_u8; STATES];
        let mut unlikely = size;
        for symbol in (0..shares.symbols).filter(|symbol| shares.of[*symbol] == -1) {
            unlikely -= 1;
            symbols[unlikely] = symbol as u8;
        }
        let (step, mut at) = ((size >> 1) + (size >> 3) + 3, 0);
        for symbol in 0..shares.symbols {
            for _ in 0..shares.of[symbol].max(0) {
                symbols[at] = symbol as u8;
                at = (at + step) & (size - 1);
                while at >= unlikely {
                    at = (at + step) & (size - 1);
                }
            }
        }
        let mut places = [0; SYMBOLS];
        let mut total = 0_u32;
        for ((share, place), transition) in shares.of.iter().zip(&mut places).zip(&mut table.transitions) {
            *place = total as usize;
            let share = u32::from(share.unsigned_abs());
            if share > 0 {
                let most = if share == 1 { shares.log } else { shares.log - (share - 1).ilog2() };
                let bits = (most << 16).wrapping_sub(share << most);
                *transition = Transition { bits, offset: total.cast_signed() - share.cast_signed() };
            }
            total += share;
        }
        for (state, symbol) in symbols[..size].iter().enumerate() {
            let place = &mut places[usize::from(*symbol)];
            table.states[*place] = (size + state) as u16;
            *place += 1;
        }
        table
    }

    /// The state that a stream ends with which begins with this symbol: encoding goes from the last symbol to the first.
    #[inline]
    pub(super) fn begin(&self, symbol: u8) -> u32 {
        let Transition { bits, offset } = self.transitions[usize::from(symbol) % ROOM];
        let count = bits.wrapping_add(1 << 15) >> 16;
        let value = (count << 16).wrapping_sub(bits);
        self.state(value >> count, offset)
    }

    /// Adds a symbol; takes at most 9 bits.
    #[inline]
    pub(super) fn encode(&self, state: &mut u32, symbol: u8, bits: &mut Bits<'_>) {
        let transition = self.transitions[usize::from(symbol) % ROOM];
        let count = state.wrapping_add(transition.bits) >> 16;
        bits.add(u64::from(*state), count);
        *state = self.state(*state >> count, transition.offset);
    }

    /// Adds the state that decoding begins with.
    #[inline]
    pub(super) fn end(&self, state: u32, bits: &mut Bits<'_>) {
        bits.add(u64::from(state), self.log);
    }

    #[inline]
    fn state(&self, value: u32, offset: i32) -> u32 {
        let place = value.wrapping_add_signed(offset) as usize;
        u32::from(self.states[place % STATES])
    }
}
