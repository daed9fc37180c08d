//! What a metric is measured in, under Datadog's name for it. It is told from what an exposition says: the `UNIT` line of
//! a family, or the end of its name.

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::sync::LazyLock;

/// A unit that Datadog knows. It takes one byte, also where there may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unit(NonZeroU8);

/// A name of Datadog's list of units, and the words that exporters have for it.
type Entry = (&'static str, &'static [&'static str]);

/// Of Datadog's list what exporters measure in, or count, and end names with. Metres and grams are not on that list.
const TABLE: &[Entry] = &[
    ("second", &["seconds"]),
    ("percent", &["percent", "percentage"]),
    ("unix second", &[]),
    ("unix millisecond", &[]),
    ("fraction", &["ratio"]),
    ("nanosecond", &["nanoseconds"]),
    ("microsecond", &["microseconds"]),
    ("millisecond", &["milliseconds", "ms"]),
    ("minute", &["minutes"]),
    ("hour", &["hours"]),
    ("day", &["days"]),
    ("week", &["weeks"]),
    ("bit", &["bits"]),
    ("byte", &["bytes"]),
    ("kibibyte", &["kibibytes"]),
    ("mebibyte", &["mebibytes"]),
    ("gibibyte", &["gibibytes"]),
    ("tebibyte", &["tebibytes"]),
    ("kilobyte", &["kilobytes"]),
    ("megabyte", &["megabytes"]),
    ("gigabyte", &["gigabytes"]),
    ("terabyte", &["terabytes"]),
    ("degree celsius", &["celsius"]),
    ("degree fahrenheit", &["fahrenheit"]),
    ("joule", &["joules"]),
    ("watt", &["watts"]),
    ("kilowatt", &["kilowatts"]),
    ("volt", &["volts"]),
    ("millivolt", &["millivolts"]),
    ("ampere", &["amperes", "amps"]),
    ("milliampere", &["milliamperes"]),
    ("hertz", &["hertz"]),
    ("kilohertz", &["kilohertz"]),
    ("megahertz", &["megahertz"]),
    ("gigahertz", &["gigahertz"]),
    ("core", &["cores"]),
    ("dollar", &["dollars"]),
    ("euro", &["euros"]),
    ("request", &["requests"]),
    ("response", &["responses"]),
    ("connection", &["connections"]),
    ("packet", &["packets"]),
    ("frame", &["frames"]),
    ("datagram", &["datagrams"]),
    ("message", &["messages"]),
    ("session", &["sessions"]),
    ("timeout", &["timeouts"]),
    ("error", &["errors"]),
    ("exception", &["exceptions"]),
    ("event", &["events"]),
    ("operation", &["operations"]),
    ("attempt", &["attempts"]),
    ("execution", &["executions"]),
    ("invocation", &["invocations"]),
    ("command", &["commands"]),
    ("query", &["queries"]),
    ("transaction", &["transactions"]),
    ("commit", &["commits"]),
    ("row", &["rows"]),
    ("record", &["records"]),
    ("document", &["documents"]),
    ("object", &["objects"]),
    ("item", &["items"]),
    ("key", &["keys"]),
    ("table", &["tables"]),
    ("shard", &["shards"]),
    ("lock", &["locks"]),
    ("hit", &["hits"]),
    ("miss", &["misses"]),
    ("eviction", &["evictions"]),
    ("read", &["reads"]),
    ("write", &["writes"]),
    ("flush", &["flushes"]),
    ("page", &["pages"]),
    ("file", &["files"]),
    ("inode", &["inodes"]),
    ("sector", &["sectors"]),
    ("process", &["processes"]),
    ("thread", &["threads"]),
    ("task", &["tasks"]),
    ("job", &["jobs"]),
    ("worker", &["workers"]),
    ("container", &["containers"]),
    ("node", &["nodes"]),
    ("user", &["users"]),
    ("token", &["tokens"]),
    ("span", &["spans"]),
];

/// The table by word, since every new series asks.
static BY_WORD: LazyLock<HashMap<&str, Unit>> = LazyLock::new(|| {
    let entries = TABLE.iter().zip(0..).flat_map(|((_, words), place)| words.iter().map(move |word| (*word, place)));
    entries.map(|(word, place)| (word, Unit::at(place))).collect()
});

impl Unit {
    /// What a length of time is measured in that Retriever computes.
    pub const SECOND: Self = Self::at(0);
    /// What is a hundredth of something.
    pub const PERCENT: Self = Self::at(1);
    const UNIX_SECOND: Self = Self::at(2);
    const UNIX_MILLISECOND: Self = Self::at(3);

    const fn at(place: u8) -> Self {
        Self(NonZeroU8::MIN.saturating_add(place))
    }

    /// The unit of a family: what it declares, in `OpenMetrics`' words, else what the end of its name says.
    pub fn of_family(declared: Option<&str>, name: &str) -> Option<Self> {
        match declared {
            Some(word) => Self::of_openmetrics(word),
            None => Self::of_name(name),
        }
    }

    /// The unit that a `UNIT` line names, if Datadog has it.
    pub fn of_openmetrics(word: &str) -> Option<Self> {
        BY_WORD.get(word).copied()
    }

    /// The unit that the name of a family or of a counter's samples ends with. What is measured per something else has
    /// none, and moments are told from lengths of time.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.strip_suffix("_total").unwrap_or(name);
        let (stem, word) = name.rsplit_once(['_', ':', '.']).unwrap_or(("", name));
        if is_per(stem) {
            return None;
        }
        let is_moment = stem == "timestamp" || stem.ends_with("_timestamp") || stem.ends_with("_start_time");
        match word {
            "seconds" if is_moment => Some(Self::UNIX_SECOND),
            "milliseconds" if is_moment => Some(Self::UNIX_MILLISECOND),
            _ => Self::of_openmetrics(word),
        }
    }

    /// Datadog's name.
    pub fn name(self) -> &'static str {
        TABLE[usize::from(self.0.get() - 1)].0
    }
}

/// Whether a name says `per` before its last word, as in `bytes_per_requests`.
fn is_per(stem: &str) -> bool {
    stem.ends_with("_per") || stem.contains("_per_")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of_name(name: &str) -> Option<&'static str> {
        Unit::of_name(name).map(Unit::name)
    }

    #[test]
    fn each_name_and_each_word_stands_once() {
        assert!(TABLE.len() < usize::from(u8::MAX));
        let names: HashSet<_> = TABLE.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), TABLE.len());
        let words: Vec<_> = TABLE.iter().flat_map(|(_, words)| *words).collect();
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert_eq!((Unit::SECOND.name(), Unit::PERCENT.name()), ("second", "percent"));
        assert_eq!(Unit::UNIX_MILLISECOND.name(), "unix millisecond");
        assert_eq!(size_of::<Option<Unit>>(), 1);
    }

    #[test]
    fn names_end_with_their_unit() {
        for (name, unit) in [
            ("process_cpu_seconds_total", "second"),
            ("process_cpu_seconds", "second"),
            ("process_start_time_seconds", "unix second"),
            ("last_run_timestamp_seconds", "unix second"),
            ("node_memory_MemFree_bytes", "byte"),
            ("job:latency_seconds", "second"),
            ("instance:disk:ratio", "fraction"),
            ("http_requests_total", "request"),
            ("node_hwmon_temp_celsius", "degree celsius"),
            ("seconds", "second"),
        ] {
            assert_eq!(of_name(name), Some(unit), "{name}");
        }
        for name in ["up", "", "_total", "x_per_second", "network_bytes_per_seconds", "x_per_bytes_total", "cpu_info"] {
            assert_eq!(of_name(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_declared_counts_though_it_be_unknown() {
        let of = |declared, name| Unit::of_family(declared, name).map(Unit::name);
        assert_eq!(of(Some("bytes"), "a_seconds"), Some("byte"));
        assert_eq!(of(Some("furlongs"), "a_seconds"), None);
        assert_eq!(of(None, "a_seconds"), Some("second"));
    }
}
