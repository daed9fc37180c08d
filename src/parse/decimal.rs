//! Reads the plain decimal numbers that most values are, where that is exact with one multiplication or division.

use super::lanes::digits;

/// So many digits always fit the sum.
const MOST_DIGITS: usize = 19;

/// Whole numbers up to here, 2^53, are exact in a double.
const MOST_EXACT: u64 = 1 << 53;

/// The powers of ten that are exact in a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The number at `at` and where it ends; `None` when it is of another form, or not exact this way.
///
/// Both operands of the one operation are exact, so its result is the nearest double (Clinger's fast path).
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
        (sum, end) = digits(bytes, point, sum)?;
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
    if count > MOST_DIGITS || sum > MOST_EXACT {
        return None;
    }
    let power = *POWERS.get(exponent.unsigned_abs() as usize)?;
    let sum = sum as f64;
    let number = if exponent < 0 { sum / power } else { sum * power };
    Some((if negative { -number } else { number }, end))
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

    /// Reads a number that is not at the very end, where eight bytes cannot be read.
    fn read(text: &str) -> Option<(u64, usize)> {
        let (number, end) = decimal(format!("{text} 0000000").as_bytes(), 0)?;
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
        for text in
            ["0", "-0", "1", "007", "123456789012345", "0.25", "-1.5", "1.7e+09", "5E8", "1e-7", "9007199254740992"]
        {
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
            "9007199254740993",
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
        fn whatever_is_read_is_what_the_standard_library_reads(text in "-?[0-9]{1,10}(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?") {
            if let Some(read) = read(&text) {
                prop_assert_eq!(Some(read), expected(&text));
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
