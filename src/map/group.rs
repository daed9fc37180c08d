//! The name of a histogram or summary: what all its series have in common, as one text.

use super::labels::LabelSet;

/// The name of the group of the series that is compiled. One after the other is made in the same place.
#[derive(Debug, Default)]
pub(super) struct GroupName {
    text: String,
    /// The places of the labels in the order of their names: that of the series before most likely is right again.
    order: Vec<usize>,
}

impl GroupName {
    /// Makes the name of the family and of all labels but that of the bound or quantile.
    pub(super) fn set(&mut self, family: &str, labels: &LabelSet<'_>, bound: &str) {
        let name = |place: usize| labels.pair(place).0;
        let is_right =
            self.order.len() == labels.len() && self.order.is_sorted_by(|&one, &next| name(one) < name(next));
        if !is_right {
            self.order.clear();
            self.order.extend(0..labels.len());
            self.order.sort_unstable_by_key(|&place| name(place));
        }
        self.text.clear();
        self.text.push_str(family);
        for (name, value) in self.order.iter().map(|&place| labels.pair(place)).filter(|(name, _)| *name != bound) {
            // No name holds the separator, and a value is told from what follows by its length.
            self.text.push('\0');
            self.text.push_str(name);
            self.text.push('\0');
            let mut length = value.len();
            while length > 0 {
                self.text.push(char::from(b'0' + (length % 10) as u8));
                length /= 10;
            }
            self.text.push('\0');
            self.text.push_str(value);
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}
