//! The certificates that are trusted: those of files and settings, or those of the system.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::error::ClientError;
use super::files::files_of;

/// How the file is called in messages.
const CA_CERT: &str = "file of CA certificates (`tls_ca_cert`)";

/// Who is trusted.
#[derive(Debug)]
pub(super) struct Roots {
    /// The certificates as they stand in files and settings, without those of the system.
    own: Vec<CertificateDer<'static>>,
    anchors: Anchors,
}

#[derive(Debug)]
enum Anchors {
    Own(Arc<RootCertStore>),
    /// Read at the first use, so that a machine without any can still scrape plain HTTP.
    SystemAnd(OnceLock<Arc<RootCertStore>>),
}

impl Roots {
    /// Those of a file or a folder instead of the system's, and some more.
    pub(super) fn read(ca_cert: Option<&Path>, more: &[CertificateDer<'static>]) -> Result<Self, ClientError> {
        let Some(path) = ca_cert else {
            return Ok(Self { own: more.to_vec(), anchors: Anchors::SystemAnd(OnceLock::new()) });
        };
        let mut own = read_ca_certificates(path)?;
        let mut store = RootCertStore::empty();
        if store.add_parsable_certificates(own.iter().cloned()).0 == 0 {
            return Err(ClientError::unusable(path, CA_CERT, "has no certificate that can be used"));
        }
        store.add_parsable_certificates(more.iter().cloned());
        own.extend_from_slice(more);
        Ok(Self { own, anchors: Anchors::Own(Arc::new(store)) })
    }

    /// All of them; none where the system has no certificates and only its own would count.
    pub(super) fn anchors(&self) -> Option<Arc<RootCertStore>> {
        match &self.anchors {
            Anchors::Own(store) => Some(Arc::clone(store)),
            Anchors::SystemAnd(store) => {
                if let Some(store) = store.get() {
                    return Some(Arc::clone(store));
                }
                let combined = with_system(&self.own)?;
                Some(Arc::clone(store.get_or_init(|| combined)))
            }
        }
    }

    /// Whether this very certificate was given as one to trust.
    pub(super) fn hold(&self, certificate: &CertificateDer<'_>) -> bool {
        self.own.iter().any(|own| own.as_ref() == certificate.as_ref())
    }
}

fn with_system(own: &[CertificateDer<'static>]) -> Option<Arc<RootCertStore>> {
    let system = system();
    if own.is_empty() {
        return system;
    }
    let mut store = system.map_or_else(RootCertStore::empty, |system| RootCertStore::clone(&system));
    store.add_parsable_certificates(own.iter().cloned());
    Some(Arc::new(store))
}

/// The certificates of the system take time and memory to read, so all clients share them. A machine that has none is
/// asked again.
fn system() -> Option<Arc<RootCertStore>> {
    static SYSTEM: Mutex<Option<Arc<RootCertStore>>> = Mutex::new(None);
    let mut system = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    if system.is_none() {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!("certificates of the system cannot be read: {error}");
        }
        let mut store = RootCertStore::empty();
        if store.add_parsable_certificates(found.certs).0 > 0 {
            *system = Some(Arc::new(store));
        }
    }
    system.clone()
}

fn read_ca_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let unreadable = |cause| ClientError::unreadable(path, CA_CERT, &cause);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return read_certificates(path, CA_CERT);
    }
    let mut found = Vec::new();
    for file in files_of(path).map_err(unreadable)? {
        // A directory may hold anything beside certificates.
        found.extend(read_certificates(&file, CA_CERT).unwrap_or_default());
    }
    if found.is_empty() {
        return Err(ClientError::unusable(path, CA_CERT, "is a directory without certificates in PEM form"));
    }
    Ok(found)
}

/// The certificates of a PEM file, at least one; `what` names the file in messages.
pub(super) fn read_certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let text = fs::read(path).map_err(|cause| ClientError::unreadable(path, what, &cause))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(ClientError::unusable(path, what, "has no certificate in PEM form")),
        Ok(found) => Ok(found),
        Err(cause) => Err(ClientError::unusable(path, what, format!("is not valid PEM: {cause}"))),
    }
}
