//! The grammar of composite values: all numbers of a histogram or summary between braces, in a fixed order and without
//! blanks.

use crate::parse::native::Span;
use crate::parse::token::{Parsed, Reason, fault, number};

/// What a composite value is of, told by its first field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parse) enum Kind {
    Histogram,
    GaugeHistogram,
    Summary,
}

/// A number as exposed.
pub(in crate::parse) type Number<'a> = (&'a str, f64);

/// A composite value.
#[derive(Debug)]
pub(in crate::parse) struct Composite<'a> {
    pub(in crate::parse) kind: Kind,
    pub(in crate::parse) count: Number<'a>,
    pub(in crate::parse) sum: Number<'a>,
    /// Bounds and cumulative counts, or quantiles and values.
    pub(in crate::parse) buckets: Buckets<'a>,
    pub(in crate::parse) native: Option<Native>,
}

/// Pairs of a number and a value.
pub(in crate::parse) type Buckets<'a> = Vec<(Number<'a>, Number<'a>)>;

/// The native buckets of a histogram.
#[derive(Debug)]
pub(in crate::parse) struct Native {
    pub(in crate::parse) schema: i32,
    pub(in crate::parse) zero_threshold: f64,
    pub(in crate::parse) zero_count: f64,
    pub(in crate::parse) negative: Side,
    pub(in crate::parse) positive: Side,
}

/// The buckets on one side of zero; there is a count for each bucket of the spans.
#[derive(Debug, Default)]
pub(in crate::parse) struct Side {
    pub(in crate::parse) spans: Vec<Span>,
    pub(in crate::parse) counts: Vec<f64>,
}

/// Reads a composite value behind its `{`, up to and including `}`.
pub(super) fn composite(input: &str) -> Parsed<'_, Composite<'_>> {
    let gauge = input.starts_with("gcount:");
    let (rest, ()) = expect(input, if gauge { "gcount:" } else { "count:" })?;
    let (rest, count) = number_token(rest)?;
    let (rest, ()) = expect(rest, if gauge { ",gsum:" } else { ",sum:" })?;
    let (rest, sum) = number_token(rest)?;
    let mut composite = Composite { kind: Kind::Histogram, count, sum, buckets: Vec::new(), native: None };
    if gauge {
        composite.kind = Kind::GaugeHistogram;
    }
    let rest = if let Some(list) = rest.strip_prefix(",quantile:[").filter(|_| !gauge) {
        composite.kind = Kind::Summary;
        let (rest, quantiles) = pairs(list)?;
        composite.buckets = quantiles;
        rest
    } else if rest.starts_with(",schema:") {
        let (rest, native) = native(rest)?;
        composite.native = Some(native);
        if rest.starts_with(',') {
            let (rest, buckets) = classic(rest)?;
            composite.buckets = buckets;
            rest
        } else {
            rest
        }
    } else {
        let (rest, buckets) = classic(rest)?;
        composite.buckets = buckets;
        rest
    };
    expect(rest, "}").map(|(rest, ())| (rest, composite))
}

/// Classic buckets, the last of them infinite.
fn classic(input: &str) -> Parsed<'_, Buckets<'_>> {
    let (list, ()) = expect(input, ",bucket:[")?;
    let (rest, buckets) = pairs(list)?;
    match buckets.last() {
        Some((("+Inf", _), _)) => Ok((rest, buckets)),
        _ => Err(fault(list, Reason::Expected("a bucket `+Inf:` at the end of the list"))),
    }
}

fn native(input: &str) -> Parsed<'_, Native> {
    let (rest, ()) = expect(input, ",schema:")?;
    let at = rest;
    let (rest, schema) = integer::<i32>(rest)?;
    if !(-4..=8).contains(&schema) {
        return Err(fault(at, Reason::Expected("a schema from -4 to 8")));
    }
    let (rest, ()) = expect(rest, ",zero_threshold:")?;
    let (rest, (_, zero_threshold)) = number_token(rest)?;
    let (rest, ()) = expect(rest, ",zero_count:")?;
    let (rest, (_, zero_count)) = number_token(rest)?;
    let (rest, negative) = side(rest, ",negative_spans:[", ",negative_buckets:[")?;
    let (rest, positive) = side(rest, ",positive_spans:[", ",positive_buckets:[")?;
    Ok((rest, Native { schema, zero_threshold, zero_count, negative, positive }))
}

/// The buckets on one side, if there are any.
fn side<'a>(input: &'a str, spans: &'static str, counts: &'static str) -> Parsed<'a, Side> {
    let Some(list) = input.strip_prefix(spans) else { return Ok((input, Side::default())) };
    let (rest, spans) = items(list, |input| {
        let (rest, offset) = integer::<i32>(input)?;
        let (rest, ()) = expect(rest, ":")?;
        let (rest, length) = integer::<u32>(rest)?;
        Ok((rest, Span { offset, length }))
    })?;
    if spans.iter().skip(1).any(|span| span.offset < 0) {
        return Err(fault(list, Reason::Expected("spans whose offsets behind the first are not negative")));
    }
    let (list, ()) = expect(rest, counts)?;
    let (rest, counts) = items(list, |input| number_token(input).map(|(rest, (_, value))| (rest, value)))?;
    let length: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if length != counts.len() as u64 {
        return Err(fault(list, Reason::Expected("one count for each bucket of the spans")));
    }
    Ok((rest, Side { spans, counts }))
}

/// `number:number` pairs up to and including `]`.
fn pairs(input: &str) -> Parsed<'_, Buckets<'_>> {
    items(input, |input| {
        let (rest, bound) = number_token(input)?;
        let (rest, ()) = expect(rest, ":")?;
        let (rest, value) = number_token(rest)?;
        Ok((rest, (bound, value)))
    })
}

/// Things between commas, up to and including `]`.
fn items<'a, T>(mut input: &'a str, item: impl Fn(&'a str) -> Parsed<'a, T>) -> Parsed<'a, Vec<T>> {
    let mut found = Vec::new();
    if let Some(rest) = input.strip_prefix(']') {
        return Ok((rest, found));
    }
    loop {
        let (rest, next) = item(input)?;
        found.push(next);
        input = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None => return expect(rest, "]").map(|(rest, ())| (rest, found)),
        };
    }
}

fn expect<'a>(input: &'a str, wanted: &'static str) -> Parsed<'a, ()> {
    match input.strip_prefix(wanted) {
        Some(rest) => Ok((rest, ())),
        None => Err(fault(input, Reason::ExpectedText(wanted))),
    }
}

/// Everything up to what may stand behind a number.
fn until_delimiter(input: &str) -> (&str, &str) {
    input.split_at(input.find([',', ':', ']', '}', ' ']).unwrap_or(input.len()))
}

fn number_token(input: &str) -> Parsed<'_, Number<'_>> {
    let (text, rest) = until_delimiter(input);
    match number(text) {
        Ok(value) => Ok((rest, (text, value))),
        Err(reason) => Err(fault(input, reason)),
    }
}

fn integer<T: std::str::FromStr>(input: &str) -> Parsed<'_, T> {
    let (text, rest) = until_delimiter(input);
    match text.parse() {
        Ok(value) if !text.starts_with('+') => Ok((rest, value)),
        _ => Err(fault(input, Reason::Expected("a whole number"))),
    }
}
