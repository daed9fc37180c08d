//! What becomes of the labels of a discovered target: defaults, relabeling, and then the endpoint, the schedule and the
//! labels of its series. All of it follows Prometheus 3, where labels that begin with `__` say how a target is scraped.

use std::collections::BTreeMap;
use std::time::Duration;

use super::duration::{DurationError, PrometheusDuration};
use super::endpoint::{Endpoint, EndpointError};
use crate::relabel::{LabelBuilder, RelabelObserver, Relabeler, Verdict};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PARAMETER: &str = "__param_";
const INSTANCE: &str = "instance";
const JOB: &str = "job";

/// What is said of all targets of one job; a target's own labels come first.
#[derive(Clone, Debug)]
pub struct JobDefaults {
    /// The label `job`.
    pub job: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The path of the URL.
    pub metrics_path: String,
    /// From one scrape to the next.
    pub scrape_interval: PrometheusDuration,
    /// For one scrape.
    pub scrape_timeout: PrometheusDuration,
    /// The parameters of the URL with all their values.
    pub params: BTreeMap<String, Vec<String>>,
}

/// A target after relabeling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelabeledTarget {
    /// Where it is.
    pub endpoint: Endpoint,
    /// From one scrape to the next; not zero.
    pub interval: Duration,
    /// For one scrape; not zero, and not above the interval.
    pub timeout: Duration,
    /// The labels of all its series, in the order of discovery and of rules. None begins with `__`.
    pub labels: Vec<(String, String)>,
}

/// What becomes of a discovered target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relabeled {
    /// It is scraped.
    Kept(Box<RelabeledTarget>),
    /// It is not, because a rule says so.
    Dropped {
        /// Index of the rule.
        rule: usize,
    },
}

/// Why a target that no rule dropped cannot be scraped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TargetLabelsError(#[from] Problem);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("the target has no `{ADDRESS}`; keep that label, or set it to host and port")]
    NoAddress,
    #[error("the label `{ADDRESS}` is `{0}`; expected host and port only")]
    Address(String),
    #[error("the label `{label}`: {error}")]
    Duration { label: &'static str, error: DurationError },
    #[error("the label `{label}` is `{text}`; expected more than nothing")]
    Zero { label: &'static str, text: String },
    #[error("the label `{TIMEOUT}` is `{timeout}`, which is longer than `{INTERVAL}`, `{interval}`")]
    TimeoutAboveInterval { timeout: PrometheusDuration, interval: PrometheusDuration },
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl JobDefaults {
    /// Adds what a target's labels do not say: what its rules see besides what was discovered.
    ///
    /// Where targets come in groups, the labels of the group go into the builder before those of the target.
    pub fn complete(&self, labels: &mut LabelBuilder<'_>) {
        let defaults = [
            (JOB, self.job.clone()),
            (INTERVAL, self.scrape_interval.to_string()),
            (TIMEOUT, self.scrape_timeout.to_string()),
            (METRICS_PATH, self.metrics_path.clone()),
            (SCHEME, self.scheme.clone()),
        ];
        for (name, value) in defaults {
            if labels.get(name).is_empty() {
                labels.set(name, value);
            }
        }
        for (parameter, values) in &self.params {
            let name = format!("{PARAMETER}{parameter}");
            if let Some(first) = values.first()
                && labels.get(&name).is_empty()
            {
                labels.set(name, first.clone());
            }
        }
    }

    /// Applies the rules to the completed labels, and reads the target out of what they leave.
    pub fn relabel(
        &self,
        mut labels: LabelBuilder<'_>,
        relabeler: &Relabeler,
        observer: &mut impl RelabelObserver,
    ) -> Result<Relabeled, TargetLabelsError> {
        if let Verdict::Dropped { rule } = relabeler.apply(&mut labels, observer) {
            return Ok(Relabeled::Dropped { rule });
        }
        Ok(Relabeled::Kept(Box::new(self.target(labels)?)))
    }

    fn target(&self, mut labels: LabelBuilder<'_>) -> Result<RelabeledTarget, Problem> {
        let address = labels.get(ADDRESS).to_owned();
        if address.is_empty() {
            return Err(Problem::NoAddress);
        }
        if address.contains(['/', '?', '#', '@']) {
            return Err(Problem::Address(address));
        }
        let interval = positive(&labels, INTERVAL)?;
        let timeout = positive(&labels, TIMEOUT)?;
        if timeout > interval {
            return Err(Problem::TimeoutAboveInterval { timeout, interval });
        }
        let endpoint = Endpoint::parse(&self.url(&labels))?;
        if labels.get(INSTANCE).is_empty() {
            labels.set(INSTANCE, address);
        }
        let kept = labels.iter().filter(|(name, _)| !name.starts_with("__"));
        let labels = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(RelabeledTarget { endpoint, interval: interval.as_duration(), timeout: timeout.as_duration(), labels })
    }

    /// Scheme, address, path, and the parameters of the job, of which labels replace the first values.
    fn url(&self, labels: &LabelBuilder<'_>) -> String {
        let mut params = self.params.clone();
        for (name, value) in labels.iter() {
            if let Some(parameter) = name.strip_prefix(PARAMETER) {
                let values = params.entry(parameter.to_owned()).or_default();
                values.splice(..values.len().min(1), [value.to_owned()]);
            }
        }
        let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name, ""), encoded(value, "")));
        let query = pairs.collect::<Vec<String>>().join("&").replace("%20", "+");
        let path = encoded(labels.get(METRICS_PATH), "/$&+,:;=@");
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{slash}{path}{mark}{query}", labels.get(SCHEME), labels.get(ADDRESS))
    }
}

fn positive(labels: &LabelBuilder<'_>, label: &'static str) -> Result<PrometheusDuration, Problem> {
    let text = labels.get(label);
    let duration: PrometheusDuration = text.parse().map_err(|error| Problem::Duration { label, error })?;
    if duration.as_duration().is_zero() {
        return Err(Problem::Zero { label, text: text.to_owned() });
    }
    Ok(duration)
}

/// Percent-encodes all bytes but letters, digits, `-_.~` and those of `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(format!("%{byte:02X}").chars());
        }
    }
    encoded
}
