//! Checks one line: its syntax, and through it what is remembered of the lines before.

use std::collections::HashSet;

use super::Rules;
use super::finding::Findings;
use super::seen::Seen;
use crate::parse::departure::{Departure, Departures};
use crate::parse::format::Format;
use crate::parse::line::{self, Labels, Line};
use crate::parse::model::{Exemplar, Label, MetricType, Quoted};
use crate::parse::openmetrics2;
use crate::parse::token::{Fault, Reason};

/// What a metadata line says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Metadata<'a> {
    /// Without text it says nothing.
    Help {
        is_empty: bool,
    },
    Type(MetricType),
    Unit(&'a str),
}

const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// Checks the line of `findings`. Returns whether it is `# EOF`.
pub(super) fn check(
    format: Format,
    rules: &mut Rules,
    is_utf8: bool,
    first: bool,
    findings: &mut Findings<'_>,
) -> bool {
    let mut departures = Departures::every(format);
    let mut text = findings.text;
    if first && text.starts_with(BYTE_ORDER_MARK) {
        departures.add(text, Departure::ByteOrderMark);
        text = &text[BYTE_ORDER_MARK.len()..];
    }
    if let Some(line) = text.strip_suffix('\r') {
        departures.add(&text[line.len()..], Departure::CarriageReturn);
        text = line;
    }
    let line = line::classify(text, format, &mut departures);
    let is_comment = matches!(line, Ok(Line::Comment)) && format == Format::PrometheusText;
    if !is_utf8 && !is_comment {
        departures.add(&text[text.find('\u{FFFD}').unwrap_or(0)..], Departure::Replaced);
    }
    let mut fault = None;
    let mut ended = false;
    match line {
        Ok(Line::Sample(input)) => {
            fault = match format {
                Format::OpenMetrics2 => sample_of_draft(input, rules, &mut departures, findings),
                _ => sample(input, format, rules, &mut departures, findings),
            };
        }
        Ok(Line::Blank) if format != Format::PrometheusText => departures.add(text, Departure::BlankLine),
        Ok(Line::Blank | Line::Comment) => {}
        Ok(Line::End) => ended = true,
        Ok(Line::Help { name, text }) => {
            if let Rules::Text(_) = rules {
                // `\"` belongs to OpenMetrics, but exporters that write both formats have one way to escape.
                check_escapes(text, "\\n\"", "P4", findings);
            }
            metadata(name, Metadata::Help { is_empty: text.is_empty() }, rules, findings);
        }
        Ok(Line::Unit { name, unit }) => metadata(name, Metadata::Unit(unit), rules, findings),
        Ok(Line::Type { name, word }) => match MetricType::from_word(word) {
            Some(metric_type) => metadata(name, Metadata::Type(metric_type), rules, findings),
            None => fault = Some(Fault { rest: word, reason: Reason::Type(word) }),
        },
        Err(found) => fault = Some(found),
    }
    for departed in departures.all() {
        if let Some(rule) = departed.departure.rule(format) {
            findings.add(departed.rest, rule, departed.departure.to_string());
        }
    }
    if let Some(fault) = fault {
        findings.about(fault.rest, fault.reason.token(), rule_of(fault.reason, format), fault.reason.to_string());
    }
    ended
}

fn metadata(name: Quoted<'_>, what: Metadata<'_>, rules: &mut Rules, findings: &mut Findings<'_>) {
    match rules {
        Rules::Text(rules) => {
            check_escapes(name.raw(), "\\\"n", "P7", findings);
            rules.metadata(&name, what, findings);
        }
        Rules::OpenMetrics(rules) => rules.metadata(&name, what, findings),
    }
}

fn sample<'a>(
    input: &'a str,
    format: Format,
    rules: &mut Rules,
    departures: &mut Departures<'a>,
    findings: &mut Findings<'_>,
) -> Option<Fault<'a>> {
    let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
    let mut labels = Labels { sample: &mut sample, exemplar: &mut exemplar, limit: usize::MAX, departures };
    let line = match line::sample(input, format, &mut labels) {
        Ok(line) => line,
        Err(fault) => return Some(fault),
    };
    let exemplars = line.exemplar.map(|tail| Exemplar {
        labels: &exemplar,
        value_text: tail.value_text,
        value: tail.value,
        timestamp_ms: tail.timestamp_ms,
    });
    let seen = Seen {
        name: &line.name.text(),
        raw_name: line.name.raw(),
        labels: &sample,
        value_text: line.value_text,
        value: line.value,
        composite: None,
        timestamp_ms: line.timestamp_ms,
        exemplars: exemplars.as_slice(),
    };
    check_sample(&seen, rules, findings);
    None
}

fn sample_of_draft<'a>(
    input: &'a str,
    rules: &mut Rules,
    departures: &mut Departures<'a>,
    findings: &mut Findings<'_>,
) -> Option<Fault<'a>> {
    let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
    let mut labels = Labels { sample: &mut sample, exemplar: &mut exemplar, limit: usize::MAX, departures };
    let line = match openmetrics2::sample(input, &mut labels) {
        Ok(line) => line,
        Err(fault) => return Some(fault),
    };
    let ((value_text, value), composite) = match &line.value {
        openmetrics2::Value::Number(text, value) => ((*text, *value), None),
        openmetrics2::Value::Composite(composite) => (composite.count, Some(composite.as_ref())),
    };
    let seen = Seen {
        name: &line.name.text(),
        raw_name: line.name.raw(),
        labels: &sample,
        value_text,
        value,
        composite,
        timestamp_ms: line.timestamp_ms,
        exemplars: &line.exemplars(&exemplar),
    };
    check_sample(&seen, rules, findings);
    None
}

fn check_sample(seen: &Seen<'_>, rules: &mut Rules, findings: &mut Findings<'_>) {
    let (rule, escapes) = match rules {
        Rules::Text(_) => ("P12", true),
        Rules::OpenMetrics(_) => ("O11", false),
    };
    for labels in std::iter::once(seen.labels).chain(seen.exemplars.iter().map(|exemplar| exemplar.labels)) {
        check_names(labels, rule, findings);
    }
    if escapes {
        let texts = seen.labels.iter().flat_map(|label| [label.name.raw(), label.value.raw()]);
        for raw in texts.chain([seen.raw_name]) {
            check_escapes(raw, "\\\"n", "P7", findings);
        }
    }
    match rules {
        Rules::Text(rules) => rules.sample(seen, findings),
        Rules::OpenMetrics(rules) => rules.sample(seen, findings),
    }
}

/// Label names must be unique, and `__name__` is the metric's own.
fn check_names(labels: &[Label<'_>], rule: &'static str, findings: &mut Findings<'_>) {
    let mut known = HashSet::with_capacity(labels.len());
    for label in labels {
        let name = label.name.text();
        if !known.insert(name.clone()) {
            findings.token(label.name.raw(), rule, format!("the label `{name}` stands here twice"));
        } else if name == "__name__" {
            findings.token(label.name.raw(), rule, "the label `__name__` is another word for the metric's name");
        }
    }
}

/// Every backslash must stand before one of the characters `escapable`.
fn check_escapes(raw: &str, escapable: &str, rule: &'static str, findings: &mut Findings<'_>) {
    let mut characters = raw.char_indices();
    while let Some((at, c)) = characters.next() {
        if c != '\\' {
            continue;
        }
        if !characters.next().is_some_and(|(_, escaped)| escapable.contains(escaped)) {
            findings.add(&raw[at..], rule, "a backslash must be doubled unless it begins an escape");
        }
    }
}

/// The rule that a line breaks which cannot be read.
fn rule_of(reason: Reason<'_>, format: Format) -> &'static str {
    if format == Format::PrometheusText {
        return match reason {
            Reason::Type(_) | Reason::NoType(_) => "P5",
            Reason::OpenQuote => "P7",
            Reason::Value | Reason::NotNumber(_) | Reason::OutOfRange(_) => "P9",
            Reason::NotMilliseconds(_) | Reason::AfterSample => "P10",
            Reason::MetricName
            | Reason::AfterMetricName(_)
            | Reason::SecondMetricName(_)
            | Reason::AfterQuotedName(_) => "P17",
            Reason::EmptyMetricName | Reason::EmptyLabelName => "P18",
            _ => "P11",
        };
    }
    match reason {
        Reason::Type(_) | Reason::NoType(_) => "O8",
        Reason::NotSeconds(_) => "O12",
        Reason::ExemplarLabels | Reason::NameInExemplar(_) => "O16",
        Reason::Expected(_) | Reason::ExpectedText(_) => "M2",
        _ => "O1",
    }
}
