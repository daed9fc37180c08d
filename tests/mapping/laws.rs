//! What holds for the mapping whatever the settings and the expositions are.

use proptest::prelude::*;

use super::histories::{Exposed, history, options};
use super::target::{Scraped, Target};

fn scrape(target: &mut Target, exposed: &Exposed) -> Scraped {
    match exposed.ending {
        Some(ending) => target.scrape(exposed.format, &exposed.body, ending),
        None => target.unanswered(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever traces has every decision made anew; without, it is taken from memory.
    #[test]
    fn what_was_decided_once_is_what_would_be_decided_again(options in options(), history in history()) {
        let (mut remembering, mut traced) = (Target::new(&options), Target::new(&options));
        traced.traced = true;
        for (number, exposed) in history.iter().enumerate() {
            let (one, other) = (scrape(&mut remembering, exposed), scrape(&mut traced, exposed));
            prop_assert_eq!(one, other, "scrape {}", number + 1);
        }
    }

    #[test]
    fn a_body_may_arrive_in_any_pieces(options in options(), history in history(), chunk in 1_usize..90) {
        let (mut whole, mut cut) = (Target::new(&options), Target::new(&options));
        cut.chunk = chunk;
        for (number, exposed) in history.iter().enumerate() {
            let (one, other) = (scrape(&mut whole, exposed), scrape(&mut cut, exposed));
            prop_assert_eq!(one, other, "scrape {} in chunks of {}", number + 1, chunk);
        }
    }
}
