//! What holds for the mapping whatever the settings and the expositions are.

use proptest::prelude::*;

use super::histories::{Exposed, exposed, forgetful_options, history, options, target};
use super::target::{Scraped, Target};

fn scrape(target: &mut Target, exposed: &Exposed) -> Scraped {
    match exposed.ending {
        Some(ending) => target.scrape(exposed.format, &exposed.body, ending),
        None => target.unanswered(),
    }
}

/// What a scrape comes to, but for the series behind it and what is said of first values.
fn whatever_was_before(scraped: Scraped) -> Scraped {
    let lines = scraped.lines.into_iter().map(|line| line.trim_end_matches(" first").to_owned());
    Scraped { lines: lines.collect(), origins: Vec::new(), ..scraped }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever traces has every decision made anew; without, it is taken from memory.
    #[test]
    fn what_was_decided_once_is_what_would_be_decided_again((options, history) in target()) {
        let (mut remembering, mut traced) = (Target::new(&options), Target::new(&options));
        traced.traced = true;
        for (number, exposed) in history.iter().enumerate() {
            let (one, other) = (scrape(&mut remembering, exposed), scrape(&mut traced, exposed));
            prop_assert_eq!(one, other, "scrape {}", number + 1);
        }
    }

    #[test]
    fn a_body_may_arrive_in_any_pieces((options, history) in target(), chunk in 1_usize..90) {
        let (mut whole, mut cut) = (Target::new(&options), Target::new(&options));
        cut.chunk = chunk;
        for (number, exposed) in history.iter().enumerate() {
            let (one, other) = (scrape(&mut whole, exposed), scrape(&mut cut, exposed));
            prop_assert_eq!(one, other, "scrape {} in chunks of {}", number + 1, chunk);
        }
    }

    /// But for what a first scrape has to wait for, or finds by searching its body.
    #[test]
    fn the_same_body_comes_to_the_same(options in options(), exposed in exposed()) {
        let options = ["use_process_start_time", "telemetry", "target_info"]
            .iter()
            .fold(options, |options, option| options.replace(&format!(", {option}: true"), ""));
        let mut target = Target::new(&options);
        let (one, other) = (scrape(&mut target, &exposed), scrape(&mut target, &exposed));
        prop_assert_eq!(whatever_was_before(one), whatever_was_before(other));
    }

    #[test]
    fn the_past_leaves_no_traces(options in forgetful_options(), history in history(), exposed in exposed()) {
        let (mut old, mut new) = (Target::new(&options), Target::new(&options));
        for exposed in &history {
            scrape(&mut old, exposed);
        }
        let (one, other) = (scrape(&mut old, &exposed), scrape(&mut new, &exposed));
        prop_assert_eq!(whatever_was_before(one), whatever_was_before(other));
    }
}
