//! The arguments that name recorded scrapes, which then stand in for the network.

use std::path::PathBuf;

use crate::fixture::Recording;

/// Recorded scrapes, if there are any.
#[derive(Debug, clap::Args)]
pub(super) struct RecordingArgs {
    /// Read this recorded scrape instead of the network: a raw HTTP response, or a bare body. Several are scrapes that
    /// follow each other
    #[arg(long, value_name = "FILE")]
    fixture: Vec<PathBuf>,

    /// The `Content-Type` of bare bodies [default: told by the ending: .prom and .txt are Prometheus text, .om is
    /// OpenMetrics, .pb is protobuf]
    #[arg(long, value_name = "TYPE", requires = "fixture")]
    content_type: Option<String>,
}

impl RecordingArgs {
    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.fixture.is_empty()
    }

    /// Reads them; the error names the file that cannot be used.
    pub(super) fn read(&self) -> Result<Vec<Recording>, String> {
        let read = self.fixture.iter().map(|path| Recording::read(path, self.content_type.as_deref()));
        read.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}
