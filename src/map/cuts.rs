//! Where the texts of series are cut, so that their pieces are pieces of other texts too.

use crate::parse::{Label, Sample};
use crate::texts::is_same;

use super::labels::QUANTILE;
use super::roster::Cut;

/// So many names of labels are remembered.
const MOST: usize = 64;

/// Labels that tell the series of one group apart.
const BOUNDS: [&str; 2] = ["le", QUANTILE];

/// The names that labels of one body had, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    known: Vec<Names>,
    /// The place of those that came last.
    last: usize,
    /// How many families began.
    families: u64,
}

/// The names of the labels of a series, in their order.
#[derive(Debug)]
struct Names {
    in_order: Vec<Box<str>>,
    /// How many of the labels belong to the stem.
    stem: usize,
    /// The number of the family that had them first.
    family: u64,
}

impl Names {
    fn are_of(&self, labels: &[Label<'_>]) -> bool {
        self.in_order.len() == labels.len() && common(&self.in_order, labels) == labels.len()
    }
}

impl Cuts {
    /// A family begins.
    pub(super) fn begin(&mut self) {
        self.families += 1;
    }

    /// Where the text of the series of a sample is cut: the stem are the labels that an earlier family has as well, or those
    /// that all series of a group have.
    pub(super) fn of(&mut self, sample: &Sample<'_>) -> Option<Cut> {
        let (text, stem) = (sample.series, sample.name.raw().len() + 1);
        let labels = &sample.labels[..self.stem(sample.labels)];
        let last = labels.last()?.value.raw();
        // Quotes, an equals sign and a comma for each, of which the last one has no comma behind it.
        let lengths = labels.iter().map(|Label { name, value }| name.raw().len() + value.raw().len() + 4);
        let rest = stem + lengths.sum::<usize>() - 1;
        // Names in quotes, and blanks, make it longer.
        let is_there = text.get(..rest)?.strip_suffix('"')?.ends_with(last) && text.as_bytes()[stem - 1] == b'{';
        is_there.then_some(Cut { stem, rest })
    }

    /// How many of the labels of a series belong to the stem.
    pub(super) fn stem(&mut self, labels: &[Label<'_>]) -> usize {
        let is_last = self.known.get(self.last).is_some_and(|last| last.are_of(labels));
        if !is_last {
            let place = self.known.iter().position(|known| known.are_of(labels));
            let Some(place) = place.or_else(|| self.note(labels)) else { return 0 };
            self.last = place;
        }
        let known = &mut self.known[self.last];
        // What had nothing in common with the families before it is what another one has as well.
        if known.stem == 0 && known.family != self.families && bound_of(labels).is_none() {
            known.stem = labels.len();
        }
        known.stem
    }

    /// Remembers the names of labels, if there is room; gives their place.
    fn note(&mut self, labels: &[Label<'_>]) -> Option<usize> {
        if self.known.len() >= MOST {
            return None;
        }
        let in_common = self.known.iter().map(|known| common(&known.in_order, labels)).max().unwrap_or_default();
        let in_order = labels.iter().map(|label| label.name.raw().into()).collect();
        self.known.push(Names { in_order, stem: bound_of(labels).unwrap_or(in_common), family: self.families });
        Some(self.known.len() - 1)
    }
}

/// The place of the label that tells the series of one group apart, if there is one.
fn bound_of(labels: &[Label<'_>]) -> Option<usize> {
    labels.iter().position(|label| BOUNDS.contains(&label.name.raw()))
}

/// How many names are the same at the beginning of both.
fn common(names: &[Box<str>], labels: &[Label<'_>]) -> usize {
    let names = names.iter().map(|name| name.as_bytes());
    let others = labels.iter().map(|label| label.name.raw().as_bytes());
    names.zip(others).take_while(|(name, other)| is_same(name, other)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Quoted;

    fn labels(names: &[&'static str]) -> Vec<Label<'static>> {
        let plain = |text| Quoted::new(text, false);
        names.iter().map(|name| Label { name: plain(name), value: plain("x") }).collect()
    }

    #[test]
    fn the_stem_is_what_families_have_in_common() {
        let mut cuts = Cuts::default();
        let cases: [(&[&str], usize); 7] = [
            (&["namespace", "pod", "uid", "node"], 0),
            (&["namespace", "pod", "uid"], 3),
            (&["namespace", "pod", "uid", "phase"], 3),
            (&["namespace", "pod", "uid", "phase"], 3),
            (&["namespace", "pod", "uid", "node"], 4),
            (&["namespace", "pod", "le"], 2),
            (&["le", "namespace"], 0),
        ];
        for (names, stem) in cases {
            cuts.begin();
            for _ in 0..2 {
                assert_eq!(cuts.stem(&labels(names)), stem, "{names:?}");
            }
        }
    }
}
