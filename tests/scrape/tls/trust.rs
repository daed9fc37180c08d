//! Whom the settings trust, and for which name.

use retriever::config::{Secret, TlsSettings};
use retriever::scrape::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Terminator, anyone, authority, identity, intermediate, tls_server, trusting, with_tls, write};
use crate::server::{Server, redirect, response};
use crate::{assert_failure, failure, patient, scrape};

#[tokio::test]
async fn trusts_a_file_or_a_directory_or_anyone() {
    let (url, directory, _) = tls_server(|_, _| {}).await;
    let (answer, body) = scrape(&trusting(&directory.path().join("ca.pem")), &url).await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", url.as_str()));
    write(directory.path(), "readme.txt", "no certificate");
    assert_eq!(scrape(&trusting(directory.path()), &url).await.unwrap().1, "up 1\n");
    assert_eq!(scrape(&anyone(), &url).await.unwrap().1, "up 1\n");
    assert_eq!(scrape(&anyone(), &url.replace("localhost", "127.0.0.1")).await.unwrap().1, "up 1\n");
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let (url, _directory, _) = tls_server(|_, _| {}).await;
    let other = tempfile::tempdir().unwrap();
    let ca = write(other.path(), "ca.pem", &authority().pem());
    assert_failure(&failure(&trusting(&ca), &url).await, "tls", "`tls_ca_cert`", true);
    // With a CA it is verified even if verification is off.
    let mut settings = trusting(&ca);
    settings.tls.verify = false;
    assert_failure(&failure(&settings, &url).await, "tls", "`tls_ca_cert`", true);
    // And the system does not know it, or knows nobody.
    assert_failure(&failure(&with_tls(TlsSettings::default()), &url).await, "tls", "`tls_ca_cert`", true);
}

#[tokio::test]
async fn trusts_more_certificates_beside_those_of_the_system_or_of_a_file() {
    let (root, stranger) = (authority(), authority());
    let middle = intermediate(&root, "the middle", |_| {});
    let (url, directory, _) =
        tls_server(|terminator, _| terminator.identity = identity(&middle, "localhost", |_| {})).await;
    let more = CertificateDer::from_pem_slice(middle.pem().as_bytes()).unwrap();
    let mut settings = trusting(&write(directory.path(), "root.pem", &root.pem()));
    assert_failure(&failure(&settings, &url).await, "tls", "`CN=the middle`", true);
    settings.tls.intermediate_ca_certs = vec![more.clone()];
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    settings.tls.ca_cert = Some(write(directory.path(), "stranger.pem", &stranger.pem()));
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    settings.tls.ca_cert = None;
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
}

/// As OpenSSL's tools make them: marked as CA, which is no kind for a server.
#[tokio::test]
async fn a_self_signed_certificate_is_trusted_if_it_is_given() {
    let make = |until: i32| {
        super::authority_with("box", |params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().unwrap())];
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
        })
    };
    let plain = Server::with(response("", "up 1\n")).await;
    let directory = tempfile::tempdir().unwrap();
    for (until, refusal) in [(2100, None), (2021, Some("expired on 2021-01-01T00:00:00Z"))] {
        let issuer = make(until);
        let ca = write(directory.path(), &format!("{until}.pem"), &issuer.pem());
        let key = rcgen::KeyPair::from_pem(&issuer.key().serialize_pem()).unwrap();
        let address = Terminator::new(super::Identity { cert: issuer.as_ref().clone(), key }).start(plain.address);
        let url = format!("https://localhost:{}/", address.port());
        if let Some(part) = refusal {
            assert_failure(&failure(&trusting(&ca), &url).await, "tls", part, true);
            continue;
        }
        assert_eq!(scrape(&trusting(&ca), &url).await.unwrap().1, "up 1\n");
        // Its name counts even so, and another of the same name does not.
        let elsewhere = failure(&trusting(&ca), &url.replace("localhost", "127.0.0.1")).await;
        assert_failure(&elsewhere, "tls", "is for `localhost`, not for `127.0.0.1`", true);
        let other = write(directory.path(), "other.pem", &make(2100).pem());
        assert_failure(&failure(&trusting(&other), &url).await, "tls", "`CN=box`, is self-signed", true);
    }
}

#[tokio::test]
async fn the_name_may_be_of_no_interest() {
    let (url, directory, _) =
        tls_server(|terminator, issuer| terminator.identity = identity(issuer, "other.example", |_| {})).await;
    let mut settings = trusting(&directory.path().join("ca.pem"));
    assert_failure(&failure(&settings, &url).await, "tls", "`tls_validate_hostname: false`", true);
    settings.tls.validate_hostname = false;
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    // The issuer is.
    settings.tls.ca_cert = Some(write(directory.path(), "stranger.pem", &authority().pem()));
    failure(&settings, &url).await;
}

#[tokio::test]
async fn the_host_header_may_name_the_target() {
    let (url, directory, issuer) = tls_server(|terminator, issuer| {
        terminator.identity = identity(issuer, "virtual.example", |_| {});
        terminator.only_name = Some("virtual.example");
    })
    .await;
    let mut settings = trusting(&directory.path().join("ca.pem"));
    settings.tls.use_host_header = true;
    let header = |name: &str, value: &str| vec![(name.to_owned(), Secret::new(value))];
    for (name, value) in [("Host", "virtual.example"), ("Host", "virtual.example:8443")] {
        settings.headers = header(name, value);
        assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n", "{name}: {value}");
    }
    settings.headers = header("Host", "wrong.example");
    settings.extra_headers = header("Host", "virtual.example");
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    // Only this spelling counts, and only if it is asked for.
    settings.extra_headers = Vec::new();
    settings.headers = header("host", "virtual.example");
    failure(&settings, &url).await;
    settings.headers = header("Host", "virtual.example");
    settings.tls.use_host_header = false;
    failure(&settings, &url).await;
    // Where a redirect leads, the target of the settings has no say.
    settings.tls.use_host_header = true;
    let elsewhere = Server::with(response("", "elsewhere 1\n")).await;
    let elsewhere = Terminator::new(identity(&issuer, "localhost", |_| {})).start(elsewhere.address);
    let redirecting = Server::with(redirect(302, &format!("https://localhost:{}/", elsewhere.port()))).await;
    let redirecting = Terminator::new(identity(&issuer, "virtual.example", |_| {})).start(redirecting.address);
    let url = format!("https://localhost:{}/", redirecting.port());
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "elsewhere 1\n");
}

#[test]
fn a_host_header_that_is_no_name_is_reported_without_its_value() {
    let mut settings = patient();
    settings.tls.use_host_header = true;
    settings.headers = vec![("Host".to_owned(), Secret::new("no name: hunter2 at all"))];
    let message = Client::new(&settings, "x").err().unwrap().to_string();
    assert!(message.contains("`tls_use_host_header`") && !message.contains("hunter2"), "{message}");
}
