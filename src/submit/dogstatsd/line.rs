//! Lines of the `DogStatsD` protocol.
//!
//! The protocol knows no escapes: what would end a field is replaced. A sketch cannot be sent; each of its bins becomes
//! a value with a sample rate, from which the Agent makes the same bin again.

use std::fmt::Write;

use crate::aggregate::{FullPoint, FullSketch, PointKind, SeriesRef, Sketch};
use crate::map::ServiceCheck;
use crate::submit::enrich::Enricher;
use crate::submit::name::{self, cut_to};
use crate::submit::stats::DropReason;

/// The longest message of a service check, in characters.
const MESSAGE: usize = 500;

/// The line of a point. It carries its time, so that the Agent passes it on as it is.
pub(super) fn point(point: &FullPoint<'_>, enricher: &Enricher) -> Result<String, DropReason> {
    if !point.value.is_finite() {
        return Err(DropReason::NotFinite);
    }
    let mut line = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?.into_owned();
    let kind = match point.kind {
        PointKind::Count => 'c',
        PointKind::Gauge | PointKind::Rate => 'g',
    };
    line.push(':');
    line.push_str(&number(point.value));
    line.push('|');
    line.push(kind);
    if point.timestamp > 0 {
        append(&mut line, format_args!("|T{}", point.timestamp));
    }
    series_tags(&mut line, point.series, enricher);
    Ok(line)
}

/// The lines of a sketch, one for each bin. They cannot carry a time.
pub(super) fn sketch(point: &FullSketch<'_>, enricher: &Enricher) -> Result<Vec<String>, DropReason> {
    let metric = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?;
    let mut tags = String::new();
    series_tags(&mut tags, point.series, enricher);
    let mut lines = Vec::with_capacity(point.sketch.bins().len());
    for (key, count) in point.sketch.bins() {
        let value = Sketch::bin_value(key);
        if !value.is_finite() {
            return Err(DropReason::NotFinite);
        }
        let mut line = format!("{metric}:{}|d", number(value));
        if count > 1 {
            line.push_str("|@");
            line.push_str(&sample_rate(count));
        }
        line.push_str(&tags);
        lines.push(line);
    }
    if lines.is_empty() { Err(DropReason::EmptySketch) } else { Ok(lines) }
}

/// The line of a service check.
pub(super) fn service_check(check: &ServiceCheck, timestamp: i64, enricher: &Enricher) -> String {
    let mut line = String::from("_sc|");
    append_clean(&mut line, name::cut(&check.name), &['|']);
    append(&mut line, format_args!("|{}|d:{timestamp}", check.status.code()));
    if is_foreign(&check.hostname, enricher) {
        line.push_str("|h:");
        append_clean(&mut line, &check.hostname, &['|']);
    }
    append_tags(&mut line, enricher.check_tags(check).into_iter());
    if !check.message.is_empty() {
        let message = cut_to(&check.message, MESSAGE).replace('\n', "\\n").replace("m:", "m\\:");
        line.push_str("|m:");
        append_clean(&mut line, &message, &['|']);
    }
    line
}

fn append(line: &mut String, words: std::fmt::Arguments<'_>) {
    line.write_fmt(words).expect("text is written to memory without errors");
}

/// The shortest text that reads back as the value.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-5..1e16).contains(&value.abs()) { format!("{value}") } else { format!("{value:e}") }
}

/// The rate from which the Agent computes `count` again: it truncates 1/rate, and the reciprocal of the nearest double
/// may fall short of the count, so the next lower double is sent, with all digits that tell it from its neighbours.
fn sample_rate(count: u16) -> String {
    format!("{:.16e}", (1.0 / f64::from(count)).next_down())
}

/// Whether the Agent would put another host than the one that is meant.
fn is_foreign(host: &str, enricher: &Enricher) -> bool {
    if host.is_empty() { enricher.keeps_hosts_empty() } else { host != enricher.hostname() }
}

fn series_tags(line: &mut String, series: SeriesRef<'_>, enricher: &Enricher) {
    // An empty one tells the Agent that there is no host.
    let host = is_foreign(series.host, enricher).then(|| format!("host:{}", series.host));
    append_tags(line, enricher.tags(series).chain(host.as_deref()));
}

fn append_tags<'a>(line: &mut String, tags: impl Iterator<Item = &'a str>) {
    let mut separator = "|#";
    for tag in tags {
        line.push_str(separator);
        separator = ",";
        append_clean(line, tag, &[',', '|']);
    }
}

fn append_clean(line: &mut String, text: &str, separators: &[char]) {
    line.extend(text.chars().map(|c| if c.is_control() || separators.contains(&c) { '_' } else { c }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Slots;
    use crate::config::Enrichment;
    use crate::map::Status;

    fn enricher() -> Enricher {
        Enricher::new(Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() })
    }

    fn line(kind: PointKind, value: f64, tags: &[&str], host: &str) -> String {
        let mut slots = Slots::default();
        let series = slots.intern("my:metric|x", host, tags.iter().copied(), None);
        let series = slots.get(series);
        point(&FullPoint { series, kind, value, timestamp: 1_700_000_000, interval: 15 }, &enricher()).unwrap()
    }

    #[test]
    fn points_carry_their_time() {
        assert_eq!(line(PointKind::Count, 3.0, &[], ""), "my_metric_x:3|c|T1700000000|#team:a");
        assert_eq!(line(PointKind::Gauge, -0.25, &["a:b"], "here"), "my_metric_x:-0.25|g|T1700000000|#a:b,team:a");
        assert_eq!(
            line(PointKind::Rate, 1e300, &["a,b:c|d\ne"], "there"),
            "my_metric_x:1e300|g|T1700000000|#a_b:c_d_e,team:a,host:there"
        );
    }

    #[test]
    fn strange_values_have_no_line() {
        let mut slots = Slots::default();
        let series = slots.intern("m", "", [], None);
        let series = slots.get(series);
        let nan = FullPoint { series, kind: PointKind::Gauge, value: f64::NAN, timestamp: 1, interval: 0 };
        assert_eq!(point(&nan, &enricher()), Err(DropReason::NotFinite));
        let empty = FullSketch { series, sketch: &Sketch::default(), timestamp: 1 };
        assert_eq!(sketch(&empty, &enricher()), Err(DropReason::EmptySketch));
    }

    #[test]
    fn numbers_read_back() {
        for value in [0.0, 1.0, -1.5, 1e15, 1e16, 1e-5, 9.9e-6, f64::MAX, f64::MIN_POSITIVE, 0.1 + 0.2] {
            assert_eq!(number(value).parse(), Ok(value), "{}", number(value));
            assert!(number(value).len() < 25);
        }
    }

    #[test]
    fn the_agent_reads_every_count_back() {
        for count in 2..=u16::MAX {
            let rate: f64 = sample_rate(count).parse().unwrap();
            assert_eq!((1.0 / rate).trunc() as i64, i64::from(count));
        }
    }

    #[test]
    fn a_sketch_becomes_a_line_for_each_bin_from_which_the_same_bins_are_made() {
        let mut original = Sketch::default();
        original.interpolate(0.0, 10.0, 1000).unwrap();
        original.insert(-3.0);
        let mut slots = Slots::default();
        let series = slots.intern("m", "", ["a:b"], None);
        let point = FullSketch { series: slots.get(series), sketch: &original, timestamp: 1 };
        let lines = sketch(&point, &enricher()).unwrap();
        assert_eq!(lines.len(), original.bins().len());
        let mut rebuilt = Sketch::default();
        for line in lines {
            let rest = line.strip_prefix("m:").unwrap().strip_suffix("|#a:b,team:a").unwrap();
            let (value, rate) = rest.split_once("|d").unwrap();
            let rate = rate.strip_prefix("|@").map_or(1.0, |rate| rate.parse::<f64>().unwrap());
            rebuilt.insert_sampled(value.parse().unwrap(), rate).unwrap();
        }
        assert!(rebuilt.bins().eq(original.bins()));
    }

    #[test]
    fn a_service_check_ends_with_its_message() {
        let check = ServiceCheck {
            name: "app.health".into(),
            status: Status::Critical,
            tags: vec!["endpoint:http://x".into()],
            hostname: "there".into(),
            message: "line m: one\nline|two".into(),
        };
        assert_eq!(
            service_check(&check, 17, &enricher()),
            "_sc|app.health|2|d:17|h:there|#endpoint:http://x,team:a|m:line m\\: one\\nline_two"
        );
    }
}
