//! Tokenizes one line: a sample, metadata, the end mark, or a comment. Both text formats share this grammar; it is as
//! lenient about blanks as the text format, and takes quoted names and exemplars in either.

use nom::Parser;
use nom::combinator::opt;
use nom::sequence::preceded;

use super::format::Format;
use super::model::{Label, Quoted};
use super::token::{
    Fault, Parsed, Reason, begins_label, fault, label_name, metric_name, milliseconds, quoted, seconds, skip_blanks,
    value,
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
}

/// What `line` is.
pub(super) fn classify(line: &str, format: Format) -> Result<Line<'_>, Fault<'_>> {
    let input = skip_blanks(line);
    match input.as_bytes().first() {
        None => Ok(Line::Blank),
        Some(b'#') => match metadata(&input[1..], format) {
            Ok((_, line)) => Ok(line),
            Err(error) => Err(into_fault(error)),
        },
        Some(_) => Ok(Line::Sample(input)),
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
    let (rest, name) = series(input, labels)?;
    let series = &input[..input.len() - rest.len()];
    let (rest, (value_text, value)) = value(skip_blanks(rest))?;
    let (rest, timestamp_ms) = match format {
        Format::PrometheusText | Format::PrometheusProtobuf => timestamp(rest, milliseconds)?,
        Format::OpenMetrics => timestamp(rest, seconds)?,
    };
    let (rest, exemplar) =
        opt(preceded(nom::character::complete::char('#'), nom::combinator::cut(|i| exemplar(i, labels))))
            .parse(skip_blanks(rest))?;
    let rest = skip_blanks(rest);
    if !rest.is_empty() {
        return Err(fault(rest, Reason::AfterSample));
    }
    Ok((rest, SampleLine { series, name, value_text, value, timestamp_ms, exemplar }))
}

/// Name and labels, in any of the forms `a`, `a{b="c"}`, `{"a",b="c"}`.
fn series<'a>(input: &'a str, labels: &mut Labels<'_, 'a>) -> Parsed<'a, Quoted<'a>> {
    let (rest, bare) = if input.starts_with('{') { (input, None) } else { opt_name(input)? };
    let Some(block) = skip_blanks(rest).strip_prefix('{') else {
        return match bare {
            Some(name) => Ok((rest, name)),
            None => Err(fault(rest, Reason::MetricName)),
        };
    };
    let (rest, inner) = label_block(block, labels.sample, labels.limit)?;
    match (bare, inner) {
        (Some(name), None) | (None, Some((_, name))) => Ok((rest, name)),
        (Some(_), Some((at, name))) => Err(fault(at, Reason::SecondMetricName(name.raw()))),
        (None, None) => Err(fault(input, Reason::MetricName)),
    }
}

fn opt_name(input: &str) -> Parsed<'_, Option<Quoted<'_>>> {
    metric_name.map(|name| Some(Quoted::new(name, false))).parse(input)
}

/// A quoted metric name inside the braces, and where it stands.
type InnerName<'a> = Option<(&'a str, Quoted<'a>)>;

/// The labels behind `{` up to and including `}`. A missing comma passes, as in Prometheus (rule P11).
fn label_block<'a>(mut input: &'a str, labels: &mut Vec<Label<'a>>, limit: usize) -> Parsed<'a, InnerName<'a>> {
    let mut metric: InnerName<'a> = None;
    loop {
        input = skip_blanks(input);
        if let Some(rest) = input.strip_prefix('}') {
            return Ok((rest, metric));
        }
        if input.is_empty() {
            return Err(fault(input, Reason::OpenBlock));
        }
        let (rest, name) = label_or_metric_name(input)?;
        input = if let Some(rest) = rest.strip_prefix('=') {
            if labels.len() >= limit {
                return Err(fault(input, Reason::TooManyLabels(limit)));
            }
            let (rest, value) = quoted(skip_blanks(rest), Reason::LabelValue(name.raw()))?;
            labels.push(Label { name, value });
            after_pair(skip_blanks(rest), name.raw())?
        } else if metric.is_some() {
            return Err(fault(input, Reason::SecondMetricName(name.raw())));
        } else {
            metric = Some((input, name));
            rest.strip_prefix(',').unwrap_or(rest)
        };
    }
}

/// A name and the blanks behind it; the rest begins with `=`, or, behind a quoted name, with `,` or `}`.
fn label_or_metric_name(input: &str) -> Parsed<'_, Quoted<'_>> {
    if !input.starts_with('"') {
        let (rest, name) = label_name(input)?;
        let rest = skip_blanks(rest);
        let after = Reason::AfterLabelName(name);
        return if rest.starts_with('=') { Ok((rest, Quoted::new(name, false))) } else { Err(fault(rest, after)) };
    }
    let (rest, name) = quoted(input, Reason::LabelName)?;
    let rest = skip_blanks(rest);
    match (rest.as_bytes().first(), name.raw().is_empty()) {
        (Some(b'='), true) => Err(fault(input, Reason::EmptyLabelName)),
        (Some(b',' | b'}'), true) => Err(fault(input, Reason::EmptyMetricName)),
        (Some(b'=' | b',' | b'}'), false) => Ok((rest, name)),
        _ => Err(fault(rest, Reason::AfterQuotedName(name.raw()))),
    }
}

/// What stands between the value of the label `name` and the next label.
fn after_pair<'a>(input: &'a str, name: &'a str) -> Result<&'a str, nom::Err<Fault<'a>>> {
    match input.as_bytes().first() {
        Some(b',') => Ok(&input[1..]),
        Some(b'}') => Ok(input),
        None => Err(fault(input, Reason::OpenBlock)),
        Some(_) if begins_label(input) => Ok(input),
        Some(_) => Err(fault(input, Reason::AfterLabel(name))),
    }
}

/// A timestamp, unless the line ends or an exemplar begins.
fn timestamp<'a>(input: &'a str, read: impl Fn(&'a str) -> Parsed<'a, i64>) -> Parsed<'a, Option<i64>> {
    let input = skip_blanks(input);
    match input.as_bytes().first() {
        None | Some(b'#') => Ok((input, None)),
        Some(_) => read(input).map(|(rest, timestamp)| (rest, Some(timestamp))),
    }
}

/// An exemplar behind its `#`. Its timestamp is in seconds in either format: only OpenMetrics defines exemplars.
fn exemplar<'a>(input: &'a str, labels: &mut Labels<'_, 'a>) -> Parsed<'a, ExemplarTail<'a>> {
    let input = skip_blanks(input);
    let Some(block) = input.strip_prefix('{') else { return Err(fault(input, Reason::ExemplarLabels)) };
    let (rest, inner) = label_block(block, labels.exemplar, labels.limit)?;
    if let Some((at, name)) = inner {
        return Err(fault(at, Reason::NameInExemplar(name.raw())));
    }
    let (rest, (value_text, value)) = value(skip_blanks(rest))?;
    let (rest, timestamp_ms) = timestamp(rest, seconds)?;
    Ok((rest, ExemplarTail { value_text, value, timestamp_ms }))
}

/// A line behind its `#`. Whatever is no metadata of this format is a comment (rule P3).
fn metadata(input: &str, format: Format) -> Parsed<'_, Line<'_>> {
    let body = skip_blanks(input);
    let comment = Ok(("", Line::Comment));
    if body.len() == input.len() {
        return comment;
    }
    let open_metrics = format == Format::OpenMetrics;
    let (keyword, rest) = body.split_at(body.find([' ', '\t']).unwrap_or(body.len()));
    let named = skip_blanks(rest);
    match keyword {
        "EOF" if open_metrics && named.is_empty() => Ok(("", Line::End)),
        "HELP" if !named.is_empty() => {
            let (rest, name) = metadata_name(named)?;
            Ok(("", Line::Help { name, text: rest.get(1..).unwrap_or_default() }))
        }
        "UNIT" if open_metrics && !named.is_empty() => {
            let (rest, name) = metadata_name(named)?;
            Ok(("", Line::Unit { name, unit: rest.trim_matches([' ', '\t']) }))
        }
        "TYPE" => {
            let (rest, name) = metadata_name(named)?;
            let word = rest.trim_matches([' ', '\t']);
            if word.is_empty() {
                return Err(fault(rest, Reason::NoType(name.raw())));
            }
            Ok(("", Line::Type { name, word }))
        }
        _ => comment,
    }
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
