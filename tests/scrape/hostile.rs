//! Peers that are slow, broken or mean: each costs one scrape, in bounded time and memory, with its own error.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use retriever::config::{BodyLimits, HttpSettings};

use crate::server::{Server, Step, response};
use crate::{assert_failure, client, endpoint, failure, impatient, patient};

async fn doing(steps: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Server {
    Server::start(move |_| steps()).await
}

fn head(headers: &str) -> Step {
    Step::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into())
}

fn limited(limits: BodyLimits) -> HttpSettings {
    HttpSettings { limits, ..patient() }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_failure(&failure(&patient(), &url).await, "refused", "the connection was refused", true);
}

#[tokio::test]
async fn the_name_does_not_exist() {
    let url = "http://user:hunter2@no-such-host.invalid:9100/metrics";
    let error = failure(&patient(), url).await;
    assert_failure(&error, "name", "the host name `no-such-host.invalid` was not found", true);
    assert!(error.to_string().contains("`http://no-such-host.invalid:9100/metrics`"), "{error}");
}

#[tokio::test]
async fn the_connection_does_not_come_about() {
    // It accepts, but never shakes hands.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let settings = HttpSettings { connect_timeout: Duration::from_millis(50), ..patient() };
    assert_failure(&failure(&settings, &url).await, "connect_timeout", "within 50ms", true);
}

#[tokio::test]
async fn the_queue_of_connections_is_full() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(50), tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    let settings = HttpSettings { connect_timeout: Duration::from_millis(50), ..patient() };
    let error = failure(&settings, &format!("http://{address}/")).await;
    assert_failure(&error, "connect_timeout", "within 50ms", true);
}

#[tokio::test]
async fn it_hangs_before_the_head() {
    let server = doing(|| vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), Step::Hang]).await;
    assert_failure(
        &failure(&impatient(), &server.url("/")).await,
        "read_timeout",
        "no response came within 80ms",
        false,
    );
}

#[tokio::test]
async fn it_hangs_in_the_body() {
    let server = doing(|| vec![head("Content-Length: 10\r\n"), Step::Send(b"up 1\n".to_vec()), Step::Hang]).await;
    let error = failure(&impatient(), &server.url("/")).await;
    assert_failure(&error, "read_timeout", "the body stopped for 80ms after 5 bytes", true);
}

#[tokio::test]
async fn it_drips() {
    let server = doing(|| vec![head(""), Step::Repeat(b"up 1\n".to_vec(), Duration::from_millis(20))]).await;
    let settings = HttpSettings { total_timeout: Duration::from_millis(200), ..patient() };
    let start = Instant::now();
    assert_failure(&failure(&settings, &server.url("/")).await, "total_timeout", "200ms", false);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn it_drips_the_head() {
    let server = doing(|| {
        vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Repeat(b"A: b\r\n".to_vec(), Duration::from_millis(20))]
    })
    .await;
    assert_failure(&failure(&impatient(), &server.url("/")).await, "read_timeout", "no response came", false);
}

#[tokio::test]
async fn it_never_stops_sending() {
    let server = doing(|| vec![head(""), Step::Repeat(vec![b'#'; 60_000], Duration::ZERO)]).await;
    let settings = limited(BodyLimits { wire_bytes: 1 << 20, ..BodyLimits::default() });
    assert_failure(&failure(&settings, &server.url("/")).await, "wire_limit", "1048576 bytes as sent", false);
    let settings = HttpSettings { total_timeout: Duration::from_millis(100), ..patient() };
    assert_failure(&failure(&settings, &server.url("/")).await, "total_timeout", "100ms", false);
}

#[tokio::test]
async fn it_sends_a_bomb() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..100 {
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&vec![b' '; 100 << 20][..], 3).unwrap();
    for (encoding, bomb) in [("gzip", gzip), ("zstd", zstd)] {
        let server = Server::with(response(&format!("Content-Encoding: {encoding}\r\n"), bomb)).await;
        let settings = limited(BodyLimits { body_bytes: 1 << 20, ..BodyLimits::default() });
        let mut answer = client(&settings).fetch(&endpoint(&server.url("/"))).await.unwrap();
        let mut received = 0;
        let error = loop {
            match answer.body.chunk().await {
                Ok(chunk) => received += chunk.unwrap().len(),
                Err(error) => break error,
            }
        };
        assert_failure(&error, "body_limit", "1048576 bytes after decompression", false);
        assert!(received <= 1 << 20);
        assert!(answer.body.chunk().await.unwrap().is_none(), "an error is the end");
    }
}

#[tokio::test]
async fn the_body_breaks_off() {
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(b"up 1\n").unwrap();
        encoder.finish().unwrap()
    };
    let cut = gzip[..gzip.len() - 3].to_vec();
    let declared = doing(|| vec![head("Content-Length: 10\r\n"), Step::Send(b"up 1\n".to_vec()), Step::Close]).await;
    assert_failure(&failure(&patient(), &declared.url("/")).await, "broken_body", "broke off after 5 bytes", false);
    let chunked =
        doing(|| vec![head("Transfer-Encoding: chunked\r\n"), Step::Send(b"5\r\nup 1\n\r\n".to_vec()), Step::Close])
            .await;
    assert_failure(&failure(&patient(), &chunked.url("/")).await, "broken_body", "broke off after 5 bytes", false);
    let garbled = doing(|| {
        vec![head("Transfer-Encoding: chunked\r\n"), Step::Send(b"5\r\nup 1\n\r\nzz\r\n".to_vec()), Step::Hang]
    })
    .await;
    assert_failure(&failure(&patient(), &garbled.url("/")).await, "broken_body", "chunk size", false);
    let encoded = Server::with(response("Content-Encoding: gzip\r\n", cut)).await;
    assert_failure(&failure(&patient(), &encoded.url("/")).await, "encoding", "is not valid gzip", false);
    let not_gzip = Server::with(response("Content-Encoding: gzip\r\n", "up 1\n")).await;
    assert_failure(&failure(&patient(), &not_gzip.url("/")).await, "encoding", "is not valid gzip", false);
}

#[tokio::test]
async fn it_does_not_speak_http() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\r\n\r\n",
        "up 1\n",
        "HTTP/1.1 9999 No\r\n\r\n",
    ] {
        let server = Server::with(garbage).await;
        assert_failure(&failure(&patient(), &server.url("/")).await, "not_http", "the answer is not HTTP", true);
    }
}

#[tokio::test]
async fn it_closes_without_an_answer() {
    let server = doing(|| vec![Step::Close]).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "closed", "before it answered", true);
}

#[tokio::test]
async fn the_head_does_not_end() {
    let server = doing(|| {
        vec![Step::Send(b"HTTP/1.1 200 OK\r\nA: ".to_vec()), Step::Repeat(vec![b'x'; 10_000], Duration::ZERO)]
    })
    .await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "header_limit", "65536 bytes", false);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200));
    let server = Server::with(many).await;
    assert_failure(&failure(&patient(), &server.url("/")).await, "header_limit", "more than 100 headers", false);
    let server = Server::with(response(&format!("A: {}\r\n", "x".repeat(3000)), "")).await;
    let settings = limited(BodyLimits { header_bytes: 2000, ..BodyLimits::default() });
    assert_failure(&failure(&settings, &server.url("/")).await, "header_limit", "2000 bytes", false);
}

#[tokio::test]
async fn interim_responses_do_not_keep_it_waiting_for_ever() {
    let server =
        doing(|| vec![Step::Repeat(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n".to_vec(), Duration::from_millis(5))])
            .await;
    assert_failure(&failure(&impatient(), &server.url("/")).await, "read_timeout", "no response came", false);
}

#[tokio::test]
async fn the_total_time_ends_a_wait_for_the_next_byte() {
    let before = doing(|| vec![Step::Hang]).await;
    let within = doing(|| vec![head("Content-Length: 10\r\n"), Step::Hang]).await;
    let settings = HttpSettings { total_timeout: Duration::from_millis(80), ..patient() };
    let start = Instant::now();
    for server in [before, within] {
        assert_failure(&failure(&settings, &server.url("/")).await, "total_timeout", "80ms", false);
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}
