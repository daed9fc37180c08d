//! What `submit` adds to everything: the host of points that name none, and the tags of the configuration.

use std::sync::Arc;

use super::delivery::Delivery;
use super::name;
use crate::aggregate::SeriesRef;
use crate::config::Enrichment;
use crate::map::ServiceCheck;
use crate::unit::Unit;

/// [`Enrichment`] made ready to be applied to many points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Enricher {
    /// Of the submitter; empty if it is not known.
    own: Arc<str>,
    /// What an empty host name stands for; none: for no host at all.
    hostname: Option<Arc<str>>,
    /// Cut, sorted, each once.
    tags: Arc<[String]>,
    sends_units: bool,
    /// Of the tags.
    fingerprint: u32,
}

impl Enricher {
    pub(super) fn new(enrichment: Enrichment) -> Self {
        let cut = |tag: String| name::cut(&tag).to_owned();
        let mut tags: Vec<String> = enrichment.tags.into_iter().filter(|tag| !tag.is_empty()).map(cut).collect();
        tags.sort_unstable();
        tags.dedup();
        let own: Arc<str> = enrichment.hostname.into();
        Self {
            hostname: Some(Arc::clone(&own)),
            own,
            fingerprint: fingerprint(&tags),
            tags: tags.into(),
            sends_units: enrichment.send_units,
        }
    }

    /// The enricher of one delivery, which may want empty host names to stay so.
    pub(super) fn of(&self, delivery: &Delivery<'_>) -> Self {
        Self { hostname: self.hostname.clone().filter(|_| delivery.default_host), ..self.clone() }
    }

    /// The own host name, which may not be known.
    pub(super) fn hostname(&self) -> &str {
        &self.own
    }

    /// Whether an empty host name stays empty.
    pub(super) fn keeps_hosts_empty(&self) -> bool {
        self.hostname.is_none()
    }

    /// The host that is meant by `host`.
    pub(super) fn host<'a>(&'a self, host: &'a str) -> &'a str {
        if host.is_empty() { self.hostname.as_deref().unwrap_or_default() } else { host }
    }

    /// What a series is measured in under Datadog's name; empty where that is not known, or not to be told.
    pub(super) fn unit(&self, unit: Option<Unit>) -> &'static str {
        unit.filter(|_| self.sends_units).map_or("", Unit::name)
    }

    /// The tags of the configuration: cut, sorted, each once.
    pub(super) fn more_tags(&self) -> &[String] {
        &self.tags
    }

    /// A number that other tags of the configuration hardly have; never below 4. What a wrong one would do is that a
    /// series has one of these tags twice.
    pub(super) fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// The tags of a series: its own, then those of the configuration, each once.
    pub(super) fn tags<'a>(&'a self, key: SeriesRef<'a>) -> impl Iterator<Item = &'a str> + Clone {
        // The own tags are sorted, so those that became equal by being cut stand together.
        let own = key.tags.iter().scan("", |before, tag| {
            let shown = name::cut(tag);
            let repeats = shown.len() < tag.len() && *before == shown;
            *before = shown;
            Some((!repeats).then_some(shown))
        });
        let is_new = move |tag: &&str| !key.tags.contains(tag);
        own.flatten().chain(self.tags.iter().map(String::as_str).filter(is_new))
    }

    /// The tags of a service check.
    pub(super) fn check_tags<'a>(&'a self, check: &'a ServiceCheck) -> Vec<&'a str> {
        self.all_tags(&check.tags)
    }

    /// These tags and those of the configuration, sorted, each once.
    pub(super) fn all_tags<'a>(&'a self, own: &'a [String]) -> Vec<&'a str> {
        let own = own.iter().map(|tag| name::cut(tag));
        let mut tags: Vec<&str> = own.chain(self.tags.iter().map(String::as_str)).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// Fowler, Noll and Vo's hash, in its variant 1a.
fn fingerprint(tags: &[String]) -> u32 {
    let bytes = tags.iter().flat_map(|tag| tag.bytes().chain([0]));
    bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).max(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Slots;
    use crate::map::Status;

    fn enricher(tags: &[&str]) -> Enricher {
        let tags = tags.iter().map(ToString::to_string).collect();
        Enricher::new(Enrichment { hostname: "here".into(), tags, ..Enrichment::default() })
    }

    /// The tags that a series comes to have.
    fn tags(enricher: &Enricher, own: &[&str]) -> Vec<String> {
        let mut slots = Slots::default();
        let series = slots.intern("m", "", own.iter().copied(), None);
        enricher.tags(slots.get(series)).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn tags_of_the_configuration_follow_and_do_not_repeat() {
        let enricher = enricher(&["team:a", "env:x", "team:a", ""]);
        assert_eq!(tags(&enricher, &["env:x", "zone:1"]), ["env:x", "zone:1", "team:a"]);
        let check = ServiceCheck {
            name: "up".into(),
            status: Status::Ok,
            tags: vec!["zone:1".into(), "env:x".into(), "zone:1".into()],
            hostname: String::new(),
            message: String::new(),
        };
        assert_eq!(enricher.check_tags(&check), ["env:x", "team:a", "zone:1"]);
    }

    #[test]
    fn tags_that_are_equal_once_cut_are_one() {
        let long = "k:".to_owned() + &"v".repeat(198);
        let own = [&*long, &(long.clone() + "1"), &(long.clone() + "2")];
        assert_eq!(tags(&enricher(&[]), &own), [&*long]);
    }

    #[test]
    fn the_own_host_stands_in_for_none() {
        let enricher = enricher(&[]);
        assert_eq!(enricher.host(""), "here");
        assert_eq!(enricher.host("there"), "there");
    }
}
