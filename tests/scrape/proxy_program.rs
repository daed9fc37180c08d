//! The program itself with proxies: settings in a file, and variables in the environment.

use crate::program::{Finished, Folder, Running, command, free_address};
use crate::server::{Server, response};

const SETTINGS: &str = "instances:\n  - openmetrics_endpoint: http://node.example:9100/metrics\n    metrics: [up]\n";

async fn proxy() -> (Server, String) {
    let server = Server::with(response("Content-Type: text/plain\r\n", "# TYPE up gauge\nup 1\n")).await;
    let url = format!("http://bob:hunter2@{}", server.address);
    (server, url)
}

/// Runs the program with a variable beside the servers of the test.
async fn retriever(args: Vec<String>, variable: (&'static str, String)) -> Finished {
    let mut command = command();
    command.args(args).env(variable.0, variable.1);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let finished = Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!finished.to_string().contains("hunter2"), "{finished}");
    finished
}

#[tokio::test]
async fn check_and_record_use_the_proxy_of_the_environment() {
    let (proxy, url) = proxy().await;
    let (folder, path) = Folder::with_settings(SETTINGS);
    let finished = retriever(vec!["check".into(), path], ("HTTP_PROXY", url.clone())).await;
    assert!(finished.assert_code(0).stdout.contains("up"), "{finished}");
    let fixture = folder.path("fixture").display().to_string();
    let args = vec!["record".into(), "http://other.example/metrics".into(), fixture];
    retriever(args, ("DD_PROXY_HTTP", url)).await.assert_code(0);
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].starts_with("GET http://node.example:9100/metrics HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[1].starts_with("GET http://other.example/metrics HTTP/1.1\r\n"), "{requests:?}");
}

#[tokio::test]
async fn check_names_the_proxy_that_fails() {
    let (_folder, path) = Folder::with_settings(SETTINGS);
    let address = free_address();
    let url = format!("http://bob:hunter2@{address}");
    let finished = retriever(vec!["check".into(), path], ("ALL_PROXY", url)).await;
    let expected = format!("the proxy `http://{address}` (set by the environment variable `ALL_PROXY`) cannot be");
    assert!(finished.assert_code(1).stderr.contains(&expected), "{finished}");
}

#[tokio::test]
async fn validate_and_record_report_a_variable_that_is_no_proxy() {
    let (folder, path) = Folder::with_settings(SETTINGS);
    let faulty = ("http_proxy", "http://bob:hunter2@proxy:port".to_owned());
    let expected = "the environment variable `http_proxy` has no valid port; expected 1 to 65535; correct it";
    let finished = retriever(vec!["validate".into(), path], faulty.clone()).await;
    assert!(finished.assert_code(2).stdout.contains(expected), "{finished}");
    let fixture = folder.path("fixture").display().to_string();
    let finished = retriever(vec!["record".into(), "http://a.example/".into(), fixture], faulty).await;
    assert!(finished.assert_code(2).stderr.contains(expected), "{finished}");
}

#[tokio::test]
async fn run_says_once_which_proxy_a_target_uses() {
    let (proxy, url) = proxy().await;
    let settings = format!("admin_listen: none\nlog_level: debug\n{SETTINGS}    min_collection_interval: 0.1\n");
    let mut running = Running::start(&settings, &[("HTTP_PROXY", &url)]);
    running.until("three scrapes", || proxy.requests().len() >= 3).await;
    let line = format!(
        "`http://node.example:9100/metrics` is reached through the proxy `http://{}` (set by the environment variable \
         `HTTP_PROXY`)",
        proxy.address
    );
    assert_eq!(running.said(&line), 1, "{}", running.stderr());
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(!finished.to_string().contains("hunter2"), "{finished}");
}
