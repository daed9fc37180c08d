//! Colours and lines, for those who read on a terminal; whoever prints takes the colours away where they are not wanted.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// A name or heading to be found at a glance.
pub(crate) const TITLE: Style = Style::new().bold();
/// What goes right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What does not arrive.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is worth a look.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What to write, and what is written.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();
/// What is there to be looked up.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Something in a style.
pub(crate) struct Styled<T>(pub(crate) Style, pub(crate) T);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

/// Text on one line: control characters as escapes.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

/// Sentences on lines that are not too long; a line feed stays one. No other control characters of an exposition reach a
/// terminal.
pub(crate) fn wrapped(sentences: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in sentences.lines().map(one_line) {
        if line.starts_with([' ', '\t']) {
            // A drawing, such as a caret below a character.
            lines.push(line);
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}
