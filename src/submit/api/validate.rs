//! Asks the intake whether it knows the API key, so that a wrong one is named at the start and not found out later.

use std::sync::Arc;

use super::answer::errors;
use super::client::Client;
use crate::config::ApiSettings;
use crate::network::{Observed, Observer};
use crate::submit::error::SubmitError;

/// What the intake says of the API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// It knows it.
    Valid,
    /// It does not; the message says where and what to do.
    Invalid(String),
    /// It could not be asked; the message says where and why.
    Unreachable(String),
}

/// Asks the main intake of `settings` about its API key. Delivery does not depend on the outcome.
///
/// # Errors
///
/// When the settings allow no request at all.
pub async fn validate_key(settings: &ApiSettings) -> Result<KeyCheck, SubmitError> {
    Ok(validate(&Client::new(&settings.main, settings)?).await)
}

/// Like [`validate_key`], of all intakes one after the other.
///
/// # Errors
///
/// When the settings of one allow no request at all.
pub async fn validate_keys(settings: &ApiSettings) -> Result<Vec<KeyCheck>, SubmitError> {
    let mut checks = Vec::new();
    for intake in settings.intakes() {
        checks.push(validate(&Client::new(intake, settings)?).await);
    }
    Ok(checks)
}

/// Like [`validate_key`], and tells of each step.
pub(crate) async fn validate_key_observed(
    settings: &ApiSettings,
    observer: Arc<dyn Observer>,
) -> Result<KeyCheck, SubmitError> {
    Ok(validate(&Client::observed(&settings.main, settings, Observed::by(observer))?).await)
}

/// Asks the intake of a client about its key.
pub(super) async fn validate(client: &Client) -> KeyCheck {
    let url = client.url();
    let invalid = || {
        let message = format!(
            "`{url}` does not know the API key: compare `api_key` and `site` (`dd_url`), for a key works at one site \
             only"
        );
        KeyCheck::Invalid(message)
    };
    match client.get("/api/v1/validate").await {
        Err(reason) => KeyCheck::Unreachable(format!("`{url}` cannot be reached to check the API key: {reason}")),
        Ok((status, body)) if status.is_success() => {
            // Anything that speaks like Datadog may answer 200 with a body of its own.
            let answer: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
            let is_denied = answer.is_some_and(|answer| answer["valid"] == false);
            if is_denied { invalid() } else { KeyCheck::Valid }
        }
        Ok((status, _)) if matches!(status.as_u16(), 401 | 403) => invalid(),
        Ok((status, body)) => {
            let errors = errors(&body);
            let words = if errors.is_empty() { String::new() } else { format!(": {errors}") };
            KeyCheck::Unreachable(format!("`{url}` answers {status} when asked about the API key{words}"))
        }
    }
}
