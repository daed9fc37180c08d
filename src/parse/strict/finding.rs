//! Findings: which rule a line breaks, where in the line, and what the rule wants.

use crate::parse::diagnostic::Diagnostic;

/// Reports the findings of one line.
pub(super) struct Findings<'f> {
    line: u64,
    pub(super) text: &'f str,
    report: &'f mut dyn FnMut(&Diagnostic),
    told: usize,
}

/// So many findings of one line are told: who has read these knows where to look.
const OF_A_LINE: usize = 20;

impl<'f> Findings<'f> {
    pub(super) fn new(line: u64, text: &'f str, report: &'f mut dyn FnMut(&Diagnostic)) -> Self {
        Self { line, text, report, told: 0 }
    }

    /// Reports that the line breaks `rule` at `rest`, which is a part of the line.
    pub(super) fn add(&mut self, rest: &str, rule: &'static str, message: impl Into<String>) {
        self.about(rest, "", rule, message);
    }

    /// The same, and `token` at that place is what is wrong.
    pub(super) fn about(&mut self, rest: &str, token: &str, rule: &'static str, message: impl Into<String>) {
        if self.told == OF_A_LINE {
            return;
        }
        self.told += 1;
        let offset = (rest.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let offset = if offset <= self.text.len() { offset } else { 0 };
        (self.report)(&Diagnostic::new(self.line, self.text, offset, message).about(token).of_rule(rule));
    }

    /// Reports that the part `token` of the line breaks `rule`.
    pub(super) fn token(&mut self, token: &str, rule: &'static str, message: impl Into<String>) {
        self.about(token, token, rule, message);
    }

    /// The line, to be reported on later.
    pub(super) fn place(&self) -> Place {
        Place { line: self.line, text: self.text.to_owned() }
    }

    /// Where findings go, for those about other lines.
    pub(super) fn report(&mut self) -> &mut dyn FnMut(&Diagnostic) {
        self.report
    }
}

/// A line that was read before.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) text: String,
}

impl Place {
    /// Reports that what began at this line breaks `rule`.
    pub(super) fn report(&self, rule: &'static str, message: impl Into<String>, report: &mut dyn FnMut(&Diagnostic)) {
        report(&Diagnostic::new(self.line, &self.text, 0, message).of_rule(rule));
    }
}
