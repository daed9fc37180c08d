//! Payloads through proxies: which one is chosen, what arrives there and behind it, and what is said when it does not
//! work.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/proxy_servers.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod proxy_servers;
#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use retriever::config::{ApiSettings, Config, Enrichment, IntakeProxy, Output, Surroundings};
use retriever::submit::{Backoff, KeyCheck, Pace, Submitter, validate_key};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use server::Server;
use support::daemon;
use support::deliveries::{gauge, points};
use support::intake::Intake;
use support::program::{Folder, free_address};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(10);

/// An environment without files.
struct Environment(HashMap<&'static str, String>);

impl Surroundings for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn config(top: &str, variables: &[(&'static str, &str)]) -> Config {
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let text = format!("api_key: abc\n{top}\ninstances: [{{openmetrics_endpoint: 'http://t', metrics: [.+]}}]");
    Config::read(&text, "conf.yaml", &Environment(variables))
}

fn api(top: &str, variables: &[(&'static str, &str)]) -> ApiSettings {
    let config = config(top, variables);
    assert!(config.problems.is_empty(), "{:?}", config.problems);
    let [Output::Api(api)] = &config.global.outputs[..] else { panic!("there is a key") };
    api.clone()
}

/// The settings of an intake that is reached through this proxy, whoever its certificates are by.
fn through(url: &str, proxy: &str) -> ApiSettings {
    let top = format!("dd_url: {url}\nskip_ssl_validation: true\nproxy: {{http: '{proxy}', https: '{proxy}'}}");
    let api = api(&top, &[]);
    assert!(!format!("{api:?}").contains("hunter2"), "{api:?}");
    api
}

/// Delivers one point: whether it arrived.
async fn delivers(settings: ApiSettings) -> bool {
    let backoff = Backoff { base: Duration::from_millis(5), ceiling: Duration::from_millis(40) };
    let pace =
        Pace { linger: Duration::from_millis(5), requests: 2, transient: backoff, refused: backoff, ..Pace::default() };
    let submitter = Submitter::with_pace(&Output::Api(settings), Enrichment::default(), pace).unwrap();
    submitter.submit(&points(vec![gauge("app.up", 1.0)])).unwrap();
    submitter.drain(PATIENCE).await.given_up == 0
}

/// What stands before `plain` and speaks TLS, in these versions.
async fn tls_before(plain: SocketAddr, versions: &[&'static SupportedProtocolVersion]) -> SocketAddr {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that turns away is no failure of the test.
                let mut tls = acceptor.accept(stream).await?;
                copy_bidirectional(&mut tls, &mut TcpStream::connect(plain).await?).await
            });
        }
    });
    address
}

fn address(intake: &Intake) -> SocketAddr {
    intake.url().strip_prefix("http://").unwrap().parse().unwrap()
}

fn arrived(intake: &Intake) -> Vec<String> {
    intake.series().into_iter().map(|series| series.metric).collect()
}

// --- Which proxy ------------------------------------------------------------------------------------------------------

/// How the main intake is reached: the proxy with who names it, or why there is none.
fn way(top: &str, variables: &[(&'static str, &str)]) -> String {
    told(&api(top, variables).main.proxy)
}

fn told(proxy: &IntakeProxy) -> String {
    match proxy {
        IntakeProxy::NoneNamed => "none".to_owned(),
        IntakeProxy::Forbidden => "forbidden".to_owned(),
        IntakeProxy::Excepted(by) => format!("excepted by {by}"),
        IntakeProxy::Through(proxy) => proxy.to_string(),
    }
}

#[test]
fn the_variables_of_the_agent_go_before_those_of_all_programs_and_these_before_the_file() {
    let file = "proxy: {https: 'http://file', http: 'http://other'}";
    let variables =
        [("DD_PROXY_HTTPS", "http://first"), ("HTTPS_PROXY", "http://second"), ("https_proxy", "http://third")];
    let names = [
        "first:80` (set by the environment variable `DD_PROXY_HTTPS`)",
        "second:80` (set by the environment \
                  variable `HTTPS_PROXY`)",
        "third:80` (set by the environment variable `https_proxy`)",
    ];
    for (place, name) in names.into_iter().enumerate() {
        assert_eq!(way(file, &variables[place..]), format!("`http://{name}"));
    }
    assert_eq!(way(file, &[]), "`http://file:80` (set by `proxy` at the top of the settings)");
    assert_eq!(
        way(&format!("dd_url: http://i\n{file}"), &[]),
        "`http://other:80` (set by `proxy` at the top of the settings)"
    );
    assert_eq!(way("", &[]), "none");
    assert_eq!(way("", &[("HTTP_PROXY", "http://plain")]), "none");
    assert_eq!(way(file, &[("DD_PROXY_HTTPS", "")]), "forbidden");
}

#[test]
fn each_intake_has_its_own_way() {
    let top = "proxy: {https: 'http://p', no_proxy: [api.datadoghq.eu]}\n\
               additional_endpoints: {https://api.datadoghq.eu: [a], http://plain: [b], https://other: [c]}";
    let ways: Vec<_> = api(top, &[]).intakes().map(|intake| told(&intake.proxy)).collect();
    let through = "`http://p:80` (set by `proxy` at the top of the settings)";
    assert_eq!(ways, [through, "excepted by no_proxy", "none", through]);
    // What is wrong is said once for all of them.
    let faulty = config(top, &[("HTTPS_PROXY", "ftp://p")]);
    assert_eq!(faulty.problems.len(), 1, "{:?}", faulty.problems);
}

#[test]
fn a_proxy_that_only_targets_have_is_told() {
    let said = |top: &str, variables: &[(&'static str, &str)]| -> Vec<String> {
        config(top, variables).problems.iter().map(ToString::to_string).collect()
    };
    let message = "is used for targets only: metrics are sent to Datadog without it; set `HTTPS_PROXY` for them";
    let expected = [format!("environment variable `ALL_PROXY`: warning: {message}")];
    assert_eq!(said("", &[("ALL_PROXY", "http://all")]), expected);
    assert_eq!(said("", &[("ALL_PROXY", "http://all"), ("HTTPS_PROXY", "http://p")]), [""; 0]);
    assert_eq!(said("output: console", &[("ALL_PROXY", "http://all")]), [""; 0]);
}

#[test]
fn hosts_are_excepted_by_one_list_only() {
    let named = "proxy: {https: 'http://p', no_proxy: [api.datadoghq.com, 10.0.0.0/8]}";
    assert_eq!(way(named, &[]), "excepted by no_proxy");
    assert_eq!(way(named, &[("NO_PROXY", "a.example,api.datadoghq.com")]), "excepted by NO_PROXY");
    assert_eq!(
        way(named, &[("no_proxy", "a.example"), ("HTTPS_PROXY", "http://p")]),
        "`http://p:80` (set by the \
               environment variable `HTTPS_PROXY`)"
    );
    let agents = [("DD_PROXY_NO_PROXY", "b.example api.datadoghq.com"), ("NO_PROXY", "c.example")];
    assert_eq!(way(named, &agents), "excepted by DD_PROXY_NO_PROXY");
    let domain = "proxy: {https: 'http://p', no_proxy: [datadoghq.com]}";
    assert_eq!(way(domain, &[]), "`http://p:80` (set by `proxy` at the top of the settings)");
    assert_eq!(way(&format!("no_proxy_nonexact_match: true\n{domain}"), &[]), "excepted by no_proxy");
    assert_eq!(way(domain, &[("DD_NO_PROXY_NONEXACT_MATCH", "true")]), "excepted by no_proxy");
    let metadata = "dd_url: http://169.254.169.254\nproxy: {http: 'http://p'}";
    assert!(way(metadata, &[]).starts_with("excepted"));
}

#[test]
fn what_is_no_proxy_is_said_once() {
    let said = |variables: &[(&'static str, &str)]| -> Vec<String> {
        config("", variables).problems.iter().map(ToString::to_string).collect()
    };
    for name in ["DD_PROXY_HTTPS", "HTTPS_PROXY"] {
        let problem = "has no valid port; expected 1 to 65535";
        let found = said(&[(name, "http://bob:hunter2@p:port")]);
        assert_eq!(found, [format!("environment variable `{name}`: error: {problem}")]);
    }
    assert_eq!(said(&[("HTTP_PROXY", "http://p:port")]), [""; 0], "nothing of it is needed");
    let found = config("min_tls_version: tlsv1.4", &[]).problems;
    assert!(found.len() == 1 && found[0].message.contains("expected `tlsv1.2` or `tlsv1.3`"), "{found:?}");
}

// --- Ways -------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_url_of_a_plain_intake() {
    let proxy = Server::with("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}").await;
    let settings = through("http://intake.example:8080/path", &format!("http://us%40er:hunter2@{}", proxy.address));
    assert!(delivers(settings).await);
    let request = proxy.requests().remove(0).to_lowercase();
    assert!(request.starts_with("post http://intake.example:8080/path/api/v2/series http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: basic dxnazxi6ahvudgvymg==\r\n"), "{request}");
    assert!(request.contains("\r\nhost: intake.example:8080\r\n"), "{request}");
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let intake = Intake::start().await;
    let behind = tls_before(address(&intake), rustls::ALL_VERSIONS).await;
    let (proxy, log) = proxy_servers::connect_proxy(ESTABLISHED, behind).await;
    assert!(delivers(through("https://intake.example", &format!("http://bob:hunter2@{proxy}"))).await);
    assert_eq!(arrived(&intake), ["app.up"]);
    let asked = log.lock().unwrap()[0].clone();
    assert!(asked.starts_with("CONNECT intake.example:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nProxy-Authorization: Basic Ym9iOmh1bnRlcjI=\r\n"), "{asked}");
    let request = &intake.received(support::intake::SERIES)[0];
    assert_eq!((request.header("dd-api-key"), request.header("proxy-authorization")), ("abc", ""));
}

#[tokio::test]
async fn a_proxy_may_be_behind_tls_itself() {
    let intake = Intake::start().await;
    let behind = tls_before(address(&intake), rustls::ALL_VERSIONS).await;
    let (inner, log) = proxy_servers::connect_proxy(ESTABLISHED, behind).await;
    let proxy = tls_before(inner, rustls::ALL_VERSIONS).await;
    assert!(delivers(through("https://intake.example", &format!("https://bob:hunter2@{proxy}"))).await);
    assert_eq!((arrived(&intake), log.lock().unwrap().len()), (vec!["app.up".to_owned()], 1));
    // That of the proxy is looked at as closely as that of the intake.
    let top =
        format!("dd_url: https://intake.example\nproxy: {{https: 'https://bob:hunter2@localhost:{}'}}", proxy.port());
    match validate_key(&api(&top, &[])).await {
        Ok(KeyCheck::Unreachable(message)) => {
            assert!(
                message.contains("TLS with the proxy `https://localhost:") && !message.contains("hunter2"),
                "{message}"
            );
        }
        // Where the system has no certificates at all, nothing can be verified.
        Err(_) => {}
        Ok(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn socks_proxies_lead_to_intakes() {
    let intake = Intake::start().await;
    let (proxy, log) = proxy_servers::Socks { method: 2, ..proxy_servers::Socks::open(address(&intake)) }.start().await;
    assert!(delivers(through("http://intake.example", &format!("socks5h://bob:hunter2@{proxy}"))).await);
    assert_eq!(arrived(&intake), ["app.up"]);
    assert_eq!(log.lock().unwrap()[1..], ["login bob hunter2", "name intake.example:80"]);
    assert!(delivers(through("http://127.0.0.1:9", &format!("socks5://bob:hunter2@{proxy}"))).await);
    assert_eq!(log.lock().unwrap().last().unwrap(), "127.0.0.1:9");
}

#[tokio::test]
async fn an_excepted_intake_is_reached_straight() {
    let (intake, nobody) = (Intake::start().await, free_address());
    let top = format!("dd_url: {}\nproxy: {{http: 'http://{nobody}', no_proxy: [127.0.0.1]}}", intake.url());
    assert!(delivers(api(&top, &[])).await);
    assert_eq!(arrived(&intake), ["app.up"]);
}

#[tokio::test]
async fn what_a_proxy_refuses_is_said_of_the_proxy() {
    let message = |check| match check {
        Ok(KeyCheck::Unreachable(message)) => message,
        other => panic!("{other:?}"),
    };
    let nobody = free_address();
    let said = message(validate_key(&through("https://intake.example", &format!("http://bob:hunter2@{nobody}"))).await);
    let expected = format!(
        "the proxy `http://{nobody}` (set by `proxy` at the top of the settings) cannot be reached (it \
                            refused the connection); check that its address is right and that it runs"
    );
    assert!(said.ends_with(&expected), "{said}");
    for (answer, expected) in [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "refused to connect to the intake with status 403 Forbidden; its policy forbids",
        ),
        ("HTTP/1.1 407 No\r\n\r\n", "it does not accept the user name and password of its URL; correct them"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "it could not reach the intake; check that the intake runs"),
        ("what?\r\n", "does not answer as one"),
    ] {
        let (proxy, _) = proxy_servers::connect_proxy(answer, nobody).await;
        let settings = through("https://intake.example", &format!("http://bob:hunter2@{proxy}"));
        let said = message(validate_key(&settings).await);
        assert!(said.contains(expected) && !said.contains("hunter2"), "{said}");
    }
    let refusing = proxy_servers::Socks { reply: 5, ..proxy_servers::Socks::open(nobody) }.start().await.0;
    let said = message(validate_key(&through("http://intake.example", &format!("socks5h://{refusing}"))).await);
    assert!(said.contains("was refused by the intake"), "{said}");
}

#[tokio::test]
async fn payloads_wait_until_the_proxy_lets_them_through() {
    let intake = Intake::start().await;
    let proxy = free_address();
    let waiting = tokio::spawn(delivers(through("http://intake.example", &format!("socks5h://{proxy}"))));
    let listener = TcpListener::bind(proxy).await.unwrap();
    // One connection is lost, and the next one leads on.
    drop(listener.accept().await.unwrap());
    drop(listener);
    let (other, to) = (TcpListener::bind(proxy).await.unwrap(), address(&intake));
    let socks = proxy_servers::Socks::open(to).start().await.0;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = other.accept().await {
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut TcpStream::connect(socks).await?).await });
        }
    });
    assert!(waiting.await.unwrap());
    assert_eq!(arrived(&intake), ["app.up"]);
}

#[tokio::test]
async fn old_versions_of_tls_are_refused_if_the_settings_say_so() {
    let intake = Intake::start().await;
    let old = tls_before(address(&intake), &[&rustls::version::TLS12]).await;
    let top = format!("dd_url: https://{old}\nskip_ssl_validation: true");
    assert_eq!(validate_key(&api(&top, &[])).await.unwrap(), KeyCheck::Valid);
    let KeyCheck::Unreachable(said) =
        validate_key(&api(&format!("min_tls_version: TLSv1.3\n{top}"), &[])).await.unwrap()
    else {
        panic!("it is too old")
    };
    assert!(said.to_lowercase().contains("protocol"), "{said}");
    let new = tls_before(address(&intake), &[&rustls::version::TLS13]).await;
    let top = format!("min_tls_version: tlsv1.3\ndd_url: https://{new}\nskip_ssl_validation: true");
    assert_eq!(validate_key(&api(&top, &[])).await.unwrap(), KeyCheck::Valid);
}

// --- Proxies that others wrote ----------------------------------------------------------------------------------------

#[tokio::test]
async fn tinyproxy_forwards_and_tunnels() {
    let intake = Intake::start().await;
    let tls = tls_before(address(&intake), rustls::ALL_VERSIONS).await;
    let (folder, proxy) = (Folder::new(), free_address());
    let config = format!(
        "Port {}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth bob hunter2\nConnectPort {}\n",
        proxy.port(),
        tls.port()
    );
    let config = folder.write("tinyproxy.conf", config);
    let Some(_daemon) = daemon::start("tinyproxy", &["-d", "-c", &config], proxy).await else { return };
    let welcome = format!("http://bob:hunter2@{proxy}");
    for url in [intake.url().to_owned(), format!("https://127.0.0.1:{}", tls.port())] {
        assert_eq!(validate_key(&through(&url, &welcome)).await.unwrap(), KeyCheck::Valid, "{url}");
        assert!(delivers(through(&url, &welcome)).await, "{url}");
    }
    assert_eq!(arrived(&intake), ["app.up", "app.up"]);
    let forwarded = &intake.received(support::intake::SERIES)[0];
    assert!(!forwarded.header("via").is_empty() && forwarded.header("proxy-authorization").is_empty());
    let stranger = through(&format!("https://127.0.0.1:{}", tls.port()), &format!("http://{proxy}"));
    let KeyCheck::Unreachable(said) = validate_key(&stranger).await.unwrap() else { panic!("it wants a password") };
    assert!(said.contains("it wants user name and password"), "{said}");
}

#[tokio::test]
async fn microsocks_leads_to_intakes() {
    let (intake, proxy) = (Intake::start().await, free_address());
    let port = proxy.port().to_string();
    let args = ["-i", "127.0.0.1", "-p", &port, "-u", "bob", "-P", "hunter2"];
    let Some(_daemon) = daemon::start("microsocks", &args, proxy).await else { return };
    for scheme in ["socks5", "socks5h"] {
        assert!(delivers(through(intake.url(), &format!("{scheme}://bob:hunter2@{proxy}"))).await, "{scheme}");
    }
    assert_eq!(arrived(&intake).len(), 2);
}
