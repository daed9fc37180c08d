//! The contexts of one target: each distinct combination of metric name, tags and host, known by a small number.
//!
//! A context is a series of Datadog, and what is known of it beside. It is interned once and then replayed; everything
//! downstream indexes flat arrays by its [`ContextId`].

use std::fmt;
use std::sync::Arc;

use super::orders::{Ordered, Orders};
use crate::slots::{HEAD, SlotId, Slots};
use crate::texts::{NOTHING, Texts, make_room_for, reach};
use crate::unique;
use crate::unit::Unit;

/// A context of one target: the number of the series that Datadog stores it as. Tags in another order, or there twice,
/// make no other context.
pub type ContextId = SlotId;

/// A tag, `key:value` or bare.
pub type Tag = Arc<str>;

/// So many tags of a key are remembered.
const RECENT: usize = 64;

/// A tag of contexts that are made one like the other.
#[derive(Debug)]
pub(super) struct TagDraft {
    /// With a colon.
    key: String,
    /// Whether the tag was last the one that had followed the one before, and not that one again.
    follows: bool,
    /// Tags that were there before, by something of their values: labels of few values have them in any order.
    recent: [u32; RECENT],
}

impl TagDraft {
    /// A tag of this key.
    pub(super) fn new(key: &str) -> Self {
        Self { key: [key, ":"].concat(), follows: false, recent: [NOTHING; RECENT] }
    }
}

/// Metric name, tags and host, which make up its identity, and what is known beside.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The full name, namespace and suffix included.
    pub name: &'c str,
    /// In the order of the first submission, duplicates included.
    pub tags: ContextTags<'c>,
    /// Empty where the host of the submitter is meant.
    pub hostname: &'c str,
    /// What its values are measured in, if that is known.
    pub unit: Option<Unit>,
}

/// The tags of a context.
#[derive(Clone, Copy)]
pub struct ContextTags<'c> {
    texts: &'c Texts,
    numbers: Ordered<'c>,
}

impl<'c> ContextTags<'c> {
    /// One after the other.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'c str> + Clone {
        self.numbers.iter().map(|number| self.texts.get(number))
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
    slots: Slots,
    /// Tags that each has for Datadog beside its own.
    more: Vec<Tag>,
    /// By the number of the context.
    uses: Vec<Use>,
    orders: Orders,
    /// Contexts that were held by nothing at some moment since the last release.
    unheld: Vec<ContextId>,
    /// Those of the time before that, sorted.
    left_over: Vec<ContextId>,
    /// The texts of the context that is being made: its host, its name, and its tags.
    draft: Vec<u32>,
    /// Those of the one that was made before, with which it likely has much in common.
    previous: Vec<u32>,
    previous_unit: Option<Unit>,
    /// Room for a tag.
    text: Vec<u8>,
}

/// What is known of a context.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// How many plans submit to it.
    holders: u32,
    /// The order of its tags.
    order: u32,
}

impl Contexts {
    /// No contexts yet; each will have these tags for Datadog beside its own.
    pub fn with_more(more: impl IntoIterator<Item = Tag>) -> Self {
        Self { more: more.into_iter().collect(), ..Self::default() }
    }

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
        let number = self.number_of(name.as_bytes(), 1);
        self.draft.extend([NOTHING, number]);
    }

    /// The number of a text in this place, with one more holder. Likely it is again the one of the context before, or the one
    /// that stood there after that the last time: families mostly go through the same things in the same order.
    fn number_of(&mut self, text: &[u8], place: usize) -> u32 {
        let texts = &mut self.slots.texts;
        let Some(&before) = self.previous.get(place) else { return texts.hold(text) };
        if texts.holds_if(before, text) {
            return before;
        }
        let follower = texts.follower(before);
        if texts.holds_if(follower, text) {
            return follower;
        }
        let number = texts.hold(text);
        texts.note_follower(before, number);
        number
    }

    /// The texts of the context that was made last, which are its host, its name, and its tags, and its unit.
    pub(super) fn latest(&self) -> (&[u32], Option<Unit>) {
        (&self.previous, self.previous_unit)
    }

    /// Makes a context like another one, but for the first `tags` tags, which were held for it; says whether the context is
    /// new. The other tags, the name and the host have to be those of a context that was made since the last scrape ended:
    /// until the next one ends, it is not forgotten.
    pub(super) fn make_like(&mut self, draft: &mut Vec<u32>, tags: usize, unit: Option<Unit>) -> (ContextId, bool) {
        self.hold_again(&draft[..HEAD]);
        self.hold_again(&draft[HEAD + tags..]);
        self.intern_texts(draft, unit)
    }

    /// One more holder of texts that are held, or that a context has that was made since the last scrape ended.
    #[inline]
    pub(super) fn hold_again(&mut self, texts: &[u32]) {
        for &text in texts {
            self.slots.texts.hold_again(text);
        }
    }

    /// The number of a tag: that of the one `before`, or of the one that followed it, whichever it was last, or of another.
    #[inline]
    pub(super) fn tag_like(&mut self, before: u32, tag: &mut TagDraft, value: &[u8]) -> u32 {
        let texts = &mut self.slots.texts;
        let follower = texts.follower(before);
        let (first, second) = if tag.follows { (follower, before) } else { (before, follower) };
        if texts.holds_both(first, tag.key.as_bytes(), value) {
            return first;
        }
        if texts.holds_both(second, tag.key.as_bytes(), value) {
            tag.follows = !tag.follows;
            return second;
        }
        let recent = &mut tag.recent[unique::mark(value) as usize % RECENT];
        if !texts.holds_both(*recent, tag.key.as_bytes(), value) {
            self.text.clear();
            self.text.extend_from_slice(tag.key.as_bytes());
            self.text.extend_from_slice(value);
            *recent = texts.hold(&self.text);
        }
        texts.note_follower(before, *recent);
        *recent
    }

    /// Adds a tag to the context that is being made.
    pub(super) fn tag(&mut self, tag: &str) {
        self.tag_bytes(tag.as_bytes());
    }

    /// Adds a tag of a key and a value to the context that is being made.
    pub(super) fn tag_of(&mut self, key: &str, value: &str) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        for part in [key, ":", value] {
            text.extend_from_slice(part.as_bytes());
        }
        self.tag_bytes(&text);
        self.text = text;
    }

    fn tag_bytes(&mut self, tag: &[u8]) {
        let number = self.number_of(tag, self.draft.len());
        self.draft.push(number);
    }

    /// Ends the making of a context.
    pub(super) fn end(&mut self, hostname: &str, unit: Option<Unit>) -> ContextId {
        self.draft[0] = self.number_of(hostname.as_bytes(), 0);
        let id = self.intern_draft(unit);
        std::mem::swap(&mut self.draft, &mut self.previous);
        self.previous_unit = unit;
        id
    }

    /// The context with those tags of another one that `keep` wants, and one more behind them, if there is one.
    pub(super) fn derive(&mut self, base: ContextId, keep: impl Fn(&str) -> bool, more: Option<&str>) -> ContextId {
        let unit = self.slots.unit(base);
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        draft.extend_from_slice(self.slots.numbers(base).get(..HEAD).unwrap_or_default());
        let tags = self.orders.tags(self.uses[base.index()].order, &self.slots, base);
        draft.extend(tags.iter().filter(|&tag| keep(self.slots.texts.get(tag))));
        self.hold_again(&draft);
        draft.extend(more.map(|tag| self.slots.texts.hold(tag.as_bytes())));
        self.draft = draft;
        self.intern_draft(unit)
    }

    /// The context of the draft.
    fn intern_draft(&mut self, unit: Option<Unit>) -> ContextId {
        let mut draft = std::mem::take(&mut self.draft);
        let (id, _) = self.intern_texts(&mut draft, unit);
        self.draft = draft;
        id
    }

    /// The context of these texts, which were held for it, and whether it is new.
    fn intern_texts(&mut self, draft: &mut Vec<u32>, unit: Option<Unit>) -> (ContextId, bool) {
        let length = draft.len();
        for tag in &self.more {
            draft.push(self.slots.texts.hold(tag.as_bytes()));
        }
        let (id, is_new) = self.slots.intern_numbers(draft, unit);
        draft.truncate(length);
        if is_new {
            let order = self.orders.hold(&self.slots, length - HEAD);
            reach(&mut self.uses, id.index(), Use::default);
            self.uses[id.index()] = Use { holders: 0, order };
        }
        (id, is_new)
    }

    /// Makes room for so many contexts in all.
    pub(super) fn expect(&mut self, contexts: usize) {
        self.slots.expect(contexts);
        make_room_for(&mut self.uses, contexts);
    }

    /// The context behind a number.
    ///
    /// # Panics
    ///
    /// When [`Contexts::intern`] did not give out the number, or it was released since.
    pub fn get(&self, id: ContextId) -> Context<'_> {
        assert!(self.slots.is_present(id), "a context is asked for between its interning and its release");
        let series = self.slots.get(id);
        let numbers = self.orders.tags(self.uses[id.index()].order, &self.slots, id);
        let tags = ContextTags { texts: &self.slots.texts, numbers };
        Context { name: series.metric, tags, hostname: series.host, unit: series.unit }
    }

    /// The contexts as Datadog stores them.
    pub fn slots(&self) -> &Slots {
        &self.slots
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
        let is_unheld = |id: &ContextId| self.slots.is_present(*id) && self.uses[id.index()].holders == 0;
        released.retain(|id| is_unheld(id) && self.left_over.binary_search(id).is_err());
        self.release(released.iter().copied());
        released
    }

    /// Forgets contexts. What Datadog stores them as can be looked up until [`Contexts::clear_away`] was called twice.
    pub fn release(&mut self, ids: impl IntoIterator<Item = ContextId>) {
        for id in ids {
            if self.slots.retire(id) {
                self.orders.let_go(self.uses[id.index()].order);
            }
        }
    }

    /// Ends a scrape: the numbers of contexts that were released before the last one ended will be given out again.
    pub fn clear_away(&mut self) {
        self.slots.clear_away();
    }

    /// How many contexts are known.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no context is known.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
