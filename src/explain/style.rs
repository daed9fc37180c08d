//! Colours, for those who read on a terminal; whoever prints takes them away where they are not wanted.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// A name or heading to be found at a glance.
pub(super) const TITLE: Style = Style::new().bold();
/// What goes right.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What does not arrive.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is worth a look.
pub(super) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What to write, and what is written.
pub(super) const CODE: Style = AnsiColor::Cyan.on_default();
/// What is there to be looked up.
pub(super) const FAINT: Style = Style::new().dimmed();

/// Something in a style.
pub(super) struct Styled<T>(pub(super) Style, pub(super) T);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}
