//! The host of what names none: that of the submitter, or with `empty_default_hostname` none at all, wherever it goes.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retriever::aggregate::PointKind;
use retriever::config::{DogstatsdAddress, Enrichment, Output, OutputFormat};
use retriever::map::Status;
use retriever::submit::{Console, Delivery, Submitter};
use serde_json::Value;
use server::{Server, response};
use support::deliveries::{delivery, gauge, point, service_check, sketch};
use support::intake::Intake;
use support::program::Running;
use tokio::net::UdpSocket;

fn enrichment() -> Enrichment {
    Enrichment { hostname: "here".into(), tags: Vec::new(), ..Enrichment::default() }
}

/// A gauge without host and one with, and with them a distribution and a check without.
fn hostless() -> Delivery<'static> {
    let points = vec![gauge("app.own", 1.0), point(PointKind::Gauge, "app.foreign", 2.0, &[], "there")];
    let mut delivery =
        delivery(points, vec![sketch("app.latency", &[1.0])], vec![service_check("app.health", Status::Ok)]);
    delivery.default_host = false;
    delivery
}

#[tokio::test]
async fn an_agent_is_told_that_there_is_no_host() {
    let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = agent.local_addr().unwrap().port();
    let address = DogstatsdAddress::Udp { host: "localhost".into(), port };
    let submitter = Submitter::start(&Output::Dogstatsd(address.into()), enrichment()).unwrap();
    submitter.submit(&hostless()).unwrap();
    let mut buffer = [0; 2048];
    let received = tokio::time::timeout(Duration::from_secs(10), agent.recv(&mut buffer)).await.unwrap().unwrap();
    let text = String::from_utf8(buffer[..received].to_vec()).unwrap();
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines.len(), 4, "{text}");
    // Without it the Agent would fill in its own.
    assert!(lines[0].starts_with("app.own:1|g|") && lines[0].ends_with("|#host:"), "{text}");
    assert!(lines[1].starts_with("app.foreign:2|g|") && lines[1].ends_with("|#host:there"), "{text}");
    assert!(lines[2].starts_with("app.latency:1|d") && lines[2].ends_with("|#kind:sketch,host:"), "{text}");
    assert!(lines[3].starts_with("_sc|app.health|0|") && lines[3].contains("|h:|"), "{text}");
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_shows_no_host() {
    let shown = async |format| {
        let page = Page::default();
        let submitter = Submitter::console(Console::new(page.clone(), format), enrichment()).unwrap();
        submitter.submit(&hostless()).unwrap();
        assert_eq!(submitter.drain(Duration::from_secs(10)).await.given_up, 0);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    };
    let text = shown(OutputFormat::Text).await;
    assert!(!text.contains("host=here"), "{text}");
    assert_eq!(text.matches("host=there").count(), 1, "{text}");
    let json = shown(OutputFormat::Json).await;
    let hosts: Vec<String> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["host"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(hosts, ["", "there", "", ""]);
}

/// From the settings to the API: one instance with the option and one without.
#[tokio::test]
async fn instances_say_whether_they_have_a_default_host() {
    let body = "# TYPE load gauge\nload 1\nload{node=\"n\"} 2\n";
    let target = Server::with(response("Content-Type: text/plain\r\n", body)).await;
    let intake = Intake::start().await;
    let instance = |namespace: &str, more: &str| {
        format!(
            "  - openmetrics_endpoint: {}\n    namespace: {namespace}\n    metrics: [load]\n    hostname_label: node\n    \
             min_collection_interval: 1\n{more}",
            target.url("/metrics")
        )
    };
    let settings = format!(
        "dd_url: {}\nadmin_listen: none\ninstances:\n{}{}",
        intake.url(),
        instance("with", ""),
        instance("without", "    empty_default_hostname: true\n")
    );
    let variables = [("DD_API_KEY", "0123456789abcdef0123456789abcdef"), ("DD_HOSTNAME", "scraper-1")];
    let mut running = Running::start(&settings, &variables);
    let complete = || {
        let series = intake.series();
        let checks = intake.service_checks();
        ["with", "without"].iter().all(|namespace| {
            series.iter().filter(|series| series.metric == format!("{namespace}.load")).count() >= 2
                && checks.iter().any(|check| check["check"] == format!("{namespace}.openmetrics.health"))
        })
    };
    running.until("both have been sent", complete).await;
    running.stop().await.assert_code(0);
    let hosts = |namespace: &str| {
        let series = intake.series().into_iter().filter(|series| series.metric == format!("{namespace}.load"));
        let host = |series: &support::proto::MetricSeries| {
            let host = series.resources.iter().find(|resource| resource.r#type == "host");
            host.map_or_else(String::new, |resource| resource.name.clone())
        };
        let mut hosts: Vec<String> = series.map(|series| host(&series)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    };
    assert_eq!(hosts("with"), ["n", "scraper-1"]);
    assert_eq!(hosts("without"), ["", "n"]);
    for check in intake.service_checks() {
        let expected = if check["check"] == "with.openmetrics.health" { "scraper-1" } else { "" };
        assert_eq!(check["host_name"].as_str().unwrap_or_default(), expected, "{check}");
    }
}
