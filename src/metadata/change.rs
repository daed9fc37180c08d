//! What has to be changed of what Datadog knows of a metric.

use serde_json::{Map, Value};

use super::catalogue::{Facts, StoredAs};

/// Fields that somebody may have set in Datadog and that are sent along with changes, so that they stay whatever the API
/// makes of a field that is missing.
const KEPT: [&str; 6] = ["description", "per_unit", "short_name", "statsd_interval", "type", "unit"];

/// A field that gets another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) field: &'static str,
    /// None: it had no value.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

/// The fields in which what is known differs from what a target says. What it says nothing about stays.
pub(crate) fn edits(facts: &Facts, known: &Value) -> Vec<Edit> {
    // A distribution is one by the way it is sent.
    let stored = (facts.stored != StoredAs::Distribution).then(|| facts.stored.as_str().to_owned());
    let fields = [
        ("type", stored),
        ("unit", facts.unit.map(|unit| unit.name().to_owned())),
        ("description", facts.description.clone()),
    ];
    let edits = fields.into_iter().filter_map(|(field, to)| {
        let (to, from) = (to?, known[field].as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned));
        (from.as_deref() != Some(&*to)).then_some(Edit { field, from, to })
    });
    edits.collect()
}

/// The body that makes the changes.
pub(crate) fn body(edits: &[Edit], known: &Value) -> Value {
    let kept = KEPT.into_iter().filter(|field| !known[field].is_null());
    let mut body: Map<_, _> = kept.map(|field| (field.to_owned(), known[field].clone())).collect();
    for Edit { field, to, .. } in edits {
        body.insert((*field).to_owned(), Value::from(to.as_str()));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::unit::Unit;

    fn facts(stored: StoredAs) -> Facts {
        Facts { stored, unit: Some(Unit::SECOND), description: Some("Time.".to_owned()) }
    }

    #[test]
    fn only_what_differs_is_changed_and_the_rest_is_kept() {
        let known = json!({"type": "gauge", "unit": "second", "description": "", "short_name": "t", "per_unit": null});
        let edits_of_gauge = edits(&facts(StoredAs::Gauge), &known);
        assert_eq!(edits_of_gauge, [Edit { field: "description", from: None, to: "Time.".to_owned() }]);
        let body = body(&edits_of_gauge, &known);
        assert_eq!(body, json!({"type": "gauge", "unit": "second", "description": "Time.", "short_name": "t"}));
        assert_eq!(edits(&facts(StoredAs::Count), &json!({})).len(), 3);
        assert_eq!(edits(&facts(StoredAs::Distribution), &json!({"unit": "second", "description": "Time."})), []);
        let silent = Facts { stored: StoredAs::Gauge, unit: None, description: None };
        assert_eq!(edits(&silent, &json!({"type": "gauge", "unit": "byte", "description": "Theirs"})), []);
    }
}
