//! A target, and its place within the interval of its scrapes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{Endpoint, EndpointError};
use crate::config::Instance;

/// One endpoint that is scraped on behalf of one instance.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What is made of it.
    pub instance: Arc<Instance>,
    /// When in each interval it is scraped.
    pub place: Place,
    /// Which target it is, whatever is made of it: the same after a restart and with other settings, as long as its
    /// endpoint is the same, and its rank among the instances of that endpoint.
    pub identity: u64,
}

/// The targets of the settings: one for each instance, in their order.
pub fn static_targets(
    instances: impl IntoIterator<Item = Arc<Instance>>,
) -> impl Iterator<Item = Result<Target, EndpointError>> {
    // Instances that nothing tells apart are numbered, so that they do not burst either.
    let mut alike: HashMap<Place, u64> = HashMap::new();
    let mut of_endpoint: HashMap<Place, u64> = HashMap::new();
    instances.into_iter().map(move |instance| {
        let endpoint = Endpoint::parse(&instance.endpoint)?;
        let identity = [&*instance.endpoint, &*instance.namespace].into_iter();
        let place = Place::of(identity.chain(instance.tags.iter().map(String::as_str)));
        let number = alike.entry(place).or_default();
        let place = place.numbered(*number);
        *number += 1;
        let identity = Place::of([&*instance.endpoint]);
        let number = of_endpoint.entry(identity).or_default();
        let Place(identity) = identity.numbered(*number);
        *number += 1;
        Ok(Target { endpoint, instance, place, identity })
    })
}

/// Where in its interval a target is scraped: the same in every run and on every machine, whatever other targets there
/// are, so that a restart changes nothing and many targets do not burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(u64);

impl Place {
    /// The place of what these texts together tell from everything else.
    pub fn of<'t>(identity: impl IntoIterator<Item = &'t str>) -> Self {
        // No text of UTF-8 holds the byte between two of them.
        let bytes = identity.into_iter().flat_map(|text| text.bytes().chain([0xff]));
        Self(mixed(bytes.fold(0xcbf2_9ce4_8422_2325, fnv)))
    }

    /// The place of another one that has the same identity; 0 is the first.
    fn numbered(self, number: u64) -> Self {
        if number == 0 { self } else { Self(mixed(self.0.wrapping_add(number))) }
    }

    /// How far into the interval; less than the interval, in whole microseconds.
    pub fn offset(self, interval: Duration) -> Duration {
        // An interval beyond 584,000 years may share its offsets.
        let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.0 % micros)
    }
}

/// A step of FNV-1a with 64 bits. Neither this nor [`mixed`] must ever change: the places of all targets would.
fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// The finalizer of `SplitMix64`, because the low bits of FNV alone are too much alike for endpoints that differ in one
/// digit.
fn mixed(hash: u64) -> u64 {
    let mixed = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, ConfiguredInstance, NoSurroundings};

    #[test]
    fn the_hash_never_changes() {
        // FNV-1a of "" and "a" as published, through the finalizer as published; computed apart from this code.
        assert_eq!(Place::of([]), Place(0xf52a_15e9_a9b5_e89b));
        assert_eq!(mixed(fnv(0xcbf2_9ce4_8422_2325, b'a')), 0x02c0_bdbf_4814_20f8);
    }

    fn places(instances: &str) -> Vec<Place> {
        targets(instances).into_iter().map(|target| target.place).collect()
    }

    fn targets(instances: &str) -> Vec<Target> {
        let config = Config::read(&format!("instances:\n{instances}"), "test", &NoSurroundings);
        let instances = config.instances.into_iter().map(|instance| match instance {
            ConfiguredInstance::Valid(instance) => Arc::from(instance),
            ConfiguredInstance::Invalid { errors, .. } => panic!("{errors:?}"),
        });
        static_targets(instances).map(Result::unwrap).collect()
    }

    #[test]
    fn a_target_stays_who_it_is_whatever_is_made_of_it() {
        let identities =
            |instances: &str| -> Vec<u64> { targets(instances).into_iter().map(|target| target.identity).collect() };
        let before = identities("- {openmetrics_endpoint: http://a/}\n- {openmetrics_endpoint: http://b/}\n");
        let other = "- {openmetrics_endpoint: http://b/, tags: [x]}\n- {openmetrics_endpoint: http://a/, namespace: shop}\n\
                     - {openmetrics_endpoint: http://a/}\n";
        let after = identities(other);
        assert_eq!((after[0], after[1]), (before[1], before[0]));
        let distinct: std::collections::HashSet<_> = after.iter().collect();
        assert_eq!(distinct.len(), 3);
    }

    #[test]
    fn what_tells_instances_apart_gives_places_of_their_own_wherever_they_stand() {
        let (a, b) = ("- {openmetrics_endpoint: http://a/}\n", "- {openmetrics_endpoint: http://b/}\n");
        let named = "- {openmetrics_endpoint: http://a/, namespace: x}\n";
        let tagged = "- {openmetrics_endpoint: http://a/, tags: [x]}\n";
        let all = places(&format!("{a}{b}{named}{tagged}{a}"));
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 5);
        let turned = places(&format!("{tagged}{a}{named}{a}{b}"));
        assert_eq!(turned, [all[3], all[0], all[2], all[4], all[1]]);
        let other = "- {openmetrics_endpoint: http://a/, timeout: 3, metrics: [x]}\n";
        assert_eq!(places(other), [all[0]], "what is collected does not move it");
    }

    proptest! {
        #[test]
        fn places_of_similar_endpoints_are_even(
            network in 0_u8..=255, port in 1_u16..9999, interval in 1_u64..600, number in 500_u32..2000,
        ) {
            let interval = Duration::from_secs(interval);
            let mut tenths = [0_u32; 10];
            for host in 0..number {
                let place = Place::of([&*format!("http://10.{network}.{}.{}:{port}/metrics", host >> 8, host & 255), ""]);
                let offset = place.offset(interval);
                prop_assert!(offset < interval);
                tenths[(offset.as_micros() * 10 / interval.as_micros()) as usize] += 1;
            }
            // Chance has a standard deviation of three tenths of the square root; this is six of them.
            let (mean, slack) = (f64::from(number) / 10.0, 1.9 * f64::from(number).sqrt());
            prop_assert!(tenths.iter().all(|&count| (f64::from(count) - mean).abs() < slack), "{:?}", tenths);
        }
    }
}
