//! The contexts of one target: each distinct combination of metric name, tags and host, known by a small number.
//!
//! A context is interned once and then replayed; everything downstream indexes flat arrays by its [`ContextId`].

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::texts::{Texts, make_room, put_back};
use crate::unit::Unit;

/// So few numbers that are no longer needed are not worth moving all the rest.
const FEW_NUMBERS: usize = 1024;

/// A context of one target: its place in [`Contexts`], dense from 0 and used again after the context was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(u32);

impl ContextId {
    /// The place in arrays that stand beside [`Contexts`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tag, `key:value` or bare.
pub type Tag = Arc<str>;

/// Metric name, tags and host, which make up its identity, and what is known beside.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The full name, namespace and suffix included.
    pub name: &'c str,
    /// In the order of submission, duplicates included.
    pub tags: ContextTags<'c>,
    /// Empty where the host of the submitter is meant.
    pub hostname: &'c str,
    /// What its values are measured in, if that is known.
    pub unit: Option<Unit>,
    /// Tells this use of the number from all others.
    pub birth: u64,
}

/// The tags of a context.
#[derive(Clone, Copy)]
pub struct ContextTags<'c> {
    texts: &'c Texts,
    numbers: &'c [u32],
}

impl<'c> ContextTags<'c> {
    /// One after the other, each with a number that it has in all contexts of the target, and others may have later.
    pub(crate) fn numbered(self) -> impl Iterator<Item = (u32, &'c str)> + Clone {
        self.numbers.iter().map(|&number| (number, self.texts.get(number)))
    }

    /// One after the other.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'c str> + Clone {
        self.numbers.iter().map(|&number| self.texts.get(number))
    }
}

impl fmt::Debug for ContextTags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// All contexts of one target.
#[derive(Debug, Default)]
pub struct Contexts {
    texts: Texts,
    slots: Vec<Slot>,
    /// Numbers of texts: of each context the name, the host, and the tags.
    numbers: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
    free: Vec<ContextId>,
    /// Contexts that were held by nothing at some moment since the last release.
    unheld: Vec<ContextId>,
    /// Those of the time before that, sorted.
    left_over: Vec<ContextId>,
    /// How many of `numbers` belong to no context.
    unused: usize,
    births: u64,
    /// The texts of the context that is being made.
    draft: Vec<u32>,
    /// Those of the one that was made before, with which it likely has much in common.
    previous: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u32,
    /// 0: it is no context at present.
    count: u32,
    /// How many plans submit to it.
    holders: u32,
    unit: Option<Unit>,
    birth: u64,
}

impl Slot {
    fn numbers(self, all: &[u32]) -> &[u32] {
        all.get(self.start as usize..self.start as usize + self.count as usize).unwrap_or_default()
    }
}

impl Contexts {
    /// The number of a context, given out now if it is new.
    ///
    /// # Panics
    ///
    /// With 2^32 contexts, for which there is no memory.
    pub fn intern<'t>(
        &mut self,
        name: &str,
        hostname: &str,
        tags: impl IntoIterator<Item = &'t str>,
        unit: Option<Unit>,
    ) -> ContextId {
        self.begin(name);
        for tag in tags {
            self.tag(tag);
        }
        self.end(hostname, unit)
    }

    /// Begins to make a context; its tags follow, one by one, then its end.
    pub(super) fn begin(&mut self, name: &str) {
        self.draft.clear();
        self.add(name);
        self.draft.push(0);
    }

    #[inline]
    fn add(&mut self, text: &str) {
        let number = self.number_of(text, self.draft.len());
        self.draft.push(number);
    }

    /// The number of a text that is the one at this place.
    #[inline]
    fn number_of(&mut self, text: &str, place: usize) -> u32 {
        match self.previous.get(place) {
            Some(&number) if self.texts.holds_as(number, text) => number,
            _ => self.texts.hold(text),
        }
    }

    /// Adds a tag to the context that is being made.
    pub(super) fn tag(&mut self, tag: &str) {
        self.add(tag);
    }

    /// Ends the making of a context.
    pub(super) fn end(&mut self, hostname: &str, unit: Option<Unit>) -> ContextId {
        let mut draft = std::mem::take(&mut self.draft);
        draft[1] = self.number_of(hostname, 1);
        let id = self.intern_numbers(&draft, unit);
        self.draft = std::mem::replace(&mut self.previous, draft);
        id
    }

    /// The context with those tags of another one that `keep` wants, and one more behind them, if there is one.
    pub(super) fn derive(&mut self, base: ContextId, keep: impl Fn(&str) -> bool, more: Option<&str>) -> ContextId {
        let Slot { unit, start, count, .. } = self.slots[base.index()];
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        let numbers = &self.numbers[start as usize..][..count as usize];
        let (head, tags) = numbers.split_at(2.min(numbers.len()));
        draft.extend_from_slice(head);
        draft.extend(tags.iter().copied().filter(|&tag| keep(self.texts.get(tag))));
        for &text in &draft {
            self.texts.hold_again(text);
        }
        draft.extend(more.map(|tag| self.texts.hold(tag)));
        let id = self.intern_numbers(&draft, unit);
        self.draft = draft;
        id
    }

    fn intern_numbers(&mut self, numbers: &[u32], unit: Option<Unit>) -> ContextId {
        let hash = self.hasher.hash_one(numbers);
        let (slots, all) = (&self.slots, &self.numbers);
        if let Some(&known) = self.index.find(hash, |&slot| slots[slot as usize].numbers(all) == numbers) {
            for &text in numbers {
                self.texts.let_go(text);
            }
            return ContextId(known);
        }
        self.births += 1;
        let (start, count) = (place(self.numbers.len()), place(numbers.len()));
        let slot = Slot { start, count, holders: 0, unit, birth: self.births };
        make_room(&mut self.numbers, numbers.len());
        self.numbers.extend_from_slice(numbers);
        let id = if let Some(id) = self.free.pop() {
            self.slots[id.index()] = slot;
            id
        } else {
            make_room(&mut self.slots, 1);
            self.slots.push(slot);
            ContextId(place(self.slots.len() - 1))
        };
        let (slots, all, hasher) = (&self.slots, &self.numbers, &self.hasher);
        self.index.insert_unique(hash, id.0, |&slot| hasher.hash_one(slots[slot as usize].numbers(all)));
        id
    }

    /// The context behind a number.
    ///
    /// # Panics
    ///
    /// When [`Contexts::intern`] did not give out the number, or it was released since.
    pub fn get(&self, id: ContextId) -> Context<'_> {
        let slot = &self.slots[id.index()];
        let [name, hostname, tags @ ..] = slot.numbers(&self.numbers) else {
            panic!("a context is asked for between its interning and its release")
        };
        Context {
            name: self.texts.get(*name),
            tags: ContextTags { texts: &self.texts, numbers: tags },
            hostname: self.texts.get(*hostname),
            unit: slot.unit,
            birth: slot.birth,
        }
    }

    /// What tells this use of a number from all others; 0 if it is not used.
    #[inline]
    pub(crate) fn birth(&self, id: ContextId) -> u64 {
        self.slots.get(id.index()).map_or(0, |slot| slot.birth)
    }

    /// Notes that a plan submits to a context.
    pub(crate) fn hold(&mut self, id: ContextId) {
        self.slots[id.index()].holders += 1;
    }

    /// Notes that a plan no longer submits to a context.
    pub(crate) fn let_go(&mut self, id: ContextId) {
        let slot = &mut self.slots[id.index()];
        slot.holders = slot.holders.saturating_sub(1);
        if slot.holders == 0 {
            self.unheld.push(id);
        }
    }

    /// Forgets the contexts that no plan has submitted to since the call before, and tells their numbers. What was
    /// submitted since can still be looked up, also where the plan that did it was replaced by another.
    pub(crate) fn release_unheld(&mut self) -> Vec<ContextId> {
        let mut unheld = std::mem::take(&mut self.unheld);
        unheld.sort_unstable();
        unheld.dedup();
        let mut released = std::mem::replace(&mut self.left_over, unheld);
        let is_unheld = |id: &ContextId| {
            let slot = &self.slots[id.index()];
            slot.count > 0 && slot.holders == 0
        };
        released.retain(|id| is_unheld(id) && self.left_over.binary_search(id).is_err());
        self.release(released.iter().copied());
        released
    }

    /// Forgets contexts; their numbers will be given out again.
    pub fn release(&mut self, ids: impl IntoIterator<Item = ContextId>) {
        for id in ids {
            let numbers = self.slots[id.index()].numbers(&self.numbers);
            if numbers.is_empty() {
                continue;
            }
            let hash = self.hasher.hash_one(numbers);
            if let Ok(found) = self.index.find_entry(hash, |&other| other == id.0) {
                found.remove();
            }
            for &text in numbers {
                self.texts.let_go(text);
            }
            self.unused += numbers.len();
            let slot = &mut self.slots[id.index()];
            (slot.count, slot.birth) = (0, 0);
            self.free.push(id);
        }
        self.texts.tidy();
        if self.unused > self.numbers.len() / 3 + FEW_NUMBERS {
            self.tidy();
        }
    }

    /// Closes the gaps between the numbers of contexts.
    fn tidy(&mut self) {
        let mut numbers = Vec::with_capacity(self.numbers.len() - self.unused);
        for slot in &mut self.slots {
            let start = place(numbers.len());
            numbers.extend_from_slice(slot.numbers(&self.numbers));
            slot.start = start;
        }
        let is_little = numbers.len() < self.numbers.capacity() / 4;
        put_back(&mut self.numbers, numbers, is_little);
        self.unused = 0;
    }

    /// How many contexts are known.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no context is known.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 contexts, and texts of contexts, fit in memory")
}
