//! The straight path: reads a sample line of the form that nearly all lines have, bytes in and spans out. It gives what
//! the grammar gives, or it declines, and then the grammar reads the line and says what is wrong with it, if anything.

use super::decimal::decimal;
use super::format::Format;
use super::lanes::{closing_quote, digits, few_digits, label_name_end, metric_name_end};
use super::line::{ExemplarTail, SampleLine};
use super::model::{Label, Quoted};
use super::recent::Recent;
use super::token;

#[cfg(test)]
mod tests;

/// So much is looked at together, to stay in the caches while it is read.
pub(super) const BLOCK: usize = 64 << 10;

/// So much where most lines need not be looked at.
pub(super) const FEW: usize = 4 << 10;

/// Labels of a line whose names are remembered.
const REMEMBERED: usize = 16;

/// Whole lines from the front of `chunk`, as many as are UTF-8 and not too many at once.
pub(super) fn whole_lines(chunk: &[u8], block: usize) -> &str {
    let block = &chunk[..chunk.len().min(block)];
    let valid = match std::str::from_utf8(block) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&block[..error.valid_up_to()]).unwrap_or_default(),
    };
    let end = memchr::memrchr(b'\n', valid.as_bytes()).map_or(0, |at| at + 1);
    &valid[..end]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Prometheus,
    OpenMetrics,
}

/// Reads lines that are plain, with what it remembers of those before.
///
/// Plain is `name{label="value",...} number timestamp`, each blank a single one, labels and timestamp optional, without
/// escapes and in ASCII; in OpenMetrics with an exemplar of the same kind. In short, what exporters write, and what
/// every reader agrees about.
#[derive(Debug)]
pub(super) struct Scanner {
    dialect: Dialect,
    /// Labels that a sample or an exemplar may have.
    limit: usize,
    labels: LabelNames,
    exemplar_labels: LabelNames,
    timestamp: Timestamp,
}

/// A plain line.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    pub(super) line: SampleLine<'a>,
    /// Whether the name is the one that was expected.
    pub(super) same_name: bool,
    /// What follows the line.
    pub(super) rest: &'a str,
}

/// The vectors that the labels of a line are appended to.
#[derive(Debug)]
pub(super) struct LabelsOut<'v, 'a> {
    pub(super) sample: &'v mut Vec<Label<'a>>,
    pub(super) exemplar: &'v mut Vec<Label<'a>>,
}

impl Scanner {
    /// A scanner for `format`, if it has lines of this form and each stands for one sample.
    pub(super) fn of(format: Format, limit: usize) -> Option<Self> {
        let dialect = match format {
            Format::PrometheusText => Dialect::Prometheus,
            Format::OpenMetrics => Dialect::OpenMetrics,
            Format::OpenMetrics2 | Format::PrometheusProtobuf => return None,
        };
        let (labels, exemplar_labels) = (LabelNames::default(), LabelNames::default());
        Some(Self { dialect, limit, labels, exemplar_labels, timestamp: Timestamp::default() })
    }

    /// Reads the line at the front of `text` as a sample, whose name is expected to be `name` if that is not empty. `None` when it is not
    /// plain, or so near to the end that it cannot be looked at in lanes; what is in the vectors is then of no use.
    #[inline]
    pub(super) fn sample<'a>(
        &mut self,
        text: &'a str,
        name: &str,
        labels: &mut LabelsOut<'_, 'a>,
    ) -> Option<Plain<'a>> {
        let bytes = text.as_bytes();
        let same_name = !name.is_empty()
            && matches!(bytes.get(name.len()), Some(b'{' | b' '))
            && bytes.starts_with(name.as_bytes());
        let name_end = if same_name { name.len() } else { metric_name_end(bytes, 0)? };
        let series_end = match bytes.get(name_end)? {
            b'{' => self.label_block(text, name_end + 1, labels.sample)?,
            _ => name_end,
        };
        let start = blank(bytes, series_end)?;
        let (value, value_end) = value(text, start)?;
        let (mut timestamp_ms, mut end) = (None, value_end);
        if bytes.get(end) == Some(&b' ') && bytes.get(end + 1) != Some(&b'#') {
            let (timestamp, after) = self.timestamp.read(bytes, end + 1, self.dialect)?;
            (timestamp_ms, end) = (Some(timestamp), after);
        }
        let mut exemplar = None;
        if bytes.get(end) == Some(&b' ') {
            let (tail, after) = self.exemplar(text, end, labels.exemplar)?;
            (exemplar, end) = (Some(tail), after);
        }
        if bytes.get(end) != Some(&b'\n') {
            return None;
        }
        let line = SampleLine {
            series: text.get(..series_end)?,
            name: Quoted::new(text.get(..name_end)?, false),
            value_text: text.get(start..value_end)?,
            value,
            timestamp_ms,
            exemplar,
        };
        Some(Plain { line, same_name, rest: text.get(end + 1..)? })
    }

    fn label_block<'a>(&mut self, text: &'a str, at: usize, labels: &mut Vec<Label<'a>>) -> Option<usize> {
        label_block(text, at, labels, &mut self.labels, self.limit, self.dialect)
    }

    /// The exemplar from the blank at `at` on, and where it ends.
    fn exemplar<'a>(
        &mut self,
        text: &'a str,
        at: usize,
        labels: &mut Vec<Label<'a>>,
    ) -> Option<(ExemplarTail<'a>, usize)> {
        let bytes = text.as_bytes();
        if self.dialect == Dialect::Prometheus || bytes.get(at..at + 4)? != b" # {" {
            return None;
        }
        let block_end = label_block(text, at + 4, labels, &mut self.exemplar_labels, self.limit, self.dialect)?;
        let start = blank(bytes, block_end)?;
        let (value, value_end) = value(text, start)?;
        let (timestamp_ms, end) = match bytes.get(value_end)? {
            b' ' => seconds(bytes, value_end + 1).map(|(timestamp, end)| (Some(timestamp), end))?,
            _ => (None, value_end),
        };
        Some((ExemplarTail { value_text: text.get(start..value_end)?, value, timestamp_ms }, end))
    }
}

/// The names of the labels of the line before, by their place in it.
#[derive(Debug, Default)]
struct LabelNames([Recent; REMEMBERED]);

impl LabelNames {
    /// Where the value begins whose label, the one at place `index`, begins at `at`.
    #[inline]
    fn value_start(&mut self, index: usize, bytes: &[u8], at: usize) -> Option<usize> {
        match self.0.get(index).and_then(|name| name.end(bytes, at)) {
            Some(start) => Some(start),
            None => self.other_value_start(index, bytes, at),
        }
    }

    /// The same for a label that is another one than before.
    #[inline(never)]
    fn other_value_start(&mut self, index: usize, bytes: &[u8], at: usize) -> Option<usize> {
        let equals = label_name_end(bytes, at)?;
        if bytes.get(equals..equals + 2)? != b"=\"" {
            return None;
        }
        if let Some(name) = self.0.get_mut(index) {
            name.remember(bytes, at, equals + 2);
        }
        Some(equals + 2)
    }
}

/// Reads the labels from `at`, behind `{`; gives where their `}` ends.
#[inline]
fn label_block<'a>(
    text: &'a str,
    mut at: usize,
    labels: &mut Vec<Label<'a>>,
    names: &mut LabelNames,
    limit: usize,
    dialect: Dialect,
) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        if labels.len() >= limit {
            return None;
        }
        let Some(start) = names.value_start(labels.len(), bytes, at) else {
            // In the text format a comma may stand behind the last label too, as older Java clients write it.
            let ends = dialect == Dialect::Prometheus && !labels.is_empty() && bytes.get(at) == Some(&b'}');
            return ends.then_some(at + 1);
        };
        let close = closing_quote(bytes, start)?;
        labels.push(Label {
            name: Quoted::new(text.get(at..start - 2)?, false),
            value: Quoted::new(text.get(start..close)?, false),
        });
        match bytes.get(close + 1)? {
            b',' => at = close + 2,
            b'}' => return Some(close + 2),
            _ => return None,
        }
    }
}

/// Where the single blank at `at` ends.
#[inline]
fn blank(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b' ')).then_some(at + 1)
}

/// A value and where it ends.
#[inline]
fn value(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    // A single digit is the most frequent value of all.
    if let [digit @ b'0'..=b'9', b' ' | b'\n'] = bytes.get(at..at + 2)? {
        return Some((f64::from(digit - b'0'), at + 1));
    }
    match decimal(bytes, at) {
        Some((value, end)) if matches!(bytes.get(end), Some(b' ' | b'\n')) => Some((value, end)),
        _ => odd_value(text, at),
    }
}

/// A value that is not a plain decimal number, read as the grammar reads it.
fn odd_value(text: &str, at: usize) -> Option<(f64, usize)> {
    let end = at + text.as_bytes().get(at..)?.iter().position(|byte| matches!(byte, b' ' | b'\n'))?;
    let value = token::number(text.get(at..end).filter(|text| !text.is_empty())?).ok()?;
    Some((value, end))
}

/// What stands behind the name and the labels of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// Finite.
    pub(crate) value: f64,
    /// Milliseconds since the epoch.
    pub(crate) timestamp_ms: Option<i64>,
    /// How many bytes it has, with the line feed.
    pub(crate) length: usize,
}

/// Reads what stands behind the name and the labels of a sample, from the blank on up to the end of the line. `None` when
/// it is not a plain number with or without a timestamp; the line then has to be read as a whole.
#[inline]
pub(crate) fn tail(bytes: &[u8], format: Format) -> Option<Tail> {
    // A single digit is the most frequent value of all.
    if let [b' ', digit @ b'0'..=b'9', b'\n', ..] = bytes {
        return Some(Tail { value: f64::from(digit - b'0'), timestamp_ms: None, length: 3 });
    }
    let start = blank(bytes, 0)?;
    if let Some((whole, end)) = few_digits(bytes, start)
        && bytes.get(end) == Some(&b'\n')
    {
        return Some(Tail { value: f64::from(whole), timestamp_ms: None, length: end + 1 });
    }
    let (value, end) = match decimal(bytes, start) {
        Some(read) => read,
        None => long_number(bytes, start)?,
    };
    match bytes.get(end)? {
        b'\n' => Some(Tail { value, timestamp_ms: None, length: end + 1 }),
        b' ' => {
            let (timestamp, end) = match format {
                Format::PrometheusText => milliseconds(bytes, end + 1)?,
                Format::OpenMetrics => seconds(bytes, end + 1)?,
                Format::OpenMetrics2 | Format::PrometheusProtobuf => return None,
            };
            let ends = bytes.get(end) == Some(&b'\n');
            ends.then_some(Tail { value, timestamp_ms: Some(timestamp), length: end + 1 })
        }
        _ => None,
    }
}

/// A number of so many digits that it takes more than one operation to read it, and where it ends.
#[cold]
fn long_number(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let length = bytes.get(at..)?.iter().position(|byte| matches!(byte, b' ' | b'\n'))?;
    let text = std::str::from_utf8(&bytes[at..at + length]).ok()?;
    let value = token::number(text).ok().filter(|value| value.is_finite())?;
    (!text.is_empty()).then_some((value, at + length))
}

/// The timestamp of the sample before: many expositions have the same one everywhere.
#[derive(Debug, Default)]
struct Timestamp {
    text: Recent,
    milliseconds: i64,
}

impl Timestamp {
    /// The timestamp at `at` and where it ends.
    #[inline]
    fn read(&mut self, bytes: &[u8], at: usize, dialect: Dialect) -> Option<(i64, usize)> {
        if let Some(end) = self.text.end(bytes, at)
            && matches!(bytes.get(end), Some(b' ' | b'\n'))
        {
            return Some((self.milliseconds, end));
        }
        let (milliseconds, end) = match dialect {
            Dialect::Prometheus => milliseconds(bytes, at)?,
            Dialect::OpenMetrics => seconds(bytes, at)?,
        };
        if self.text.remember(bytes, at, end) {
            self.milliseconds = milliseconds;
        }
        Some((milliseconds, end))
    }
}

/// A timestamp without sign, of so few digits that it fits, and where it ends.
fn milliseconds(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (sum, end) = digits(bytes, at, 0)?;
    if !(1..=18).contains(&(end - at)) {
        return None;
    }
    Some((i64::try_from(sum).ok()?, end))
}

fn seconds(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (seconds, end) = decimal(bytes, at)?;
    Some((token::to_milliseconds(seconds), end))
}
