//! Labels of which each name counts once: the last value, in the place of the first.

use std::borrow::Cow;
use std::collections::HashMap;

/// With so few labels, comparing each with all before it is faster than an index.
const FEW: usize = 16;

/// A name and a value.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs without those whose name comes again; what comes again gives the earlier one its value. Takes time in
/// proportion to their number, however many a target exposes.
pub(crate) fn by_name<'a>(pairs: impl IntoIterator<Item = Pair<'a>>) -> Vec<Pair<'a>> {
    by_name_in(Vec::new(), pairs)
}

/// The same in a vector that is empty.
pub(crate) fn by_name_in<'a>(mut unique: Vec<Pair<'a>>, pairs: impl IntoIterator<Item = Pair<'a>>) -> Vec<Pair<'a>> {
    let pairs = pairs.into_iter();
    unique.reserve(pairs.size_hint().0 + 1);
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
    for (name, value) in pairs {
        if unique.len() == FEW && places.is_empty() {
            places.extend(unique.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)));
        }
        let known = if places.is_empty() {
            unique.iter().position(|(known, _)| *known == name)
        } else {
            places.get(&name).copied()
        };
        if let Some(place) = known {
            unique[place].1 = value;
            continue;
        }
        if !places.is_empty() {
            places.insert(name.clone(), unique.len());
        }
        unique.push((name, value));
    }
    unique
}

/// A number below 128 that most names or values have for themselves.
#[inline]
pub(crate) fn mark(bytes: &[u8]) -> u32 {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return 0 };
    let middle = bytes[bytes.len() / 2];
    (bytes.len() as u32 * 31 + u32::from(*first) * 7 + u32::from(*last) * 13 + u32::from(middle) * 3) % 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_in_the_place_of_the_first() {
        for labels in [3, FEW, FEW + 1, 100] {
            let pair = |number: usize, value: usize| (format!("l{number}").into(), value.to_string().into());
            let twice = (0..labels).map(|number| pair(number, number)).chain([pair(1, 1000), pair(labels - 1, 2000)]);
            let unique = by_name(twice);
            assert_eq!(unique.len(), labels);
            assert_eq!(unique[0], pair(0, 0));
            assert_eq!(unique[1], pair(1, 1000));
            assert_eq!(unique[labels - 1], pair(labels - 1, 2000));
        }
    }
}
