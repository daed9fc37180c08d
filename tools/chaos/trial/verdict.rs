//! Whether everything adds up.
//!
//! A gauge tells from which exposition the points of a second come. So it is known which expositions arrived, and from
//! one of them to the next every counter has to have grown by just what the target counted in between. Counters that
//! never begin anew have to add up from the first exposition to the last without that knowledge too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::ledger::{Ledger, Values};
use super::target::{Class, Exposure, Reading, SEQUENCE, series_name};
use super::weather::Mood;

/// How many differences are kept to be shown.
const SHOWN: usize = 40;
/// How many of one class.
const SHOWN_OF_CLASS: u64 = 5;
/// How far a sum of numbers that are not exact may be off.
const TOLERANCE: f64 = 1e-9;

/// What happened in the trial beside deliveries.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) kills: usize,
    pub(super) stops: usize,
    /// Entries that the program said it gave up.
    pub(super) given_up: u64,
    pub(super) requests: BTreeMap<Mood, u64>,
    pub(super) seconds: u64,
    /// Whether sums of distributions have to be exact.
    pub(super) sums: bool,
}

/// Expected and delivered values of one class.
#[derive(Debug, Default)]
struct Tally {
    series: HashSet<String>,
    points: u64,
    missing: u64,
    short: u64,
    surplus: u64,
    expected: f64,
    delivered: f64,
    /// What the targets counted, seen or not.
    counted: f64,
}

impl Tally {
    fn is_right(&self) -> bool {
        self.missing == 0 && self.short == 0 && self.surplus == 0
    }
}

/// What the trial came to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    course: Course,
    tallies: BTreeMap<Class, Tally>,
    exposed: usize,
    arrived: usize,
    /// Targets of which the first or the last exposition did not arrive.
    open_ends: usize,
    /// Counters that never begin anew and do not add up from end to end.
    unbalanced: usize,
    /// First values that were new at a start of the program, and that it did not take for growth.
    unclaimed: u64,
    /// Points that belong to no exposition that arrived.
    stray: u64,
    entries: usize,
    payloads: u64,
    repeated: u64,
    conflicts: u64,
    crowded: u64,
    odd: u64,
    service_checks: u64,
    objections: Vec<String>,
}

impl Verdict {
    pub(super) fn of(course: Course, ledger: &Ledger, records: &[Vec<Exposure>]) -> Self {
        let mut verdict = Self {
            course,
            entries: ledger.len(),
            payloads: ledger.payloads,
            repeated: ledger.repeated,
            conflicts: ledger.conflicts,
            crowded: ledger.crowded,
            odd: ledger.odd,
            service_checks: ledger.service_checks,
            objections: ledger.objections.clone(),
            ..Self::default()
        };
        let distributions = ledger.distributions();
        let mut matched = 0;
        for (number, record) in records.iter().enumerate() {
            let judge = Judge { ledger, distributions: &distributions, verdict: &mut verdict, matched: 0 };
            matched += judge.target(number, record);
            verdict.end_to_end(ledger, record);
        }
        let points = ledger.series().map(|(_, values)| values.len() as u64).sum::<u64>();
        let sketches = distributions.values().map(|totals| totals.len() as u64).sum::<u64>();
        verdict.stray = (points + sketches).saturating_sub(matched);
        verdict
    }

    /// Whether nothing was lost that was not reported, and nothing counted twice.
    pub(crate) fn holds(&self) -> bool {
        let tallies = || self.tallies.iter().filter(|(class, _)| self.is_checked(**class)).map(|(_, tally)| tally);
        let lost: u64 = tallies().map(|tally| tally.missing + tally.short).sum();
        let no_more = tallies().all(|tally| tally.surplus == 0) && self.conflicts == 0 && self.odd == 0;
        let all = lost == 0 && self.stray == 0 && self.open_ends == 0 && self.unbalanced == 0;
        // Each entry that was given up makes one value too small, at once or at the next scrape.
        let is_reported = self.course.given_up > 0 && lost + self.unbalanced as u64 <= self.course.given_up;
        self.arrived > 0 && no_more && (all || is_reported)
    }

    fn is_checked(&self, class: Class) -> bool {
        class != Class::DistributionSum || self.course.sums
    }

    /// Balances what never begins anew, from what was exposed first to what was exposed last.
    fn end_to_end(&mut self, ledger: &Ledger, record: &[Exposure]) {
        let (Some(first), Some(last)) = (record.first(), record.last()) else { return };
        let steady = |exposure: &Exposure| -> HashMap<String, f64> {
            let steady = exposure.readings.iter().filter(|reading| reading.class == Class::Steady);
            steady.map(|reading| (reading.series.clone(), reading.value)).collect()
        };
        let first = steady(first);
        for (series, value) in steady(last) {
            let grown = value - first.get(&series).copied().unwrap_or_default();
            let delivered = ledger.points(&series).map_or(0.0, |values| values.values().sum());
            if differs(grown, delivered) {
                self.unbalanced += 1;
                self.note(format!("{series} grew by {grown}, and {delivered} was delivered"));
            }
        }
    }

    fn note(&mut self, what: String) {
        if self.objections.len() < SHOWN {
            self.objections.push(what);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Course { kills, stops, given_up, requests, seconds, .. } = &self.course;
        let requests: Vec<String> = requests.iter().map(|(mood, count)| format!("{mood:?} {count}")).collect();
        let yes = |right| if right { "adds up" } else { "DOES NOT ADD UP" };
        writeln!(f, "it ran for                       {seconds} s, killed {kills} times, stopped {stops} times")?;
        writeln!(f, "requests by mood of the intake   {}", requests.join(", "))?;
        writeln!(f, "payloads accepted                {}", self.payloads)?;
        writeln!(f, "points and sketches, each once   {}", self.entries)?;
        writeln!(f, "  of them accepted again         {}", self.repeated)?;
        writeln!(f, "  came with another value        {}", self.conflicts)?;
        writeln!(f, "seconds with two expositions     {}", self.crowded)?;
        writeln!(f, "  of no known exposition         {}", self.stray)?;
        writeln!(f, "  malformed or unexpected        {}", self.odd)?;
        writeln!(f, "service checks                   {}", self.service_checks)?;
        writeln!(f, "given up, as Retriever says      {given_up}")?;
        writeln!(f, "expositions                      {}, of which {} arrived", self.exposed, self.arrived)?;
        writeln!(f, "first values not claimed         {}", self.unclaimed)?;
        writeln!(f, "targets with an open end         {}", self.open_ends)?;
        writeln!(f, "steady counters off end to end   {}", self.unbalanced)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<26}{:>7}{:>9}{:>16}{:>16}{:>16}{:>9}{:>7}{:>9}",
            "", "series", "points", "counted", "to be seen", "delivered", "missing", "short", "surplus"
        )?;
        for class in Class::ALL {
            let Some(tally) = self.tallies.get(&class) else { continue };
            // Values of gauges add up to nothing that means anything.
            let sum = |value| if class == Class::Gauge { "-".to_owned() } else { rounded(value) };
            let verdict = if self.is_checked(class) { yes(tally.is_right()) } else { "not checked" };
            writeln!(
                f,
                "{:<26}{:>7}{:>9}{:>16}{:>16}{:>16}{:>9}{:>7}{:>9}  {verdict}",
                class.as_str(),
                tally.series.len(),
                tally.points,
                sum(tally.counted),
                sum(tally.expected),
                sum(tally.delivered),
                tally.missing,
                tally.short,
                tally.surplus,
            )?;
        }
        for objection in &self.objections {
            writeln!(f, "  {objection}")?;
        }
        writeln!(f, "\nin all: it {}", yes(self.holds()))
    }
}

/// With two decimals where there are any.
fn rounded(value: f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { format!("{value:.2}") }
}

fn differs(one: f64, other: f64) -> bool {
    (one - other).abs() > TOLERANCE * one.abs().max(other.abs())
}

/// Compares the deliveries of one target with what it exposed.
struct Judge<'t> {
    ledger: &'t Ledger,
    distributions: &'t HashMap<String, BTreeMap<i64, (i64, f64)>>,
    verdict: &'t mut Verdict,
    matched: u64,
}

impl Judge<'_> {
    /// Gives how many points belong to expositions of the target.
    fn target(mut self, number: usize, record: &[Exposure]) -> u64 {
        let sequence = series_name(SEQUENCE, [&*format!("target:{number}")]);
        let none = Values::new();
        let arrived = self.ledger.points(&sequence).unwrap_or(&none);
        self.verdict.exposed += record.len();
        self.verdict.arrived += arrived.len();
        let ends = [arrived.first_key_value(), arrived.last_key_value()].map(|end| end.map(|(_, value)| *value));
        if ends != [Some(0.0), Some(record.len() as f64 - 1.0)] {
            self.verdict.open_ends += 1;
            self.verdict.note(format!("target {number}: of {} expositions, {ends:?} are the ends", record.len()));
        }
        self.count(record);
        let mut known: HashMap<(&str, Class), &Reading> = HashMap::new();
        let exposed = first_exposed(record);
        let (mut before, mut start) = (None, None);
        for (&second, &exposition) in arrived {
            let index = exposition as usize;
            let Some(exposure) = record.get(index).filter(|_| before.is_none_or(|before| before < index)) else {
                self.verdict.odd += 1;
                self.verdict.note(format!("target {number}: exposition {exposition} at {second}"));
                continue;
            };
            let is_restart = start.is_some_and(|start| start != exposure.start);
            for reading in &exposure.readings {
                let known = known.get(&key(reading)).copied();
                let expected = expected(reading, known, before.is_some());
                // A program that has just been started may say nothing of what it has never seen and nothing dates.
                let is_undated = is_restart && !reading.has_start;
                // Nor of what is dated before an exposition that lacked it, though one that did not arrive had it.
                let is_old = reading.has_start && before.is_some_and(|before| exposed[&key(reading)] <= before);
                let may_lack = known.is_none() && (is_undated || is_old);
                self.compare(reading, second, expected, may_lack);
            }
            start = Some(exposure.start);
            known.extend(exposure.readings.iter().map(|reading| (key(reading), reading)));
            before = Some(index);
        }
        self.matched
    }

    fn compare(&mut self, reading: &Reading, second: i64, expected: Option<f64>, may_lack: bool) {
        let totals = || self.distributions.get(&reading.series).and_then(|totals| totals.get(&second));
        let delivered = match reading.class {
            Class::Distribution => totals().map(|totals| totals.0 as f64),
            Class::DistributionSum => totals().map(|totals| totals.1),
            _ => self.ledger.points(&reading.series).and_then(|values| values.get(&second).copied()),
        };
        // Nothing is sent of a distribution without values.
        let is_distribution = matches!(reading.class, Class::Distribution | Class::DistributionSum);
        let expected = expected.filter(|value| !is_distribution || *value != 0.0);
        if may_lack && expected.is_some() && delivered.is_none() {
            self.verdict.unclaimed += 1;
            return;
        }
        if delivered.is_some() && reading.class != Class::DistributionSum {
            self.matched += 1;
        }
        let tally = self.verdict.tallies.entry(reading.class).or_default();
        if !tally.series.contains(&reading.series) {
            tally.series.insert(reading.series.clone());
        }
        tally.points += u64::from(expected.is_some());
        tally.expected += expected.unwrap_or_default();
        tally.delivered += delivered.unwrap_or_default();
        match (expected, delivered) {
            (None, None) => return,
            // Values of zero add nothing to the sum of a distribution, which is there all the same.
            (None, Some(0.0)) if reading.class == Class::DistributionSum => return,
            (Some(expected), Some(delivered)) if !differs(expected, delivered) => return,
            (Some(_), None) => tally.missing += 1,
            (Some(expected), Some(delivered)) if delivered < expected => tally.short += 1,
            _ => tally.surplus += 1,
        }
        let wrong = tally.missing + tally.short + tally.surplus;
        if self.verdict.is_checked(reading.class) && wrong <= SHOWN_OF_CLASS {
            let Reading { series, value, .. } = reading;
            self.verdict
                .note(format!("{series} at {second}: {expected:?} expected, {delivered:?} delivered ({value})"));
        }
    }

    /// Adds up what the target really counted.
    fn count(&mut self, record: &[Exposure]) {
        let mut known: HashMap<(&str, Class), &Reading> = HashMap::new();
        for (index, exposure) in record.iter().enumerate() {
            for reading in &exposure.readings {
                let before = known.get(&key(reading)).copied();
                let grown = match before {
                    Some(before) if before.life == reading.life => reading.value - before.value,
                    None if index == 0 => 0.0,
                    _ => reading.value,
                };
                self.verdict.tallies.entry(reading.class).or_default().counted += grown;
            }
            known.extend(exposure.readings.iter().map(|reading| (key(reading), reading)));
        }
    }
}

/// The exposition that had each reading first.
fn first_exposed(record: &[Exposure]) -> HashMap<(&str, Class), usize> {
    let mut first = HashMap::new();
    for (index, exposure) in record.iter().enumerate() {
        for reading in &exposure.readings {
            first.entry(key(reading)).or_insert(index);
        }
    }
    first
}

/// What tells readings of one exposition apart.
fn key(reading: &Reading) -> (&str, Class) {
    (&reading.series, reading.class)
}

/// What has to be delivered of a reading; none if nothing has to. `known`: the reading of the series that arrived last;
/// `watched`: whether an exposition arrived before.
fn expected(reading: &Reading, known: Option<&Reading>, watched: bool) -> Option<f64> {
    if reading.class == Class::Gauge {
        return Some(reading.value);
    }
    match known {
        Some(known) => {
            let is_new = reading.life != known.life;
            // Where nothing tells that it began anew, it has to have fallen, alone or with its histogram.
            let shows = reading.has_start || reading.class == Class::Histogram || reading.value < known.value;
            Some(if is_new && shows { reading.value } else { reading.value - known.value })
        }
        None => watched.then_some(reading.value),
    }
}
