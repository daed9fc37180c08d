//! Prints diagnoses for people, who may be tired.

use anstyle::Style;

use super::model::{Diagnosis, Outcome, Step};
use super::words::{duration, sentence};
use crate::terminal::{BAD, FAINT, GOOD, NOTE, Styled, TITLE, wrapped};

/// Where what was found begins.
const INDENT: usize = 21;
/// How wide it is.
const WIDTH: usize = 100;

/// A diagnosis as text, with the escapes of terminals for colours.
pub(crate) fn text(diagnosis: &Diagnosis) -> String {
    let place = diagnosis.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let mut text = format!("{}{}\n", Styled(TITLE, &diagnosis.title), Styled(FAINT, place));
    for step in diagnosis.steps.iter().filter(|step| step.outcome != Outcome::NotTried) {
        print(&mut text, step);
    }
    let left: Vec<&str> = diagnosis
        .steps
        .iter()
        .filter(|step| step.outcome == Outcome::NotTried)
        .map(|step| step.kind.as_str())
        .collect();
    if !left.is_empty() {
        let (word, style) = mark(Outcome::NotTried);
        row(&mut text, word, style, "not tried", &left.join(", "), "");
    }
    text
}

/// How all ended, a line for each.
pub(crate) fn summary(diagnoses: &[Diagnosis]) -> String {
    let mut text = format!("{}\n", Styled(TITLE, "Result"));
    for diagnosis in diagnoses {
        let (word, style) = mark(diagnosis.outcome());
        let note = if diagnosis.outcome() == Outcome::NotNeeded { " (not looked at)" } else { "" };
        text.push_str(&format!("  {}{}{note}\n", padded(word, style, 6), diagnosis.title));
        let shown = diagnosis.steps.iter().filter(|step| match diagnosis.outcome() {
            Outcome::Failed => step.outcome == Outcome::Failed,
            _ => step.outcome == Outcome::Warning,
        });
        for step in shown {
            for line in wrapped(&format!("{}: {}", step.kind.as_str(), sentence(&step.text)), WIDTH) {
                text.push_str(&format!("        {line}\n"));
            }
        }
    }
    text
}

fn mark(outcome: Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::NotNeeded | Outcome::NotTried => ("-", FAINT),
        Outcome::Fine => ("ok", GOOD),
        Outcome::Warning => ("WARN", NOTE),
        Outcome::Failed => ("FAIL", BAD),
    }
}

fn print(text: &mut String, step: &Step) {
    let (word, style) = mark(step.outcome);
    let found = match step.outcome {
        Outcome::Failed | Outcome::Warning => sentence(&step.text),
        _ => step.text.clone(),
    };
    let took = step.took.map(|took| format!("  ({})", duration(took))).unwrap_or_default();
    row(text, word, style, step.kind.as_str(), &found, &took);
    for detail in &step.details {
        more(text, detail, None);
    }
    for advice in &step.advice {
        more(text, &sentence(advice), Some(NOTE));
    }
}

fn row(text: &mut String, word: &str, style: Style, heading: &str, found: &str, took: &str) {
    let mut lines = wrapped(found, WIDTH).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.collect();
    let took = Styled(FAINT, took);
    let gap = INDENT - 8;
    text.push_str(&format!("  {}{}{first}", padded(word, style, 6), padded(heading, Style::new(), gap)));
    for line in rest {
        text.push_str(&format!("\n{:INDENT$}{line}", ""));
    }
    text.push_str(&format!("{took}\n"));
}

/// More of the row above; with a style it is what to do, behind an arrow.
fn more(text: &mut String, sentences: &str, style: Option<Style>) {
    for (i, line) in wrapped(sentences, WIDTH - 3).into_iter().enumerate() {
        match style {
            Some(style) if i == 0 => text.push_str(&format!("{:INDENT$}{} {line}\n", "", Styled(style, "->"))),
            Some(_) => text.push_str(&format!("{:INDENT$}   {line}\n", "")),
            None => text.push_str(&format!("{:INDENT$}{line}\n", "")),
        }
    }
}

fn padded(word: &str, style: Style, width: usize) -> String {
    format!("{}{}", Styled(style, word), " ".repeat(width.saturating_sub(word.chars().count()).max(1)))
}
