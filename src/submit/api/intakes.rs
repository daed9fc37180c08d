//! Which lane belongs to which intake of the settings, and what the journal calls it.

use std::collections::HashMap;

use super::lane::LaneId;
use crate::config::ApiSettings;
use crate::submit::journal::IntakeId;

/// An intake as it is known to the journal and to whoever reads the counters, never by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: IntakeId,
    /// The URL without what may be secret in it, and a number if it is not the first of that URL.
    pub(super) name: String,
}

/// The intakes of the settings, the main one first. Several of one URL are told apart by their number, so that each may
/// change its key.
pub(super) fn named(settings: &ApiSettings) -> Vec<Named> {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let named = settings.intakes().map(|intake| {
        let number = seen.entry(&intake.url).and_modify(|number| *number += 1).or_insert(1);
        let shown = without_user(&intake.url);
        let name = if *number == 1 { shown } else { format!("{shown} #{number}") };
        let bytes = intake.url.bytes().chain(number.to_le_bytes());
        Named { id: IntakeId(bytes.fold(0xcbf2_9ce4_8422_2325, fnv)), name }
    });
    named.collect()
}

/// A step of FNV-1a with 64 bits: the journal must find the same numbers after a restart.
fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// The URL without user name and password.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// For each intake that is wanted the lane that goes on for it: the one of the same URL, and for the main one, if there
/// is no such, the main one before, for which things wait that the new URL is meant for.
pub(super) fn assign(wanted: &[Named], present: &[(LaneId, IntakeId)]) -> Vec<Option<LaneId>> {
    let of = |id: IntakeId| present.iter().find(|(_, known)| *known == id).map(|(lane, _)| *lane);
    let mut lanes: Vec<Option<LaneId>> = wanted.iter().map(|named| of(named.id)).collect();
    if let (Some(None), Some((main, _))) = (lanes.first().copied(), present.first())
        && !lanes.contains(&Some(*main))
    {
        lanes[0] = Some(*main);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Intake, IntakeProxy, Secret, TlsVersion};

    fn settings(urls: &[&str]) -> ApiSettings {
        let intake = |(number, url): (usize, &&str)| Intake {
            url: (*url).to_owned(),
            api_key: Secret::new(format!("key{number}")),
            proxy: IntakeProxy::default(),
        };
        let mut intakes: Vec<_> = urls.iter().enumerate().map(intake).collect();
        ApiSettings {
            main: intakes.remove(0),
            additional: intakes,
            skip_ssl_validation: false,
            min_tls_version: TlsVersion::Tls12,
            timeout: Duration::from_secs(1),
            queue_bytes: 0,
        }
    }

    #[test]
    fn intakes_of_one_url_are_numbered_and_secrets_are_not_shown() {
        let found = named(&settings(&["https://a", "https://u:p@b/x@y", "https://a"]));
        let names: Vec<_> = found.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["https://a", "https://b/x@y", "https://a #2"]);
        assert_ne!(found[0].id, found[2].id);
        // FNV-1a of "https://a" and the bytes 1 0 0 0, computed apart from this code.
        assert_eq!(found[0].id, named(&settings(&["https://a"]))[0].id);
    }

    #[test]
    fn lanes_follow_their_urls_and_the_main_one_its_place() {
        let lanes = |urls: &[&str]| -> Vec<(LaneId, IntakeId)> {
            (0..).map(LaneId).zip(named(&settings(urls)).into_iter().map(|named| named.id)).collect()
        };
        let assigned = |before: &[&str], now: &[&str]| {
            let assigned = assign(&named(&settings(now)), &lanes(before));
            assigned.into_iter().map(|lane| lane.map(|lane| lane.0)).collect::<Vec<_>>()
        };
        assert_eq!(assigned(&["http://a", "http://b"], &["http://a", "http://b"]), [Some(0), Some(1)]);
        assert_eq!(assigned(&["http://a", "http://b"], &["http://c", "http://b"]), [Some(0), Some(1)]);
        assert_eq!(assigned(&["http://a", "http://b"], &["http://b", "http://a"]), [Some(1), Some(0)]);
        assert_eq!(assigned(&["http://a", "http://b"], &["http://c", "http://a"]), [None, Some(0)]);
        assert_eq!(assigned(&["http://a"], &["http://a", "http://d"]), [Some(0), None]);
    }
}
