//! Ways through proxies that others wrote: tinyproxy for HTTP, microsocks for SOCKS5.

use crate::daemon::start;
use crate::program::{Folder, free_address};
use crate::proxy_choice::settings;
use crate::server::{Server, response};
use crate::tls::{Terminator, authority, identity};
use crate::{assert_failure, failure, scrape};

/// A target, and the port at which the same target is behind TLS for `localhost`.
async fn targets() -> (Server, u16) {
    let plain = Server::with(response("", "up 1\n")).await;
    let issuer = authority();
    let address = Terminator::new(identity(&issuer, "localhost", |_| {})).start(plain.address);
    (plain, address.port())
}

fn through(proxy: &str) -> retriever::config::HttpSettings {
    let mut settings = settings(&format!("proxy: {{http: '{proxy}', https: '{proxy}'}}"), &[]);
    settings.tls.verify = false;
    settings
}

#[tokio::test]
async fn tinyproxy_forwards_and_tunnels() {
    let (plain, tls_port) = targets().await;
    let (folder, address) = (Folder::new(), free_address());
    let config = folder.write(
        "tinyproxy.conf",
        format!(
            "Port {}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth bob hunter2\nConnectPort {tls_port}\n",
            address.port()
        ),
    );
    let Some(_daemon) = start("tinyproxy", &["-d", "-c", &config], address).await else { return };
    let welcome = through(&format!("http://bob:hunter2@{address}"));
    for _ in 0..2 {
        assert_eq!(scrape(&welcome, &plain.url("/metrics?a=b")).await.unwrap().1, "up 1\n");
        assert_eq!(scrape(&welcome, &format!("https://127.0.0.1:{tls_port}/")).await.unwrap().1, "up 1\n");
    }
    let forwarded = &plain.requests()[0];
    assert!(forwarded.starts_with("GET /metrics?a=b HTTP/1.") && forwarded.contains("\r\nVia: "), "{forwarded}");
    assert!(!forwarded.contains("Proxy-Authorization"), "{forwarded}");

    let error = failure(&welcome, "https://127.0.0.1:1/").await;
    assert_failure(&error, "proxy", "status 403 Forbidden; its policy forbids this host or port", true);
    let url = format!("https://127.0.0.1:{tls_port}/");
    let error = failure(&through(&format!("http://bob:wrong@{address}")), &url).await;
    assert!(error.to_string().contains("does not accept the user name and password"), "{error}");
    let error = failure(&through(&format!("http://{address}")), &url).await;
    assert_failure(&error, "proxy", "it wants user name and password", true);
    let (answer, _) = scrape(&through(&format!("http://{address}")), &plain.url("/")).await.unwrap();
    assert_eq!(answer.head.status, 407);
}

#[tokio::test]
async fn microsocks_leads_to_names_and_addresses() {
    let (plain, tls_port) = targets().await;
    let address = free_address();
    let port = address.port().to_string();
    let args = ["-i", "127.0.0.1", "-p", &port, "-u", "bob", "-P", "hunter2"];
    let Some(_daemon) = start("microsocks", &args, address).await else { return };
    let by_name = format!("http://localhost:{}/", plain.address.port());
    for scheme in ["socks5", "socks5h"] {
        let welcome = through(&format!("{scheme}://bob:hunter2@{address}"));
        for url in [plain.url("/"), by_name.clone(), format!("https://localhost:{tls_port}/")] {
            assert_eq!(scrape(&welcome, &url).await.unwrap().1, "up 1\n", "{scheme} {url}");
        }
        let closed = format!("http://{}/", free_address());
        assert_failure(&failure(&welcome, &closed).await, "proxy", "was refused by the target", true);
        let error = failure(&through(&format!("{scheme}://bob:wrong@{address}")), &by_name).await;
        assert_failure(&error, "proxy", "does not accept the user name and password", true);
        let error = failure(&through(&format!("{scheme}://{address}")), &by_name).await;
        assert_failure(&error, "proxy", "wants another way to log in", true);
    }
}
