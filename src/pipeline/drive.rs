//! A whole scrape: a response, live or recorded, driven through a [`Pipeline`].

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
        let Exposition { format, mut chunks } = response.into_exposition(&self.instance().http);
        let mut scrape = self.begin(format, now, out);
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

fn fetch_failure(error: &ScrapeError) -> FetchFailure {
    FetchFailure {
        reason: error.reason(),
        message: error.to_string(),
        connection: error.is_connection_error(),
        limit: error.is_limit(),
    }
}
