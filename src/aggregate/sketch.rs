//! Sketch placeholder.

/// The Agent-compatible sketch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {}
