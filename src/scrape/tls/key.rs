//! Private keys in PEM form, encrypted or not.

use std::fs;
use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::Error as Pkcs5;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::super::error::ClientError;
use crate::config::Secret;

/// The first private key of a file: PKCS#8, PKCS#1 or SEC1, or PKCS#8 that the password opens. `what` names the file in
/// messages.
pub(super) fn read_key(
    path: &Path,
    what: &'static str,
    password: Option<&Secret>,
) -> Result<PrivateKeyDer<'static>, ClientError> {
    let pem = fs::read(path).map_err(|cause| ClientError::unreadable(path, what, &cause))?;
    let unusable = |problem: String| ClientError::unusable(path, what, problem);
    if let Some(encrypted) = section(&pem, "ENCRYPTED PRIVATE KEY") {
        return decrypt(encrypted, password).map_err(unusable);
    }
    if contains(&pem, b"Proc-Type: 4,ENCRYPTED") {
        return Err(unusable(
            "holds a key that is encrypted in OpenSSL's traditional form, which is not supported; convert it with \
             `openssl pkcs8 -topk8 -in OLD.pem -out NEW.pem`, which asks for the present password and for the one to \
             set as `tls_private_key_password`"
                .to_owned(),
        ));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|cause| unusable(format!("holds no private key in PEM form: {cause}")))
}

/// Opens a PEM section `ENCRYPTED PRIVATE KEY` (RFC 5958).
fn decrypt(section: &[u8], password: Option<&Secret>) -> Result<PrivateKeyDer<'static>, String> {
    const CONVERT: &str = "convert it with `openssl pkcs8 -in OLD.pem -topk8 -v2 aes-256-cbc -out NEW.pem`";
    let Some(password) = password else {
        return Err("holds an encrypted key; set `tls_private_key_password` to its password".to_owned());
    };
    // The frame of a plain key around the same content, for a reader that knows only those.
    let plain = String::from_utf8_lossy(section).replace("ENCRYPTED PRIVATE KEY", "PRIVATE KEY");
    let unreadable = |cause: String| format!("holds an encrypted key that cannot be read: {cause}");
    let der = PrivatePkcs8KeyDer::from_pem_slice(plain.as_bytes()).map_err(|cause| unreadable(cause.to_string()))?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der.secret_pkcs8_der())
        .map_err(|cause| format!("{}; {CONVERT}", unreadable(cause.to_string())))?;
    let key = encrypted.decrypt(password.expose()).map_err(|cause| match cause {
        pkcs8::Error::EncryptedPrivateKey(
            cause @ (Pkcs5::NoPbes1CryptSupport
            | Pkcs5::UnsupportedAlgorithm { .. }
            | Pkcs5::AlgorithmParametersInvalid { .. }),
        ) => format!("holds a key that is encrypted in a way that is not supported ({cause}); {CONVERT}"),
        // The padding, or what stands where a key should be, shows it.
        _ => "holds an encrypted key that `tls_private_key_password` does not open; check the password".to_owned(),
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// The first PEM section with this label, its frame included.
fn section<'a>(pem: &'a [u8], label: &str) -> Option<&'a [u8]> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let start = position(pem, begin.as_bytes())?;
    let length = position(&pem[start..], end.as_bytes())? + end.len();
    Some(&pem[start..start + length])
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}
