//! What is remembered of a target so that its counters go on growing where they were after a restart of Retriever. Only
//! the aggregator reads the bytes; everybody else carries them.

/// Which target marks belong to: the same for the same target after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey(pub u64);

/// What one scrape adds to the memory of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Whose they are.
    pub target: TargetKey,
    /// What they say.
    pub content: MarksContent,
}

/// How marks relate to earlier ones of the same target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarksContent {
    /// Replaces everything earlier.
    Whole(Vec<u8>),
    /// The last readings of some series, absolute ones, which count instead of earlier readings of the same series.
    Changes(Vec<u8>),
}
