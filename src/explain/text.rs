//! Prints an explanation for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::model::{Explanation, GrowthAccount, Hint, ScrapeAccount, SeriesAccount, Stage, StageKind};
use super::source::Rule;
use super::stage::a_type;
use crate::aggregate::Growth;
use crate::parse::Role;
use crate::terminal::{BAD, CODE, FAINT, GOOD, NOTE, Styled, TITLE, one_line, wrapped};

/// How wide lines of sentences are.
const WIDTH: usize = 110;
/// Where the second column begins.
const INDENT: usize = 13;
/// How many series with the same road are named.
const NAMED: usize = 5;

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// One series in full for each road, and the others by name.
    EachRoad,
    /// Every series in full.
    EachSeries,
}

/// An explanation as text, with the escapes of terminals for colours. `subject` names what is explained; nothing where
/// everything is.
pub fn text(explanation: &Explanation, subject: Option<&str>, detail: Detail) -> String {
    let mut printer = Printer { text: String::new(), detail, quoted: None };
    let place = explanation.at.map(|at| format!(" ({}:{})", explanation.file, at.line)).unwrap_or_default();
    printer.line(&format!("{}{}", Styled(TITLE, &explanation.endpoint), Styled(FAINT, place)));
    if let Some(error) = &explanation.error {
        printer.row("not scraped", BAD, error);
    }
    for scrape in &explanation.scrapes {
        if explanation.scraped > 1 {
            if scrape.number > 1 && explanation.scrapes.len() > 1 {
                printer.line("");
            }
            printer.line(&format!("scrape {} of {}", scrape.number, explanation.scraped));
        }
        printer.scrape(scrape, subject);
    }
    let waits = |scrape: &ScrapeAccount| scrape.series.iter().any(SeriesAccount::is_first_reading);
    if explanation.scraped == 1 && explanation.scrapes.iter().any(waits) {
        printer.line("");
        printer.row(
            "note",
            NOTE,
            "Growth lies between two scrapes, and this was one. To see it, record several with `retriever record`, and name \
             each with `--fixture`.",
        );
    }
    printer.text
}

struct Printer {
    text: String,
    detail: Detail,
    /// The entry that was quoted last, which need not be quoted again at once.
    quoted: Option<Rule>,
}

impl Printer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A heading and sentences beside it, as many lines as they need.
    fn row(&mut self, heading: &str, style: anstyle::Style, sentences: &str) {
        let gap = " ".repeat((INDENT - 2).saturating_sub(heading.chars().count()).max(1));
        let mut lines = wrapped(sentences, WIDTH - INDENT).into_iter();
        let first = lines.next().unwrap_or_default();
        self.line(&format!("  {}{gap}{first}", Styled(style, heading)));
        for line in lines {
            self.line(&format!("{:INDENT$}{line}", ""));
        }
    }

    /// More of the row above.
    fn more(&mut self, line: &str) {
        self.line(&format!("{:INDENT$}{line}", ""));
    }

    fn rule(&mut self, rule: &Rule) {
        if self.quoted.as_ref() == Some(rule) {
            return;
        }
        self.quoted = Some(rule.clone());
        let mut lines = rule.text.lines();
        let place = format!("{}:{}:{}:", rule.file, rule.at.line, rule.at.column);
        let first = lines.next().unwrap_or_default();
        self.more(&format!("{} {}", Styled(FAINT, &place), Styled(CODE, first)));
        for line in lines {
            self.more(&format!("{:1$} {2}", "", place.chars().count(), Styled(CODE, line)));
        }
    }

    fn hint(&mut self, heading: &str, style: anstyle::Style, hint: &Hint) {
        self.row(heading, style, &hint.text);
        if let Some(rule) = &hint.rule {
            self.rule(rule);
        }
        for line in hint.write.iter().flat_map(|settings| settings.lines()) {
            self.more(&format!("    {}", Styled(CODE, line)));
        }
    }

    fn hints(&mut self, heading: &str, style: anstyle::Style, hints: &[Hint]) {
        for (i, hint) in hints.iter().enumerate() {
            self.hint(if i == 0 { heading } else { "" }, style, hint);
        }
    }

    fn scrape(&mut self, scrape: &ScrapeAccount, subject: Option<&str>) {
        if let Some(failure) = &scrape.failure {
            self.row("FAILED", BAD, &format!("The scrape failed: {failure}"));
        }
        if let Some(ignored) = &scrape.ignored {
            self.row("FAILED", NOTE, &format!("The scrape failed, which the settings say to ignore: {ignored}"));
        }
        self.verdict(scrape, subject);
        if let Some(missing) = &scrape.missing {
            self.row("why", BAD, &missing.text);
            missing.hints.iter().for_each(|hint| self.hint("", NOTE, hint));
        }
        for own in &scrape.own {
            self.line("");
            self.line(&format!("{}", Styled(TITLE, own["name"].as_str().unwrap_or_default())));
            self.row("is", TITLE, "what Retriever says about the scrape itself; nothing that is exposed is behind it");
            self.submission(own);
        }
        let mut before: Option<&SeriesAccount> = None;
        for road in roads(&scrape.series, self.detail) {
            self.line("");
            self.series(road[0], before);
            self.others(&road[1..]);
            before = Some(road[0]);
        }
        if !scrape.notes.is_empty() {
            self.line("");
            scrape.notes.iter().for_each(|note| self.hint("note", NOTE, note));
        }
    }

    fn verdict(&mut self, scrape: &ScrapeAccount, subject: Option<&str>) {
        let subject = subject.map_or_else(String::new, |subject| format!("`{subject}`: "));
        if scrape.missing.is_some() {
            return self.line(&format!("{subject}{}", Styled(BAD, "not found")));
        }
        let count = |is: fn(&SeriesAccount) -> bool| scrape.series.iter().filter(|series| is(series)).count();
        let all = scrape.series.len();
        let submitted = count(|series| !series.submissions.is_empty());
        let not_needed = count(SeriesAccount::is_not_needed);
        let lost = all - submitted - not_needed;
        let waits = count(SeriesAccount::is_first_reading);
        let series = if all == 1 { "1 series".to_owned() } else { format!("{all} series") };
        let each = if all == 1 { "" } else { "all " };
        let state = match (submitted, not_needed, lost) {
            (0, 0, 0) => Styled(NOTE, "about the scrape itself".to_owned()),
            (0, 0, _) => {
                Styled(BAD, format!("{series}, {}", if all == 1 { "not submitted" } else { "none submitted" }))
            }
            (0, _, 0) => Styled(NOTE, format!("{series}, not needed")),
            (_, 0, 0) if waits == all => {
                Styled(NOTE, format!("{series}, {each}submitted, but nothing is sent before the next scrape"))
            }
            (_, 0, 0) => Styled(GOOD, format!("{series}, {each}submitted")),
            (_, _, 0) => Styled(GOOD, format!("{series}: {submitted} submitted, {not_needed} not needed")),
            (_, 0, _) => Styled(NOTE, format!("{series}: {submitted} submitted, {lost} not")),
            (_, _, _) => {
                Styled(NOTE, format!("{series}: {submitted} submitted, {not_needed} not needed, {lost} not submitted"))
            }
        };
        if subject.is_empty() && all == 0 {
            return;
        }
        self.line(&format!("{subject}{state}"));
        if scrape.unkept > 0 {
            let text = format!("{} more match and are not shown; ask for fewer, with labels.", scrape.unkept);
            self.row("", NOTE, &text);
        }
    }

    /// The road of a series; what it has in common with the one shown `before` is not told twice.
    fn series(&mut self, series: &SeriesAccount, before: Option<&SeriesAccount>) {
        self.quoted = None;
        let line = series.line.map_or_else(String::new, |line| format!("  (line {line})"));
        let title = format!("{} {}", one_line(&series.series), series.value);
        self.line(&format!("{}{}", Styled(TITLE, title), Styled(FAINT, line)));
        self.row("exposed", TITLE, &exposed(series));
        let [relabeled, of_family, others] = series.parts();
        for stage in relabeled {
            self.stage(stage);
        }
        if !of_family.is_empty()
            && before.is_some_and(|before| before.family == series.family && before.parts()[1] == of_family)
        {
            self.row("as above", FAINT, "selected by the same entry, and treated as the same");
        } else {
            for stage in of_family {
                self.stage(stage);
            }
        }
        let mut tags = Vec::new();
        for stage in others {
            match (stage.kind, &stage.rule, &stage.after) {
                // Those that become tags as they are share a row.
                (StageKind::Tag, None, Some(tag)) => tags.push(tag.as_str()),
                (StageKind::Name, ..) => {}
                _ => {
                    self.tags(&mut tags);
                    self.stage(stage);
                }
            }
        }
        self.tags(&mut tags);
        for submission in &series.submissions {
            self.submission(submission);
        }
        if let Some(growth) = &series.growth {
            self.growth(growth, &series.submissions);
        }
        if let Some(dropped) = &series.dropped {
            let (heading, style) = match () {
                () if series.is_not_needed() => ("not needed", FAINT),
                () if series.submissions.is_empty() => ("NOT SENT", BAD),
                () => ("in part", NOTE),
            };
            self.hints(heading, style, &dropped.hints);
        } else if series.submissions.is_empty() {
            self.row("NOT SENT", BAD, "Nothing came of it, because the scrape failed before it was complete.");
        }
    }

    fn tags(&mut self, tags: &mut Vec<&str>) {
        if !tags.is_empty() {
            let tags = std::mem::take(tags).join(", ");
            self.row("tags", TITLE, &one_line(&tags));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        let before = stage.before.as_deref().unwrap_or_default();
        let after = stage.after.as_deref().unwrap_or_default();
        let text = &stage.text;
        let (heading, sentence) = match stage.kind {
            StageKind::Relabeled => match (before, after) {
                ("", "") => ("relabeled", text.clone()),
                ("", _) => ("relabeled", format!("{text}: {after:?}")),
                (_, "") => ("relabeled", format!("{text}: it was {before:?}")),
                _ => ("relabeled", format!("{text}: {before:?} becomes {after:?}")),
            },
            StageKind::KnownAs => ("known as", format!("`{after}`: {text}")),
            StageKind::Apart => ("apart", text.clone()),
            StageKind::Excluded => ("excluded", text.clone()),
            StageKind::Selected => ("selected", text.clone()),
            StageKind::Transformed => ("becomes", text.clone()),
            StageKind::Label => match before {
                "" => ("label", format!("{text}: {after:?}")),
                _ => ("label", format!("`{before}` is `{after}` from here on: {text}")),
            },
            StageKind::NoTag => ("no tag", format!("`{before}`: {text}")),
            StageKind::Tag => ("tag", format!("`{after}` from the label `{before}`, {text}")),
            StageKind::Hostname => ("host", format!("{after}: {text}")),
            StageKind::LeftOut => ("left out", format!("`{after}`: {text}")),
            StageKind::Name => return,
        };
        self.row(heading, TITLE, &one_line(&sentence));
        if let Some(rule) = &stage.rule {
            self.rule(rule);
        }
    }

    fn submission(&mut self, entry: &Value) {
        let word = |key: &str| entry[key].as_str().map_or_else(|| number_of(&entry[key]), ToOwned::to_owned);
        let what = match entry["type"].as_str().unwrap_or_default() {
            "service_check" => format!("service check `{}`: {}", word("name"), word("status")),
            "metadata" => format!("metadata `{}`: {}", word("name"), word("value")),
            "histogram_bucket" => format!(
                "`{}`: {} observations in the bucket ({}, {}], for a distribution",
                word("name"),
                word("value"),
                word("lower_bound"),
                word("upper_bound")
            ),
            kind => format!("{} `{}`: {}", kind.replace('_', " "), word("name"), word("value")),
        };
        self.row("SUBMITTED", GOOD, &one_line(&what));
        let tags: Vec<&str> = entry["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !tags.is_empty() {
            for line in wrapped(&format!("with the tags {}", one_line(&tags.join(", "))), WIDTH - INDENT) {
                self.more(&line);
            }
        }
        if let Some(host) = entry["hostname"].as_str().filter(|host| !host.is_empty()) {
            self.more(&format!("for the host {host}"));
        }
        if let Some(message) = entry["message"].as_str().filter(|message| !message.is_empty()) {
            self.more(message);
        }
    }

    fn growth(&mut self, account: &GrowthAccount, submissions: &[Value]) {
        let GrowthAccount { previous, present, amount, text, .. } = account;
        let is_rate = submissions.iter().any(|entry| entry["type"] == "rate");
        let sum = match (previous, amount) {
            (Some(previous), Some(amount)) if is_rate => {
                format!("{} before, {} now: {} per second. ", number(*previous), number(*present), number(*amount))
            }
            (Some(previous), Some(amount)) => {
                format!("{} before, {} now: {} is sent. ", number(*previous), number(*present), number(*amount))
            }
            (Some(previous), None) => format!("{} before, {} now. ", number(*previous), number(*present)),
            (None, Some(amount)) if *amount != 0.0 => format!("{} is sent. ", number(*amount)),
            (None, _) => String::new(),
        };
        self.row("growth", TITLE, &format!("{sum}{text}."));
    }

    /// The series that went the same road, in a line each.
    fn others(&mut self, series: &[&SeriesAccount]) {
        if series.is_empty() {
            return;
        }
        let more = series.len();
        let go = if more == 1 { "goes" } else { "go" };
        self.row("likewise", FAINT, &format!("{more} more {go} the same road:"));
        for series in &series[..more.min(NAMED)] {
            let growth = series.growth.as_ref().and_then(|growth| Some((growth.previous?, growth.amount?)));
            let growth = growth.map_or_else(String::new, |(_, amount)| format!("  growth {}", number(amount)));
            self.more(&format!("{} {}{growth}", one_line(&series.series), series.value));
        }
        if more > NAMED {
            self.more(&format!("and {} more; `--all-series` shows each in full", more - NAMED));
        }
    }
}

/// Series by their road: what was decided about them, whatever their labels and values are. In order of the first of each.
fn roads(series: &[SeriesAccount], detail: Detail) -> Vec<Vec<&SeriesAccount>> {
    if detail == Detail::EachSeries {
        return series.iter().map(|series| vec![series]).collect();
    }
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut roads: Vec<Vec<&SeriesAccount>> = Vec::new();
    for one in series {
        let place = *places.entry(road(one)).or_insert_with(|| {
            roads.push(Vec::new());
            roads.len() - 1
        });
        roads[place].push(one);
    }
    roads
}

/// What makes a road another one.
fn road(series: &SeriesAccount) -> String {
    let reason = series.dropped.as_ref().map(|dropped| dropped.reason);
    let mut road = format!("{} {reason:?}", series.family);
    if !series.is_dropped_with_family() {
        let _ = write!(road, " {:?}", series.role);
    }
    for stage in &series.stages {
        let after = if stage.kind == StageKind::Tag { "" } else { stage.after.as_deref().unwrap_or_default() };
        let after = if stage.kind == StageKind::Label || stage.kind == StageKind::Hostname { "" } else { after };
        let rule = stage.rule.as_ref().map(|rule| rule.at);
        let _ = write!(road, "\n{} {after} {rule:?}", stage.kind.as_str());
    }
    for entry in &series.submissions {
        let _ = write!(road, "\n{} {}", entry["type"], entry["name"]);
    }
    let _ = write!(
        road,
        "\n{:?}",
        series.growth.as_ref().map(|account| match account.growth {
            // One event.
            Growth::ResetWithGroup => Growth::ResetByFall,
            growth => growth,
        })
    );
    road
}

fn exposed(series: &SeriesAccount) -> String {
    let part = match series.role {
        Role::Value | Role::NativeHistogram => "",
        Role::Total => "the total of ",
        Role::Created => "the start time of ",
        Role::Bucket => "a bucket of ",
        Role::Sum => "the sum of ",
        Role::Count => "the count of ",
        Role::Quantile => "a quantile of ",
        Role::Info => "the labels of ",
        Role::State => "a state of ",
    };
    let declared = if series.declared { "" } else { ", not announced by any `# TYPE` line" };
    let SeriesAccount { family, metric_type, .. } = series;
    if series.role == Role::NativeHistogram {
        return "as a native histogram".to_owned();
    }
    let is_all = part.is_empty() || series.role == Role::Total;
    if is_all && *family == series.name {
        format!("as {}{declared}", a_type(*metric_type))
    } else {
        format!("as {part}`{family}`, {}{declared}", a_type(*metric_type))
    }
}

/// A number as submitted.
fn number_of(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string())
}

/// A number for people: of what is not whole, twelve digits are enough, and the rest is what subtraction leaves.
fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    rounded.to_string()
}
