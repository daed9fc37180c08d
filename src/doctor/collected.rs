//! The steps behind the answer: what can be read of the body, and what the settings collect of it.

use serde_json::{Map, Value};

use super::model::{Outcome, Step, StepKind};
use super::words::counted;
use crate::map::DropReason;
use crate::pipeline::{Failure, Recorder, Report, Stage};
use crate::road::Contribution;

/// How many reasons for what is not submitted are named.
const REASONS: usize = 4;

/// Why the body broke off, if it did.
pub(super) fn broken_body(report: &Report) -> Option<String> {
    let failure = report.failure.as_ref().or(report.ignored.as_ref())?;
    matches!(failure.stage, Stage::Body).then(|| without_url(failure))
}

/// What can be read; `redirected`: whether the answer came from another place than the URL.
pub(super) fn reading(report: &Report, redirected: bool) -> Step {
    let totals = &report.totals;
    let found = format!("{} and {}", counted(totals.families, "family"), counted(totals.samples, "sample"));
    let failure = report.failure.as_ref().filter(|failure| failure.stage == Stage::Exposition);
    let mut step = match failure {
        Some(failure) => {
            let step = Step::failed_with(StepKind::Reading, &without_url(failure));
            let step = if totals.samples > 0 { step.detail(format!("Before that, {found} were read.")) } else { step };
            if redirected {
                step.advise("the answer came from elsewhere after a redirect, which is how a login page shows itself")
            } else {
                step
            }
        }
        None if totals.malformed > 0 => {
            let lines = counted(totals.malformed, "line");
            let are = if totals.malformed == 1 { "is" } else { "are" };
            Step::failed(StepKind::Reading, format!("{lines} cannot be read and {are} lost; the rest is {found}"))
                .advise("have the exporter corrected; `retriever parse` shows each such line")
        }
        None if totals.samples == 0 => Step::warning(StepKind::Reading, "there is no sample in it")
            .advise("check that this is the URL of the metrics, and that the exporter has something to expose"),
        None => Step::fine(StepKind::Reading, format!("{found}; every line is in order")),
    };
    if let Some(diagnostic) = report.told_diagnostics().first() {
        step = step.detail(diagnostic.to_string());
    }
    step.fact("families", totals.families).fact("samples", totals.samples).fact("malformed_lines", totals.malformed)
}

/// What the settings, which are those of `file`, make of it.
pub(super) fn collected(contribution: &Contribution, recorder: &Recorder, file: &str) -> Step {
    let report = &contribution.report;
    let submitted = recorder.submissions.len() as u64;
    let dropped: Vec<(DropReason, u64)> = {
        let mut dropped: Vec<_> = report.dropped.iter().collect();
        dropped.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        dropped
    };
    let lost: u64 = dropped.iter().map(|(_, count)| count).sum();
    let values = counted(submitted, "value");
    let mut step = if let Some(failure) = report.failure.as_ref().filter(|failure| failure.stage == Stage::Mapping) {
        Step::failed_with(StepKind::Collected, &without_url(failure))
    } else if submitted == 0 && report.totals.samples > 0 {
        let none = dropped.first().is_some_and(|(reason, _)| *reason == DropReason::NotSelected);
        let advice = if none { "no entry of `metrics` matches what is exposed" } else { "everything is left out" };
        Step::failed(StepKind::Collected, "nothing of it is submitted")
            .advise(format!("{advice}: `retriever explain {file} NAME` tells of a metric why, and what to write"))
    } else {
        Step::fine(StepKind::Collected, format!("{values} {} submitted", if submitted == 1 { "is" } else { "are" }))
    };
    if lost > 0 {
        let mut reasons: Vec<String> =
            dropped.iter().take(REASONS).map(|(reason, count)| format!("{} ({count})", reason.as_str())).collect();
        if dropped.len() > REASONS {
            reasons.push("and more".to_owned());
        }
        step = step.detail(format!("Left out: {}.", reasons.join(", ")));
    }
    if report.dropped.of(DropReason::Limited) > 0 {
        step = step.at_least(Outcome::Warning).advise(
            "`max_returned_metrics` is reached: raise it, or collect less with `metrics` and `exclude_metrics`",
        );
    }
    if contribution.collisions.replaced > 0 {
        let count = counted(contribution.collisions.replaced, "gauge");
        step = step.at_least(Outcome::Warning).advise(format!(
            "{count} with the same name and tags replace each other: keep a label that tells them apart, or set `gauge_aggregation`"
        ));
    }
    if step.outcome != Outcome::Failed && lost > 0 {
        step = step.detail(format!("`retriever explain {file} NAME` tells of each metric why."));
    }
    let reasons: Map<String, Value> =
        dropped.iter().map(|(reason, count)| (reason.as_str().to_owned(), (*count).into())).collect();
    step.fact("submitted", submitted).fact("dropped", reasons)
}

/// The message of a failure, whose place is known here.
fn without_url(failure: &Failure) -> String {
    let message = &failure.message;
    message.split_once("` cannot be scraped: ").map_or(message.as_str(), |(_, problem)| problem).to_owned()
}
