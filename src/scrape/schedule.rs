//! Runs the scrapes of all targets: each on its own ticks, never two of one target at once, and no more together than
//! there are slots. A tick whose scrape cannot begin before the next one is due is skipped, and its target told why.
//!
//! One task keeps the time of all targets; only scrapes that run have a task of their own.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::grid::{Grid, TickClock};
use crate::throttle::Throttle;
use crate::time::UnixTime;

/// A target as the schedule sees it.
pub trait Job: Send + Sync + 'static {
    /// When it is due; always the same.
    fn grid(&self) -> Grid;

    /// One scrape, for the tick `tick` of the grid. No tick is given twice.
    fn run(self: Arc<Self>, tick: UnixTime) -> impl Future<Output = ()> + Send + 'static;

    /// This many ticks passed without a scrape.
    fn skipped(&self, reason: Skip, ticks: u64);

    /// A scrape panicked, and ended with that.
    fn panicked(&self);
}

/// Why a tick passed without a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// The scrape before still ran.
    StillRunning,
    /// It waited for a slot until the next tick was due.
    NoSlot,
    /// The process itself came too late: it was suspended, or has too little CPU.
    Late,
}

impl Skip {
    /// All reasons in their order.
    pub const ALL: [Self; 3] = [Self::StillRunning, Self::NoSlot, Self::Late];

    /// A label for telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StillRunning => "still running",
            Self::NoSlot => "no slot",
            Self::Late => "late",
        }
    }
}

/// What is to be scraped from now on.
#[derive(Debug)]
pub struct Plan<J> {
    /// The targets. One that was in the plan before, the very same value, goes on as if nothing had happened.
    pub jobs: Vec<Arc<J>>,
    /// How many scrapes may run together.
    pub slots: NonZeroUsize,
}

/// Scrapes by the latest plan until `shutdown` is done, then lets the scrapes that run come to their end.
///
/// A target that is no longer in the plan is not scraped again; a scrape of it that runs comes to its end. To stop at
/// once, drop the future: all scrapes are dropped with it.
pub async fn run_schedule<J: Job>(
    clock: TickClock,
    mut plans: watch::Receiver<Arc<Plan<J>>>,
    shutdown: impl Future<Output = ()>,
) {
    let first = plans.borrow_and_update().clone();
    let mut schedule = Schedule::new(clock, &first);
    drop(first);
    let mut shutdown = pin!(shutdown);
    let mut is_final = false;
    loop {
        schedule.start_due();
        let next = schedule.next();
        tokio::select! {
            () = &mut shutdown => break,
            changed = plans.changed(), if !is_final => match changed {
                Ok(()) => {
                    let plan = plans.borrow_and_update().clone();
                    schedule.follow(&plan);
                }
                // Whoever makes plans is gone.
                Err(_) => is_final = true,
            },
            Some(ended) = schedule.scrapes.join_next_with_id() => schedule.end(ended),
            () = until(next) => {}
        }
    }
    while let Some(ended) = schedule.scrapes.join_next_with_id().await {
        schedule.end(ended);
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Numbers targets in the order in which they came; never given out twice.
type Key = u64;

struct Schedule<J> {
    clock: TickClock,
    slots: NonZeroUsize,
    next_key: Key,
    jobs: HashMap<Key, Entry<J>>,
    /// The next tick of each target, the earliest first.
    ticks: BinaryHeap<Reverse<(Duration, Key)>>,
    /// Targets that are due, and since which tick, in the order of these; some may have left the plan.
    waiting: VecDeque<(Key, Duration)>,
    scrapes: JoinSet<()>,
    /// Whose scrape each task is.
    running: HashMap<Id, (Key, Arc<J>)>,
    short_of_slots: Throttle,
    late: Throttle,
}

struct Entry<J> {
    job: Arc<J>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// Due, and without a slot.
    Waiting,
    Running,
}

impl<J: Job> Schedule<J> {
    fn new(clock: TickClock, plan: &Plan<J>) -> Self {
        let mut schedule = Self {
            clock,
            slots: plan.slots,
            next_key: 0,
            jobs: HashMap::new(),
            ticks: BinaryHeap::new(),
            waiting: VecDeque::new(),
            scrapes: JoinSet::new(),
            running: HashMap::new(),
            short_of_slots: Throttle::default(),
            late: Throttle::default(),
        };
        schedule.follow(plan);
        schedule
    }

    /// Starts and stops what differs from the plan before.
    fn follow(&mut self, plan: &Plan<J>) {
        self.slots = plan.slots;
        let planned: HashSet<*const J> = plan.jobs.iter().map(Arc::as_ptr).collect();
        self.jobs.retain(|_, entry| planned.contains(&Arc::as_ptr(&entry.job)));
        self.ticks.retain(|Reverse((_, key))| self.jobs.contains_key(key));
        self.waiting.retain(|(key, _)| self.jobs.contains_key(key));
        let present: HashSet<*const J> = self.jobs.values().map(|entry| Arc::as_ptr(&entry.job)).collect();
        let now = self.clock.now();
        for job in plan.jobs.iter().filter(|job| !present.contains(&Arc::as_ptr(job))) {
            let key = self.next_key;
            self.next_key += 1;
            if let Some(tick) = job.grid().at_or_after(now) {
                self.ticks.push(Reverse((tick, key)));
            }
            self.jobs.insert(key, Entry { job: Arc::clone(job), state: State::Idle });
        }
    }

    /// When there is something to do although nothing else happens.
    fn next(&self) -> Option<Instant> {
        self.ticks.peek().and_then(|Reverse((tick, _))| self.clock.instant(*tick))
    }

    /// Starts all that is due, as far as there are slots.
    fn start_due(&mut self) {
        let now = self.clock.now();
        while let Some(&Reverse((tick, key))) = self.ticks.peek()
            && tick <= now
        {
            self.ticks.pop();
            self.due(key, tick, now);
        }
        while self.scrapes.len() < self.slots.get()
            && let Some((key, tick)) = self.waiting.pop_front()
        {
            let Some(entry) = self.jobs.get_mut(&key) else { continue };
            entry.state = State::Running;
            let job = Arc::clone(&entry.job);
            let task = self.scrapes.spawn(Arc::clone(&job).run(UnixTime::from_seconds(tick.as_secs_f64())));
            self.running.insert(task.id(), (key, job));
        }
    }

    /// A tick has come.
    fn due(&mut self, key: Key, tick: Duration, now: Duration) {
        let Some(entry) = self.jobs.get_mut(&key) else { return };
        let grid = entry.job.grid();
        // Of several ticks that have passed only the last one still counts.
        let passed = grid.passed(tick, now);
        let last = grid.nth_after(tick, passed);
        if let Some(next) = grid.after(now) {
            self.ticks.push(Reverse((next, key)));
        }
        match entry.state {
            State::Idle => {
                entry.state = State::Waiting;
                self.waiting.push_back((key, last));
                if passed > 0 {
                    entry.job.skipped(Skip::Late, passed);
                    self.tell_late(passed);
                }
            }
            State::Waiting => {
                entry.job.skipped(Skip::NoSlot, passed.saturating_add(1));
                self.tell_short();
            }
            State::Running => entry.job.skipped(Skip::StillRunning, passed.saturating_add(1)),
        }
    }

    fn end(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let Some((key, job)) = self.running.remove(&id) else { return };
        if ended.is_err_and(|error| error.is_panic()) {
            job.panicked();
        }
        if let Some(entry) = self.jobs.get_mut(&key) {
            entry.state = State::Idle;
        }
    }

    fn tell_short(&mut self) {
        if let Some(withheld) = self.short_of_slots.pass(Instant::now()) {
            tracing::warn!(
                waiting = self.waiting.len(),
                withheld,
                "scrapes are skipped because {} run already, as many as may; raise `max_concurrent_scrapes`, or look \
                 for targets that hang and give them a shorter `timeout`",
                self.slots
            );
        }
    }

    fn tell_late(&mut self, skipped: u64) {
        if let Some(withheld) = self.late.pass(Instant::now()) {
            tracing::warn!(
                skipped,
                withheld,
                "scrapes are skipped because they began too late: the machine was suspended, or has too little CPU for \
                 all targets"
            );
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
