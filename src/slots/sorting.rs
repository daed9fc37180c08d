//! The order of the tags of a series: by their text, each once.

use std::cmp::Ordering;

use crate::texts::Texts;

/// How the tags of the series before were sorted, for those of the next are mostly in the same disorder.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorting {
    /// Which of the tags comes in which place.
    order: Vec<u32>,
    /// In which place which of the tags comes.
    places: Vec<u32>,
    /// Whether a tag was there again, so that the places are those of these tags only.
    repeats: bool,
    version: u64,
}

impl Sorting {
    /// Appends the tags to `sorted` in their order; one that is there again is let go.
    pub(super) fn sort(&mut self, tags: &[u32], sorted: &mut Vec<u32>, texts: &mut Texts) {
        let from = sorted.len();
        if self.order.len() == tags.len() && !self.repeats {
            sorted.extend(self.order.iter().map(|&place| tags[place as usize]));
            if sorted[from..].is_sorted_by(|&one, &next| compare(texts, one, next).is_lt()) {
                return;
            }
            sorted.truncate(from);
        }
        self.version += 1;
        self.order.clear();
        self.order.extend((0..).zip(tags).map(|(place, _): (u32, _)| place));
        self.order.sort_unstable_by(|&one, &other| compare(texts, tags[one as usize], tags[other as usize]));
        self.places.clear();
        self.places.resize(tags.len(), 0);
        for &place in &self.order {
            let tag = tags[place as usize];
            if sorted[from..].last() == Some(&tag) {
                texts.let_go(tag);
            } else {
                sorted.push(tag);
            }
            self.places[place as usize] = (sorted.len() - 1) as u32;
        }
        self.repeats = sorted.len() - from < tags.len();
    }

    /// Where among the sorted numbers each of the tags came that were sorted last; and what tells whether that is the same
    /// as before.
    pub(super) fn places(&self) -> (&[u32], u64) {
        (&self.places, self.version)
    }
}

/// The order of two tags. Most need to be compared by their beginnings only.
#[inline]
fn compare(texts: &Texts, one: u32, other: u32) -> Ordering {
    let beginnings = texts.beginning(one).cmp(&texts.beginning(other));
    beginnings.then_with(|| texts.bytes(one).cmp(texts.bytes(other)))
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
                let tags: Vec<_> = list.iter().map(|tag| texts.hold(tag.as_bytes())).collect();
                let mut numbers = vec![7];
                sorting.sort(&tags, &mut numbers, &mut texts);
                let places = sorting.places().0.iter().map(|&place| numbers[place as usize]);
                prop_assert_eq!(places.collect::<Vec<_>>(), tags);
                prop_assert_eq!(numbers.remove(0), 7);
                let sorted: Vec<_> = numbers.iter().map(|&number| texts.get(number).to_owned()).collect();
                let expected: std::collections::BTreeSet<_> = list.into_iter().collect();
                prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
