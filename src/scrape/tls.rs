//! TLS of one instance: whom it trusts and what it shows of itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::error::{ClientError, ClientProblem};
use crate::config::TlsSettings;
use crate::unverified::Unverified;

/// Reads the files that the settings name. Without a CA file the certificates of the system count; they are read at the
/// first use, so that a machine without any can still scrape plain HTTP.
pub(super) fn client_config(settings: &TlsSettings) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match &settings.ca_cert {
        Some(path) => WebPkiServerVerifier::builder_with_provider(Arc::new(roots(path)?), Arc::clone(&provider))
            .build()
            .map_err(|cause| ClientError::unusable(path, CA_CERT, format!("cannot be used: {cause}")))?,
        None if settings.verify => Arc::new(SystemVerifier { provider: Arc::clone(&provider) }),
        None => Arc::new(Unverified::new(&provider)),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| ClientProblem::Tls(cause.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(cert) = &settings.cert else {
        return match settings.private_key {
            Some(_) => Err(ClientProblem::KeyWithoutCertificate.into()),
            None => Ok(builder.with_no_client_auth()),
        };
    };
    let chain = certificates(cert, CERT)?;
    let (path, what) = settings.private_key.as_ref().map_or((cert, CERT), |path| (path, KEY));
    let key = private_key(path, what)?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|cause| ClientError::unusable(path, what, format!("does not fit the certificate: {cause}")))
}

const CA_CERT: &str = "file of CA certificates (`tls_ca_cert`)";
const CERT: &str = "client certificate (`tls_cert`)";
const KEY: &str = "key of the client certificate (`tls_private_key`)";

fn roots(path: &Path) -> Result<RootCertStore, ClientError> {
    let unreadable = |cause| ClientError::unreadable(path, CA_CERT, &cause);
    let mut found = Vec::new();
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        for file in files_of(path).map_err(unreadable)? {
            // A directory may hold anything beside certificates.
            found.extend(certificates(&file, CA_CERT).unwrap_or_default());
        }
        if found.is_empty() {
            return Err(ClientError::unusable(path, CA_CERT, "is a directory without certificates in PEM form"));
        }
    } else {
        found = certificates(path, CA_CERT)?;
    }
    let mut store = RootCertStore::empty();
    match store.add_parsable_certificates(found) {
        (0, _) => Err(ClientError::unusable(path, CA_CERT, "has no certificate that can be used")),
        _ => Ok(store),
    }
}

fn files_of(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        // Only regular files, also behind links: reading a pipe would hang.
        if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let text = fs::read(path).map_err(|cause| ClientError::unreadable(path, what, &cause))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(ClientError::unusable(path, what, "has no certificate in PEM form")),
        Ok(found) => Ok(found),
        Err(cause) => Err(ClientError::unusable(path, what, format!("is not valid PEM: {cause}"))),
    }
}

fn private_key(path: &Path, what: &'static str) -> Result<PrivateKeyDer<'static>, ClientError> {
    let text = fs::read(path).map_err(|cause| ClientError::unreadable(path, what, &cause))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|cause| {
        let encrypted = text.windows(9).any(|window| window == b"ENCRYPTED");
        let problem = if encrypted {
            "holds an encrypted key; write it without a password, readable by this user only".to_owned()
        } else {
            format!("holds no private key in PEM form: {cause}")
        };
        ClientError::unusable(path, what, problem)
    })
}

/// Trusts what the machine trusts.
#[derive(Debug)]
struct SystemVerifier {
    provider: Arc<CryptoProvider>,
}

impl SystemVerifier {
    /// The certificates of the system take time and memory to read, so all clients share them.
    fn system(&self) -> Result<&'static rustls_platform_verifier::Verifier, Error> {
        static SYSTEM: OnceLock<Result<rustls_platform_verifier::Verifier, Error>> = OnceLock::new();
        SYSTEM
            .get_or_init(|| rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider)))
            .as_ref()
            .map_err(Clone::clone)
    }
}

impl ServerCertVerifier for SystemVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.system()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
