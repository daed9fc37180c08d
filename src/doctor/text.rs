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
    let mut lines = vec![Styled(TITLE, "Result").to_string()];
    for diagnosis in diagnoses {
        let outcome = diagnosis.outcome();
        let (word, style) = mark(outcome);
        let note = if outcome == Outcome::NotNeeded { " (not looked at)" } else { "" };
        lines.push(format!("  {}{}{note}", padded(word, style, 6), diagnosis.title));
        let worst = [Outcome::Failed, Outcome::Warning].into_iter().find(|&bad| bad == outcome);
        for step in diagnosis.steps.iter().filter(|step| Some(step.outcome) == worst) {
            let text = format!("{}: {}", step.kind.as_str(), sentence(&step.text));
            lines.extend(wrapped(&text, WIDTH).into_iter().map(|line| format!("        {line}")));
        }
    }
    lines.join("\n") + "\n"
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
    let lines = wrapped(found, WIDTH).join(&format!("\n{:INDENT$}", ""));
    let heading = padded(heading, Style::new(), INDENT - 8);
    text.extend(["  ", &padded(word, style, 6), &heading, &lines, &Styled(FAINT, took).to_string(), "\n"]);
}

/// More of the row above; with a style it is what to do, behind an arrow.
fn more(text: &mut String, sentences: &str, style: Option<Style>) {
    let indent = " ".repeat(INDENT);
    for (i, line) in wrapped(sentences, WIDTH - 3).into_iter().enumerate() {
        let before = match style {
            Some(style) if i == 0 => format!("{} ", Styled(style, "->")),
            Some(_) => "   ".to_owned(),
            None => String::new(),
        };
        text.extend([&indent, &before, &line, "\n"]);
    }
}

fn padded(word: &str, style: Style, width: usize) -> String {
    format!("{}{}", Styled(style, word), " ".repeat(width.saturating_sub(word.chars().count()).max(1)))
}
