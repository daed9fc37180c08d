//! The mapping between values and the keys of bins: values fall into bins whose width grows with their magnitude, so
//! that a bin stands for its values to within 0.79 %.

use std::sync::LazyLock;

/// The ratio of the values of neighbouring keys: `1 + 2/128`, exact in binary.
const GAMMA: f64 = 1.015_625;
/// `ln(GAMMA)`, spelled out because the last bit decides between two keys and libraries differ there.
const GAMMA_LN: f64 = f64::from_bits(0x3f8f_c0a8_b0fc_03e4);
/// The key of 1; keys from 1 up stand for values from about 1e-9 up.
const BIAS: i16 = 1338;
/// The key of everything above [`Key::MAX_VALUE`].
const SATURATED: i16 = i16::MAX;
/// `GAMMA^(1 - BIAS)`: magnitudes below it have the key 0.
const MIN_MAGNITUDE: f64 = f64::from_bits(0x3e11_1479_4260_12e9);

/// The values of the keys 0 to 32766. 256 KiB, computed when the first bucket is spread.
static VALUES: LazyLock<Box<[f64]>> = LazyLock::new(|| {
    let powers = (1..SATURATED).map(|key| gamma_to(i32::from(key) - i32::from(BIAS)));
    std::iter::once(0.0).chain(powers).collect()
});

/// The key of a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) i16);

impl Key {
    /// The greatest magnitude of a bound between which counts can be spread: the value of the greatest finite key.
    pub(super) const MAX_VALUE: f64 = 4.137_616_223_466_919e211;

    /// The key of a value that is not NaN.
    pub(super) fn of(value: f64) -> Self {
        if value < 0.0 {
            return Self(-Self::of(-value).0);
        }
        if value < MIN_MAGNITUDE {
            return Self(0);
        }
        // The division and the rounding to even are the Agent's; the product with the reciprocal differs in rare keys.
        let key = (value.ln() / GAMMA_LN).round_ties_even() + f64::from(BIAS);
        // A cast of a float saturates, and so does the scale: its last key stands for all that is greater.
        Self((key as i16).max(1))
    }

    /// The value that stands for all values of this key: the geometric middle of its bin.
    pub(super) fn value(self) -> f64 {
        let magnitude = VALUES.get(usize::from(self.0.unsigned_abs())).copied().unwrap_or(f64::INFINITY);
        if self.0 < 0 { -magnitude } else { magnitude }
    }

    /// All keys from this one to `last`, both included; none if `last` is smaller.
    pub(super) fn to(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }
}

/// `GAMMA` raised to an integer, rounded as Go's `math.Pow` rounds: by squaring its mantissa in `[0.5, 1)` beside an
/// integer exponent. The `powi` and `powf` at hand differ in last bits, which now and then moves a count by one bin.
fn gamma_to(exponent: i32) -> f64 {
    match exponent {
        0 => return 1.0,
        1 => return GAMMA,
        _ => {}
    }
    // GAMMA = (GAMMA / 2) * 2^1
    let (mut square, mut square_scale) = (GAMMA / 2.0, 1);
    let (mut product, mut product_scale) = (1.0, 0);
    let mut bits = exponent.unsigned_abs();
    while bits != 0 {
        if bits & 1 == 1 {
            product *= square;
            product_scale += square_scale;
        }
        square *= square;
        square_scale *= 2;
        if square < 0.5 {
            square += square;
            square_scale -= 1;
        }
        bits >>= 1;
    }
    if exponent < 0 {
        product = 1.0 / product;
        product_scale = -product_scale;
    }
    product * power_of_two(product_scale)
}

/// `2^exponent` for the exponents of normal numbers, exactly.
fn power_of_two(exponent: i32) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent), "keys span far fewer powers of two than doubles do");
    f64::from_bits(u64::from((exponent + 1023).unsigned_abs()) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Provenance: `fixtures/vectors/ddsketch.json`, its parts `config`, `keys` and `bin_low`, computed by the quantile
    /// package of the Datadog Agent itself.
    fn vectors() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/ddsketch.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn bits(value: &serde_json::Value) -> u64 {
        u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    #[test]
    fn the_constants_are_those_of_the_agent() {
        let config = &vectors()["config"];
        assert_eq!(GAMMA_LN.to_bits(), bits(&config["gamma_ln_bits"]));
        assert_eq!(Some(GAMMA), config["gamma_v"].as_f64());
        assert_eq!(Some(i64::from(BIAS)), config["norm_bias"].as_i64());
        assert_eq!(Some(MIN_MAGNITUDE), config["norm_min"].as_f64());
        assert_eq!(Some(Key::MAX_VALUE), config["norm_max"].as_f64());
        assert_eq!(Some(i64::from(SATURATED)), config["inf_key"].as_i64());
        assert_eq!(Some(VALUES.len() as u64 - 1), config["max_finite_key"].as_u64());
    }

    #[test]
    fn values_have_the_keys_of_the_agent() {
        let vectors = vectors();
        let cases = vectors["keys"].as_array().unwrap();
        assert_eq!(cases.len(), 42);
        for case in cases {
            assert_eq!(Some(i64::from(Key::of(case["v"].as_f64().unwrap()).0)), case["k"].as_i64(), "{case}");
        }
    }

    #[test]
    fn keys_have_the_values_of_the_agent() {
        let vectors = vectors();
        let cases = vectors["bin_low"].as_array().unwrap();
        assert_eq!(cases.len(), 16);
        for case in cases {
            let key = Key(case["k"].as_i64().unwrap().try_into().unwrap());
            assert_eq!(key.value().to_bits(), bits(&case["low_bits"]), "{case}");
        }
    }

    #[test]
    fn every_key_is_the_key_of_its_value() {
        for key in -32766..=32766 {
            assert_eq!(Key::of(Key(key).value()), Key(key));
        }
        assert_eq!(Key::of(f64::INFINITY), Key(SATURATED));
        assert_eq!(Key::of(f64::NEG_INFINITY), Key(-SATURATED));
    }

    proptest! {
        #[test]
        fn keys_keep_the_order_of_values(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(Key::of(a) <= Key::of(b), a <= b || Key::of(a) == Key::of(b));
        }

        #[test]
        fn a_key_stands_for_its_values_to_within_a_percentage(exponent in -8.9..211.0f64, negative in any::<bool>()) {
            let value = if negative { -(10f64.powf(exponent)) } else { 10f64.powf(exponent) };
            let error = (Key::of(value).value() - value).abs() / value.abs();
            // Half a bin: the square root of gamma, with room for the rounding of the logarithm.
            prop_assert!(error <= GAMMA.sqrt() - 1.0 + 1e-9, "{value} is off by {error}");
        }
    }
}
