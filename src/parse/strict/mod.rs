//! Holds an exposition against every rule of its format, for authors of exporters. It reads the bytes on its own, beside
//! the lenient reader, which therefore pays nothing for it. It must remember names and series to find those that come
//! twice, so its memory grows with the exposition.

mod draft;
mod finding;
mod group;
mod histogram;
mod line;
mod names;
mod open_metrics;
mod seen;
mod text;
mod values;

use finding::{Findings, Place};
use open_metrics::OpenMetricsRules;
use text::TextRules;

use super::diagnostic::Diagnostic;
use super::format::Format;

/// How an exposition is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// What can be read is read; what Prometheus would refuse is noted.
    #[default]
    Lenient,
    /// The same is read, and every breach of a rule of the format is reported in place of what a lenient reader says.
    Strict,
}

/// Checks one exposition in a text format.
#[derive(Debug)]
pub(super) struct Checker {
    format: Format,
    rules: Rules,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    line: u64,
    /// The line after `# EOF` and those behind it are void.
    ended: bool,
}

/// What is remembered, which is more for OpenMetrics.
#[derive(Debug)]
enum Rules {
    Text(Box<TextRules>),
    OpenMetrics(Box<OpenMetricsRules>),
}

impl Checker {
    pub(super) fn new(format: Format) -> Self {
        let rules = match format {
            Format::PrometheusText | Format::PrometheusProtobuf => Rules::Text(Box::default()),
            Format::OpenMetrics | Format::OpenMetrics2 => Rules::OpenMetrics(Box::new(OpenMetricsRules::new(format))),
        };
        Self { format, rules, partial: Vec::new(), line: 0, ended: false }
    }

    /// Checks the next bytes of the exposition.
    pub(super) fn push(&mut self, chunk: &[u8], report: &mut dyn FnMut(&Diagnostic)) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            self.line(&line, report);
            line.clear();
            self.partial = line;
        }
        self.partial.extend_from_slice(rest);
    }

    /// Checks what can be checked only at the end.
    pub(super) fn finish(mut self, report: &mut dyn FnMut(&Diagnostic)) {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() {
            let ended_before = self.ended;
            self.line(&last, report);
            let text = String::from_utf8_lossy(&last);
            let mut findings = Findings::new(self.line, &text, report);
            let is_text = matches!(self.rules, Rules::Text(_));
            if is_text && !text.trim_matches([' ', '\t']).is_empty() {
                findings.add(&text[text.len()..], "P1", "the last line must end with a line feed too");
            } else if !is_text && !self.ended && !ended_before {
                findings.add(&text[text.len()..], "O1", "the line must end with a line feed");
            }
        }
        match self.rules {
            Rules::Text(rules) => rules.finish(report),
            Rules::OpenMetrics(rules) => {
                rules.finish(report);
                if !self.ended {
                    let place = Place { line: self.line.max(1), text: String::from_utf8_lossy(&last).into_owned() };
                    place.report("O2", "the exposition must end with `# EOF`", report);
                }
            }
        }
    }

    /// The same for an exposition that broke off: a last line without line end is left out.
    pub(super) fn finish_cut(mut self, report: &mut dyn FnMut(&Diagnostic)) {
        self.partial.clear();
        self.finish(report);
    }

    fn line(&mut self, bytes: &[u8], report: &mut dyn FnMut(&Diagnostic)) {
        self.line += 1;
        let text = String::from_utf8_lossy(bytes);
        let mut findings = Findings::new(self.line, &text, report);
        if self.ended {
            findings.add(&text, "O2", "nothing may follow `# EOF`");
            return;
        }
        let is_valid = matches!(text, std::borrow::Cow::Borrowed(_));
        self.ended = line::check(self.format, &mut self.rules, is_valid, self.line == 1, &mut findings);
    }
}
