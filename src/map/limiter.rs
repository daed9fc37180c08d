//! The limit on what a scrape submits: the option `max_returned_metrics`.
//!
//! The original takes the first so many submissions of each run, so that one new series can push out others. Here those
//! that the scrape before submitted keep their places, and new ones get what is left.

use std::collections::{HashMap, HashSet};

use super::context::ContextId;
use super::submission::{MetricKind, Submission};

/// Counts submissions of one target.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u64,
    /// How often each context was submitted in the scrape before.
    known: HashMap<ContextId, u32>,
    /// Likewise, in this scrape.
    admitted: HashMap<ContextId, u32>,
    /// Places of the scrape before that are still kept.
    kept: u64,
    /// Places that are taken.
    taken: u64,
    /// Counts, which take one place however often they are submitted.
    counts: HashSet<ContextId>,
}

impl Limiter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, known: HashMap::new(), admitted: HashMap::new(), kept: 0, taken: 0, counts: HashSet::new() }
    }

    /// Whether there is a place for a submission.
    pub(crate) fn admits(&mut self, submission: &Submission) -> bool {
        let Submission::Metric { kind, context, .. } = *submission else { return true };
        if kind == MetricKind::Count && self.counts.contains(&context) {
            return true;
        }
        let before = self.admitted.get(&context).copied().unwrap_or_default();
        if self.known.get(&context).is_some_and(|&known| before < known) {
            self.kept -= 1;
        } else if self.taken + self.kept >= self.limit {
            return false;
        }
        self.taken += 1;
        self.admitted.insert(context, before + 1);
        if kind == MetricKind::Count {
            self.counts.insert(context);
        }
        true
    }

    /// Ends a scrape. One that failed may have missed much, so what was known before stays known.
    pub(crate) fn end_scrape(&mut self, success: bool) {
        let admitted = std::mem::take(&mut self.admitted);
        self.counts.clear();
        self.taken = 0;
        if success {
            self.known = admitted;
        }
        self.kept = self.known.values().map(|&places| u64::from(places)).sum();
    }

    /// Forgets contexts whose numbers will be given out again.
    pub(crate) fn forget(&mut self, contexts: &[ContextId]) {
        for context in contexts {
            if let Some(places) = self.known.remove(context) {
                self.kept -= u64::from(places);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GaugeAggregation;
    use crate::map::{Contexts, Origin, SeriesId};

    fn admitted(limiter: &mut Limiter, kind: MetricKind, contexts: &[ContextId]) -> Vec<bool> {
        let submission = |context| Submission::Metric {
            kind,
            context,
            origin: Origin::alone(SeriesId::new(0)),
            gauges: GaugeAggregation::Last,
            lower: None,
            value: 1.0,
            flush_first_value: false,
        };
        contexts.iter().map(|&context| limiter.admits(&submission(context))).collect()
    }

    fn contexts(number: usize) -> Vec<ContextId> {
        let mut contexts = Contexts::default();
        let made = (0..number).map(|number| contexts.intern(&number.to_string(), "", [], None));
        made.collect()
    }

    #[test]
    fn what_was_submitted_before_keeps_its_place() {
        let [a, b, c, d] = contexts(4)[..] else { panic!("four contexts") };
        let mut limiter = Limiter::new(3);
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[a, b, b, c]), [true, true, true, false]);
        limiter.end_scrape(true);
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[d, c, b, b, a]), [false, false, true, true, true]);
        limiter.end_scrape(true);
        // One that is gone makes room only once its scrape is over.
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[d, b, b]), [false, true, true]);
        limiter.end_scrape(true);
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[d, b, b, a]), [true, true, true, false]);
        // A failed scrape tells nothing of what there is.
        limiter.end_scrape(true);
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[b]), [true]);
        limiter.end_scrape(false);
        assert_eq!(admitted(&mut limiter, MetricKind::Gauge, &[a, d, b, b]), [false, true, true, true]);
    }

    #[test]
    fn a_count_takes_one_place() {
        let [a, b] = contexts(2)[..] else { panic!("two contexts") };
        let mut limiter = Limiter::new(1);
        assert_eq!(admitted(&mut limiter, MetricKind::Count, &[a, a, b, a]), [true, true, false, true]);
    }
}
