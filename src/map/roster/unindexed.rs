//! Series that are not in the index yet, because none was looked for since that could be one of them.
//!
//! In the first body of a target, a series whose context is new is new itself: to know that, it need not be looked for. And
//! what always comes in the same order is never looked for.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

/// The series, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Unindexed {
    /// Runs of numbers.
    runs: Vec<Range<u32>>,
    /// How many of the runs came with families before the open one, in the first body.
    before: usize,
    /// The number of the open family in the first body.
    family: u32,
    /// With which family each name came, as long as none came with two; none behind the first body.
    names: Option<HashMap<Box<str>, u32, RandomState>>,
}

impl Unindexed {
    /// A body begins.
    pub(super) fn begin(&mut self, is_first: bool) {
        self.names = is_first.then(HashMap::default);
        (self.before, self.family) = (0, 0);
    }

    /// A body has ended.
    pub(super) fn end(&mut self) {
        self.names = None;
    }

    /// A family begins.
    pub(super) fn begin_family(&mut self) {
        self.before = self.runs.len();
        self.family += 1;
    }

    /// Notes that a series of this name is read, before it is looked up.
    pub(super) fn note_name(&mut self, name: &str) {
        let Some(names) = &mut self.names else { return };
        match names.get(name) {
            None => _ = names.insert(name.into(), self.family),
            Some(family) if *family == self.family => {}
            Some(_) => self.names = None,
        }
    }

    /// Whether there may be a series of this name, in the index or not.
    pub(super) fn may_know(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains_key(name))
    }

    /// Whether a series of the open family is new if its context is.
    #[inline]
    pub(super) fn shows_new(&self) -> bool {
        self.names.is_some()
    }

    /// Adds a series of the open family.
    #[inline]
    pub(super) fn add(&mut self, place: u32) {
        match self.runs[self.before..].last_mut() {
            Some(run) if run.end == place => run.end += 1,
            _ => self.runs.push(place..place + 1),
        }
    }

    /// Takes out some of those that a series of the open family could be, until there are none.
    #[inline]
    pub(super) fn take_of_family(&mut self) -> Option<Range<u32>> {
        // As long as no name came with two families, those of others have other names.
        let others = if self.names.is_some() { self.before } else { 0 };
        if self.runs.len() > others { self.runs.pop() } else { None }
    }

    /// Takes out some, until there are none.
    pub(super) fn take_any(&mut self) -> Option<Range<u32>> {
        // What is added later is of the open family.
        self.before = 0;
        self.runs.pop()
    }
}
