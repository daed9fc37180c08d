//! Reads plain lines in a row, and hands out the samples of these and of all other lines.

use super::super::error::ParseErrorKind;
use super::super::line::SampleLine;
use super::super::model::{Label, Role};
use super::super::scan::{LabelsOut, Plain};
use super::super::sink::{Room, Sink, Taken};
use super::{State, assemble};

impl State {
    /// Reads the samples at the front of `lines` as long as they are plain; gives the lines from the first one on that
    /// is not.
    pub(super) fn plain_lines<'a, S: Sink + ?Sized>(
        &mut self,
        mut lines: &'a str,
        sink: &mut S,
    ) -> Result<&'a str, ParseErrorKind> {
        if self.ended || self.held.is_some() {
            return Ok(lines);
        }
        let mut sample_labels: Vec<Label<'a>> = self.labels.take();
        let mut exemplar_labels: Vec<Label<'a>> = self.exemplar_labels.take();
        let (mut name, mut role) = ("", None);
        loop {
            sample_labels.clear();
            exemplar_labels.clear();
            let mut labels = LabelsOut { sample: &mut sample_labels, exemplar: &mut exemplar_labels };
            let plain = self.scanner.as_mut().and_then(|scanner| scanner.sample(lines, name, &mut labels));
            let Some(Plain { line, same_name, rest }) = plain else { break };
            if lines.len() - rest.len() > self.limits.shortest() {
                break;
            }
            self.totals.lines += 1;
            self.line = self.totals.lines;
            self.content = true;
            role = self.take(&line, &sample_labels, &exemplar_labels, role.filter(|_| same_name), sink)?;
            (lines, name) = (rest, line.name.raw());
            let known = self.offer(lines.as_bytes(), sink);
            lines = &lines[known..];
        }
        self.labels.give_back(sample_labels);
        self.exemplar_labels.give_back(exemplar_labels);
        Ok(lines)
    }

    /// Lets the sink take what it knows at the front of `lines`; gives how many bytes that is.
    #[inline]
    pub(super) fn offer<S: Sink + ?Sized>(&mut self, lines: &[u8], sink: &mut S) -> usize {
        if self.ended || self.held.is_some() {
            return 0;
        }
        let room = Room { lines: self.limits.samples - self.totals.samples, line_bytes: self.limits.shortest() };
        let Taken { bytes, lines } = self.families.offer(lines, room, sink);
        if lines > 0 {
            self.totals.lines += lines;
            self.totals.samples += lines;
            self.line = self.totals.lines;
            (self.content, self.good) = (true, true);
        }
        bytes
    }

    /// Hands a sample out. `role` is its role if that is known already; returns the role of a next sample of the same
    /// name, if it must be the same.
    pub(super) fn take<'a, S: Sink + ?Sized>(
        &mut self,
        line: &SampleLine<'a>,
        labels: &[Label<'a>],
        exemplar_labels: &[Label<'a>],
        role: Option<Role>,
        sink: &mut S,
    ) -> Result<Option<Role>, ParseErrorKind> {
        if self.totals.samples >= self.limits.samples {
            return Err(ParseErrorKind::TooManySamples(self.limits.samples));
        }
        self.good = true;
        self.totals.samples += 1;
        let sample = assemble(self.line, line, labels, exemplar_labels);
        Ok(match role {
            Some(role) => {
                self.families.same(role, sample, sink);
                Some(role)
            }
            None => self.families.sample(&line.name.text(), sample, sink),
        })
    }
}
