//! Connections that are kept for the next scrape, and what a server can do with them in between.

use super::server::{GOOD, Server, Step, Under};
use super::{Case, Trial, doing, instance, say};

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Two scrapes, of which the first is good.
async fn second(steps: impl Into<Vec<Step>>) -> (super::Seen, Trial) {
    let case: Case = doing(steps);
    let server = Server::start(Under::Tcp, case.steps.clone());
    let settings = instance(&case.settings(&server));
    let mut trial = Trial::with(server, settings);
    trial.scrape().await.assert_good();
    trial.server.reform();
    // What the server sends on its own account arrives.
    tokio::time::sleep(super::millis(20)).await;
    (trial.scrape().await, trial)
}

#[tokio::test]
async fn garbage_on_a_kept_connection_is_an_error_once() {
    let (seen, mut trial) = second([Step::Hear, say(answer(GOOD)), Step::Hear, say("nonsense\r\n"), Step::Hang]).await;
    let failure = seen.report.failure.unwrap();
    assert_eq!(failure.reason, "not_http");
    trial.scrape().await.assert_good();
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_is_replaced() {
    second([Step::Hear, say(answer(GOOD))]).await.0.assert_good();
    second([Step::Hear, say(answer(GOOD)), Step::Cut]).await.0.assert_good();
    // While the request is on its way.
    second([Step::Hear, say(answer(GOOD)), Step::Hear]).await.0.assert_good();
    second([Step::Hear, say(answer(GOOD)), Step::Hear, Step::Cut]).await.0.assert_good();
}

/// Were it taken for the answer to the next request, that would be a lie.
#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_thrown_away() {
    let lie = answer("# TYPE lie gauge\nlie 1\n");
    let (seen, _) = second([Step::Hear, say(answer(GOOD) + &lie), Step::Hear, Step::Hang]).await;
    seen.assert_good();
    let (seen, _) = second([Step::Hear, say(answer(GOOD)), say(lie), Step::Hear, Step::Hang]).await;
    seen.assert_good();
}

#[tokio::test]
async fn data_behind_the_body_is_thrown_away() {
    let (seen, _) = second([Step::Hear, say(answer(GOOD) + "lie 1\n"), Step::Hear, say(answer("lie 2\n"))]).await;
    seen.assert_good();
    let chunks = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n19\r\n{GOOD}\r\n0\r\n\r\nlie 1\n");
    let (seen, _) = second([Step::Hear, say(chunks), Step::Hear, say(answer("lie 2\n"))]).await;
    seen.assert_good();
}
