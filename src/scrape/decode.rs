//! Undoes the content encoding of a body, in pieces that stay small whatever the compression ratio.

use std::io::{self, BufRead, ErrorKind, Read};

use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::error::Kind;
use super::failure::shown;
use super::head::Head;

/// No piece is larger. Bytes.
pub(super) const PIECE: usize = 64 << 10;

/// The largest window of zstd, as a power of two: the 8 MiB that RFC 9659 allows for HTTP.
const ZSTD_WINDOW: u32 = 23;

/// A decoder that is fed as bytes arrive, and asked for what they mean.
pub(super) struct Decoder {
    codec: Codec,
    buffer: BytesMut,
    /// Whether there was any input: an empty body is empty in every encoding.
    started: bool,
}

enum Codec {
    Identity(Inbox),
    Gzip(Box<MultiGzDecoder<Inbox>>),
    Deflate(Deflate),
    Zstd(Box<zstd::stream::read::Decoder<'static, Inbox>>),
}

/// What a decoder can do next.
pub(super) enum Step {
    /// Some decoded bytes, never none.
    Piece(Bytes),
    /// Nothing before it is fed.
    Hungry,
    /// The encoded data has ended.
    End,
}

impl Decoder {
    /// The decoder for the encoding that the head declares.
    pub(super) fn for_head(head: &Head) -> Result<Self, Kind> {
        let inbox = Inbox::default();
        let encodings = head.content_encodings();
        let codec = match encodings.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Codec::Identity(inbox),
            ["gzip" | "x-gzip"] => Codec::Gzip(Box::new(MultiGzDecoder::new(inbox))),
            ["deflate"] => Codec::Deflate(Deflate::Undecided(inbox)),
            ["zstd"] => {
                let corrupt = |cause: io::Error| Kind::Corrupt { encoding: "zstd", cause: cause.to_string() };
                let mut decoder = zstd::stream::read::Decoder::with_buffer(inbox).map_err(corrupt)?;
                decoder.window_log_max(ZSTD_WINDOW).map_err(corrupt)?;
                Codec::Zstd(Box::new(decoder))
            }
            _ => return Err(Kind::Encoding(shown(&encodings.join(", ")))),
        };
        Ok(Self { codec, buffer: BytesMut::new(), started: false })
    }

    /// A decoder that hands on what it is fed.
    pub(super) fn identity() -> Self {
        Self { codec: Codec::Identity(Inbox::default()), buffer: BytesMut::new(), started: false }
    }

    /// Takes the next encoded bytes; only to be called when hungry.
    pub(super) fn feed(&mut self, bytes: Bytes) {
        self.started |= !bytes.is_empty();
        self.codec.inbox().put(bytes);
    }

    /// Says that no more bytes will come.
    pub(super) fn finish(&mut self) {
        self.codec.inbox().finished = true;
    }

    /// The next piece of decoded bytes.
    pub(super) fn step(&mut self) -> Result<Step, Kind> {
        if let Codec::Identity(inbox) = &mut self.codec {
            return Ok(inbox.step());
        }
        if !self.started {
            return Ok(if self.codec.inbox().finished { Step::End } else { Step::Hungry });
        }
        self.buffer.clear();
        self.buffer.resize(PIECE, 0);
        match self.codec.read(&mut self.buffer) {
            Ok(0) => Ok(Step::End),
            Ok(length) => Ok(Step::Piece(self.buffer.split_to(length).freeze())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Step::Hungry),
            Err(error) => Err(Kind::Corrupt { encoding: self.codec.name(), cause: error.to_string() }),
        }
    }
}

impl Codec {
    fn inbox(&mut self) -> &mut Inbox {
        match self {
            Self::Identity(inbox) => inbox,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.inbox(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Identity(_) => "identity",
            Self::Gzip(_) => "gzip",
            Self::Deflate(_) => "deflate",
            Self::Zstd(_) => "zstd",
        }
    }
}

impl Read for Codec {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Identity(inbox) => inbox.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Deflate(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// `deflate` means the zlib format, but some servers send the bare one: the first two bytes tell.
enum Deflate {
    Undecided(Inbox),
    Zlib(Box<ZlibDecoder<Inbox>>),
    Raw(Box<DeflateDecoder<Inbox>>),
}

impl Deflate {
    fn inbox(&mut self) -> &mut Inbox {
        match self {
            Self::Undecided(inbox) => inbox,
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Raw(decoder) => decoder.get_mut(),
        }
    }

    fn decide(&mut self) {
        let Self::Undecided(inbox) = self else { return };
        let zlib = match inbox.bytes[..] {
            [first, second, ..] => is_zlib(first, second),
            // One byte alone is not zlib, if no other will come.
            _ if inbox.finished => false,
            _ => return,
        };
        let inbox = std::mem::take(inbox);
        *self = if zlib {
            Self::Zlib(Box::new(ZlibDecoder::new(inbox)))
        } else {
            Self::Raw(Box::new(DeflateDecoder::new(inbox)))
        };
    }
}

impl Read for Deflate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decide();
        match self {
            Self::Undecided(_) => Err(ErrorKind::WouldBlock.into()),
            Self::Zlib(decoder) => decoder.read(buffer),
            Self::Raw(decoder) => decoder.read(buffer),
        }
    }
}

/// Whether two bytes are a zlib header: method 8, a window of at most 32 KiB, and the check of RFC 1950.
pub(super) fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// The input of a decoder: asks for more where a file would block.
#[derive(Default)]
struct Inbox {
    bytes: Bytes,
    finished: bool,
}

impl Inbox {
    fn put(&mut self, bytes: Bytes) {
        self.bytes = if self.bytes.is_empty() { bytes } else { [&self.bytes[..], &bytes[..]].concat().into() };
    }

    /// The next piece of the input as it is.
    fn step(&mut self) -> Step {
        match (self.bytes.len(), self.finished) {
            (0, true) => Step::End,
            (0, false) => Step::Hungry,
            (length, _) => Step::Piece(self.bytes.split_to(length.min(PIECE))),
        }
    }
}

impl BufRead for Inbox {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.finished {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.advance(amount);
    }
}

impl Read for Inbox {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
