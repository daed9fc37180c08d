//! Small facts of the formats, from vectors: names in escaping schemes, canonical bounds, content types.

use std::path::Path;

use retriever::parse::{EscapingScheme, Format, canonical_bound};
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors").join(name);
    let text = std::fs::read_to_string(path).expect("the vectors");
    serde_json::from_str(&text).expect("an array")
}

#[test]
fn names_are_escaped_and_unescaped_as_by_client_golang() {
    let mut seen = 0;
    for vector in vectors("escaping.json") {
        // Names that are not UTF-8 cannot come to a scheme; what replaces their bytes can.
        let name = match (vector["name"].as_str(), vector["name_base64"].as_str()) {
            (Some(name), _) => name.to_owned(),
            (_, Some("Yf8=")) => String::from_utf8_lossy(b"a\xFF").into_owned(),
            (_, Some("7aCA")) => String::from_utf8_lossy(b"\xED\xA0\x80").into_owned(),
            _ => panic!("{vector}"),
        };
        for scheme in ["allow-utf-8", "underscores", "dots", "values"] {
            let Some(expected) = vector[scheme].as_str() else { continue };
            let scheme = EscapingScheme::from_name(scheme).expect("a scheme");
            assert_eq!(scheme.escape(&name), expected, "{name} {scheme:?}");
            seen += 1;
        }
        for (key, scheme) in [("unescape_dots", EscapingScheme::Dots), ("unescape_values", EscapingScheme::Values)] {
            let Some(expected) = vector[key].as_str() else { continue };
            assert_eq!(scheme.unescape(&name), expected, "{name} {scheme:?}");
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn bounds_are_written_as_by_prometheus() {
    let vectors = vectors("le_normalisation.json");
    assert!(vectors.len() > 30);
    for vector in vectors {
        let text = vector["in"].as_str().expect("text");
        assert_eq!(canonical_bound(text), vector["out"].as_str().expect("text"), "{text}");
    }
}

#[test]
fn content_types_are_read_as_by_prometheus() {
    let format = |name: &Value| match name.as_str() {
        Some("prometheus-text" | "text/plain") => Some(Format::PrometheusText),
        Some("openmetrics-text" | "application/openmetrics-text") => Some(Format::OpenMetrics),
        Some("protobuf" | "application/vnd.google.protobuf") => Some(Format::PrometheusProtobuf),
        None => None,
        Some(other) => panic!("{other}"),
    };
    let vectors = vectors("content_type.json");
    assert!(vectors.len() > 100);
    for vector in vectors {
        let header = vector["content_type"].as_str().expect("text");
        let choice = Format::prometheus_choice(header, format(&vector["fallback"]));
        assert_eq!(choice, format(&vector["parser"]), "{vector}");
    }
}
