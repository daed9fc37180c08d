//! What targets answer.

use std::io::Write;

use crate::server::{Server, Step, redirect, response};
use crate::{EXPOSITION, Place, TEXT, healthy, refusing, settings, steps_of};

#[tokio::test]
async fn all_is_well() {
    let server = Server::with(healthy()).await;
    Place::with(&server.url("/metrics"), "", "").compare("healthy", 0).await;
    Place::new().compare_of("healthy_url", &server.url("/metrics"), 0).await;
}

#[tokio::test]
async fn compression_is_told() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(EXPOSITION.repeat(50).as_bytes()).unwrap();
    let server = Server::with(response("Content-Encoding: gzip\r\n", encoder.finish().unwrap())).await;
    let step = Place::with(&server.url("/metrics"), "", "").step("body").await;
    let facts = &step["facts"];
    assert_eq!(
        (&facts["decoded_bytes"], &facts["encodings"][0]),
        (&(50 * EXPOSITION.len()).into(), &"gzip".into()),
        "{step}"
    );
    assert!(facts["wire_bytes"].as_u64().unwrap() < 1000, "{step}");
}

#[tokio::test]
async fn logins() {
    let basic = refusing("401 Unauthorized", "WWW-Authenticate: Basic realm=\"shop\"\r\n", "").await;
    let url = basic.url("/metrics");
    Place::with(&url, "", "").compare("login_wanted", 1).await;
    Place::with(&url, "username: me\npassword: hunter2", "").compare("login_not_accepted", 1).await;

    let forbidding = refusing("403 Forbidden", "", "").await;
    let url = forbidding.url("/metrics");
    Place::with(&url, "", "").compare("forbidden", 1).await;
    let token = "auth_token:\n  reader: {type: file, path: token}\n  writer: {type: header, name: Authorization, value: \
                 Bearer <TOKEN>}";
    let place = Place::with(&url, token, "");
    place.write("token", "hunter2\n");
    place.compare("token_forbidden", 1).await;
    std::fs::remove_file(place.path("token")).unwrap();
    place.compare("token_missing", 1).await;
}

#[tokio::test]
async fn a_login_that_is_taken() {
    let server = Server::with(healthy()).await;
    let place = Place::with(&server.url("/metrics").replace("://", "://me:hunter2@"), "", "");
    assert_eq!(place.step("login").await["text"], "name and password of the URL: the target takes it");
    let place = Place::with(&server.url("/metrics"), "extra_headers: {authorization: hunter2}", "");
    assert_eq!(place.step("login").await["text"], "the header `Authorization` of the settings: the target takes it");
}

#[tokio::test]
async fn errors() {
    let missing =
        refusing("404 Not Found", "Content-Type: text/html\r\n", "<h1>No such page</h1><p>Try /metrics</p>").await;
    Place::with(&missing.url("/metricz"), "", "").compare("not_found", 1).await;
    // An answer may repeat what it was sent.
    let echo = refusing("500 Oops", "", "you are hunter2").await;
    let step = Place::with(&echo.url("/metrics"), "extra_headers: {x-key: hunter2}", "").step("answer").await;
    assert!(step["details"].as_array().unwrap().is_empty(), "{step}");
    let step = Place::with(&refusing("500 Oops", "", "db is down").await.url("/"), "", "").step("answer").await;
    assert_eq!(step["details"][0], "It says: `db is down`");
    let step = Place::with(&refusing("406 Not Acceptable", "", "").await.url("/"), "use_latest_spec: true", "")
        .step("answer")
        .await;
    assert!(step["advice"][0].as_str().unwrap().contains("`application/openmetrics-text;version=1.0.0,"), "{step}");
}

#[tokio::test]
async fn redirects() {
    let circle = Server::start(|_| vec![Step::Send(redirect(302, "/metrics"))]).await;
    Place::with(&circle.url("/metrics"), "redirect_limit: 6", "").compare("redirect_loop", 1).await;

    let login = Server::start(|request| {
        vec![Step::Send(if request.starts_with("GET /metrics") {
            redirect(302, "/login?next=/metrics")
        } else {
            response("Content-Type: text/html\r\n", "<!DOCTYPE html>\n<html><title>Log in</title></html>\n")
        })]
    })
    .await;
    Place::with(&login.url("/metrics"), "", "").compare("login_page", 1).await;
    let place = Place::with(&login.url("/metrics"), "allow_redirects: false", "");
    let step = place.step("answer").await;
    assert_eq!((step["outcome"].as_str(), &step["facts"]["status"]), (Some("warning"), &302.into()), "{step}");
}

#[tokio::test]
async fn credentials_stay_behind_at_a_redirect() {
    let guarded = refusing("401 Unauthorized", "", "").await;
    let to = guarded.url("/metrics");
    let server = Server::start(move |_| vec![Step::Send(redirect(302, &to))]).await;
    Place::with(&server.url("/metrics"), "username: me\npassword: hunter2", "").compare("redirect_elsewhere", 1).await;
}

#[tokio::test]
async fn other_contents() {
    let json = Server::with(response("Content-Type: application/json\r\n", "{\"status\": \"UP\"}\n")).await;
    Place::with(&json.url("/health"), "", "").compare("json", 1).await;
    let untyped = Server::with(response("", EXPOSITION)).await;
    Place::with(&untyped.url("/metrics"), "", "").compare("no_content_type", 0).await;
    let wrong = Server::with(response("Content-Type: application/octet-stream\r\n", EXPOSITION)).await;
    let step = Place::with(&wrong.url("/metrics"), "", "").step("format").await;
    assert_eq!(
        (step["outcome"].as_str(), step["facts"]["format"].as_str()),
        (Some("warning"), Some("Prometheus text"))
    );
    let empty = Server::with(response(TEXT, "")).await;
    Place::with(&empty.url("/metrics"), "", "").compare("empty", 0).await;
    let latest = Server::with(response(TEXT, "# TYPE up gauge\nup 1\n")).await;
    Place::with(&latest.url("/metrics"), "use_latest_spec: true", "").compare("truncated", 1).await;
}

#[tokio::test]
async fn malformed_lines() {
    let body = format!("{EXPOSITION}temperature 21,5\nother x\n");
    let server = Server::with(response(TEXT, body)).await;
    Place::with(&server.url("/metrics"), "", "").compare("malformed", 1).await;
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let server = Server::start(|_| {
        let begun = format!("HTTP/1.1 200 OK\r\n{TEXT}Content-Length: 999\r\n\r\n{EXPOSITION}");
        vec![Step::Send(begun.into_bytes()), Step::Close]
    })
    .await;
    Place::with(&server.url("/metrics"), "", "").compare("broken_body", 1).await;
}

#[tokio::test]
async fn nothing_is_collected() {
    let server = Server::with(response(TEXT, "# TYPE other gauge\nother 1\n")).await;
    Place::with(&server.url("/metrics"), "", "").compare("nothing_collected", 1).await;
}

#[tokio::test]
async fn another_clock() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let server = Server::with(response(&format!("{TEXT}{date}"), EXPOSITION)).await;
    Place::with(&server.url("/metrics"), "", "").compare("clock", 0).await;
}

#[tokio::test]
async fn several_instances() {
    let server = Server::with(healthy()).await;
    let place = Place::new();
    let both = settings(&server.url("/metrics"), "", "");
    place.write("conf.yaml", &format!("{both}  - openmetrics_endpoint: {}\n    metrics: [up\n", server.url("/")));
    // That is no YAML at all.
    assert!(place.run(&["conf.yaml"]).await.assert_code(2).stdout.is_empty());
    let faulty = format!("{both}  - openmetrics_endpoint: {}\n    metrics: {{}}\n", server.url("/second"));
    let third = format!("{faulty}  - openmetrics_endpoint: {}\n    metrics: [up]\n", server.url("/third"));
    place.write("conf.yaml", &third);
    place.compare("several", 2).await;
    let document = place.run(&["conf.yaml", "--format", "json"]).await.assert_code(2).json();
    let outcomes: Vec<&str> =
        document["targets"].as_array().unwrap().iter().map(|target| target["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["fine", "failed", "fine"]);
    assert_eq!(steps_of(&document["targets"][1], "connection")["outcome"], "not_tried");
    assert_eq!(document["targets"][1]["first_failure"], "settings");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said() {
    let place = Place::new();
    for (source, said) in [
        ("nofile.yaml", "nofile.yaml"),
        ("ftp://h/", "`ftp` is not supported"),
        ("localhost:9100/metrics", "a URL begins with `http://`"),
    ] {
        let finished = place.run(&[source]).await;
        assert!(finished.assert_code(2).stderr.contains(said), "{finished}");
    }
}

/// The form for programs, whole.
#[tokio::test]
async fn json() {
    let server = Server::with(healthy()).await;
    let place = Place::with(&server.url("/metrics"), "", "");
    let mut document = place.run(&["conf.yaml", "--format", "json"]).await.assert_code(0).json();
    for step in document["targets"][0]["steps"].as_array_mut().unwrap() {
        if step["seconds"].is_number() {
            step["seconds"] = 0.0.into();
        }
        for name in ["first_byte_seconds", "total_seconds"] {
            if let Some(fact) = step["facts"].get_mut(name) {
                *fact = 0.0.into();
            }
        }
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    crate::compare("json_form", &crate::masked(&text, place.folder.path()));
}
