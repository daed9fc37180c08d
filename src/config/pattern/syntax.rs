//! The tree of a regular expression in Python's syntax.
//!
//! Flags are resolved in it: a node says what it matches wherever it stands.

use super::characters::CharacterSet;

/// A whole expression.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) root: Node,
    /// The names of groups and the groups' numbers, in the order of the expression.
    pub(super) names: Vec<(String, usize)>,
    /// By number, group 0 included: who asks what the group matched.
    pub(super) askers: Vec<Asker>,
}

/// Who asks what a group matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Nobody,
    /// The group has a name, by which its value can be asked for after the search.
    Outside,
    /// A back-reference or a condition.
    Expression,
}

#[derive(Debug)]
pub(super) enum Node {
    /// One character.
    Set(CharacterSet),
    Anchor(Anchor),
    Group {
        /// Its number, if it captures.
        capture: Option<usize>,
        body: Box<Node>,
    },
    /// `(?>...)`: its first way to match is its only one.
    Atomic(Box<Node>),
    Look {
        direction: Direction,
        negative: bool,
        body: Box<Node>,
    },
    BackReference {
        group: usize,
        ignore_case: bool,
    },
    /// `(?(1)then|otherwise)`.
    Conditional {
        group: usize,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    Repeat {
        body: Box<Node>,
        least: u32,
        /// None for any number.
        most: Option<u32>,
        kind: RepeatKind,
    },
    Sequence(Vec<Node>),
    Alternation(Vec<Node>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// `\A`, and `^` without `m`.
    TextStart,
    /// `^` with `m`.
    LineStart,
    /// `\Z`.
    TextEnd,
    /// `$` without `m`: the end, or before a line feed that ends the text.
    LastLineEnd,
    /// `$` with `m`.
    LineEnd,
    /// `\b`.
    Boundary { ascii: bool },
    /// `\B`, which is not found in an empty text.
    NotBoundary { ascii: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ahead,
    Behind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RepeatKind {
    Greedy,
    Lazy,
    Possessive,
}

impl Node {
    pub(super) fn nothing() -> Self {
        Self::Sequence(Vec::new())
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Sequence(items) if items.is_empty())
    }
}
