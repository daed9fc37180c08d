//! Laws of reading protobuf: what was encoded is read back, in whatever order and form its fields come; chunk boundaries
//! never matter; a cut body is always an error; no bytes make the reader panic.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use retriever::parse::{Format, Reader, ReaderLimits, Role};

use super::messages::*;
use super::{OwnedSample, Read, bits, read, read_pieces, read_whole};

fn any_labels() -> impl Strategy<Value = Vec<LabelPair>> {
    let name = prop_oneof!["[a-z_][a-z0-9_]{0,5}", "\\PC{1,4}"];
    let value = prop_oneof!["[a-z]{0,5}", "[\"\\\\\n\\PC]{0,6}"];
    vec((name, value), 0..4).prop_map(|pairs| {
        pairs.into_iter().map(|(name, value)| LabelPair { name: Some(name), value: Some(value) }).collect()
    })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), (-1000_i32..1000).prop_map(f64::from), Just(f64::INFINITY), Just(-0.0)]
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-10_i64..4_000_000_000, 0..1_000_000_000).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    (any_labels(), option::of(number()), option::of(timestamp())).prop_map(|(label, value, timestamp)| Exemplar {
        label,
        value,
        timestamp,
    })
}

fn bucket() -> impl Strategy<Value = Bucket> {
    (option::of(any::<u64>()), option::of(number()), option::of(number()), option::of(exemplar())).prop_map(
        |(cumulative_count, cumulative_count_float, upper_bound, exemplar)| Bucket {
            cumulative_count,
            cumulative_count_float,
            upper_bound,
            exemplar,
        },
    )
}

/// Spans with the numbers of as many buckets.
fn side() -> impl Strategy<Value = (Vec<BucketSpan>, Vec<i64>, Vec<f64>)> {
    vec((-50..50_i32, 0..4_u32), 0..4).prop_flat_map(|spans| {
        let length = spans.iter().map(|(_, length)| *length as usize).sum::<usize>();
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(offset, length)| BucketSpan { offset: Some(offset), length: Some(length) })
            .collect();
        (Just(spans), vec(any::<i64>(), length), vec(number(), length))
    })
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let counts = (option::of(any::<u64>()), option::of(number()), option::of(number()));
    let zero = (option::of(number()), option::of(any::<u64>()), option::of(number()));
    let lists = (vec(bucket(), 0..4), vec(exemplar(), 0..3), option::of(timestamp()));
    (counts, zero, lists, option::of(-9..=52_i32), side(), side()).prop_map(
        |(counts, zero, (bucket, exemplars, created_timestamp), schema, positive, negative)| Histogram {
            sample_count: counts.0,
            sample_count_float: counts.1,
            sample_sum: counts.2,
            bucket,
            created_timestamp,
            schema,
            zero_threshold: zero.0,
            zero_count: zero.1,
            zero_count_float: zero.2,
            positive_span: positive.0,
            positive_delta: positive.1,
            positive_count: positive.2,
            negative_span: negative.0,
            negative_delta: negative.1,
            negative_count: negative.2,
            exemplars,
        },
    )
}

fn metric() -> impl Strategy<Value = Metric> {
    let value = || option::of(option::of(number()).prop_map(|value| Value { value }));
    let counter = (option::of(number()), option::of(exemplar()), option::of(timestamp()))
        .prop_map(|(value, exemplar, created_timestamp)| Counter { value, exemplar, created_timestamp });
    let quantile = (option::of(number()), option::of(number()));
    let quantile = quantile.prop_map(|(quantile, value)| Quantile { quantile, value });
    let summary = (option::of(any::<u64>()), option::of(number()), vec(quantile, 0..4), option::of(timestamp()))
        .prop_map(|(sample_count, sample_sum, quantile, created_timestamp)| Summary {
            sample_count,
            sample_sum,
            quantile,
            created_timestamp,
        });
    let times = option::of(prop_oneof![Just(0), any::<i64>()]);
    let values = (value(), option::of(counter), option::of(summary), value(), option::of(histogram()));
    (any_labels(), values, times).prop_map(|(label, (gauge, counter, summary, untyped, histogram), timestamp_ms)| {
        Metric { label, gauge, counter, summary, untyped, histogram, timestamp_ms }
    })
}

fn families() -> impl Strategy<Value = Vec<MetricFamily>> {
    let name = prop_oneof!["[a-z:_][a-z0-9:_]{0,8}", "[a-z]{1,4}_total", "\\PC{1,5}"];
    let text = || option::of("\\PC{0,5}");
    let family = (name, text(), option::of(0..6_i32), vec(metric(), 0..4), text());
    let family = family.prop_map(|(name, help, r#type, metric, unit)| MetricFamily {
        name: Some(name),
        help,
        r#type,
        metric,
        unit,
    });
    vec(family, 0..4)
}

/// What is expected of a family: name, role, value, and the number of the bound or quantile.
type Expected = (String, Role, u64, Option<u64>);

fn expected_of_histogram(name: &str, histogram: &Histogram) -> Vec<Expected> {
    let total = histogram.sample_count.unwrap_or(0) as f64;
    let float = histogram.sample_count_float.unwrap_or(0.0);
    let is_native = !histogram.positive_span.is_empty()
        || !histogram.negative_span.is_empty()
        || histogram.zero_threshold.unwrap_or(0.0) > 0.0
        || histogram.zero_count.unwrap_or(0) > 0;
    let mut expected = Vec::new();
    if is_native {
        let is_float = float > 0.0 || histogram.zero_count_float.unwrap_or(0.0) > 0.0;
        let count = if is_float { float } else { total };
        expected.push((name.to_owned(), Role::NativeHistogram, bits(count), None));
    }
    let total = if float > 0.0 { float } else { total };
    expected.push((format!("{name}_count"), Role::Count, bits(total), None));
    expected.push((format!("{name}_sum"), Role::Sum, bits(histogram.sample_sum.unwrap_or(0.0)), None));
    let name = format!("{name}_bucket");
    for bucket in &histogram.bucket {
        let float = bucket.cumulative_count_float.unwrap_or(0.0);
        let count = if float > 0.0 { float } else { bucket.cumulative_count.unwrap_or(0) as f64 };
        let bound = bucket.upper_bound.unwrap_or(0.0);
        expected.push((name.clone(), Role::Bucket, bits(count), Some(bits(bound))));
        if bound == f64::INFINITY {
            return expected;
        }
    }
    expected.push((name, Role::Bucket, bits(total), Some(bits(f64::INFINITY))));
    expected
}

fn expected(family: &MetricFamily) -> Vec<Expected> {
    let name = family.name.clone().unwrap_or_default();
    let single = |role, value: Option<f64>| vec![(name.clone(), role, bits(value.unwrap_or(0.0)), None)];
    let of_metric = |metric: &Metric| match family.r#type.unwrap_or(COUNTER) {
        COUNTER => {
            let role = if name.ends_with("_total") { Role::Total } else { Role::Value };
            single(role, metric.counter.as_ref().and_then(|counter| counter.value))
        }
        GAUGE => single(Role::Value, metric.gauge.as_ref().and_then(|gauge| gauge.value)),
        UNTYPED => single(Role::Value, metric.untyped.as_ref().and_then(|untyped| untyped.value)),
        SUMMARY => {
            let summary = metric.summary.clone().unwrap_or_default();
            let mut expected = vec![
                (format!("{name}_count"), Role::Count, bits(summary.sample_count.unwrap_or(0) as f64), None),
                (format!("{name}_sum"), Role::Sum, bits(summary.sample_sum.unwrap_or(0.0)), None),
            ];
            expected.extend(summary.quantile.iter().map(|entry| {
                let quantile = bits(entry.quantile.unwrap_or(0.0));
                (name.clone(), Role::Quantile, bits(entry.value.unwrap_or(0.0)), Some(quantile))
            }));
            expected
        }
        _ => expected_of_histogram(&name, &metric.histogram.clone().unwrap_or_default()),
    };
    family.metric.iter().flat_map(of_metric).collect()
}

/// The same of what was read. Text knows one NaN and one zero.
fn told(sample: &OwnedSample) -> Expected {
    let bound = match sample.role {
        Role::Bucket | Role::Quantile => sample.labels.last().map(|(_, text)| bits(text.parse().unwrap())),
        _ => None,
    };
    (sample.name.clone(), sample.role, sample.value, bound)
}

fn canonical(mut expected: Expected) -> Expected {
    if let Some(bound) = &mut expected.3 {
        let number = f64::from_bits(*bound);
        *bound = bits(if number.is_nan() { "NaN".parse().unwrap() } else { number + 0.0 });
    }
    expected
}

/// The fields of a message, each whole: all of them have one of the three wire types that the schema has.
fn split(message: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let begin = rest;
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let skip = match key & 7 {
            0 => {
                prost::encoding::decode_varint(&mut rest).unwrap();
                0
            }
            1 => 8,
            2 => prost::encoding::decode_varint(&mut rest).unwrap() as usize,
            other => panic!("wire type {other}"),
        };
        rest = &rest[skip..];
        fields.push(begin[..begin.len() - rest.len()].to_vec());
    }
    fields
}

/// Joined so that all numbers of fields change places, but not the fields of one number.
fn rearranged(message: &[u8], turn: usize) -> Vec<u8> {
    let mut fields = split(message);
    let first = |field: &Vec<u8>| prost::encoding::decode_varint(&mut field.as_slice()).unwrap() >> 3;
    fields.sort_by_key(|field| std::cmp::Reverse((first(field) + turn as u64) % 7));
    // Unknown: a number, eight bytes, text, a group with a group in it, four bytes.
    let unknown: [&[u8]; 5] =
        [b"\x98\x06\x07", b"\x99\x0612345678", b"\x9a\x06\x02ab", b"\x9b\x06\x0b\x08\x01\x0c\x9c\x06", b"\x9d\x061234"];
    for (at, field) in unknown.iter().enumerate() {
        fields.insert((at * turn) % (fields.len() + 1), field.to_vec());
    }
    fields.concat()
}

fn framed(messages: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut body = Vec::new();
    for message in messages {
        prost::encoding::encode_varint(message.len() as u64, &mut body);
        body.extend(message);
    }
    body
}

/// The body with packed lists in place of those that `messages` writes one number at a time.
fn packed(families: &[MetricFamily]) -> Vec<u8> {
    framed(families.iter().map(|family| {
        let mut message = MetricFamily { metric: Vec::new(), ..family.clone() }.encode_to_vec();
        for metric in &family.metric {
            let mut bytes = Metric { histogram: None, ..metric.clone() }.encode_to_vec();
            if let Some(histogram) = &metric.histogram {
                let mut histogram = histogram.clone();
                let lists = PackedLists {
                    negative_delta: std::mem::take(&mut histogram.negative_delta),
                    negative_count: std::mem::take(&mut histogram.negative_count),
                    positive_delta: std::mem::take(&mut histogram.positive_delta),
                    positive_count: std::mem::take(&mut histogram.positive_count),
                };
                // In two messages, which count as one.
                prost::encoding::message::encode(7, &histogram, &mut bytes);
                prost::encoding::message::encode(7, &lists, &mut bytes);
            }
            prost::encoding::bytes::encode(4, &bytes, &mut message);
        }
        message
    }))
}

/// Everything that a failed reading hands out, however it was cut.
fn outcome(pieces: Vec<&[u8]>) -> (Read, Result<u64, String>) {
    let (read, end) = read_pieces(ReaderLimits::default(), pieces);
    (read, end.map(|totals| totals.samples).map_err(|error| error.to_string()))
}

fn pieces<'b>(mut body: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if body.is_empty() {
            break;
        }
        let (piece, rest) = body.split_at((*size).min(body.len()));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_encoded_is_read_back(families in families()) {
        let read = read(&body(&families));
        let with_metrics: Vec<_> = families.iter().filter(|family| !family.metric.is_empty()).collect();
        prop_assert_eq!(read.families.len(), with_metrics.len());
        for ((family, samples), sent) in read.families.iter().zip(with_metrics) {
            prop_assert_eq!(Some(&family.name), sent.name.as_ref());
            prop_assert_eq!(family.help.clone().unwrap_or_default(), sent.help.clone().unwrap_or_default());
            prop_assert_eq!(family.unit.clone().unwrap_or_default(), sent.unit.clone().unwrap_or_default());
            let told: Vec<_> = samples.iter().map(told).map(canonical).collect();
            prop_assert_eq!(told, expected(sent).into_iter().map(canonical).collect::<Vec<_>>());
        }
    }

    #[test]
    fn order_packing_and_unknown_fields_do_not_matter(families in families(), turn in 0..7_usize) {
        let read_plain = read(&body(&families));
        prop_assert_eq!(&read(&packed(&families)), &read_plain);
        let messages = families.iter().map(|family| rearranged(&family.encode_to_vec(), turn));
        prop_assert_eq!(&read(&framed(messages)), &read_plain);
        let metrics = families.iter().map(|family| {
            let mut message = MetricFamily { metric: Vec::new(), ..family.clone() }.encode_to_vec();
            for metric in &family.metric {
                prost::encoding::bytes::encode(4, &rearranged(&metric.encode_to_vec(), turn), &mut message);
            }
            message
        });
        prop_assert_eq!(&read(&framed(metrics)), &read_plain);
    }

    #[test]
    fn series_say_what_the_text_format_says(families in families()) {
        for sample in read(&body(&families)).samples() {
            let mut text = Read::default();
            let mut reader = Reader::new(Format::PrometheusText, ReaderLimits::default());
            reader.push(format!("{} 1\n", sample.series).as_bytes(), &mut text).unwrap();
            reader.finish(&mut text).unwrap();
            let line = text.samples()[0];
            prop_assert_eq!((&line.name, &line.labels), (&sample.name, &sample.labels));
        }
    }

    #[test]
    fn chunk_boundaries_do_not_matter(families in families(), sizes in vec(1..40_usize, 1..6)) {
        let body = body(&families);
        prop_assert_eq!(outcome(pieces(&body, &sizes)), outcome(vec![&body]));
    }

    #[test]
    fn a_cut_body_is_an_error(families in families(), at in any::<prop::sample::Index>()) {
        let body = body(&families);
        let cut = at.index(body.len() + 1);
        let ends: Vec<usize> = families
            .iter()
            .scan(0, |end, family| {
                *end += family.encode_length_delimited_to_vec().len();
                Some(*end)
            })
            .collect();
        let (_, end) = read_whole(&body[..cut]);
        if cut == 0 || ends.contains(&cut) {
            prop_assert!(end.is_ok());
        } else {
            prop_assert!(end.unwrap_err().is_truncated());
        }
    }

    #[test]
    fn noise_is_survived(noise in vec(any::<u8>(), 0..300), sizes in vec(1..40_usize, 1..6)) {
        prop_assert_eq!(outcome(pieces(&noise, &sizes)), outcome(vec![&noise]));
    }

    #[test]
    fn damage_is_survived(
        families in families(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        sizes in vec(1..40_usize, 1..6),
    ) {
        let mut body = body(&families);
        for (at, byte) in damage {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        prop_assert_eq!(outcome(pieces(&body, &sizes)), outcome(vec![&body]));
    }
}
