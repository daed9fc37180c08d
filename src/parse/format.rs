//! Which format a body is in, told from its content type or from the ending of its file.

use std::fmt;
use std::path::Path;

use super::content_type::parameter;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The Prometheus text format, 0.0.4 and 1.0.0.
    PrometheusText,
    /// OpenMetrics text 1.0.
    OpenMetrics,
    /// OpenMetrics text 2.0, a draft.
    OpenMetrics2,
}

impl Format {
    /// The format that a `Content-Type` header names: OpenMetrics if what stands before the first `;` is exactly its
    /// media type, Prometheus text for whatever else is there or missing, as Datadog's check does. The draft of
    /// OpenMetrics 2.0 is read only where the header says `version=2.0.0`.
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let Some(header) = content_type else { return Self::PrometheusText };
        match header.split(';').next() {
            Some("application/openmetrics-text") => match parameter(header, "version").as_deref() {
                Some("2.0.0") => Self::OpenMetrics2,
                _ => Self::OpenMetrics,
            },
            _ => Self::PrometheusText,
        }
    }

    /// The format that the ending of a file name tells: `.prom` and `.txt` are Prometheus text, `.om` is OpenMetrics.
    pub fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        match ending.to_ascii_lowercase().as_str() {
            "prom" | "txt" => Some(Self::PrometheusText),
            "om" => Some(Self::OpenMetrics),
            _ => None,
        }
    }

    /// The name of the format in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusText => "Prometheus text",
            Self::OpenMetrics => "OpenMetrics",
            Self::OpenMetrics2 => "OpenMetrics 2.0",
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
    }

    #[test]
    fn endings_tell_the_format() {
        assert_eq!(Format::from_path(Path::new("a/b.prom")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.TXT")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.om")), Some(Format::OpenMetrics));
        assert_eq!(Format::from_path(Path::new("prom")), None);
    }
}
