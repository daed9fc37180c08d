//! Which format a target is asked for, and in which format its answer is read.

use std::fmt::Write;

use super::head::Head;
use crate::config::{HttpSettings, ScrapeProtocol};
use crate::parse::Format;

/// Asks for the text format; what else a target has is better than nothing.
const ACCEPT_TEXT: &str = "text/plain;version=0.0.4,*/*;q=0.1";

/// Asks for OpenMetrics only (`use_latest_spec`).
const ACCEPT_OPENMETRICS: &str =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1";

/// The header `Accept`: as Datadog's check has it, or as Prometheus makes it of `scrape_protocols`.
pub(super) fn accept(settings: &HttpSettings) -> String {
    match settings.scrape_protocols[..] {
        [] if settings.use_latest_spec => ACCEPT_OPENMETRICS.to_owned(),
        [] => ACCEPT_TEXT.to_owned(),
        ref protocols => accept_in_order(protocols),
    }
}

/// Each protocol is wanted a tenth less than the one before it, and anything else less than all of them.
fn accept_in_order(protocols: &[ScrapeProtocol]) -> String {
    let mut header = String::new();
    let mut tenths = ScrapeProtocol::ALL.len() + 1;
    for &protocol in protocols {
        write!(header, "{};q=0.{tenths},", media_type(protocol)).expect("a string takes everything");
        tenths -= 1;
    }
    write!(header, "*/*;q=0.{tenths}").expect("a string takes everything");
    header
}

fn media_type(protocol: ScrapeProtocol) -> &'static str {
    match protocol {
        ScrapeProtocol::PrometheusProto => {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        }
        ScrapeProtocol::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
        ScrapeProtocol::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
        ScrapeProtocol::PrometheusText0_0_4 => "text/plain;version=0.0.4",
        ScrapeProtocol::PrometheusText1_0_0 => "text/plain;version=1.0.0;escaping=allow-utf-8",
    }
}

/// The format of a body that came with this head. Where neither of the two options of Prometheus is set it is told as
/// Datadog's check tells it: `use_latest_spec` decides over the head. Otherwise the head decides, and
/// `fallback_scrape_protocol` where it names no format.
pub(super) fn format(head: &Head, settings: &HttpSettings) -> Format {
    if settings.use_latest_spec && settings.scrape_protocols.is_empty() {
        return Format::OpenMetrics;
    }
    if settings.scrape_protocols.is_empty() && settings.fallback_scrape_protocol.is_none() {
        return Format::from_content_type(head.content_type());
    }
    let fallback = || match settings.fallback_scrape_protocol {
        Some(ScrapeProtocol::PrometheusProto) => Format::PrometheusProtobuf,
        Some(ScrapeProtocol::OpenMetricsText0_0_1 | ScrapeProtocol::OpenMetricsText1_0_0) => Format::OpenMetrics,
        Some(ScrapeProtocol::PrometheusText0_0_4 | ScrapeProtocol::PrometheusText1_0_0) | None => {
            Format::PrometheusText
        }
    };
    head.content_type().and_then(Format::named_by).unwrap_or_else(fallback)
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::*;

    fn asking(protocols: &[ScrapeProtocol]) -> String {
        accept(&HttpSettings { scrape_protocols: protocols.to_vec(), ..HttpSettings::default() })
    }

    /// The headers that Prometheus 3.14 sends by default, and with native histograms.
    #[test]
    fn asks_as_prometheus_asks() {
        let text = [
            ScrapeProtocol::OpenMetricsText1_0_0,
            ScrapeProtocol::OpenMetricsText0_0_1,
            ScrapeProtocol::PrometheusText1_0_0,
            ScrapeProtocol::PrometheusText0_0_4,
        ];
        assert_eq!(
            asking(&text),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        let all: Vec<_> = [ScrapeProtocol::PrometheusProto].into_iter().chain(text).collect();
        assert_eq!(
            asking(&all),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        );
    }

    #[test]
    fn asks_as_datadog_asks_unless_told_otherwise() {
        assert_eq!(asking(&[]), ACCEPT_TEXT);
        let latest = HttpSettings { use_latest_spec: true, ..HttpSettings::default() };
        assert_eq!(accept(&latest), ACCEPT_OPENMETRICS);
        let both = HttpSettings { scrape_protocols: vec![ScrapeProtocol::PrometheusText0_0_4], ..latest };
        assert_eq!(accept(&both), "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
    }

    fn read_as(content_type: Option<&'static str>, settings: &HttpSettings) -> Format {
        let headers = content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text)));
        let headers = HeaderMap::from_iter(headers);
        format(&Head { status: 200, reason: "OK".into(), final_url: String::new(), headers }, settings)
    }

    /// From a table that was made with Prometheus; it fails a scrape where here the answer is read as text.
    #[test]
    fn the_fallback_counts_where_the_answer_names_no_format() {
        let fallbacks = [
            (None, Format::PrometheusText),
            (Some(ScrapeProtocol::PrometheusText0_0_4), Format::PrometheusText),
            (Some(ScrapeProtocol::OpenMetricsText1_0_0), Format::OpenMetrics),
            (Some(ScrapeProtocol::PrometheusProto), Format::PrometheusProtobuf),
        ];
        for (fallback_scrape_protocol, expected) in fallbacks {
            let settings = HttpSettings { fallback_scrape_protocol, ..HttpSettings::default() };
            for unknown in [
                None,
                Some(""),
                Some("text/html"),
                Some("application/json"),
                Some("application/openmetrics-protobuf; version=1.0.0"),
                Some("invalid/invalid/invalid"),
                Some("; charset=utf-8"),
                Some("text/plain,text/html"),
                Some("*/*"),
            ] {
                assert_eq!(read_as(unknown, &settings), expected, "{unknown:?} {fallback_scrape_protocol:?}");
            }
            for (known, format) in [
                ("text/plain", Format::PrometheusText),
                ("text/plain;version=\"0.0.4\";charset=utf-8", Format::PrometheusText),
                ("TEXT/PLAIN", Format::PrometheusText),
                ("application/openmetrics-text; version=2.0.0; charset=utf-8", Format::OpenMetrics2),
                ("application/vnd.google.protobuf; encoding=text", Format::PrometheusProtobuf),
            ] {
                assert_eq!(read_as(Some(known), &settings), format, "{known}");
            }
            let bare = read_as(Some("application/vnd.google.protobuf"), &settings);
            assert_eq!(bare == Format::PrometheusProtobuf, fallback_scrape_protocol.is_some());
        }
    }

    #[test]
    fn the_latest_specification_decides_unless_protocols_are_named() {
        let mut settings = HttpSettings { use_latest_spec: true, ..HttpSettings::default() };
        assert_eq!(read_as(Some("text/plain"), &settings), Format::OpenMetrics);
        settings.scrape_protocols = vec![ScrapeProtocol::PrometheusProto];
        assert_eq!(read_as(Some("text/plain"), &settings), Format::PrometheusText);
    }
}
