//! Metrics as aligned columns: metric, kind, value, tags, host.

use std::borrow::Cow;

use super::super::delivery::Delivery;
use super::super::enrich::Enricher;
use super::super::name::metric_name;
use crate::aggregate::{SeriesRef, Sketch};
use crate::calendar;

/// Columns of a row; all but the last are padded.
type Row = [String; 5];

/// How wide a column may make the others wait: a longer cell shifts its own row only.
const WIDEST: [usize; 5] = [80, 20, 60, 120, 0];

/// The heading and the rows of one scrape.
pub(super) fn page(delivery: &Delivery<'_>, enricher: &Enricher) -> String {
    let rows = rows(delivery, enricher);
    let mut widths = [0; 5];
    for row in &rows {
        for ((width, cell), widest) in widths.iter_mut().zip(row).zip(WIDEST) {
            *width = (*width).max(cell.chars().count().min(widest));
        }
    }
    let mut page = heading(delivery);
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(widths) {
            if width > 0 || !cell.is_empty() {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                line.extend([" ", cell, &padding, " "]);
            }
        }
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page.push('\n');
    page
}

fn heading(delivery: &Delivery<'_>) -> String {
    let time = calendar::rfc3339(delivery.time.whole_seconds());
    let counted = |count: usize, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut parts = vec![counted(delivery.batch.points.len(), "point")];
    if !delivery.batch.sketches.is_empty() {
        parts.push(format!("{} sketch{}", delivery.batch.sketches.len(), plural_es(delivery.batch.sketches.len())));
    }
    if !delivery.service_checks.is_empty() {
        parts.push(counted(delivery.service_checks.len(), "service check"));
    }
    if !delivery.events.is_empty() {
        parts.push(counted(delivery.events.len(), "event"));
    }
    format!("{}  {time}  {}\n", printable(&delivery.target), parts.join(", "))
}

fn plural_es(count: usize) -> &'static str {
    if count == 1 { "" } else { "es" }
}

fn rows(delivery: &Delivery<'_>, enricher: &Enricher) -> Vec<Row> {
    let points = delivery
        .points()
        .map(|point| row(point.series, point.kind.as_str().to_owned(), format!("{}", Number(point.value)), enricher));
    let sketches =
        delivery.sketches().map(|point| row(point.series, "sketch".to_owned(), summary(point.sketch), enricher));
    let checks = delivery.service_checks.iter().map(|check| {
        let mut value = check.status.to_string();
        if !check.message.is_empty() {
            value.push_str(": ");
            value.push_str(&printable(&check.message));
        }
        let tags = printable(&enricher.check_tags(check).join(","));
        [printable(&check.name), "service check".to_owned(), value, tags, host(enricher.host(&check.hostname))]
    });
    let events = delivery.events.iter().map(|event| {
        let (kind, text) = (format!("{} event", event.alert_type.as_str()), printable(&event.text));
        let tags = printable(&enricher.all_tags(&event.tags).join(","));
        [printable(&event.title), kind, text, tags, host(enricher.host(&event.hostname))]
    });
    points.chain(sketches).chain(checks).chain(events).collect()
}

fn row(series: SeriesRef<'_>, kind: String, value: String, enricher: &Enricher) -> Row {
    let name = metric_name(series.metric).map_or_else(|| printable(series.metric), Cow::into_owned);
    let tags = enricher.tags(series).collect::<Vec<_>>().join(",");
    [name, kind, value, printable(&tags), host(enricher.host(series.host))]
}

fn host(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("host={}", printable(name)) }
}

fn summary(sketch: &Sketch) -> String {
    let [min, max, avg] = [sketch.min(), sketch.max(), sketch.avg()].map(|value| Number(rounded(value)));
    format!("count={} min={min} max={max} avg={avg}", sketch.count())
}

/// The value in six digits: what was estimated from bins has no more of them.
fn rounded(value: f64) -> f64 {
    // What was printed as a number is one.
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A number that is short for very large and very small values too.
#[derive(Clone, Copy)]
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0.0 || !self.0.is_finite() || (1e-5..1e16).contains(&self.0.abs()) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

/// Text from a target, without what could command the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
