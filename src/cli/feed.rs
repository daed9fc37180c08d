//! Where a command that looks once gets its scrapes from: the endpoint itself, or recordings in its place.

use super::recordings::RecordingArgs;
use crate::config::Instance;
use crate::discover::Endpoint;
use crate::fixture::{Clock, Recording, START, responses};
use crate::scrape::{Client, Response, ScrapeError, USER_AGENT};
use crate::time::UnixTime;

/// Recorded scrapes and their clock.
#[derive(Debug, clap::Args)]
pub(super) struct FeedArgs {
    #[command(flatten)]
    recordings: RecordingArgs,

    /// When the first recorded scrape takes place, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value_t = START, requires = "fixture")]
    now: f64,

    /// When Retriever is taken to have started, in seconds since 1970, for `use_process_start_time` [default: before
    /// any process of a target did]
    #[arg(long, value_name = "SECONDS", requires = "fixture")]
    started: Option<f64>,
}

/// Where scrapes come from.
#[derive(Debug)]
pub(super) enum Feed {
    /// The endpoint, once.
    Live,
    /// Recordings, which stand for any endpoint.
    Recorded { recordings: Vec<Recording>, clock: Clock },
}

/// The scrapes of one target.
pub(super) struct Answers {
    /// When the process began that watches the target, if that is known.
    pub(super) watched_since: Option<UnixTime>,
    /// Each scrape with its time.
    pub(super) scrapes: Vec<(Result<Response, ScrapeError>, UnixTime)>,
}

impl FeedArgs {
    /// Whether the network is used.
    pub(super) fn is_live(&self) -> bool {
        self.recordings.is_empty()
    }

    /// Reads the recordings, if there are any.
    pub(super) fn read(&self) -> Result<Feed, String> {
        if self.is_live() {
            return Ok(Feed::Live);
        }
        let recordings = self.recordings.read()?;
        let clock =
            Clock { start: UnixTime::from_seconds(self.now), watched_since: self.started.map(UnixTime::from_seconds) };
        Ok(Feed::Recorded { recordings, clock })
    }
}

impl Feed {
    /// The scrapes of a target. The error says why it cannot even be asked.
    pub(super) async fn answers(&self, instance: &Instance) -> Result<Answers, String> {
        match self {
            Self::Recorded { recordings, clock } => {
                let scrapes = responses(instance, recordings, *clock).map(|(response, now)| (Ok(response), now));
                Ok(Answers { watched_since: clock.watched_since, scrapes: scrapes.collect() })
            }
            Self::Live => {
                let endpoint = Endpoint::parse(&instance.endpoint).map_err(|error| error.to_string())?;
                let client = Client::new(&instance.http, USER_AGENT).map_err(|error| error.to_string())?;
                let watched_since = Some(UnixTime::now());
                let response = client.fetch(&endpoint).await;
                Ok(Answers { watched_since, scrapes: vec![(response, UnixTime::now())] })
            }
        }
    }
}
