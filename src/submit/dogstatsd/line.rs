//! Lines of the `DogStatsD` protocol. It knows no escapes: what would end a field is replaced.

use std::fmt::Write;

use super::distribution::{Alike, alike, digits, sample_rate};
use super::origin::Origin;
use crate::aggregate::{FullPoint, FullSketch, PointKind, SeriesRef};
use crate::map::ServiceCheck;
use crate::submit::enrich::Enricher;
use crate::submit::event::{Event, EventAlertType, EventPriority};
use crate::submit::name::{self, cut_to};
use crate::submit::stats::DropReason;

/// The longest message of a service check, in characters.
const MESSAGE: usize = 500;
/// The longest title and text of an event, in characters.
const TITLE: usize = 100;
const TEXT: usize = 4000;
/// The longest key and source of an event, in characters.
const AGGREGATION_KEY: usize = 100;
/// What is around title and text of an event, with lengths of up to five digits.
const EVENT_FRAME: usize = "_e{12345,12345}:|".len();

/// Writes the lines of one delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    pub(super) enricher: &'a Enricher,
    pub(super) origin: &'a Origin,
    /// The most bytes of a line.
    pub(super) limit: usize,
    /// How many values may stand for a sketch; none: one for each bin.
    pub(super) values: Option<usize>,
}

impl Lines<'_> {
    /// The line of a point. It carries its time, so that the Agent passes it on as it is.
    pub(super) fn point(&self, point: &FullPoint<'_>) -> Result<String, DropReason> {
        if !point.value.is_finite() {
            return Err(DropReason::NotFinite);
        }
        let mut line = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?.into_owned();
        let kind = match point.kind {
            PointKind::Count => 'c',
            // There is no type for a rate that was computed already.
            PointKind::Gauge | PointKind::Rate => 'g',
        };
        line.push(':');
        line.push_str(&number(point.value));
        line.push('|');
        line.push(kind);
        if point.timestamp > 0 {
            append(&mut line, format_args!("|T{}", point.timestamp));
        }
        self.append_series(&mut line, point.series);
        Ok(line)
    }

    /// The lines of a sketch: values that were observed equally often stand on one, as far as it has room. They cannot
    /// carry a time.
    pub(super) fn sketch(&self, point: &FullSketch<'_>) -> Result<Vec<String>, DropReason> {
        let metric = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?;
        let mut tags = String::new();
        self.append_series(&mut tags, point.series);
        let mut lines = Vec::new();
        for Alike { values, count } in alike(point.sketch, self.values)? {
            let mut end = String::from("|d");
            if count > 1 {
                end.push_str("|@");
                end.push_str(&sample_rate(count));
            }
            end.push_str(&tags);
            let mut line = metric.clone().into_owned();
            for value in values {
                let value = number(digits(value));
                if line.len() > metric.len() && line.len() + 1 + value.len() + end.len() > self.limit {
                    line.push_str(&end);
                    lines.push(std::mem::replace(&mut line, metric.clone().into_owned()));
                }
                line.push(':');
                line.push_str(&value);
            }
            line.push_str(&end);
            lines.push(line);
        }
        Ok(lines)
    }

    /// The line of a service check, with its message at the end.
    pub(super) fn service_check(&self, check: &ServiceCheck, timestamp: i64) -> String {
        let mut line = String::from("_sc|");
        append_clean(&mut line, name::cut(&check.name), &['|']);
        append(&mut line, format_args!("|{}|d:{timestamp}", check.status.code()));
        self.append_host(&mut line, &check.hostname);
        self.append_tags(&mut line, self.enricher.check_tags(check).into_iter());
        if !check.message.is_empty() {
            let message = cut_to(&check.message, MESSAGE).replace('\n', "\\n").replace("m:", "m\\:");
            line.push_str("|m:");
            append_clean(&mut line, &message, &['|']);
        }
        line
    }

    /// The line of an event. A text that has no room in it is cut.
    pub(super) fn event(&self, event: &Event) -> String {
        // Their lengths are told, so that a bar within them ends nothing.
        let clean = |text: &str| {
            let mut clean = String::new();
            append_clean(&mut clean, &text.replace('\n', "\\n"), &[]);
            clean
        };
        let mut fields = format!("|d:{}", event.time.whole_seconds());
        self.append_host(&mut fields, &event.hostname);
        for (field, value) in [("k", &event.aggregation_key), ("s", &event.source_type)] {
            if !value.is_empty() {
                append(&mut fields, format_args!("|{field}:"));
                append_clean(&mut fields, cut_to(value, AGGREGATION_KEY), &['|']);
            }
        }
        if event.priority != EventPriority::default() {
            append(&mut fields, format_args!("|p:{}", event.priority.as_str()));
        }
        if event.alert_type != EventAlertType::default() {
            append(&mut fields, format_args!("|t:{}", event.alert_type.as_str()));
        }
        self.append_tags(&mut fields, self.enricher.all_tags(&event.tags).into_iter());
        let (title, text) = (clean(cut_to(&event.title, TITLE)), clean(cut_to(&event.text, TEXT)));
        let room = self.limit.saturating_sub(EVENT_FRAME + title.len() + fields.len());
        let text = &text[..text.floor_char_boundary(room)];
        format!("_e{{{},{}}}:{title}|{text}{fields}", title.len(), text.len())
    }

    /// Whether the Agent would put another host than the one that is meant.
    fn is_foreign(&self, host: &str) -> bool {
        if host.is_empty() { self.enricher.keeps_hosts_empty() } else { host != self.enricher.hostname() }
    }

    /// The host of what has a field for it.
    fn append_host(&self, line: &mut String, host: &str) {
        if self.is_foreign(host) {
            line.push_str("|h:");
            append_clean(line, host, &['|']);
        }
    }

    /// The tags of a series; its host is one of them.
    fn append_series(&self, line: &mut String, series: SeriesRef<'_>) {
        // An empty one tells the Agent that there is no host.
        let host = self.is_foreign(series.host).then(|| format!("host:{}", series.host));
        self.append_tags(line, self.enricher.tags(series).chain(host.as_deref()));
    }

    /// Tags, and behind them where they come from.
    fn append_tags<'a>(&'a self, line: &mut String, tags: impl Iterator<Item = &'a str> + Clone) {
        let is_missing = |name: &str| !tags.clone().any(|tag| tag.starts_with(name));
        let defaults = self.origin.defaults.iter().filter(|(name, _)| is_missing(name)).map(|(_, tag)| tag.as_str());
        let more: Vec<&str> = defaults.chain(self.origin.entity.as_deref()).collect();
        let mut separator = "|#";
        for tag in tags.chain(more).filter(|tag| !tag.is_empty()) {
            line.push_str(separator);
            separator = ",";
            append_clean(line, tag, &[',', '|']);
        }
        line.push_str(&self.origin.fields);
    }
}

fn append(line: &mut String, words: std::fmt::Arguments<'_>) {
    line.write_fmt(words).expect("text is written to memory without errors");
}

/// The shortest text that reads back as the value.
fn number(value: f64) -> String {
    if value == 0.0 || (1e-5..1e16).contains(&value.abs()) { format!("{value}") } else { format!("{value:e}") }
}

fn append_clean(line: &mut String, text: &str, separators: &[char]) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !separators.contains(&char::from(byte));
    if text.bytes().all(is_plain) {
        line.push_str(text);
    } else {
        line.extend(text.chars().map(|c| if c.is_control() || separators.contains(&c) { '_' } else { c }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{Sketch, Slots};
    use crate::config::Enrichment;
    use crate::map::Status;
    use crate::time::UnixTime;

    /// Calls `with` with a writer of the usual settings.
    fn written<T>(origin: &Origin, with: impl Fn(Lines<'_>) -> T) -> T {
        let enricher =
            Enricher::new(Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() });
        with(Lines { enricher: &enricher, origin, limit: 200, values: None })
    }

    fn line(kind: PointKind, value: f64, tags: &[&str], host: &str, origin: &Origin) -> String {
        let mut slots = Slots::default();
        let series = slots.intern("my:metric|x", host, tags.iter().copied(), None);
        let point = FullPoint { series: slots.get(series), kind, value, timestamp: 1_700_000_000, interval: 15 };
        written(origin, |lines| lines.point(&point).unwrap())
    }

    #[test]
    fn points_carry_their_time() {
        let line = |kind, value, tags: &[&str], host: &str| line(kind, value, tags, host, &Origin::default());
        assert_eq!(line(PointKind::Count, 3.0, &[], ""), "my_metric_x:3|c|T1700000000|#team:a");
        assert_eq!(line(PointKind::Gauge, -0.25, &["a:b"], "here"), "my_metric_x:-0.25|g|T1700000000|#a:b,team:a");
        assert_eq!(
            line(PointKind::Rate, 1e300, &["a,b:c|d\ne"], "there"),
            "my_metric_x:1e300|g|T1700000000|#a_b:c_d_e,team:a,host:there"
        );
    }

    #[test]
    fn clients_say_where_they_run() {
        let origin = Origin {
            entity: Some("dd.internal.entity_id:uid".into()),
            defaults: vec![("service:", "service:shop".into()), ("version:", "version:2".into())],
            fields: "|c:ci-1|card:low".into(),
        };
        assert_eq!(
            line(PointKind::Gauge, 1.0, &["service:own"], "", &origin),
            "my_metric_x:1|g|T1700000000|#service:own,team:a,version:2,dd.internal.entity_id:uid|c:ci-1|card:low"
        );
    }

    #[test]
    fn strange_values_have_no_line() {
        let mut slots = Slots::default();
        let series = slots.intern("m", "", [], None);
        let series = slots.get(series);
        let nan = FullPoint { series, kind: PointKind::Gauge, value: f64::NAN, timestamp: 1, interval: 0 };
        let empty = FullSketch { series, sketch: &Sketch::default(), timestamp: 1 };
        written(&Origin::default(), |lines| {
            assert_eq!(lines.point(&nan), Err(DropReason::NotFinite));
            assert_eq!(lines.sketch(&empty), Err(DropReason::EmptySketch));
        });
    }

    #[test]
    fn numbers_read_back() {
        for value in [0.0, 1.0, -1.5, 1e15, 1e16, 1e-5, 9.9e-6, f64::MAX, f64::MIN_POSITIVE, 0.1 + 0.2] {
            assert_eq!(number(value).parse(), Ok(value), "{}", number(value));
            assert!(number(value).len() < 25);
        }
    }

    #[test]
    fn a_sketch_becomes_lines_from_which_the_same_bins_are_made() {
        let mut original = Sketch::default();
        original.interpolate(0.0, 10.0, 1000).unwrap();
        original.insert(-3.0);
        let mut slots = Slots::default();
        let series = slots.intern("m", "", ["a:b"], None);
        let point = FullSketch { series: slots.get(series), sketch: &original, timestamp: 1 };
        let lines = written(&Origin::default(), |lines| lines.sketch(&point).unwrap());
        assert!(lines.len() < original.bins().len() / 4, "{}", lines.len());
        let mut rebuilt = Sketch::default();
        for line in lines {
            assert!(line.len() <= 200);
            let rest = line.strip_prefix("m:").unwrap().strip_suffix("|#a:b,team:a").unwrap();
            let (values, rate) = rest.split_once("|d").unwrap();
            let rate = rate.strip_prefix("|@").map_or(1.0, |rate| rate.parse::<f64>().unwrap());
            for value in values.split(':') {
                rebuilt.insert_sampled(value.parse().unwrap(), rate).unwrap();
            }
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
        let origin = Origin { fields: "|c:ci-1".into(), ..Origin::default() };
        assert_eq!(
            written(&origin, |lines| lines.service_check(&check, 17)),
            "_sc|app.health|2|d:17|h:there|#endpoint:http://x,team:a|c:ci-1|m:line m\\: one\\nline_two"
        );
    }

    #[test]
    fn an_event_counts_the_bytes_that_are_sent() {
        let mut event = Event {
            title: "größer|neu".into(),
            text: "one\ntwo".into(),
            time: UnixTime::from_seconds(17.5),
            priority: EventPriority::Normal,
            alert_type: EventAlertType::Info,
            aggregation_key: String::new(),
            source_type: String::new(),
            tags: Vec::new(),
            hostname: String::new(),
        };
        let line = |event: &Event| written(&Origin::default(), |lines| lines.event(event));
        assert_eq!(line(&event), "_e{12,8}:größer|neu|one\\ntwo|d:17|#team:a");
        let long = line(&Event { text: "é".repeat(4000), ..event.clone() });
        assert!(long.len() <= 200 && long.starts_with("_e{12,1") && long.ends_with("é|d:17|#team:a"), "{long}");
        event.priority = EventPriority::Low;
        event.alert_type = EventAlertType::Warning;
        event.aggregation_key = "a|b".into();
        event.source_type = "app".into();
        event.tags = vec!["z:1".into()];
        event.hostname = "there".into();
        assert_eq!(line(&event), "_e{12,8}:größer|neu|one\\ntwo|d:17|h:there|k:a_b|s:app|p:low|t:warning|#team:a,z:1");
    }
}
