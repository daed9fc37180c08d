//! Options of an Agent's file that are about requests, and what the program says of those that need no effect.

use std::time::Duration;

use retriever::config::{
    AuthScheme, BasicAuth, Config, ConfiguredInstance, DigestAuth, HttpSettings, NoSurroundings, NtlmAuth, Secret,
    TlsVersion,
};

use crate::program::{Folder, Running, retriever_beside};
use crate::server::{Server, Step, redirect, response};

#[test]
fn timeouts_come_from_both_places_and_may_be_text() {
    let timeouts = |init: &str, options: &str| {
        let text = format!(
            "init_config: {{{init}}}\ninstances:\n  - openmetrics_endpoint: http://localhost/?x=1\n    {options}\n"
        );
        let config = Config::read(&text, "conf.yaml", &NoSurroundings);
        assert_eq!(config.problems, []);
        let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{config:?}") };
        let http = &instance.http;
        (http.connect_timeout.as_millis(), http.read_timeout.as_millis())
    };
    assert_eq!(timeouts("", ""), (10_000, 10_000));
    assert_eq!(timeouts("timeout: '2.5'", ""), (2500, 2500));
    assert_eq!(timeouts("timeout: 2", "timeout: ' 3 '"), (3000, 3000));
    assert_eq!(timeouts("timeout: 2", "connect_timeout: '1e-1'"), (100, 2000));
    assert_eq!(timeouts("timeout: 2", "timeout: 3\n    read_timeout: 4"), (3000, 4000));
}

/// Each option has the effect that its name promises, and no other one: what the effect is, other tests show.
#[test]
fn each_option_reaches_its_setting() {
    let user = |username: &str| (Secret::new(username), Secret::new("p"));
    let cases: Vec<(&str, Change)> = vec![
        ("read_timeout: 3", Box::new(|http| http.read_timeout = Duration::from_secs(3))),
        ("connect_timeout: 3", Box::new(|http| http.connect_timeout = Duration::from_secs(3))),
        ("total_timeout: 3", Box::new(|http| http.total_timeout = Duration::from_secs(3))),
        ("headers: {A: b}", Box::new(|http| http.headers = vec![("A".into(), Secret::new("b"))])),
        ("extra_headers: {A: 5}", Box::new(|http| http.extra_headers = vec![("A".into(), Secret::new("5"))])),
        ("allow_redirects: no", Box::new(|http| http.allow_redirects = false)),
        ("persist_connections: no", Box::new(|http| http.persist_connections = false)),
        ("log_requests: on", Box::new(|http| http.log_requests = true)),
        ("use_latest_spec: y", Box::new(|http| http.use_latest_spec = true)),
        ("tls_verify: no", Box::new(|http| http.tls.verify = false)),
        ("tls_validate_hostname: no", Box::new(|http| http.tls.validate_hostname = false)),
        ("tls_ca_cert: /ca", Box::new(|http| http.tls.ca_cert = Some("/ca".into()))),
        ("tls_cert: /cert", Box::new(|http| http.tls.cert = Some("/cert".into()))),
        ("tls_private_key: /key", Box::new(|http| http.tls.private_key = Some("/key".into()))),
        ("tls_private_key_password: 5", Box::new(|http| http.tls.private_key_password = Some(Secret::new("5")))),
        ("tls_use_host_header: yes", Box::new(|http| http.tls.use_host_header = true)),
        ("tls_protocols_allowed: [TLSv1.3]", Box::new(|http| http.tls.versions = vec![TlsVersion::Tls13])),
        (
            "username: u\n    password: p\n    use_legacy_auth_encoding: false",
            Box::new(move |http| {
                let (username, password) = user("u");
                http.auth = BasicAuth { username, password, latin1: false }.into();
            }),
        ),
        (
            "username: u\n    password: p\n    auth_type: digest",
            Box::new(move |http| {
                let (username, password) = user("u");
                http.auth = AuthScheme::Digest(DigestAuth { username, password }).into();
            }),
        ),
        (
            "ntlm_domain: 'D\\u'\n    password: p\n    auth_type: ntlm",
            Box::new(move |http| {
                let (user, password) = user("u");
                http.auth = AuthScheme::Ntlm(NtlmAuth { domain: "D".into(), user, password }).into();
            }),
        ),
    ];
    for (options, change) in cases {
        let text = format!("instances:\n  - openmetrics_endpoint: http://localhost/\n    {options}\n");
        let config = Config::read(&text, "conf.yaml", &NoSurroundings);
        assert_eq!(config.problems, [], "{text}");
        let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{config:?}") };
        let mut expected = HttpSettings::default();
        change(&mut expected);
        assert_eq!(instance.http, expected, "{text}");
    }
}

type Change = Box<dyn Fn(&mut HttpSettings)>;

/// An Agent's file runs as it is, without a word about what it needs not say here.
#[tokio::test]
async fn what_needs_no_effect_is_noted_by_validate_only() {
    let server = Server::with(response("Content-Type: text/plain\r\n", "# TYPE up gauge\nup 1\n")).await;
    let settings = format!(
        "init_config:
  debug_metrics: {{metric_contexts: true}}
  process_isolation: true
  tls_ignore_warning: true
  log_requests: true
instances:
  - openmetrics_endpoint: {}
    metrics: [up]
    request_size: 16
    tls_ignore_warning: 'yes'
    debug_metrics: {{metric_contexts: true}}
    process_isolation: true
    enable_legacy_tags_normalization: true
    log_requests: true
    min_collection_interval: 0.1
",
        server.url("/")
    );
    let (_folder, path) = Folder::with_settings(&settings);
    let finished = retriever_beside(vec!["validate".to_owned(), path.clone()]).await;
    let said: Vec<_> = finished.assert_code(0).stdout.lines().filter_map(|line| line.strip_prefix(&path)).collect();
    let figure = "`retriever_contexts` in Retriever's own `/metrics` has this figure for each target";
    let harm = "no target can harm another, and what one may cost is limited";
    let expected = [
        format!(":2:18: note: `debug_metrics` has no effect: {figure}"),
        format!(":3:22: note: `process_isolation` has no effect: {harm}"),
        ":4:23: note: `tls_ignore_warning` has no effect: there is no warning to suppress".to_owned(),
        ":9:19: note: `request_size` has no effect: bodies are read as they arrive".to_owned(),
        ":10:25: note: `tls_ignore_warning` has no effect: there is no warning to suppress".to_owned(),
        format!(":11:20: note: `debug_metrics` has no effect: {figure}"),
        format!(":12:24: note: `process_isolation` has no effect: {harm}"),
        ":13:39: note: `enable_legacy_tags_normalization` has no effect: tags are not normalised in this check"
            .to_owned(),
    ];
    assert_eq!(said, expected);
    let json = retriever_beside(vec!["validate".to_owned(), path.clone(), "--format".into(), "json".into()]).await;
    let problems = json.assert_code(0).json()["problems"].as_array().unwrap().clone();
    assert!(problems.len() == expected.len() && problems.iter().all(|problem| problem["severity"] == "note"), "{json}");

    assert_eq!(retriever_beside(vec!["check".to_owned(), path]).await.assert_code(0).stderr, "");
    let mut running = Running::start(&format!("admin_listen: none\nlog_level: warn\n{settings}"), &[]);
    running.until("a scrape", || server.requests().len() >= 2).await;
    let finished = running.stop().await;
    let stderr = &finished.assert_code(0).stderr;
    assert!(!stderr.contains("no effect"), "{stderr}");
}

#[tokio::test]
async fn requests_are_logged_where_that_is_asked_for() {
    let server = Server::start(|request| {
        vec![Step::Send(if request.starts_with("GET /old") {
            redirect(302, "/new?token=hunter2&a=b")
        } else {
            response("Content-Type: text/plain\r\n", "# TYPE up gauge\nup 1\n")
        })]
    })
    .await;
    for (options, logged) in [("log_requests: true", true), ("persist_connections: true", false)] {
        let before = server.requests().len();
        let url = server.url("/old?key=hunter2").replace("//", "//bob:hunter2@");
        let mut running = Running::start(
            &format!(
                "admin_listen: none\nlog_level: debug\ninstances:\n  - openmetrics_endpoint: {url}\n    metrics: [up]\n    \
                 tag_by_endpoint: false\n    min_collection_interval: 0.1\n    {options}\n"
            ),
            &[],
        );
        running.until("a scrape", || server.requests().len() >= before + 2).await;
        let finished = running.stop().await;
        assert!(!finished.assert_code(0).to_string().contains("hunter2"), "{finished}");
        for request in [server.url("/old?key=***"), server.url("/new?token=***&a=b")] {
            let line = format!("GET {request}");
            assert_eq!(finished.stderr.lines().any(|said| said.ends_with(&line)), logged, "{options}: {finished}");
        }
    }
}
