//! The catalogue as `metadata.csv`, the form in which Datadog's integrations describe their metrics.

use std::fmt::Write as _;

use super::catalogue::Catalogue;

const COLUMNS: &str = "metric_name,metric_type,interval,unit_name,per_unit_name,description,orientation,integration,\
                       short_name,curated_metric,sample_tags";

/// One line for each metric. An integration is named as the namespace is.
pub(crate) fn csv(catalogue: &Catalogue) -> String {
    let mut text = format!("{COLUMNS}\n");
    for (name, metric) in &catalogue.metrics {
        let facts = &metric.facts;
        let unit = facts.unit.map_or("", crate::unit::Unit::name);
        let description = field(facts.description.as_deref().unwrap_or_default());
        let _ =
            writeln!(text, "{name},{},,{unit},,{description},0,{},,,", facts.stored.as_str(), field(&metric.namespace));
    }
    text
}

/// A field, in quotes where it needs them.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
