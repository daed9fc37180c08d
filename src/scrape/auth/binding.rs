//! Channel bindings: what ties a proof to the TLS connection over which it is given, so that nobody can pass it on.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The binding `tls-server-end-point` (RFC 5929, section 4) of a connection whose peer has this certificate (DER). None
/// if it is not defined for the certificate.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = digest(hash_of(certificate)?, certificate);
    Some([b"tls-server-end-point:", hash.as_ref()].concat())
}

/// The hash of the signature of the certificate, where it is a good one.
fn hash_of(certificate: &[u8]) -> Option<&'static Algorithm> {
    /// Object identifiers without the arc that they share.
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    let (whole, _) = element(certificate, 0x30)?;
    let (_, rest) = element(whole, 0x30)?;
    let (algorithm, _) = element(rest, 0x30)?;
    let (identifier, _) = element(algorithm, 0x06)?;
    if identifier == ECDSA_SHA1 {
        return Some(&SHA256);
    }
    match identifier.split_last()? {
        // MD5, SHA-1 and SHA-256.
        (4 | 5 | 11, RSA) | (2, ECDSA_SHA2) => Some(&SHA256),
        (12, RSA) | (3, ECDSA_SHA2) => Some(&SHA384),
        (13, RSA) | (4, ECDSA_SHA2) => Some(&SHA512),
        _ => None,
    }
}

/// The content of the DER element at the beginning, which has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_signature_of_the_certificate() {
        for (algorithm, hash) in [(&rcgen::PKCS_ECDSA_P256_SHA256, &SHA256), (&rcgen::PKCS_ECDSA_P384_SHA384, &SHA384)]
        {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let params = rcgen::CertificateParams::new(["a".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let expected = [b"tls-server-end-point:", digest(hash, certificate.der()).as_ref()].concat();
            assert_eq!(end_point(certificate.der()), Some(expected));
            for length in 0..certificate.der().len() {
                end_point(&certificate.der()[..length]);
            }
        }
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let params = rcgen::CertificateParams::new(["a".to_owned()]).unwrap();
        assert_eq!(end_point(params.self_signed(&key).unwrap().der()), None, "there is no hash in it");
    }

    #[test]
    fn takes_no_harm_from_what_is_no_certificate() {
        for bytes in [&b""[..], &[0x30], &[0x30, 0x84], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x82, 0xff, 0xff, 0]] {
            assert_eq!(end_point(bytes), None);
        }
    }
}
