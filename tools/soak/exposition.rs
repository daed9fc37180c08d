//! What the targets expose: the same series all the time, with values that change every second.

use std::fmt::Write as _;
use std::sync::Mutex;

use bytes::Bytes;

/// The exposition of all targets, written once a second whoever asks for it.
#[derive(Debug)]
pub(crate) struct Exposition {
    series: usize,
    written: Mutex<(u64, Bytes)>,
}

impl Exposition {
    pub(crate) fn new(series: usize) -> Self {
        Self { series, written: Mutex::new((u64::MAX, Bytes::new())) }
    }

    pub(crate) fn at(&self, second: u64) -> Bytes {
        let mut written = self.written.lock().expect("writing does not panic");
        if written.0 != second {
            *written = (second, write(self.series, second).into());
        }
        written.1.clone()
    }
}

/// Half of the series are gauges, three of ten counters, and the rest histograms.
fn write(series: usize, second: u64) -> String {
    let (gauges, counters) = (series / 2, series * 3 / 10);
    let mut text = String::with_capacity(series * 100);
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        let _ = text.write_fmt(arguments);
    };
    line(format_args!("# HELP soak_queue_length Items that wait.\n# TYPE soak_queue_length gauge\n"));
    for i in 0..gauges {
        let value = (second * 7 + i as u64 * 13) % 1000;
        line(format_args!("soak_queue_length{{queue=\"orders-{i:04}\",zone=\"eu-{}\"}} {value}\n", i % 3));
    }
    line(format_args!("# HELP soak_requests_total Requests that were answered.\n# TYPE soak_requests_total counter\n"));
    for i in 0..counters {
        let value = second * (i as u64 % 17 + 1) + 1_000_000;
        line(format_args!("soak_requests_total{{path=\"/api/v1/resource/{i:04}\",code=\"200\"}} {value}\n"));
    }
    line(format_args!("# HELP soak_latency_seconds How long.\n# TYPE soak_latency_seconds histogram\n"));
    // Eight buckets, the sum and the count.
    for i in 0..(series - gauges - counters) / 10 {
        for (bucket, bound) in ["0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf"].iter().enumerate() {
            let value = second * (bucket as u64 + 1) * 3;
            line(format_args!("soak_latency_seconds_bucket{{handler=\"h{i:03}\",le=\"{bound}\"}} {value}\n"));
        }
        line(format_args!("soak_latency_seconds_sum{{handler=\"h{i:03}\"}} {}.25\n", second * 5));
        line(format_args!("soak_latency_seconds_count{{handler=\"h{i:03}\"}} {}\n", second * 24));
    }
    text
}
