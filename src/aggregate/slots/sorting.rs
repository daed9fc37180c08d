//! The order of the tags of a series: by their text, each once.

use crate::texts::{Texts, reach};

/// How the tags of the series before were sorted, for those of the next are mostly in the same disorder; and of each
/// tag its beginning, which is all that most tags need to be compared by.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorting {
    order: Vec<u32>,
    /// By the number of the text.
    beginnings: Vec<u64>,
    tags: Vec<u32>,
}

impl Sorting {
    /// The number of a tag, with one more holder.
    pub(super) fn hold(&mut self, texts: &mut Texts, tag: &str) -> u32 {
        let number = texts.hold(tag);
        reach(&mut self.beginnings, number as usize, || 0);
        self.beginnings[number as usize] = beginning(tag);
        number
    }

    /// Sorts the tags behind `from`; one that is there again is let go.
    pub(super) fn sort(&mut self, numbers: &mut Vec<u32>, from: usize, texts: &mut Texts) {
        self.tags.clear();
        self.tags.extend_from_slice(&numbers[from..]);
        let (tags, beginnings) = (&self.tags, &self.beginnings);
        let key = |tag: u32| (beginnings[tag as usize], tag);
        let compare = |one: (u64, u32), other: (u64, u32)| {
            one.0.cmp(&other.0).then_with(|| texts.get(one.1).cmp(texts.get(other.1)))
        };
        if self.order.len() == tags.len() {
            for (number, &place) in numbers[from..].iter_mut().zip(&self.order) {
                *number = tags[place as usize];
            }
            if numbers[from..].is_sorted_by(|&one, &next| compare(key(one), key(next)).is_lt()) {
                return;
            }
        }
        self.order.clear();
        self.order.extend((0..).zip(tags).map(|(place, _): (u32, _)| place));
        self.order.sort_unstable_by(|&one, &other| compare(key(tags[one as usize]), key(tags[other as usize])));
        numbers.truncate(from);
        for &place in &self.order {
            let tag = tags[place as usize];
            if numbers[from..].last() == Some(&tag) {
                texts.let_go(tag);
            } else {
                numbers.push(tag);
            }
        }
    }
}

/// The first bytes of a text as a number: of two texts with different ones the lower number has the lower text.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(bytes.len());
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tags_are_sorted_by_text_whatever_came_before(lists in prop::collection::vec(
            prop::collection::vec("[ab:é\0]{0,10}", 0..6), 0..8,
        )) {
            let (mut texts, mut sorting) = (Texts::default(), Sorting::default());
            for list in lists {
                let mut numbers = vec![7];
                numbers.extend(list.iter().map(|tag| sorting.hold(&mut texts, tag)));
                sorting.sort(&mut numbers, 1, &mut texts);
                prop_assert_eq!(numbers.remove(0), 7);
                let sorted: Vec<_> = numbers.iter().map(|&number| texts.get(number).to_owned()).collect();
                let expected: std::collections::BTreeSet<_> = list.into_iter().collect();
                prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
