//! The way to where metrics go.

use std::os::unix::net::UnixDatagram;

use crate::server::Server;
use crate::support::intake::{Intake, Reply, VALIDATE};
use crate::support::program::{Finished, free_address};
use crate::{Place, healthy, steps_of};

/// Two keys of the right form, none of which is known anywhere.
const KEY: &str = "0123456789abcdef0123456789abcdef";
const APPLICATION_KEY: &str = "0123456789abcdef0123456789abcdef01234567";

async fn place(top: &str) -> (Place, Server) {
    let server = Server::with(healthy()).await;
    (Place::with(&server.url("/metrics"), "", top), server)
}

/// The way of the settings, and that no key is shown.
async fn way(top: &str, code: i32) -> serde_json::Value {
    let (place, _server) = place(top).await;
    way_of(&place, code).await
}

/// The same, with a target that has no proxy.
async fn way_through(top: &str, code: i32) -> serde_json::Value {
    let server = Server::with(healthy()).await;
    way_of(&Place::with(&server.url("/metrics"), "skip_proxy: true", top), code).await
}

async fn way_of(place: &Place, code: i32) -> serde_json::Value {
    let text = place.run(&["conf.yaml"]).await;
    let json = place.run(&["conf.yaml", "--format", "json"]).await;
    let silent = |finished: &Finished| assert!(!finished.to_string().contains(&KEY[..16]), "{finished}");
    silent(&text);
    silent(&json);
    json.assert_code(code).json()["delivery"].clone()
}

#[tokio::test]
async fn keys() {
    let intake = Intake::start().await;
    let top = format!("api_key: {KEY}\ndd_url: {}", intake.url());
    let (valid, _server) = place(&top).await;
    valid.compare("key_valid", 0).await;
    intake.answer(VALIDATE, Reply::Status(403));
    valid.compare("key_invalid", 1).await;
    let way_of_other = way(&top.replace(KEY, APPLICATION_KEY), 1).await;
    let advice = steps_of(&way_of_other, "key")["advice"].to_string();
    assert!(advice.contains("as application keys have"), "{advice}");
    intake.answer(VALIDATE, Reply::Status(503));
    let key = steps_of(&way(&top, 1).await, "key");
    assert!(key["advice"][0].as_str().unwrap().starts_with("that says nothing about the key"), "{key}");
    intake.answer(VALIDATE, Reply::Status(404));
    let key = steps_of(&way(&top, 1).await, "key");
    assert!(key["advice"][0].as_str().unwrap().contains("is not Datadog's API"), "{key}");
    intake.answer(VALIDATE, Reply::Close);
    assert_eq!(steps_of(&way(&top, 1).await, "connection")["outcome"], "fine");
}

#[tokio::test]
async fn intakes_out_of_reach() {
    let (refused, _server) = place(&format!("api_key: {KEY}\ndd_url: http://{}", free_address())).await;
    refused.compare("intake_refused", 1).await;
    let (unknown, _server) = place(&format!("api_key: {KEY}\nsite: datadoghq.invalid")).await;
    unknown.compare("intake_name", 1).await;
    let target = Server::with("no TLS here\r\n").await;
    let tls = way(&format!("api_key: {KEY}\ndd_url: https://{}\nforwarder_timeout: 0.5", target.address), 1).await;
    // A machine without CA certificates cannot even begin.
    let failed = tls["first_failure"].as_str().unwrap();
    assert!(matches!(failed, "tls" | "destination"), "{tls}");
}

#[tokio::test]
async fn proxies_of_deliveries() {
    let intake = Intake::start().await;
    let behind = intake.url().strip_prefix("http://").unwrap().parse().unwrap();
    let socks = crate::proxy_servers::Socks::open(behind).start().await.0;
    let server = Server::with(healthy()).await;
    let top = format!("api_key: {KEY}\ndd_url: http://intake.example\nproxy: {{http: 'socks5h://{socks}'}}");
    Place::with(&server.url("/metrics"), "skip_proxy: true", &top).compare("intake_proxy", 0).await;
    let top =
        format!("api_key: {KEY}\ndd_url: {}\nproxy: {{http: 'http://p.invalid', no_proxy: [127.0.0.1]}}", intake.url());
    let excepted = way_through(&top, 0).await;
    let proxy = steps_of(&excepted, "proxy");
    assert_eq!(proxy["text"], "none: `no_proxy` covers this host", "{proxy}");
    let (closed, _) = crate::proxy_servers::connect_proxy("HTTP/1.1 407 No\r\n\r\n", free_address()).await;
    let top =
        format!("api_key: {KEY}\ndd_url: https://intake.example\nproxy: {{https: 'http://bob:hunter2@{closed}'}}");
    let refused = way_through(&top, 1).await;
    assert_eq!(refused["first_failure"], "tunnel", "{refused}");
    let tunnel = steps_of(&refused, "tunnel");
    assert!(tunnel["advice"][0].as_str().unwrap().contains("does not accept the user name"), "{tunnel}");
    let unknown = way_through(&format!("api_key: {KEY}\nproxy: {{https: 'http://p.invalid:3128'}}"), 1).await;
    assert_eq!(unknown["first_failure"], "name", "{unknown}");
    let nobody = way_through(&format!("api_key: {KEY}\nproxy: {{https: 'http://{}'}}", free_address()), 1).await;
    assert_eq!(nobody["first_failure"], "connection", "{nobody}");
}

#[tokio::test]
async fn dogstatsd() {
    let (place, _server) = place("").await;
    let rewrite = |top: &str| {
        let settings = std::fs::read_to_string(place.path("conf.yaml")).unwrap();
        let instances = settings.find("instances:").unwrap();
        place.write("conf.yaml", &format!("{top}\n{}", &settings[instances..]));
    };
    rewrite(&format!("dogstatsd_socket: {}", place.path("dsd.sock").display()));
    place.compare("dogstatsd_missing", 1).await;
    let listener = UnixDatagram::bind(place.path("dsd.sock")).unwrap();
    place.compare("dogstatsd", 0).await;
    rewrite(&format!("dogstatsd_url: unixstream://{}", place.path("dsd.sock").display()));
    let document = place.run(&["conf.yaml", "--format", "json"]).await.assert_code(1).json();
    let connection = steps_of(&document["delivery"], "connection").to_string();
    assert!(connection.contains("the socket is of the other kind"), "{connection}");
    drop(listener);

    rewrite(&format!("dogstatsd_url: udp://{}", free_address()));
    place.compare("dogstatsd_nobody", 1).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    rewrite(&format!("dogstatsd_url: udp://{}", socket.local_addr().unwrap()));
    place.compare("dogstatsd_udp", 0).await;
}

#[tokio::test]
async fn several_outputs() {
    let (place, _server) = place("output_file: metrics.json\noutputs: [file, console]").await;
    let rewrite = |file: &str| {
        let path = place.folder.path().join("conf.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<String> = text
            .lines()
            .map(|line| if line.starts_with("output_file") { format!("output_file: {file}") } else { line.to_owned() })
            .collect();
        std::fs::write(path, lines.join("\n")).unwrap();
    };
    let file = place.folder.path().join("metrics.json");
    rewrite(&file.display().to_string());
    place.compare("outputs", 0).await;
    assert!(!file.exists(), "to look changes nothing");
    let document = place.run(&["conf.yaml", "--format", "json"]).await.assert_code(0).json();
    assert_eq!(document["delivery"], document["deliveries"][0]);
    assert_eq!(document["deliveries"][1]["steps"][0]["facts"]["output"], "console");
    rewrite(&place.folder.path().join("missing/metrics.json").display().to_string());
    place.compare("output_missing", 1).await;
}
