//! Numbers and sentences as people read them.

use std::time::Duration;

/// A length of time: `0.31 ms`, `12 ms`, `1.3 s`, `4 min 10 s`, `3 h`, `5 days`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_secs() {
        0 if seconds < 0.01 => format!("{:.2} ms", seconds * 1000.0),
        0 => format!("{:.0} ms", seconds * 1000.0),
        1..=119 if duration.subsec_millis() >= 50 && seconds < 10.0 => format!("{seconds:.1} s"),
        1..=119 => format!("{} s", seconds.round()),
        whole @ 120..=7199 => two(whole / 60, "min", whole % 60, "s"),
        whole @ 7200..=172_799 => two(whole / 3600, "h", whole / 60 % 60, "min"),
        whole => format!("{} days", whole / 86_400),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// A number of bytes: `512 bytes`, `12.4 kB`, `3.1 MB`.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..=999 => counted(count, "byte"),
        1000..=999_949 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// A number and the thing that is counted; its plural takes an `s`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    match (count, thing.strip_suffix('y')) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) if thing.ends_with('s') => format!("{count} {thing}"),
        (_, None) => format!("{count} {thing}s"),
    }
}

/// A text with a capital at its beginning and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if text.ends_with(['.', ':', '?', '`', '|', '^']) && !text.ends_with('`') { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), characters.as_str())
}

/// Names in backticks, joined as in a sentence; many are cut.
pub(super) fn list<T: std::fmt::Display>(names: &[T]) -> String {
    const SHOWN: usize = 8;
    let mut quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        quoted.push(format!("{} more", names.len() - SHOWN));
    }
    match quoted.pop() {
        None => "none".to_owned(),
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} and {last}", quoted.join(", ")),
    }
}

/// What a stranger wrote, fit for a sentence.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 160;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(SHOWN).map(|c| if c.is_control() || c == '`' { ' ' } else { c }).collect();
    let more = if line.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("`{cut}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_fits() {
        for (millis, shown) in [
            (0.313, "0.31 ms"),
            (12.4, "12 ms"),
            (1300.0, "1.3 s"),
            (10_000.0, "10 s"),
            (15_200.0, "15 s"),
            (250_000.0, "4 min 10 s"),
            (10_800_000.0, "3 h"),
            (432_000_000.0, "5 days"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(millis / 1000.0)), shown);
        }
    }

    #[test]
    fn sentences_begin_and_end() {
        assert_eq!(sentence("check `a`"), "Check `a`.");
        assert_eq!(sentence("`a` is no b"), "`a` is no b.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn lists_and_counts() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(
            (counted(1, "family"), counted(2, "family"), counted(2, "series")),
            ("1 family".into(), "2 families".into(), "2 series".into())
        );
        assert_eq!(
            (bytes(999), bytes(12_400), bytes(3_100_000)),
            ("999 bytes".into(), "12.4 kB".into(), "3.1 MB".into())
        );
        assert_eq!(quoted("a\n `b`"), "`a  b `");
    }
}
