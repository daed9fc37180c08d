//! Ways through proxies: what arrives at the proxy, what at the target, and what is said when it does not work.

use std::net::SocketAddr;
use std::time::Duration;

use retriever::config::{BasicAuth, HttpSettings, Secret};

use crate::program::free_address;
use crate::proxy_choice::{all_settings, settings};
use crate::proxy_servers::{Socks, blunt, connect_proxy, silent};
use crate::server::{Server, Step, redirect, response, unix};
use crate::tls::{Terminator, authority, identity, write};
use crate::{assert_failure, client, endpoint, failure, patient, read, scrape};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// Settings with this proxy for everything.
fn through(proxy: &str) -> HttpSettings {
    settings(&format!("proxy: {{http: '{proxy}', https: '{proxy}'}}"), &[])
}

/// The lines of a request head, the first one first and the others sorted.
fn lines(head: &str) -> Vec<&str> {
    let mut lines: Vec<_> = head.trim_end().lines().collect();
    lines[1..].sort_unstable();
    lines
}

/// A target behind TLS for `localhost`, what it was asked, and a folder with its CA in `ca.pem`.
async fn tls_target() -> (SocketAddr, Server, tempfile::TempDir) {
    let issuer = authority();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", &issuer.pem());
    let plain = Server::with(response("", "up 1\n")).await;
    let address = Terminator::new(identity(&issuer, "localhost", |_| {})).start(plain.address);
    (address, plain, folder)
}

fn trusting(mut settings: HttpSettings, folder: &tempfile::TempDir) -> HttpSettings {
    settings.tls.ca_cert = Some(folder.path().join("ca.pem"));
    settings
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = Server::with(response("Content-Type: text/plain\r\n", "up 1\n")).await;
    let mut settings = through(&format!("http://us%40er:p%3Aw@{}", proxy.address));
    let url = "http://node.example:9100/metrics?match[]=a&b=%20c";
    let (answer, body) = scrape(&settings, url).await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", url));
    assert_eq!(
        lines(&proxy.requests()[0]),
        [
            "GET http://node.example:9100/metrics?match[]=a&b=%20c HTTP/1.1",
            "Accept-Encoding: zstd, gzip, deflate",
            "Accept: text/plain;version=0.0.4,*/*;q=0.1",
            "Host: node.example:9100",
            "Proxy-Authorization: Basic dXNAZXI6cDp3",
            "User-Agent: retriever/test",
        ]
    );
    // The target has credentials of its own.
    let auth = BasicAuth { username: Secret::new("Aladdin"), password: Secret::new("open sesame"), latin1: true };
    settings.auth = auth.into();
    scrape(&settings, "http://[fd00::1]/metrics").await.unwrap();
    let second = &proxy.requests()[1];
    assert!(second.starts_with("GET http://[fd00::1]/metrics HTTP/1.1\r\n"), "{second}");
    assert!(second.contains("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{second}");
    assert!(second.contains("\r\nProxy-Authorization: Basic dXNAZXI6cDp3\r\n"), "{second}");

    scrape(&through(&proxy.address.to_string()), "http://a.example/").await.unwrap();
    assert!(!proxy.requests()[2].contains("Proxy-Authorization"), "{}", proxy.requests()[2]);
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let (target, plain, folder) = tls_target().await;
    let (proxy, log) = connect_proxy(ESTABLISHED, target).await;
    let settings = trusting(through(&format!("http://user:hunter2@{proxy}")), &folder);
    let (answer, body) = scrape(&settings, "https://localhost:9443/metrics?a=b").await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", "https://localhost:9443/metrics?a=b"));
    assert_eq!(
        lines(&log.lock().unwrap()[0]),
        ["CONNECT localhost:9443 HTTP/1.1", "Host: localhost:9443", "Proxy-Authorization: Basic dXNlcjpodW50ZXIy"]
    );
    let request = plain.requests().remove(0);
    assert!(request.starts_with("GET /metrics?a=b HTTP/1.1\r\n") && !request.contains("Proxy"), "{request}");

    let anonymous = trusting(through(&format!("http://{proxy}")), &folder);
    scrape(&anonymous, "https://localhost/").await.unwrap();
    assert_eq!(lines(&log.lock().unwrap()[1]), ["CONNECT localhost:443 HTTP/1.1", "Host: localhost:443"]);

    // The certificate is that of the target, whoever carries it.
    let error = failure(&through(&format!("http://{proxy}")), "https://localhost/").await;
    assert_failure(&error, "tls", "`tls_ca_cert`", true);
    let error = failure(&anonymous, "https://other.example/").await;
    assert_failure(&error, "tls", "not for `other.example`", true);
}

#[tokio::test]
async fn a_proxy_may_be_behind_tls_itself() {
    let (target, plain, folder) = tls_target().await;
    let (inner, log) = connect_proxy(ESTABLISHED, target).await;
    let issuer = authority();
    let both = std::fs::read_to_string(folder.path().join("ca.pem")).unwrap() + &issuer.pem();
    write(folder.path(), "ca.pem", &both);
    let proxy = Terminator::new(identity(&issuer, "localhost", |_| {})).start(inner);
    let url = format!("https://user:hunter2@localhost:{}", proxy.port());
    let settings = trusting(through(&url), &folder);
    assert_eq!(scrape(&settings, "https://localhost:9443/metrics").await.unwrap().1, "up 1\n");
    assert!(log.lock().unwrap()[0].starts_with("CONNECT localhost:9443 HTTP/1.1\r\n"));
    assert_eq!(plain.requests().len(), 1);

    let plain_proxy = Server::with(response("", "up 2\n")).await;
    let proxy = Terminator::new(identity(&issuer, "localhost", |_| {})).start(plain_proxy.address);
    let url = format!("https://user:hunter2@localhost:{}", proxy.port());
    let settings = trusting(through(&url), &folder);
    assert_eq!(scrape(&settings, "http://a.example/m").await.unwrap().1, "up 2\n");
    assert!(plain_proxy.requests()[0].starts_with("GET http://a.example/m HTTP/1.1\r\n"));

    // Nobody vouches for it, and it is no reason to doubt the target.
    let error = failure(&through(&url), "http://a.example/").await;
    assert_failure(&error, "proxy", &format!("TLS with the proxy `https://localhost:{}`", proxy.port()), true);
    let error = failure(&trusting(through(&format!("https://{}", blunt().await)), &folder), "http://a.example/").await;
    assert_failure(&error, "proxy", "the proxy does not answer with TLS", true);
}

#[tokio::test]
async fn the_client_certificate_is_for_the_target_only() {
    let (issuer, folder) = (authority(), tempfile::tempdir().unwrap());
    write(folder.path(), "ca.pem", &issuer.pem());
    let own = identity(&issuer, "client", |_| {});
    let (certificate, key) = own.pem();
    let plain = Server::with(response("", "up 1\n")).await;
    let mut proxy = Terminator::new(identity(&issuer, "localhost", |_| {}));
    proxy.client_ca = Some(issuer.der().to_vec());
    let url = format!("https://localhost:{}", proxy.start(plain.address).port());
    let mut settings = trusting(through(&url), &folder);
    settings.tls.cert = Some(write(folder.path(), "cert.pem", &certificate));
    settings.tls.private_key = Some(write(folder.path(), "key.pem", &key));
    // Shown to a target at this address it is accepted, but the proxy does not get to see it.
    let straight = HttpSettings { proxy: patient().proxy, ..settings.clone() };
    assert_eq!(scrape(&straight, &url).await.unwrap().1, "up 1\n");
    for url in ["http://a.example/", "https://a.example/"] {
        assert_failure(&failure(&settings, url).await, "proxy", "TLS with the proxy", true);
    }
    assert_eq!(plain.requests().len(), 1);
}

#[tokio::test]
async fn socks_proxies_get_a_name_or_an_address() {
    let target = Server::with(response("", "up 1\n")).await;
    let (proxy, log) = Socks::open(target.address).start().await;
    let asked = || log.lock().unwrap().drain(..).filter(|line| !line.starts_with("methods")).collect::<Vec<_>>();
    let by_proxy = through(&format!("socks5h://{proxy}"));
    let by_us = through(&format!("socks5://{proxy}"));
    for (settings, url, asks) in [
        (&by_proxy, "http://node.example:9100/", "name node.example:9100"),
        (&by_proxy, "http://localhost/", "name localhost:80"),
        (&by_proxy, "http://10.1.2.3:81/", "10.1.2.3:81"),
        (&by_us, "http://10.1.2.3:81/", "10.1.2.3:81"),
        (&by_us, "http://[fd00::7]:82/", "[fd00::7]:82"),
    ] {
        assert_eq!(scrape(settings, url).await.unwrap().1, "up 1\n");
        assert_eq!(asked(), [asks]);
    }
    scrape(&by_us, "http://localhost:83/").await.unwrap();
    let asked = asked().remove(0);
    assert!(["127.0.0.1:83", "[::1]:83"].contains(&asked.as_str()), "{asked}");
    // The target is asked as if there were no proxy.
    assert!(target.requests()[0].starts_with("GET / HTTP/1.1\r\n"), "{}", target.requests()[0]);

    let error = failure(&by_us, "http://name.invalid/").await;
    assert_failure(&error, "name", "the host name `name.invalid` was not found", true);

    let (target, _plain, folder) = tls_target().await;
    let (proxy, log) = Socks::open(target).start().await;
    let settings = trusting(through(&format!("socks5h://{proxy}")), &folder);
    assert_eq!(scrape(&settings, "https://localhost/").await.unwrap().1, "up 1\n");
    assert_eq!(log.lock().unwrap()[1], "name localhost:443");
}

#[tokio::test]
async fn socks_proxies_are_logged_in_to_if_they_want() {
    let target = Server::with(response("", "up 1\n")).await;
    for (method, login) in [(0, None), (2, Some("login us@er p:w"))] {
        let socks = Socks { method, ..Socks::open(target.address) };
        let (proxy, log) = socks.start().await;
        scrape(&through(&format!("socks5h://us%40er:p%3Aw@{proxy}")), "http://a.example/").await.unwrap();
        let log = log.lock().unwrap();
        assert_eq!(log[0], "methods [0, 2]");
        assert_eq!(log.iter().find(|line| line.starts_with("login")).map(String::as_str), login);
    }
    let (proxy, log) = Socks::open(target.address).start().await;
    for user in ["", "user@", "user:@"] {
        scrape(&through(&format!("socks5h://{user}{proxy}")), "http://a.example/").await.unwrap();
        assert_eq!(log.lock().unwrap().drain(..).next().unwrap(), "methods [0]", "{user}");
    }
}

#[tokio::test]
async fn says_why_a_socks_proxy_refuses() {
    let nowhere = free_address();
    for (method, login, reply, part) in [
        (255, 0, 0, "wants another way to log in"),
        (2, 1, 0, "does not accept the user name and password of its URL"),
        (0, 0, 1, "could not connect to the target and does not say why"),
        (0, 0, 2, "does not allow connections to the target"),
        (0, 0, 3, "cannot reach the network of the target"),
        (0, 0, 4, "cannot reach the host of the target"),
        (0, 0, 5, "was refused by the target"),
        (0, 0, 6, "TTL expired"),
        (0, 0, 7, "does not answer as one"),
        (0, 0, 8, "does not know this kind of address"),
        (0, 0, 99, "does not answer as one"),
    ] {
        let (proxy, _) = Socks { method, login, reply, to: nowhere }.start().await;
        let error = failure(&through(&format!("socks5h://user:hunter2@{proxy}")), "http://a.example/").await;
        let named = format!("the proxy `socks5h://{proxy}` (set by `proxy` of the instance) {part}");
        let found = if part.starts_with("TTL") { part } else { &named };
        assert_failure(&error, "proxy", found, true);
    }
    // Credentials are wanted and there are none.
    let (proxy, _) = Socks { method: 2, ..Socks::open(nowhere) }.start().await;
    let error = failure(&through(&format!("socks5://{proxy}")), "http://10.0.0.1/").await;
    assert_failure(&error, "proxy", "`socks5://USER:PASSWORD@HOST:PORT`", true);
}

#[tokio::test]
async fn says_why_a_proxy_opens_no_tunnel() {
    let nowhere = free_address();
    for (answer, user, part) in [
        ("HTTP/1.1 407 No\r\n\r\n", "", "status 407 Proxy Authentication Required; it wants user name and password"),
        ("HTTP/1.1 407 No\r\n\r\n", "user:hunter2@", "it does not accept the user name and password of its URL"),
        ("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", "", "status 403 Forbidden; its policy forbids this host"),
        ("HTTP/1.1 502 No\r\n\r\n", "", "status 502 Bad Gateway; it could not reach the target"),
        ("HTTP/1.1 302 Found\r\nLocation: http://b/\r\n\r\n", "", "status 302 Found; its log may say why"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "", "does not answer as one"),
        ("", "", "does not answer as one"),
    ] {
        let (proxy, _) = connect_proxy(answer, nowhere).await;
        let error = failure(&through(&format!("http://{user}{proxy}")), "https://localhost/").await;
        assert_failure(&error, "proxy", part, true);
        assert!(error.to_string().contains(&format!("the proxy `http://{proxy}` (set by")), "{error}");
    }
    // Asked for the URL itself, what it answers is the answer.
    let proxy = Server::with("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let (answer, _) = scrape(&through(&proxy.address.to_string()), "http://a.example/").await.unwrap();
    assert_eq!(answer.head.status, 407);
    for steps in ["SSH-2.0-OpenSSH_9.2\r\n", ""] {
        let proxy = Server::start(move |_| vec![Step::Send(steps.into()), Step::Close]).await;
        let error = failure(&through(&proxy.address.to_string()), "http://a.example/").await;
        assert_failure(&error, "proxy", "does not answer as one", true);
    }
}

#[tokio::test]
async fn names_a_proxy_that_is_not_there_and_where_it_comes_from() {
    let address = free_address();
    let cases = [
        ("proxy: {http: 'http://user:hunter2@PROXY'}", None, "`proxy` of the instance"),
        ("", Some("HTTP_PROXY"), "the environment variable `HTTP_PROXY`"),
        ("", Some("all_proxy"), "the environment variable `all_proxy`"),
        ("", Some("DD_PROXY_HTTP"), "the environment variable `DD_PROXY_HTTP`"),
    ];
    for (options, variable, source) in cases {
        let url = format!("http://user:hunter2@{address}");
        let variables: Vec<_> = variable.map(|name| (name, url.as_str())).into_iter().collect();
        let settings = settings(&options.replace("PROXY", &address.to_string()), &variables);
        let error = failure(&settings, "http://a.example/").await;
        let expected = format!("the proxy `http://{address}` (set by {source}) cannot be reached (it refused");
        assert_failure(&error, "proxy", &expected, true);
    }
    let error = failure(&through("http://name.invalid:3128"), "https://a.example/").await;
    assert_failure(&error, "proxy", "cannot be reached (its name was not found", true);
    let error = failure(&through(&format!("socks5h://{address}")), "https://a.example/").await;
    assert_failure(&error, "proxy", "cannot be reached (it refused the connection)", true);
}

#[tokio::test]
async fn the_connect_timeout_covers_the_proxy() {
    let silent = silent().await;
    // It leads to someone who never answers in the handshake of TLS.
    let (deaf, _) = connect_proxy(ESTABLISHED, silent).await;
    for (proxy, url) in [
        (format!("http://{silent}"), "https://a.example/"),
        (format!("https://{silent}"), "http://a.example/"),
        (format!("socks5h://{silent}"), "http://a.example/"),
        (format!("http://{deaf}"), "https://a.example/"),
    ] {
        let settings = HttpSettings { connect_timeout: Duration::from_millis(60), ..through(&proxy) };
        let error = failure(&settings, url).await;
        let part =
            format!("there was no connection through the proxy `{proxy}` (set by `proxy` of the instance) within");
        assert_failure(&error, "proxy", &part, true);
    }
}

#[tokio::test]
async fn each_redirect_goes_its_own_way() {
    let straight = Server::with(redirect(302, "http://far.example/metrics")).await;
    let near = straight.url("/near");
    let proxy = Server::start(move |request| {
        vec![Step::Send(if request.contains("/metrics") { response("", "up 1\n") } else { redirect(302, &near) })]
    })
    .await;
    let options = format!("proxy: {{http: 'http://u:hunter2@{}', no_proxy: [127.0.0.0/8]}}", proxy.address);
    let (answer, body) = scrape(&settings(&options, &[]), "http://far.example/begin").await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", "http://far.example/metrics"));
    let proxied = proxy.requests();
    assert!(
        proxied[0].starts_with("GET http://far.example/begin ")
            && proxied[1].starts_with("GET http://far.example/metrics ")
    );
    assert!(proxied.iter().all(|request| request.contains("Proxy-Authorization: ")), "{proxied:?}");
    let direct = straight.requests().remove(0);
    assert!(direct.starts_with("GET /near HTTP/1.1\r\n") && !direct.contains("Proxy-Authorization"), "{direct}");
}

#[tokio::test]
async fn connections_through_a_proxy_are_kept_apart() {
    for (persist, connections) in [(true, [0, 0, 1, 0]), (false, [0, 1, 2, 3])] {
        let proxy = Server::with(response("", "up 1\n")).await;
        let settings = HttpSettings { persist_connections: persist, ..through(&proxy.address.to_string()) };
        let client = client(&settings);
        for host in ["a", "a", "b", "a"] {
            let url = format!("http://{host}.example/");
            let mut answer = client.fetch(&endpoint(&url)).await.unwrap();
            read(&mut answer.body).await.unwrap();
        }
        assert_eq!(proxy.connections(), connections, "persist {persist}");
    }
}

#[tokio::test]
async fn a_tunnel_is_kept() {
    let (target, plain, folder) = tls_target().await;
    let (proxy, log) = connect_proxy(ESTABLISHED, target).await;
    let client = client(&trusting(through(&format!("http://{proxy}")), &folder));
    for _ in 0..3 {
        let mut answer = client.fetch(&endpoint("https://localhost/")).await.unwrap();
        read(&mut answer.body).await.unwrap();
    }
    assert_eq!((log.lock().unwrap().len(), plain.connections()), (1, vec![0, 0, 0]));
}

#[tokio::test]
async fn sockets_and_excepted_hosts_have_no_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    unix(&path, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n");
    let nobody = free_address().to_string();
    let url = format!("unix://{}/metrics?x=1", path.display());
    for settings in [through(&nobody), settings("", &[("HTTP_PROXY", &nobody), ("ALL_PROXY", &nobody)])] {
        let (answer, body) = scrape(&settings, &url).await.unwrap();
        assert_eq!((body.as_str(), answer.head.final_url.as_str()), ("up 1\n", url.as_str()));
    }
    let target = Server::with(response("", "up 1\n")).await;
    let variables = [("HTTP_PROXY", nobody.as_str()), ("NO_PROXY", "localhost, 127.0.0.1")];
    for settings in [
        settings("", &variables),
        settings("skip_proxy: true", &variables[..1]),
        settings("no_proxy: true", &variables[..1]),
        settings("proxy: {http: ''}", &variables[..1]),
        settings(&format!("proxy: {{http: '{nobody}', no_proxy: '10.0.0.0/8;127.0.0.1'}}"), &[]),
    ] {
        assert_eq!(scrape(&settings, &target.url("/")).await.unwrap().1, "up 1\n");
    }
}

/// As in Datadog's check, which asks for tokens apart from its other requests.
#[tokio::test]
async fn tokens_are_fetched_through_the_proxy_of_the_environment() {
    let (issuer, folder) = (authority(), tempfile::tempdir().unwrap());
    let ca = write(folder.path(), "ca.pem", &issuer.pem());
    let plain = Server::with(response("", r#"{"access_token": "t1"}"#)).await;
    let idp = Terminator::new(identity(&issuer, "idp.example", |_| {})).start(plain.address);
    let (proxy, log) = connect_proxy(ESTABLISHED, idp).await;
    let target = Server::with(response("", "up 1\n")).await;
    let options = format!(
        "skip_proxy: true
    auth_token:
      reader: {{type: oauth, url: 'https://idp.example/token', client_id: c, client_secret: s, options: {{verify: '{}'}}}}
      writer: {{type: header, name: X-Token}}",
        ca.display()
    );
    let proxy = format!("http://{proxy}");
    let settings = all_settings(&options, &[("HTTPS_PROXY", &proxy), ("HTTP_PROXY", "http://nobody.example")]);
    assert_eq!(scrape(&settings, &target.url("/")).await.unwrap().1, "up 1\n");
    assert_eq!(lines(&log.lock().unwrap()[0]), ["CONNECT idp.example:443 HTTP/1.1", "Host: idp.example:443"]);
    assert!(plain.requests()[0].starts_with("POST /token HTTP/1.1\r\n"));
    assert!(target.requests()[0].contains("\r\nX-Token: t1\r\n"), "{:?}", target.requests());
}

#[tokio::test]
async fn what_is_wrong_with_the_certificate_of_a_proxy_is_said_of_the_proxy() {
    let issuer = authority();
    let plain = Server::with(response("", "up 1\n")).await;
    let proxy = Terminator::new(identity(&issuer, "other.example", |_| {})).start(plain.address);
    let url = format!("https://localhost:{}", proxy.port());
    let error = failure(&through(&url), "http://a.example/").await;
    let expected = format!("TLS with the proxy `{url}` (set by `proxy` of the instance) failed: the issuer of the");
    assert_failure(&error, "proxy", &expected, true);
    assert_failure(&error, "proxy", "neither trusted nor sent by the proxy", true);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", &issuer.pem());
    let error = failure(&trusting(through(&url), &folder), "http://a.example/").await;
    assert_failure(&error, "proxy", "the certificate of the proxy is for `other.example`, not for `localhost`", true);
    assert!(!error.to_string().contains("tls_use_host_header"), "{error}");
}
