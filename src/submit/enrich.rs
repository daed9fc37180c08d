//! What `submit` adds to everything: the host of points that name none, and the tags of the configuration.

use std::sync::Arc;

use super::delivery::Delivery;
use super::name;
use crate::aggregate::SeriesKey;
use crate::config::Enrichment;
use crate::map::ServiceCheck;

/// [`Enrichment`] made ready to be applied to many points.
#[derive(Clone, Debug)]
pub(super) struct Enricher {
    /// Of the submitter; empty if it is not known.
    own: Arc<str>,
    /// What an empty host name stands for; none: for no host at all.
    hostname: Option<Arc<str>>,
    /// Cut, sorted, each once.
    tags: Arc<[String]>,
}

impl Enricher {
    pub(super) fn new(enrichment: Enrichment) -> Self {
        let cut = |tag: String| name::cut(&tag).to_owned();
        let mut tags: Vec<String> = enrichment.tags.into_iter().filter(|tag| !tag.is_empty()).map(cut).collect();
        tags.sort_unstable();
        tags.dedup();
        let own: Arc<str> = enrichment.hostname.into();
        Self { hostname: Some(Arc::clone(&own)), own, tags: tags.into() }
    }

    /// The enricher of one delivery, which may want empty host names to stay so.
    pub(super) fn of(&self, delivery: &Delivery) -> Self {
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

    /// The tags of a series: its own, then those of the configuration, each once.
    pub(super) fn tags<'a>(&'a self, key: &'a SeriesKey) -> impl Iterator<Item = &'a str> + Clone {
        // The own tags are sorted, so those that became equal by being cut stand together.
        let own = key.tags.iter().enumerate().filter_map(|(index, tag)| {
            let shown = name::cut(tag);
            let repeats = shown.len() < tag.len() && index > 0 && name::cut(&key.tags[index - 1]) == shown;
            (!repeats).then_some(shown)
        });
        let is_new = |tag: &&str| key.tags.binary_search_by(|own| (**own).cmp(tag)).is_err();
        own.chain(self.tags.iter().map(String::as_str).filter(is_new))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Status;

    fn enricher(tags: &[&str]) -> Enricher {
        let tags = tags.iter().map(ToString::to_string).collect();
        Enricher::new(Enrichment { hostname: "here".into(), tags })
    }

    fn key(tags: &[&str]) -> SeriesKey {
        let tags = tags.iter().map(|tag| Arc::from(*tag)).collect();
        SeriesKey { metric: "m".into(), tags, host: "".into() }
    }

    #[test]
    fn tags_of_the_configuration_follow_and_do_not_repeat() {
        let enricher = enricher(&["team:a", "env:x", "team:a", ""]);
        let key = key(&["env:x", "zone:1"]);
        assert_eq!(enricher.tags(&key).collect::<Vec<_>>(), ["env:x", "zone:1", "team:a"]);
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
        let key = key(&[&long, &(long.clone() + "1"), &(long.clone() + "2")]);
        assert_eq!(enricher(&[]).tags(&key).collect::<Vec<_>>(), [long]);
    }

    #[test]
    fn the_own_host_stands_in_for_none() {
        let enricher = enricher(&[]);
        assert_eq!(enricher.host(""), "here");
        assert_eq!(enricher.host("there"), "there");
    }
}
