//! The contexts of one target: each distinct combination of metric name, tags and host, known by a small number.
//!
//! A context is interned once and then replayed; everything downstream indexes flat arrays by its [`ContextId`].

use std::fmt;
use std::sync::Arc;

use crate::lists::Lists;
use crate::texts::{Texts, reach};
use crate::unit::Unit;

/// Stands for no text.
const NOTHING: u32 = u32::MAX;

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
    pub birth: u32,
}

/// The tags of a context.
#[derive(Clone, Copy)]
pub struct ContextTags<'c> {
    texts: &'c Texts,
    numbers: &'c [u32],
}

impl<'c> ContextTags<'c> {
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
    /// Numbers of texts: of each context the name, the host, and the tags.
    lists: Lists,
    /// By the number of the context.
    uses: Vec<Use>,
    /// Contexts that were held by nothing at some moment since the last release.
    unheld: Vec<ContextId>,
    /// Those of the time before that, sorted.
    left_over: Vec<ContextId>,
    births: u32,
    /// The texts of the context that is being made.
    draft: Vec<u32>,
    /// Those of the one that was made before, with which it likely has much in common.
    previous: Vec<u32>,
    /// By the number of a text: the one that last stood in its place after it. Families mostly go through the same things
    /// in the same order.
    followers: Vec<u32>,
    /// Room for a tag.
    text: String,
}

/// A present use of a number.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// How many plans submit to the context.
    holders: u32,
    /// 0: it is no context at present.
    birth: u32,
    unit: Option<Unit>,
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

    fn add(&mut self, text: &str) {
        let number = self.number_of(text, self.draft.len());
        self.draft.push(number);
    }

    /// The number of a text in this place, with one more holder.
    fn number_of(&mut self, text: &str, place: usize) -> u32 {
        self.likely(place, |known| known == text).unwrap_or_else(|| self.other(place, text))
    }

    /// The number of the text in this place, if it is again the one of the context before, or the one that followed that
    /// the last time.
    #[inline]
    fn likely(&mut self, place: usize, is_it: impl Fn(&str) -> bool) -> Option<u32> {
        let before = *self.previous.get(place)?;
        if self.texts.holds_if(before, &is_it) {
            return Some(before);
        }
        let follower = *self.followers.get(before as usize)?;
        self.texts.holds_if(follower, &is_it).then_some(follower)
    }

    /// The number of a text that is not the likely one in its place.
    fn other(&mut self, place: usize, text: &str) -> u32 {
        let number = self.texts.hold(text);
        if let Some(&before) = self.previous.get(place) {
            reach(&mut self.followers, before as usize, || NOTHING);
            self.followers[before as usize] = number;
        }
        number
    }

    /// Adds a tag to the context that is being made.
    pub(super) fn tag(&mut self, tag: &str) {
        self.add(tag);
    }

    /// Adds a tag of a key and a value to the context that is being made.
    #[inline]
    pub(super) fn tag_of(&mut self, key: &str, value: &str) {
        let place = self.draft.len();
        let is_it = |known: &str| {
            let (known, split) = (known.as_bytes(), key.len());
            known.len() == split + 1 + value.len()
                && known[split] == b':'
                && known[split + 1..] == *value.as_bytes()
                && known[..split] == *key.as_bytes()
        };
        let number = self.likely(place, is_it).unwrap_or_else(|| {
            let mut text = std::mem::take(&mut self.text);
            text.clear();
            text.push_str(key);
            text.push(':');
            text.push_str(value);
            let number = self.other(place, &text);
            self.text = text;
            number
        });
        self.draft.push(number);
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
        let unit = self.uses[base.index()].unit;
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        let numbers = self.lists.get(base.0);
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
        let (id, is_new) = self.lists.intern(numbers);
        if is_new {
            self.births = self.births.wrapping_add(1).max(1);
            reach(&mut self.uses, id as usize, || Use { holders: 0, birth: 0, unit: None });
            self.uses[id as usize] = Use { holders: 0, birth: self.births, unit };
        } else {
            for &text in numbers {
                self.texts.let_go(text);
            }
        }
        ContextId(id)
    }

    /// The context behind a number.
    ///
    /// # Panics
    ///
    /// When [`Contexts::intern`] did not give out the number, or it was released since.
    pub fn get(&self, id: ContextId) -> Context<'_> {
        let [name, hostname, tags @ ..] = self.lists.get(id.0) else {
            panic!("a context is asked for between its interning and its release")
        };
        let Use { birth, unit, .. } = self.uses[id.index()];
        Context {
            name: self.texts.get(*name),
            tags: ContextTags { texts: &self.texts, numbers: tags },
            hostname: self.texts.get(*hostname),
            unit,
            birth,
        }
    }

    /// The texts of contexts.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The numbers of the texts of a context: its name, its host and its tags.
    pub(crate) fn numbers(&self, id: ContextId) -> &[u32] {
        self.lists.get(id.0)
    }

    /// What tells this use of a number from all others; 0 if it is not used.
    #[inline]
    pub(crate) fn birth(&self, id: ContextId) -> u32 {
        self.uses.get(id.index()).map_or(0, |known| known.birth)
    }

    /// Notes that a plan submits to a context.
    pub(crate) fn hold(&mut self, id: ContextId) {
        self.uses[id.index()].holders += 1;
    }

    /// Notes that a plan no longer submits to a context.
    pub(crate) fn let_go(&mut self, id: ContextId) {
        let known = &mut self.uses[id.index()];
        known.holders = known.holders.saturating_sub(1);
        if known.holders == 0 {
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
            let known = &self.uses[id.index()];
            known.birth != 0 && known.holders == 0
        };
        released.retain(|id| is_unheld(id) && self.left_over.binary_search(id).is_err());
        self.release(released.iter().copied());
        released
    }

    /// Forgets contexts; their numbers will be given out again.
    pub fn release(&mut self, ids: impl IntoIterator<Item = ContextId>) {
        for id in ids {
            if !self.lists.retire(id.0) {
                continue;
            }
            for &text in self.lists.get(id.0) {
                self.texts.let_go(text);
            }
            self.lists.release(id.0);
            self.uses[id.index()].birth = 0;
        }
        self.texts.tidy();
        self.lists.tidy();
    }

    /// How many contexts are known.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether no context is known.
    pub fn is_empty(&self) -> bool {
        self.lists.len() == 0
    }
}
