//! Before there is an answer.

use retriever::config::HttpSettings;

use super::server::Nobody;
use super::{Case, PATIENCE, Step, behaviours, doing, millis, say};
use crate::{assert_failure, failure, patient};

behaviours![
    accepts_and_never_reads,
    takes_the_request_and_never_answers,
    takes_longer_than_the_whole_scrape_may,
    closes_at_once,
    closes_before_it_answers,
    resets_before_it_answers,
    speaks_before_it_is_asked,
];

fn accepts_and_never_reads() -> Case {
    doing([Step::Hang]).with("read_timeout: 0.1").unanswered("read_timeout", "no response came within 100ms")
}

fn takes_the_request_and_never_answers() -> Case {
    doing([Step::Hear, Step::Hang])
        .with("read_timeout: 0.1")
        .unanswered("read_timeout", "no response came within 100ms")
}

fn takes_longer_than_the_whole_scrape_may() -> Case {
    let case = doing([Step::Hear, Step::Hang]).with("total_timeout: 0.1");
    case.unanswered("total_timeout", "it was not complete within 100ms; raise `total_timeout`")
}

fn closes_at_once() -> Case {
    doing([]).unanswered("closed", "the target closed the connection before it answered (")
}

fn closes_before_it_answers() -> Case {
    doing([Step::Hear]).unanswered("closed", "the target closed the connection before it answered (")
}

fn resets_before_it_answers() -> Case {
    doing([Step::Hear, Step::Cut]).unanswered("closed", "the target closed the connection before it answered (")
}

/// As mail servers do.
fn speaks_before_it_is_asked() -> Case {
    doing([say("220 mail.example ESMTP\r\n"), Step::Hang]).unanswered("not_http", "the answer is not HTTP (")
}

#[tokio::test]
async fn nobody_listens() {
    let nobody = Nobody::new();
    let url = format!("http://{}/", nobody.address);
    assert_failure(&failure(&patient(), &url).await, "refused", "the connection was refused; check that", true);
}

#[tokio::test]
async fn the_name_does_not_exist() {
    let url = "http://user:hunter2@no-such-host.invalid:9100/metrics";
    let error = failure(&patient(), url).await;
    assert_failure(&error, "name", "the host name `no-such-host.invalid` was not found (", true);
    assert!(error.to_string().contains("`http://no-such-host.invalid:9100/metrics`"), "{error}");
}

#[tokio::test]
async fn the_socket_does_not_exist() {
    let error = failure(&patient(), "unix:///no/such.sock/metrics").await;
    assert_failure(&error, "refused", "the socket does not exist; check its path", true);
}

/// The system answers for the server until the queue is full.
#[tokio::test]
async fn never_accepts() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let settings = HttpSettings { connect_timeout: millis(100), ..patient() };
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(millis(100), tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    let error = tokio::time::timeout(PATIENCE, failure(&settings, &format!("http://{address}/"))).await.unwrap();
    assert_failure(&error, "connect_timeout", "there was no connection, TLS included, within 100ms", true);
}
