//! Settings of delivery to intakes of the HTTP API, and the wait for what comes of it.

use std::time::{Duration, Instant};

use retriever::config::{ApiSettings, Intake, IntakeProxy, Secret, TlsVersion};
use retriever::submit::{Backoff, Pace, Stats, Submitter};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn intake(url: &str) -> Intake {
    Intake { url: url.to_owned(), api_key: Secret::new(KEY), proxy: IntakeProxy::default() }
}

/// Delivery to the intakes at these URLs, the main one first, with so much time for a request.
pub(crate) fn settings<'u>(urls: impl IntoIterator<Item = &'u str>, timeout: Duration) -> ApiSettings {
    let mut intakes = urls.into_iter().map(intake);
    ApiSettings {
        main: intakes.next().unwrap(),
        additional: intakes.collect(),
        skip_ssl_validation: false,
        min_tls_version: TlsVersion::Tls12,
        timeout,
        queue_bytes: 15 << 20,
    }
}

/// So fast that a test need not wait.
pub(crate) fn pace() -> Pace {
    let backoff = Backoff { base: Duration::from_millis(5), ceiling: Duration::from_millis(40) };
    Pace {
        linger: Duration::from_millis(5),
        requests: 4,
        transient: backoff,
        refused: backoff,
        key_checks: Duration::from_hours(1),
    }
}

/// What has become of deliveries as soon as it is like this: an intake has a request before its answer is counted.
pub(crate) async fn stats_when(submitter: &Submitter, is_so: impl Fn(&Stats) -> bool) -> Stats {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let stats = submitter.stats();
        if is_so(&stats) {
            return stats;
        }
        assert!(Instant::now() < deadline, "{stats:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
