//! Bodies that are not UTF-8 become it.

use bytes::Bytes;
use encoding_rs::{CoderResult, Encoding, UTF_8};

use super::error::Kind;
use super::failure::shown;
use super::head::Head;

/// The decoder of the charset that a head declares.
pub(super) struct Transcoder(encoding_rs::Decoder);

impl Transcoder {
    /// None where the bytes need no change: without a charset, with UTF-8 or its subset ASCII, and in a binary format.
    ///
    /// Names mean what browsers take them for (the WHATWG's table), so `iso-8859-1` is Windows-1252.
    pub(super) fn for_head(head: &Head) -> Result<Option<Self>, Kind> {
        let Some(name) = head.charset().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if head.media_type().as_deref() == Some("application/vnd.google.protobuf")
            || ["us-ascii", "ascii"].iter().any(|ascii| name.eq_ignore_ascii_case(ascii))
        {
            return Ok(None);
        }
        match Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(encoding) if encoding == UTF_8 => Ok(None),
            Some(encoding) => Ok(Some(Self(encoding.new_decoder()))),
            None => Err(Kind::Charset(shown(name))),
        }
    }

    /// The next bytes in UTF-8; `last` also ends a character that was cut. What is no character becomes U+FFFD.
    pub(super) fn transcode(&mut self, bytes: &[u8], last: bool) -> Bytes {
        let capacity = self.0.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len());
        let mut text = vec![0; capacity];
        let (result, _, written, _) = self.0.decode_to_utf8(bytes, &mut text, last);
        debug_assert_eq!(result, CoderResult::InputEmpty, "the buffer has the size that was asked for");
        text.truncate(written);
        text.into()
    }
}
