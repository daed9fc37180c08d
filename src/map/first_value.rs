//! Whether the first value of a counter is growth from zero, as Datadog's check decides it: per target, by how the
//! scrapes before went.

/// The state between two scrapes of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FirstValues {
    /// No scrape succeeded yet: what is new may be old.
    #[default]
    Initial,
    /// The scrape before succeeded: what is new began since.
    Flushed,
    /// The scrape before failed, and one succeeded before that.
    Unknown,
}

impl FirstValues {
    /// Whether first values count as growth in the scrape that begins now.
    pub(crate) fn flush(self) -> bool {
        self == Self::Flushed
    }

    /// The state after a scrape.
    #[must_use]
    pub(crate) fn after(self, success: bool) -> Self {
        match (self, success) {
            (_, true) => Self::Flushed,
            (Self::Initial, false) => Self::Initial,
            (Self::Flushed | Self::Unknown, false) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FirstValues;

    #[test]
    fn only_a_success_right_before_flushes() {
        let mut state = FirstValues::default();
        let mut flushed = Vec::new();
        for success in [false, true, true, false, false, true, true] {
            flushed.push(state.flush());
            state = state.after(success);
        }
        assert_eq!(flushed, [false, false, true, true, false, false, true]);
    }
}
