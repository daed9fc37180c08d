//! Verifies the certificate of a target: trusted, valid now, and for the name that was asked.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::Described;
use super::chain::{ChainProblem, explain};
use super::roots::Roots;

/// Trusts whom the settings trust.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: Roots,
    validate_hostname: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// For a client that otherwise uses `provider`.
    pub(super) fn new(roots: Roots, validate_hostname: bool, provider: &CryptoProvider) -> Self {
        Self { roots, validate_hostname, algorithms: provider.signature_verification_algorithms }
    }

    /// A certificate that was itself given as one to trust needs nobody to vouch for it. OpenSSL has it so for
    /// self-signed ones, which are often marked as CA and would otherwise be refused for that.
    fn is_trusted_itself(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<bool, Error> {
        let Some(described) = Some(certificate).filter(|own| self.roots.hold(own)).and_then(Described::read) else {
            return Ok(false);
        };
        let (not_before, not_after) = described.validity();
        if now < not_before {
            Err(CertificateError::NotValidYetContext { time: now, not_before }.into())
        } else if now > not_after {
            Err(CertificateError::ExpiredContext { time: now, not_after }.into())
        } else {
            Ok(true)
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        if !self.is_trusted_itself(end_entity, now)? {
            let anchors = self.roots.anchors().ok_or(ChainProblem::NobodyTrusted)?;
            verify_server_cert_signed_by_trust_anchor(&parsed, &anchors, intermediates, now, self.algorithms.all)
                .map_err(|error| explain(error, end_entity, intermediates, now))?;
        }
        if self.validate_hostname {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
