use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::discover::{Endpoint, static_targets};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_hash_never_changes() {
    // FNV-1a of "" and "a" as published, through the finalizer as published; computed apart from this code.
    assert_eq!(stable_hash(b""), 0xf52a_15e9_a9b5_e89b);
    assert_eq!(stable_hash(b"a"), 0x02c0_bdbf_4814_20f8);
}

#[test]
fn offsets_of_similar_endpoints_spread_over_the_interval() {
    let interval = SECOND * 15;
    let mut tenths = [0; 10];
    for host in 0..1000 {
        let offset = Schedule::new(&format!("http://10.0.0.{host}:9100/metrics"), interval).first().at;
        assert!(offset < interval);
        tenths[(offset.as_millis() / 1500) as usize] += 1;
    }
    assert!(tenths.iter().all(|&count| (60..140).contains(&count)), "{tenths:?}");
}

proptest! {
    #[test]
    fn ticks_stay_on_their_grid_and_never_lie_in_the_past(
        interval in 1_u64..100_000, takes in proptest::collection::vec(0_u64..1_000_000, 1..20),
    ) {
        let interval = Duration::from_millis(interval);
        let schedule = Schedule::new("http://h/", interval);
        let mut tick = schedule.first();
        let mut counted = 0;
        for took in takes {
            let now = tick.at + Duration::from_millis(took);
            let next = schedule.next(tick, now);
            prop_assert!(next.at >= now && next.at > tick.at);
            prop_assert!(next.at <= now.max(tick.at + Duration::from_nanos(1)) + interval);
            prop_assert_eq!(next.at.saturating_sub(schedule.first().at).as_nanos() % interval.as_nanos(), 0);
            counted += 1 + next.missed;
            prop_assert_eq!(next.number, counted);
            tick = next;
        }
    }
}

#[test]
fn extreme_intervals_do_not_overflow() {
    let schedule = Schedule::new("http://h/", Duration::MAX);
    let next = schedule.next(schedule.first(), SECOND);
    assert_eq!(schedule.next(next, Duration::MAX).missed, 0);
    let schedule = Schedule::new("http://h/", Duration::ZERO);
    assert!(schedule.next(schedule.first(), SECOND).at >= SECOND);
}

fn targets(urls: &[&str]) -> Vec<Target> {
    static_targets(urls.iter().map(|url| Endpoint::parse(url).unwrap()))
}

/// Runs for `seconds` of virtual time; a scrape of instance `i` takes `takes[i]`. Gives the ticks of each instance.
async fn run(takes: &[Duration], seconds: u32) -> Vec<Vec<Tick>> {
    let log: Arc<Mutex<Vec<Vec<Tick>>>> = Arc::new(Mutex::new(vec![Vec::new(); takes.len()]));
    let urls: Vec<String> = (0..takes.len()).map(|host| format!("http://h{host}/")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let scrape = {
        let log = Arc::clone(&log);
        let takes = takes.to_vec();
        move |target: Arc<Target>, tick: Tick| {
            log.lock().unwrap()[target.instance].push(tick);
            let take = takes[target.instance];
            async move {
                tokio::time::sleep(take).await;
                assert!(take != PANICS);
            }
        }
    };
    run_schedule(targets(&urls), |_| SECOND * 15, scrape, tokio::time::sleep(SECOND * seconds)).await;
    log.lock().unwrap().clone()
}

const PANICS: Duration = Duration::from_millis(3);

#[tokio::test(start_paused = true)]
async fn a_slow_target_skips_ticks_and_delays_no_other() {
    let log = run(&[Duration::ZERO, Duration::from_secs(40)], 150).await;
    assert_eq!(log[0].len(), 10);
    assert!(log[0].iter().all(|tick| tick.missed == 0));
    // 40 seconds: ticks 0, 3, 6, 9.
    assert_eq!(log[1].iter().map(|tick| tick.number).collect::<Vec<_>>(), [0, 3, 6, 9]);
    assert!(log[1].iter().skip(1).all(|tick| tick.missed == 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_scrape_only() {
    let log = run(&[PANICS, Duration::ZERO], 150).await;
    assert_eq!((log[0].len(), log[1].len()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_running_scrapes_and_starts_no_more() {
    let start = Instant::now();
    let log = run(&[Duration::from_secs(100)], 20).await;
    assert_eq!(log[0].len(), 1);
    assert_eq!(start.elapsed().as_secs(), log[0][0].at.as_secs() + 100);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_schedule_drops_the_scrapes() {
    struct Guard(Arc<Mutex<bool>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let dropped = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&dropped);
    let scrape = move |_, _| {
        let guard = Guard(Arc::clone(&seen));
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let running = run_schedule(targets(&["http://h/"]), |_| SECOND, scrape, std::future::pending());
    assert!(tokio::time::timeout(SECOND * 5, running).await.is_err());
    tokio::time::sleep(SECOND).await;
    assert!(*dropped.lock().unwrap());
}
