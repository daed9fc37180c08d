//! TLS settings of one instance: whom it trusts, what it shows of itself, and what is offered in the handshake.
//!
//! The files that are named here are read by `scrape`, which reads them again when they change.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::cipher::TlsCiphers;
use super::expand::expand_home;
use super::secret::Secret;
use super::section::Section;

/// TLS settings of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Whether the certificate of the target is verified. Always, if `ca_cert` is set.
    pub verify: bool,
    /// Whether a verified certificate must also be for the host that is asked.
    pub validate_hostname: bool,
    /// File or directory of CA certificates (PEM) to trust instead of the system's.
    pub ca_cert: Option<PathBuf>,
    /// Certificates to trust in addition (`tls_intermediate_ca_certs`).
    pub intermediate_ca_certs: Vec<CertificateDer<'static>>,
    /// Client certificate chain (PEM); may hold the key as well.
    pub cert: Option<PathBuf>,
    /// Key of the client certificate (PEM).
    pub private_key: Option<PathBuf>,
    /// The password of the key, if it is encrypted.
    pub private_key_password: Option<Secret>,
    /// The cipher suites to offer.
    pub ciphers: TlsCiphers,
    /// The versions to offer; empty: all.
    pub versions: Vec<TlsVersion>,
    /// Whether the certificate must be for the name in the header that is spelled exactly `Host`, which the handshake
    /// then asks for, instead of the host of the URL.
    pub use_host_header: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            verify: true,
            validate_hostname: true,
            ca_cert: None,
            intermediate_ca_certs: Vec::new(),
            cert: None,
            private_key: None,
            private_key_password: None,
            ciphers: TlsCiphers::default(),
            versions: Vec::new(),
            use_host_header: false,
        }
    }
}

/// A version of TLS that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl TlsSettings {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let surroundings = section.reading().surroundings;
        let path = |option| {
            section.text_if_any(option).filter(|path| !path.is_empty()).map(|path| expand_home(&path, surroundings))
        };
        let ca_cert = path("tls_ca_cert");
        Self {
            verify: section.affirmative("tls_verify", true) || ca_cert.is_some(),
            // Left empty it must not switch a check off.
            validate_hostname: section
                .present("tls_validate_hostname")
                .is_none_or(|_| section.affirmative("tls_validate_hostname", true)),
            ca_cert,
            intermediate_ca_certs: read_certificates(section, "tls_intermediate_ca_certs"),
            cert: path("tls_cert"),
            private_key: path("tls_private_key"),
            private_key_password: section
                .scalar_text("tls_private_key_password")
                .filter(|text| !text.is_empty())
                .map(Secret::new),
            ciphers: TlsCiphers::read(section),
            versions: read_versions(section),
            use_host_header: section.affirmative("tls_use_host_header", false),
        }
    }
}

/// Certificates that stand in the settings themselves, each text with at least one of them.
fn read_certificates(section: &Section<'_>, option: &'static str) -> Vec<CertificateDer<'static>> {
    let Some(list) = section.present(option).and_then(|_| section.list(option)) else { return Vec::new() };
    let mut certificates = Vec::new();
    for (i, node) in list.iter().enumerate() {
        let what = format!("entry {} of `{option}`", i + 1);
        let Some(text) = section.expect_text(&what, node) else { continue };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match found {
            Ok(found) if found.is_empty() => section
                .error(node.at, format!("{what} has no certificate in PEM form; for a file, write `${{file:PATH}}`")),
            Ok(found) => certificates.extend(found),
            Err(cause) => section.error(node.at, format!("{what} is not valid PEM: {cause}")),
        }
    }
    certificates
}

/// The versions that the settings allow, as far as there still are any.
fn read_versions(section: &Section<'_>) -> Vec<TlsVersion> {
    const OPTION: &str = "tls_protocols_allowed";
    let Some(node) = section.present(OPTION) else { return Vec::new() };
    let (mut versions, mut old) = (Vec::new(), Vec::new());
    for name in section.text_list(OPTION) {
        match name.as_str() {
            "TLSv1.2" => versions.push(TlsVersion::Tls12),
            "TLSv1.3" => versions.push(TlsVersion::Tls13),
            "SSLv3" | "TLSv1" | "TLSv1.1" => old.push(format!("`{name}`")),
            _ => section.warning(node.at, format!("there is no protocol `{name}` for `{OPTION}`; it is ignored")),
        }
    }
    versions.sort_unstable();
    versions.dedup();
    if !old.is_empty() {
        let old = old.join(", ");
        let message = format!("{old} in `{OPTION}`: there is nothing below TLS 1.2 in Retriever (rustls)");
        if versions.is_empty() {
            section.warning(node.at, format!("{message}; TLS 1.2 and 1.3 are offered"));
        } else {
            section.note(node.at, message);
        }
    }
    versions
}
