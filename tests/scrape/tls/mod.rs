//! TLS, with certificates made for the occasion.

mod client_certificate;
mod handshake;
mod http;
mod messages;
mod nginx;
mod rotation;
mod trust;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use retriever::config::{HttpSettings, TlsSettings};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ResolvesServerCertUsingSni, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    ALL_VERSIONS, RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedCipherSuite,
    SupportedProtocolVersion,
};

use crate::patient;
use crate::server::{Server, response};

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Issuer {
    authority_with("test authority", |_| {})
}

fn authority_params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    change(&mut params);
    params
}

fn authority_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::self_signed(authority_params(name, change), KeyPair::generate().unwrap()).unwrap()
}

/// An authority that `issuer` vouches for.
fn intermediate(issuer: &Issuer, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    CertifiedIssuer::signed_by(authority_params(name, change), KeyPair::generate().unwrap(), issuer).unwrap()
}

pub(crate) struct Identity {
    cert: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// Certificate and key.
    pub(crate) fn pem(&self) -> (String, String) {
        (self.cert.pem(), self.key.serialize_pem())
    }
}

pub(crate) fn identity(issuer: &Issuer, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    identity_with_key(issuer, name, KeyPair::generate().unwrap(), change)
}

fn identity_with_key(
    issuer: &Issuer,
    name: &str,
    key: KeyPair,
    change: impl FnOnce(&mut CertificateParams),
) -> Identity {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    change(&mut params);
    Identity { cert: params.signed_by(&key, issuer).unwrap(), key }
}

/// How a server deals with TLS before it hands the bytes to a plain one.
pub(crate) struct Terminator {
    pub(crate) identity: Identity,
    /// What is sent beside the certificate of the identity.
    chain: Vec<CertificateDer<'static>>,
    pub(crate) client_ca: Option<Vec<u8>>,
    alpn: Vec<Vec<u8>>,
    versions: &'static [&'static SupportedProtocolVersion],
    suites: Vec<SupportedCipherSuite>,
    /// If set, who does not ask for this name is refused.
    only_name: Option<&'static str>,
    /// The certificates that clients showed.
    shown: Arc<Mutex<Vec<CertificateDer<'static>>>>,
}

impl Terminator {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            chain: Vec::new(),
            client_ca: None,
            alpn: Vec::new(),
            versions: ALL_VERSIONS,
            suites: ring::DEFAULT_CIPHER_SUITES.to_vec(),
            only_name: None,
            shown: Arc::default(),
        }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(CryptoProvider { cipher_suites: self.suites.clone(), ..ring::default_provider() });
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(self.versions).unwrap();
        let builder = match self.client_ca.clone() {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.into()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.identity.key.serialize_der()));
        let mut chain = vec![self.identity.cert.der().clone()];
        chain.extend(self.chain.iter().cloned());
        let mut config = match self.only_name {
            None => builder.with_single_cert(chain, key).unwrap(),
            Some(name) => {
                let mut resolver = ResolvesServerCertUsingSni::new();
                resolver.add(name, CertifiedKey::from_der(chain, key, &provider).unwrap()).unwrap();
                builder.with_cert_resolver(Arc::new(resolver))
            }
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config
    }

    /// Listens, and forwards what is decrypted to `plain`.
    pub(crate) fn start(self, plain: SocketAddr) -> SocketAddr {
        let (config, shown) = (Arc::new(self.config()), self.shown);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let tls = StreamOwned::new(connection, stream.unwrap());
                let shown = Arc::clone(&shown);
                std::thread::spawn(move || drop(pump(tls, TcpStream::connect(plain).unwrap(), &shown)));
            }
        });
        address
    }
}

/// Carries bytes both ways until one side is done.
fn pump(
    mut tls: StreamOwned<ServerConnection, TcpStream>,
    mut plain: TcpStream,
    shown: &Mutex<Vec<CertificateDer<'static>>>,
) -> std::io::Result<()> {
    tls.conn.complete_io(&mut tls.sock)?;
    shown.lock().unwrap().extend(tls.conn.peer_certificates().into_iter().flatten().take(1).cloned());
    let pause = Some(Duration::from_millis(1));
    tls.sock.set_read_timeout(pause)?;
    plain.set_read_timeout(pause)?;
    let mut buffer = [0; 16 << 10];
    loop {
        match tls.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => plain.write_all(&buffer[..length])?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        match plain.read(&mut buffer) {
            Ok(0) => {
                tls.conn.send_close_notify();
                return tls.flush();
            }
            Ok(length) => {
                tls.write_all(&buffer[..length])?;
                tls.flush()?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn with_tls(tls: TlsSettings) -> HttpSettings {
    HttpSettings { tls, ..patient() }
}

fn trusting(ca_cert: &Path) -> HttpSettings {
    with_tls(TlsSettings { ca_cert: Some(ca_cert.to_owned()), ..TlsSettings::default() })
}

/// Settings that verify nothing.
fn anyone() -> HttpSettings {
    with_tls(TlsSettings { verify: false, ..TlsSettings::default() })
}

/// A server behind TLS that exposes one sample, and a directory with the CA certificate in `ca.pem`.
pub(crate) async fn tls_server(change: impl FnOnce(&mut Terminator, &Issuer)) -> (String, tempfile::TempDir, Issuer) {
    let issuer = authority();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "ca.pem", &issuer.pem());
    let plain = Server::with(response("", "up 1\n")).await;
    let mut terminator = Terminator::new(identity(&issuer, "localhost", |_| {}));
    change(&mut terminator, &issuer);
    let address = terminator.start(plain.address);
    (format!("https://localhost:{}/metrics", address.port()), directory, issuer)
}
