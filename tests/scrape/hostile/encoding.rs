//! Content encodings: bombs, damage, and names that nobody knows.

use super::bombs::{deflate, gzip, gzip_of, nothing, zlib, zstd, zstd_head, zstd_of};
use super::server::GOOD;
use super::{Case, Trial, behaviours, doing, exposing};

behaviours![
    a_bomb_of_gzip,
    a_bomb_of_deflate,
    a_bomb_of_zlib,
    a_bomb_of_zstd,
    a_bomb_that_takes_too_long,
    a_window_of_two_gibibytes,
    gzip_inside_of_gzip,
    two_encodings,
    an_unknown_encoding,
    text_that_claims_to_be_gzip,
    text_that_claims_to_be_zstd,
    gzip_that_breaks_off,
    deflate_that_breaks_off,
    zstd_that_breaks_off,
    gzip_with_a_wrong_checksum,
    gzip_with_a_wrong_length,
    zlib_with_a_wrong_checksum,
    zstd_with_a_wrong_checksum,
    several_members_of_gzip,
    several_frames_of_zstd,
    garbage_behind_gzip,
    garbage_behind_deflate,
    a_name_in_gzip_that_never_ends,
    members_of_nothing,
    nothing_at_all,
];

fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Case {
    exposing(&format!("Content-Encoding: {encoding}\r\n"), body)
}

const TOO_LARGE: &str = "the body is larger than 1000000 bytes after decompression; raise `body_size_limit`";

fn bomb(encoding: &str, body: impl AsRef<[u8]>) -> Case {
    encoded(encoding, body).with("body_size_limit: 1000000").too_much("body_limit", TOO_LARGE)
}

fn a_bomb_of_gzip() -> Case {
    bomb("gzip", gzip_of(1000))
}

fn a_bomb_of_deflate() -> Case {
    bomb("deflate", deflate(nothing()))
}

fn a_bomb_of_zlib() -> Case {
    bomb("deflate", zlib(nothing()))
}

fn a_bomb_of_zstd() -> Case {
    bomb("zstd", zstd_of(1000, b' '))
}

/// All of it is there at once, and is allowed; but not to keep a processor busy for ever.
fn a_bomb_that_takes_too_long() -> Case {
    encoded("zstd", zstd_of(4000, b'\n'))
        .with("body_size_limit: 0\ntotal_timeout: 0.3")
        .too_much("total_timeout", "it was not complete within 300ms; raise `total_timeout`")
}

fn a_window_of_two_gibibytes() -> Case {
    encoded("zstd", [zstd_head(21 << 3), vec![0; 100]].concat()).broken("encoding", "the body is not valid zstd (")
}

fn gzip_inside_of_gzip() -> Case {
    encoded("gzip, gzip", gzip(gzip(GOOD))).broken("encoding", "the body is encoded as `gzip, gzip`")
}

fn two_encodings() -> Case {
    encoded("gzip\r\nContent-Encoding: zstd", zstd(gzip(GOOD)))
        .broken("encoding", "the body is encoded as `gzip, zstd`")
}

fn an_unknown_encoding() -> Case {
    encoded(&format!("br{}", "x".repeat(5000)), GOOD).broken("encoding", "the body is encoded as `brx")
}

fn text_that_claims_to_be_gzip() -> Case {
    encoded("gzip", GOOD).broken("encoding", "the body is not valid gzip (")
}

fn text_that_claims_to_be_zstd() -> Case {
    encoded("zstd", GOOD).broken("encoding", "the body is not valid zstd (")
}

/// What came before is scraped.
fn gzip_that_breaks_off() -> Case {
    let whole = gzip(GOOD);
    encoded("gzip", &whole[..whole.len() - 3]).broken("encoding", "the body is not valid gzip (").submits(&["good"])
}

fn deflate_that_breaks_off() -> Case {
    let whole = deflate(GOOD);
    encoded("deflate", &whole[..whole.len() - 1])
        .broken("encoding", "the body is not valid deflate (incomplete deflate stream)")
}

fn zstd_that_breaks_off() -> Case {
    let whole = zstd(GOOD);
    encoded("zstd", &whole[..whole.len() - 3]).broken("encoding", "the body is not valid zstd (")
}

/// One bit is wrong, this far from the end.
fn damaged(mut bytes: Vec<u8>, from_the_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_the_end;
    bytes[at] ^= 1;
    bytes
}

fn gzip_with_a_wrong_checksum() -> Case {
    encoded("gzip", damaged(gzip(GOOD), 8)).broken("encoding", "the body is not valid gzip (").submits(&["good"])
}

fn gzip_with_a_wrong_length() -> Case {
    encoded("gzip", damaged(gzip(GOOD), 4)).broken("encoding", "the body is not valid gzip (").submits(&["good"])
}

fn zlib_with_a_wrong_checksum() -> Case {
    encoded("deflate", damaged(zlib(GOOD), 1)).broken("encoding", "the body is not valid deflate (")
}

fn zstd_with_a_wrong_checksum() -> Case {
    // A frame with a checksum, of which the last four bytes are wrong.
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    std::io::Write::write_all(&mut encoder, GOOD.as_bytes()).unwrap();
    encoded("zstd", damaged(encoder.finish().unwrap(), 1)).broken("encoding", "the body is not valid zstd (")
}

fn several_members_of_gzip() -> Case {
    let (first, second) = GOOD.split_at(10);
    encoded("gzip", [gzip(first), gzip(""), gzip(second)].concat()).submits(&["good"])
}

fn several_frames_of_zstd() -> Case {
    let (first, second) = GOOD.split_at(10);
    encoded("zstd", [zstd(first), zstd(""), zstd(second)].concat()).submits(&["good"])
}

fn garbage_behind_gzip() -> Case {
    encoded("gzip", [gzip(GOOD), b"garbage".to_vec()].concat())
        .broken("encoding", "the body is not valid gzip (")
        .submits(&["good"])
}

fn garbage_behind_deflate() -> Case {
    encoded("deflate", [zlib(GOOD), b"garbage".to_vec()].concat()).submits(&["good"])
}

fn a_name_in_gzip_that_never_ends() -> Case {
    let head = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    encoded("gzip", [&head[..], &vec![b'x'; 1_000_000]].concat()).broken("encoding", "the body is not valid gzip (")
}

fn members_of_nothing() -> Case {
    encoded("gzip", gzip("").repeat(10_000))
        .with("wire_size_limit: 150000")
        .too_much("wire_limit", "the body is larger than 150000 bytes as sent")
}

fn nothing_at_all() -> Case {
    encoded("gzip", "").submits(&[])
}

/// On one thread, on which the bomb is there as a whole.
#[tokio::test]
async fn a_bomb_keeps_no_other_target_waiting() {
    let bomb = encoded("zstd", zstd_of(4000, b' ')).with("body_size_limit: 0\nline_size_limit: 1000");
    let mut bomb = Trial::of(&bomb);
    let mut neighbour = Trial::of(&doing([]));
    neighbour.server.reform();
    let mut bombed = std::pin::pin!(bomb.scrape());
    for _ in 0..3 {
        tokio::select! {
            _ = &mut bombed => panic!("the bomb came first"),
            seen = neighbour.scrape() => seen.assert_good(),
        }
    }
}
