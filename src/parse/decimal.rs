//! Reads the plain decimal numbers that most values are: with one multiplication or division of doubles where that is
//! exact, and with one division of whole numbers where there are more digits than a double holds.

use super::lanes::{digits, many_digits, powers_of};

/// So many digits always fit the sum.
const MOST_DIGITS: usize = 19;

/// Whole numbers up to here, 2^53, are exact in a double.
const MOST_EXACT: u64 = 1 << 53;

/// The powers of ten that are exact in a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The powers of five that fit.
const FIVES: [u64; 28] = powers_of(5);

/// The number at `at` and where it ends; `None` when it is of another form, or has too many digits.
#[inline]
pub(super) fn decimal(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (mut sum, mut end) = digits(bytes, start, 0)?;
    let mut count = end - start;
    let mut exponent = 0;
    if count == 0 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let point = end + 1;
        // A whole part of zeros is worth nothing.
        count = if sum == 0 && count <= MOST_DIGITS { 0 } else { count };
        (sum, end) = many_digits(bytes, point, sum)?;
        let places = end - point;
        if places == 0 {
            return None;
        }
        count += places;
        exponent = -i32::try_from(places).ok()?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let (stated, after) = stated_exponent(bytes, end + 1)?;
        exponent += stated;
        end = after;
    }
    if count > MOST_DIGITS {
        return None;
    }
    let scale = exponent.unsigned_abs() as usize;
    let number = if sum > MOST_EXACT {
        let divisor = *FIVES.get(scale).filter(|_| exponent <= 0)?;
        quotient(sum, divisor) * power_of_two(exponent)
    } else {
        // Both operands are exact, so that the result is the nearest double (Clinger's fast path).
        let (sum, power) = (sum as f64, *POWERS.get(scale)?);
        if exponent < 0 { sum / power } else { sum * power }
    };
    Some((if negative { -number } else { number }, end))
}

/// The double that is nearest to the quotient of two numbers that are not 0.
#[inline]
fn quotient(dividend: u64, divisor: u64) -> f64 {
    // With the highest bit of both set, it has at least 62 bits. What is left of it can only tell to which side a tie
    // goes, and the last of the bits tells that as well.
    let (up, down) = (dividend.leading_zeros(), divisor.leading_zeros());
    let (dividend, divisor) = (u128::from(dividend << up) << 63, u128::from(divisor << down));
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let bits = quotient as u64 | u64::from(rest != 0);
    bits as f64 * power_of_two(down.cast_signed() - up.cast_signed() - 63)
}

/// 2 to the power of `exponent`, which is far from the limits.
#[inline]
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// What stands behind `e`, of at most three digits.
fn stated_exponent(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let (negative, start) = match bytes.get(at)? {
        b'-' => (true, at + 1),
        b'+' => (false, at + 1),
        _ => (false, at),
    };
    let (sum, end) = digits(bytes, start, 0)?;
    if !(1..=3).contains(&(end - start)) {
        return None;
    }
    let sum = i32::try_from(sum).ok()?;
    Some((if negative { -sum } else { sum }, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a number that is not at the very end, where sixteen bytes cannot be read.
    fn read(text: &str) -> Option<(u64, usize)> {
        let (number, end) = decimal(format!("{text} 000000000000000").as_bytes(), 0)?;
        Some((number.to_bits(), end))
    }

    /// What the standard library makes of the longest number at the front.
    fn expected(text: &str) -> Option<(u64, usize)> {
        (1..=text.len()).rev().find_map(|end| {
            let number: f64 = text.get(..end)?.parse().ok()?;
            Some((number.to_bits(), end))
        })
    }

    #[test]
    fn plain_numbers_are_read() {
        let plain = [
            "0",
            "-0",
            "1",
            "007",
            "123456789012345",
            "0.25",
            "-1.5",
            "1.7e+09",
            "5E8",
            "1e-7",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.0",
            "-0.0123456789012345678",
            "1.2345678901234567e+09",
            "9999999999999999999e-27",
        ];
        for text in plain {
            assert!(expected(text).is_some());
            assert_eq!(read(text), expected(text), "{text}");
        }
        let others = [
            "",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e5",
            "1e",
            "1e+",
            "NaN",
            "Inf",
            "9007199254740993e1",
            "9999999999999999999e-28",
            "18446744073709551616.5",
            "1e23",
            "1e0000",
            "1e-400",
        ];
        for text in others {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("123456789012345678901234567890"), None);
        assert_eq!(read("1.23456789012345678901234567890"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_what_the_standard_library_reads(text in "-?[0-9]{1,12}(\\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?") {
            if let Some(read) = read(&text) {
                prop_assert_eq!(Some(read), expected(&text));
            }
        }

        #[test]
        fn many_digits_are_rounded_as_the_standard_library_rounds(sum in 1..10_u64.pow(19), places in 0..=27) {
            let text = format!("{sum}e-{places}");
            prop_assert!(expected(&text).is_some());
            prop_assert_eq!(read(&text), expected(&text));
        }

        #[test]
        fn a_tie_goes_to_the_even_side(whole in 1_u64 << 52..1 << 53) {
            for text in [format!("{whole}.5"), format!("{whole}5e-1"), format!("{}", 2 * whole + 1)] {
                prop_assert!(expected(&text).is_some());
                prop_assert_eq!(read(&text), expected(&text));
            }
        }

        #[test]
        fn shortest_forms_of_doubles_are_read_alike(value in any::<f64>()) {
            for text in [format!("{value}"), format!("{value:e}")] {
                if let Some((number, _)) = read(&text) {
                    prop_assert_eq!(number, value.to_bits());
                }
            }
        }
    }
}
