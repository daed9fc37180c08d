//! A line of the text format whose quote is still open at its end. Prometheus lets a line feed stand inside quotes, so
//! the lines that follow may be the rest of it; but a torn line must not swallow its neighbours.

/// At most so many lines are joined.
const LINES: usize = 16;

/// The lines since a quote was opened.
#[derive(Debug)]
pub(super) struct Held {
    /// They, with the line feeds between them.
    text: String,
    /// Where in the text the quote stands that is open.
    quote: usize,
    /// The number of the first line.
    first: u64,
    lines: usize,
}

impl Held {
    /// A line, number `first`, whose quote at byte `quote` is open.
    pub(super) fn new(text: &str, quote: usize, first: u64) -> Self {
        Self { text: text.to_owned(), quote, first, lines: 1 }
    }

    /// Takes one more line.
    pub(super) fn join(&mut self, line: &str) {
        self.text.push('\n');
        self.text.push_str(line);
        self.lines += 1;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Whether it makes sense to wait for another line: the same quote, at byte `quote`, is still open, and the text is
    /// not above `limit` bytes.
    pub(super) fn goes_on(&self, quote: usize, limit: usize) -> bool {
        quote == self.quote && self.lines < LINES && self.text.len() < limit
    }

    /// The lines and their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &str)> {
        (self.first..).zip(self.text.split('\n'))
    }
}
