//! What an examination found: steps in the order in which they were taken, each with its outcome.

use std::time::Duration;

use serde_json::{Map, Value};

/// A step of the way. Their words are part of the JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    /// The URL, and what the settings say about fetching it.
    Settings,
    /// What is shown of the sender, and whether the target takes it.
    Login,
    /// Which proxy, if any.
    Proxy,
    Name,
    Connection,
    /// The way through the proxy to the target.
    Tunnel,
    Tls,
    /// The answer leads elsewhere.
    Redirect,
    /// The status.
    Answer,
    /// The content type.
    Format,
    Clock,
    /// Sizes and compression.
    Body,
    /// How long it took, against the limits.
    Time,
    /// What can be read of it.
    Reading,
    /// What the settings collect of it.
    Collected,
    /// Where metrics go.
    Destination,
    /// The API key.
    Key,
}

impl StepKind {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Login => "login",
            Self::Proxy => "proxy",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Tunnel => "tunnel",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::Answer => "answer",
            Self::Format => "format",
            Self::Clock => "clock",
            Self::Body => "body",
            Self::Time => "time",
            Self::Reading => "reading",
            Self::Collected => "collected",
            Self::Destination => "destination",
            Self::Key => "key",
        }
    }
}

/// How a step went; the worse, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// There is no such step here, or nothing to see in it.
    NotNeeded,
    Fine,
    /// It works, and something about it is worth a look.
    Warning,
    /// A step before it failed.
    NotTried,
    Failed,
}

impl Outcome {
    /// The word for it in the JSON form.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::NotTried => "not_tried",
            Self::Failed => "failed",
        }
    }
}

/// One step and what was found.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) outcome: Outcome,
    /// What was found, in a sentence or less.
    pub(crate) text: String,
    /// More of it.
    pub(crate) details: Vec<String>,
    /// What to do.
    pub(crate) advice: Vec<String>,
    pub(crate) took: Option<Duration>,
    /// The same for programs.
    pub(crate) facts: Map<String, Value>,
}

impl Step {
    pub(crate) fn new(kind: StepKind, outcome: Outcome, text: impl Into<String>) -> Self {
        let (details, advice, facts) = (Vec::new(), Vec::new(), Map::new());
        Self { kind, outcome, text: text.into(), details, advice, took: None, facts }
    }

    pub(crate) fn fine(kind: StepKind, text: impl Into<String>) -> Self {
        Self::new(kind, Outcome::Fine, text)
    }

    pub(crate) fn warning(kind: StepKind, text: impl Into<String>) -> Self {
        Self::new(kind, Outcome::Warning, text)
    }

    pub(crate) fn failed(kind: StepKind, text: impl Into<String>) -> Self {
        Self::new(kind, Outcome::Failed, text)
    }

    pub(crate) fn not_needed(kind: StepKind, text: impl Into<String>) -> Self {
        Self::new(kind, Outcome::NotNeeded, text)
    }

    /// A step that failed with a message that says behind a semicolon what to do, as those about targets do.
    pub(crate) fn failed_with(kind: StepKind, message: &str) -> Self {
        let (problem, advice) = problem_and_advice(message);
        let step = Self::failed(kind, problem);
        match advice {
            Some(advice) => step.advise(advice),
            None => step,
        }
    }

    #[must_use]
    pub(crate) fn took(mut self, took: Option<Duration>) -> Self {
        self.took = took;
        self
    }

    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    #[must_use]
    pub(crate) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The same step, at least this bad.
    #[must_use]
    pub(crate) fn at_least(mut self, outcome: Outcome) -> Self {
        self.outcome = self.outcome.max(outcome);
        self
    }
}

/// Splits at the first semicolon that is not quoted.
fn problem_and_advice(message: &str) -> (&str, Option<&str>) {
    let mut quoted = false;
    let at = message.char_indices().find(|&(at, c)| {
        quoted ^= c == '`';
        c == ';' && !quoted && message[at..].starts_with("; ")
    });
    match at {
        Some((at, _)) => (&message[..at], Some(&message[at + 2..])),
        None => (message, None),
    }
}

/// One way that was walked: to a target, or to where metrics go.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    /// Where it leads, without credentials.
    pub(crate) title: String,
    /// Where in the settings it stands.
    pub(crate) place: Option<String>,
    pub(crate) steps: Vec<Step>,
}

impl Diagnosis {
    pub(crate) fn outcome(&self) -> Outcome {
        self.steps.iter().map(|step| step.outcome).max().unwrap_or(Outcome::Fine)
    }

    /// The step to look at first.
    pub(crate) fn first_failure(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.outcome == Outcome::Failed)
    }

    /// Says of these steps that they could not be tried.
    pub(crate) fn not_tried(&mut self, kinds: &[StepKind]) {
        self.steps.extend(kinds.iter().map(|&kind| Step::new(kind, Outcome::NotTried, "")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_behind_the_first_semicolon_outside_of_quotes() {
        let split = problem_and_advice("`a; b` is not there; look; again");
        assert_eq!(split, ("`a; b` is not there", Some("look; again")));
        assert_eq!(problem_and_advice("text/plain;version=1 is fine"), ("text/plain;version=1 is fine", None));
    }
}
