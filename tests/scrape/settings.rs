//! What the settings of an instance do to its requests.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use retriever::config::{BasicAuth, HttpSettings, Secret};
use retriever::discover::{Endpoint, Place};
use retriever::scrape::{Client, Grid, Job, Plan, ScrapeError, Skip, TickClock, run_schedule};
use retriever::time::UnixTime;

use crate::server::{Server, Step, response, unix};
use crate::{assert_failure, client, endpoint, failure, patient, read, scrape};

const EXPOSITION: &str = "# TYPE up gauge\nup 1\n";

fn pairs(list: &[(&str, &str)]) -> Vec<(String, Secret)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

#[tokio::test]
async fn asks_for_the_text_format_by_default() {
    let server = Server::with(response("Content-Type: text/plain; version=0.0.4\r\n", EXPOSITION)).await;
    let (answer, body) = scrape(&patient(), &server.url("/metrics?a=b c")).await.unwrap();
    assert_eq!(body, EXPOSITION);
    assert_eq!((answer.head.status, answer.head.reason.as_str()), (200, "OK"));
    assert_eq!(answer.head.final_url, server.url("/metrics?a=b%20c"));
    assert_eq!(answer.head.media_type().as_deref(), Some("text/plain"));
    let mut lines: Vec<_> = server.requests()[0].trim_end().lines().map(str::to_owned).collect();
    lines[1..].sort();
    assert_eq!(
        lines,
        [
            "GET /metrics?a=b%20c HTTP/1.1",
            "Accept-Encoding: zstd, gzip, deflate",
            "Accept: text/plain;version=0.0.4,*/*;q=0.1",
            &format!("Host: {}", server.address),
            "User-Agent: retriever/test",
        ]
    );
}

#[tokio::test]
async fn sends_the_headers_of_the_settings() {
    let server = Server::with(response("", "")).await;
    let mut settings = HttpSettings { extra_headers: pairs(&[("X-Key", "k\u{e9}y")]), ..patient() };
    settings.use_latest_spec = true;
    scrape(&settings, &server.url("/")).await.unwrap();
    settings.headers = pairs(&[("Host", "virtual.example"), ("Accept", "text/html")]);
    scrape(&settings, &server.url("/")).await.unwrap();
    let [first, second] = &server.requests()[..] else { panic!() };
    assert!(first.contains("X-Key: k\u{fffd}y\r\n"), "{first}");
    assert!(
        first.contains(
            "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1\r\n"
        )
    );
    assert!(second.contains("Host: virtual.example\r\n") && second.contains("Accept: text/html\r\n"), "{second}");
    assert!(!second.contains("User-Agent") && !second.contains("Accept-Encoding"), "{second}");
}

#[tokio::test]
async fn authenticates_with_the_settings_or_else_with_the_url() {
    let server = Server::with(response("", "")).await;
    let url = server.url("/").replace("//", "//us%65r:p%40ss@");
    let mut settings = HttpSettings { extra_headers: pairs(&[("authorization", "Bearer x")]), ..patient() };
    let (answer, _) = scrape(&settings, &url).await.unwrap();
    assert_eq!(answer.head.final_url, server.url("/"));
    let auth = BasicAuth { username: Secret::new("Aladdin"), password: Secret::new("open sesame"), latin1: true };
    settings.auth = auth.into();
    scrape(&settings, &url).await.unwrap();
    let [first, second] = &server.requests()[..] else { panic!() };
    assert!(first.contains("Authorization: Basic dXNlcjpwQHNz\r\n"), "{first}");
    // The example of RFC 7617.
    assert!(second.contains("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{second}");
}

#[tokio::test]
async fn keeps_the_connection_or_does_not() {
    for (persist, connections) in [(true, [0, 0, 0]), (false, [0, 1, 2])] {
        let server = Server::with(response("", EXPOSITION)).await;
        let client = client(&HttpSettings { persist_connections: persist, ..patient() });
        for _ in 0..3 {
            let mut answer = client.fetch(&endpoint(&server.url("/"))).await.unwrap();
            assert_eq!(read(&mut answer.body).await.unwrap(), EXPOSITION.as_bytes());
        }
        assert_eq!(server.connections(), connections, "persist {persist}");
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced() {
    // It is closed without a word after each response, and sometimes only when the next request has come.
    for steps_close_at_once in [true, false] {
        let server = Server::start(move |_| {
            let mut steps = vec![Step::Send(response("", EXPOSITION))];
            if steps_close_at_once {
                steps.push(Step::Close);
            }
            steps
        })
        .await;
        let client = client(&patient());
        for _ in 0..5 {
            let mut answer = client.fetch(&endpoint(&server.url("/"))).await.unwrap();
            read(&mut answer.body).await.unwrap();
        }
        assert_eq!(server.requests().len(), 5);
    }
    let first = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |_| {
        let first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
        vec![if first { Step::Send(response("", EXPOSITION)) } else { Step::Close }]
    })
    .await;
    let client = client(&patient());
    let mut answer = client.fetch(&endpoint(&server.url("/"))).await.unwrap();
    read(&mut answer.body).await.unwrap();
    let error = client.fetch(&endpoint(&server.url("/"))).await.err().unwrap();
    assert_failure(&error, "closed", "closed the connection before it answered", true);
    assert_eq!(server.connections(), [0, 0, 1], "asked again over a new connection, once");
}

#[tokio::test]
async fn a_body_that_is_left_unread_costs_its_connection_only() {
    let server = Server::with(response("", "x".repeat(10 << 20))).await;
    let client = client(&patient());
    for _ in 0..3 {
        let mut answer = client.fetch(&endpoint(&server.url("/"))).await.unwrap();
        assert!(answer.body.chunk().await.unwrap().is_some());
    }
    assert_eq!(server.connections(), [0, 1, 2]);
}

#[tokio::test]
async fn fetches_over_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.sock");
    let requests = unix(&path, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n");
    let url = format!("unix://{}/metrics?x=1", path.display());
    let (answer, body) = scrape(&patient(), &url).await.unwrap();
    assert_eq!((body.as_str(), answer.head.final_url), ("up 1\n", url));
    let request = requests.lock().unwrap()[0].1.clone();
    assert!(
        request.starts_with("GET /metrics?x=1 HTTP/1.1\r\n") && request.contains("Host: localhost\r\n"),
        "{request}"
    );

    let url = format!("unix://{}/none.sock/metrics", directory.path().display());
    assert_failure(&failure(&patient(), &url).await, "refused", "the socket does not exist", true);
}

#[tokio::test]
async fn decodes_the_body() {
    fn encoded<W: Write>(mut encoder: W, finish: impl Fn(W) -> std::io::Result<Vec<u8>>) -> Vec<u8> {
        encoder.write_all(EXPOSITION.as_bytes()).unwrap();
        finish(encoder).unwrap()
    }
    let level = Compression::best();
    for (encoding, body) in [
        ("gzip", encoded(GzEncoder::new(Vec::new(), level), GzEncoder::finish)),
        ("deflate", encoded(ZlibEncoder::new(Vec::new(), level), ZlibEncoder::finish)),
        ("deflate", encoded(DeflateEncoder::new(Vec::new(), level), DeflateEncoder::finish)),
        ("zstd", zstd::encode_all(EXPOSITION.as_bytes(), 3).unwrap()),
        ("identity", EXPOSITION.as_bytes().to_vec()),
    ] {
        let server = Server::with(response(&format!("Content-Encoding: {encoding}\r\n"), body)).await;
        assert_eq!(scrape(&patient(), &server.url("/")).await.unwrap().1, EXPOSITION, "{encoding}");
    }
    let server = Server::with(response("Content-Encoding: gzip, gzip\r\n", "x")).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "encoding", "`gzip, gzip`", false);
    let server = Server::with(response("Content-Encoding: br\r\n", "x")).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "encoding", "`br`", false);
}

#[tokio::test]
async fn turns_the_declared_charset_into_utf_8() {
    for (charset, body, text) in [
        ("iso-8859-1", &b"a{l=\"\xe9\"} 1"[..], "a{l=\"\u{e9}\"} 1"),
        ("UTF-8", "\u{20ac}".as_bytes(), "\u{20ac}"),
        ("us-ascii", "\u{20ac}".as_bytes(), "\u{20ac}"),
        ("utf-16", b"\xfe\xff\x00u\x00p", "up"),
        ("shift_jis", b"\x93\xfa", "\u{65e5}"),
        ("utf-16le", b"u\x00p", "u\u{fffd}"),
    ] {
        let server = Server::with(response(&format!("Content-Type: text/plain; charset={charset}\r\n"), body)).await;
        assert_eq!(scrape(&patient(), &server.url("/")).await.unwrap().1, text, "{charset}");
    }
    let server = Server::with(response("Content-Type: text/plain; charset=klingon\r\n", "x")).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "charset", "`klingon`", false);
}

#[tokio::test]
async fn a_status_is_an_error_only_where_it_says_so() {
    for (line, message) in [
        ("404 Not Found", Some("404 Client Error: Not Found for url: ")),
        ("499 Whatever You Say", Some("499 Client Error: Whatever You Say for url: ")),
        ("500 ", Some("500 Server Error:  for url: ")),
        ("204 No Content", None),
        ("304 Not Modified", None),
        ("302 Found", None),
    ] {
        let server = Server::with(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")).await;
        let url = server.url("/m").replace("//", "//user:hunter2@");
        let (answer, _) = scrape(&patient(), &url).await.unwrap();
        let expected = message.map(|message| format!("{message}{}", server.url("/m")));
        assert_eq!(ScrapeError::for_status(&answer.head).map(|error| error.to_string()), expected);
    }
}

#[tokio::test]
async fn hyper_serves_what_is_scraped() {
    // An independent server: chunked, HTTP/1.1.
    use http_body_util::Full;
    use hyper::service::service_fn;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|_| async {
            Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(bytes::Bytes::from(EXPOSITION))))
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.unwrap();
    });
    assert_eq!(scrape(&patient(), &url).await.unwrap().1, EXPOSITION);
}

/// A target whose body goes to whoever asks.
struct Fetching {
    client: Client,
    endpoint: Endpoint,
    bodies: tokio::sync::mpsc::UnboundedSender<(String, Vec<u8>)>,
}

impl Job for Fetching {
    fn grid(&self) -> Grid {
        Grid::new(Place::of([self.endpoint.text()]), Duration::from_millis(20))
    }

    async fn run(self: Arc<Self>, _tick: UnixTime) {
        let mut answer = self.client.fetch(&self.endpoint).await.unwrap();
        let body = read(&mut answer.body).await.unwrap();
        // Nobody asks any more at the end.
        let _ = self.bodies.send((self.endpoint.text().to_owned(), body));
    }

    fn skipped(&self, _: Skip, _: u64) {}

    fn panicked(&self) {
        panic!("a scrape panicked");
    }
}

#[tokio::test]
async fn the_schedule_drives_the_client() {
    let server = Server::with(response("", EXPOSITION)).await;
    let (bodies, mut received) = tokio::sync::mpsc::unbounded_channel();
    let jobs = ["/a", "/b"].map(|path| {
        let endpoint = endpoint(&server.url(path));
        Arc::new(Fetching { client: client(&patient()), endpoint, bodies: bodies.clone() })
    });
    let plan = Plan { jobs: jobs.to_vec(), slots: NonZeroUsize::MIN };
    let (_plans, plan) = tokio::sync::watch::channel(Arc::new(plan));
    let enough = async {
        let mut counts = [0; 2];
        while counts.contains(&0) || counts.contains(&1) {
            let (endpoint, body) = received.recv().await.unwrap();
            assert_eq!(body, EXPOSITION.as_bytes());
            counts[usize::from(endpoint.ends_with("/b"))] += 1;
        }
    };
    run_schedule(TickClock::set(UnixTime::now()), plan, enough).await;
}

#[tokio::test]
async fn the_content_type_decides_the_format_unless_the_settings_do() {
    use retriever::parse::Format;
    for (content_type, use_latest_spec, format) in [
        ("application/openmetrics-text; version=1.0.0", false, Format::OpenMetrics),
        ("text/plain", false, Format::PrometheusText),
        ("text/plain", true, Format::OpenMetrics),
    ] {
        let server = Server::with(response(&format!("Content-Type: {content_type}\r\n"), EXPOSITION)).await;
        let answer = client(&patient()).fetch(&endpoint(&server.url("/"))).await.unwrap();
        let mut exposition = answer.into_exposition(&HttpSettings { use_latest_spec, ..HttpSettings::default() });
        assert_eq!(exposition.format, format);
        assert_eq!(read(&mut exposition.chunks).await.unwrap(), EXPOSITION.as_bytes());
    }
}

#[tokio::test]
async fn asks_for_protobuf_only_where_it_is_listed_and_reads_what_comes() {
    use retriever::config::ScrapeProtocol;
    use retriever::parse::Format;
    let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    // Not text in any charset, whatever the head declares.
    let body = b"\x0b\x0a\x02\xc3\xa9\x18\x01\x22\x03\x12\x01\xff".to_vec();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {protobuf}; charset=iso-8859-1\r\nContent-Length: 12\r\n\r\n");
    let server = Server::with([head.as_bytes(), &body].concat()).await;
    let listed = vec![ScrapeProtocol::PrometheusProto, ScrapeProtocol::PrometheusText0_0_4];
    let settings = HttpSettings { scrape_protocols: listed, ..patient() };
    let answer = client(&settings).fetch(&endpoint(&server.url("/"))).await.unwrap();
    let mut exposition = answer.into_exposition(&settings);
    assert_eq!(exposition.format, Format::PrometheusProtobuf);
    assert_eq!(read(&mut exposition.chunks).await.unwrap(), body);
    let asked = "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;\
                 q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4\r\n";
    assert!(server.requests()[0].contains(asked), "{}", server.requests()[0]);
    // Also where it was not asked for: it is what it says it is.
    let answer = client(&patient()).fetch(&endpoint(&server.url("/"))).await.unwrap();
    assert_eq!(answer.into_exposition(&patient()).format, Format::PrometheusProtobuf);
    assert!(!server.requests()[1].contains("protobuf"), "{}", server.requests()[1]);
}

#[tokio::test]
async fn the_fallback_reads_what_names_no_format() {
    use retriever::config::ScrapeProtocol;
    use retriever::parse::Format;
    for (head, fallback_scrape_protocol, format) in [
        ("", None, Format::PrometheusText),
        ("", Some(ScrapeProtocol::OpenMetricsText1_0_0), Format::OpenMetrics),
        ("Content-Type: text/html\r\n", Some(ScrapeProtocol::PrometheusProto), Format::PrometheusProtobuf),
        ("Content-Type: text/plain\r\n", Some(ScrapeProtocol::PrometheusProto), Format::PrometheusText),
    ] {
        let server = Server::with(response(head, EXPOSITION)).await;
        let settings = HttpSettings { fallback_scrape_protocol, ..patient() };
        let answer = client(&settings).fetch(&endpoint(&server.url("/"))).await.unwrap();
        assert_eq!(answer.into_exposition(&settings).format, format, "{head}");
    }
}
