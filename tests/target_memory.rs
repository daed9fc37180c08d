//! What a target costs in memory before it is scraped: thousands of them must be cheap.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt::Write as _;
use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use retriever::config::{Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::discover::Place;
use retriever::road::Road;
use retriever::scrape::{Client, Grid, Job, Plan, Skip, TickClock, run_schedule};
use retriever::time::UnixTime;
use tokio::sync::watch;

/// The bytes that are left of what something does, for each of `number` targets.
fn bytes<T>(number: usize, work: impl FnOnce() -> T) -> (u64, T) {
    let mut kept = None;
    let measured = allocation_counter::measure(|| kept = Some(work()));
    (measured.bytes_current.unsigned_abs() / number as u64, kept.unwrap())
}

struct Idle(u64);

impl Job for Idle {
    fn grid(&self) -> Grid {
        Grid::new(Place::of([&*self.0.to_string()]), Duration::from_secs(100_000))
    }

    async fn run(self: Arc<Self>, _tick: UnixTime) {}

    fn skipped(&self, _: Skip, _: u64) {}

    fn panicked(&self) {}
}

#[tokio::test(start_paused = true)]
async fn the_schedule_keeps_next_to_nothing() {
    const TARGETS: usize = 10_000;
    let jobs: Vec<_> = (0..TARGETS as u64).map(|number| Arc::new(Idle(number))).collect();
    let (_plans, plan) = watch::channel(Arc::new(Plan { jobs, slots: NonZeroUsize::MIN }));
    // At the beginning of an interval, so that nothing runs.
    let mut schedule = pin!(run_schedule(TickClock::set(UnixTime::from_seconds(0.0)), plan, pending()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let (bytes, ()) = bytes(TARGETS, || assert!(schedule.as_mut().poll(&mut context).is_pending()));
    println!("schedule {bytes} bytes for each target");
    assert!(bytes <= 160, "{bytes} bytes for each target");
}

#[test]
fn settings_client_and_memory_of_a_target_are_small() {
    const TARGETS: usize = 200;
    let mut text = "instances:\n".to_owned();
    for number in 0..TARGETS {
        let _ = writeln!(
            text,
            "- openmetrics_endpoint: http://10.0.0.1:9100/metrics/{number}\n  metrics: [^node_, up, .+]\n  tags: [a:{number}]"
        );
    }
    let (settings, instances) = bytes(TARGETS, || {
        let config = Config::read(&text, "test", &NoSurroundings);
        let instances = config.instances.into_iter().map(|instance| match instance {
            ConfiguredInstance::Valid(instance) => Arc::from(instance),
            ConfiguredInstance::Invalid { errors, .. } => panic!("{errors:?}"),
        });
        instances.collect::<Vec<Arc<Instance>>>()
    });
    let (clients, _clients) = bytes(TARGETS, || {
        instances.iter().map(|instance| Client::new(&instance.http, "test").unwrap()).collect::<Vec<_>>()
    });
    let (roads, _roads) =
        bytes(TARGETS, || instances.iter().map(|instance| Road::new(Arc::clone(instance), None)).collect::<Vec<_>>());
    println!("settings {settings}, client {clients}, road {roads} bytes for each target");
    assert!(settings <= 4_000, "{settings} bytes of settings");
    assert!(clients <= 20_000, "{clients} bytes of client");
    assert!(roads <= 4_000, "{roads} bytes of memory");
}
