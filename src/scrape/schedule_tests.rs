use std::sync::Mutex;

use super::*;
use crate::discover::Place;
use crate::time::UnixTime;

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(15);
/// When the virtual clock of the tests begins; no multiple of any interval.
const EPOCH: f64 = 1_700_000_003.25;

/// A scrape that takes this long panics.
const PANICS: Duration = Duration::from_millis(3);

/// A target that keeps its own diary.
struct Fake {
    grid: Grid,
    takes: Duration,
    created: Instant,
    diary: Mutex<Diary>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Diary {
    /// When its scrapes began, after it was made.
    began: Vec<Duration>,
    /// For which ticks, in seconds since the epoch.
    ticks: Vec<f64>,
    running: usize,
    most_running: usize,
    ended: usize,
    skipped: HashMap<Skip, u64>,
    panics: usize,
}

impl Fake {
    fn new(name: &str, interval: Duration, takes: Duration) -> Arc<Self> {
        let grid = Grid::new(Place::of([name]), interval);
        Arc::new(Self { grid, takes, created: Instant::now(), diary: Mutex::default() })
    }

    fn diary(&self) -> Diary {
        self.diary.lock().unwrap().clone()
    }

    fn skips(&self, reason: Skip) -> u64 {
        self.diary().skipped.get(&reason).copied().unwrap_or_default()
    }
}

impl Job for Fake {
    fn grid(&self) -> Grid {
        self.grid
    }

    async fn run(self: Arc<Self>, tick: UnixTime) {
        {
            let mut diary = self.diary.lock().unwrap();
            diary.began.push(self.created.elapsed());
            diary.ticks.push(tick.seconds());
            diary.running += 1;
            diary.most_running = diary.most_running.max(diary.running);
        }
        tokio::time::sleep(self.takes).await;
        let mut diary = self.diary.lock().unwrap();
        diary.running -= 1;
        diary.ended += 1;
        drop(diary);
        assert!(self.takes != PANICS);
    }

    fn skipped(&self, reason: Skip, ticks: u64) {
        *self.diary.lock().unwrap().skipped.entry(reason).or_default() += ticks;
    }

    fn panicked(&self) {
        self.diary.lock().unwrap().panics += 1;
    }
}

fn plan(jobs: &[Arc<Fake>], slots: usize) -> Arc<Plan<Fake>> {
    Arc::new(Plan { jobs: jobs.to_vec(), slots: NonZeroUsize::new(slots).unwrap() })
}

fn clock() -> TickClock {
    TickClock::set(UnixTime::from_seconds(EPOCH))
}

/// Runs by one plan for `seconds` of virtual time.
async fn run(jobs: &[Arc<Fake>], slots: usize, seconds: u32) {
    let (_plans, plan) = watch::channel(plan(jobs, slots));
    run_schedule(clock(), plan, tokio::time::sleep(SECOND * seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn scrapes_begin_on_their_ticks() {
    let jobs: Vec<_> = (0..50).map(|i| Fake::new(&format!("http://h{i}/"), INTERVAL, SECOND)).collect();
    run(&jobs, 100, 150).await;
    for job in jobs {
        let diary = job.diary();
        assert_eq!((diary.began.len(), diary.ended, diary.skipped.len()), (10, 10, 0));
        for (i, began) in diary.began.iter().enumerate() {
            let since_epoch = Duration::from_secs_f64(EPOCH) + *began;
            let tick = job.grid.at_or_after(since_epoch.saturating_sub(INTERVAL / 2)).unwrap();
            // The clock of the runtime ticks in milliseconds.
            let late = since_epoch.abs_diff(tick);
            assert!(since_epoch >= tick && late <= Duration::from_millis(2), "scrape {i}: {late:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_scrape_has_a_tick_of_its_own_however_late_it_begins() {
    // One slot for all, so that many begin long after they were due.
    let jobs: Vec<_> =
        (0..4).map(|i| Fake::new(&format!("http://h{i}/"), SECOND, Duration::from_millis(450))).collect();
    run(&jobs, 1, 300).await;
    for job in jobs {
        let Diary { began, ticks, .. } = job.diary();
        assert!(ticks.len() > 50);
        for (began, tick) in began.iter().zip(&ticks) {
            let on_grid = job.grid.at_or_after(Duration::from_secs_f64(tick - 0.000_01)).unwrap();
            assert!((on_grid.as_secs_f64() - tick).abs() < 1e-6 && *tick <= EPOCH + began.as_secs_f64() + 1e-6);
        }
        // The resolution of the intake.
        assert!(ticks.windows(2).all(|pair| pair[0].floor() < pair[1].floor()), "{ticks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_skips_ticks_never_overlaps_and_delays_no_other() {
    let (quick, slow) = (Fake::new("q", INTERVAL, Duration::ZERO), Fake::new("s", INTERVAL, Duration::from_secs(40)));
    run(&[Arc::clone(&quick), Arc::clone(&slow)], 10, 150).await;
    assert_eq!((quick.diary().began.len(), quick.diary().skipped.len()), (10, 0));
    // 40 seconds: ticks 0, 3, 6, 9.
    let diary = slow.diary();
    assert_eq!((diary.began.len(), diary.most_running), (4, 1));
    assert!(diary.began.windows(2).all(|pair| pair[1].abs_diff(pair[0] + INTERVAL * 3) < Duration::from_millis(3)));
    assert_eq!(diary.skipped, HashMap::from([(Skip::StillRunning, 6)]));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_delays_nobody() {
    let hangs = Fake::new("hangs", INTERVAL, Duration::from_secs(100_000));
    let mut jobs: Vec<_> = (0..100).map(|i| Fake::new(&format!("h{i}"), INTERVAL, SECOND / 100)).collect();
    jobs.push(Arc::clone(&hangs));
    let running = run(&jobs, 2, 1500);
    assert!(tokio::time::timeout(SECOND * 1600, running).await.is_err(), "it is still waited for");
    assert!(jobs[..100].iter().all(|job| job.diary().began.len() == 100 && job.diary().skipped.is_empty()));
    // The first tick comes within the first interval, and each one after it is missed.
    assert_eq!((hangs.diary().began.len(), hangs.skips(Skip::StillRunning)), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn a_tick_without_a_slot_is_skipped_and_counted() {
    // Each takes an interval and a bit, one after the other: of the four only one can be scraped at a time.
    let jobs: Vec<_> = (0..4).map(|i| Fake::new(&format!("h{i}"), INTERVAL, SECOND * 16)).collect();
    run(&jobs, 1, 1500).await;
    let total = |of: fn(&Fake) -> u64| jobs.iter().map(|job| of(job)).sum::<u64>();
    let began = total(|job| job.diary().began.len() as u64);
    assert!((90..=94).contains(&began), "{began}: the one slot is always taken");
    for job in &jobs {
        assert!(job.diary().began.len() >= 22, "the slot goes round");
        assert_eq!(job.skips(Skip::Late), 0);
    }
    let skipped = total(|job| job.skips(Skip::NoSlot) + job.skips(Skip::StillRunning));
    // All ticks are accounted for, but for those that waited at the end.
    assert!((397..=400).contains(&(began + skipped)), "{began} + {skipped}");
    assert!(total(|job| job.skips(Skip::NoSlot)) > 100);
}

#[tokio::test(start_paused = true)]
async fn a_scrape_that_got_its_slot_late_moves_no_tick() {
    let jobs = [Fake::new("a", INTERVAL, SECOND * 14), Fake::new("b", INTERVAL, Duration::ZERO)];
    run(&jobs, 1, 300).await;
    for job in &jobs {
        let diary = job.diary();
        assert!(diary.began.len() >= 19 && diary.skipped.is_empty(), "{diary:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_that_was_slept_through_is_counted() {
    let job = Fake::new("a", INTERVAL, Duration::ZERO);
    let (_plans, plan) = watch::channel(plan(&[Arc::clone(&job)], 1));
    let mut running = pin!(run_schedule(clock(), plan, std::future::pending()));
    // Polled once, and not again until a minute has passed, in which the clock goes on.
    let _ = tokio::time::timeout(Duration::ZERO, &mut running).await;
    let first = Duration::from_secs_f64(EPOCH);
    let first = job.grid.at_or_after(first).unwrap().abs_diff(first);
    tokio::time::sleep(first + SECOND * 61).await;
    let _ = tokio::time::timeout(SECOND / 10, &mut running).await;
    assert_eq!((job.diary().began.len(), job.skips(Skip::Late)), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_scrape_only() {
    let jobs = [Fake::new("a", INTERVAL, PANICS), Fake::new("b", INTERVAL, Duration::ZERO)];
    run(&jobs, 1, 150).await;
    assert_eq!(jobs[0].diary().panics, 10);
    assert!(jobs.iter().all(|job| job.diary().began.len() == 10));
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_running_scrapes_and_starts_no_more() {
    let job = Fake::new("a", INTERVAL, SECOND * 100);
    run(&[Arc::clone(&job)], 1, 20).await;
    let diary = job.diary();
    assert_eq!((diary.began.len(), diary.ended), (1, 1));
    assert_eq!(job.created.elapsed().as_secs(), (diary.began[0] + SECOND * 100).as_secs());
}

#[tokio::test(start_paused = true)]
async fn without_targets_it_ends_at_shutdown() {
    let start = Instant::now();
    run(&[], 1, 7).await;
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_new_plan_starts_and_stops_what_differs() {
    let [kept, gone, new] = ["kept", "gone", "new"].map(|name| Fake::new(name, INTERVAL, SECOND * 5));
    let (plans, followed) = watch::channel(plan(&[Arc::clone(&gone), Arc::clone(&kept)], 10));
    let schedule = run_schedule(clock(), followed, tokio::time::sleep(SECOND * 300));
    let changes = async {
        while gone.diary().running == 0 {
            tokio::time::sleep(SECOND / 10).await;
        }
        plans.send_replace(plan(&[Arc::clone(&new), Arc::clone(&kept)], 10));
        new.created.elapsed()
    };
    let ((), changed) = tokio::join!(schedule, changes);
    let diaries = [&kept, &gone, &new].map(|job| job.diary());
    assert_eq!(diaries[0].began.len(), 20);
    assert!(diaries[0].began.windows(2).all(|pair| pair[1].abs_diff(pair[0] + INTERVAL) < Duration::from_millis(3)));
    assert_eq!((diaries[1].began.len(), diaries[1].ended), (1, 1), "what ran comes to its end");
    assert!(diaries[2].began[0] >= changed && diaries[2].began[0] <= changed + INTERVAL);
    assert!(diaries[2].began.len() >= 18);
    assert_eq!(Arc::strong_count(&gone), 1, "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_slots_can_change() {
    let jobs: Vec<_> = (0..40).map(|i| Fake::new(&format!("h{i}"), INTERVAL, SECOND * 14)).collect();
    let (plans, followed) = watch::channel(plan(&jobs, 1));
    let schedule = run_schedule(clock(), followed, tokio::time::sleep(SECOND * 300));
    let running = || jobs.iter().map(|job| job.diary().running).sum::<usize>();
    let changes = async {
        tokio::time::sleep(SECOND * 100).await;
        assert_eq!(running(), 1);
        plans.send_replace(plan(&jobs, 30));
        tokio::time::sleep(SECOND / 100).await;
        assert_eq!(running(), 30);
        plans.send_replace(plan(&jobs, 5));
        tokio::time::sleep(SECOND * 15).await;
        assert_eq!(running(), 5);
        drop(plans);
    };
    tokio::join!(schedule, changes);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_targets_begin_within_one_interval_evenly() {
    let interval = SECOND * 10;
    let jobs: Vec<_> = (0..10_000)
        .map(|i| Fake::new(&format!("http://10.0.{}.{}/metrics", i / 256, i % 256), interval, SECOND / 5))
        .collect();
    let begun = std::time::Instant::now();
    run(&jobs, 1000, 30).await;
    // Real time, and far more than it takes: nothing grows with the square of the targets.
    assert!(begun.elapsed() < Duration::from_mins(1));
    let mut seconds = [0_u32; 10];
    for job in &jobs {
        let diary = job.diary();
        // The clock of the runtime ticks in milliseconds: what is due in the last of them may come too late.
        let third = diary.began[1] + interval;
        assert!(diary.began.len() == 3 || third + Duration::from_millis(2) > SECOND * 30, "{diary:?}");
        assert!(diary.skipped.is_empty(), "{diary:?}");
        seconds[diary.began[0].as_secs().min(9) as usize] += 1;
    }
    assert!(seconds.iter().all(|count| (850..1150).contains(count)), "{seconds:?}");
}
