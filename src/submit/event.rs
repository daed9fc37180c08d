//! Something that happened, as Datadog's event explorer shows it.

use crate::time::UnixTime;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// One line.
    pub title: String,
    /// What there is to say, on as many lines as it takes.
    pub text: String,
    /// When it happened.
    pub time: UnixTime,
    /// How much it matters to those who look through events.
    pub priority: EventPriority,
    /// What kind of news it is.
    pub alert_type: EventAlertType,
    /// Events with the same key are shown as one; empty: on its own.
    pub aggregation_key: String,
    /// What reports it, by its name at Datadog; may be empty.
    pub source_type: String,
    /// As those of a service check.
    pub tags: Vec<String>,
    /// Empty where the host of the submitter is meant.
    pub hostname: String,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventPriority {
    /// It is shown unless one looks for something else.
    #[default]
    Normal,
    /// It is shown when one looks for it.
    Low,
}

impl EventPriority {
    /// The word of the API and of `DogStatsD`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// What kind of news an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventAlertType {
    /// Good to know.
    #[default]
    Info,
    /// All is well.
    Success,
    /// Worth a look.
    Warning,
    /// Something is wrong.
    Error,
}

impl EventAlertType {
    /// The word of the API and of `DogStatsD`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
