//! The smallest pieces of a line: blanks, names, quoted text, numbers, timestamps. They neither allocate nor panic, and
//! a fault tells where it stands and what was expected there.

use std::fmt;

use nom::error::{ErrorKind, ParseError};

use super::model::Quoted;

/// What a tokenizer gives: the rest of the line and a token.
pub(super) type Parsed<'a, T> = nom::IResult<&'a str, T, Fault<'a>>;

/// Why a line is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault<'a> {
    /// The line from the fault on.
    pub(super) rest: &'a str,
    /// What is wrong.
    pub(super) reason: Reason<'a>,
}

/// The kinds of faults, with the pieces of the line that their messages name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason<'a> {
    MetricName,
    AfterMetricName(&'a str),
    EmptyMetricName,
    SecondMetricName(&'a str),
    NameInExemplar(&'a str),
    LabelName,
    EmptyLabelName,
    AfterLabelName(&'a str),
    AfterQuotedName(&'a str),
    LabelValue(&'a str),
    AfterLabel(&'a str),
    OpenQuote,
    OpenBlock,
    TooManyLabels(usize),
    LabelNameTooLong(usize),
    LabelValueTooLong(usize),
    Value,
    NotNumber(&'a str),
    OutOfRange(&'a str),
    NotMilliseconds(&'a str),
    NotSeconds(&'a str),
    AfterSample,
    ExemplarLabels,
    Type(&'a str),
    NoType(&'a str),
    /// Words for what was expected.
    Expected(&'static str),
    /// The very text that was expected.
    ExpectedText(&'static str),
    Other,
}

/// At most this many characters of the line are repeated in a message.
const SHOWN: usize = 60;

/// A piece of the line in a message: cut when long, control characters made visible.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(SHOWN) {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        if characters.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

impl<'a> Reason<'a> {
    /// Whether the line is fine but for its size.
    pub(super) fn is_limit(self) -> bool {
        matches!(self, Self::TooManyLabels(_) | Self::LabelNameTooLong(_) | Self::LabelValueTooLong(_))
    }

    /// The piece of the line that is wrong, where it is known to be one.
    pub(super) fn token(self) -> &'a str {
        match self {
            Self::NotNumber(token)
            | Self::OutOfRange(token)
            | Self::NotMilliseconds(token)
            | Self::NotSeconds(token)
            | Self::Type(token) => token,
            _ => "",
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MetricName => f.write_str("expected a metric name (letters, digits, `_` and `:`, no digit first)"),
            Self::AfterMetricName(name) => {
                write!(f, "expected a blank or `{{` after the metric name `{}`; ", Shown(name))?;
                f.write_str("a name with other characters must be quoted inside the braces")
            }
            Self::EmptyMetricName => f.write_str("the quoted metric name is empty"),
            Self::SecondMetricName(name) => {
                write!(f, "`{}` is a second metric name; expected `=` after it", Shown(name))
            }
            Self::NameInExemplar(name) => write!(f, "expected `=` after the exemplar's label name `{}`", Shown(name)),
            Self::LabelName => f.write_str("expected a label name or `}`"),
            Self::EmptyLabelName => f.write_str("the quoted label name is empty"),
            Self::AfterLabelName(name) => write!(f, "expected `=` after the label name `{}`", Shown(name)),
            Self::AfterQuotedName(name) => {
                write!(f, "expected `=`, `,` or `}}` after the quoted name `{}`", Shown(name))
            }
            Self::LabelValue(name) => write!(f, "expected a quoted value after `{}=`", Shown(name)),
            Self::AfterLabel(name) => write!(f, "expected `,` or `}}` after the value of the label `{}`", Shown(name)),
            Self::OpenQuote => f.write_str("expected a closing `\"` for the quote that opens here"),
            Self::OpenBlock => f.write_str("expected `}` before the end of the line"),
            Self::TooManyLabels(limit) => write!(f, "this label is one more than the limit of {limit}"),
            Self::LabelNameTooLong(limit) => {
                write!(f, "this label name is longer than the limit of {limit} bytes")
            }
            Self::LabelValueTooLong(limit) => {
                write!(f, "this label value is longer than the limit of {limit} bytes")
            }
            Self::Value => f.write_str("expected a value"),
            Self::NotNumber(text) => write!(f, "the value `{}` is not a number", Shown(text)),
            Self::OutOfRange(text) => write!(f, "the value `{}` is beyond the range of a double", Shown(text)),
            Self::NotMilliseconds(text) => {
                write!(f, "the timestamp `{}` is not a whole number of milliseconds", Shown(text))
            }
            Self::NotSeconds(text) => write!(f, "the timestamp `{}` is not a finite number of seconds", Shown(text)),
            Self::AfterSample => f.write_str("expected the end of the line or an exemplar (`# {...} value`)"),
            Self::ExemplarLabels => f.write_str("expected `{` after the `#` that begins an exemplar"),
            Self::Type(word) => {
                write!(f, "`{}` is no metric type; expected counter, gauge, histogram, gaugehistogram, ", Shown(word))?;
                f.write_str("summary, info, stateset, unknown or untyped")
            }
            Self::NoType(name) => write!(f, "expected a metric type after the name `{}`", Shown(name)),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::ExpectedText(text) => write!(f, "expected `{text}`"),
            Self::Other => f.write_str("the line is neither a sample nor metadata"),
        }
    }
}

/// What nom's own combinators say; every tokenizer here replaces it with a reason of its own.
impl<'a> ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Self {
        Self { rest, reason: Reason::Other }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// A fault at `rest`.
pub(super) fn fault<'a>(rest: &'a str, reason: Reason<'a>) -> nom::Err<Fault<'a>> {
    nom::Err::Error(Fault { rest, reason })
}

/// Whether a byte may begin a metric name, stand in one, begin a label name, or stand in one.
const METRIC_START: u8 = 1;
const METRIC: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;

/// The classes of every byte.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128u8 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => METRIC_START | METRIC | LABEL_START | LABEL,
            b':' => METRIC_START | METRIC,
            b'0'..=b'9' => METRIC | LABEL,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// Whether `byte` belongs to `class`.
fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether the line goes on with something that can begin a label.
pub(super) fn begins_label(input: &str) -> bool {
    input.as_bytes().first().is_some_and(|byte| *byte == b'"' || is(*byte, LABEL_START))
}

/// The line without the blanks and tabs at its front.
pub(super) fn skip_blanks(input: &str) -> &str {
    let bytes = input.as_bytes();
    let end = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    &input[end..]
}

/// Everything up to the next blank or tab.
fn until_blank(input: &str) -> (&str, &str) {
    let bytes = input.as_bytes();
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    input.split_at(end)
}

/// Bytes of `class`, the first of them of class `start`; `reason` when there is none.
fn name<'a>(input: &'a str, start: u8, class: u8, reason: Reason<'a>) -> Parsed<'a, &'a str> {
    let bytes = input.as_bytes();
    if !bytes.first().is_some_and(|byte| is(*byte, start)) {
        return Err(fault(input, reason));
    }
    let end = bytes.iter().position(|byte| !is(*byte, class)).unwrap_or(bytes.len());
    let (name, rest) = input.split_at(end);
    Ok((rest, name))
}

/// A metric name without quotes; what follows must be a blank, `{` or the end.
pub(super) fn metric_name(input: &str) -> Parsed<'_, &str> {
    let (rest, found) = name(input, METRIC_START, METRIC, Reason::MetricName)?;
    match rest.as_bytes().first() {
        None | Some(b' ' | b'\t' | b'{') => Ok((rest, found)),
        Some(_) => Err(fault(rest, Reason::AfterMetricName(found))),
    }
}

/// A metric name without quotes, whatever follows.
pub(super) fn begins_metric_name(input: &str) -> Parsed<'_, &str> {
    name(input, METRIC_START, METRIC, Reason::MetricName)
}

/// A label name without quotes.
pub(super) fn label_name(input: &str) -> Parsed<'_, &str> {
    name(input, LABEL_START, LABEL, Reason::LabelName)
}

/// Text in double quotes; `absent` is the reason when no quote opens here.
pub(super) fn quoted<'a>(input: &'a str, absent: Reason<'a>) -> Parsed<'a, Quoted<'a>> {
    let Some(body) = input.strip_prefix('"') else { return Err(fault(input, absent)) };
    let bytes = body.as_bytes();
    let mut from = 0;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let at = from + found;
        if bytes[at] == b'"' {
            return Ok((&body[at + 1..], Quoted::new(&body[..at], from > 0)));
        }
        from = at + 2;
    }
    Err(fault(input, Reason::OpenQuote))
}

/// Whole numbers up to this many digits are exact in a double and cannot overflow the sum that reads them.
const EXACT_DIGITS: usize = 15;

/// A value: Go's decimal syntax (rule P9). Hexadecimal, `_` and a signed NaN are refused, and so is a number beyond the
/// range of a double.
pub(super) fn value(input: &str) -> Parsed<'_, (&str, f64)> {
    let (text, rest) = until_blank(input);
    if text.is_empty() {
        return Err(fault(input, Reason::Value));
    }
    match number(text) {
        Ok(value) => Ok((rest, (text, value))),
        Err(reason) => Err(fault(input, reason)),
    }
}

/// Reads a number as [`value`] does.
pub(super) fn number(text: &str) -> Result<f64, Reason<'_>> {
    if text.len() <= EXACT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.bytes().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0')) as f64);
    }
    // The standard library reads exactly Go's decimal syntax, but for a sign before NaN, and infinity on overflow.
    let value: f64 = text.parse().map_err(|_| Reason::NotNumber(text))?;
    if value.is_nan() && text.starts_with(['+', '-']) {
        return Err(Reason::NotNumber(text));
    }
    if value.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(Reason::OutOfRange(text));
    }
    Ok(value)
}

/// A timestamp in whole milliseconds, negative ones included.
pub(super) fn milliseconds(input: &str) -> Parsed<'_, i64> {
    let (text, rest) = until_blank(input);
    match text.parse() {
        Ok(timestamp) if !text.starts_with('+') => Ok((rest, timestamp)),
        _ => Err(fault(input, Reason::NotMilliseconds(text))),
    }
}

/// A timestamp in decimal seconds, cut to milliseconds toward zero as Prometheus does (rule O12).
pub(super) fn seconds(input: &str) -> Parsed<'_, i64> {
    let (text, rest) = until_blank(input);
    match text.parse::<f64>() {
        Ok(timestamp) if timestamp.is_finite() => Ok((rest, to_milliseconds(timestamp))),
        _ => Err(fault(input, Reason::NotSeconds(text))),
    }
}

/// What Go makes of seconds beyond the range of milliseconds on the machines where Prometheus mostly runs.
const OUT_OF_RANGE: i64 = i64::MIN;

/// Seconds, which are finite, in whole milliseconds.
pub(super) fn to_milliseconds(seconds: f64) -> i64 {
    let milliseconds = seconds * 1000.0;
    // 2^63, the first number too large.
    let limit = -(i64::MIN as f64);
    if (-limit..limit).contains(&milliseconds) { milliseconds as i64 } else { OUT_OF_RANGE }
}
