//! Looks at many bytes of a line at once: where a name ends, where a quote closes, and what digits are worth.
//!
//! Names and digits are short, so they are looked at in a register of eight bytes. There each byte has a lane of eight
//! bits, and a mask has the highest bit of the lanes that it means. Quoted values are longer and looked at in sixteens.

use wide::u8x16;

const HIGH: u64 = splat(0x80);

const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The eight bytes from `at` on, the first of them in the lowest lane. `None` if the bytes do not reach so far.
#[inline]
fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// How many lanes stand before the first one of `mask`; 8 when there is none.
#[inline]
fn before(mask: u64) -> usize {
    mask.trailing_zeros() as usize / 8
}

/// The lanes with `from..=to`, both ASCII, of lanes that are ASCII.
#[inline]
const fn between(lanes: u64, from: u8, to: u8) -> u64 {
    (lanes + splat(0x80 - from)) & !(lanes + splat(0x7F - to))
}

/// The lanes with what no name may hold. `last_digit` is `9`, or `:`, which follows it, where colons are allowed.
#[inline]
const fn not_of_name(lanes: u64, last_digit: u8) -> u64 {
    let ascii = lanes & !HIGH;
    let letters = between(ascii | splat(0x20), b'a', b'z');
    let digits = between(ascii, b'0', last_digit);
    let others = (ascii ^ splat(b'_')) + splat(0x7F);
    (!(letters | digits | !others) | lanes) & HIGH
}

/// Where the label name ends that begins at `at`. `None` if there is none, or if the bytes end too soon behind it.
#[inline]
pub(super) fn label_name_end(bytes: &[u8], at: usize) -> Option<usize> {
    name_end(bytes, at, b'9')
}

/// The same for a metric name.
#[inline]
pub(super) fn metric_name_end(bytes: &[u8], at: usize) -> Option<usize> {
    name_end(bytes, at, b':')
}

#[inline]
fn name_end(bytes: &[u8], at: usize, last_digit: u8) -> Option<usize> {
    if bytes.get(at)?.is_ascii_digit() {
        return None;
    }
    let mut end = at;
    loop {
        let mask = not_of_name(eight(bytes, end)?, last_digit);
        end += before(mask);
        if mask != 0 {
            return (end > at).then_some(end);
        }
    }
}

/// Where the quote stands that closes the text from `at` on. `None` if anything comes before it that is not plain: a
/// backslash, a control character (thus also the end of the line), or whatever is not ASCII; or if the bytes end.
#[inline]
pub(super) fn closing_quote(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    loop {
        let lanes = u8x16::new(*bytes.get(end..)?.first_chunk()?);
        // Changing this bit puts `"` right behind the control characters, where the blank was.
        let moved = lanes ^ u8x16::splat(0x02);
        let quotes = moved.min(u8x16::splat(0x20)).simd_eq(moved);
        // The lanes themselves have the bit that counts when they are not ASCII.
        let mask = (quotes | lanes.simd_eq(u8x16::splat(b'\\')) | lanes).to_bitmask();
        if mask != 0 {
            end += mask.trailing_zeros() as usize;
            return (bytes.get(end) == Some(&b'"')).then_some(end);
        }
        end += 16;
    }
}

/// The same where the bytes may end soon behind the quote, and where what is quoted is UTF-8, if nobody put a character
/// there for one that was none.
#[inline]
pub(crate) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    closing_quote(bytes, at).or_else(|| odd_value_end(bytes, at))
}

#[cold]
fn odd_value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let value = bytes.get(at..)?;
    let length = value.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'))?;
    let text = std::str::from_utf8(&value[..length]).ok()?;
    (value[length] == b'"' && !text.contains('\u{FFFD}')).then_some(at + length)
}

const POWERS: [u64; 17] = powers_of(10);

/// The first powers of a number, which fit.
pub(super) const fn powers_of<const COUNT: usize>(base: u64) -> [u64; COUNT] {
    let (mut powers, mut at) = ([1; COUNT], 1);
    while at < COUNT {
        powers[at] = powers[at - 1] * base;
        at += 1;
    }
    powers
}

/// Reads the digits from `at` on as if they stood behind those that made `sum`; gives the new sum, and where they end.
/// The sum is meaningless if it is of more than 19 digits. `None` if the bytes end too soon behind them.
#[inline]
pub(super) fn digits(bytes: &[u8], at: usize, mut sum: u64) -> Option<(u64, usize)> {
    let mut end = at;
    loop {
        let lanes = eight(bytes, end)?;
        let mask = (!between(lanes & !HIGH, b'0', b'9') | lanes) & HIGH;
        let count = before(mask);
        if count > 0 {
            // Pushed to the upper end the digits have zeros before them, in the lower lanes.
            sum = sum.wrapping_mul(POWERS[count]).wrapping_add(eight_digits(lanes << (64 - 8 * count)));
        }
        end += count;
        if mask != 0 {
            return Some((sum, end));
        }
    }
}

/// What up to seven digits from `at` on are worth, and where they end. `None` if there are more or none, or if the bytes end
/// too soon behind them.
#[inline]
pub(super) fn few_digits(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let lanes = eight(bytes, at)?;
    let count = before((!between(lanes & !HIGH, b'0', b'9') | lanes) & HIGH);
    (1..8).contains(&count).then(|| (eight_digits(lanes << (64 - 8 * count)) as u32, at + count))
}

/// The same where there are likely many digits: the first sixteen are looked at together.
#[inline]
pub(super) fn many_digits(bytes: &[u8], at: usize, sum: u64) -> Option<(u64, usize)> {
    let lanes: [u8; 16] = *bytes.get(at..)?.first_chunk()?;
    let ones = u8x16::new(lanes) - u8x16::splat(b'0');
    let are_digits = ones.min(u8x16::splat(9)).simd_eq(ones).to_bitmask();
    let count = are_digits.trailing_ones() as usize;
    if count == 0 {
        return Some((sum, at));
    }
    let lanes = u128::from_le_bytes(lanes) << (128 - 8 * count);
    let worth = eight_digits(lanes as u64) * POWERS[8] + eight_digits((lanes >> 64) as u64);
    let sum = sum.wrapping_mul(POWERS[count]).wrapping_add(worth);
    if count == 16 { digits(bytes, at + 16, sum) } else { Some((sum, at + count)) }
}

/// What eight digits are worth: pairs of lanes are joined, then pairs of pairs, then the halves.
#[inline]
const fn eight_digits(lanes: u64) -> u64 {
    let ones = lanes & splat(0x0F);
    let pairs = (ones.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every byte at every place of a word, between bytes that belong.
    fn everywhere(fill: u8, length: usize) -> impl Iterator<Item = (u8, usize, Vec<u8>)> {
        (0..length).flat_map(move |place| {
            (0..=255).map(move |byte| {
                let mut bytes = vec![fill; length];
                bytes[place] = byte;
                (byte, place, bytes)
            })
        })
    }

    /// Bytes that belong to nothing, so that the lanes behind the others can be read.
    const PADDING: [u8; 16] = [b'}'; 16];

    #[test]
    fn names_end_at_the_first_byte_that_no_name_holds() {
        for (byte, place, mut bytes) in everywhere(b'a', 19) {
            bytes.extend(PADDING);
            let first_digit = place == 0 && byte.is_ascii_digit();
            let in_label = (byte.is_ascii_alphanumeric() || byte == b'_') && !first_digit;
            let in_metric = in_label || byte == b':';
            let expected = |belongs: bool| Some(if belongs { 19 } else { place }).filter(|end| *end > 0);
            assert_eq!(label_name_end(&bytes, 0), expected(in_label), "{byte} at {place}");
            assert_eq!(metric_name_end(&bytes, 0), expected(in_metric), "{byte} at {place}");
        }
        assert_eq!(label_name_end(b"", 0), None);
        assert_eq!(label_name_end(b"a", 5), None);
    }

    #[test]
    fn quotes_close_plain_text_only() {
        for (byte, place, mut bytes) in everywhere(b' ', 19) {
            bytes.push(b'"');
            bytes.extend(PADDING);
            let plain = (0x20..=0x7F).contains(&byte) && byte != b'\\';
            let expected = match byte {
                b'"' => Some(place),
                _ if plain => Some(19),
                _ => None,
            };
            assert_eq!(closing_quote(&bytes, 0), expected, "{byte} at {place}");
            assert_eq!(value_end(&bytes, 0), expected, "{byte} at {place}");
            bytes.truncate(20);
            assert_eq!(value_end(&bytes, 0), expected, "{byte} at {place}, and nothing behind it");
        }
        assert_eq!(closing_quote(b"abc\"", 0), None);
        assert_eq!(value_end("caf\u{e9}\"".as_bytes(), 0), Some(5));
        assert_eq!(value_end("caf\u{fffd}\"".as_bytes(), 0), None);
        assert_eq!(value_end(b"caf\xe9\"", 0), None);
        assert_eq!((value_end(b"caf", 0), value_end(b"", 0), value_end(b"", 1)), (None, None, None));
        assert_eq!(closing_quote(b"", 0), None);
    }

    proptest! {
        #[test]
        fn digits_are_worth_what_they_say(text in "[0-9]{0,19}", tail in "[^0-9]{1,9}") {
            let whole = format!("x{text}{tail}                ");
            let expected = if text.is_empty() { 0 } else { text.parse().expect("19 digits fit") };
            let few = (1..8).contains(&text.len()).then_some((expected as u32, 1 + text.len()));
            prop_assert_eq!(few_digits(whole.as_bytes(), 1), few);
            prop_assert_eq!(digits(whole.as_bytes(), 1, 0), Some((expected, 1 + text.len())));
            prop_assert_eq!(many_digits(whole.as_bytes(), 1, 0), Some((expected, 1 + text.len())));
        }
    }
}
