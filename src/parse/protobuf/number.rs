//! Prints numbers as Prometheus prints them: protobuf has no text for values and bounds, and whoever compares with the
//! text formats expects theirs.

use std::fmt::Write;

/// Appends a value: the shortest digits that read back, an exponent of at least two digits below 1e-4 and from 1e6 on.
pub(super) fn push_value(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if !scientific(value) {
        // Whole numbers, which most values are, print much faster as such.
        let whole = value as i32;
        let is_whole = value.to_bits() == f64::from(whole).to_bits();
        let printed = if is_whole { write!(text, "{whole}") } else { write!(text, "{value}") };
        printed.expect("a string takes everything");
    } else {
        push_scientific(text, value);
    }
}

/// Appends the value of a label `le` or `quantile` in its canonical form: as [`push_value`], but whole numbers with `.0`,
/// and no negative zero.
pub(in crate::parse) fn push_bound(text: &mut String, value: f64) {
    push_value(text, if value == 0.0 { 0.0 } else { value });
    if value.is_finite() && !scientific(value) && value.fract() == 0.0 {
        text.push_str(".0");
    }
}

/// Whether the decimal exponent of the first digit is below -4, or 6 or more.
fn scientific(value: f64) -> bool {
    let size = value.abs();
    size >= 1e6 || (size < 1e-4 && size != 0.0)
}

/// Rust prints `1.5e-7` where Go prints `1.5e-07`.
fn push_scientific(text: &mut String, value: f64) {
    let begin = text.len();
    write!(text, "{value:e}").expect("a string takes everything");
    let Some(exponent) = text[begin..].find('e').map(|at| begin + at + 1) else { return };
    let negative = text[exponent..].starts_with('-');
    if !negative {
        text.insert(exponent, '+');
    }
    if text.len() - exponent == 2 {
        text.insert(exponent + 1, '0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(push: fn(&mut String, f64), value: f64) -> String {
        let mut text = String::from("x");
        push(&mut text, value);
        text.split_off(1)
    }

    /// As Go's `strconv.FormatFloat(value, 'g', -1, 64)`.
    #[test]
    fn values_are_printed_as_go_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-5.0, "-5"),
            (0.1, "0.1"),
            (999_999.0, "999999"),
            (999_999.999_999_999_9, "999999.9999999999"),
            (1e6, "1e+06"),
            (1_546_544.0, "1.546544e+06"),
            (-1e21, "-1e+21"),
            (0.0001, "0.0001"),
            (0.000_099, "9.9e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (-f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(printed(push_value, value), text);
        }
    }

    /// From a table that was made with Prometheus' own parser.
    #[test]
    fn bounds_are_printed_as_prometheus_prints_them() {
        for (bound, text) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (1.0, "1.0"),
            (-1.0, "-1.0"),
            (0.1, "0.1"),
            (7.0, "7.0"),
            (123_456.0, "123456.0"),
            (1e5, "100000.0"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (16_777_216.5, "1.67772165e+07"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.00001, "1e-05"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(printed(push_bound, bound), text);
        }
    }
}
