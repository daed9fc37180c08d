//! Why a request could not be authenticated.

use std::path::{Path, PathBuf};

/// The reasons; none of them holds a credential.
#[derive(Debug, thiserror::Error)]
pub(in crate::scrape) enum AuthError {
    #[error("`{}`, the {what}, cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, what: &'static str, cause: String },
    #[error("`{}`, the {what}, {problem}", path.display())]
    Unusable { path: PathBuf, what: &'static str, problem: String },
    #[error("the token has characters that a header cannot hold, such as line breaks")]
    TokenCharacters,
    #[error("`{url}`, the {what}, gave no answer: {cause}")]
    NoAnswer { url: String, what: &'static str, cause: String, unreachable: bool },
    #[error("`{url}`, the {what}, {problem}")]
    BadAnswer { url: String, what: &'static str, problem: String },
    #[error("NTLM authentication failed: {0}")]
    Ntlm(String),
    #[cfg(feature = "kerberos")]
    #[error("Kerberos authentication failed: {0}")]
    Kerberos(String),
    #[error(
        "no credentials of AWS were found; set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or name a profile that has them in `AWS_PROFILE` ({0})"
    )]
    NoAwsCredentials(String),
    #[error("no random numbers can be had from the system")]
    Random,
}

impl AuthError {
    pub(super) fn unreadable(path: &Path, what: &'static str, cause: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), what, cause: cause.to_string() }
    }

    pub(super) fn unusable(path: &Path, what: &'static str, problem: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), what, problem: problem.into() }
    }

    /// Whether whoever gives out the credentials could not be reached.
    pub(in crate::scrape) fn is_connection_error(&self) -> bool {
        matches!(self, Self::NoAnswer { unreachable: true, .. })
    }
}
