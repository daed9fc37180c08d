//! How many files the process may have open: each target keeps a connection.

use rustix::process::{Resource, getrlimit, setrlimit};

/// For everything that is no target: the intake, Retriever's own pages, the settings.
const OTHERS: u64 = 100;

/// Raises the limit as far as the system lets the process do it, and says so if it is too low for so many targets.
pub(super) fn provide_for(targets: usize) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let allowed = if setrlimit(Resource::Nofile, wanted).is_ok() { limit.maximum } else { limit.current };
    let Some(allowed) = allowed else { return };
    let needed = (targets as u64).saturating_add(OTHERS);
    if allowed < needed {
        tracing::warn!(
            "only {allowed} files may be open, and {targets} targets need {needed}; raise the limit (`ulimit -n`, \
             `LimitNOFILE`), or set `persist_connections` to `false`"
        );
    }
}
