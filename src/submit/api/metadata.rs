//! What Datadog knows of a metric beside its values: asks for it, and changes it. That takes an application key beside the
//! API key.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::answer::{errors, ordered_wait};
use super::client::Client;
use crate::config::{ApiSettings, Secret};
use crate::submit::error::SubmitError;
use crate::time::UnixTime;

/// The metadata of metrics, at one intake.
#[derive(Debug)]
pub(crate) struct MetadataApi {
    client: Client,
    application_key: HeaderValue,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum MetadataAnswer {
    /// The metadata, which is that after the change if there was one.
    Known(Value),
    /// There is no such metric, or not yet.
    Unknown,
    /// The keys do not allow it.
    Refused(StatusCode),
    /// Too many requests; try again after this time, if it is told.
    Wait(Option<Duration>),
    /// Anything else.
    Failed(String),
}

impl MetadataApi {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: &ApiSettings, application_key: &Secret) -> Result<Self, SubmitError> {
        let mut key = HeaderValue::from_str(application_key.expose()).map_err(|_| SubmitError::application_key())?;
        key.set_sensitive(true);
        Ok(Self { client: Client::new(&settings.main, settings)?, application_key: key })
    }

    /// The URL of the intake.
    pub(crate) fn url(&self) -> &str {
        self.client.url()
    }

    /// Asks for the metadata of a metric, whose name is as Datadog stores it.
    pub(crate) async fn get(&self, metric: &str) -> MetadataAnswer {
        self.exchange(Method::GET, metric, Bytes::new()).await
    }

    /// Changes it.
    pub(crate) async fn put(&self, metric: &str, body: &Value) -> MetadataAnswer {
        self.exchange(Method::PUT, metric, Bytes::from(body.to_string())).await
    }

    async fn exchange(&self, method: Method, metric: &str, body: Bytes) -> MetadataAnswer {
        let path = format!("/api/v1/metrics/{metric}");
        let (status, headers, body) = match self.client.administer(method, &path, &self.application_key, body).await {
            Ok(answer) => answer,
            Err(reason) => return MetadataAnswer::Failed(reason),
        };
        match status.as_u16() {
            200..=299 => match serde_json::from_slice(&body) {
                Ok(known @ Value::Object(_)) => MetadataAnswer::Known(known),
                _ => MetadataAnswer::Failed(format!("{status}, and what comes with it is no metadata")),
            },
            401 | 403 => MetadataAnswer::Refused(status),
            404 => MetadataAnswer::Unknown,
            429 => MetadataAnswer::Wait(ordered_wait(&headers, UnixTime::now())),
            _ => {
                let words = errors(&body);
                let words = if words.is_empty() { words } else { format!(": {words}") };
                MetadataAnswer::Failed(format!("{status}{words}"))
            }
        }
    }
}
