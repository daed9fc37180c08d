//! Any bytes as Prometheus protobuf.

#![no_main]

mod laws;

use libfuzzer_sys::fuzz_target;
use retriever::parse::Format;

fuzz_target!(|bytes: &[u8]| laws::hold(Format::PrometheusProtobuf, bytes));
