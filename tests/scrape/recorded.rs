//! Recorded responses go through the same decoding as live ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use retriever::config::BodyLimits;
use retriever::scrape::{Body, HttpMessage};

use crate::{assert_failure, read};

const EXPOSITION: &str = "# HELP x y\nx 1\n";

async fn replay(headers: &str, body: impl AsRef<[u8]>) -> Result<String, retriever::scrape::ScrapeError> {
    replay_limited(headers, body, BodyLimits::default()).await
}

async fn replay_limited(
    headers: &str,
    body: impl AsRef<[u8]>,
    limits: BodyLimits,
) -> Result<String, retriever::scrape::ScrapeError> {
    let file = [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body.as_ref()].concat();
    let message = HttpMessage::read(file, "http://recorded/").unwrap();
    let mut body = Body::from_bytes(&message.head, message.body, &limits);
    Ok(String::from_utf8(read(&mut body).await?).unwrap())
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn encoded_bytes_are_decoded() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(EXPOSITION.as_bytes()).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
    raw.write_all(EXPOSITION.as_bytes()).unwrap();
    for (encoding, body) in [
        ("gzip", gzip(EXPOSITION.as_bytes())),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("zstd", zstd::encode_all(EXPOSITION.as_bytes(), 3).unwrap()),
    ] {
        assert_eq!(replay(&format!("Content-Encoding: {encoding}\r\n"), body).await.unwrap(), EXPOSITION, "{encoding}");
    }
}

#[tokio::test]
async fn bytes_that_were_decoded_by_the_recorder_are_taken_as_they_are() {
    for encoding in ["gzip", "deflate", "zstd", "identity"] {
        let headers = format!("Content-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n");
        for body in [EXPOSITION, "hb_total 1\n", "", "x"] {
            assert_eq!(replay(&headers, body).await.unwrap(), body, "{encoding}");
        }
    }
}

#[tokio::test]
async fn charset_and_limits_hold_as_well() {
    let latin1 = "Content-Type: text/plain; charset=latin1\r\n";
    assert_eq!(replay(latin1, b"\xe9").await.unwrap(), "\u{e9}");
    let error = replay("Content-Encoding: br\r\n", "x").await.unwrap_err();
    assert_failure(&error, "encoding", "`http://recorded/` cannot be scraped: the body is encoded as `br`", false);
    let limits = BodyLimits { body_bytes: 1000, wire_bytes: 100, ..BodyLimits::default() };
    let error = replay_limited("", [b' '; 101], limits).await.unwrap_err();
    assert_failure(&error, "wire_limit", "100 bytes", false);
    let error = replay_limited("Content-Encoding: gzip\r\n", gzip(&[b' '; 1001]), limits).await.unwrap_err();
    assert_failure(&error, "body_limit", "1000 bytes", false);
}

#[tokio::test]
async fn a_large_body_comes_in_pieces() {
    let body = "x 1\n".repeat(500_000);
    assert_eq!(replay("", &body).await.unwrap(), body);
}
