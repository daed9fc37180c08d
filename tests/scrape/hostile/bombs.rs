//! Few bytes that mean many.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

const MIB: usize = 1 << 20;

/// Blanks.
pub(super) fn nothing() -> Vec<u8> {
    vec![b' '; MIB]
}

pub(super) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn deflate(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 3).unwrap()
}

/// A thousand to one: so many MiB of blanks, in as many members.
pub(super) fn gzip_of(mib: usize) -> Vec<u8> {
    gzip(nothing()).repeat(mib)
}

/// Thirty thousand to one: a frame (RFC 8878) of so many MiB of one byte, in blocks that say how often.
pub(super) fn zstd_of(mib: usize, byte: u8) -> Vec<u8> {
    const BLOCK: u32 = 128 << 10;
    // Magic number; no checksum, no size, a window of 128 KiB.
    let mut frame = zstd_head(7 << 3);
    let blocks = mib * MIB / BLOCK as usize;
    for number in 1..=blocks {
        let header = BLOCK << 3 | 1 << 1 | u32::from(number == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(byte);
    }
    frame
}

/// The beginning of a frame with this window.
pub(super) fn zstd_head(window: u8) -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, window]
}
