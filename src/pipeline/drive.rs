//! A whole scrape: a response, live or recorded, driven through a [`Pipeline`].

use hyper::header::CONTENT_LENGTH;

use crate::map::Submissions;
use crate::scrape::{Body, Exposition, Response, ScrapeError};
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
        if told && length.is_none() {
            let (body, failure) = whole(&mut chunks).await;
            let mut scrape = self.begin(format, now, out);
            scrape.payload(body.len() as u64);
            scrape.push(&body);
            let read = scrape.finish(failure);
            return self.end(read, out);
        }
        let mut scrape = self.begin(format, now, out);
        if let Some(length) = length {
            scrape.payload(length);
        }
        let failure = loop {
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

/// All that comes of a body, and why it broke off, if it did.
async fn whole(body: &mut Body) -> (Vec<u8>, Option<FetchFailure>) {
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(fetch_failure(&error))),
        }
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
