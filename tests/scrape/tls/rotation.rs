//! Files that change while Retriever runs. The clock is moved, so that nothing waits.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use retriever::config::HttpSettings;
use retriever::scrape::Client;

use super::{Identity, Issuer, Terminator, authority_with, identity, trusting, write};
use crate::server::{Server, response};
use crate::{client, endpoint, read};

/// After this long the files are looked at again.
const INTERVAL: Duration = Duration::from_secs(5);

async fn scrape(client: &Client, url: &str) -> Result<String, String> {
    let mut response = client.fetch(&endpoint(url)).await.map_err(|error| error.to_string())?;
    let body = read(&mut response.body).await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(body).unwrap())
}

/// What an endpoint that is reached exposes.
const UP: &str = "up 1\n";

/// Moves the clock, without timers that go off early because nothing else happens.
async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn behind(terminator: Terminator, plain: &Server) -> String {
    format!("https://localhost:{}/", terminator.start(plain.address).port())
}

/// Certificate and key of a client.
fn own(directory: &Path, own: &Identity) {
    write(directory, "cert.pem", &own.cert.pem());
    write(directory, "key.pem", &own.key.serialize_pem());
}

#[tokio::test]
async fn a_new_ca_is_trusted_and_the_old_no_more() {
    let plain = Server::with(response("", UP)).await;
    let (old, new) = (authority_with("old", |_| {}), authority_with("new", |_| {}));
    let of = |issuer: &Issuer| behind(Terminator::new(identity(issuer, "localhost", |_| {})), &plain);
    let (at_old, at_new) = (of(&old), of(&new));
    let directory = tempfile::tempdir().unwrap();
    let ca = write(directory.path(), "ca.pem", &old.pem());
    let client = client(&trusting(&ca));
    assert_eq!(scrape(&client, &at_old).await.unwrap(), UP);
    assert!(scrape(&client, &at_new).await.unwrap_err().contains("`CN=new`"));

    write(directory.path(), "ca.pem", &new.pem());
    later(INTERVAL / 2).await;
    // Not looked at yet; the connection to the old one is kept.
    assert!(scrape(&client, &at_new).await.is_err());
    assert_eq!(scrape(&client, &at_old).await.unwrap(), UP);
    later(INTERVAL).await;
    assert_eq!(scrape(&client, &at_new).await.unwrap(), UP);
    assert!(scrape(&client, &at_old).await.unwrap_err().contains("`CN=old`"));
}

#[tokio::test]
async fn a_new_client_certificate_is_shown_over_a_new_connection() {
    let plain = Server::with(response("", UP)).await;
    let issuer = authority_with("issuer", |_| {});
    let mut terminator = Terminator::new(identity(&issuer, "localhost", |_| {}));
    terminator.client_ca = Some(issuer.der().to_vec());
    let shown = Arc::clone(&terminator.shown);
    let url = behind(terminator, &plain);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (first, second) = (identity(&issuer, "client", |_| {}), identity(&issuer, "client", |_| {}));
    own(directory, &first);
    let mut settings = trusting(&write(directory, "ca.pem", &issuer.pem()));
    settings.tls.cert = Some(directory.join("cert.pem"));
    settings.tls.private_key = Some(directory.join("key.pem"));
    let client = client(&settings);
    for _ in 0..3 {
        assert_eq!(scrape(&client, &url).await.unwrap(), UP);
        later(INTERVAL).await;
    }

    // Half of the change: certificate and key do not fit. The old ones serve on, over the old connection.
    write(directory, "cert.pem", &second.cert.pem());
    assert_eq!(scrape(&client, &url).await.unwrap(), UP);
    later(INTERVAL).await;
    // A file that is gone for a moment.
    std::fs::remove_file(directory.join("key.pem")).unwrap();
    assert_eq!(scrape(&client, &url).await.unwrap(), UP);
    later(INTERVAL).await;
    assert_eq!(*shown.lock().unwrap(), [first.cert.der().clone()]);

    own(directory, &second);
    assert_eq!(scrape(&client, &url).await.unwrap(), UP);
    assert_eq!(*shown.lock().unwrap(), [first.cert.der().clone(), second.cert.der().clone()]);
    assert_eq!(plain.connections(), [0, 0, 0, 0, 0, 1]);
}

/// Kubernetes keeps the files of a secret in a folder of their own, and swaps a link to it.
#[tokio::test]
async fn a_link_that_is_swapped_is_noticed() {
    let plain = Server::with(response("", UP)).await;
    let (old, new) = (authority_with("old", |_| {}), authority_with("new", |_| {}));
    let at_new = behind(Terminator::new(identity(&new, "localhost", |_| {})), &plain);
    let mount = tempfile::tempdir().unwrap();
    let mount = mount.path();
    for (folder, issuer) in [("..1", &old), ("..2", &new)] {
        std::fs::create_dir(mount.join(folder)).unwrap();
        write(&mount.join(folder), "ca.crt", &issuer.pem());
    }
    symlink("..1", mount.join("..data")).unwrap();
    symlink("..data/ca.crt", mount.join("ca.crt")).unwrap();
    // Named as a file, and as the folder that is mounted.
    let clients = [client(&trusting(&mount.join("ca.crt"))), client(&trusting(mount))];
    for client in &clients {
        assert!(scrape(client, &at_new).await.unwrap_err().contains("`CN=new`"));
    }
    symlink("..2", mount.join("..data_tmp")).unwrap();
    std::fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    later(INTERVAL).await;
    for client in &clients {
        assert_eq!(scrape(client, &at_new).await.unwrap(), UP);
    }
}

#[tokio::test]
async fn files_of_a_folder_come_and_go() {
    let plain = Server::with(response("", UP)).await;
    let (one, two) = (authority_with("one", |_| {}), authority_with("two", |_| {}));
    let at_two = behind(Terminator::new(identity(&two, "localhost", |_| {})), &plain);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "one.pem", &one.pem());
    let client = client(&trusting(directory.path()));
    assert!(scrape(&client, &at_two).await.is_err());
    write(directory.path(), "two.pem", &two.pem());
    later(INTERVAL).await;
    assert_eq!(scrape(&client, &at_two).await.unwrap(), UP);
    std::fs::remove_file(directory.path().join("two.pem")).unwrap();
    later(INTERVAL).await;
    assert!(scrape(&client, &at_two).await.is_err());
}

#[tokio::test]
async fn clients_with_the_same_settings_learn_of_a_change_together() {
    let plain = Server::with(response("", UP)).await;
    let (old, new) = (authority_with("old", |_| {}), authority_with("new", |_| {}));
    let at_new = behind(Terminator::new(identity(&new, "localhost", |_| {})), &plain);
    let directory = tempfile::tempdir().unwrap();
    let settings = trusting(&write(directory.path(), "ca.pem", &old.pem()));
    let (one, other) = (client(&settings), client(&settings));
    assert!(scrape(&one, &at_new).await.is_err());
    write(directory.path(), "ca.pem", &new.pem());
    later(INTERVAL).await;
    assert_eq!(scrape(&one, &at_new).await.unwrap(), UP);
    assert_eq!(scrape(&other, &at_new).await.unwrap(), UP);
}

#[tokio::test]
async fn a_new_ca_counts_for_proxies_too() {
    let plain = Server::with(response("", UP)).await;
    let (old, new) = (authority_with("old", |_| {}), authority_with("new", |_| {}));
    let proxy = behind(Terminator::new(identity(&new, "localhost", |_| {})), &plain);
    let directory = tempfile::tempdir().unwrap();
    let ca = write(directory.path(), "ca.pem", &old.pem());
    let through = crate::proxy_choice::settings(&format!("proxy: {{http: '{proxy}'}}"), &[]).proxy;
    let client = client(&HttpSettings { proxy: through, ..trusting(&ca) });
    assert!(scrape(&client, "http://a.example/").await.unwrap_err().contains("`CN=new`"));
    write(directory.path(), "ca.pem", &new.pem());
    later(INTERVAL).await;
    assert_eq!(scrape(&client, "http://a.example/").await.unwrap(), UP);
}
