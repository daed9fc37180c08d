//! `send_monotonic_counter` and `send_monotonic_with_gauge`: what the legacy form sends for counters. In the modern form it
//! is the type of each entry of `metrics`.

use crate::config::section::Section;

use super::placed;

/// What becomes of counters.
pub(super) struct Counters {
    kind: Option<&'static str>,
    /// Entries that may be counters and may be something else.
    doubtful: Vec<String>,
}

impl Counters {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let monotonic = section.affirmative("send_monotonic_counter", true);
        let kind = match section.affirmative("send_monotonic_with_gauge", false) {
            _ if monotonic => None,
            false => Some("gauge"),
            true => Some("counter_gauge"),
        };
        Self { kind, doubtful: Vec::new() }
    }

    /// The type that makes of a counter what the legacy form sends; none if it is sent as what it is.
    pub(super) fn kind(&self) -> Option<&'static str> {
        self.kind
    }

    /// A type for an entry, where counters may have another.
    pub(super) fn of(&self, kind: Option<&'static str>) -> Option<&'static str> {
        match kind {
            Some("counter") => self.kind.or(kind),
            _ => kind,
        }
    }

    /// Remembers an entry of which nothing says whether it is a counter.
    pub(super) fn doubt(&mut self, entry: &str) {
        if self.kind.is_some() {
            self.doubtful.push(entry.to_owned());
        }
    }

    /// Says what became of the two options.
    pub(super) fn report(&self, section: &Section<'_>) {
        let place = |option| placed(section, option).map(|(at, _)| at);
        let (monotonic, both) = (place("send_monotonic_counter"), place("send_monotonic_with_gauge"));
        let Some(kind) = self.kind else {
            if let Some(at) = monotonic {
                section.note(at, "`send_monotonic_counter` is on and needs no option in its place");
            }
            if let Some(at) = both {
                let message = "`send_monotonic_with_gauge` has no effect as long as `send_monotonic_counter` is on";
                section.warning(at, message);
            }
            return;
        };
        // Counters are only sent otherwise if the first is there.
        let Some(at) = monotonic else { return };
        section.note(at, format!("`send_monotonic_counter` is read as `type: {kind}` of counters in `metrics`"));
        if let Some(at) = both {
            let message = if kind == "counter_gauge" {
                "`send_monotonic_with_gauge` is read as `type: counter_gauge` of counters in `metrics`: the gauge is \
                 `<name>.total` and the monotonic count `<name>.count`, no longer `<name>` and `<name>.total`"
            } else {
                "`send_monotonic_with_gauge` is off and needs no option in its place"
            };
            section.note(at, message);
        }
        if !self.doubtful.is_empty() {
            let message = format!(
                "`send_monotonic_counter` has no effect on counters among `{}`: nothing tells that they are, and a type would \
                 be forced on whatever else they are; write `type: {kind}` for those that are counters",
                self.doubtful.join("`, `")
            );
            section.warning(at, message);
        }
    }
}
