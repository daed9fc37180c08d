//! How many characters a node can match: a look-behind needs one number.

use super::syntax::Node;

/// The fewest and the most characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) least: u64,
    /// As large as can be if there is no bound.
    pub(super) most: u64,
}

impl Width {
    const ZERO: Self = Self { least: 0, most: 0 };
    const ONE: Self = Self { least: 1, most: 1 };
    const ANY: Self = Self { least: 0, most: u64::MAX };

    /// The width of a node; `groups` has those of the groups that it refers to, if they are known.
    pub(super) fn of(node: &Node, groups: &[Option<Self>]) -> Self {
        match node {
            Node::Set(_) => Self::ONE,
            Node::Anchor(_) | Node::Look { .. } => Self::ZERO,
            Node::Group { body, .. } | Node::Atomic(body) => Self::of(body, groups),
            Node::BackReference { group, .. } => groups.get(*group).copied().flatten().unwrap_or(Self::ANY),
            Node::Conditional { then, otherwise, .. } => Self::of(then, groups).or(Self::of(otherwise, groups)),
            Node::Repeat { body, least, most, .. } => {
                let body = Self::of(body, groups);
                let most = match most {
                    Some(most) => body.most.saturating_mul((*most).into()),
                    None if body.most == 0 => 0,
                    None => u64::MAX,
                };
                Self { least: body.least.saturating_mul((*least).into()), most }
            }
            Node::Sequence(items) => items.iter().fold(Self::ZERO, |width, item| {
                let item = Self::of(item, groups);
                Self { least: width.least.saturating_add(item.least), most: width.most.saturating_add(item.most) }
            }),
            Node::Alternation(alternatives) => {
                let widths = alternatives.iter().map(|alternative| Self::of(alternative, groups));
                widths.reduce(Self::or).unwrap_or(Self::ZERO)
            }
        }
    }

    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}
