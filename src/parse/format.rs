//! Which format a body is in, told from its content type or from the ending of its file.

use std::fmt;
use std::path::Path;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The Prometheus text format, 0.0.4 and 1.0.0.
    PrometheusText,
    /// OpenMetrics text 1.0.
    OpenMetrics,
    /// OpenMetrics text 2.0, a draft.
    OpenMetrics2,
    /// The protobuf format of Prometheus: `io.prometheus.client.MetricFamily` messages behind their lengths.
    PrometheusProtobuf,
}

impl Format {
    /// The format that a `Content-Type` header names to one who has not asked for any, as for Datadog's check: OpenMetrics
    /// must be exactly what stands before the first `;`, protobuf must say of which messages, and whatever else is there
    /// or missing is Prometheus text.
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let Some(content_type) = content_type else { return Self::PrometheusText };
        let media_type = content_type.split(';').next().unwrap_or(content_type);
        let is_openmetrics = media_type == "application/openmetrics-text";
        match Self::named_by(content_type) {
            Some(format @ (Self::OpenMetrics | Self::OpenMetrics2)) if is_openmetrics => format,
            Some(Self::PrometheusProtobuf) if content_type.contains(';') => Self::PrometheusProtobuf,
            _ if is_openmetrics => Self::OpenMetrics,
            _ => Self::PrometheusText,
        }
    }

    /// The format that the ending of a file name tells: `.prom` and `.txt` are Prometheus text, `.om` is OpenMetrics,
    /// `.pb` is protobuf.
    pub fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        match ending.to_ascii_lowercase().as_str() {
            "prom" | "txt" => Some(Self::PrometheusText),
            "om" => Some(Self::OpenMetrics),
            "pb" => Some(Self::PrometheusProtobuf),
            _ => None,
        }
    }

    /// The name of the format in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusText => "Prometheus text",
            Self::OpenMetrics => "OpenMetrics",
            Self::OpenMetrics2 => "OpenMetrics 2.0",
            Self::PrometheusProtobuf => "Prometheus protobuf",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_media_type_decides() {
        let open_metrics = [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "application/openmetrics-text;version=2.0.1",
            "application/openmetrics-text; version=2.0.0; version=2.0.0",
            "application/openmetrics-text; x=version=2.0.0",
        ];
        for header in open_metrics {
            assert_eq!(Format::from_content_type(Some(header)), Format::OpenMetrics, "{header}");
        }
        let text = [
            "text/plain; version=0.0.4",
            "",
            ";",
            "text/html",
            "application/openmetrics-text2",
            "Application/OpenMetrics-Text",
            "application/openmetrics-text ; version=1.0.0",
        ];
        for header in text {
            assert_eq!(Format::from_content_type(Some(header)), Format::PrometheusText, "{header}");
        }
        assert_eq!(Format::from_content_type(None), Format::PrometheusText);
        for header in [
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text; charset=utf-8; Version=\"2.0.0\"",
        ] {
            assert_eq!(Format::from_content_type(Some(header)), Format::OpenMetrics2, "{header}");
        }
        let bare = "application/vnd.google.protobuf";
        assert_eq!(Format::from_content_type(Some(bare)), Format::PrometheusText);
        assert_eq!(Format::named_by(bare), Some(Format::PrometheusProtobuf));
        let protobuf = [
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            "Application/vnd.Google.Protobuf ;encoding=delimited",
        ];
        for header in protobuf {
            assert_eq!(Format::from_content_type(Some(header)), Format::PrometheusProtobuf, "{header}");
        }
        for header in ["", "text/html", "application/openmetrics-protobuf; version=1.0.0", "text/plain,text/html"] {
            assert_eq!(Format::named_by(header), None, "{header}");
        }
        assert_eq!(Format::named_by("TEXT/PLAIN; version=9.9"), Some(Format::PrometheusText));
    }

    #[test]
    fn endings_tell_the_format() {
        assert_eq!(Format::from_path(Path::new("a/b.prom")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.TXT")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.om")), Some(Format::OpenMetrics));
        assert_eq!(Format::from_path(Path::new("a.pb")), Some(Format::PrometheusProtobuf));
        assert_eq!(Format::from_path(Path::new("prom")), None);
    }
}
