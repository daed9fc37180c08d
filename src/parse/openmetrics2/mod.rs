//! The sample lines of the OpenMetrics 2.0 draft: what 1.0 has, a start time beside the value, several exemplars, and
//! composite values, which are handed out as the samples that 1.0 and protobuf have for them.

mod composite;
mod expand;

pub(super) use composite::{Composite, Kind};
pub(super) use expand::expand;

use super::departure::Departure;
use super::format::Format;
use super::line::{ExemplarTail, Labels, exemplar, one_blank, series, timestamp};
use super::model::{Exemplar, Label, Quoted};
use super::token::{Fault, Parsed, Reason, fault, seconds, value};

/// A sample line. Its labels, and those of its exemplars one after the other, are in the [`Labels`] passed in.
#[derive(Debug)]
pub(super) struct SampleLine<'a> {
    pub(super) series: &'a str,
    pub(super) name: Quoted<'a>,
    pub(super) value: Value<'a>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) start_ms: Option<i64>,
    /// Each with the number of its labels.
    exemplars: Vec<(ExemplarTail<'a>, usize)>,
}

/// The value of a sample.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// One number.
    Number(&'a str, f64),
    /// All numbers of a histogram or summary.
    Composite(Box<Composite<'a>>),
}

impl<'a> SampleLine<'a> {
    /// The exemplars, with their labels from the vector that was passed in.
    pub(super) fn exemplars<'s>(&'s self, mut labels: &'s [Label<'a>]) -> Vec<Exemplar<'s>> {
        let exemplars = self.exemplars.iter().map(|(tail, count)| {
            let (own, rest) = labels.split_at((*count).min(labels.len()));
            labels = rest;
            Exemplar { labels: own, value_text: tail.value_text, value: tail.value, timestamp_ms: tail.timestamp_ms }
        });
        exemplars.collect()
    }
}

/// Reads a sample line.
pub(super) fn sample<'a>(input: &'a str, labels: &mut Labels<'_, 'a>) -> Result<SampleLine<'a>, Fault<'a>> {
    match sample_line(input, labels) {
        Ok((_, sample)) => Ok(sample),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => Err(fault),
        // Every combinator used here is of the complete kind.
        Err(nom::Err::Incomplete(_)) => Err(Fault { rest: "", reason: Reason::Other }),
    }
}

const FORMAT: Format = Format::OpenMetrics2;

fn sample_line<'a>(input: &'a str, labels: &mut Labels<'_, 'a>) -> Parsed<'a, SampleLine<'a>> {
    let (rest, name) = series(input, FORMAT, labels)?;
    let series = &input[..input.len() - rest.len()];
    let rest = one_blank(rest, FORMAT, labels.departures);
    let (rest, value) = match rest.strip_prefix('{') {
        Some(fields) => {
            let (rest, composite) = composite::composite(fields)?;
            (rest, Value::Composite(Box::new(composite)))
        }
        None => value(rest).map(|(rest, (text, value))| (rest, Value::Number(text, value)))?,
    };
    let (rest, timestamp_ms) = timestamp(rest, FORMAT, seconds, labels.departures)?;
    let (mut rest, start_ms) = match rest.strip_prefix("st@") {
        Some(start) => timestamp_behind(start, labels)?,
        None => (rest, None),
    };
    let mut exemplars = Vec::new();
    let limit = labels.limit;
    while let Some(tail) = rest.strip_prefix('#') {
        let before = labels.exemplar.len();
        // The labels of all exemplars share a vector; the limit is that of each of them.
        labels.limit = before.saturating_add(limit);
        let (behind, found) = exemplar(tail, FORMAT, labels)?;
        if found.timestamp_ms.is_none() {
            labels.departures.add(rest, Departure::ExemplarTimestamp);
        }
        exemplars.push((found, labels.exemplar.len() - before));
        rest = behind;
    }
    if !rest.is_empty() {
        return Err(fault(rest, Reason::AfterSample));
    }
    Ok((rest, SampleLine { series, name, value, timestamp_ms, start_ms, exemplars }))
}

/// The start time behind its `st@`.
fn timestamp_behind<'a>(start: &'a str, labels: &mut Labels<'_, 'a>) -> Parsed<'a, Option<i64>> {
    let (rest, start_ms) = seconds(start)?;
    // Nothing but an exemplar may follow; what else does is refused where exemplars are read.
    let rest = if rest.is_empty() { rest } else { one_blank(rest, FORMAT, labels.departures) };
    Ok((rest, Some(start_ms)))
}
