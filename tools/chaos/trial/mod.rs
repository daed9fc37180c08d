//! A trial of the whole program: targets that count, an intake that misbehaves, and a program that is killed.

mod counters;
mod intake;
mod ledger;
mod program;
#[path = "../../../tests/support/proto.rs"]
mod proto;
mod random;
mod target;
mod targets;
mod verdict;
mod weather;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::intake::Intake;
use self::ledger::{HOST, Ledger};
use self::program::{Launcher, Program, empty, free_address};
use self::random::Random;
use self::target::{Histograms, SEQUENCE, Target, series_name};
use self::targets::Targets;
use self::verdict::Course;
use self::weather::Mood;

pub(crate) use self::verdict::Verdict;

/// How long it may take until something of every target was accepted for the first time.
const START: Duration = Duration::from_mins(1);
/// How long the rest may take to be delivered. The longest wait after a failure is 64 seconds, after a 403 five minutes.
const REST: Duration = Duration::from_mins(6);
/// How long all has to be delivered at every look before it counts as delivered.
const QUIET: Duration = Duration::from_secs(6);
/// The longest mood of the intake.
const LONGEST_MOOD: Duration = Duration::from_secs(20);
/// How often the program is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Where the program keeps what has to survive it.
#[derive(Clone, Debug)]
pub(crate) enum DataDir {
    Nowhere,
    /// In a folder that goes away with the trial.
    Own,
    At(PathBuf),
}

/// What is tried, and how.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    /// How long it is disturbed.
    pub(crate) duration: Duration,
    pub(crate) kills: usize,
    pub(crate) stops: usize,
    pub(crate) seed: u64,
    pub(crate) targets: usize,
    /// Seconds from one scrape of a target to the next.
    pub(crate) interval: u64,
    pub(crate) data_dir: DataDir,
    /// Whether sums of distributions have to be exact.
    pub(crate) sums: bool,
    /// Where the program's log goes.
    pub(crate) log: Option<PathBuf>,
}

/// What ends a life of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kill,
    Stop,
}

/// Holds a trial from the start to the verdict.
pub(crate) async fn hold(plan: &Plan) -> Result<Verdict, Box<dyn Error>> {
    let targets = Targets::start(plan.targets, plan.seed).await?;
    let (moods, mood) = watch::channel(Mood::Fine);
    let intake = Intake::start(mood, Random::new(plan.seed, 1 << 32), Ledger::new(plan.interval)).await?;
    let folder = tempfile::tempdir()?;
    let launcher = launcher(plan, folder.path(), &targets, &intake)?;
    let begun = Instant::now();
    let mut course = Course { sums: plan.sums, ..Course::default() };

    let mut program = launcher.start()?;
    until_known(&mut program, &targets, &intake).await?;
    let longest = LONGEST_MOOD.min(plan.duration / 6);
    let changing = tokio::spawn(weather::change(moods.clone(), Random::new(plan.seed, 2 << 32), longest));
    program = disturb(plan, &targets, &launcher, program, &mut course).await?;
    changing.abort();
    moods.send_replace(Mood::Fine);

    rest(&mut program).await?;
    program.stop().await?;
    course.given_up += program.given_up + lost_at_stops(&launcher.log);
    course.seconds = begun.elapsed().as_secs();
    course.requests = intake.requests();
    let records: Vec<_> = targets.each().map(|target| target.record().to_vec()).collect();
    Ok(intake.look(|ledger| Verdict::of(course, ledger, &records)))
}

fn launcher(plan: &Plan, folder: &Path, targets: &Targets, intake: &Intake) -> Result<Launcher, Box<dyn Error>> {
    let admin = free_address()?;
    let settings = folder.join("conf.yaml");
    fs::write(&settings, self::settings(plan, targets, intake.address, admin))?;
    let log = plan.log.clone().unwrap_or_else(|| folder.join("log"));
    empty(&log)?;
    let data_dir = match &plan.data_dir {
        DataDir::Nowhere => PathBuf::from("none"),
        DataDir::Own => folder.join("data"),
        DataDir::At(path) => path.clone(),
    };
    Ok(Launcher { binary: plan.binary.clone(), settings, log, data_dir, admin })
}

fn settings(plan: &Plan, targets: &Targets, intake: SocketAddr, admin: SocketAddr) -> String {
    let mut settings = format!(
        "api_key: {}\ndd_url: http://{intake}\nforwarder_timeout: 3\nadmin_listen: {admin}\nhostname: {HOST}\n\
         watch_settings: false\ninstances:\n",
        "0".repeat(32)
    );
    for number in 0..targets.len() {
        let histograms = Target::histograms(number);
        let _ = writeln!(
            settings,
            "- openmetrics_endpoint: http://{}/{number}\n  namespace: chaos\n  metrics: [.+]\n  \
             min_collection_interval: {}\n  tags: [target:{number}]\n  {}: true\n  \
             collect_counters_with_distributions: {}",
            targets.address,
            plan.interval,
            histograms.option(),
            histograms != Histograms::Counters
        );
    }
    settings
}

/// Waits until something of every target was accepted, so that it is known from where on all has to arrive.
async fn until_known(program: &mut Program, targets: &Targets, intake: &Intake) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let sequence = |number| series_name(SEQUENCE, [&*format!("target:{number}")]);
    loop {
        program.look().await?;
        if intake.look(|ledger| (0..targets.len()).all(|number| ledger.points(&sequence(number)).is_some())) {
            return Ok(());
        }
        if begun.elapsed() > START {
            return Err(format!("nothing came of some targets within {START:?}").into());
        }
        sleep(LOOK).await;
    }
}

/// Kills and stops the program at random moments, and starts it again each time.
async fn disturb(
    plan: &Plan,
    targets: &Targets,
    launcher: &Launcher,
    mut program: Program,
    course: &mut Course,
) -> Result<Program, Box<dyn Error>> {
    let mut random = Random::new(plan.seed, 3 << 32);
    let begun = Instant::now();
    let mut moment = || Duration::from_millis(random.within(0..=plan.duration.as_millis() as u64));
    let kills = (0..plan.kills).map(|_| (moment(), End::Kill)).collect::<Vec<_>>();
    let stops = (0..plan.stops).map(|_| (moment(), End::Stop)).collect::<Vec<_>>();
    let mut ends = [kills, stops].concat();
    ends.sort_by_key(|(at, _)| *at);
    for (at, end) in ends {
        while begun.elapsed() < at {
            program.look().await?;
            sleep(LOOK.min(at.saturating_sub(begun.elapsed()))).await;
        }
        match end {
            End::Kill => {
                course.given_up += program.kill()?;
                course.kills += 1;
            }
            End::Stop => {
                program.stop().await?;
                course.given_up += program.given_up;
                course.stops += 1;
            }
        }
        // Often it is back at once, sometimes not for a while.
        let away = random.pick(&[0, 0, 100, 1500, 4000]);
        sleep(Duration::from_millis(random.within(0..=away))).await;
        targets.another_start();
        program = launcher.start()?;
    }
    while begun.elapsed() < plan.duration {
        program.look().await?;
        sleep(LOOK).await;
    }
    Ok(program)
}

/// Waits until nothing waits for delivery but what has just been scraped.
async fn rest(program: &mut Program) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut quiet_since = begun;
    while quiet_since.elapsed() < QUIET && begun.elapsed() < REST {
        program.look().await?;
        // A few may be under way at any time.
        if program.waiting.is_none_or(|waiting| waiting > 3) {
            quiet_since = Instant::now();
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// What was lost when the program was asked to stop, which it can only tell its log.
fn lost_at_stops(log: &Path) -> u64 {
    let log = fs::read_to_string(log).unwrap_or_default();
    let counts = log.lines().filter(|line| line.contains("stopped")).filter_map(|line| line.split("given_up=").nth(1));
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>();
    counts.filter_map(|text| digits(text).ok()).sum()
}
