//! Why `submit` cannot start, or cannot show what it should.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::journal::JournalError;

/// An error of `submit`. Failures to deliver are no errors: they are counted in
/// [`Stats`](super::Stats) while delivery goes on.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct SubmitError {
    kind: Box<Kind>,
}

#[derive(Debug)]
enum Kind {
    Url(String),
    Key,
    ApplicationKey,
    Tls { url: String, error: rustls::Error },
    Console(io::Error),
    File { path: PathBuf, error: io::Error },
    Storage(JournalError),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                write!(f, "`{url}` is no URL of an intake: write it like `https://api.datadoghq.com`, or set `site`")
            }
            Self::Key => f.write_str("the API key holds characters that cannot be sent: copy it anew into `api_key`"),
            Self::ApplicationKey => {
                f.write_str("the application key holds characters that cannot be sent: copy it anew into `app_key`")
            }
            Self::Tls { url, error } => write!(
                f,
                "TLS for `{url}` cannot be set up: {error}; where no CA certificates are installed, install them \
                 (often the package `ca-certificates`) or name a file of them in SSL_CERT_FILE"
            ),
            Self::Storage(error) => error.fmt(f),
            Self::Console(error) => write!(f, "metrics cannot be shown: {error}"),
            Self::File { path, error } => write!(
                f,
                "`output_file` is `{}`, which cannot be written to: {error}; its folder must be there, and both must be \
                 writable for this user",
                path.display()
            ),
        }
    }
}

impl SubmitError {
    pub(super) fn url(url: &str) -> Self {
        Kind::Url(url.to_owned()).into()
    }

    pub(super) fn key() -> Self {
        Kind::Key.into()
    }

    pub(super) fn application_key() -> Self {
        Kind::ApplicationKey.into()
    }

    pub(super) fn tls(url: &str, error: rustls::Error) -> Self {
        Kind::Tls { url: url.to_owned(), error }.into()
    }

    pub(super) fn storage(error: JournalError) -> Self {
        Kind::Storage(error).into()
    }

    pub(super) fn console(error: io::Error) -> Self {
        Kind::Console(error).into()
    }

    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Kind::File { path: path.to_owned(), error }.into()
    }

    /// Whether the reader of the console went away, which is how `| head` ends a program and no cause for words.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(&*self.kind, Kind::Console(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<Kind> for SubmitError {
    fn from(kind: Kind) -> Self {
        Self { kind: Box::new(kind) }
    }
}
