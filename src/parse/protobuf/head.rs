//! What a family says about itself. Its name and type may stand behind its metrics, so the whole message is looked
//! through before the first metric is read (rule B1).

use super::violation::Violation;
use super::wire::Fields;
use crate::parse::model::{Family, MetricType};

/// The field that holds a metric.
pub(super) const METRIC: u32 = 4;

/// Everything of a family but its metrics, not yet checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head<'a> {
    name: &'a [u8],
    help: &'a [u8],
    metric_type: i32,
    unit: &'a [u8],
    /// Whether there is any metric. A family without is nothing at all (rule B5).
    pub(super) has_metrics: bool,
}

impl<'a> Head<'a> {
    pub(super) fn of(message: &'a [u8]) -> Result<Self, Violation> {
        let mut head = Self::default();
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => head.name = field.bytes()?,
                2 => head.help = field.bytes()?,
                3 => head.metric_type = field.number()? as i32,
                METRIC => {
                    field.bytes()?;
                    head.has_metrics = true;
                }
                5 => head.unit = field.bytes()?,
                _ => {}
            }
        }
        Ok(head)
    }

    /// The name as well as it can be read, for messages.
    pub(super) fn shown_name(&self) -> String {
        String::from_utf8_lossy(self.name).chars().take(100).collect()
    }

    /// Writes the checked family over the one before (rules B3, B4).
    pub(super) fn describe(&self, family: &mut Family) -> Result<(), Violation> {
        let name = text(self.name, "name")?;
        if name.is_empty() {
            return Err(Violation::NoName);
        }
        family.name.clear();
        family.name.push_str(name);
        family.metric_type = metric_type(self.metric_type)?;
        family.help = Some(text(self.help, "help text")?).filter(|text| !text.is_empty()).map(str::to_owned);
        family.unit = Some(text(self.unit, "unit")?).filter(|text| !text.is_empty()).map(str::to_owned);
        family.declared = true;
        Ok(())
    }
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, Violation> {
    std::str::from_utf8(bytes).map_err(|_| Violation::Utf8(what))
}

fn metric_type(number: i32) -> Result<MetricType, Violation> {
    Ok(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => return Err(Violation::MetricType(number)),
    })
}
