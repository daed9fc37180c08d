//! Numbers as Prometheus writes them into the labels `le` and `quantile`, so that one bucket has one name however its
//! bound was exposed.

use std::borrow::Cow;

use super::protobuf::push_bound;

/// The number as Prometheus 3 writes it: the shortest digits that read back as the same number, an exponent from `1e+06`
/// on and below `0.0001`, and always a `.` or an exponent.
///
/// ```
/// # use retriever::parse::canonical_number;
/// assert_eq!(canonical_number(1.0), "1.0");
/// assert_eq!(canonical_number(1_234_567.0), "1.234567e+06");
/// assert_eq!(canonical_number(f64::INFINITY), "+Inf");
/// ```
pub fn canonical_number(value: f64) -> String {
    let mut text = String::new();
    push_bound(&mut text, value);
    text
}

/// The text of a `le` or `quantile` label as Prometheus 3 keeps it: canonical if it is a number by Go's syntax (which
/// has digit separators and hexadecimal), else unchanged. A number beyond the range of a double is none.
///
/// ```
/// # use retriever::parse::canonical_bound;
/// assert_eq!(canonical_bound("10"), "10.0");
/// assert_eq!(canonical_bound("+inf"), "+Inf");
/// assert_eq!(canonical_bound("lots"), "lots");
/// ```
pub fn canonical_bound(text: &str) -> Cow<'_, str> {
    match go_number(text) {
        Some(value) => {
            let canonical = canonical_number(value);
            if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) }
        }
        None => Cow::Borrowed(text),
    }
}

/// Reads a number as Go's `ParseFloat` does.
fn go_number(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let digits = without_separators(unsigned, hexadecimal.is_some())?;
    let value = if hexadecimal.is_some() { hexadecimal_number(&digits[2..])? } else { decimal_number(&digits)? };
    // NaN takes no sign.
    if value.is_nan() && unsigned.len() != text.len() {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// A decimal number without a sign.
fn decimal_number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok().filter(|_| !text.starts_with(['+', '-']))?;
    let overflows = value.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    (!overflows).then_some(value)
}

/// The text without `_`, each of which must stand between digits (or behind the prefix of a hexadecimal number).
fn without_separators(text: &str, hexadecimal: bool) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| match bytes.get(at) {
        Some(byte) if hexadecimal => byte.is_ascii_hexdigit() || at == 1,
        Some(byte) => byte.is_ascii_digit(),
        None => false,
    };
    let separates = |(at, byte): (usize, &u8)| *byte != b'_' || at > 0 && is_digit(at - 1) && is_digit(at + 1);
    bytes.iter().enumerate().all(separates).then(|| Cow::Owned(text.replace('_', "")))
}

/// A hexadecimal number behind its `0x`: digits, a point among them or not, and a binary exponent.
fn hexadecimal_number(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut scale, mut rest_is_zero) = (0_u64, i64::from(exponent), true);
    for (digit, is_fraction) in whole.chars().map(|c| (c, false)).chain(fraction.chars().map(|c| (c, true))) {
        let digit = u64::from(digit.to_digit(16)?);
        if bits < 1 << 58 {
            bits = bits << 4 | digit;
            scale -= if is_fraction { 4 } else { 0 };
        } else {
            // Too far right to change the result but for how a tie is rounded.
            rest_is_zero &= digit == 0;
            scale += if is_fraction { 0 } else { 4 };
        }
    }
    let mut value = (bits << 1 | u64::from(!rest_is_zero)) as f64;
    let mut scale = scale.checked_sub(1)?.clamp(-3000, 3000) as i32;
    // In steps, because a power of two at once may be out of range where the product is not.
    while scale != 0 && value != 0.0 && value.is_finite() {
        let step = scale.clamp(-1000, 1000);
        value *= 2_f64.powi(step);
        scale -= step;
    }
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_reads_separators_and_hexadecimal() {
        let same = [
            ("1_0.5e1_0", "1.05e+11"),
            ("0x_1.8p1", "3.0"),
            ("-0X.8p-1", "-0.25"),
            ("0x1p1023", "8.98846567431158e+307"),
        ];
        for (text, canonical) in same {
            assert_eq!(canonical_bound(text), canonical, "{text}");
        }
        let none = [
            "_1", "1_", "1__0", "0x", "0xp1", "0x1", "0x1p", "0x1p1024", "1e309", "+nan", "--1", "+-1", "0x1g1p1",
            "\u{e9}",
        ];
        for text in none {
            assert_eq!(canonical_bound(text), text);
        }
    }
}
