//! Cuts chunks of any size into lines. A line inside one chunk is borrowed from it; only a line that crosses chunks, or
//! holds invalid UTF-8, is copied.

use memchr::memchr;

/// So many bytes of an overlong line are kept to show.
const HEAD: usize = 256;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawLine<'a> {
    /// The line; invalid UTF-8 has become U+FFFD.
    Text(&'a str),
    /// A line above the limit: only its beginning. The rest of it is skipped.
    TooLong(&'a str),
}

/// Cuts chunks into lines that end at LF or CRLF.
#[derive(Debug)]
pub(super) struct Lines {
    /// In bytes, line end not included.
    limit: usize,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// A line with its invalid UTF-8 replaced.
    repaired: String,
    phase: Phase,
    /// Whether the next line is the first of the body, which may begin with a byte order mark.
    first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `partial` belongs to the next line.
    Collecting,
    /// `partial` was handed out; nothing of it is needed any more.
    HandedOut,
    /// An overlong line was reported; everything up to its end is dropped.
    Skipping,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), repaired: String::new(), phase: Phase::Collecting, first: true }
    }

    /// Whether the next byte begins a line, and not the first one of the body.
    pub(super) fn at_line_start(&self) -> bool {
        match self.phase {
            Phase::Collecting => self.partial.is_empty() && !self.first,
            Phase::HandedOut => true,
            Phase::Skipping => false,
        }
    }

    /// The next line, taken from the front of `chunk`; `None` when the chunk is used up.
    pub(super) fn next<'l, 'c: 'l>(&'l mut self, chunk: &mut &'c [u8]) -> Option<RawLine<'l>> {
        self.forget();
        if self.phase == Phase::Skipping {
            let Some(end) = memchr(b'\n', chunk) else {
                *chunk = &[];
                return None;
            };
            *chunk = &chunk[end + 1..];
            self.phase = Phase::Collecting;
        }
        let Some(end) = memchr(b'\n', chunk) else { return self.collect(chunk) };
        let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
        *chunk = rest;
        let first = std::mem::take(&mut self.first);
        if self.partial.is_empty() {
            return Some(finished(line, self.limit, first, &mut self.repaired));
        }
        self.extend(line);
        self.phase = Phase::HandedOut;
        Some(finished(&self.partial, self.limit, first, &mut self.repaired))
    }

    /// The last line, when the body does not end with LF.
    pub(super) fn last(&mut self) -> Option<RawLine<'_>> {
        self.forget();
        if self.partial.is_empty() {
            return None;
        }
        self.phase = Phase::HandedOut;
        Some(finished(&self.partial, self.limit, self.first, &mut self.repaired))
    }

    /// Drops a partial line that was handed out.
    fn forget(&mut self) {
        match self.phase {
            Phase::Collecting => {}
            Phase::Skipping => self.partial.clear(),
            Phase::HandedOut => {
                self.partial.clear();
                self.phase = Phase::Collecting;
            }
        }
    }

    /// Keeps the rest of the chunk, which holds no line end. Reports the line once it is above the limit.
    fn collect(&mut self, chunk: &mut &[u8]) -> Option<RawLine<'_>> {
        self.extend(chunk);
        *chunk = &[];
        let overlong = without_return(&self.partial).len() > self.limit;
        if !overlong {
            return None;
        }
        self.first = false;
        self.phase = Phase::Skipping;
        Some(RawLine::TooLong(head(&self.partial, self.limit, &mut self.repaired)))
    }

    /// Appends to the partial line what is needed of `bytes` to see whether the line is above the limit: the limit
    /// itself, a CR that may belong to the line end, and one byte more.
    fn extend(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_add(2).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// The line without the CR of a CRLF.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line whose end was found.
fn finished<'l>(line: &'l [u8], limit: usize, first: bool, repaired: &'l mut String) -> RawLine<'l> {
    let line = without_return(line);
    if line.len() > limit {
        return RawLine::TooLong(head(line, limit, repaired));
    }
    let line = if first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
    RawLine::Text(text(line, repaired))
}

/// The beginning of a line above the limit: the same bytes, however the body was cut into chunks.
fn head<'l>(line: &'l [u8], limit: usize, repaired: &'l mut String) -> &'l str {
    text(&line[..line.len().min(limit).min(HEAD)], repaired)
}

/// The bytes as text, borrowed where they are valid.
fn text<'l>(bytes: &'l [u8], repaired: &'l mut String) -> &'l str {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text;
    }
    repaired.clear();
    repaired.push_str(&String::from_utf8_lossy(bytes));
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `body` cut into chunks of `size` bytes; overlong ones are marked.
    fn cut(body: &[u8], limit: usize, size: usize) -> Vec<String> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        let show = |line: RawLine<'_>| match line {
            RawLine::Text(text) => text.to_owned(),
            RawLine::TooLong(head) => format!("TOO LONG {head}"),
        };
        for mut chunk in body.chunks(size) {
            while let Some(line) = lines.next(&mut chunk) {
                found.push(show(line));
            }
        }
        found.extend(lines.last().map(show));
        found
    }

    #[test]
    fn chunks_do_not_matter() {
        let body = b"\xEF\xBB\xBFa 1\r\n\nb\xFF 2\n0123456789\n0123456789\r\n0123456789A\nlong long long\r\n\rc\r 3\r";
        let expected = [
            "a 1",
            "",
            "b\u{FFFD} 2",
            "0123456789",
            "0123456789",
            "TOO LONG 0123456789",
            "TOO LONG long long ",
            "\rc\r 3",
        ];
        for size in 1..=body.len() {
            assert_eq!(cut(body, 10, size), expected, "chunks of {size}");
        }
    }

    #[test]
    fn an_overlong_line_takes_no_more_memory_than_the_limit() {
        let mut lines = Lines::new(100);
        let mut reported = 0;
        for _ in 0..1000 {
            let mut chunk: &[u8] = &[b'x'; 4096];
            while lines.next(&mut chunk).is_some() {
                reported += 1;
            }
        }
        assert_eq!(reported, 1);
        assert!(lines.partial.capacity() < 1000);
        let mut chunk: &[u8] = b"xx\nnext\n";
        assert_eq!(lines.next(&mut chunk), Some(RawLine::Text("next")));
    }

    #[test]
    fn a_whole_line_is_borrowed() {
        let body = b"a 1\n";
        let mut chunk: &[u8] = body;
        let mut lines = Lines::new(10);
        let Some(RawLine::Text(line)) = lines.next(&mut chunk) else { panic!("no line") };
        assert_eq!(line.as_ptr(), body.as_ptr());
    }
}
