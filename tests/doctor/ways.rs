//! What happens before a request can be sent.

use crate::server::{Server, Step, unix};
use crate::support::program::free_address;
use crate::tls::{Signer, authority, params, serve};
use crate::{EXPOSITION, Place, healthy, steps_of};

#[tokio::test]
async fn connection_refused() {
    Place::with(&format!("http://{}/metrics", free_address()), "", "").compare("refused", 1).await;
}

#[tokio::test]
async fn name_not_found() {
    Place::with("http://exporter.shop.invalid:9100/metrics", "", "").compare("name", 1).await;
    Place::with("http://nowhere-at-all-invalid:9100/metrics", "", "").compare("name_without_dot", 1).await;
}

#[tokio::test]
async fn no_answer_in_time() {
    let server = Server::start(|_| vec![Step::Hang]).await;
    Place::with(&server.url("/metrics"), "timeout: 0.3", "").compare("no_answer", 1).await;
    // It waits for the client to speak HTTP, which waits for TLS.
    let url = server.url("/metrics").replace("http://", "https://");
    Place::with(&url, "timeout: 0.3", "").compare("no_handshake", 1).await;
}

#[tokio::test]
async fn no_http() {
    let server = Server::with("SSH-2.0-OpenSSH_9.6\r\n").await;
    Place::with(&server.url("/metrics"), "", "").compare("no_http", 1).await;
    let url = server.url("/metrics").replace("http://", "https://");
    let step = Place::with(&url, "timeout: 1", "").step("tls").await;
    assert_eq!(step["outcome"], "failed", "{step}");
}

#[tokio::test]
async fn tls_that_works() {
    let ca = authority();
    let address = serve(params("shop", &["127.0.0.1", "shop.example"]), Signer::Authority(&ca), None, healthy()).await;
    let place = Place::with(&format!("https://{address}/metrics"), "tls_ca_cert: ca.pem", "");
    place.write("ca.pem", &ca.pem());
    place.compare("tls", 0).await;
    let tls = place.step("tls").await;
    let certificate = &tls["facts"]["certificates"][0];
    assert_eq!(certificate["names"], serde_json::json!(["127.0.0.1", "shop.example"]));
    assert_eq!(certificate["not_after"], "2099-01-01T00:00:00Z");
    assert_eq!((&tls["facts"]["version"], &tls["facts"]["alpn"]), (&"TLS 1.3".into(), &serde_json::Value::Null));

    let place = Place::with(&format!("https://{address}/metrics"), "tls_verify: false", "");
    place.compare("tls_unverified", 0).await;
}

#[tokio::test]
async fn certificates_that_are_refused() {
    let ca = authority();
    let mut expired = params("shop", &["127.0.0.1"]);
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    for (name, certificate, signer, trusts) in [
        ("tls_expired", expired, Signer::Authority(&ca), true),
        ("tls_wrong_name", params("shop", &["shop.example", "www.shop.example"]), Signer::Authority(&ca), true),
        ("tls_unknown_issuer", params("shop", &["127.0.0.1"]), Signer::Authority(&ca), false),
        ("tls_self_signed", params("shop", &["127.0.0.1"]), Signer::Itself, false),
    ] {
        let address = serve(certificate, signer, None, healthy()).await;
        let url = format!("https://{address}/metrics");
        let place = Place::with(&url, "tls_ca_cert: ca.pem", "");
        place.write("ca.pem", &if trusts { ca.pem() } else { authority_of_others() });
        place.compare(name, 1).await;
    }
}

/// A CA of the same kind with another name.
fn authority_of_others() -> String {
    let mut params = params("another CA", &[]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_a_warning() {
    let ca = authority();
    let mut soon = params("shop", &["127.0.0.1"]);
    soon.not_after = (std::time::SystemTime::now() + std::time::Duration::from_hours(5 * 24 + 1)).into();
    let address = serve(soon, Signer::Authority(&ca), None, healthy()).await;
    let place = Place::with(&format!("https://{address}/metrics"), "tls_ca_cert: ca.pem", "");
    place.write("ca.pem", &ca.pem());
    let step = place.step("tls").await;
    assert_eq!((step["outcome"].as_str(), step["facts"]["days_left"].as_i64()), (Some("warning"), Some(5)));
    assert!(step["advice"][0].as_str().unwrap().contains("ends in 5 days: renew it"), "{step}");
    place.run(&["conf.yaml"]).await.assert_code(0);
}

#[tokio::test]
async fn client_certificates() {
    let ca = authority();
    let address = serve(params("shop", &["127.0.0.1"]), Signer::Authority(&ca), Some(&ca), healthy()).await;
    let url = format!("https://{address}/metrics");
    let place = Place::with(&url, "tls_ca_cert: ca.pem", "");
    place.write("ca.pem", &ca.pem());
    place.compare("tls_client_certificate", 1).await;

    let place = Place::with(&url, "tls_ca_cert: ca.pem\ntls_cert: own.pem\ntls_private_key: key.pem", "");
    let key = rcgen::KeyPair::generate().unwrap();
    let mut own = params("retriever", &["retriever"]);
    own.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    place.write("ca.pem", &ca.pem());
    place.write("own.pem", &own.signed_by(&key, &ca).unwrap().pem());
    place.write("key.pem", &key.serialize_pem());
    let step = place.step("tls").await;
    assert_eq!((&step["outcome"], &step["facts"]["client_certificate"]), (&"fine".into(), &"shown".into()), "{step}");
}

#[tokio::test]
async fn proxies() {
    let target = Server::with(healthy()).await;
    let forward = Server::with("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let proxy = |url: &str| format!("proxy: {{http: '{url}', https: '{url}'}}");
    let url = target.url("/metrics");
    // Asked for the URL, then for a connection.
    let with_login = format!("http://me:hunter2@{}", forward.address);
    Place::with(&url, &proxy(&with_login), "").compare("proxy_login", 1).await;
    Place::with(&url.replace("http:", "https:"), &proxy(&forward.url("")), "").compare("proxy_tunnel_login", 1).await;
    let nobody = format!("http://{}", free_address());
    Place::with(&url, &proxy(&nobody), "").compare("proxy_refused", 1).await;

    let place = Place::with(&url, "", "").with_variable("HTTP_PROXY", nobody.clone());
    assert_eq!(place.step("proxy").await["facts"]["set_by"], "the environment variable `HTTP_PROXY`");
    let place =
        Place::with(&url, "", "").with_variable("HTTP_PROXY", nobody.clone()).with_variable("NO_PROXY", "127.0.0.1");
    assert_eq!(place.step("proxy").await["text"], "none: the environment variable `NO_PROXY` covers this host");
    let place = Place::with(&url, &format!("proxy: {{http: '{nobody}', no_proxy: [127.0.0.1]}}"), "");
    assert_eq!(place.step("proxy").await["text"], "none: `no_proxy` of the settings covers this host");
    let place = Place::with(&url, "skip_proxy: true", "").with_variable("HTTP_PROXY", nobody);
    assert!(place.step("proxy").await["text"].as_str().unwrap().starts_with("none: the settings forbid it"));
}

#[tokio::test]
async fn a_tunnel_is_a_step_of_its_own() {
    let ca = authority();
    let address = serve(params("shop", &["127.0.0.1"]), Signer::Authority(&ca), None, healthy()).await;
    let (proxy, _) = crate::proxy_servers::connect_proxy("HTTP/1.1 200 Fine\r\n\r\n", address).await;
    let place = Place::with(
        &format!("https://{address}/metrics"),
        &format!("tls_ca_cert: ca.pem\nproxy: {{https: 'http://{proxy}'}}"),
        "",
    );
    place.write("ca.pem", &ca.pem());
    place.compare("proxy_tunnel", 0).await;
}

#[tokio::test]
async fn unix_sockets() {
    let place = Place::new();
    let at = |name: &str| format!("unix://{}/metrics", place.path(name).display());
    place.write("conf.yaml", &crate::settings(&at("none.sock"), "", ""));
    place.compare("socket_missing", 1).await;

    place.write("conf.yaml", &crate::settings(&at("run/app/none.sock"), "", ""));
    let step = place.step("connection").await;
    assert!(step["details"][0].as_str().unwrap().ends_with("is there, and has no `run` in it."), "{step}");

    place.write("file.sock", "");
    place.write("conf.yaml", &crate::settings(&at("file.sock"), "", ""));
    let step = place.step("connection").await;
    assert!(step["advice"][0].as_str().unwrap().ends_with("is a file, not a socket"), "{step}");

    drop(std::os::unix::net::UnixListener::bind(place.path("old.sock")).unwrap());
    place.write("conf.yaml", &crate::settings(&at("old.sock"), "", ""));
    place.compare("socket_left_behind", 1).await;

    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{EXPOSITION}", EXPOSITION.len());
    unix(&place.path("app.sock"), answer.leak());
    place.write("conf.yaml", &crate::settings(&at("app.sock"), "", ""));
    let document = place.run(&["conf.yaml", "--format", "json"]).await.assert_code(0).json();
    assert_eq!(steps_of(&document["targets"][0], "connection")["outcome"], "fine");
}
