//! A real server: nginx with OpenSSL.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::ExtendedKeyUsagePurpose;
use retriever::config::{CipherSuite, Secret, TlsCiphers, TlsVersion};
use retriever::scrape::ScrapeError;

use super::{authority, authority_with, identity, trusting, write};
use crate::{assert_failure, failure, scrape};

/// A running nginx; it is killed when it is dropped.
struct Nginx {
    process: Child,
    address: SocketAddr,
}

/// Debian has it where only administrators look.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

impl Nginx {
    /// With `cert.pem` and `key.pem` of the folder, and these lines for its one server.
    async fn start(program: &Path, folder: &Path, server: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let here = folder.display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {here}/{name};"))
            .join(" ");
        let user = if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" { "user root;" } else { "" };
        let configuration = format!(
            "{user} daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/error.log; events {{}}
             http {{
                 {temporary} access_log off;
                 server {{
                     listen {address} ssl;
                     ssl_certificate {here}/cert.pem; ssl_certificate_key {here}/key.pem;
                     {server}
                     location / {{
                         default_type text/plain;
                         return 200 \"$ssl_protocol $ssl_cipher [$ssl_server_name] [$ssl_client_s_dn]\\n\";
                     }}
                 }}
             }}"
        );
        let configuration = write(folder, "nginx.conf", &configuration);
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(configuration);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            let log = || std::fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            assert!(process.try_wait().unwrap().is_none(), "nginx ended: {}", log());
            assert!(Instant::now() < deadline, "nginx does not listen on {address}: {}", log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { process, address }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/metrics", self.address.port())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_real_server_asks_for_a_client_certificate() {
    let Some(program) = installed() else {
        eprintln!("skipped: nginx is not installed");
        return;
    };
    let (issuer, folder) = (authority(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let server = identity(&issuer, "localhost", |_| {});
    write(folder, "cert.pem", &server.cert.pem());
    write(folder, "key.pem", &server.key.serialize_pem());
    let mut settings = trusting(&write(folder, "ca.pem", &issuer.pem()));
    let verifying =
        format!("ssl_client_certificate {}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3;", folder.display());
    let nginx = Nginx::start(&program, folder, &verifying).await;

    // nginx says so in HTTP.
    let (answer, _) = scrape(&settings, &nginx.url()).await.unwrap();
    let error = ScrapeError::for_status(&answer.head).unwrap().to_string();
    assert_eq!(error, format!("400 Client Error: Bad Request for url: {}", nginx.url()));

    let client = identity(&issuer, "client", |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "retriever");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    settings.tls.cert = Some(write(folder, "client.pem", &client.cert.pem()));
    settings.tls.private_key = Some(write(folder, "client-key.pem", &client.key.serialize_pem()));
    let body = scrape(&settings, &nginx.url()).await.unwrap().1;
    assert!(body.starts_with("TLSv1.3 TLS_AES_256_GCM_SHA384 [localhost] [CN=retriever"), "{body}");

    let stranger = identity(&authority_with("stranger", |_| {}), "client", |_| {});
    settings.tls.cert = Some(write(folder, "client.pem", &stranger.cert.pem()));
    settings.tls.private_key = Some(write(folder, "client-key.pem", &stranger.key.serialize_pem()));
    assert_eq!(scrape(&settings, &nginx.url()).await.unwrap().0.head.status, 400);
}

#[tokio::test]
async fn a_real_server_has_one_version_and_one_cipher_suite() {
    let Some(program) = installed() else {
        eprintln!("skipped: nginx is not installed");
        return;
    };
    let (issuer, folder) = (authority(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let server = identity(&issuer, "virtual.example", |_| {});
    write(folder, "cert.pem", &server.cert.pem());
    write(folder, "key.pem", &server.key.serialize_pem());
    let mut settings = trusting(&write(folder, "ca.pem", &issuer.pem()));
    let chosen = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;";
    let nginx = Nginx::start(&program, folder, chosen).await;

    let wrong_name = failure(&settings, &nginx.url()).await;
    assert_failure(&wrong_name, "tls", "is for `virtual.example`, not for `localhost`", true);
    settings.tls.use_host_header = true;
    settings.headers = vec![("Host".to_owned(), Secret::new("virtual.example"))];
    let expected = "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 [virtual.example] []\n";
    assert_eq!(scrape(&settings, &nginx.url()).await.unwrap().1, expected);
    settings.tls.ciphers = TlsCiphers::Only(vec![CipherSuite::EcdheEcdsaWithAes128GcmSha256]);
    assert_eq!(scrape(&settings, &nginx.url()).await.unwrap().1, expected);
    settings.tls.ciphers = TlsCiphers::Only(vec![CipherSuite::EcdheEcdsaWithAes256GcmSha384]);
    assert_failure(&failure(&settings, &nginx.url()).await, "tls", "(HandshakeFailure): it has no cipher suite", true);
    settings.tls.ciphers = TlsCiphers::All;
    settings.tls.versions = vec![TlsVersion::Tls13];
    let error = failure(&settings, &nginx.url()).await;
    assert_failure(&error, "tls", "does not speak a version of TLS that is offered", true);
}
