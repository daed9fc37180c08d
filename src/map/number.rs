//! Numbers in label values, read and printed as Python does: bounds and quantiles become tags in this form.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// So many bounds are remembered.
const REMEMBERED: usize = 1024;
/// No longer ones, in bytes.
const LONGEST: usize = 64;

/// Bounds and quantiles that were read, with the form in which they are printed: a target mostly has few.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    all: Vec<Bound>,
    /// Places in `all`, by the exposed form.
    places: HashMap<String, usize, RandomState>,
    /// The place behind the one that was asked for last: bounds mostly come in their order.
    next: usize,
    /// One that is not remembered.
    other: String,
}

#[derive(Debug)]
struct Bound {
    exposed: String,
    printed: String,
}

impl Bounds {
    /// What a bound as exposed is printed as, if it is a number.
    pub(crate) fn canonical(&mut self, exposed: &str) -> Option<&str> {
        let is_next = self.all.get(self.next).is_some_and(|bound| bound.exposed == exposed);
        let place = if is_next { Some(self.next) } else { self.places.get(exposed).copied() };
        let Some(place) = place else { return self.new_canonical(exposed) };
        self.next = if place + 1 < self.all.len() { place + 1 } else { 0 };
        Some(&self.all[place].printed)
    }

    fn new_canonical(&mut self, exposed: &str) -> Option<&str> {
        let printed = canonical(parse_float(exposed)?);
        if self.all.len() >= REMEMBERED || exposed.len() > LONGEST {
            self.other = printed;
            return Some(&self.other);
        }
        self.places.insert(exposed.to_owned(), self.all.len());
        self.all.push(Bound { exposed: exposed.to_owned(), printed });
        self.next = 0;
        self.all.last().map(|bound| &*bound.printed)
    }
}

/// Reads a number in Python's float syntax: blanks around it and single underscores between digits are fine.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let between_digits = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    let well_placed = bytes.iter().enumerate().all(|(at, byte)| *byte != b'_' || between_digits(at));
    if well_placed { text.replace('_', "").parse().ok() } else { None }
}

/// Prints a bound or quantile: the shortest digits that read back, `0` for every zero, an exponent below 1e-4 and from
/// 1e16 on.
pub(crate) fn canonical(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` prints an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` prints a whole exponent");
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::{canonical, parse_float};

    #[test]
    fn numbers_are_printed_as_python_prints_them() {
        let cases = [
            ("0", "0"),
            ("-0.0", "0"),
            ("1", "1.0"),
            ("0.50", "0.5"),
            ("100", "100.0"),
            ("1e3", "1000.0"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("+Inf", "inf"),
            ("1e400", "inf"),
            ("-Inf", "-inf"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("123456789012345678", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.5e-7", "1.5e-07"),
            ("NaN", "nan"),
            (" 3 ", "3.0"),
            ("1_000", "1000.0"),
        ];
        for (text, printed) in cases {
            assert_eq!(parse_float(text).map(canonical).as_deref(), Some(printed), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in ["", "soon", "1__0", "_1", "1_", "0x10", "1_.5", "--1"] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
