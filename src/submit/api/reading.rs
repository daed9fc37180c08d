//! Points that are told together with others: how their series stand in their entries, and what tells them.

use crate::aggregate::{Batch, Point, SeriesRef, SlotId, Slots};
use crate::submit::encode::{DEVICE, Form, PointEncoder, Reading};
use crate::submit::enrich::Enricher;
use crate::submit::name;

/// The bits of a remark about a series that tell its form; the others are those of the enricher that it is about.
const FORMS: u32 = 3;

/// What tells the points of a batch.
pub(super) fn encoder<'s>(batch: &Batch, slots: &'s Slots, enricher: &Enricher) -> PointEncoder<'s> {
    PointEncoder::new(slots, enricher.host(""), enricher.more_tags(), batch.timestamp, batch.interval)
}

/// What is told of a point; none if it needs repair, or cannot be told.
pub(super) fn reading(point: &Point, slots: &Slots, enricher: &Enricher) -> Option<Reading> {
    let Point { series, kind, value } = *point;
    let form = form(slots, series, enricher).0.filter(|_| value.is_finite())?;
    Some(Reading { series, form, kind, value, unit: enricher.unit(slots.unit(series)) })
}

/// How a series stands in its entry, the further tags behind its own; none if it needs repair. That is found out once:
/// also tells whether it was known, which it is not of a new series.
pub(super) fn form(slots: &Slots, series: SlotId, enricher: &Enricher) -> (Option<Form>, bool) {
    let (remark, fingerprint) = (slots.remark(series), enricher.fingerprint() & !FORMS);
    if remark & !FORMS == fingerprint {
        return (Form::from_number(remark & FORMS), true);
    }
    let form = find_form(slots.get(series), enricher);
    slots.note(series, fingerprint | form.map_or(0, Form::number));
    (form, false)
}

fn find_form(series: SeriesRef<'_>, enricher: &Enricher) -> Option<Form> {
    let is_device = |tag: &str| tag.starts_with(DEVICE);
    let is_kept = name::metric_name(series.metric).is_some_and(|name| name == series.metric)
        && series.tags.iter().all(|tag| name::cut(tag).len() == tag.len())
        && !enricher.more_tags().iter().any(|tag| is_device(tag));
    let repeats = || enricher.more_tags().iter().any(|tag| series.tags.contains(tag));
    let is_short = |text: &str| text.len() < 1 << 7;
    is_kept.then(|| {
        if series.tags.iter().any(is_device) || repeats() {
            Form::Edited
        } else if is_short(series.metric) && series.tags.iter().all(is_short) {
            Form::Short
        } else {
            Form::Long
        }
    })
}
