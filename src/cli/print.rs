//! Standard output and standard error, neither of which need have a reader: `| head` reads a line and goes away.

use std::fmt::Display;
use std::io::{self, Write as _};

use super::exit::Exit;

/// Standard output, for commands that print line by line.
#[derive(Debug, Default)]
pub(super) struct Printer {
    error: Option<io::Error>,
}

impl Printer {
    /// Prints a line; nothing after the first one that could not be printed.
    pub(super) fn line(&mut self, line: impl Display) {
        if self.error.is_none() {
            self.error = writeln!(io::stdout(), "{line}").err();
        }
    }

    /// How a command ends that would end with `exit` if all was printed. That nobody reads is no cause for words.
    pub(super) fn finish(self, exit: Exit) -> Exit {
        match self.error {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                talk(format_args!("cannot write the output: {error}"));
                Exit::Unusable
            }
            _ => exit,
        }
    }
}

/// Says a line on the standard error. Nothing is left to be done when even that is gone.
pub(super) fn talk(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
