//! What is offered in the handshake.

use retriever::config::{CipherSuite, TlsCiphers, TlsVersion};
use rustls::crypto::ring::cipher_suite as suites;
use rustls::version::{TLS12, TLS13};

use super::{anyone, tls_server};
use crate::server::{Server, response};
use crate::{assert_failure, failure, scrape};

#[tokio::test]
async fn only_allowed_versions_are_offered() {
    static ONLY_TLS12: [&rustls::SupportedProtocolVersion; 1] = [&TLS12];
    static ONLY_TLS13: [&rustls::SupportedProtocolVersion; 1] = [&TLS13];
    let (old, _old_directory, _) = tls_server(|terminator, _| terminator.versions = &ONLY_TLS12).await;
    let (new, _new_directory, _) = tls_server(|terminator, _| terminator.versions = &ONLY_TLS13).await;
    for (versions, reached, refused) in [
        (vec![], vec![&old, &new], vec![]),
        (vec![TlsVersion::Tls12, TlsVersion::Tls13], vec![&old, &new], vec![]),
        (vec![TlsVersion::Tls12], vec![&old], vec![&new]),
        (vec![TlsVersion::Tls13], vec![&new], vec![&old]),
    ] {
        let mut settings = anyone();
        settings.tls.versions = versions;
        for url in reached {
            assert_eq!(scrape(&settings, url).await.unwrap().1, "up 1\n");
        }
        for url in refused {
            let error = failure(&settings, url).await;
            assert_failure(&error, "tls", "does not speak a version of TLS that is offered", true);
            assert_failure(&error, "tls", "`tls_protocols_allowed`", true);
        }
    }
}

#[tokio::test]
async fn only_chosen_cipher_suites_are_offered() {
    for (there, version, chosen) in [
        (
            suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TlsVersion::Tls12,
            CipherSuite::EcdheEcdsaWithAes128GcmSha256,
        ),
        (
            suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            TlsVersion::Tls12,
            CipherSuite::EcdheEcdsaWithChacha20Poly1305Sha256,
        ),
        (suites::TLS13_CHACHA20_POLY1305_SHA256, TlsVersion::Tls13, CipherSuite::Chacha20Poly1305Sha256),
    ] {
        let (url, _directory, _) = tls_server(|terminator, _| terminator.suites = vec![there]).await;
        let mut settings = anyone();
        settings.tls.versions = vec![version];
        assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
        settings.tls.ciphers = TlsCiphers::Only(vec![chosen]);
        assert_eq!(scrape(&settings, &url).await.unwrap().1, "up 1\n");
        settings.tls.ciphers = TlsCiphers::Only(vec![match version {
            TlsVersion::Tls12 => CipherSuite::EcdheEcdsaWithAes256GcmSha384,
            TlsVersion::Tls13 => CipherSuite::Aes256GcmSha384,
        }]);
        let error = failure(&settings, &url).await;
        assert_failure(&error, "tls", "no cipher suite in common with those that are offered (see `tls_ciphers`", true);
    }
}

#[tokio::test]
async fn nothing_to_offer_is_an_error_of_the_request() {
    let plain = Server::with(response("", "up 1\n")).await;
    let (url, _directory, _) = tls_server(|_, _| {}).await;
    let mut settings = anyone();
    settings.tls.ciphers = TlsCiphers::Only(vec![]);
    assert_eq!(scrape(&settings, &plain.url("/")).await.unwrap().1, "up 1\n");
    assert_failure(&failure(&settings, &url).await, "tls", "leave no cipher suite to offer", true);
    settings.tls.ciphers = TlsCiphers::Only(vec![CipherSuite::Aes256GcmSha384]);
    settings.tls.versions = vec![TlsVersion::Tls12];
    assert_failure(&failure(&settings, &url).await, "tls", "leave no cipher suite to offer", true);
}
