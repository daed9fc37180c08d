//! The sketch is the Datadog Agent's, bit for bit.
//!
//! Provenance: `fixtures/vectors/ddsketch.json`, computed by running the quantile package of the Agent itself (Go), and
//! reproduced by two further implementations; the file's `about` says how and what each field means.

#![allow(clippy::unwrap_used, reason = "here a panic is a failed test")]

use retriever::aggregate::Sketch;
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/ddsketch.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn bits(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// Runs one operation; false where the sketch refuses it.
fn run(sketch: &mut Sketch, op: &Value) -> bool {
    match op["op"].as_str().unwrap() {
        "insert" => {
            for value in numbers(&op["values"]) {
                sketch.insert(value);
            }
            true
        }
        "insert_repeat" => {
            for _ in 0..op["count"].as_u64().unwrap() {
                sketch.insert(op["values"][0].as_f64().unwrap());
            }
            true
        }
        "insert_sampled" => {
            let rate = op["sample_rate"].as_f64().unwrap();
            numbers(&op["values"]).into_iter().all(|value| sketch.insert_sampled(value, rate).is_ok())
        }
        "interpolate" => {
            let (lower, upper) = (op["lower"].as_f64().unwrap(), op["upper"].as_f64().unwrap());
            sketch.interpolate(lower, upper, op["count"].as_u64().unwrap()).is_ok()
        }
        other => panic!("the vectors have an operation `{other}`"),
    }
}

#[test]
fn sketches_are_those_of_the_agent() {
    let vectors = vectors();
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 27);
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let mut sketch = Sketch::default();
        let accepted = vector["ops"].as_array().unwrap().iter().all(|op| run(&mut sketch, op));
        let expect = &vector["expect"];
        if expect.is_null() || expect["bins"].is_null() {
            assert!(!accepted && sketch.is_empty(), "{name}");
            continue;
        }
        assert!(accepted, "{name}");
        let bins: Vec<(i64, u64)> = sketch.bins().map(|(key, count)| (i64::from(key), u64::from(count))).collect();
        let expected = expect["bins"].as_array().unwrap().iter();
        let expected: Vec<_> = expected.map(|bin| (bin["k"].as_i64().unwrap(), bin["n"].as_u64().unwrap())).collect();
        assert_eq!(bins, expected, "{name}");
        assert_eq!(Some(bins.len() as u64), expect["n_bins"].as_u64(), "{name}");
        assert_eq!(Some(bins.iter().map(|bin| bin.1).sum()), expect["bin_count_sum"].as_u64(), "{name}");
        assert_eq!(Some(sketch.count()), expect["cnt"].as_i64(), "{name}");
        assert_eq!(sketch.min().to_bits(), bits(&expect["min_bits"]), "{name}: min");
        assert_eq!(sketch.max().to_bits(), bits(&expect["max_bits"]), "{name}: max");
        assert_eq!(sketch.sum().to_bits(), bits(&expect["sum_bits"]), "{name}: sum");
        assert_eq!(sketch.avg().to_bits(), bits(&expect["avg_bits"]), "{name}: avg");
    }
}
