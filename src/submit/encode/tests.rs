//! The encoders against bodies that another protobuf implementation made from the published schema.

use serde_json::Value;

use super::*;
use crate::aggregate::PointKind;
use crate::map::Status;

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vectors/datadog_wire.json");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let mut file: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    serde_json::from_value(file["vectors"].take()).expect("the vectors are a list")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

/// Protobuf's JSON form writes 64-bit integers as strings.
fn integer(value: &Value) -> i64 {
    value.as_i64().or_else(|| text(value).parse().ok()).unwrap_or_default()
}

fn series_body(decoded: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    for series in list(&decoded["series"]) {
        let resource = |kind| {
            let found = list(&series["resources"]).iter().find(|resource| resource["type"] == kind);
            found.map_or("", |resource| text(&resource["name"]))
        };
        let points: Vec<_> = list(&series["points"])
            .iter()
            .map(|point| (number(&point["value"]), integer(&point["timestamp"])))
            .collect();
        let origin = &series["metadata"]["origin"];
        let part = |name: &str| u32::try_from(integer(&origin[name])).unwrap();
        let origin = origin.is_object().then(|| Origin {
            product: part("origin_product"),
            category: part("origin_category"),
            service: part("origin_service"),
        });
        let entry = Series {
            host: resource("host"),
            device: resource("device"),
            metric: text(&series["metric"]),
            tags: list(&series["tags"]).iter().map(text),
            points: &points,
            kind: match text(&series["type"]) {
                "COUNT" => PointKind::Count,
                "RATE" => PointKind::Rate,
                "GAUGE" => PointKind::Gauge,
                other => panic!("unknown type {other}"),
            },
            unit: text(&series["unit"]),
            source_type_name: text(&series["source_type_name"]),
            interval: u32::try_from(integer(&series["interval"])).unwrap(),
            origin,
        };
        encode_series(&mut body, entry);
    }
    body
}

fn sketch_body(decoded: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    for series in list(&decoded["sketches"]) {
        let [sketch] = list(&series["dogsketches"]) else { panic!("a vector has one sketch in a series") };
        let bins: Vec<_> = std::iter::zip(list(&sketch["k"]), list(&sketch["n"]))
            .map(|(key, count)| (i16::try_from(integer(key)).unwrap(), u16::try_from(integer(count)).unwrap()))
            .collect();
        let entry = SketchSeries {
            metric: text(&series["metric"]),
            host: text(&series["host"]),
            tags: list(&series["tags"]).iter().map(text),
            timestamp: integer(&sketch["ts"]),
            count: integer(&sketch["cnt"]),
            min: number(&sketch["min"]),
            max: number(&sketch["max"]),
            avg: number(&sketch["avg"]),
            sum: number(&sketch["sum"]),
            bins: &bins,
        };
        encode_sketch(&mut body, entry);
    }
    if decoded["metadata"].is_object() {
        // The Agent ends its payloads with an empty metadata message, which Retriever leaves away.
        body.extend_from_slice(&[0x12, 0]);
    }
    body
}

#[test]
fn bodies_agree_byte_for_byte() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 5);
    for vector in &vectors {
        let body = match text(&vector["message"]) {
            "datadog.agentpayload.MetricPayload" => series_body(&vector["decoded"]),
            "datadog.agentpayload.SketchPayload" => sketch_body(&vector["decoded"]),
            other => panic!("unknown message {other}"),
        };
        let hex: String = body.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
        assert_eq!(hex, text(&vector["hex"]), "{}", vector["name"]);
    }
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap()
}

#[test]
fn a_service_check_is_the_documented_object() {
    let mut buffer = Vec::new();
    let run = CheckRun {
        check: "app.openmetrics.health",
        host_name: "h1",
        status: Status::Critical,
        timestamp: 1_700_000_000,
        message: "line \"one\"\nline two",
        tags: &["endpoint:http://localhost:9100/metrics"],
    };
    encode_check_run(&mut buffer, &run);
    let expected = r#"{"check":"app.openmetrics.health","host_name":"h1","status":2,"timestamp":1700000000,"message":"line \"one\"\nline two","tags":["endpoint:http://localhost:9100/metrics"]}"#;
    assert_eq!(String::from_utf8(buffer).unwrap(), expected);
}
