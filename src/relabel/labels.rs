//! The set of labels that rules work on.

use std::borrow::Cow;
use std::mem;

use crate::unique;

/// Labels, each name once, in the order in which they came. A label without a value is no label.
#[derive(Clone, Debug, Default)]
pub struct LabelBuilder<'a> {
    labels: Vec<Label<'a>>,
    /// How many labels were set so far.
    changes: usize,
}

#[derive(Clone, Debug)]
struct Label<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
    /// The count of changes when the label was set first; zero if it is as it came.
    change: usize,
}

impl<'a> LabelBuilder<'a> {
    /// The labels of an exposition or of a discovered target. A name that comes again keeps its place and takes the
    /// later value.
    pub fn new<N, V>(labels: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'a, str>>,
        V: Into<Cow<'a, str>>,
    {
        let labels = unique::by_name(labels.into_iter().map(|(name, value)| (name.into(), value.into())));
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        Self { labels: labels.map(|(name, value)| Label { name, value, change: 0 }).collect(), changes: 0 }
    }

    /// The value of a label; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.position(name).map_or("", |at| &self.labels[at].value)
    }

    /// Gives a label a value: in its place if there is one of that name, else at the end. An empty value removes it.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.exchange(name.into(), value.into(), |_, _, _| {});
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|label| (&*label.name, &*label.value))
    }

    /// Names and values, given away.
    pub fn into_labels(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.labels.into_iter().map(|label| (label.name, label.value))
    }

    /// [`LabelBuilder::set`] that tells `changed` name, value before and value after if the two differ.
    pub(super) fn exchange(&mut self, name: Cow<'a, str>, value: Cow<'a, str>, changed: impl FnOnce(&str, &str, &str)) {
        match self.position(&name) {
            Some(at) if value.is_empty() => {
                let label = self.labels.remove(at);
                changed(&label.name, &label.value, "");
            }
            Some(at) => {
                let label = &mut self.labels[at];
                if label.change == 0 {
                    self.changes += 1;
                    label.change = self.changes;
                }
                let before = mem::replace(&mut label.value, value);
                if before != label.value {
                    changed(&label.name, &before, &label.value);
                }
            }
            None if value.is_empty() => {}
            None => {
                changed(&name, "", &value);
                self.changes += 1;
                self.labels.push(Label { name, value, change: self.changes });
            }
        }
    }

    /// Removes the labels whose names are not kept, and tells `removed` each name and value.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool, mut removed: impl FnMut(&str, &str)) {
        self.labels.retain(|label| {
            let kept = keep(&label.name);
            if !kept {
                removed(&label.name, &label.value);
            }
            kept
        });
    }

    /// What `select` makes of the names, with the values, in the order in which Prometheus goes through labels: those
    /// that are as they came, by name, then those that rules have set, by the time when they did.
    pub(super) fn select<T>(&self, mut select: impl FnMut(&str) -> Option<T>) -> Vec<(T, Cow<'a, str>)> {
        let selected = self.labels.iter().filter_map(|label| Some((label, select(&label.name)?)));
        let mut selected: Vec<_> = selected.collect();
        selected.sort_by(|(one, _), (other, _)| (one.change, &one.name).cmp(&(other.change, &other.name)));
        selected.into_iter().map(|(label, item)| (item, label.value.clone())).collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.labels.iter().position(|label| label.name == name)
    }
}
