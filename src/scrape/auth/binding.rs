//! Channel bindings: what ties a proof to the TLS connection over which it is given, so that nobody can pass it on.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

/// The binding `tls-server-end-point` (RFC 5929, section 4) of a connection whose peer has this certificate (DER). None
/// if it is not defined for the certificate.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = digest(hash_of(certificate)?, certificate);
    Some([b"tls-server-end-point:", hash.as_ref()].concat())
}

/// The hash of the signature of the certificate, where it is a good one.
fn hash_of(certificate: &[u8]) -> Option<&'static Algorithm> {
    /// The arcs that the identifiers share.
    const RSA: &str = "1.2.840.113549.1.1.";
    const ECDSA_SHA2: &str = "1.2.840.10045.4.3.";
    const ECDSA_SHA1: &str = "1.2.840.10045.4.1";
    let identifier = signature_algorithm(certificate).ok()?.to_string();
    if identifier == ECDSA_SHA1 {
        return Some(&SHA256);
    }
    let last = |arc| identifier.strip_prefix(arc).and_then(|last| last.parse::<u8>().ok());
    match (last(RSA), last(ECDSA_SHA2)) {
        // MD5, SHA-1 and SHA-256.
        (Some(4 | 5 | 11), _) | (_, Some(2)) => Some(&SHA256),
        (Some(12), _) | (_, Some(3)) => Some(&SHA384),
        (Some(13), _) | (_, Some(4)) => Some(&SHA512),
        _ => None,
    }
}

/// Of the certificate only the frame is read, so that nothing in it is a reason to go without a binding.
fn signature_algorithm(certificate: &[u8]) -> Result<ObjectIdentifier, x509_cert::der::Error> {
    let mut reader = SliceReader::new(certificate)?;
    reader.sequence(|certificate| {
        let _signed = AnyRef::decode(certificate)?;
        let algorithm = AlgorithmIdentifierRef::decode(certificate)?;
        let _signature = AnyRef::decode(certificate)?;
        Ok(algorithm.oid)
    })
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
