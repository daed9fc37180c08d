//! What the name of a selector can stand for: a name as exposed, as the settings know it, or as Datadog does.

use crate::config::{Instance, MetricMatcher, MetricRule};
use crate::parse::Role;

/// What Datadog's check puts behind names.
const DATADOG_SUFFIXES: [&str; 5] = [".count", ".sum", ".bucket", ".quantile", ".total"];

/// What formats put behind the name of a family.
const EXPOSED_SUFFIXES: [&str; 8] = ["_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount"];

/// A name without what formats put behind it.
pub(super) fn family_stem(name: &str) -> &str {
    let stem = EXPOSED_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}

/// A name without the namespace of the instance.
pub(super) fn without_namespace<'n>(name: &'n str, instance: &Instance) -> &'n str {
    let bare = name.strip_prefix(instance.namespace.as_str()).and_then(|rest| rest.strip_prefix('.'));
    bare.filter(|_| !instance.namespace.is_empty()).unwrap_or(name)
}

/// A name that is asked for, as one instance may mean it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// As written.
    pub(super) name: String,
    /// Without `_total`.
    counter: String,
    /// Without namespace: as Datadog's name of an instance without one.
    pub(super) bare: String,
    /// Without namespace and suffix: the name of an entry of `metrics`.
    pub(super) stem: String,
    /// The suffix that was removed.
    suffix: Option<&'static str>,
}

impl Asked {
    pub(super) fn new(name: &str, instance: &Instance) -> Self {
        let bare = without_namespace(name, instance);
        let found = DATADOG_SUFFIXES.iter().find_map(|suffix| Some((bare.strip_suffix(suffix)?, *suffix)));
        let (stem, suffix) = found.filter(|(stem, _)| !stem.is_empty()).map_or((bare, None), |(s, x)| (s, Some(x)));
        Self {
            name: name.to_owned(),
            counter: name.strip_suffix("_total").unwrap_or(name).to_owned(),
            bare: bare.to_owned(),
            stem: stem.to_owned(),
            suffix,
        }
    }

    /// Whether it is a name that is exposed: of a sample, of its family, or of the family as the settings know it.
    pub(super) fn is_exposed(&self, sample: &str, family: &str, known: &str) -> bool {
        let is_family = |name: &str| family == name || family.strip_suffix("_total") == Some(name);
        sample == self.name || is_family(&self.name) || known == self.name
    }

    /// Whether it is a full name in Datadog, perhaps without namespace or suffix.
    pub(super) fn is_full_name(&self, full: &str, instance: &Instance) -> bool {
        let bare = without_namespace(full, instance);
        let stem = DATADOG_SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix));
        full == self.name || bare == self.bare || self.suffix.is_none() && stem == Some(&self.stem)
    }

    /// Whether the series of a family, sent under this name without suffix, would be what is meant, had they come that
    /// far.
    pub(super) fn would_be(&self, sent: &str, role: Role) -> bool {
        let suffix = match role {
            Role::Total | Role::Count => ".count",
            Role::Sum => ".sum",
            Role::Bucket => ".bucket",
            Role::Quantile => ".quantile",
            Role::Created => return false,
            Role::Value | Role::Info | Role::State | Role::NativeHistogram => "",
        };
        self.bare == sent || self.stem == sent && self.suffix.is_some_and(|asked| suffix.is_empty() || asked == suffix)
    }

    /// The entries of `metrics` that send under this name what they mean by another, where that is exposed.
    pub(super) fn senders<'i>(&self, instance: &'i Instance) -> Vec<&'i MetricRule> {
        let sends = |rule: &&MetricRule| match &rule.matcher {
            MetricMatcher::Exact(_) => rule.name == self.bare || rule.name == self.stem,
            MetricMatcher::Pattern(_) => false,
        };
        instance.metrics.iter().filter(sends).collect()
    }

    /// Whether a line of an exposition seems to be about it.
    pub(super) fn is_in_line(&self, line: &str, instance: &Instance) -> bool {
        let subject = subject(line);
        let named = |name: &str| subject == name || family_stem(subject) == name;
        let prefixed = |name: &str| named(name) || named(&format!("{}{name}", instance.raw_metric_prefix));
        named(&self.name)
            || named(&self.counter)
            || prefixed(&self.bare)
            || prefixed(&self.stem)
            || self.senders(instance).into_iter().any(|rule| prefixed(rule.matcher.as_str()))
    }
}

/// The name that a line of an exposition begins with, behind `# TYPE` and the like.
fn subject(line: &str) -> &str {
    let line = line.trim_start();
    let name = ["# TYPE ", "# HELP ", "# UNIT "].iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
    let name = name.trim_start_matches(['{', '"', ' ']);
    name.split(|c: char| "{\" \t,}".contains(c)).next().unwrap_or(name)
}
