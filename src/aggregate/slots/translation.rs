//! From the numbers that texts have in one table to those that they have in another, without looking at texts that were
//! translated before.

use super::sorting::Sorting;
use crate::texts::{State, Texts, reach};

/// Stands for no text.
const NOTHING: u32 = u32::MAX;

/// What numbers were translated to.
#[derive(Clone, Debug, Default)]
pub(super) struct Translation {
    /// By the number in the other table.
    known: Vec<Known>,
    /// The states of both tables, and the number of the present ones.
    states: (State, State),
    present: u32,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    /// In which states the translation was last found to be right.
    right_in: u32,
}

impl Translation {
    /// Begins to translate numbers of `from` to those of `to`.
    #[inline]
    pub(super) fn begin(&mut self, from: &Texts, to: &Texts) {
        let states = (from.state(), to.state());
        if self.states != states {
            self.states = states;
            self.present = self.present.wrapping_add(1);
            if self.present == 0 {
                self.known.clear();
            }
        }
    }

    /// The number of a text, which has one more holder then.
    #[inline]
    pub(super) fn hold(&mut self, theirs: u32, from: &Texts, to: &mut Texts, sorting: &mut Sorting) -> u32 {
        match self.known.get(theirs as usize) {
            Some(known) if known.right_in == self.present && known.number != NOTHING => {
                to.hold_again(known.number);
                known.number
            }
            _ => self.find(theirs, from, to, sorting),
        }
    }

    fn find(&mut self, theirs: u32, from: &Texts, to: &mut Texts, sorting: &mut Sorting) -> u32 {
        let text = from.get(theirs);
        reach(&mut self.known, theirs as usize, || Known { number: NOTHING, right_in: 0 });
        let known = &mut self.known[theirs as usize];
        if !to.holds_if(known.number, |known| known == text) {
            known.number = sorting.hold(to, text);
        }
        known.right_in = self.present;
        known.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_stands_for_another_text_is_translated_anew() {
        let (mut theirs, mut own) = (Texts::default(), Texts::default());
        let (mut translation, mut sorting) = (Translation::default(), Sorting::default());
        let mut translate = |number: u32, theirs: &Texts, own: &mut Texts| {
            translation.begin(theirs, own);
            translation.hold(number, theirs, own, &mut sorting)
        };
        let number = theirs.hold("a");
        let a = translate(number, &theirs, &mut own);
        assert_eq!(translate(number, &theirs, &mut own), a);
        // Another text there.
        theirs.let_go(number);
        assert_eq!(theirs.hold("b"), number);
        let b = translate(number, &theirs, &mut own);
        assert_eq!((own.get(a), own.get(b)), ("a", "b"));
        // The text is gone here.
        own.let_go(b);
        assert_eq!(own.hold("c"), b);
        let again = translate(number, &theirs, &mut own);
        assert_eq!((own.get(again), own.get(b)), ("b", "c"));
        // Another table altogether.
        let mut others = Texts::default();
        assert_eq!(others.hold("d"), number);
        let d = translate(number, &others, &mut own);
        assert_eq!(own.get(d), "d");
    }
}
