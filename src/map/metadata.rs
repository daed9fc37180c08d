//! Versions taken apart into the pieces of metadata that the Agent keeps of them.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::{Pattern, VersionScheme};

/// What the scheme of a version is called that has no name of its own: the name of the check.
const CHECK_NAME: &str = "openmetrics";

/// The grammar of semantic versions, searched anywhere, with or without a `v` before it.
static SEMVER: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"(?:0|[1-9]\d*)";
    let identifier = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)";
    let grammar = format!(
        r"(?P<major>{number})\.(?P<minor>{number})\.(?P<patch>{number})(?:-(?P<release>{identifier}(?:\.{identifier})*))?(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
    );
    Regex::new(&grammar).expect("the grammar is a valid expression")
});

/// The pieces of a value that is sent as `name`: only that called `version` is taken apart, and nothing is kept of one
/// that does not fit its scheme (section 4.7).
pub(crate) fn pieces(name: &str, value: &str, scheme: &VersionScheme) -> Vec<(String, String)> {
    if name != "version" {
        return vec![(name.to_owned(), value.to_owned())];
    }
    let (parts, called) = match scheme {
        VersionScheme::Semver => (semver(value), Some("semver")),
        VersionScheme::Regex { pattern, called } => {
            (pattern.as_ref().and_then(|pattern| named(pattern, value)), called.as_deref())
        }
        VersionScheme::Parts { parts, called } => (parts.clone(), called.as_deref()),
        VersionScheme::Unknown => (None, None),
    };
    let Some(parts) = parts else { return Vec::new() };
    let parts = parts.into_iter().map(|(part, value)| (format!("version.{part}"), value));
    let whole = [
        ("version.raw".to_owned(), value.to_owned()),
        ("version.scheme".to_owned(), called.unwrap_or(CHECK_NAME).to_owned()),
    ];
    parts.chain(whole).collect()
}

fn named(pattern: &Pattern, value: &str) -> Option<Vec<(String, String)>> {
    // Without a named group nothing is told apart, and the original keeps nothing.
    let groups = pattern.named_groups_in(value).filter(|groups| !groups.is_empty())?;
    Some(groups.into_iter().map(|(name, part)| (name.to_owned(), part.to_owned())).collect())
}

fn semver(value: &str) -> Option<Vec<(String, String)>> {
    let found = SEMVER.captures(value)?;
    let parts = ["major", "minor", "patch", "release", "build"];
    let parts = parts.into_iter().filter_map(|part| Some((part.to_owned(), found.name(part)?.as_str().to_owned())));
    Some(parts.collect())
}
