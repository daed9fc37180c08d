//! Where a value comes from: the series that exposed it, told apart from all others of its target also where dropped
//! labels leave several series under one context.

/// A series of one target: a place in flat arrays, dense from 0 and used again after the series was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(u32);

impl SeriesId {
    /// The series at a place.
    pub fn new(place: u32) -> Self {
        Self(place)
    }

    /// Its place.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn place(self) -> u32 {
        self.0
    }
}

/// A histogram or a summary: all series that differ in their bound, quantile or suffix only. Dense like [`SeriesId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u32);

impl GroupId {
    /// The group at a place.
    pub fn new(place: u32) -> Self {
        Self(place)
    }

    /// Its place.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn place(self) -> u32 {
        self.0
    }
}

/// What a series can say about the reset of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A count or a bucket: it never falls but by a reset.
    Count,
    /// A sum: it also falls when something negative was observed.
    Sum,
}

/// The series behind a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The series.
    pub series: SeriesId,
    /// What it is part of, if it does not stand alone.
    pub group: Option<(GroupId, Part)>,
}

impl Origin {
    /// A series that stands alone.
    pub fn alone(series: SeriesId) -> Self {
        Self { series, group: None }
    }
}
