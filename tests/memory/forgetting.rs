//! When series are forgotten, and that nothing of what churns stays.

use std::fmt::Write as _;
use std::sync::Arc;

use retriever::map::{Forgotten, RETAIN_ANYWAY_SCRAPES, RETAIN_SCRAPES, ROOM_FOR_ABSENT};
use retriever::parse::Format;
use retriever::pipeline::{FetchFailure, Pipeline, Recorder};
use retriever::time::UnixTime;

use crate::target::{OPEN_METRICS, SKETCHES, TEXT, Target, expect, instance};
use crate::{LONG, SWEEP};

const STAYS: &str = "# TYPE up gauge\nup 1\n";

/// A counter and a histogram with a label, beside a gauge that stays.
fn pod(name: u32, value: u32) -> String {
    format!(
        "{STAYS}# TYPE x counter\nx_total{{pod=\"{name}\"}} {value}\n# TYPE h histogram\n\
         h_bucket{{pod=\"{name}\",le=\"1\"}} {value}\nh_bucket{{pod=\"{name}\",le=\"+Inf\"}} {value}\n\
         h_sum{{pod=\"{name}\"}} {value}\nh_count{{pod=\"{name}\"}} {value}\n"
    )
}

#[test]
fn a_series_that_returns_in_time_continues() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    target.repeat(RETAIN_SCRAPES, STAYS);
    assert_eq!(target.remembered(), (7, 5, 6));
    let grown = [("h.countpod:1", 4.0), ("h.sumpod:1", 4.0), ("hpod:1", 4.0), ("up", 1.0), ("x.countpod:1", 4.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&grown));
}

#[test]
fn a_series_that_stays_away_is_forgotten_and_returns_as_a_first_value() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    target.repeat(LONG, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
    let first = [("h.countpod:1", 9.0), ("h.sumpod:1", 9.0), ("hpod:1", 9.0), ("up", 1.0), ("x.countpod:1", 9.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&first));
    assert_eq!(target.remembered(), (7, 5, 6));
}

/// Of gauges, quantiles, service checks, metadata and what is dropped nothing goes on, so nothing of it is worth keeping.
#[test]
fn what_does_not_grow_is_forgotten_soon() {
    let mut target = Target::new(
        "exclude_metrics_by_labels: {drop: true}, extra_metrics: [{s: {type: service_check, status_map: {1: OK}}}, {v: {type: metadata, label: version}}]",
    );
    let body = format!(
        "{STAYS}# TYPE g gauge\ng 1\n# TYPE d counter\nd_total{{drop=\"1\"}} 1\n# TYPE q summary\nq{{quantile=\"0.5\"}} 1\n\
         # TYPE s gauge\ns 1\n# TYPE v gauge\nv{{version=\"1.2.3\"}} 1\n# TYPE x counter\nx_total 1\n"
    );
    target.scrape(&body);
    assert_eq!(target.remembered(), (4, 4, 7));
    target.repeat(RETAIN_ANYWAY_SCRAPES, STAYS);
    assert_eq!(target.remembered(), (4, 4, 7));
    target.repeat(SWEEP, STAYS);
    assert_eq!(target.remembered(), (2, 2, 2));
    assert_eq!(target.values(&body.replace("x_total 1", "x_total 4"))["x.count"], 3.0);
}

/// Its reading is kept with the series, whatever it was called in between.
#[test]
fn a_counter_that_was_a_gauge_in_between_is_remembered_as_a_counter() {
    let mut target = Target::new("cache_metric_wildcards: false");
    target.scrape("# TYPE x_total counter\nx_total 5\n");
    assert_eq!(target.values("# TYPE x_total gauge\nx_total 7\n"), expect(&[("x_total", 7.0)]));
    target.repeat(100, STAYS);
    assert_eq!(target.values("# TYPE x_total counter\nx_total 9\n"), expect(&[("x.count", 4.0)]));
}

/// So many counters, with the number of their scrape, of one value.
fn counters(number: usize, of: usize, value: u32) -> String {
    (0..number).fold("# TYPE x counter\n".to_owned(), |mut body, name| {
        let _ = writeln!(body, "x_total{{of=\"{of}\",name=\"{name}\"}} {value}");
        body
    })
}

#[test]
fn counters_that_are_absent_are_bounded_and_those_absent_for_the_longest_go_first() {
    // Beside those that are there, those of six scrapes have room.
    let each = ROOM_FOR_ABSENT / 6;
    let mut target = Target::new("");
    for scrape in 0..20 {
        target.scrape(&counters(each, scrape, 5));
        // Contexts are let go one scrape later.
        assert!(target.road.contexts().len() <= each * 8 && target.road.series() <= each * 8, "{scrape}");
    }
    let body = format!("{}{}", counters(1, 13, 9), counters(1, 12, 9).split_once('\n').unwrap().1);
    let values = target.values(&body);
    assert_eq!(values, expect(&[("x.countname:0,of:12", 9.0), ("x.countname:0,of:13", 4.0)]));
}

#[test]
fn small_targets_keep_counters_for_the_hour() {
    let each = ROOM_FOR_ABSENT / RETAIN_SCRAPES as usize;
    let mut target = Target::new("");
    for scrape in 0..=RETAIN_SCRAPES as usize {
        target.scrape(&counters(each, scrape, 5));
    }
    let grown = target.values(&counters(each, 0, 9));
    assert!(grown.len() == each && grown.values().all(|value| *value == 4.0), "{grown:?}");
}

/// An exporter lost what it exports, and found it again: nothing new came that would need the room.
#[test]
fn what_all_went_away_and_all_comes_back_continues() {
    let all = ROOM_FOR_ABSENT + 1000;
    let mut target = Target::new("");
    target.scrape(&counters(all, 0, 5));
    target.repeat(RETAIN_SCRAPES, STAYS);
    let grown = target.values(&counters(all, 0, 9));
    assert!(grown.len() == all && grown.values().all(|value| *value == 4.0));
}

#[test]
fn each_series_is_forgotten_on_its_own() {
    let mut target = Target::new("");
    let body = |names: &[u32]| {
        names.iter().fold("# TYPE x counter\n".to_owned(), |mut body, name| {
            let _ = writeln!(body, "x_total{{pod=\"{name}\"}} 5");
            body
        })
    };
    target.scrape(&body(&[1, 2, 3]));
    target.repeat(100, &body(&[2, 3]));
    target.repeat(LONG - 100, &body(&[3]));
    assert_eq!(target.remembered(), (2, 2, 2));
    target.repeat(100, &body(&[3]));
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// A context, and a histogram, are remembered as long as one of their series is.
#[test]
fn what_series_share_is_forgotten_with_the_last_of_them() {
    let mut target = Target::new("exclude_labels: [pod]");
    let both =
        "# TYPE x counter\nx_total{pod=\"1\"} 5\nx_total{pod=\"2\"} 50\n# TYPE h histogram\nh_count 3\nh_sum 9\n";
    let one = "# TYPE x counter\nx_total{pod=\"2\"} 50\n# TYPE h histogram\nh_sum 9\n";
    target.scrape(both);
    target.repeat(LONG, one);
    assert_eq!(target.remembered(), (2, 2, 2));
    // 5 is a first value, 50 is known; the sum is known, and its count begins anew.
    assert_eq!(target.values(both), expect(&[("x.count", 5.0), ("h.sum", 0.0), ("h.count", 3.0)]));
    target.repeat(LONG, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
}

#[test]
fn failed_scrapes_age_nothing() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    for _ in 0..LONG {
        assert_eq!(target.fail(TEXT, 503, ""), expect(&[]));
        // A whole exposition ends with a mark, and nothing is known of what would have come before it.
        assert_eq!(target.fail(OPEN_METRICS, 200, "# TYPE up gauge\nup 1\n"), expect(&[("up", 1.0)]));
    }
    assert_eq!(target.remembered().0, 7);
    let grown = [("h.countpod:1", 4.0), ("h.sumpod:1", 4.0), ("hpod:1", 4.0), ("up", 1.0), ("x.countpod:1", 4.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&grown));
    // They do not keep anything young either.
    for _ in 0..LONG {
        target.scrape(STAYS);
        target.fail(TEXT, 503, "");
    }
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// For an hour there was no connection, which is to be ignored: nothing is known of what was there meanwhile.
#[test]
fn ignored_failures_age_nothing() {
    let mut pipeline = Pipeline::new(Arc::new(instance("ignore_connection_errors: true")), None);
    let now = UnixTime::from_seconds(1_700_000_000.0);
    let mut recorder = Recorder::default();
    let mut scrape = pipeline.begin(Format::PrometheusText, now, &mut recorder);
    scrape.push(STAYS.as_bytes());
    let read = scrape.finish(None);
    pipeline.end(read, &mut recorder);
    for _ in 0..2 * LONG {
        let message = "the connection was refused".to_owned();
        let failure = FetchFailure { reason: "refused", message, connection: true, limit: false };
        let report = pipeline.unanswered(failure, &mut recorder);
        assert!(report.failure.is_none() && report.ignored.is_some());
    }
    assert_eq!(pipeline.contexts().len(), 1);
    assert_eq!(pipeline.take_forgotten(), Forgotten::default());
}

#[test]
fn a_failed_scrape_that_has_a_series_keeps_it() {
    let mut target = Target::new("");
    let cut = "# TYPE x counter\nx_total 5\n";
    target.scrape(cut);
    for _ in 0..LONG {
        target.scrape(STAYS);
        target.fail(OPEN_METRICS, 200, cut);
    }
    assert_eq!(target.remembered(), (2, 2, 2));
}

/// The aggregator takes no values of a series that is dropped, or is not a number, but the series is there.
#[test]
fn a_series_without_values_is_remembered_while_it_is_exposed() {
    let mut target = Target::new("");
    target.scrape("# TYPE x counter\nx_total 5\n");
    target.repeat(LONG, "# TYPE x counter\nx_total NaN\n");
    assert_eq!(target.remembered(), (1, 1, 1));
    assert_eq!(target.values("# TYPE x counter\nx_total 9\n"), expect(&[("x.count", 4.0)]));
}

#[test]
fn churn_does_not_add_up() {
    let mut target = Target::new(SKETCHES);
    // Each scrape has other series than the one before: 6, of which the gauge stays.
    let most = LONG as usize + 1;
    let mut highest = [0; 3];
    for name in 0..3 * LONG {
        target.scrape(&pod(name, 1));
        let (contexts, series, exposed) = target.remembered();
        // Each of two buckets has a second one, without bounds. Contexts are let go one scrape later, when nobody looks at what was submitted to them any more.
        assert!(contexts <= (most + 1) * 6 + 1 && series <= most * 4 + 1 && exposed <= most * 5 + 1);
        for (highest, number) in highest.iter_mut().zip(target.numbers()) {
            *highest = number.max(*highest);
        }
    }
    // Numbers are places in arrays, which do not grow either; those of contexts are given out again two scrapes later.
    let [context, series, group] = highest;
    assert!(context <= (most + 3) * 6 + 1 && series <= most * 5 + 1 && group <= most, "{highest:?}");
    target.repeat(LONG + 1, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// Names are remembered by others than series are, and go with them.
#[test]
fn families_that_stay_away_are_forgotten() {
    let mut target = Target::new("exclude_metrics: [^no]");
    let body = |round: u32| format!("{STAYS}# TYPE x{round} gauge\nx{round} 1\n# TYPE no{round} gauge\nno{round} 1\n");
    for round in 0..3 * LONG {
        target.scrape(&body(round));
        assert!(target.road.mapper().families().count() <= 2 * LONG as usize + 3);
    }
    target.repeat(LONG + 1, STAYS);
    assert_eq!(target.road.mapper().families().collect::<Vec<_>>(), ["up"]);
}

/// The limit on series is one on their size, too.
#[test]
fn long_names_and_labels_do_not_add_up() {
    let mut target = Target::new("series_limit: 1000");
    let long = "v".repeat(60_000);
    // 15 MB in each scrape.
    let series = |round: u32| {
        (0..250).fold("# TYPE x gauge\n".to_owned(), |mut body, name| {
            let _ = writeln!(body, "x{{a=\"{round}-{name}-{long}\"}} 1");
            body
        })
    };
    for round in 0..4 {
        target.scrape(&series(round));
    }
    target.fail(TEXT, 200, &series(4));
    // All is forgotten, so there is room again.
    target.scrape(&series(5));
    assert_eq!(target.remembered().0, 250);
    let families = |round: u32| {
        (0..250).fold(String::new(), |mut body, name| {
            let _ = writeln!(body, "# TYPE y{round}_{name}_{long} gauge");
            body
        })
    };
    target.scrape(&families(0));
    target.fail(TEXT, 200, &families(1));
}

/// Every scrape moves the bounds of a bucket, and so makes it another context.
#[test]
fn contexts_of_bounds_that_change_do_not_add_up() {
    for options in [
        "non_cumulative_histogram_buckets: true",
        "histogram_buckets_as_distributions: true, collect_counters_with_distributions: true",
    ] {
        let mut target = Target::new(options);
        for round in 0..2 * LONG {
            let low = f64::from(round) / 1000.0;
            target.scrape(&format!("# TYPE h histogram\nh_bucket{{le=\"{low}\"}} 1\nh_bucket{{le=\"5\"}} 3\n"));
            // The bucket up to 5 has its present context only, and one without its bounds; of the others, those within memory.
            assert!(target.remembered().0 <= 2 * LONG as usize + 5, "{options}");
        }
    }
}

/// A bucket appears between two others, so that the upper of them counts less than before: that is no reset, of it or of
/// its histogram.
#[test]
fn a_bucket_that_loses_its_lower_part_to_a_new_one_has_not_fallen() {
    let body = |buckets: &str, total: u32| {
        format!("# TYPE h histogram\n{buckets}h_bucket{{le=\"+Inf\"}} {total}\nh_sum {total}\nh_count {total}\n")
    };
    let few = body("h_bucket{le=\"1\"} 10\nh_bucket{le=\"4\"} 17\n", 20);
    let more = body("h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 15\nh_bucket{le=\"4\"} 18\n", 21);
    let mut target = Target::new("non_cumulative_histogram_buckets: true");
    target.scrape(&few);
    let expected = [
        ("h.bucketlower_bound:0,upper_bound:1.0", 0.0),
        // New, so that all of it counts, as for the Agent; it does not know either that others counted it before.
        ("h.bucketlower_bound:1.0,upper_bound:2.0", 5.0),
        ("h.count", 1.0),
        ("h.sum", 1.0),
    ];
    assert_eq!(target.values(&more), expect(&expected));
    let mut target = Target::new(SKETCHES);
    target.scrape(&few);
    assert_eq!(target.values(&more), expect(&[("h", 5.0), ("h.count", 1.0), ("h.sum", 1.0)]));
}
