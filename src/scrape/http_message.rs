//! Recorded responses: a raw HTTP response as `curl -i` saves it, read and written.

use bytes::{Buf, Bytes};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};

use super::head::Head;

/// A head and the body that was recorded with it.
#[derive(Clone, Debug)]
pub struct HttpMessage {
    /// Status line and headers.
    pub head: Head,
    /// The bytes after the blank line, unchanged: [`Body::from_bytes`](super::Body::from_bytes) decodes them.
    pub body: Bytes,
}

/// A text that is no HTTP response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the recorded response {problem}")]
pub struct HttpMessageError {
    line: usize,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("is no status line, such as `HTTP/1.1 200 OK`")]
    StatusLine,
    #[error("is no header, such as `Content-Type: text/plain`")]
    Header,
    #[error("ends the headers without a blank line after them")]
    NoBlankLine,
}

impl HttpMessage {
    /// Whether bytes begin as a response does, and not as a bare body.
    pub fn looks_like_one(bytes: &[u8]) -> bool {
        next_line(bytes).is_some_and(|(line, _)| status_line(line).is_some())
    }

    /// Reads a response of any HTTP version; lines end with LF or CRLF. Where several heads follow each other without a
    /// body (interim responses, those of a proxy, followed redirects), the last one counts.
    ///
    /// `url` is what the head names as its origin.
    pub fn read(bytes: impl Into<Bytes>, url: &str) -> Result<Self, HttpMessageError> {
        let mut body = bytes.into();
        let mut line = 0;
        loop {
            let (head, length) = read_head(&body, url, &mut line)?;
            body.advance(length);
            if !Self::looks_like_one(&body) {
                return Ok(Self { head, body });
            }
        }
    }

    /// The head of a response as it can be kept and shown, blank line included: what follows is the decoded body, so
    /// headers about its transfer and encoding are left out, as are those that carry credentials.
    pub fn write_head(head: &Head) -> Vec<u8> {
        let mut message = format!("HTTP/1.1 {} {}\r\n", head.status, head.reason).into_bytes();
        for (name, value) in &head.headers {
            if !about_transfer(name) && !may_be_secret(name) {
                message.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
            }
        }
        message.extend(b"\r\n");
        message
    }
}

fn about_transfer(name: &HeaderName) -> bool {
    [CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
        || ["connection", "keep-alive", "trailer"].contains(&name.as_str())
}

/// `Set-Cookie`, `WWW-Authenticate`, `X-Api-Key` and whatever else sounds like them.
fn may_be_secret(name: &HeaderName) -> bool {
    ["auth", "cookie", "token", "secret", "api-key", "apikey", "session"]
        .iter()
        .any(|word| name.as_str().contains(word))
}

/// One head at the start of `bytes` and its length; `line` counts the lines before it.
fn read_head(bytes: &[u8], url: &str, line: &mut usize) -> Result<(Head, usize), HttpMessageError> {
    let mut rest = bytes;
    let mut take = |problem: Problem| {
        *line += 1;
        let at = *line;
        let fail = move |problem| HttpMessageError { line: at, problem };
        match next_line(rest) {
            Some((text, after)) => {
                rest = after;
                Ok((text, fail))
            }
            None => Err(fail(problem)),
        }
    };
    let (first, fail) = take(Problem::StatusLine)?;
    let (status, reason) = status_line(first).ok_or_else(|| fail(Problem::StatusLine))?;
    let mut headers = HeaderMap::new();
    loop {
        let (text, fail) = take(Problem::NoBlankLine)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = header(text).ok_or_else(|| fail(Problem::Header))?;
        headers.append(name, value);
    }
    Ok((Head { status, reason, final_url: url.to_owned(), headers }, bytes.len() - rest.len()))
}

/// The first line without its end, and what follows; none if no line ends.
fn next_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..]))
}

fn status_line(line: &[u8]) -> Option<(u16, String)> {
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.strip_prefix("HTTP/")?.split_once(' ')?;
    if !matches!(version, "1.0" | "1.1" | "2" | "2.0" | "3" | "3.0") {
        return None;
    }
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    let reason = match reason.trim() {
        "" => status.canonical_reason().unwrap_or_default(),
        reason => reason,
    };
    Some((status.as_u16(), reason.to_owned()))
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = memchr::memchr(b':', line)?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HttpMessage, String> {
        HttpMessage::read(text.as_bytes().to_vec(), "http://h/m").map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_curl_saves() {
        let message =
            read("HTTP/1.1 404 Nope, gone\r\nContent-Type: text/plain\r\nX: 1\r\nX:2\r\n\r\na 1\r\n\r\nb 2\n").unwrap();
        assert_eq!((message.head.status, message.head.reason.as_str()), (404, "Nope, gone"));
        assert_eq!(message.head.final_url, "http://h/m");
        assert_eq!(message.head.content_type(), Some("text/plain"));
        assert_eq!(message.head.headers.get_all("x").iter().count(), 2);
        assert_eq!(&message.body[..], b"a 1\r\n\r\nb 2\n");
    }

    #[test]
    fn reads_http_2_and_bare_line_feeds() {
        let message = read("HTTP/2 200 \ncontent-type: text/plain\n\nx 1\n").unwrap();
        assert_eq!((message.head.status, message.head.reason.as_str()), (200, "OK"));
        assert_eq!(&message.body[..], b"x 1\n");
    }

    #[test]
    fn the_last_of_several_heads_counts() {
        let message = read(
            "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /m\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nx 1\n",
        )
        .unwrap();
        assert_eq!((message.head.status, message.head.headers.len()), (200, 1));
        assert_eq!(&message.body[..], b"x 1\n");
    }

    #[test]
    fn says_which_line_is_wrong() {
        assert!(read("x 1\n").unwrap_err().starts_with("line 1 of the recorded response is no status line"));
        assert!(read("").unwrap_err().starts_with("line 1 "));
        assert!(
            read("HTTP/1.1 200 OK\r\nfoo\r\n\r\n")
                .unwrap_err()
                .starts_with("line 2 of the recorded response is no header")
        );
        assert!(read("HTTP/1.1 200 OK\r\na: b\r\n").unwrap_err().starts_with("line 3 "));
        assert!(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nb\n\n").unwrap_err().starts_with("line 4 "));
        assert!(!HttpMessage::looks_like_one(b"# HELP HTTP/1.1 200\n"));
    }

    #[test]
    fn writes_what_it_reads_again_without_secrets() {
        let original = read(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\nSet-Cookie: hunter2\r\nX-Auth-Token: hunter2\r\nWWW-Authenticate: hunter2\r\nETag: \"a\"\r\n\r\n",
        )
        .unwrap();
        let written = [HttpMessage::write_head(&original.head), b"x 1\n".to_vec()].concat();
        assert_eq!(
            String::from_utf8(written.clone()).unwrap(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\netag: \"a\"\r\n\r\nx 1\n"
        );
        let again = HttpMessage::read(written, "http://h/m").unwrap();
        assert_eq!((again.head.status, &again.body[..]), (200, &b"x 1\n"[..]));
    }
}
