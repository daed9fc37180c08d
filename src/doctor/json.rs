//! Diagnoses for programs. The form is described in `docs/doctor.md`.

use serde_json::{Value, json};

use super::model::{Diagnosis, Outcome, Step};

/// All of them in one document.
pub(crate) fn json(targets: &[Diagnosis], deliveries: &[Diagnosis]) -> Value {
    let outcome = targets.iter().chain(deliveries).map(Diagnosis::outcome).max();
    json!({
        "outcome": word(outcome.unwrap_or(Outcome::Fine)),
        "targets": targets.iter().map(diagnosis).collect::<Value>(),
        "delivery": deliveries.first().map(diagnosis),
        "deliveries": deliveries.iter().map(diagnosis).collect::<Value>(),
    })
}

fn diagnosis(diagnosis: &Diagnosis) -> Value {
    json!({
        "url": diagnosis.title,
        "place": diagnosis.place,
        "outcome": word(diagnosis.outcome()),
        "first_failure": diagnosis.first_failure().map(|step| step.kind.as_str()),
        "steps": diagnosis.steps.iter().map(step).collect::<Value>(),
    })
}

/// How a whole way went; steps that are not needed say nothing about it.
fn word(outcome: Outcome) -> &'static str {
    outcome.max(Outcome::Fine).as_str()
}

fn step(step: &Step) -> Value {
    json!({
        "step": step.kind.as_str(),
        "outcome": step.outcome.as_str(),
        "text": step.text,
        "details": step.details,
        "advice": step.advice,
        "seconds": step.took.map(|took| took.as_secs_f64()),
        "facts": step.facts,
    })
}
