//! What a `Content-Type` header says, parameters and all, and how Prometheus reads it.

use super::format::Format;

impl Format {
    /// The format that a `Content-Type` header names; none if it is of another type or cannot be parsed. Of the
    /// parameters only one matters: `version=2.0.0` means the draft of OpenMetrics 2.0.
    pub fn named_by(content_type: &str) -> Option<Self> {
        let (media_type, parameters) = parse(content_type)?;
        let is_draft = || parameters.iter().any(|(name, value)| name == "version" && value == "2.0.0");
        match media_type.as_str() {
            "text/plain" => Some(Self::PrometheusText),
            "application/openmetrics-text" if is_draft() => Some(Self::OpenMetrics2),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            "application/vnd.google.protobuf" => Some(Self::PrometheusProtobuf),
            _ => None,
        }
    }

    /// What Prometheus 3 reads a body as: what the header says, or `fallback` where the header is missing, cannot be
    /// parsed, or names something else. Without a fallback such a scrape fails, which is `None` here. Versions do not
    /// matter. (Retriever itself reads as [`Format::from_content_type`] says, as Datadog's check does.)
    ///
    /// ```
    /// # use retriever::parse::Format;
    /// assert_eq!(Format::prometheus_choice("text/plain; charset=utf-8", None), Some(Format::PrometheusText));
    /// assert_eq!(Format::prometheus_choice("text/html", None), None);
    /// ```
    pub fn prometheus_choice(content_type: &str, fallback: Option<Self>) -> Option<Self> {
        let named = match Self::named_by(content_type) {
            Some(Self::OpenMetrics2) => Some(Self::OpenMetrics),
            named => named,
        };
        named.or(fallback)
    }
}

/// The parameters of a media type, names in lower case.
type Parameters = Vec<(String, String)>;

/// The media type in lower case and its parameters (RFC 2045); `None` when the header cannot be parsed. A parameter that
/// is there twice makes it so.
fn parse(header: &str) -> Option<(String, Parameters)> {
    let (media_type, mut rest) = header.split_at(header.find(';').unwrap_or(header.len()));
    let media_type = media_type.trim().to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/').unwrap_or((&media_type, "x"));
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut parameters = Parameters::new();
    while let Some(parameter) = rest.trim_start().strip_prefix(';') {
        let parameter = parameter.trim_start();
        if parameter.is_empty() {
            return Some((media_type, parameters));
        }
        let (name, value) = parameter.split_once('=')?;
        let name = name.trim_end().to_ascii_lowercase();
        let (value, behind) = parameter_value(value.trim_start())?;
        if !is_token(&name) || parameters.iter().any(|(known, _)| *known == name) {
            return None;
        }
        parameters.push((name, value));
        rest = behind;
    }
    rest.trim().is_empty().then_some((media_type, parameters))
}

/// A token or a quoted string, and what stands behind it.
fn parameter_value(input: &str) -> Option<(String, &str)> {
    let Some(quoted) = input.strip_prefix('"') else {
        let end = input.find(|c: char| c == ';' || c.is_ascii_whitespace()).unwrap_or(input.len());
        let (token, rest) = input.split_at(end);
        return is_token(token).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

/// Whether the text is a token of RFC 2045.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}
