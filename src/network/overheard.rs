//! TLS handshakes that somebody observes: what the peer shows and asks for, and what it is found to be worth.

use std::fmt;
use std::sync::Arc;

use hyper_rustls::MaybeHttpsStream;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::event::{Event, Observed, Whom};

/// The same configuration, whose `verifier` and client certificate are listened to. Every handshake is a whole one, because
/// one that resumes a session shows no certificate.
pub(crate) fn overheard(
    config: &ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    observed: &Observed,
    whom: Whom,
) -> ClientConfig {
    let ear = Ear { observed: observed.clone(), whom };
    let mut config = config.clone();
    config.resumption = Resumption::disabled();
    let resolver = Arc::clone(&config.client_auth_cert_resolver);
    config.client_auth_cert_resolver = Arc::new(OverheardIdentity { inner: resolver, ear: ear.clone() });
    config.dangerous().set_certificate_verifier(Arc::new(OverheardVerifier { inner: verifier, ear }));
    config
}

/// Tells of the handshake of a connection, if there was one.
pub(crate) fn tell_secured<T>(observed: &Observed, whom: Whom, stream: &MaybeHttpsStream<T>) {
    if let MaybeHttpsStream::Https(tls) = stream {
        let (_, session) = tls.inner().get_ref();
        observed.tell(|| Event::Secured {
            whom,
            version: session.protocol_version(),
            cipher: session.negotiated_cipher_suite(),
            application: session.alpn_protocol(),
        });
    }
}

#[derive(Clone, Debug)]
struct Ear {
    observed: Observed,
    whom: Whom,
}

#[derive(Debug)]
struct OverheardVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    ear: Ear,
}

impl ServerCertVerifier for OverheardVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        self.ear.observed.tell(|| Event::Certificates { whom: self.ear.whom, chain: &chain });
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.inner.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}

struct OverheardIdentity {
    inner: Arc<dyn ResolvesClientCert>,
    ear: Ear,
}

impl fmt::Debug for OverheardIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it wraps holds a private key.
        f.debug_struct("OverheardIdentity").finish_non_exhaustive()
    }
}

impl ResolvesClientCert for OverheardIdentity {
    fn resolve(&self, root_hint_subjects: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let identity = self.inner.resolve(root_hint_subjects, schemes);
        self.ear.observed.tell(|| Event::ClientCertificate { whom: self.ear.whom, shown: identity.is_some() });
        identity
    }

    fn only_raw_public_keys(&self) -> bool {
        self.inner.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
