//! What TLS settings and the files that they name come to.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::super::error::{ClientError, ClientProblem, Kind};
use super::key::read_key;
use super::problem::Side;
use super::roots::{Roots, read_certificates};
use super::verifier::Verifier;
use crate::config::{CipherSuite, TlsCiphers, TlsSettings, TlsVersion};
use crate::network::{Observed, Whom, overheard};
use crate::unverified::Unverified;

const CERT: &str = "client certificate (`tls_cert`)";
const KEY: &str = "key of the client certificate (`tls_private_key`)";

/// What connections are made with. Never changed, only replaced.
#[derive(Debug)]
pub(in crate::scrape) struct Material {
    /// None: the settings leave nothing to offer in a handshake.
    configs: Option<Configs>,
}

#[derive(Debug)]
struct Configs {
    all: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
}

/// The versions of HTTP that are offered in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrape) enum HttpVersions {
    /// HTTP/2 and HTTP/1.1.
    All,
    /// HTTP/1.1 only, where a connection has one user.
    Http1,
}

impl Material {
    /// Reads the files that the settings name.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, ClientError> {
        let provider = Arc::new(CryptoProvider { cipher_suites: suites(settings), ..ring::default_provider() });
        let verifier: Arc<dyn ServerCertVerifier> = if settings.verify || settings.ca_cert.is_some() {
            let roots = Roots::read(settings.ca_cert.as_deref(), &settings.intermediate_ca_certs)?;
            Arc::new(Verifier::new(roots, settings.validate_hostname, &provider))
        } else {
            Arc::new(Unverified::new(&provider))
        };
        if provider.cipher_suites.is_empty() {
            return Ok(Self { configs: None });
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(settings))
            .map_err(|cause| ClientProblem::Tls(cause.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier));
        let mut config = match &settings.cert {
            None if settings.private_key.is_some() => return Err(ClientProblem::KeyWithoutCertificate.into()),
            None => builder.with_no_client_auth(),
            Some(cert) => {
                let chain = read_certificates(cert, CERT)?;
                let (path, what) = settings.private_key.as_ref().map_or((cert, CERT), |path| (path, KEY));
                let key = read_key(path, what, settings.private_key_password.as_ref())?;
                builder.with_client_auth_cert(chain, key).map_err(|cause| {
                    ClientError::unusable(path, what, format!("does not fit the certificate: {cause}"))
                })?
            }
        };
        let http1 = Arc::new(config.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { configs: Some(Configs { all: Arc::new(config), http1, verifier }) })
    }

    /// The target of a handshake that is made with it.
    pub(in crate::scrape) fn target(&self) -> Side {
        let shows_certificate =
            self.configs.as_ref().is_some_and(|configs| configs.all.client_auth_cert_resolver.has_certs());
        Side::Target { shows_certificate }
    }

    /// What a handshake with somebody is made with.
    pub(in crate::scrape) fn config(
        &self,
        versions: HttpVersions,
        observed: &Observed,
        whom: Whom,
    ) -> Result<Arc<ClientConfig>, Kind> {
        let Some(configs) = &self.configs else {
            return Err(Kind::Tls(
                "`tls_ciphers` and `tls_protocols_allowed` leave no cipher suite to offer; name others, or leave them \
                 out to offer all that are safe"
                    .to_owned(),
            ));
        };
        let config = match versions {
            HttpVersions::All => &configs.all,
            HttpVersions::Http1 => &configs.http1,
        };
        if observed.is_somebody() {
            return Ok(Arc::new(overheard(config, Arc::clone(&configs.verifier), observed, whom)));
        }
        Ok(Arc::clone(config))
    }
}

fn versions(settings: &TlsSettings) -> &'static [&'static SupportedProtocolVersion] {
    static ONLY_TLS12: [&SupportedProtocolVersion; 1] = [&TLS12];
    static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];
    match settings.versions[..] {
        [TlsVersion::Tls12] => &ONLY_TLS12,
        [TlsVersion::Tls13] => &ONLY_TLS13,
        _ => rustls::ALL_VERSIONS,
    }
}

/// The cipher suites that the settings leave, best first.
fn suites(settings: &TlsSettings) -> Vec<SupportedCipherSuite> {
    let suites: Vec<SupportedCipherSuite> = match &settings.ciphers {
        TlsCiphers::All => ring::DEFAULT_CIPHER_SUITES.to_vec(),
        TlsCiphers::Only(suites) => suites.iter().copied().map(suite).collect(),
    };
    let versions = versions(settings);
    suites.into_iter().filter(|suite| versions.contains(&suite.version())).collect()
}

fn suite(suite: CipherSuite) -> SupportedCipherSuite {
    use ring::cipher_suite as known;
    match suite {
        CipherSuite::Aes256GcmSha384 => known::TLS13_AES_256_GCM_SHA384,
        CipherSuite::Aes128GcmSha256 => known::TLS13_AES_128_GCM_SHA256,
        CipherSuite::Chacha20Poly1305Sha256 => known::TLS13_CHACHA20_POLY1305_SHA256,
        CipherSuite::EcdheEcdsaWithAes256GcmSha384 => known::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdheEcdsaWithAes128GcmSha256 => known::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdheEcdsaWithChacha20Poly1305Sha256 => known::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::EcdheRsaWithAes256GcmSha384 => known::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdheRsaWithAes128GcmSha256 => known::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdheRsaWithChacha20Poly1305Sha256 => known::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}
