//! The steps of an answer before its content counts: status, format, clock, size, and time.

use std::time::Duration;

use hyper::header::LOCATION;

use super::model::{Outcome, Step, StepKind};
use super::notes::{Answer, Hop, Moment, Record};
use super::words::{bytes, duration, quoted};
use crate::config::{HttpSettings, ScrapeProtocol};
use crate::parse::Format;
use crate::scrape::Head;

/// Clocks that are further apart are worth a warning. Seconds; `Date` tells whole ones, and requests take time.
const APART: f64 = 5.0;

const BROKEN: &str =
    "the target, or a proxy before it, closed the connection in the middle; the log of either may say why";

/// The status. `body`: how an error describes itself, where that may be shown.
pub(super) fn status(head: &Head, hop: &Hop, settings: &HttpSettings, body: Option<&str>) -> Step {
    let took = hop.head.as_ref().map(|moment| moment.took);
    let line =
        if head.reason.is_empty() { head.status.to_string() } else { format!("{} {}", head.status, head.reason) };
    let line: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
    let step = match head.status {
        200..=299 => Step::fine(StepKind::Answer, line),
        300..=399 => not_followed(head, &line, settings),
        _ => {
            let step = Step::failed(StepKind::Answer, format!("the answer is {line}")).advise(advice(head.status, hop));
            match body.filter(|body| !body.trim().is_empty()) {
                Some(body) => step.detail(format!("It says: {}", quoted(body))),
                None => step,
            }
        }
    };
    step.took(took).fact("status", head.status).fact("url", head.final_url.as_str())
}

fn not_followed(head: &Head, line: &str, settings: &HttpSettings) -> Step {
    let step = Step::warning(StepKind::Answer, format!("{line}, which is not followed"));
    if !settings.allow_redirects {
        return step.advise("`allow_redirects: false` says so: take it out, or set the URL to where it leads");
    }
    let cause = if head.headers.contains_key(LOCATION) {
        "it is of a kind that leads nowhere"
    } else {
        "it does not say where to"
    };
    step.advise(format!("{cause}: check the URL"))
}

fn advice(status: u16, hop: &Hop) -> String {
    let asked = hop.accept.as_deref().unwrap_or("*/*");
    let through = hop.proxy.as_ref().map(|proxy| proxy.address());
    match (status, through) {
        (407, Some(proxy)) => format!(
            "the proxy `{proxy}` wants another user name and password; write them into its URL, \
             `http://USER:PASSWORD@HOST:PORT`"
        ),
        (502..=504, Some(proxy)) => {
            format!(
                "the proxy `{proxy}` could not reach the target; check that the target runs, or add its host to `no_proxy`"
            )
        }
        (404 | 410, _) => "check the path of the URL: most exporters have their metrics at `/metrics`".to_owned(),
        (400, _) => {
            "check scheme and port of the URL: this is what many servers with TLS answer to `http://`".to_owned()
        }
        (405, _) => "check the URL: what is there does not answer GET".to_owned(),
        (406, _) => format!(
            "the target has none of the formats that it was asked for (`{asked}`); see `use_latest_spec` and `scrape_protocols`"
        ),
        (429, _) => {
            "the target is asked too often: raise `min_collection_interval`, or have others ask less".to_owned()
        }
        (503, _) => "the target is not ready or has too much to do; its own log says more".to_owned(),
        (500..=599, _) => "the fault is at the target; its own log says more".to_owned(),
        _ => "check the URL, and the log of the target".to_owned(),
    }
}

/// The format in which the body is read, and by whose say.
pub(super) fn format(head: &Head, hop: &Hop, format: Format, settings: &HttpSettings) -> Step {
    let declared = head.content_type();
    let named = declared.and_then(Format::named_by);
    let chosen = if let Some(fallback) = settings.fallback_scrape_protocol {
        format!("`fallback_scrape_protocol` has it read as {}", name(fallback))
    } else {
        format!("it is read as {format}, as Datadog's check does")
    };
    let step = match declared {
        Some(declared) if named == Some(format) => {
            Step::fine(StepKind::Format, format!("{format}, because the content type is {}", quoted(declared)))
        }
        Some(declared) if settings.use_latest_spec && settings.scrape_protocols.is_empty() => {
            let text =
                format!("{format}, because of `use_latest_spec`, although the content type is {}", quoted(declared));
            Step::warning(StepKind::Format, text).advise("take `use_latest_spec` out if the body is Prometheus text")
        }
        Some(declared) => {
            let text = format!("{} is no content type of metrics; {chosen}", quoted(declared));
            Step::warning(StepKind::Format, text)
                .advise("check that the URL is that of the metrics; if it is, this does no harm")
        }
        None => Step::warning(StepKind::Format, format!("there is no content type; {chosen}"))
            .advise("check that the URL is that of the metrics; if it is, this does no harm"),
    };
    let step = match head.charset() {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            step.detail(format!("Its characters are those of {}.", quoted(charset)))
        }
        _ => step,
    };
    let asked = hop.accept.as_deref();
    step.detail(format!("Asked for was {}.", asked.map_or_else(|| "nothing in particular".to_owned(), quoted)))
        .fact("format", format.as_str())
        .fact("content_type", declared)
        .fact("charset", head.charset())
        .fact("accept", asked)
}

fn name(protocol: ScrapeProtocol) -> &'static str {
    match protocol {
        ScrapeProtocol::PrometheusProto => Format::PrometheusProtobuf,
        ScrapeProtocol::OpenMetricsText0_0_1 | ScrapeProtocol::OpenMetricsText1_0_0 => Format::OpenMetrics,
        ScrapeProtocol::PrometheusText0_0_4 | ScrapeProtocol::PrometheusText1_0_0 => Format::PrometheusText,
    }
    .as_str()
}

/// How far the clock of `whom` is from the one here.
pub(super) fn clock(answer: &Moment<Answer>, whom: &str, why: &str) -> Step {
    let Some(date) = answer.what.date else {
        return Step::not_needed(StepKind::Clock, format!("{whom} does not say what time it has"));
    };
    // It was some time within that second, and within the time that the answer took.
    let latest = answer.what.at.seconds() - date as f64;
    let earliest = latest - 1.0 - answer.took.as_secs_f64();
    let apart = if earliest > 0.0 { earliest } else { latest.min(0.0) };
    let step = if apart.abs() <= APART {
        Step::fine(StepKind::Clock, format!("the clock of {whom} and this machine's agree"))
    } else {
        let by = duration(Duration::from_secs_f64(apart.abs()));
        let side = if apart > 0.0 { "behind" } else { "ahead of" };
        Step::warning(StepKind::Clock, format!("the clock of {whom} is {by} {side} this machine's")).advise(why)
    };
    step.fact("seconds_behind", (apart * 10.0).round() / 10.0)
}

/// How much came, and how.
pub(super) fn body(record: &Record, encodings: &[String], failed: Option<&str>, settings: &HttpSettings) -> Step {
    let (received, decoded) = (record.received, record.decoded);
    let sizes = if encodings.is_empty() {
        format!("{}, not compressed", bytes(received))
    } else {
        format!("{} as {}, {} decompressed", bytes(received), encodings.join(" and "), bytes(decoded))
    };
    let step = match failed {
        Some(message) => {
            let step = Step::failed_with(StepKind::Body, message).detail(format!("Until then it was {sizes}."));
            if step.advice.is_empty() { step.advise(BROKEN) } else { step }
        }
        None if received == 0 => {
            Step::warning(StepKind::Body, "it is empty").advise("check that this is the URL of the metrics")
        }
        None if is_near(received, settings.limits.wire_bytes) || is_near(decoded, settings.limits.body_bytes) => {
            Step::warning(StepKind::Body, format!("{sizes}, which is more than half of what is allowed"))
                .advise("expose less, or raise `wire_size_limit` and `body_size_limit` in time")
        }
        None => Step::fine(StepKind::Body, sizes),
    };
    step.fact("wire_bytes", received).fact("decoded_bytes", decoded).fact("encodings", encodings.to_vec())
}

fn is_near(size: u64, limit: u64) -> bool {
    size > limit / 2
}

/// How long it took, against what is allowed.
pub(super) fn time(record: &Record, settings: &HttpSettings, interval: Duration) -> Option<Step> {
    let began = record.hops.first()?.began?;
    let answered = record.hops.last()?.head.as_ref()?;
    let first = answered.took;
    let ended =
        record.last_byte.unwrap_or_else(|| record.hops.last().and_then(|hop| hop.sent).unwrap_or(began) + first);
    let total = ended.saturating_duration_since(began);
    let text = format!(
        "the answer began after {} of {} (`read_timeout`), and all was there after {} of {} (`total_timeout`)",
        duration(first),
        duration(settings.read_timeout),
        duration(total),
        duration(settings.total_timeout)
    );
    let step = Step::fine(StepKind::Time, text)
        .fact("first_byte_seconds", first.as_secs_f64())
        .fact("total_seconds", total.as_secs_f64());
    let step = if total > interval {
        step.at_least(Outcome::Warning).advise(format!(
            "that is longer than the {} from one scrape to the next, so that some are left out: raise \
             `min_collection_interval`, or expose less",
            duration(interval)
        ))
    } else {
        step
    };
    let is_slow = first > settings.read_timeout / 2 || total > settings.total_timeout / 2;
    Some(if is_slow {
        step.at_least(Outcome::Warning).advise(
            "that is close to the limit: a slower day will fail; raise the limit, or find out why the target is slow",
        )
    } else {
        step
    })
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use tokio::time::Instant;

    use super::*;
    use crate::time::UnixTime;

    fn answer(date: Option<i64>, at: f64, took: f64) -> Moment<Answer> {
        let at = UnixTime::from_seconds(at);
        let what = Answer { status: StatusCode::OK, schemes: Vec::new(), date, at };
        Moment { what, took: Duration::from_secs_f64(took) }
    }

    fn clock_of(date: i64, at: f64, took: f64) -> (Outcome, String) {
        let step = clock(&answer(Some(date), at, took), "the target", "set it");
        (step.outcome, step.text)
    }

    #[test]
    fn clocks_are_compared_within_what_the_header_can_tell() {
        let agree = "the clock of the target and this machine's agree".to_owned();
        for (date, at, took) in [(100, 100.0, 0.0), (100, 105.9, 0.0), (100, 115.0, 10.0), (105, 100.0, 0.0)] {
            assert_eq!(clock_of(date, at, took), (Outcome::Fine, agree.clone()), "{date} {at} {took}");
        }
        let behind = "the clock of the target is 30 s behind this machine's".to_owned();
        assert_eq!(clock_of(100, 131.0, 0.0), (Outcome::Warning, behind));
        let ahead = "the clock of the target is 5 min ahead of this machine's".to_owned();
        assert_eq!(clock_of(400, 100.0, 0.1), (Outcome::Warning, ahead));
        assert_eq!(clock(&answer(None, 1.0, 0.0), "the target", "").outcome, Outcome::NotNeeded);
    }

    /// A scrape whose answer began and ended after so many milliseconds.
    fn timed(first: u64, total: u64) -> Step {
        let began = Instant::now();
        let head = answer(None, 0.0, first as f64 / 1000.0);
        let hop = Hop { began: Some(began), sent: Some(began), head: Some(head), ..Hop::default() };
        let last_byte = Some(began + Duration::from_millis(total));
        let record = Record { hops: vec![hop], last_byte, ..Record::default() };
        time(&record, &HttpSettings::default(), Duration::from_secs(15)).unwrap()
    }

    #[test]
    fn slow_targets_are_warned_of_before_they_fail() {
        assert_eq!(timed(100, 200).outcome, Outcome::Fine);
        assert_eq!(timed(6000, 7000).outcome, Outcome::Warning);
        let long = timed(100, 20_000);
        assert_eq!((long.outcome, long.advice.len()), (Outcome::Warning, 1));
        assert!(long.advice[0].contains("raise `min_collection_interval`"), "{:?}", long.advice);
        assert_eq!(timed(100, 40_000).advice.len(), 2);
    }
}
