//! The contexts of one target: each distinct combination of metric name, tags and host, known by a small number.
//!
//! A context is interned once and then replayed; everything downstream indexes flat arrays by its [`ContextId`].

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::unit::Unit;

/// A context of one target: its place in [`Contexts`], dense from 0 and used again after the context was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(u32);

impl ContextId {
    /// The place in arrays that stand beside [`Contexts`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tag, `key:value` or bare. Tags are shared between contexts.
pub type Tag = Arc<str>;

/// Metric name, tags and host, which make up its identity, and what is known beside.
#[derive(Debug)]
pub struct Context {
    /// The full name, namespace and suffix included.
    pub name: Arc<str>,
    /// In the order of submission, duplicates included.
    pub tags: Box<[Tag]>,
    /// Empty where the host of the submitter is meant.
    pub hostname: Arc<str>,
    /// What its values are measured in, if that is known.
    pub unit: Option<Unit>,
}

impl Context {
    fn identity(&self) -> (&str, &[Tag], &str) {
        (&self.name, &self.tags, &self.hostname)
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Context {}

impl Hash for Context {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// All contexts of one target.
#[derive(Debug, Default)]
pub struct Contexts {
    by_key: HashMap<Arc<Context>, ContextId>,
    slots: Vec<Option<Slot>>,
    free: Vec<ContextId>,
    /// Contexts that were held by nothing at some moment since the last release.
    unheld: Vec<ContextId>,
    /// Those of the time before that, sorted.
    left_over: Vec<ContextId>,
    text: HashSet<Arc<str>>,
    /// How many texts there may be before those that nothing has any more are looked for.
    sweep_text_at: usize,
}

#[derive(Debug)]
struct Slot {
    context: Arc<Context>,
    /// How many plans submit to it.
    holders: u32,
}

impl Contexts {
    /// The number of a context, given out now if it is new.
    ///
    /// # Panics
    ///
    /// With 2^32 contexts, for which there is no memory.
    pub fn intern(&mut self, context: Context) -> ContextId {
        if let Some(id) = self.by_key.get(&context) {
            return *id;
        }
        let context = Arc::new(context);
        let id = self.free.pop().unwrap_or_else(|| {
            let id = u32::try_from(self.slots.len()).expect("fewer than 2^32 contexts fit in memory");
            self.slots.push(None);
            ContextId(id)
        });
        self.slots[id.index()] = Some(Slot { context: Arc::clone(&context), holders: 0 });
        self.by_key.insert(context, id);
        id
    }

    /// One shared copy of a name, tag or host name.
    pub fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.text.get(text) {
            return Arc::clone(known);
        }
        // Not all texts belong to contexts: a bucket has tags before it is submitted.
        if self.text.len() >= self.sweep_text_at {
            self.sweep_text();
        }
        let shared: Arc<str> = Arc::from(text);
        self.text.insert(Arc::clone(&shared));
        shared
    }

    /// The context behind a number.
    ///
    /// # Panics
    ///
    /// When [`Contexts::intern`] did not give out the number, or it was released since.
    pub fn get(&self, id: ContextId) -> &Arc<Context> {
        let slot = self.slots[id.index()].as_ref();
        &slot.expect("a context is asked for between its interning and its release").context
    }

    /// Notes that a plan submits to a context.
    pub(crate) fn hold(&mut self, id: ContextId) {
        if let Some(slot) = &mut self.slots[id.index()] {
            slot.holders += 1;
        }
    }

    /// Notes that a plan no longer submits to a context.
    pub(crate) fn let_go(&mut self, id: ContextId) {
        if let Some(slot) = &mut self.slots[id.index()] {
            slot.holders = slot.holders.saturating_sub(1);
            if slot.holders == 0 {
                self.unheld.push(id);
            }
        }
    }

    /// Forgets the contexts that no plan has submitted to since the call before, and tells their numbers. What was
    /// submitted since can still be looked up, also where the plan that did it was replaced by another.
    pub(crate) fn release_unheld(&mut self) -> Vec<ContextId> {
        let mut unheld = std::mem::take(&mut self.unheld);
        unheld.sort_unstable();
        unheld.dedup();
        let mut released = std::mem::replace(&mut self.left_over, unheld);
        let is_unheld = |id: &ContextId| self.slots[id.index()].as_ref().is_some_and(|slot| slot.holders == 0);
        released.retain(|id| is_unheld(id) && self.left_over.binary_search(id).is_err());
        self.release(released.iter().copied());
        released
    }

    /// Forgets contexts; their numbers will be given out again.
    pub fn release(&mut self, ids: impl IntoIterator<Item = ContextId>) {
        let mut any = false;
        for id in ids {
            if let Some(slot) = self.slots[id.index()].take() {
                self.by_key.remove(&slot.context);
                self.free.push(id);
                any = true;
            }
        }
        if any {
            self.sweep_text();
        }
    }

    fn sweep_text(&mut self) {
        self.text.retain(|text| Arc::strong_count(text) > 1);
        self.sweep_text_at = (self.text.len() * 2).max(1024);
    }

    /// How many contexts are known.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no context is known.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}
