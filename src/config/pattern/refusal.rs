//! Why a text is no expression, and where.

use std::fmt;

/// What is wrong with an expression, and at which character.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The character, counted from 0.
    pub(super) at: usize,
    /// What is wrong there, and what to write instead.
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }
}

/// Counts characters from 1, as people do.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}, {}", self.at + 1, self.why)
    }
}
