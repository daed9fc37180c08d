//! Spreads the count of a histogram bucket over the keys between its bounds, as if its values were evenly distributed.

use super::key::Key;

/// The counts of the keys, ascending and each once, that `count` values between `lower` and `upper` amount to.
///
/// Both bounds have a finite key and `lower` is not above `upper`. The walk is over at most all 65,533 such keys.
pub(super) fn spread(lower: f64, upper: f64, count: u64) -> Vec<(Key, u64)> {
    let width = upper - lower;
    let mut keys = Key::of(lower).to(Key::of(upper));
    let Some(mut start) = keys.next() else {
        return Vec::new();
    };
    let mut spread = Vec::new();
    let mut start_value = start.value();
    let mut left = count;
    let mut carry = 0.0;
    for end in keys {
        if left == 0 {
            break;
        }
        let end_value = end.value();
        let exact = ((end_value - start_value) / width) * count as f64;
        if exact > 1.0 {
            carry += exact - exact.trunc();
        }
        let mut share = exact as u64;
        if carry > 1.0 {
            share += 1;
            carry -= 1.0;
        }
        // A span too narrow for a whole count grows by the next key, so sparse counts land where their span begins.
        if share > 0 {
            let share = share.min(left);
            spread.push((start, share));
            left -= share;
            start = end;
            start_value = end_value;
        }
    }
    if left > 0 {
        spread.push((start, left));
    }
    spread
}
