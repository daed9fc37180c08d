//! Where the texts of series are cut, so that their pieces are pieces of other texts too.

use crate::parse::{Label, Sample};
use crate::texts::is_same;

use super::labels::QUANTILE;
use super::roster::Cut;

/// So many kinds of labels are remembered.
const MOST: usize = 64;

/// Labels that tell the series of one group apart.
const BOUNDS: [&str; 2] = ["le", QUANTILE];

/// The kinds of labels that came: each names of labels in an order.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    known: Vec<Kind>,
    /// The one that came last.
    last: usize,
}

#[derive(Debug)]
struct Kind {
    names: Vec<Box<str>>,
    /// How many of the labels belong to the stem.
    stem: usize,
}

impl Kind {
    fn is_of(&self, labels: &[Label<'_>]) -> bool {
        self.names.len() == labels.len() && common(&self.names, labels) == labels.len()
    }
}

impl Cuts {
    /// Where the text of the series of a sample is cut: the stem are the labels that an earlier family has as well, or those
    /// that all series of a group have.
    pub(super) fn of(&mut self, sample: &Sample<'_>) -> Option<Cut> {
        let (text, name) = (sample.series, sample.name.raw());
        if !text.starts_with(name) || text.as_bytes().get(name.len()) != Some(&b'{') {
            return None;
        }
        let stem = name.len() + 1;
        let last = sample.labels[self.stem(sample.labels).checked_sub(1)?].value.raw();
        // The end of the value, which is a part of the text, and the quote behind it.
        let rest = (last.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize).wrapping_add(last.len() + 1);
        (rest > stem && text.is_char_boundary(rest)).then_some(Cut { stem, rest })
    }

    /// How many of such labels belong to the stem.
    pub(super) fn stem(&mut self, labels: &[Label<'_>]) -> usize {
        if let Some(last) = self.known.get(self.last).filter(|last| last.is_of(labels)) {
            return last.stem;
        }
        if let Some(place) = self.known.iter().position(|known| known.is_of(labels)) {
            self.last = place;
            return self.known[place].stem;
        }
        let in_common = self.known.iter().map(|known| common(&known.names, labels)).max().unwrap_or_default();
        let bound = labels.iter().position(|label| BOUNDS.contains(&label.name.raw()));
        let stem = bound.unwrap_or(in_common);
        if self.known.len() < MOST {
            self.last = self.known.len();
            let names = labels.iter().map(|label| label.name.raw().into()).collect();
            self.known.push(Kind { names, stem });
        }
        stem
    }
}

/// How many names are the same at the beginning of both.
fn common(names: &[Box<str>], labels: &[Label<'_>]) -> usize {
    let names = names.iter().map(|name| name.as_bytes());
    let others = labels.iter().map(|label| label.name.raw().as_bytes());
    names.zip(others).take_while(|(name, other)| is_same(name, other)).count()
}
