//! The parameters of the type `metadata`: the label that holds the value, and how a version is taken apart.

use super::node::{Node, Value};
use super::pattern::Pattern;
use super::section::Section;

/// What becomes of a metadata metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRule {
    /// The label that holds the value.
    pub label: String,
    /// How the value is taken apart if the metric is sent as `version`.
    pub scheme: VersionScheme,
}

/// How a version is taken apart.
#[derive(Clone, Debug, PartialEq)]
pub enum VersionScheme {
    /// By the grammar of semantic versions.
    Semver,
    /// By the named groups of a pattern.
    Regex {
        /// Searched in the version; without it no version fits.
        pattern: Option<Pattern>,
        /// What the scheme is called (`final_scheme`), instead of the name of the check.
        called: Option<String>,
    },
    /// Into parts that the settings give, whatever the version is.
    Parts {
        /// Names of parts and what they are; without it no version fits.
        parts: Option<Vec<(String, String)>>,
        /// As of [`VersionScheme::Regex`].
        called: Option<String>,
    },
    /// By a scheme that nobody knows: no version fits.
    Unknown,
}

impl MetadataRule {
    /// The error says what is missing, and where.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, super::metrics::Fault> {
        let nowhere = "`metadata` is shown by `retriever check` and sent nowhere: only the Agent has a place for it";
        section.warning(section.at(), nowhere);
        let missing = || (section.at(), "`metadata` needs the `label` that holds the value".to_owned());
        let node = section.node("label").ok_or_else(missing)?;
        let label = match &node.value {
            Value::Text(label) if !label.is_empty() => label.clone(),
            Value::Text(_) | Value::Null => return Err(missing()),
            _ => return Err((node.at, format!("the `label` is {}; expected text", node.describe()))),
        };
        Ok(Self { label, scheme: VersionScheme::read(section)? })
    }
}

impl VersionScheme {
    fn read(section: &Section<'_>) -> Result<Self, super::metrics::Fault> {
        let word = section.scalar_text("scheme");
        let called = section.scalar_text("final_scheme").filter(|name| !name.is_empty());
        let pattern = match section.present("pattern") {
            None => None,
            Some(Node { value: Value::Text(text), at, .. }) => {
                Some(Pattern::new(text).map_err(|message| (*at, message))?)
            }
            Some(node) => return Err((node.at, format!("the `pattern` is {}; expected text", node.describe()))),
        };
        let parts = section.present("part_map").and_then(|_| section.mapping("part_map")).map(|mapping| {
            let parts = mapping.pairs().filter(|(.., node)| !matches!(node.value, Value::Null));
            parts.filter_map(|(part, _, node)| Some((part.to_owned(), node.key_text()?))).collect()
        });
        Ok(match word.as_deref() {
            None | Some("" | "semver") => Self::Semver,
            Some("regex") => Self::Regex { pattern, called },
            Some("parts") => Self::Parts { parts, called },
            Some(word) => {
                let message = format!(
                    "there is no version scheme `{word}`, so no version is kept; write `semver`, `regex` or `parts`"
                );
                section.warning(section.node("scheme").map_or(section.at(), |node| node.at), message);
                Self::Unknown
            }
        })
    }
}
