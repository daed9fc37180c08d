//! The OpenMetrics 2.0 draft: composite values come out as the samples that OpenMetrics 1.0 has for them.

use std::fmt::Write as _;

use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};

#[derive(Default)]
struct Log(Vec<String>);

impl Sink for Log {
    fn family(&mut self, family: &Family) {
        self.0.push(format!("{} {}", family.name, family.metric_type));
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let mut entry = format!("  {} {} {:?}", sample.series, sample.value_text, sample.role);
        if let Some(timestamp) = sample.timestamp_ms {
            write!(entry, " @{timestamp}").expect("a string takes text");
        }
        if let Some(start) = sample.start_ms {
            write!(entry, " since {start}").expect("a string takes text");
        }
        for exemplar in sample.exemplar.iter().chain(sample.more_exemplars) {
            let labels: Vec<_> = exemplar.labels.iter().map(|l| l.value.text()).collect();
            write!(entry, " # {} {}", labels.join(","), exemplar.value_text).expect("a string takes text");
        }
        if let Some(native) = sample.native {
            let positive: Vec<_> = native.positive.iter().collect();
            let negative: Vec<_> = native.negative.iter().collect();
            let (schema, zero, exemplars) = (native.schema, native.zero_count, native.exemplars.len());
            write!(entry, " schema {schema} zero {zero} {positive:?} {negative:?} {exemplars} exemplars")
                .expect("a string takes text");
        }
        // The name of a sample is what its series begins with.
        assert!(sample.series.trim_start_matches("{\"").starts_with(sample.name.raw()), "{entry}");
        self.0.push(entry);
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.0.push(format!("! {}:{} {}", diagnostic.line, diagnostic.column, diagnostic.message));
    }
}

fn read(body: &str) -> Vec<String> {
    let format = Format::from_content_type(Some("application/openmetrics-text; version=2.0.0; charset=utf-8"));
    let mut log = Log::default();
    let mut reader = Reader::new(format, ReaderLimits::default());
    reader.push(format!("{body}# EOF\n").as_bytes(), &mut log).expect("an exposition");
    reader.finish(&mut log).expect("a whole exposition");
    log.0
}

#[test]
fn single_values_keep_their_names() {
    assert_eq!(
        read(
            "# TYPE c counter\nc 1 2 st@0.5 # {a=\"x\"} 3 4 # {} 5 6\n# TYPE d_total counter\nd_total 1\n# TYPE g gauge\ng{b=\"c\"} 1\n"
        ),
        [
            "c counter",
            "  c 1 Total @2000 since 500 # x 3 #  5",
            "d_total counter",
            "  d_total 1 Total",
            "g gauge",
            "  g{b=\"c\"} 1 Value",
        ]
    );
}

#[test]
fn classic_histograms_become_their_samples() {
    let body = "# TYPE h histogram\nh{a=\"b\"} {count:3,sum:4.5,bucket:[0.5:1,1:2,+Inf:3]} 7 st@5 # {t=\"x\"} 0.7 6 # {t=\"y\"} 0.8 6\n\
                # TYPE \"g.h\" gaugehistogram\n{\"g.h\"} {gcount:3,gsum:-1,bucket:[+Inf:3]}\n";
    assert_eq!(
        read(body),
        [
            "h histogram",
            "  h_count{a=\"b\"} 3 Count @7000 since 5000",
            "  h_sum{a=\"b\"} 4.5 Sum @7000 since 5000",
            "  h_bucket{a=\"b\",le=\"0.5\"} 1 Bucket @7000 since 5000",
            "  h_bucket{a=\"b\",le=\"1.0\"} 2 Bucket @7000 since 5000 # x 0.7 # y 0.8",
            "  h_bucket{a=\"b\",le=\"+Inf\"} 3 Bucket @7000 since 5000",
            "g.h gaugehistogram",
            "  {\"g.h_gcount\"} 3 Count",
            "  {\"g.h_gsum\"} -1 Sum",
            "  {\"g.h_bucket\",le=\"+Inf\"} 3 Bucket",
        ]
    );
}

#[test]
fn native_histograms_stand_beside_their_classic_view() {
    let body = "# TYPE h histogram\nh {count:6,sum:4.5,schema:1,zero_threshold:0.5,zero_count:1,negative_spans:[-1:1],\
                negative_buckets:[2],positive_spans:[0:1,3:1],positive_buckets:[1,2]} # {} 1 2\n";
    assert_eq!(
        read(body),
        [
            "h histogram",
            "  h 6 NativeHistogram schema 1 zero 1 [(0, 1.0), (4, 2.0)] [(-1, 2.0)] 1 exemplars",
            "  h_count 6 Count",
            "  h_sum 4.5 Sum",
            "  h_bucket{le=\"+Inf\"} 6 Bucket",
        ]
    );
}

#[test]
fn summaries_become_their_samples() {
    assert_eq!(
        read("# TYPE s summary\ns {count:1,sum:2,quantile:[0.5:3,1:4]}\n"),
        [
            "s summary",
            "  s_count 1 Count",
            "  s_sum 2 Sum",
            "  s{quantile=\"0.5\"} 3 Quantile",
            "  s{quantile=\"1.0\"} 4 Quantile",
        ]
    );
}

#[test]
fn a_body_of_version_1_is_read_too() {
    assert_eq!(
        read("# TYPE c counter\nc_total 1\nc_created 2\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n"),
        [
            "c counter",
            "  c_total 1 Total",
            "  c_created 2 Created",
            "h histogram",
            "  h_bucket{le=\"+Inf\"} 1 Bucket",
            "  h_count 1 Count",
        ]
    );
}

#[test]
fn complaints_name_the_place() {
    let complaints = [
        ("h {count:1,sum:2}", "17 expected `,bucket:[`"),
        ("h {count:1, sum:2,bucket:[+Inf:1]}", "11 expected `,sum:`"),
        ("h {count:x,sum:2,bucket:[+Inf:1]}", "10 the value `x` is not a number"),
        ("h {count:1,sum:2,bucket:[1:1]}", "26 expected a bucket `+Inf:` at the end of the list"),
        ("h {count:1,sum:2,schema:99,zero_threshold:0,zero_count:0}", "25 expected a schema from -4 to 8"),
        (
            "h {count:1,sum:2,schema:0,zero_threshold:0,zero_count:0,positive_spans:[0:2],positive_buckets:[1]}",
            "96 expected one count for each bucket of the spans",
        ),
        ("h {count:1,sum:2,bucket:[+Inf:1]", "33 expected `}`"),
        ("h 1 st@x", "8 the timestamp `x` is not a finite number of seconds"),
    ];
    for (line, expected) in complaints {
        let log = read(&format!("a 1\n{line}\n"));
        assert_eq!(log[2], format!("! 2:{expected}"), "{line}");
    }
}
