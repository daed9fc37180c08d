//! In which order new series stand: what tells of the same thing together.
//!
//! An exposition has all pods in each family, so that the tags of each pod stand far from each other, and many times. What
//! a payload has of one pod has these tags once, and few payloads change when it goes.

use std::collections::HashMap;

use crate::aggregate::{Point, Slots};
use crate::slots::HEAD;

/// A tag that so many series have at least is taken for that of a thing, and not of something within.
const OF_A_THING: u32 = 16;

/// Orders points, given by their places: those whose rarest tag that is not too rare is the same stand where the first of
/// them did.
pub(super) fn arrange(places: &mut [u32], points: &[Point], slots: &Slots) {
    let mut firsts = HashMap::new();
    let mut keyed: Vec<(u32, u32)> = places
        .iter()
        .map(|&place| {
            let tags = &slots.numbers(points[place as usize].series)[HEAD..];
            let shared =
                tags.iter().map(|&tag| (slots.text_holders(tag), tag)).filter(|(holders, _)| *holders >= OF_A_THING);
            let first = shared.min().map_or(place, |(_, tag)| *firsts.entry(tag).or_insert(place));
            (first, place)
        })
        .collect();
    keyed.sort_unstable();
    for (place, (_, of)) in places.iter_mut().zip(keyed) {
        *place = of;
    }
}
