//! The option `raw_line_filters`: lines in which a pattern is found are left out before anything reads them.

use std::borrow::Cow;

use memchr::memchr;

use crate::config::Pattern;

/// Cuts a body into lines, and leaves some out. Each leaves an empty line behind, so that the others keep their numbers.
#[derive(Debug)]
pub(super) struct LineFilter {
    pattern: Pattern,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
}

/// What a body becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    /// Bytes that stay.
    Bytes(&'a [u8]),
    /// This line was left out; its end follows.
    FilteredLine(&'a [u8]),
}

impl LineFilter {
    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, partial: Vec::new() }
    }

    /// Filters the next bytes, cut anywhere.
    pub(super) fn push(&mut self, chunk: &[u8], mut kept: impl FnMut(Kept<'_>)) {
        let mut rest = chunk;
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', rest) else { return self.partial.extend_from_slice(rest) };
            self.partial.extend_from_slice(&rest[..=end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.partial);
            self.lines(&line, &mut kept);
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        let (lines, begun) = rest.split_at(whole);
        self.lines(lines, &mut kept);
        self.partial.extend_from_slice(begun);
    }

    /// Filters a last line without line end.
    pub(super) fn finish(self, mut kept: impl FnMut(Kept<'_>)) {
        if !self.partial.is_empty() {
            self.lines(&self.partial, &mut kept);
        }
    }

    /// Hands whole lines on, as many as stand together at once.
    fn lines(&self, lines: &[u8], kept: &mut impl FnMut(Kept<'_>)) {
        let mut from = 0;
        let mut at = 0;
        while at < lines.len() {
            let end = memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            if self.leaves_out(&lines[at..end]) {
                if from < at {
                    kept(Kept::Bytes(&lines[from..at]));
                }
                kept(Kept::FilteredLine(&lines[at..end]));
                from = end;
            }
            at = end + 1;
        }
        if from < lines.len() {
            kept(Kept::Bytes(&lines[from..]));
        }
    }

    fn leaves_out(&self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text: Cow<'_, str> = String::from_utf8_lossy(line);
        self.pattern.is_found_in(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(body: &[u8], size: usize) -> (String, u32) {
        let mut filter = LineFilter::new(Pattern::any_of(&["secret".to_owned(), "^# HELP".to_owned()]).unwrap());
        let (mut bytes, mut lines) = (Vec::new(), 0);
        let mut kept = |kept: Kept<'_>| match kept {
            Kept::Bytes(kept) => bytes.extend_from_slice(kept),
            Kept::FilteredLine(_) => lines += 1,
        };
        for chunk in body.chunks(size) {
            filter.push(chunk, &mut kept);
        }
        filter.finish(&mut kept);
        (String::from_utf8(bytes).unwrap(), lines)
    }

    #[test]
    fn lines_are_left_out_wherever_the_body_is_cut() {
        let body = b"# HELP a b\na 1\na{x=\"secret\"} 2\r\n\na 3\nsecret";
        for size in 1..=body.len() {
            assert_eq!(filtered(body, size), ("\na 1\n\n\na 3\n".to_owned(), 3), "chunks of {size}");
        }
    }
}
