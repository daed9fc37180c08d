//! How commands end.

use std::process::ExitCode;

/// The exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Nothing to complain about, or nobody reads the output any more.
    Fine,
    /// The command did its work and found something: a target failed, a line was malformed, a fixture differs.
    Findings,
    /// The command could not do its work: the settings or the arguments are wrong.
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Unusable => Self::from(2),
        }
    }
}
