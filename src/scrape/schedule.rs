//! When each target is scraped: evenly spread, on fixed ticks, never two scrapes of one target at once.
//!
//! The arithmetic is pure; [`run_schedule`] is the part that waits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::discover::Target;

/// The ticks of one target: `offset`, `offset + interval`, and so on after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    offset: Duration,
    interval: Duration,
}

/// One scrape that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Counts all ticks of the target from 0, missed ones too.
    pub number: u64,
    /// When it was due, after the start.
    pub at: Duration,
    /// Ticks that passed since the scrape before because that one was still running.
    pub missed: u64,
}

impl Schedule {
    /// The ticks of the target whose endpoint has this text.
    ///
    /// The offset is below the interval and the same in every run and on every machine, so that a restart changes
    /// nothing and many targets do not burst. An interval of zero counts as a millisecond.
    pub fn new(endpoint: &str, interval: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        // Whole microseconds; an interval beyond 584,000 years may share its offsets.
        let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        Self { offset: Duration::from_micros(stable_hash(endpoint.as_bytes()) % micros), interval }
    }

    /// When the first scrape is due, after the start.
    pub fn first(&self) -> Tick {
        Tick { number: 0, at: self.offset, missed: 0 }
    }

    /// The next scrape after the one of `last` has ended, `now` after the start: the first tick that has not passed.
    pub fn next(&self, last: Tick, now: Duration) -> Tick {
        let interval = self.interval.as_nanos();
        let late = now.saturating_sub(last.at).as_nanos();
        let steps = late.div_ceil(interval).max(1);
        // What does not fit lies more than 584 years ahead.
        let step = Duration::from_nanos(u64::try_from(interval.saturating_mul(steps)).unwrap_or(u64::MAX));
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        Tick { number: last.number.saturating_add(steps), at: last.at.saturating_add(step), missed: steps - 1 }
    }
}

/// FNV-1a with 64 bits, mixed at the end (the finalizer of `SplitMix64`) because the low bits of FNV alone are too much
/// alike for endpoints that differ in one digit. It must never change: the offsets of all targets would.
fn stable_hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ fnv >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Scrapes all targets on their ticks until `shutdown` is done, then lets the scrapes that run come to their end.
///
/// Every target has its own task, so a slow one delays no other; a scrape that takes longer than its interval skips the
/// ticks that pass meanwhile. A panic in `scrape` is logged and ends that scrape only. To stop at once, drop the future:
/// all scrapes are dropped with it.
pub async fn run_schedule<S, F>(
    targets: Vec<Target>,
    interval: impl Fn(&Target) -> Duration,
    scrape: S,
    shutdown: impl Future<Output = ()>,
) where
    S: Fn(Arc<Target>, Tick) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let start = Instant::now();
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for target in targets {
        let schedule = Schedule::new(target.endpoint.text(), interval(&target));
        tasks.spawn(scrape_on_ticks(Arc::new(target), schedule, start, scrape.clone(), stopped.clone()));
    }
    shutdown.await;
    // Without targets nobody listens.
    stop.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

async fn scrape_on_ticks<S, F>(
    target: Arc<Target>,
    schedule: Schedule,
    start: Instant,
    scrape: S,
    mut stopped: watch::Receiver<bool>,
) where
    S: Fn(Arc<Target>, Tick) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut tick = schedule.first();
    // A task of its own, so that a panic stays inside; dropped with this one.
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            () = until(start, tick.at) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        running.spawn(scrape(Arc::clone(&target), tick));
        if let Some(Err(error)) = running.join_next().await
            && error.is_panic()
        {
            tracing::error!(endpoint = %target.endpoint, "the scrape panicked; this is a defect, please report it");
        }
        let was_late = tick.missed > 0;
        tick = schedule.next(tick, start.elapsed());
        // Said once for scrapes that are late one after the other; all of them are counted.
        if tick.missed > 0 && !was_late {
            tracing::warn!(
                endpoint = %target.endpoint,
                missed = tick.missed,
                "the scrape took longer than its interval; raise `min_collection_interval` or scrape less"
            );
        }
    }
}

async fn until(start: Instant, at: Duration) {
    match start.checked_add(at) {
        Some(moment) => tokio::time::sleep_until(moment).await,
        // Beyond what a clock can say.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
