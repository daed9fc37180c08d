//! In which order the tags of contexts were submitted. Contexts whose labels have the same names mostly have the same
//! order, so each is kept once, for as long as a context has it.

use crate::lists::Lists;
use crate::slots::{HEAD, SlotId, Slots};
use crate::texts::reach;

/// Orders by their numbers: lists of places in the lists of slots.
#[derive(Debug, Default)]
pub(super) struct Orders {
    lists: Lists,
    /// By the number of the order: how many contexts have it.
    holders: Vec<u32>,
    /// What told the order that was held last, and its number.
    last: Option<(u64, u32)>,
    draft: Vec<u32>,
}

impl Orders {
    /// The number of the order of the first `count` tags that `slots` was given last, with one more holder.
    pub(super) fn hold(&mut self, slots: &Slots, count: usize) -> u32 {
        let (places, version) = slots.places();
        let id = match self.last {
            Some((known, id)) if known == version => id,
            _ => {
                self.draft.clear();
                // The name stands before the tags, so that no list is empty.
                self.draft.push(HEAD as u32 - 1);
                self.draft.extend_from_slice(&places[..count]);
                self.lists.intern(&self.draft).0
            }
        };
        self.last = Some((version, id));
        reach(&mut self.holders, id as usize, || 0);
        self.holders[id as usize] += 1;
        id
    }

    /// One holder less; the order goes with its last one.
    pub(super) fn let_go(&mut self, id: u32) {
        self.holders[id as usize] -= 1;
        if self.holders[id as usize] == 0 && self.lists.retire(id) {
            self.lists.release(id);
            self.lists.tidy();
            self.last = None;
        }
    }

    /// The numbers of the texts of the tags of a context, in this order.
    pub(super) fn tags<'o>(&'o self, id: u32, slots: &'o Slots, slot: SlotId) -> Ordered<'o> {
        let places = self.lists.get(id).get(1..).unwrap_or_default();
        Ordered { numbers: slots.numbers(slot), places }
    }
}

/// Numbers of texts in an order of their own.
#[derive(Clone, Copy)]
pub(super) struct Ordered<'o> {
    numbers: &'o [u32],
    places: &'o [u32],
}

impl<'o> Ordered<'o> {
    pub(super) fn iter(self) -> impl ExactSizeIterator<Item = u32> + Clone + use<'o> {
        self.places.iter().map(move |&place| self.numbers[place as usize])
    }
}
