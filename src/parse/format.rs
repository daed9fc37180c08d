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
}

impl Format {
    /// The format that a `Content-Type` header names. Only its media type counts; whatever is missing or unknown is
    /// read as Prometheus text, as Datadog's check does.
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let media_type = content_type.and_then(|header| header.split(';').next()).unwrap_or_default();
        if media_type.trim().eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::PrometheusText
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
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `charset` parameter of a `Content-Type` header, without its quotes; `None` when it is missing or empty.
pub fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_media_type_decides() {
        let open_metrics = [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            " Application/OpenMetrics-Text ;version=2.0.0",
        ];
        for header in open_metrics {
            assert_eq!(Format::from_content_type(Some(header)), Format::OpenMetrics, "{header}");
        }
        let text =
            ["text/plain; version=0.0.4", "", ";", "text/html", "application/openmetrics-text2", "application/json"];
        for header in text {
            assert_eq!(Format::from_content_type(Some(header)), Format::PrometheusText, "{header}");
        }
        assert_eq!(Format::from_content_type(None), Format::PrometheusText);
    }

    #[test]
    fn endings_tell_the_format() {
        assert_eq!(Format::from_path(Path::new("a/b.prom")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.TXT")), Some(Format::PrometheusText));
        assert_eq!(Format::from_path(Path::new("b.om")), Some(Format::OpenMetrics));
        assert_eq!(Format::from_path(Path::new("prom")), None);
    }

    #[test]
    fn charset_is_a_parameter() {
        assert_eq!(charset("text/plain; version=0.0.4; charset=utf-8"), Some("utf-8"));
        assert_eq!(charset("text/plain;CHARSET=\"ISO-8859-1\""), Some("ISO-8859-1"));
        assert_eq!(charset("text/plain; charset="), None);
        assert_eq!(charset("charset=utf-8"), None);
    }
}
