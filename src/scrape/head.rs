//! What a response says about itself before its body.

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

/// Status line and headers of a response.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The text beside the status; the usual one of the status where the protocol has none.
    pub reason: String,
    /// The URL that answered, after redirects, without credentials.
    pub final_url: String,
    /// The headers.
    pub headers: HeaderMap,
}

impl Head {
    /// The `Content-Type` header with its parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok().map(str::trim)
    }

    /// The type itself, such as `text/plain`, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let text = self.content_type()?;
        Some(text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase())
    }

    /// The parameter `charset` of the `Content-Type` header, as written.
    pub fn charset(&self) -> Option<&str> {
        parameter(self.content_type()?, "charset")
    }

    /// The encodings of the body in the order they were applied, in lower case, `identity` left out.
    pub fn content_encodings(&self) -> Vec<String> {
        let values = self.headers.get_all(CONTENT_ENCODING).iter();
        values
            .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity")
            .collect()
    }
}

/// The value of a parameter of a media type, without quotes.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut quoted = false;
    let separates = move |c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    };
    text.split(separates).skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).trim())
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn head(content_type: &'static str) -> Head {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Head { status: 200, reason: "OK".into(), final_url: String::new(), headers }
    }

    #[test]
    fn reads_the_content_type() {
        let plain = head(" Text/Plain ; version=0.0.4; Charset=\"utf-8\"");
        assert_eq!(plain.media_type().as_deref(), Some("text/plain"));
        assert_eq!(plain.charset(), Some("utf-8"));
        assert_eq!(head("text/plain; a=\";charset=x\"; charset=latin1 ").charset(), Some("latin1"));
        assert_eq!(head("text/plain").charset(), None);
    }

    #[test]
    fn lists_the_encodings() {
        let mut head = head("text/plain");
        assert!(head.content_encodings().is_empty());
        head.headers.append(CONTENT_ENCODING, HeaderValue::from_static("GZIP, identity"));
        head.headers.append(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        assert_eq!(head.content_encodings(), ["gzip", "zstd"]);
    }
}
