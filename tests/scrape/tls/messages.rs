//! What the message says when a certificate or a handshake is refused.

use std::io::{Read, Write};
use std::net::TcpListener;

use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use retriever::config::TlsSettings;

use super::{
    Identity, anyone, authority, authority_with, identity, intermediate, tls_server, trusting, with_tls, write,
};
use crate::{assert_failure, failure};

/// A certificate that is changed in one way, and what is said of it.
async fn assert_refused(change: impl FnOnce(&mut CertificateParams), parts: &[&str]) {
    let (url, directory, _) =
        tls_server(|terminator, issuer| terminator.identity = identity(issuer, "localhost", change)).await;
    let error = failure(&trusting(&directory.path().join("ca.pem")), &url).await;
    for part in parts {
        assert_failure(&error, "tls", part, true);
    }
}

#[tokio::test]
async fn dates_are_told() {
    let now = ", and now it is 20";
    let old = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    };
    assert_refused(old, &["certificate of the target expired on 2020-02-01T00:00:00Z", now, "renew it"]).await;
    let early = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2090, 2, 1);
    };
    assert_refused(early, &["not valid before 2090-01-01T00:00:00Z", now, "check the clocks"]).await;
}

#[tokio::test]
async fn the_certificate_of_the_chain_that_is_outdated_is_named() {
    for (from, until, part) in [
        (2020, 2021, "`CN=the middle`, which vouches for that of the target, expired on 2021-01-01T00:00:00Z, and now"),
        (2090, 2091, "`CN=the middle`, which vouches for that of the target, is not valid before 2090-01-01T00:00:00Z"),
    ] {
        let (url, directory, _) = tls_server(|terminator, issuer| {
            let middle = intermediate(issuer, "the middle", |params| {
                params.not_before = date_time_ymd(from, 1, 1);
                params.not_after = date_time_ymd(until, 1, 1);
            });
            terminator.identity = identity(&middle, "localhost", |_| {});
            terminator.chain = vec![middle.der().clone()];
        })
        .await;
        assert_failure(&failure(&trusting(&directory.path().join("ca.pem")), &url).await, "tls", part, true);
    }
}

#[tokio::test]
async fn names_are_told() {
    let names = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        move |params: &mut CertificateParams| {
            params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
        }
    };
    assert_refused(
        names(&["a.example", "*.b.example", "10.1.2.3"]),
        &["is for `a.example`, `*.b.example`, `10.1.2.3`, not for `localhost`"],
    )
    .await;
    assert_refused(names(&["1.x", "2.x", "3.x", "4.x", "5.x", "6.x", "7.x"]), &["`5.x` and 2 more, not for"]).await;
    assert_refused(names(&[]), &["is for no name at all (only alternative names count, not the common name)"]).await;
}

#[tokio::test]
async fn the_purpose_counts() {
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    assert_refused(client, &["is not made for servers", "`serverAuth`"]).await;
}

#[tokio::test]
async fn the_issuer_that_is_unknown_is_named() {
    let stranger = tempfile::tempdir().unwrap();
    let settings = trusting(&write(stranger.path(), "ca.pem", &authority_with("stranger", |_| {}).pem()));

    // The root is sent, as some servers do.
    let (url, ..) = tls_server(|terminator, issuer| terminator.chain = vec![issuer.der().clone()]).await;
    let error = failure(&settings, &url).await;
    assert_failure(&error, "tls", "an unknown issuer, `CN=test authority`; to trust it, set `tls_ca_cert`", true);

    // Nothing else is sent.
    let (url, ..) = tls_server(|_, _| {}).await;
    let error = failure(&settings, &url).await;
    assert_failure(&error, "tls", "the issuer of the certificate, `CN=test authority`, is neither", true);

    // Part of the chain is sent, and the last of it says where to look.
    let (url, ..) = tls_server(|terminator, issuer| {
        let middle = intermediate(issuer, "the\nmiddle", |params| {
            params.custom_extensions = vec![issuers_at(b"http://ca.example/root.crt")];
        });
        terminator.identity = identity(&middle, "localhost", |_| {});
        terminator.chain = vec![middle.der().clone()];
    })
    .await;
    let error = failure(&settings, &url).await;
    assert_failure(&error, "tls", "`CN=test authority`, is neither trusted nor sent by the target", true);
    assert_failure(&error, "tls", "which is said to be at `http://ca.example/root.crt`", true);
}

/// The extension that says where the certificate of the issuer is (RFC 5280, section 4.2.2.1).
fn issuers_at(url: &[u8]) -> CustomExtension {
    let oid = [0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 48, 2];
    let part = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()][..], content].concat();
    let access = part(0x30, &[&oid[..], &part(0x86, url)].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], part(0x30, &access))
}

#[tokio::test]
async fn names_of_a_peer_cannot_break_a_message() {
    let long = "x\u{1b}[31m\r\n".repeat(200);
    let (url, ..) = tls_server(|terminator, _| {
        terminator.identity = identity(&authority_with(&long, |_| {}), "localhost", |_| {});
    })
    .await;
    let stranger = tempfile::tempdir().unwrap();
    let ca = write(stranger.path(), "ca.pem", &authority().pem());
    let message = failure(&trusting(&ca), &url).await.to_string();
    assert!(message.len() < 1000 && !message.contains(char::is_control), "{message}");
}

#[tokio::test]
async fn an_issuer_with_a_new_key_is_told_from_an_unknown_one() {
    let (url, directory, _) = tls_server(|_, _| {}).await;
    let namesake = write(directory.path(), "namesake.pem", &authority().pem());
    let error = failure(&trusting(&namesake), &url).await;
    assert_failure(&error, "tls", "not signed with the key of the `CN=test authority` that is trusted", true);
}

#[tokio::test]
async fn a_self_signed_certificate_is_named() {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "box");
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let (url, directory, _) = tls_server(|terminator, _| terminator.identity = Identity { cert, key }).await;
    for settings in [trusting(&directory.path().join("ca.pem")), with_tls(TlsSettings::default())] {
        let error = failure(&settings, &url).await;
        // A machine without certificates has more to complain about.
        if !error.to_string().contains("has no CA certificates") {
            assert_failure(&error, "tls", "CN=box`, is self-signed", true);
        }
    }
}

/// Answers the first bytes of a client with these.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
        }
    });
    format!("https://{address}/")
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_recognised() {
    let error = failure(&anyone(), &answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    assert_failure(&error, "tls", "does not answer with TLS", true);
    assert_failure(&error, "tls", "should its URL begin with `http://`", true);
    let error = failure(&anyone(), &answering(b"")).await;
    assert_failure(&error, "tls", "closed the connection in the handshake; check that it speaks TLS", true);
    // The alert `protocol_version` of a server that stopped at TLS 1.0 or 1.1.
    let error = failure(&anyone(), &answering(b"\x15\x03\x01\x00\x02\x02\x46")).await;
    assert_failure(&error, "tls", "does not speak a version of TLS that is offered", true);
}
