//! Tokenizes one line: a sample, metadata, the end mark, or a comment. The text formats share this grammar; it is as
//! lenient about blanks as the Prometheus text format, takes quoted names and exemplars in any, and notes what departs
//! from the letter of the format at hand.

use nom::Parser;

use super::departure::{Departure, Departures};
use super::format::Format;
use super::model::{Label, Quoted};
use super::token::{
    Fault, Parsed, Reason, begins_label, begins_metric_name, fault, label_name, metric_name, milliseconds, quoted,
    seconds, skip_blanks, value,
};

/// What a line is, before anything is known of what its samples look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Blank,
    Comment,
    /// `# EOF`.
    End,
    /// `# HELP name text`; the text has its escapes still.
    Help {
        name: Quoted<'a>,
        text: &'a str,
    },
    /// `# TYPE name word`.
    Type {
        name: Quoted<'a>,
        word: &'a str,
    },
    /// `# UNIT name unit`.
    Unit {
        name: Quoted<'a>,
        unit: &'a str,
    },
    /// Anything else: this text, leading blanks gone, must be a sample.
    Sample(&'a str),
}

/// A sample; its labels and those of its exemplar are in the [`Labels`] that were passed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SampleLine<'a> {
    pub(super) series: &'a str,
    pub(super) name: Quoted<'a>,
    pub(super) value_text: &'a str,
    pub(super) value: f64,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) exemplar: Option<ExemplarTail<'a>>,
}

/// An exemplar without its labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ExemplarTail<'a> {
    pub(super) value_text: &'a str,
    pub(super) value: f64,
    pub(super) timestamp_ms: Option<i64>,
}

/// Where the labels of a line go, and how many may.
#[derive(Debug)]
pub(super) struct Labels<'v, 'a> {
    pub(super) sample: &'v mut Vec<Label<'a>>,
    pub(super) exemplar: &'v mut Vec<Label<'a>>,
    pub(super) limit: usize,
    pub(super) departures: &'v mut Departures<'a>,
}

/// Skips blanks where the format may have none.
pub(super) fn no_blank<'a>(input: &'a str, format: Format, departures: &mut Departures<'a>) -> &'a str {
    let rest = skip_blanks(input);
    if format != Format::PrometheusText && rest.len() != input.len() {
        departures.add(input, Departure::Blank);
    }
    rest
}

/// Skips blanks where OpenMetrics has exactly one.
pub(super) fn one_blank<'a>(input: &'a str, format: Format, departures: &mut Departures<'a>) -> &'a str {
    let rest = skip_blanks(input);
    if format != Format::PrometheusText && (rest.len() + 1 != input.len() || !input.starts_with(' ')) {
        departures.add(input, Departure::OneBlank);
    }
    rest
}

/// What `line` is.
pub(super) fn classify<'a>(
    line: &'a str,
    format: Format,
    departures: &mut Departures<'a>,
) -> Result<Line<'a>, Fault<'a>> {
    let input = skip_blanks(line);
    if input.is_empty() {
        return Ok(Line::Blank);
    }
    no_blank(line, format, departures);
    match input.strip_prefix('#') {
        Some(rest) => match metadata(input, rest, format, departures) {
            Ok((_, line)) => Ok(line),
            Err(error) => Err(into_fault(error)),
        },
        None => Ok(Line::Sample(input)),
    }
}

/// Reads a sample.
pub(super) fn sample<'a>(
    input: &'a str,
    format: Format,
    labels: &mut Labels<'_, 'a>,
) -> Result<SampleLine<'a>, Fault<'a>> {
    match sample_line(input, format, labels) {
        Ok((_, sample)) => Ok(sample),
        Err(error) => Err(into_fault(error)),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a conversion")]
fn into_fault(error: nom::Err<Fault<'_>>) -> Fault<'_> {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        // Every combinator used here is of the complete kind.
        nom::Err::Incomplete(_) => Fault { rest: "", reason: Reason::Other },
    }
}

fn sample_line<'a>(input: &'a str, format: Format, labels: &mut Labels<'_, 'a>) -> Parsed<'a, SampleLine<'a>> {
    let (rest, name) = series(input, format, labels)?;
    let series = &input[..input.len() - rest.len()];
    let (rest, (value_text, value)) = value(one_blank(rest, format, labels.departures))?;
    let (rest, timestamp_ms) = match format {
        Format::PrometheusText | Format::PrometheusProtobuf => {
            timestamp(rest, format, milliseconds, labels.departures)?
        }
        Format::OpenMetrics | Format::OpenMetrics2 => timestamp(rest, format, seconds, labels.departures)?,
    };
    let (rest, exemplar) = match rest.strip_prefix('#') {
        Some(tail) => {
            if format == Format::PrometheusText {
                labels.departures.add(rest, Departure::Exemplar);
            }
            let (rest, exemplar) = exemplar(tail, format, labels)?;
            (rest, Some(exemplar))
        }
        None => (rest, None),
    };
    if !rest.is_empty() {
        return Err(fault(rest, Reason::AfterSample));
    }
    Ok((rest, SampleLine { series, name, value_text, value, timestamp_ms, exemplar }))
}

/// Name and labels, in any of the forms `a`, `a{b="c"}`, `{"a",b="c"}`.
pub(super) fn series<'a>(input: &'a str, format: Format, labels: &mut Labels<'_, 'a>) -> Parsed<'a, Quoted<'a>> {
    let (rest, bare) = if input.starts_with('{') { (input, None) } else { opt_name(input)? };
    let Some(block) = skip_blanks(rest).strip_prefix('{').filter(|block| !is_composite(rest, block, format)) else {
        return match bare {
            Some(name) => Ok((rest, name)),
            None => Err(fault(rest, Reason::MetricName)),
        };
    };
    no_blank(rest, format, labels.departures);
    let (rest, inner) = label_block(block, format, labels.sample, labels.limit, labels.departures)?;
    match (bare, inner) {
        (Some(name), None) | (None, Some((_, name))) => Ok((rest, name)),
        (Some(_), Some((at, name))) => Err(fault(at, Reason::SecondMetricName(name.raw()))),
        (None, None) => Err(fault(input, Reason::MetricName)),
    }
}

/// Whether the brace behind the name and a blank opens a composite value of OpenMetrics 2.0 and no labels.
fn is_composite(before: &str, block: &str, format: Format) -> bool {
    let fields = ["count:", "gcount:"];
    format == Format::OpenMetrics2 && !before.starts_with('{') && fields.iter().any(|field| block.starts_with(field))
}

fn opt_name(input: &str) -> Parsed<'_, Option<Quoted<'_>>> {
    metric_name.map(|name| Some(Quoted::new(name, false))).parse(input)
}

/// A quoted metric name inside the braces, and where it stands.
type InnerName<'a> = Option<(&'a str, Quoted<'a>)>;

/// The labels behind `{` up to and including `}`. A missing comma passes, as in Prometheus (rule P11).
fn label_block<'a>(
    mut input: &'a str,
    format: Format,
    labels: &mut Vec<Label<'a>>,
    limit: usize,
    departures: &mut Departures<'a>,
) -> Parsed<'a, InnerName<'a>> {
    let mut metric: InnerName<'a> = None;
    let mut comma = None;
    loop {
        input = no_blank(input, format, departures);
        if let Some(rest) = input.strip_prefix('}') {
            if let Some(comma) = comma {
                departures.add(comma, Departure::TrailingComma);
            }
            return Ok((rest, metric));
        }
        if input.is_empty() {
            return Err(fault(input, Reason::OpenBlock));
        }
        let (rest, name) = label_or_metric_name(input, format, departures)?;
        let rest = if let Some(rest) = rest.strip_prefix('=') {
            if labels.len() >= limit {
                return Err(fault(input, Reason::TooManyLabels(limit)));
            }
            let (rest, value) = quoted(no_blank(rest, format, departures), Reason::LabelValue(name.raw()))?;
            labels.push(Label { name, value });
            let rest = no_blank(rest, format, departures);
            check_after_pair(rest, name.raw(), departures)?;
            rest
        } else if metric.is_some() {
            return Err(fault(input, Reason::SecondMetricName(name.raw())));
        } else {
            if !labels.is_empty() {
                departures.add(input, Departure::NameNotFirst);
            }
            metric = Some((input, name));
            rest
        };
        comma = rest.starts_with(',').then_some(rest);
        input = rest.strip_prefix(',').unwrap_or(rest);
    }
}

/// A name and the blanks behind it; the rest begins with `=`, or, behind a quoted name, with `,` or `}`.
fn label_or_metric_name<'a>(input: &'a str, format: Format, departures: &mut Departures<'a>) -> Parsed<'a, Quoted<'a>> {
    if !input.starts_with('"') {
        let (rest, name) = label_name(input)?;
        let rest = no_blank(rest, format, departures);
        let after = Reason::AfterLabelName(name);
        return if rest.starts_with('=') { Ok((rest, Quoted::new(name, false))) } else { Err(fault(rest, after)) };
    }
    let (rest, name) = quoted(input, Reason::LabelName)?;
    let rest = no_blank(rest, format, departures);
    match (rest.as_bytes().first(), name.raw().is_empty()) {
        (Some(b'='), true) => Err(fault(input, Reason::EmptyLabelName)),
        (Some(b',' | b'}'), true) => Err(fault(input, Reason::EmptyMetricName)),
        (Some(b'=' | b',' | b'}'), false) => Ok((rest, name)),
        _ => Err(fault(rest, Reason::AfterQuotedName(name.raw()))),
    }
}

/// Checks what stands behind the value of the label `name`.
fn check_after_pair<'a>(
    input: &'a str,
    name: &'a str,
    departures: &mut Departures<'a>,
) -> Result<(), nom::Err<Fault<'a>>> {
    match input.as_bytes().first() {
        Some(b',' | b'}') => Ok(()),
        None => Err(fault(input, Reason::OpenBlock)),
        Some(_) if begins_label(input) => {
            departures.add(input, Departure::MissingComma);
            Ok(())
        }
        Some(_) => Err(fault(input, Reason::AfterLabel(name))),
    }
}

/// A timestamp, unless the line ends or an exemplar begins; the rest has no blanks at its front.
pub(super) fn timestamp<'a>(
    input: &'a str,
    format: Format,
    read: impl Fn(&'a str) -> Parsed<'a, i64>,
    departures: &mut Departures<'a>,
) -> Parsed<'a, Option<i64>> {
    let body = skip_blanks(input);
    let (rest, timestamp) = match body.as_bytes().first() {
        None => (input, None),
        Some(b'#') => return Ok((one_blank(input, format, departures), None)),
        Some(b's') if format == Format::OpenMetrics2 => return Ok((one_blank(input, format, departures), None)),
        Some(first) => {
            one_blank(input, format, departures);
            if *first == b'-' && format == Format::PrometheusText {
                departures.add(body, Departure::SignedTimestamp);
            }
            let (rest, timestamp) = read(body)?;
            (rest, Some(timestamp))
        }
    };
    // What follows is the end of the line or one more token.
    let next = skip_blanks(rest);
    let rest = if next.is_empty() { no_blank(rest, format, departures) } else { one_blank(rest, format, departures) };
    Ok((rest, timestamp))
}

/// An exemplar behind its `#`. Its timestamp is in seconds in any format: only OpenMetrics defines exemplars.
pub(super) fn exemplar<'a>(
    input: &'a str,
    format: Format,
    labels: &mut Labels<'_, 'a>,
) -> Parsed<'a, ExemplarTail<'a>> {
    let input = one_blank(input, format, labels.departures);
    let Some(block) = input.strip_prefix('{') else { return Err(fault(input, Reason::ExemplarLabels)) };
    let (rest, inner) = label_block(block, format, labels.exemplar, labels.limit, labels.departures)?;
    if let Some((at, name)) = inner {
        return Err(fault(at, Reason::NameInExemplar(name.raw())));
    }
    let (rest, (value_text, value)) = value(one_blank(rest, format, labels.departures))?;
    let (rest, timestamp_ms) = timestamp(rest, format, seconds, labels.departures)?;
    Ok((rest, ExemplarTail { value_text, value, timestamp_ms }))
}

/// The line `input`, `body` behind its `#`. Whatever is no metadata of this format is a comment (rule P3).
fn metadata<'a>(
    input: &'a str,
    body: &'a str,
    format: Format,
    departures: &mut Departures<'a>,
) -> Parsed<'a, Line<'a>> {
    let open_metrics = format != Format::PrometheusText;
    let start = skip_blanks(body);
    let (keyword, rest) = start.split_at(start.find([' ', '\t']).unwrap_or(start.len()));
    let named = skip_blanks(rest);
    let is_metadata =
        start.len() != body.len() && matches!((keyword, open_metrics), ("HELP" | "TYPE", _) | ("UNIT" | "EOF", true));
    if !is_metadata || rest.is_empty() && keyword != "EOF" || keyword == "EOF" && !named.is_empty() {
        if open_metrics {
            departures.add(input, Departure::Comment);
        }
        return Ok(("", Line::Comment));
    }
    one_blank(body, format, departures);
    if keyword == "EOF" {
        no_blank(rest, format, departures);
        return Ok(("", Line::End));
    }
    if named.is_empty() && keyword != "TYPE" {
        departures.add(rest, Departure::NoName);
        return Ok(("", Line::Comment));
    }
    one_blank(rest, format, departures);
    metadata_of(keyword, named, format, departures)
}

/// Name and text behind `HELP`, `UNIT` or `TYPE`.
fn metadata_of<'a>(
    keyword: &str,
    named: &'a str,
    format: Format,
    departures: &mut Departures<'a>,
) -> Parsed<'a, Line<'a>> {
    let open_metrics = format != Format::PrometheusText;
    // Prometheus takes any one character for the blank behind the name (rule P4).
    let (rest, name) = if keyword == "HELP" && !open_metrics && !named.starts_with('"') {
        let (rest, name) = begins_metric_name(named)?;
        (rest, Quoted::new(name, false))
    } else {
        metadata_name(named)?
    };
    if rest.is_empty() && open_metrics && keyword != "TYPE" {
        departures.add(rest, Departure::NoText);
    }
    if open_metrics && rest.starts_with('\t') {
        departures.add(rest, Departure::OneBlank);
    }
    if keyword == "HELP" {
        let Some(text) = rest.get(rest.len().min(1)..) else {
            return Err(fault(rest, Reason::AfterMetricName(name.raw())));
        };
        return Ok(("", Line::Help { name, text }));
    }
    let word = rest.trim_matches([' ', '\t']);
    if rest.len() > word.len() + 1 {
        departures.add(rest, Departure::Padding);
    }
    if keyword == "UNIT" {
        if !is_unit_suffix(name.raw(), word) {
            departures.add(rest, Departure::UnitNoSuffix);
        }
        return Ok(("", Line::Unit { name, unit: word }));
    }
    if word.is_empty() {
        return Err(fault(rest, Reason::NoType(name.raw())));
    }
    let foreign = match (word, open_metrics) {
        ("gaugehistogram", false) => Some(Departure::GaugeHistogram),
        ("info" | "stateset" | "unknown", false) | ("untyped", true) => Some(Departure::ForeignType),
        _ => None,
    };
    if let Some(foreign) = foreign {
        departures.add(rest.trim_start_matches([' ', '\t']), foreign);
    }
    Ok(("", Line::Type { name, word }))
}

/// Whether the family `name` ends with `_` and its unit; no unit fits every name.
fn is_unit_suffix(name: &str, unit: &str) -> bool {
    unit.is_empty() || name.strip_suffix(unit).is_some_and(|stem| stem.ends_with('_'))
}

/// The name in a metadata line, bare or quoted; the rest begins with a blank or is empty.
fn metadata_name(input: &str) -> Parsed<'_, Quoted<'_>> {
    if !input.starts_with('"') {
        let (rest, name) = metric_name(input)?;
        let blank = !rest.starts_with('{');
        return if blank {
            Ok((rest, Quoted::new(name, false)))
        } else {
            Err(fault(rest, Reason::AfterMetricName(name)))
        };
    }
    let (rest, name) = quoted(input, Reason::MetricName)?;
    if name.raw().is_empty() {
        return Err(fault(input, Reason::EmptyMetricName));
    }
    match rest.as_bytes().first() {
        None | Some(b' ' | b'\t') => Ok((rest, name)),
        Some(_) => Err(fault(rest, Reason::AfterMetricName(name.raw()))),
    }
}
