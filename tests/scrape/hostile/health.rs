//! What the health check says of a connection that does not come about, and of a status: to the pipeline, and to whoever
//! looks with `retriever check`.

use rcgen::{CertificateParams, date_time_ymd};

use super::instance;
use super::server::{Nobody, Step, Under};
use crate::endpoint;
use crate::program::{Folder, retriever_beside};
use crate::server::{Server, redirect, response};
use crate::tls::{identity, tls_server};

use retriever::config::Status;
use retriever::pipeline::{Pipeline, Recorder, Report};
use retriever::scrape::Client;
use retriever::time::UnixTime;

/// Status and message of the health check of these settings, which is the same for everybody.
async fn health(options: &str) -> (Status, String, Report) {
    let text =
        format!("  - {}\n    namespace: shop\n    tags: [a:b]\n    metrics: ['.+']\n", options.replace('\n', "\n    "));
    let instance = instance(&text);
    let client = Client::new(&instance.http, "retriever/test").unwrap();
    let mut out = Recorder::default();
    let url = instance.endpoint.to_string();
    let response = client.fetch(&endpoint(&url)).await;
    let report = Pipeline::new(instance, None).scrape(response, UnixTime::from_seconds(1e9), &mut out).await;
    let [check] = &out.service_checks[..] else { panic!("{:?}", out.service_checks) };

    let (_folder, path) = Folder::with_settings(&format!("instances:\n{text}"));
    let checked = retriever_beside(vec!["check".to_owned(), path, "--format".into(), "json".into()]).await;
    let status = if check.status == Status::Ok { "OK" } else { "CRITICAL" };
    let shown = &checked.json()["instances"][0]["scrapes"][0]["service_checks"][0];
    let tags = ["a:b".to_owned(), format!("endpoint:{url}")];
    assert_eq!(
        *shown,
        serde_json::json!({
            "name": "shop.openmetrics.health", "status": status, "tags": tags, "hostname": "",
            "message": shown["message"],
        })
    );
    // The moment of a certificate that is too old is another one.
    let without_now = |message: &str| message.split(", and now it is").next().unwrap().to_owned();
    assert_eq!(without_now(shown["message"].as_str().unwrap()), without_now(&check.message));
    (check.status, check.message.clone(), report)
}

#[track_caller]
fn assert_critical(health: &(Status, String, Report), url: &str, words: &str) {
    let (status, message, report) = health;
    assert_eq!(*status, Status::Critical, "{message}");
    assert_eq!(report.failure.as_ref().unwrap().message, *message);
    assert!(message.starts_with(&format!("`{url}` cannot be scraped: {words}")), "{message}");
}

#[tokio::test]
async fn a_name_that_is_not_found() {
    let url = "http://no-such-host.invalid:9100/metrics";
    let health = health(&format!("openmetrics_endpoint: {url}")).await;
    assert_critical(&health, url, "the host name `no-such-host.invalid` was not found (");
}

#[tokio::test]
async fn a_connection_that_is_refused() {
    let nobody = Nobody::new();
    let url = format!("http://{}/metrics", nobody.address);
    let refused = health(&format!("openmetrics_endpoint: {url}")).await;
    let words = "the connection was refused; check that the target runs and listens at this address and port";
    assert_critical(&refused, &url, words);
    // Forgiven, it is no less ill.
    let (status, message, report) =
        health(&format!("openmetrics_endpoint: {url}\nignore_connection_errors: true")).await;
    assert_eq!((status, report.failure.clone()), (Status::Critical, None));
    assert_eq!(report.ignored.unwrap().message, message);
}

/// A certificate that is changed in one way, and what is said of it.
async fn assert_refused(change: impl FnOnce(&mut CertificateParams), words: &str) {
    let (url, folder, _) =
        tls_server(|terminator, issuer| terminator.identity = identity(issuer, "localhost", change)).await;
    let ca = folder.path().join("ca.pem");
    let health = health(&format!("openmetrics_endpoint: {url}\ntls_ca_cert: {}", ca.display())).await;
    assert_critical(&health, &url, words);
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let old = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    };
    assert_refused(old, "TLS failed: the certificate of the target expired on 2020-02-01T00:00:00Z, and now it is ")
        .await;
}

#[tokio::test]
async fn a_certificate_that_is_issued_for_another() {
    let other = |params: &mut CertificateParams| {
        params.subject_alt_names = CertificateParams::new(["shop.example".to_owned()]).unwrap().subject_alt_names;
    };
    assert_refused(other, "TLS failed: the certificate of the target is for `shop.example`, not for `localhost`; ")
        .await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer() {
    let (url, ..) = tls_server(|_, _| {}).await;
    let unknown = health(&format!("openmetrics_endpoint: {url}")).await;
    assert_critical(
        &unknown,
        &url,
        "TLS failed: the issuer of the certificate, `CN=test authority`, is neither trusted",
    );
    let (status, ..) = health(&format!("openmetrics_endpoint: {url}\ntls_verify: false")).await;
    assert_eq!(status, Status::Ok);
}

#[tokio::test]
async fn a_port_without_tls() {
    let plain = [Step::Take(10), Step::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Step::Hang];
    let target = super::server::Server::start(Under::BeforeTls, plain.to_vec());
    let url = format!("https://{}/metrics", target.address);
    let health = health(&format!("openmetrics_endpoint: {url}")).await;
    assert_critical(&health, &url, "TLS failed: the target does not answer with TLS (");
}

/// Datadog's words for it, which others compare.
#[tokio::test]
async fn statuses_are_told_as_the_check_tells_them() {
    for (status, reason, side) in [
        (400, "Bad Request", "Client"),
        (401, "Unauthorized", "Client"),
        (403, "go away: please", "Client"),
        (404, "NOT FOUND", "Client"),
        (407, "Proxy Authentication Required", "Client"),
        (418, "", "Client"),
        (429, "Too Many Requests", "Client"),
        (500, "Internal Server Error", "Server"),
        (503, "Service Unavailable", "Server"),
        (599, "Whatever", "Server"),
    ] {
        let answer = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\n\r\n");
        let target = Server::with(answer).await;
        let url = target.url("/metrics?a=b");
        let (health, message, report) = health(&format!("openmetrics_endpoint: {url}")).await;
        assert_eq!((health, message), (Status::Critical, format!("{status} {side} Error: {reason} for url: {url}")));
        assert_eq!(report.failure.unwrap().reason, "status");
        // The URL is the one at the end of redirects.
        let home = Server::with(redirect(302, &url)).await;
        let (_, message, _) = self::health(&format!("openmetrics_endpoint: {}", home.url("/"))).await;
        assert_eq!(message, format!("{status} {side} Error: {reason} for url: {url}"));
    }
}

#[tokio::test]
async fn any_other_status_is_a_sign_of_health() {
    for status in ["200 OK", "204 No Content", "302 Found", "304 Not Modified", "399 No", "600 No", "999 No"] {
        let answer = String::from_utf8(response("", "")).unwrap().replace("200 OK", status);
        let target = Server::with(answer).await;
        let (health, message, report) = health(&format!("openmetrics_endpoint: {}", target.url("/metrics"))).await;
        assert_eq!((health, message.as_str(), report.failure), (Status::Ok, "", None), "{status}");
    }
}
