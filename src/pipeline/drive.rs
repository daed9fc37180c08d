//! A whole scrape: a response, live or recorded, driven through a [`Pipeline`].

use hyper::header::CONTENT_LENGTH;

use crate::map::Submissions;
use crate::scrape::{Exposition, Response, ScrapeError};
use crate::time::UnixTime;

use super::{FetchFailure, Pipeline, Report};

impl Pipeline {
    /// Reads and maps a response as it arrives; `now` is the time of the scrape.
    pub async fn scrape<S: Submissions>(
        &mut self,
        response: Result<Response, ScrapeError>,
        now: UnixTime,
        out: &mut S,
    ) -> Report {
        let response = match response {
            Ok(response) => response,
            Err(error) => return self.unanswered(fetch_failure(&error), out),
        };
        if let Some(error) = ScrapeError::for_status(&response.head) {
            return self.refused(&error.to_string(), out);
        }
        let told = self.instance().telemetry;
        let length = content_length(&response);
        let Exposition { format, mut chunks } = response.into_exposition(&self.instance().http);
        // The size of the payload is submitted before anything of it, so a body that does not tell it is awaited.
        let mut awaited = Vec::new();
        let mut failure = None;
        if told && length.is_none() {
            failure = loop {
                match chunks.chunk().await {
                    Ok(Some(chunk)) => awaited.extend_from_slice(&chunk),
                    Ok(None) => break None,
                    Err(error) => break Some(fetch_failure(&error)),
                }
            };
        }
        let mut scrape = self.begin(format, now, out);
        if told {
            scrape.payload(length.unwrap_or(awaited.len() as u64));
            if length.is_none() {
                scrape.push(&awaited);
                let read = scrape.finish(failure);
                return self.end(read, out);
            }
        }
        failure = loop {
            match chunks.chunk().await {
                Ok(Some(chunk)) if scrape.push(&chunk) => {}
                Ok(_) => break None,
                Err(error) => break Some(fetch_failure(&error)),
            }
        };
        let read = scrape.finish(failure);
        self.end(read, out)
    }
}

/// The size of the body as sent, if the head tells it.
fn content_length(response: &Response) -> Option<u64> {
    response.head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn fetch_failure(error: &ScrapeError) -> FetchFailure {
    FetchFailure {
        reason: error.reason(),
        message: error.to_string(),
        connection: error.is_connection_error(),
        limit: error.is_limit(),
    }
}
