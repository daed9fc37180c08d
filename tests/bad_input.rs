//! Whatever targets, the intake, disks and settings do to the program: it says clearly what is wrong, once, and goes on.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use server::{Server, Step, response};
use support::intake::{CHECK_RUN, Intake, Reply, SERIES, VALIDATE};
use support::program::{Finished, Folder, Running, free_address, retriever, retriever_beside};

const TEXT: &str = "Content-Type: text/plain; version=0.0.4\r\n";

// --- Targets ----------------------------------------------------------------------------------------------------------

/// A target that does harm, and what has to be said of it.
struct Bad {
    name: &'static str,
    endpoint: String,
    words: &'static [&'static str],
}

async fn doing(name: &'static str, words: &'static [&'static str], steps: fn() -> Vec<Step>) -> Bad {
    let server = Server::start(move |_| steps()).await;
    Bad { name, endpoint: server.url("/metrics"), words }
}

fn head(headers: &str) -> Step {
    Step::Send(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into())
}

/// The limits and times of all bad targets. The time is for the one that hangs, and for a machine that is busy.
const LIMITS: &str = "    timeout: 2
    body_size_limit: 200000
    wire_size_limit: 100000
    line_size_limit: 1000
";

async fn bad_targets() -> Vec<Bad> {
    let refused = &["the connection was refused", "check that the target runs"];
    let html = "<!DOCTYPE html>\n<html><head><title>Log in</title></head>\n<body><form></form></body></html>\n";
    let page = Server::with(response("Content-Type: text/html\r\n", html)).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&b"# nothing\n".repeat(1 << 20)).unwrap();
    let bomb = Server::with(response("Content-Encoding: gzip\r\n", gzip.finish().unwrap())).await;
    vec![
        Bad { name: "refuses", endpoint: format!("http://{}/metrics", free_address()), words: refused },
        doing("hangs", &["no response came within 2s", "`read_timeout`"], || vec![Step::Hang]).await,
        doing("closes", &["closed the connection before it answered"], || vec![Step::Close]).await,
        Bad { name: "HTML", endpoint: page.url("/metrics"), words: &["an HTML or XML page", "check the URL"] },
        doing("truncates", &["the body broke off after 5 bytes"], || {
            vec![head("Content-Length: 1000\r\n"), Step::Send(b"up 1\n".to_vec()), Step::Close]
        })
        .await,
        doing("never ends", &["larger than 100000 bytes", "`wire_size_limit`"], || {
            vec![head(TEXT), Step::Repeat(b"# nothing, again and again\n".repeat(100), Duration::ZERO)]
        })
        .await,
        doing("endless garbage", &["some other text, not an exposition", "check the URL"], || {
            vec![head(TEXT), Step::Repeat(b"~~~ garbage\n".repeat(100), Duration::ZERO)]
        })
        .await,
        doing("binary", &["binary data, not an exposition", "check the URL"], || {
            let noise = (0..20_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            vec![Step::Send([b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n".to_vec(), noise].concat())]
        })
        .await,
        doing("an endless line", &["larger than 100000 bytes", "`wire_size_limit`"], || {
            vec![head(TEXT), Step::Repeat(b"x".repeat(1000), Duration::ZERO)]
        })
        .await,
        Bad {
            name: "a bomb",
            endpoint: bomb.url("/metrics"),
            words: &["larger than 200000 bytes after decompression", "`body_size_limit`"],
        },
    ]
}

#[tokio::test]
async fn a_bad_target_is_one_clear_message_of_check() {
    for Bad { name, endpoint, words } in bad_targets().await {
        let settings = format!("instances:\n  - openmetrics_endpoint: {endpoint}\n    metrics: ['.+']\n{LIMITS}");
        let (_folder, settings) = Folder::with_settings(&settings);
        let args = ["check", &settings, "--format", "json"].map(ToOwned::to_owned).to_vec();
        let finished = retriever_beside(args).await;
        finished.assert_code(1);
        assert_eq!(finished.stderr.lines().count(), 1, "{name}: {finished}");
        for words in words.iter().copied().chain([endpoint.as_str()]) {
            assert!(finished.stderr.contains(words), "{name}: `{words}` is missing: {finished}");
        }
        let instance = &finished.json()["instances"][0];
        assert!(instance["scrapes"][0]["error"].as_str().unwrap().contains(words[0]), "{name}: {finished}");
    }
}

#[tokio::test]
async fn bad_targets_keep_no_other_from_being_scraped() {
    let good = Server::with(response(TEXT, "# TYPE good gauge\ngood 1\n")).await;
    let (intake, bad) = (Intake::start().await, bad_targets().await);
    let mut settings = format!(
        "dd_url: {}
api_key: abc
admin_listen: none
instances:
  - openmetrics_endpoint: {}
    min_collection_interval: 0.1
    metrics: [good]
",
        intake.url(),
        good.url("/metrics")
    );
    for Bad { endpoint, .. } in &bad {
        settings.extend(["  - openmetrics_endpoint: ", endpoint, "\n    min_collection_interval: 0.2\n", LIMITS]);
    }
    let mut running = Running::start(&settings, &[]);
    // The schedule has its own word on one that takes longer than its interval.
    let downs = |stderr: &str| stderr.lines().filter(|line| line.contains("the target is down: ")).count();
    let deadline = Instant::now() + Duration::from_secs(40);
    while downs(&running.stderr()) < bad.len() {
        assert!(Instant::now() < deadline, "{}", running.stderr());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // They hold nobody up.
    running.until("scrapes beside the bad ones", || good.requests().len() >= 5).await;
    // Meanwhile every bad one is scraped again, and not a word is said of it.
    let scrapes = good.requests().len();
    running.until("more scrapes", || good.requests().len() > scrapes + 5).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    for Bad { name, endpoint, words } in &bad {
        let lines = finished.stderr.lines().filter(|line| line.contains(&format!("endpoint={endpoint}")));
        // The schedule has its own word on one that takes longer than its interval.
        let downs: Vec<&str> = lines.filter(|line| !line.contains("takes longer than its interval")).collect();
        assert_eq!(downs.len(), 1, "{name}: {finished}");
        assert!(downs[0].contains("the target is down: "), "{name}: {downs:?}");
        assert!(words.iter().all(|words| downs[0].contains(words)), "{name}: {downs:?}");
    }
    let delivered = intake.series().iter().filter(|series| series.metric == "good").count();
    assert_eq!(delivered, good.requests().len(), "{finished}");
}

// --- The intake -------------------------------------------------------------------------------------------------------

/// A target and an intake that both answer, and settings that join them. A request to the intake has half a second.
async fn joined() -> (Server, Intake, String) {
    let target = Server::with(response(TEXT, "# TYPE good gauge\ngood 1\n")).await;
    let intake = Intake::start().await;
    let settings = settings(&target, intake.url());
    (target, intake, settings)
}

fn settings(target: &Server, intake: &str) -> String {
    format!(
        "dd_url: {intake}
api_key: 0123456789abcdef
forwarder_timeout: 0.5
admin_listen: none
instances:
  - openmetrics_endpoint: {}
    min_collection_interval: 0.2
    metrics: [good]
",
        target.url("/metrics")
    )
}

fn delivered(intake: &Intake) -> usize {
    intake.series().iter().filter(|series| series.metric == "good").map(|series| series.points.len()).sum()
}

/// Runs with an intake that has this trouble until a payload of points and one of checks failed; puts it right, and
/// sees that everything arrives that was ever scraped.
async fn everything_arrives_in_the_end(reply: Reply, wait: bool, words: &str) -> Finished {
    let (target, intake, settings) = joined().await;
    for path in [SERIES, CHECK_RUN] {
        intake.answer(path, reply);
    }
    let mut running = Running::start(&settings, &[]);
    running.until_said(words).await;
    let failed = || [SERIES, CHECK_RUN].iter().all(|path| !intake.received(path).is_empty());
    running.until("payloads of both kinds", failed).await;
    assert_eq!(running.said(words), 1, "{}", running.stderr());
    for path in [SERIES, CHECK_RUN] {
        intake.answer(path, Reply::Accept);
    }
    if wait {
        running.until_said("accepts payloads again").await;
    }
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(finished.stderr.contains("stopped; everything was delivered"), "{finished}");
    assert_eq!(delivered(&intake), target.requests().len(), "{finished}");
    assert_eq!(intake.service_checks().len(), target.requests().len());
    assert_eq!(finished.stderr.matches(words).count(), 1, "{finished}");
    assert_eq!(finished.stderr.matches("accepts payloads again").count(), 1, "{finished}");
    finished
}

#[tokio::test]
async fn an_intake_that_recovers_gets_everything() {
    let key = "the API key is not valid there: compare `api_key` and `site`";
    let (failing, _, _, _, unknown) = tokio::join!(
        everything_arrives_in_the_end(Reply::Status(500), true, "500 Internal Server Error"),
        everything_arrives_in_the_end(Reply::RetryAfter(1), true, "429 Too Many Requests"),
        everything_arrives_in_the_end(Reply::Hang, true, "no answer within 0.5 s"),
        everything_arrives_in_the_end(Reply::Close, true, "connection closed before message completed"),
        // After a refusal it waits for longer than a test can; the end is another occasion to try again.
        everything_arrives_in_the_end(Reply::Status(403), false, key),
    );
    assert!(failing.stderr.contains("the test says 500; it will be tried again"), "{failing}");
    assert!(!unknown.stderr.contains("0123456789abcdef"), "{unknown}");
}

#[tokio::test]
async fn a_wrong_key_is_named_at_the_start() {
    let (_target, intake, settings) = joined().await;
    intake.answer(VALIDATE, Reply::Status(403));
    let mut running = Running::start(&settings, &[]);
    running.until_said("does not know the API key: compare `api_key` and `site`").await;
    running.stop().await.assert_code(0);
}

/// Runs with an intake that refuses payloads with this status until one more came after the message; what comes after
/// it was put right arrives.
async fn refused_payloads(status: u16, words: &str) {
    let (_target, intake, settings) = joined().await;
    intake.answer(SERIES, Reply::Status(status));
    let mut running = Running::start(&settings, &[]);
    running.until_said(words).await;
    let seen = intake.received(SERIES).len();
    running.until("another payload", || intake.received(SERIES).len() > seen).await;
    intake.answer(SERIES, Reply::Accept);
    running.until("what comes after that", || delivered(&intake) > 0).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert_eq!(finished.stderr.matches(words).count(), 1, "{finished}");
}

#[tokio::test]
async fn an_intake_that_takes_nothing_it_is_given() {
    tokio::join!(
        refused_payloads(400, "as malformed (400): the test says 400"),
        refused_payloads(413, "takes not even a single point (413)")
    );
}

#[tokio::test]
async fn an_intake_that_takes_less_at_a_time() {
    let noise = |number: u64| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let samples: Vec<String> = (0..50).map(|number| format!("good{{a=\"{:x}\"}} 1\n", noise(number))).collect();
    let target = Server::with(response(TEXT, "# TYPE good gauge\n".to_owned() + &samples.concat())).await;
    let intake = Intake::start().await;
    intake.answer(SERIES, Reply::AcceptUpTo(600));
    let mut running = Running::start(&settings(&target, intake.url()), &[]);
    running.until("payloads that were split", || delivered(&intake) > 0).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(intake.received(SERIES).iter().any(|request| !request.accepted), "one was too large");
    assert_eq!(delivered(&intake), 50 * target.requests().len(), "{finished}");
}

#[tokio::test]
async fn an_intake_that_is_not_there_does_not_keep_it_from_ending() {
    let target = Server::with(response(TEXT, "# TYPE good gauge\ngood 1\n")).await;
    let intake = format!("http://{}", free_address());
    let mut running = Running::start(&settings(&target, &intake), &[]);
    running.until_said("it will be tried again").await;
    let asked = Instant::now();
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(asked.elapsed() < Duration::from_secs(14), "ten seconds and a little more: {:?}", asked.elapsed());
    assert!(finished.stderr.contains("what could not be delivered in time is lost given_up="), "{finished}");
    assert_eq!(finished.stderr.matches("it will be tried again").count(), 1, "{finished}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (target, intake, settings) = joined().await;
    for path in [SERIES, CHECK_RUN] {
        intake.answer(path, Reply::Hang);
    }
    // Nothing but the second signal would end the request that hangs.
    let mut running = Running::start(&settings.replace("forwarder_timeout: 0.5", "forwarder_timeout: 60"), &[]);
    running.until("a scrape", || !target.requests().is_empty()).await;
    running.terminate();
    running.until_said("stopping").await;
    running.until("the last payload", || !intake.received(SERIES).is_empty()).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(finished.stderr.contains("stopped by a second signal"), "{finished}");
}

#[tokio::test]
async fn an_agent_that_is_not_there() {
    let folder = Folder::new();
    let target = Server::with(response(TEXT, "# TYPE good gauge\ngood 1\n")).await;
    let socket = folder.path("dsd.socket");
    let settings = settings(&target, "http://unused")
        .replace("api_key: 0123456789abcdef", &{ format!("dogstatsd_url: unix://{}", socket.display()) });
    let mut running = Running::start(&settings, &[]);
    running.until_said("is an Agent listening there?").await;
    running.until("more scrapes", || target.requests().len() > 4).await;
    let agent = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let mut buffer = [0; 10_000];
    let length = agent.recv(&mut buffer).await.unwrap();
    assert!(buffer[..length].starts_with(b"good:1|g|T"));
    running.until_said("takes packets again").await;
    let finished = running.stop().await;
    drop(agent);
    finished.assert_code(0);
    assert_eq!(finished.stderr.matches("cannot be reached").count(), 1, "{finished}");
}

// --- Disks and ports --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_partial_is_left() {
    let body = "# TYPE a gauge\n".to_owned() + &"a 1\n".repeat(50_000);
    let target = Server::with(response(TEXT, body)).await;
    let folder = Folder::new();
    // The small file system is seen, and lives, in a name space of this process alone.
    let script = "mount -t tmpfs -o size=64k none \"$1\" || exit 99
        \"$2\" record \"$3\" \"$1/fixture\"; code=$?
        echo \"left: $(ls -A \"$1\" | tr '\\n' ' ')\"
        exit $code";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path(""));
    command.args([env!("CARGO_BIN_EXE_retriever"), &target.url("/metrics")]);
    let Ok(output) = tokio::task::spawn_blocking(move || command.output()).await.unwrap() else {
        eprintln!("skipped: `unshare` is not installed");
        return;
    };
    let (out, talk) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if output.status.code() == Some(99) || talk.contains("unshare") {
        eprintln!("skipped: a small file system cannot be mounted: {talk}");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{out}{talk}");
    assert!(talk.contains("1.http` cannot be written: No space left on device"), "{talk}");
    assert_eq!((talk.lines().count(), out.as_str()), (1, "left: \n"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said() {
    let target = Server::with(response(TEXT, "a 1\n")).await;
    let folder = Folder::new();
    let beneath_a_file = folder.write("file", "") + "/fixture";
    let args = ["record", &target.url("/metrics"), &beneath_a_file].map(ToOwned::to_owned).to_vec();
    let finished = retriever_beside(args).await;
    finished.assert_code(2);
    assert!(finished.stderr.starts_with(&format!("`{beneath_a_file}` cannot be written: ")), "{finished}");
    assert_eq!((finished.stderr.lines().count(), finished.stdout.as_str()), (1, ""));
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_bad_target_leaves_no_recording() {
    for Bad { name, endpoint, .. } in
        bad_targets().await.into_iter().filter(|bad| ["refuses", "closes", "truncates"].contains(&bad.name))
    {
        let folder = Folder::new();
        let fixture = folder.path("fixture");
        let args = ["record", &endpoint, &fixture.display().to_string()].map(ToOwned::to_owned).to_vec();
        let finished = retriever_beside(args).await;
        finished.assert_code(1);
        assert!(finished.stderr.starts_with(&endpoint), "{name}: {finished}");
        assert_eq!((finished.stderr.lines().count(), finished.stdout.as_str()), (1, ""), "{name}: {finished}");
        // A body that breaks off leaves the settings at most: neither a scrape nor the beginning of one.
        let left = std::fs::read_dir(&fixture).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| name == "check.yaml"), "{name}");
    }
}

#[test]
fn a_port_that_is_taken_is_said_with_the_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let settings = format!("admin_listen: {address}\ninstances: [{{openmetrics_endpoint: 'http://127.0.0.1:1'}}]\n");
    let (_folder, path) = Folder::with_settings(&settings);
    let finished = retriever(["run", &path]);
    finished.assert_code(2);
    let said: Vec<&str> = finished.stderr.lines().filter(|line| line.contains("`admin_listen`")).collect();
    assert_eq!(said.len(), 1, "{finished}");
    assert!(said[0].contains(&format!("cannot listen on `{address}`")), "{finished}");
    assert_eq!(finished.stdout, "");
}
