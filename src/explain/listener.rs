//! Travels along the road of one target and writes down what becomes of the series that are asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::advice;
use super::asked::{Asked, without_namespace};
use super::collision::Collisions;
use super::growth::{self, Counted};
use super::missing::{self, Found};
use super::model::{Dropped, Hint, ScrapeAccount, SeriesAccount, Stage, StageKind};
use super::seen::Seen;
use super::source::Source;
use super::stage::Teller;
use super::{Explanation, Wanted};
use crate::aggregate::{Account, Accounts};
use crate::config::Instance;
use crate::discover::redact;
use crate::fixture::document;
use crate::map::{
    Contexts, DropReason, MetricKind, NativeSubmission, SeriesId, ServiceCheck, Step, Submission, Submissions, Trace,
};
use crate::parse::{Diagnostic, Family, Sample};
use crate::pipeline::Recorded;
use crate::road::{Contribution, Road, Witness};

/// The most series of a scrape of which everything is kept.
const KEPT: usize = 10_000;

/// Writes down the scrapes of one target.
#[derive(Debug)]
pub struct Listener {
    teller: Teller,
    wanted: Wanted,
    asked: Option<Asked>,
    /// How many scrapes were told.
    scrapes: usize,
    /// The last scrape in which something matched.
    last_match: Option<usize>,
    state: State,
}

/// What is known of the scrape that is on its way.
#[derive(Debug, Default)]
struct State {
    family: OpenFamily,
    /// The sample whose steps come.
    open: Option<SeriesAccount>,
    series: Vec<SeriesAccount>,
    /// Where in the list the samples of a series stand.
    places: HashMap<SeriesId, Vec<usize>>,
    unkept: u64,
    /// The series that the next service check, metadata or step is about.
    resumed: Option<SeriesId>,
    own: Vec<Value>,
    seen: Seen,
    collisions: Collisions,
}

/// The family whose samples come, and what was decided about all of them.
#[derive(Clone, Debug, Default)]
struct OpenFamily {
    name: String,
    known: String,
    selected: Option<usize>,
    stages: Vec<Stage>,
}

impl Listener {
    /// A listener for a target with these settings; `source` is their text.
    pub fn new(instance: Arc<Instance>, source: Arc<Source>, wanted: Wanted) -> Self {
        let asked = match &wanted {
            Wanted::Everything => None,
            Wanted::Selector(selector) => selector.name().map(|name| Asked::new(name, &instance)),
        };
        let teller = Teller { instance, source };
        Self { teller, wanted, asked, scrapes: 0, last_match: None, state: State::default() }
    }

    /// What there is to tell of an instance, without its scrapes.
    pub fn explanation(&self) -> Explanation {
        Explanation {
            endpoint: redact(&self.teller.instance.endpoint),
            file: self.teller.source.file().to_owned(),
            at: Some(self.teller.instance.at),
            scraped: self.scrapes,
            ..Explanation::default()
        }
    }

    /// Tells of the scrape that just ended on `road`, and waits for the next.
    pub fn conclude(&mut self, contribution: &Contribution, road: &Road) -> ScrapeAccount {
        self.scrapes += 1;
        let State { mut series, unkept, own, seen, collisions, .. } = std::mem::take(&mut self.state);
        for account in &mut series {
            if let Some(reason) = account.dropped.as_ref().map(|dropped| dropped.reason) {
                let hints = advice::hints(&self.teller, account, reason);
                account.dropped = Some(Dropped { reason, hints });
            }
        }
        let report = &contribution.report;
        let failure = report.failure.as_ref().map(ToString::to_string);
        let mut notes = collisions.notes(&self.teller, &series, |id| road.exposed(id));
        notes.extend(refused(&series, contribution));
        let found = Found { teller: &self.teller, seen: &seen, report, last_match: self.last_match };
        let missing = match &self.wanted {
            Wanted::Selector(selector) if series.is_empty() && own.is_empty() => {
                Some(missing::missing(&found, selector, self.asked.as_ref()))
            }
            Wanted::Selector(_) | Wanted::Everything => None,
        };
        match &self.wanted {
            Wanted::Selector(_) if missing.is_none() => notes.extend(missing::lost_lines(&found)),
            Wanted::Selector(_) => {}
            Wanted::Everything => notes.extend(missing::lost_lines(&found).into_iter().chain(self.idle_rules(&seen))),
        }
        if missing.is_none() {
            self.last_match = Some(self.scrapes);
        }
        ScrapeAccount {
            number: self.scrapes,
            failure,
            ignored: report.ignored.as_ref().map(ToString::to_string),
            samples: report.totals.samples,
            series,
            unkept,
            own,
            missing,
            notes,
        }
    }

    /// Entries of `metrics` that meant nothing.
    fn idle_rules(&self, seen: &Seen) -> Vec<Hint> {
        let rules = self.teller.instance.metrics.iter().enumerate();
        let idle = rules.filter(|(place, _)| !seen.selected.contains(place));
        let told = idle.map(|(_, rule)| {
            Hint::new("This entry of `metrics` matches nothing that is collected in this scrape.")
                .at(Some(self.teller.metric_rule(rule)))
        });
        told.collect()
    }

    /// Whether a sample is asked for, now that all is known that was decided about it.
    fn is_wanted(&self, account: &SeriesAccount) -> Option<bool> {
        let Wanted::Selector(selector) = &self.wanted else { return Some(true) };
        let instance = &self.teller.instance;
        let named = self.asked.as_ref().is_none_or(|asked| {
            let SeriesAccount { name, family, known, full_names, role, .. } = account;
            let relabeled = account.stages.iter().filter(|stage| stage.kind == StageKind::Relabeled);
            asked.is_exposed(name, family, known)
                || full_names.iter().any(|full| asked.is_full_name(full, instance))
                || full_names.is_empty() && asked.would_be(advice::sent(&self.teller, account), *role)
                || relabeled.filter_map(|stage| stage.after.as_deref()).any(|after| after == asked.name)
        });
        let value = |label: &str| account.labels.get(label).map_or("", String::as_str);
        named.then(|| selector.matchers().iter().all(|matcher| matcher.accepts(value(&matcher.label))))
    }

    /// Whether something that no series is behind is asked for.
    fn is_own_wanted(&self, name: &str) -> bool {
        match (&self.wanted, &self.asked) {
            (Wanted::Everything, _) => true,
            (Wanted::Selector(_), None) => false,
            (Wanted::Selector(_), Some(asked)) => {
                name == asked.name || without_namespace(name, &self.teller.instance) == asked.bare
            }
        }
    }

    /// The account that something about a series belongs to: the sample that is on its way, or the first one of the series
    /// that still lacks something.
    fn account(&mut self, series: SeriesId) -> Option<&mut SeriesAccount> {
        let state = &mut self.state;
        if let Some(open) = &mut state.open {
            return Some(open);
        }
        let places = state.places.get(&series)?;
        let lacking = places.iter().find(|place| {
            let account = &state.series[**place];
            account.submissions.len() < account.full_names.len() && account.dropped.is_none()
        });
        let place = *lacking.or(places.last())?;
        state.series.get_mut(place)
    }

    /// Adds something submitted to the account of its series, if that is kept.
    fn made(&mut self, series: SeriesId, recorded: &Recorded, contexts: &Contexts) {
        let entries = document::submissions(recorded, contexts).into_iter();
        if let Some(account) = self.account(series) {
            return account.submissions.extend(entries);
        }
        if self.is_figure(series) {
            let wanted = entries.filter(|entry| self.is_own_wanted(entry["name"].as_str().unwrap_or_default()));
            let wanted: Vec<Value> = wanted.collect();
            self.state.own.extend(wanted);
        }
    }

    /// Whether a series stands for figures about the scrape, and not for anything exposed: no sample came of it.
    fn is_figure(&self, series: SeriesId) -> bool {
        !self.state.places.contains_key(&series)
    }

    fn stage(&mut self, stage: Stage) {
        match &mut self.state.open {
            Some(open) => open.stages.push(stage),
            None => self.state.family.stages.push(stage),
        }
    }

    fn selected(&mut self, key: &str) {
        let place = self.teller.instance.metrics.iter().position(|rule| rule.matcher.as_str() == key);
        self.state.seen.selected.extend(place);
        match &mut self.state.open {
            Some(open) => open.selected = place,
            None => self.state.family.selected = place,
        }
    }

    fn known_as(&mut self, name: &str) {
        let known = match &mut self.state.open {
            Some(open) => &mut open.known,
            None => &mut self.state.family.known,
        };
        name.clone_into(known);
    }

    fn dropped(&mut self, reason: DropReason) {
        let account = match (self.state.resumed.take(), &mut self.state.open) {
            (_, Some(open)) => Some(open),
            (Some(series), None) => self.account(series),
            (None, None) => None,
        };
        if let Some(account) = account {
            account.dropped.get_or_insert(Dropped { reason, hints: Vec::new() });
        }
    }
}

/// What the aggregator did not take, if it did not take something of a series that matches.
fn refused(series: &[SeriesAccount], contribution: &Contribution) -> Option<Hint> {
    let grows =
        |entry: &Value| ["monotonic_count", "rate", "histogram_bucket"].iter().any(|kind| entry["type"] == *kind);
    let is_lost = |series: &SeriesAccount| series.growth.is_none() && series.submissions.iter().any(grows);
    let reasons: Vec<String> = contribution
        .refused
        .iter()
        .map(|(reason, count)| format!("{count} for the reason `{}`", reason.as_str()))
        .collect();
    (series.iter().any(is_lost) && !reasons.is_empty()).then(|| {
        Hint::new(format!(
            "Some of what was submitted cannot be made into points, so that Datadog does not get it. Of the whole scrape: {}.",
            reasons.join(", ")
        ))
    })
}

impl Trace for Listener {
    fn family(&mut self, family: &Family) {
        self.state.seen.name(&family.name, &family.name, family.metric_type);
        let name = family.name.clone();
        self.state.family = OpenFamily { known: name.clone(), name, selected: None, stages: Vec::new() };
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        let labels = sample.labels.iter();
        let labels: BTreeMap<String, String> =
            labels.map(|label| (label.name.text().into_owned(), label.value.text().into_owned())).collect();
        let open = &self.state.family;
        self.state.open = Some(SeriesAccount {
            id: None,
            series: sample.series.to_owned(),
            name: sample.name.text().into_owned(),
            labels,
            value: sample.value_text.to_owned(),
            line: sample.line.map(std::num::NonZeroU64::get),
            family: family.name.clone(),
            declared: family.declared,
            metric_type: family.metric_type,
            role: sample.role,
            known: open.known.clone(),
            selected: open.selected,
            full_names: Vec::new(),
            stages: open.stages.clone(),
            submissions: Vec::new(),
            growth: None,
            dropped: None,
        });
    }

    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Dropped(reason) => return self.dropped(reason),
            Step::Selected(rule) => self.selected(rule.matcher.as_str()),
            Step::FamilyRenamed { to: name, .. } => self.known_as(name),
            Step::Apart(name) | Step::OfFamily(name) => {
                self.known_as(name);
                self.decided_anew();
            }
            Step::Submitted(full) => {
                let family = self.state.family.name.clone();
                self.state.seen.submitted(full, &family);
                if let Some(open) = &mut self.state.open {
                    open.full_names.push(full.to_owned());
                }
            }
            Step::LeftOutByPattern(full) => {
                if let Some(open) = &mut self.state.open {
                    open.full_names.push(full.to_owned());
                }
            }
            _ => {}
        }
        if let Some(stage) = self.teller.stage(step) {
            self.stage(stage);
        }
    }

    fn sample_end(&mut self, series: Option<SeriesId>) {
        let Some(mut account) = self.state.open.take() else { return };
        self.state.resumed = None;
        self.state.seen.name(&account.name, &account.family, account.metric_type);
        account.id = series;
        account.relabeled_first();
        let wanted = self.is_wanted(&account);
        let place = self.state.series.len();
        match (wanted, &self.wanted) {
            (Some(true), _) if place < KEPT => {
                if let Some(series) = series {
                    self.state.places.entry(series).or_default().push(place);
                }
                self.state.series.push(account);
                return;
            }
            (Some(true), _) => self.state.unkept += 1,
            (Some(false), Wanted::Selector(selector)) => self.state.seen.others.add(selector, &account.labels),
            (Some(false) | None, _) => {}
        }
        // Known to be a series, and that nothing more is to be written down of it.
        if let Some(series) = series {
            self.state.places.entry(series).or_default();
        }
    }

    fn resumed(&mut self, series: SeriesId) {
        self.state.resumed = Some(series);
    }

    fn filtered_line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if self.is_in_line(&line) {
            self.state.seen.filtered(&line);
        }
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        if self.is_in_line(&diagnostic.excerpt) {
            self.state.seen.malformed(diagnostic);
        }
    }
}

impl Listener {
    fn is_in_line(&self, line: &str) -> bool {
        match (&self.wanted, &self.asked) {
            (Wanted::Everything, _) => true,
            (Wanted::Selector(_), asked) => {
                asked.as_ref().is_some_and(|asked| asked.is_in_line(line, &self.teller.instance))
            }
        }
    }

    /// What was decided about the family does not hold for the sample that is on its way.
    fn decided_anew(&mut self) {
        let Some(open) = &mut self.state.open else { return };
        open.selected = None;
        let of_family =
            [StageKind::KnownAs, StageKind::Apart, StageKind::Selected, StageKind::Transformed, StageKind::Excluded];
        open.stages.retain(|stage| !of_family.contains(&stage.kind));
    }
}

impl Accounts for Listener {
    fn account(&mut self, account: Account<'_>) {
        let Some(told) = Self::account(self, account.series) else { return };
        let is = |kind: &str| told.submissions.iter().any(|entry| entry["type"] == kind);
        let counted = match () {
            () if is(MetricKind::Rate.as_str()) => Counted::Rate,
            () if is("histogram_bucket") => Counted::Sketch,
            () => Counted::Count,
        };
        told.growth = Some(growth::account(&account, counted));
    }
}

impl Witness for Listener {
    fn accounts(&mut self) -> Option<&mut dyn Accounts> {
        Some(self)
    }
}

impl Submissions for Listener {
    fn submit(&mut self, submission: &Submission, contexts: &Contexts) {
        let series = submission.origin().series;
        if let Submission::Metric { kind: MetricKind::Gauge, context, gauges, .. } = *submission {
            self.state.collisions.gauge(context, series, gauges);
        }
        self.made(series, &Recorded::Submission(*submission), contexts);
    }

    fn native(&mut self, submission: NativeSubmission, contexts: &Contexts) {
        let series = submission.origin.series;
        self.made(series, &Recorded::Native(submission), contexts);
    }

    fn service_check(&mut self, check: ServiceCheck) {
        let Some(series) = self.state.resumed.take() else { return };
        let mut entry = document::service_check(&check);
        entry["type"] = Value::from("service_check");
        if let Some(account) = self.account(series) {
            account.submissions.push(entry);
        }
    }

    fn health(&mut self, check: ServiceCheck) {
        if self.is_own_wanted(&check.name) {
            let mut entry = document::service_check(&check);
            entry["type"] = Value::from("service_check");
            self.state.own.insert(0, entry);
        }
    }

    fn metadata(&mut self, name: &str, value: &str) {
        let Some(series) = self.state.resumed.take() else { return };
        let entry = serde_json::json!({ "type": "metadata", "name": name, "value": value });
        if let Some(account) = self.account(series) {
            account.submissions.push(entry);
        }
    }

    fn trace(&mut self) -> Option<&mut dyn Trace> {
        Some(self)
    }
}
