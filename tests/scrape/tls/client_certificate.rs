//! What Retriever shows of itself: certificates and keys.

use std::path::Path;

use rcgen::{ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use retriever::config::{Secret, TlsSettings};
use retriever::scrape::Client;

use super::{authority, authority_with, identity, identity_with_key, tls_server, trusting, with_tls, write};
use crate::{assert_failure, failure, scrape};

fn key_file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scrape/tls/keys").join(name)
}

#[tokio::test]
async fn shows_a_client_certificate() {
    let (url, directory, issuer) =
        tls_server(|terminator, issuer| terminator.client_ca = Some(issuer.der().to_vec())).await;
    let directory = directory.path();
    let mut settings = trusting(&directory.join("ca.pem"));
    let error = failure(&settings, &url).await;
    assert_failure(&error, "tls", "asks for a client certificate; set `tls_cert` and `tls_private_key`", true);

    let own =
        identity(&issuer, "client", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let cert = write(directory, "cert.pem", &own.cert.pem());
    let key = write(directory, "key.pem", &own.key.serialize_pem());
    let both = write(directory, "both.pem", &format!("{}{}", own.cert.pem(), own.key.serialize_pem()));
    settings.tls.cert = Some(cert);
    settings.tls.private_key = Some(key);
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    settings.tls.cert = Some(both);
    settings.tls.private_key = None;
    assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
}

#[tokio::test]
async fn a_client_certificate_that_is_refused_is_told_from_none() {
    let (url, directory, issuer) =
        tls_server(|terminator, issuer| terminator.client_ca = Some(issuer.der().to_vec())).await;
    let directory = directory.path();
    let stranger = identity(&authority_with("stranger", |_| {}), "client", |_| {});
    let old = identity(&issuer, "client", |params| params.not_after = date_time_ymd(2021, 1, 1));
    for (name, own, part) in [
        ("stranger", stranger, "the target does not know the issuer of the client certificate"),
        ("old", old, "the target finds too old the client certificate"),
    ] {
        let both = format!("{}{}", own.cert.pem(), own.key.serialize_pem());
        let mut settings = trusting(&directory.join("ca.pem"));
        settings.tls.cert = Some(write(directory, name, &both));
        assert_failure(&failure(&settings, &url).await, "tls", part, true);
    }
}

#[tokio::test]
async fn keys_come_in_many_forms() {
    let (url, directory, issuer) =
        tls_server(|terminator, issuer| terminator.client_ca = Some(issuer.der().to_vec())).await;
    let directory = directory.path();
    let certificate = |kind: &str| {
        let key = KeyPair::from_pem(&std::fs::read_to_string(key_file(&format!("{kind}.pem"))).unwrap()).unwrap();
        let own = identity_with_key(&issuer, "client", key, |_| {});
        write(directory, &format!("{kind}-cert.pem"), &own.cert.pem())
    };
    let (ec, rsa) = (certificate("ec"), certificate("rsa"));
    for (cert, key, password) in [
        (&ec, "ec.pem", None),
        (&ec, "ec-sec1.pem", None),
        (&rsa, "rsa.pem", None),
        (&rsa, "rsa-pkcs1.pem", None),
        (&ec, "ec-aes256.pem", Some("hunter2")),
        (&ec, "ec-des3-sha1.pem", Some("hunter2")),
        (&ec, "ec-scrypt.pem", Some("hunter2")),
        // One that is not needed does no harm.
        (&ec, "ec.pem", Some("hunter2")),
    ] {
        let mut settings = trusting(&directory.join("ca.pem"));
        settings.tls.private_key_password = password.map(Secret::new);
        settings.tls.cert = Some(cert.clone());
        settings.tls.private_key = Some(key_file(key));
        assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n", "{key}");
        // The same in one file.
        let key = std::fs::read_to_string(key_file(key)).unwrap();
        let both = write(directory, "both.pem", &format!("{}{key}", std::fs::read_to_string(cert).unwrap()));
        settings.tls.cert = Some(both);
        settings.tls.private_key = None;
        assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
    }
}

#[test]
fn says_what_is_wrong_with_an_encrypted_key() {
    let directory = tempfile::tempdir().unwrap();
    let cert = write(directory.path(), "cert.pem", &identity(&authority(), "a", |_| {}).cert.pem());
    let damaged = write(
        directory.path(),
        "damaged.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    for (key, password, part) in [
        (key_file("ec-aes256.pem"), None, "holds an encrypted key; set `tls_private_key_password`"),
        (key_file("ec-aes256.pem"), Some("hunter3"), "`tls_private_key_password` does not open"),
        (key_file("ec-md5-des.pem"), Some("hunter2"), "`openssl pkcs8 -in OLD.pem -topk8 -v2 aes-256-cbc"),
        (key_file("ec-traditional.pem"), Some("hunter2"), "convert it with `openssl pkcs8 -topk8 -in OLD.pem"),
        (damaged, Some("hunter2"), "holds an encrypted key that cannot be read"),
    ] {
        let tls = TlsSettings {
            cert: Some(cert.clone()),
            private_key: Some(key.clone()),
            private_key_password: password.map(Secret::new),
            ..TlsSettings::default()
        };
        let message = Client::new(&with_tls(tls), "x").err().expect("should fail").to_string();
        assert!(message.contains(&key.display().to_string()) && message.contains(part), "{message}");
        assert!(!message.contains("hunter"), "{message}");
    }
}

#[test]
fn names_the_file_that_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (one, other) = (identity(&authority(), "a", |_| {}), KeyPair::generate().unwrap());
    let cert = write(directory, "cert.pem", &one.cert.pem());
    let wrong_key = write(directory, "wrong.pem", &other.serialize_pem());
    let text = write(directory, "text.pem", "hello");
    let broken = write(directory, "broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let encrypted = write(
        directory,
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = directory.join("empty");
    std::fs::create_dir(&empty).unwrap();
    let missing = directory.join("missing.pem");
    let message = |ca_cert: Option<&Path>, cert: Option<&Path>, key: Option<&Path>| {
        let own = |path: Option<&Path>| path.map(Path::to_owned);
        let tls =
            TlsSettings { ca_cert: own(ca_cert), cert: own(cert), private_key: own(key), ..TlsSettings::default() };
        Client::new(&with_tls(tls), "x").err().expect("should fail").to_string()
    };
    for (message, path, part) in [
        (message(Some(&missing), None, None), &missing, "cannot be read"),
        (message(Some(&text), None, None), &text, "has no certificate in PEM form"),
        (message(Some(&broken), None, None), &broken, "not valid PEM"),
        (message(Some(&empty), None, None), &empty, "directory without certificates"),
        (message(None, Some(&missing), None), &missing, "`tls_cert`"),
        (message(None, Some(&cert), None), &cert, "no private key"),
        (message(None, Some(&cert), Some(&missing)), &missing, "`tls_private_key`"),
        (message(None, Some(&cert), Some(&wrong_key)), &wrong_key, "does not fit"),
        (message(None, Some(&cert), Some(&encrypted)), &encrypted, "`tls_private_key_password`"),
    ] {
        assert!(message.contains(&path.display().to_string()) && message.contains(part), "{message}");
    }
    assert!(message(None, None, Some(&cert)).contains("without `tls_cert`"));
}
