//! What sources of shared labels lend: labels for all samples, and labels for those that have certain others.
//!
//! Neither may cost more the more a target exposes: of one kind there are as many labels as one sample may have, and
//! what is lent under conditions is looked up by the values that it asks for.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::labels::LabelSet;

/// Labels that are lent, each name once, in the order in which the names came.
pub(super) type Labels = Vec<(String, String)>;

/// More labels are lent than one sample may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Adds a label, or changes its value in its place; there may be `most`.
pub(super) fn insert(labels: &mut Labels, name: &str, value: &str, most: usize) -> Result<(), TooMany> {
    if let Some((_, known)) = labels.iter_mut().find(|(known, _)| known == name) {
        value.clone_into(known);
    } else if labels.len() < most {
        labels.push((name.to_owned(), value.to_owned()));
    } else {
        return Err(TooMany);
    }
    Ok(())
}

/// Labels that one source lends to the samples that have certain labels in common with one of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conditional {
    /// Samples of the source often have the same labels, so there are few kinds.
    kinds: Vec<Kind>,
    /// How many samples were added.
    samples: usize,
}

/// Conditions on the same labels.
#[derive(Clone, Debug, PartialEq)]
struct Kind {
    names: Vec<String>,
    /// By the values that those labels have to have.
    by_values: HashMap<String, Vec<Loan>>,
}

/// A label that is lent under a condition; of several samples with one condition the last one says its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loan {
    name: String,
    value: String,
    /// The sample of the source that lent it first, and the one that lent it last.
    first: usize,
    last: usize,
}

impl Conditional {
    /// What one sample of the source lends to those whose labels fulfil the condition.
    pub(super) fn add(
        &mut self,
        condition: &[(&str, &str)],
        labels: &[(&str, &str)],
        most: usize,
    ) -> Result<(), TooMany> {
        let sample = self.samples;
        self.samples += 1;
        let is_of = |kind: &Kind| kind.names.iter().map(String::as_str).eq(condition.iter().map(|(name, _)| *name));
        let place = self.kinds.iter().position(is_of).unwrap_or_else(|| {
            let names = condition.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.kinds.push(Kind { names, by_values: HashMap::new() });
            self.kinds.len() - 1
        });
        let values = key(condition.iter().map(|(_, value)| *value));
        let loans = self.kinds[place].by_values.entry(values).or_default();
        for (name, value) in labels {
            if let Some(known) = loans.iter_mut().find(|loan| loan.name == *name) {
                (*value).clone_into(&mut known.value);
                known.last = sample;
            } else if loans.len() < most {
                let (name, value) = ((*name).to_owned(), (*value).to_owned());
                loans.push(Loan { name, value, first: sample, last: sample });
            } else {
                return Err(TooMany);
            }
        }
        Ok(())
    }

    /// What is lent to a sample with these labels.
    pub(super) fn loans(&self, labels: &LabelSet<'_>) -> Vec<&Loan> {
        let matching = self.kinds.iter().filter_map(|kind| {
            let values: Option<Vec<&str>> = kind.names.iter().map(|name| labels.get(name)).collect();
            kind.by_values.get(&key(values?.into_iter()))
        });
        matching.flatten().collect()
    }
}

/// Loans as the samples of their source would have made them one after the other: each label once, in the place of the
/// first that lent it, with the value of the last.
pub(super) fn in_order(mut loans: Vec<&Loan>) -> impl Iterator<Item = (&str, &str)> {
    let mut latest: HashMap<&str, &Loan> = HashMap::new();
    for loan in &loans {
        let known = latest.entry(&loan.name).or_insert(loan);
        if known.last < loan.last {
            *known = loan;
        }
    }
    // A stable sort: the labels of one sample stay in their order.
    loans.sort_by_key(|loan| loan.first);
    loans.into_iter().filter_map(move |loan| Some((&*loan.name, &*latest.remove(&*loan.name)?.value)))
}

/// Values as one text; each is told from the next by its length.
fn key<'v>(values: impl Iterator<Item = &'v str>) -> String {
    values.fold(String::new(), |mut key, value| {
        let _ = write!(key, "{} {value}", value.len());
        key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(lending: &Conditional, labels: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let labels = LabelSet::from_unique(labels.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        in_order(lending.loans(&labels)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn expect(labels: &[(&str, &str)]) -> Vec<(String, String)> {
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn samples_lend_one_after_the_other_whatever_they_ask_for() {
        let mut lending = Conditional::default();
        lending.add(&[("pod", "a")], &[("x", "1"), ("y", "1")], 9).unwrap();
        lending.add(&[("node", "n"), ("pod", "a")], &[("z", "2"), ("x", "2")], 9).unwrap();
        lending.add(&[], &[("w", "3")], 9).unwrap();
        lending.add(&[("pod", "a")], &[("x", "4")], 9).unwrap();
        assert_eq!(lent(&lending, &[("pod", "b")]), expect(&[("w", "3")]));
        assert_eq!(lent(&lending, &[("pod", "a")]), expect(&[("x", "4"), ("y", "1"), ("w", "3")]));
        let all = [("x", "4"), ("y", "1"), ("z", "2"), ("w", "3")];
        assert_eq!(lent(&lending, &[("pod", "a"), ("node", "n")]), expect(&all));
    }

    #[test]
    fn values_are_not_mistaken_for_others() {
        let mut lending = Conditional::default();
        lending.add(&[("a", "1"), ("b", "23")], &[("x", "1")], 9).unwrap();
        assert_eq!(lent(&lending, &[("a", "12"), ("b", "3")]), expect(&[]));
        assert_eq!(lent(&lending, &[("a", "1 12"), ("b", "23")]), expect(&[]));
    }

    #[test]
    fn there_are_as_many_labels_as_a_sample_may_have() {
        let mut lending = Conditional::default();
        assert_eq!(lending.add(&[], &[("x", "1"), ("y", "1")], 2), Ok(()));
        assert_eq!(lending.add(&[], &[("x", "2")], 2), Ok(()));
        assert_eq!(lending.add(&[], &[("z", "1")], 2), Err(TooMany));
        let mut labels = Labels::new();
        assert_eq!(insert(&mut labels, "x", "1", 1), Ok(()));
        assert_eq!(insert(&mut labels, "x", "2", 1), Ok(()));
        assert_eq!(insert(&mut labels, "y", "1", 1), Err(TooMany));
    }
}
