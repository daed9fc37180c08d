//! Shares what is made of equal texts, as long as somebody uses it: thousands of instances have the same few patterns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What was made of texts, and is still in use.
pub(crate) struct Interned<T>(Mutex<Option<Made<T>>>);

struct Made<T> {
    by_text: HashMap<Box<str>, Weak<T>>,
    /// How many there may be before those that nobody uses are looked for.
    sweep_at: usize,
}

impl<T> Interned<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What `make` makes of the text, or has made of it before; it must always make the same. Failures are not kept.
    pub(crate) fn get_or_make<E>(&self, text: &str, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(shared) = self.get(text) {
            return Ok(shared);
        }
        // Without the lock, since it may take long; that two make the same is no harm.
        let made = Arc::new(make()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(|| Made { by_text: HashMap::new(), sweep_at: 64 });
        if kept.by_text.len() >= kept.sweep_at {
            kept.by_text.retain(|_, made| made.strong_count() > 0);
            kept.sweep_at = (kept.by_text.len() * 2).max(64);
        }
        kept.by_text.insert(text.into(), Arc::downgrade(&made));
        Ok(made)
    }

    fn get(&self, text: &str) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref()?.by_text.get(text)?.upgrade()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_as_long_as_it_is_used() {
        static LENGTHS: Interned<usize> = Interned::new();
        let make = |text: &str| LENGTHS.get_or_make(text, || Ok::<_, ()>(text.len())).unwrap();
        let (one, other) = (make("abc"), make("abc"));
        assert!(Arc::ptr_eq(&one, &other) && *one == 3);
        assert!(LENGTHS.get_or_make("no", || Err(())).is_err());
        drop((one, other));
        assert!(LENGTHS.get("abc").is_none());
        for number in 0..1000 {
            drop(make(&number.to_string()));
        }
        let kept = LENGTHS.0.lock().unwrap().as_ref().unwrap().by_text.len();
        assert!(kept <= 64, "{kept}");
    }
}
