use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

fn head(encoding: &str) -> Head {
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap())]);
    Head { status: 200, reason: "OK".into(), final_url: String::new(), headers }
}

fn encode(encoding: &str, plain: &[u8]) -> Vec<u8> {
    fn all<W: Write>(mut encoder: W, plain: &[u8]) -> W {
        encoder.write_all(plain).unwrap();
        encoder
    }
    let level = Compression::default();
    match encoding {
        "gzip" => all(GzEncoder::new(Vec::new(), level), plain).finish().unwrap(),
        "deflate" => all(ZlibEncoder::new(Vec::new(), level), plain).finish().unwrap(),
        "raw" => all(DeflateEncoder::new(Vec::new(), level), plain).finish().unwrap(),
        "zstd" => zstd::encode_all(plain, 3).unwrap(),
        _ => plain.to_vec(),
    }
}

/// Feeds slices of `size` bytes; gives the decoded bytes and the largest piece.
fn decode(encoding: &str, encoded: &[u8], size: usize) -> Result<(Vec<u8>, usize), Kind> {
    let mut decoder = Decoder::for_head(&head(encoding))?;
    let mut slices = encoded.chunks(size);
    let (mut decoded, mut largest) = (Vec::new(), 0);
    loop {
        match decoder.step()? {
            Step::Piece(piece) => {
                assert!(!piece.is_empty());
                largest = largest.max(piece.len());
                decoded.extend_from_slice(&piece);
            }
            Step::Hungry => match slices.next() {
                Some(slice) => decoder.feed(Bytes::copy_from_slice(slice)),
                None => decoder.finish(),
            },
            Step::End => return Ok((decoded, largest)),
        }
    }
}

const ENCODINGS: [(&str, &str); 5] =
    [("gzip", "gzip"), ("deflate", "deflate"), ("deflate", "raw"), ("zstd", "zstd"), ("identity", "identity")];

proptest! {
    #[test]
    fn decoding_undoes_encoding_however_it_arrives(
        plain in proptest::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..3000),
        size in 1_usize..4000,
    ) {
        for (declared, sent) in ENCODINGS {
            let (decoded, _) = decode(declared, &encode(sent, &plain), size).unwrap();
            prop_assert_eq!(&decoded, &plain, "{} as {} in slices of {}", sent, declared, size);
        }
    }

    #[test]
    fn noise_is_an_error_or_bytes_but_no_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        size in 1_usize..300,
    ) {
        for (declared, _) in ENCODINGS {
            let _ = decode(declared, &noise, size);
        }
    }
}

#[test]
fn several_members_are_one_body() {
    for encoding in ["gzip", "zstd"] {
        let both = [encode(encoding, b"one "), encode(encoding, b"two")].concat();
        for size in [1, 7, 1000] {
            assert_eq!(decode(encoding, &both, size).unwrap().0, b"one two", "{encoding} {size}");
        }
    }
}

#[test]
fn pieces_stay_small_whatever_the_ratio() {
    let plain = vec![b' '; 40 << 20];
    for (declared, sent) in ENCODINGS {
        let (decoded, largest) = decode(declared, &encode(sent, &plain), usize::MAX).unwrap();
        assert_eq!(decoded.len(), plain.len());
        assert!(largest <= PIECE, "{sent}: {largest}");
    }
}

#[test]
fn what_is_cut_is_corrupt() {
    let plain: Vec<u8> = (0..20_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (declared, sent) in ENCODINGS.into_iter().filter(|(declared, _)| *declared != "identity") {
        let encoded = encode(sent, &plain);
        for cut in [1, 2, encoded.len() / 2, encoded.len() - 1] {
            let result = decode(declared, &encoded[..cut], 1000);
            assert!(
                matches!(result, Err(Kind::Corrupt { .. })),
                "{sent} cut at {cut}: {:?}",
                result.map(|r| r.0.len())
            );
        }
    }
}

#[test]
fn an_empty_body_is_empty_in_every_encoding() {
    for (declared, _) in ENCODINGS {
        assert_eq!(decode(declared, b"", 1).unwrap().0, b"");
    }
}

#[test]
fn refuses_other_and_chained_encodings() {
    for encoding in ["br", "gzip, gzip", "zstd,gzip"] {
        assert!(matches!(decode(encoding, b"x", 1), Err(Kind::Encoding(_))), "{encoding}");
    }
    assert_eq!(decode(" Identity ,", b"x", 1).unwrap().0, b"x");
    assert_eq!(decode("X-GZip", &encode("gzip", b"x"), 1).unwrap().0, b"x");
}

#[test]
fn refuses_a_window_beyond_eight_mebibytes() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(b"x").unwrap();
    let encoded = encoder.finish().unwrap();
    assert!(matches!(decode("zstd", &encoded, 100), Err(Kind::Corrupt { encoding: "zstd", .. })));
}
