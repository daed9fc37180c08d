//! The targets of `retriever run`, and what becomes of them when the settings change.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::target::{Surroundings, TargetState};
use crate::config::{Fingerprint, Instance};
use crate::discover::{Place, Target, static_targets};
use crate::scrape::{Client, USER_AGENT};
use crate::time::UnixTime;

/// All targets that are scraped.
pub(super) struct Targets {
    surroundings: Surroundings,
    states: Vec<Arc<TargetState>>,
}

/// How many targets a change of the settings touched, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: usize,
    /// Replaced by one of the same endpoint with other settings.
    pub(super) changed: usize,
    pub(super) removed: usize,
    pub(super) kept: usize,
}

impl Changes {
    pub(super) fn is_nothing(self) -> bool {
        self.added + self.changed + self.removed == 0
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, changed, removed, kept } = self;
        write!(f, "targets: {added} added, {changed} changed, {removed} removed, {kept} as before")
    }
}

/// What is to be scraped from now on, ready to take the place of what is scraped.
pub(super) struct Prepared {
    wanted: Vec<Wanted>,
    gone: Vec<Arc<TargetState>>,
}

/// Where a target comes from that is wanted from now on.
enum Wanted {
    /// One that is scraped, and the identity that it has from the next start on.
    Kept(Arc<TargetState>, u64),
    New(Box<(Target, Client)>),
}

impl Targets {
    /// None yet.
    pub(super) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, states: Vec::new() }
    }

    pub(super) fn states(&self) -> &[Arc<TargetState>] {
        &self.states
    }

    /// Looks up which of these instances are scraped already with the same settings, and makes ready for the others.
    ///
    /// # Errors
    ///
    /// What keeps a target from being scraped at all.
    pub(super) fn prepare(&self, instances: Vec<Arc<Instance>>) -> Result<Prepared, String> {
        let mut present: HashMap<Fingerprint, Vec<Arc<TargetState>>> = HashMap::new();
        // From behind, so that of several that are the same the first is taken first.
        for state in self.states.iter().rev() {
            present.entry(state.target().instance.fingerprint()).or_default().push(Arc::clone(state));
        }
        let mut wanted = Vec::with_capacity(instances.len());
        for target in static_targets(instances) {
            let target = target.map_err(|error| error.to_string())?;
            let same = present.get_mut(&target.instance.fingerprint()).and_then(|states| {
                let place = states.iter().rposition(|state| state.target().instance.is_same(&target.instance))?;
                Some(states.remove(place))
            });
            wanted.push(if let Some(state) = same {
                Wanted::Kept(state, target.identity)
            } else {
                let client = Client::new(&target.instance.http, USER_AGENT);
                let client = client.map_err(|error| format!("{}: {error}", target.endpoint))?;
                Wanted::New(Box::new((target, client)))
            });
        }
        tell_apart(&mut wanted);
        Ok(Prepared { wanted, gone: present.into_values().flatten().collect() })
    }

    /// Scrapes what was prepared from now on. A target whose settings are the same stays what it is, with all that is
    /// remembered of it; every other one begins anew.
    pub(super) fn replace(&mut self, prepared: Prepared, now: UnixTime) -> Changes {
        let Prepared { wanted, gone } = prepared;
        let mut changes = Changes::default();
        let mut replaced: HashMap<String, Vec<Arc<TargetState>>> = HashMap::new();
        for state in gone {
            // Before the new ones come, which may have the same names.
            state.retire();
            replaced.entry(state.target().endpoint.text().to_owned()).or_default().push(state);
        }
        self.states = wanted
            .into_iter()
            .map(|wanted| match wanted {
                Wanted::Kept(state, _) => {
                    changes.kept += 1;
                    state
                }
                Wanted::New(new) => {
                    let (target, client) = *new;
                    let before = replaced.get_mut(target.endpoint.text()).and_then(|states| take(states, target.place));
                    if before.is_some() {
                        changes.changed += 1;
                    } else {
                        changes.added += 1;
                    }
                    Arc::new(TargetState::new(target, client, &self.surroundings, before.as_deref(), now))
                }
            })
            .collect();
        changes.removed = replaced.values().map(Vec::len).sum();
        changes
    }
}

/// Gives new targets other identities than those that go on have kept: where the instances of an endpoint are in another
/// order than before, these would be the same.
fn tell_apart(wanted: &mut [Wanted]) {
    let (mut taken, mut free) = (HashSet::new(), HashMap::<String, Vec<u64>>::new());
    for wanted in &*wanted {
        if let Wanted::Kept(state, _) = wanted {
            taken.insert(state.target().identity);
        }
    }
    for wanted in &*wanted {
        if let Wanted::Kept(state, identity) = wanted
            && !taken.contains(identity)
        {
            free.entry(state.target().endpoint.text().to_owned()).or_default().push(*identity);
        }
    }
    for wanted in wanted {
        if let Wanted::New(new) = wanted
            && taken.contains(&new.0.identity)
            && let Some(identity) = free.get_mut(new.0.endpoint.text()).and_then(Vec::pop)
        {
            new.0.identity = identity;
        }
    }
}

/// Takes out the one at this place, or else any.
fn take(states: &mut Vec<Arc<TargetState>>, place: Place) -> Option<Arc<TargetState>> {
    let same = states.iter().position(|state| state.target().place == place);
    same.map(|index| states.swap_remove(index)).or_else(|| states.pop())
}
