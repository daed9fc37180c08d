//! Numbers are used again: series that come and go, compared with a memory by name.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use retriever::map::RETAIN_SCRAPES;

use crate::LONG;
use crate::target::{OPEN_METRICS, SKETCHES, Target};

/// What becomes of series in one stretch of scrapes.
#[derive(Clone, Debug)]
struct Stretch {
    /// Which of the names are exposed.
    exposed: u16,
    scrapes: u32,
    /// A scrape at its beginning that fails, with what it exposes or without anything.
    failure: Option<bool>,
    /// Which names restart before it.
    restarts: u16,
    step: u32,
}

const NAMES: u32 = 12;

fn stretch() -> impl Strategy<Value = Stretch> {
    let scrapes = prop_oneof![4 => 1..4u32, 1 => Just(LONG + 1)];
    let failure = proptest::option::weighted(0.3, any::<bool>());
    (any::<u16>(), scrapes, failure, any::<u16>(), 1..100u32).prop_map(|(exposed, scrapes, failure, restarts, step)| {
        // One in four restarts.
        Stretch { exposed, scrapes, failure, restarts: restarts & exposed.rotate_left(3), step }
    })
}

/// What is known of one name, whatever number it has.
#[derive(Clone, Copy, Debug, Default)]
struct Model {
    value: u32,
    /// The value that was last exposed, and for how many successful scrapes it has been missing since.
    seen: Option<(u32, u32)>,
}

impl Model {
    /// The growth that a reading shows.
    fn read(&mut self, flush: bool) -> Option<u32> {
        let known = self.seen.replace((self.value, 0));
        match known.filter(|(_, missing)| *missing <= RETAIN_SCRAPES) {
            None => flush.then_some(self.value),
            Some((before, _)) if self.value < before => Some(if flush { self.value } else { 0 }),
            Some((before, _)) => Some(self.value - before),
        }
    }

    /// Whether it may be remembered still, but need not.
    fn is_on_the_edge(&self) -> bool {
        self.seen.is_some_and(|(_, missing)| (RETAIN_SCRAPES..=LONG).contains(&missing))
    }
}

/// The lines of a name, as a type of its own: a counter, a histogram, a counter that shares its context with others, or a
/// gauge, which is forgotten sooner.
fn expose(body: &mut [String; 4], name: u32, value: u32) {
    let _ = match name % 4 {
        0 => writeln!(body[0], "c_total{{name=\"{name}\"}} {value}"),
        1 => writeln!(
            body[1],
            "h_bucket{{name=\"{name}\",le=\"2\"}} {value}\nh_bucket{{name=\"{name}\",le=\"+Inf\"}} {value}\n\
             h_sum{{name=\"{name}\"}} {value}\nh_count{{name=\"{name}\"}} {value}"
        ),
        2 => writeln!(body[2], "s_total{{dropped=\"{name}\"}} {value}"),
        _ => writeln!(body[3], "g{{name=\"{name}\"}} {value}"),
    };
}

/// What a name adds to points and sketches.
fn contribute(points: &mut HashMap<String, f64>, name: u32, growth: u32) {
    let growth = f64::from(growth);
    let mut add = |point: String| *points.entry(point).or_default() += growth;
    match name % 4 {
        0 => add(format!("c.countname:{name}")),
        1 => {
            add(format!("h.countname:{name}"));
            add(format!("h.sumname:{name}"));
            if growth > 0.0 {
                add(format!("hname:{name}"));
            }
        }
        2 => add("s.count".to_owned()),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Series come and go, some for so long that they are forgotten and their numbers given to others: what comes out is
    /// what a memory by name would say.
    #[test]
    fn numbers_that_are_used_again_have_no_past(stretches in vec(stretch(), 1..12)) {
        let mut target = Target::new(&format!("{SKETCHES}, exclude_labels: [dropped]"));
        let mut models = [Model::default(); NAMES as usize];
        let mut flush = false;
        for Stretch { exposed, scrapes, failure, restarts, step } in stretches {
            for (name, model) in models.iter_mut().enumerate() {
                if restarts >> name & 1 == 1 {
                    model.value = 0;
                }
            }
            let failing = usize::from(failure.is_some());
            for number in 0..scrapes as usize + failing {
                let fails = number < failing;
                let types = ["c counter", "h histogram", "s counter", "g gauge"];
                let mut body = types.map(|name_and_type| format!("# TYPE {name_and_type}\n"));
                let mut expected = HashMap::new();
                for (place, model) in models.iter_mut().enumerate() {
                    model.value += step + place as u32;
                    let wanted = exposed >> place & 1 == 1 && !(fails && failure == Some(false));
                    if wanted && !model.is_on_the_edge() {
                        expose(&mut body, place as u32, model.value);
                        if let Some(growth) = model.read(flush) {
                            contribute(&mut expected, place as u32, growth);
                        }
                        if place % 4 == 3 {
                            expected.insert(format!("gname:{place}"), f64::from(model.value));
                        }
                    } else if !fails && let Some((_, missing)) = &mut model.seen {
                        *missing += 1;
                    }
                }
                let points = match (fails, body.concat()) {
                    // It does not end as it should.
                    (true, body) => target.fail(OPEN_METRICS, 200, &body),
                    (false, body) => target.values(&body),
                };
                prop_assert_eq!(points, expected.into_iter().collect::<BTreeMap<_, _>>());
                flush = !fails;
            }
        }
    }
}
