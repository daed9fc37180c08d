//! Whatever fails, secrets are shown nowhere, and go to nobody but whom they are meant for.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper::Method;
use retriever::config::{Config, NoSurroundings};

use super::server as hostile;
use crate::program::{Folder, Running, command};
use crate::server::{Server, Step, redirect, response};

/// The secret, wherever a setting is one.
const SECRET: &str = "hunter2HUNTER2hunter2";

/// What the address of the pages comes behind.
const PAGES: &str = "pages of Retriever itself at http://";

/// The secret as it is, and as part of anything in base64.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let shifted = (0..3).map(|shift| {
        let encoded = STANDARD_NO_PAD.encode([&vec![b'x'; shift][..], SECRET.as_bytes()].concat());
        // Both ends depend on what stands beside it.
        encoded[4..encoded.len() - 4].to_owned()
    });
    [SECRET.to_owned()].into_iter().chain(shifted).collect()
});

fn shows_secret(text: &str) -> bool {
    FORMS.iter().any(|form| text.contains(form))
}

#[track_caller]
fn assert_hidden(what: &str, text: &str) {
    let line = text.lines().find(|line| shows_secret(line));
    assert!(line.is_none(), "{what}: {line:?}");
}

/// A setting that holds a secret.
struct Holder {
    name: &'static str,
    /// Lines of each instance; `FOLDER` stands for where the files are, `NOBODY` for an address at which nobody listens.
    options: &'static str,
    /// How the URL of a target is changed.
    endpoint: fn(&str) -> String,
    global: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// How a target recognizes it, if anything of it gets there.
    sent: Option<&'static str>,
    /// Whether anything is scraped at all.
    is_usable: bool,
}

impl Holder {
    fn of(name: &'static str, options: &'static str, sent: Option<&'static str>) -> Self {
        Self { name, options, endpoint: ToOwned::to_owned, global: "", variables: &[], sent, is_usable: true }
    }
}

fn holders() -> Vec<Holder> {
    let plain = ToOwned::to_owned;
    let basic = Some("Authorization: Basic ");
    vec![
        Holder {
            endpoint: |url| url.replace("://", &format!("://user:{SECRET}@")),
            ..Holder::of("the password of the URL", "", basic)
        },
        Holder {
            endpoint: |url| url.replace("://", &format!("://{SECRET}@")),
            ..Holder::of("the user of the URL", "", basic)
        },
        Holder {
            endpoint: |url| format!("{url}?token={SECRET}"),
            ..Holder::of("a token in the URL", "", Some("?token="))
        },
        Holder::of("a password", "username: user\npassword: SECRET", basic),
        Holder::of("a password for digest", "auth_type: digest\nusername: user\npassword: SECRET", None),
        Holder::of("a password for NTLM", "auth_type: ntlm\nntlm_domain: 'D\\user'\npassword: SECRET", Some("NTLM ")),
        Holder::of("all headers", "headers: {Authorization: Bearer SECRET}", Some("Authorization: Bearer ")),
        Holder::of("one more header", "extra_headers: {X-Own: SECRET, Cookie: a=SECRET}", Some("X-Own: ")),
        Holder::of(
            "the file of a token",
            "auth_token: {reader: {type: file, path: FOLDER/token}, writer: {type: header, name: X-Token}}",
            Some("X-Token: "),
        ),
        Holder::of(
            "the secret of OAuth",
            "auth_token: {reader: {type: oauth, url: 'http://NOBODY/token', client_id: me, client_secret: SECRET}, writer: \
             {type: header, name: X-Token}}",
            None,
        ),
        Holder {
            variables: &[
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", SECRET),
                ("AWS_SESSION_TOKEN", SECRET),
            ],
            ..Holder::of(
                "keys of AWS",
                "auth_type: aws\naws_host: a.example\naws_region: r\naws_service: s",
                Some("Authorization: AWS4-HMAC-SHA256 "),
            )
        },
        Holder { variables: &[("NETRC", "FOLDER/netrc")], ..Holder::of("netrc", "", basic) },
        Holder::of(
            "the URL of a proxy",
            "proxy: {http: 'http://user:SECRET@NOBODY', https: 'socks5://user:SECRET@NOBODY'}",
            None,
        ),
        Holder {
            variables: &[("ALL_PROXY", "http://user:hunter2HUNTER2hunter2@NOBODY")],
            ..Holder::of("the URL of a proxy in the environment", "", None)
        },
        Holder {
            is_usable: false,
            ..Holder::of(
                "the password of a key",
                "tls_cert: FOLDER/cert.pem\ntls_private_key: FOLDER/key.pem\ntls_private_key_password: SECRET",
                None,
            )
        },
        Holder {
            global: "dd_url: http://INTAKE\napi_key: SECRET\n",
            endpoint: plain,
            ..Holder::of("the API key", "", None)
        },
    ]
}

/// Targets, each with a way of its own to fail, and one that redirects go to.
struct Targets {
    urls: Vec<String>,
    servers: Vec<Server>,
    stranger: Server,
    /// It knows no API key at first.
    intake: Server,
    nobody: hostile::Nobody,
}

impl Targets {
    async fn start() -> Self {
        let stranger = Server::with(response("", hostile::GOOD)).await;
        let away = redirect(302, &stranger.url("/away"));
        let ways: Vec<Vec<Step>> = vec![
            vec![Step::Send(response("", hostile::GOOD))],
            vec![Step::Close],
            vec![Step::Hang],
            vec![Step::Send(b"nonsense\r\n".to_vec()), Step::Close],
            vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ngood 1\n".to_vec()), Step::Close],
            vec![Step::Send(response("Content-Type: text/html\r\n", "<html>\n"))],
            vec![Step::Send(challenge("Basic realm=\"r\""))],
            vec![Step::Send(challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth\""))],
            vec![Step::Send(challenge("NTLM TlRMTVNTUAACAAAA"))],
            vec![Step::Send(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec())],
            vec![Step::Send(away)],
            vec![Step::Send(redirect(302, "file:///etc/passwd"))],
            vec![Step::Send(redirect(302, ""))],
        ];
        let mut servers = Vec::new();
        for way in ways {
            let way = std::sync::Arc::new(std::sync::Mutex::new(way));
            servers.push(
                Server::start(move |_| {
                    let again = |step: &Step| match step {
                        Step::Send(bytes) => Step::Send(bytes.clone()),
                        Step::Hang => Step::Hang,
                        Step::Close | Step::Repeat(..) => Step::Close,
                    };
                    way.lock().unwrap().iter().map(again).collect()
                })
                .await,
            );
        }
        let mut urls: Vec<_> = servers.iter().map(|server| server.url("/metrics")).collect();
        let nobody = hostile::Nobody::new();
        urls.push(format!("http://{}/metrics", nobody.address));
        let not_tls = [hostile::Step::Take(10), hostile::Step::Say(b"HTTP/1.1 400 No\r\n\r\n".to_vec())];
        let not_tls = hostile::Server::start(hostile::Under::BeforeTls, not_tls.to_vec());
        urls.push(format!("https://{}/metrics", not_tls.address));
        // Where there is HTTP/2, another library sees the headers, and has a log of its own.
        let http2 = hostile::Server::start(hostile::Under::Tls("h2"), Vec::new());
        http2.reform();
        urls.push(format!("https://{}/metrics", http2.address));
        let asked = AtomicUsize::new(0);
        let intake = Server::start(move |_| {
            let status = if asked.fetch_add(1, Ordering::Relaxed) < 3 { "403 Forbidden" } else { "202 Accepted" };
            // What was sent is not read.
            vec![Step::Send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into()), Step::Close]
        });
        Self { urls, servers, stranger, intake: intake.await, nobody }
    }

    fn requests(&self) -> Vec<String> {
        self.servers.iter().flat_map(Server::requests).collect()
    }
}

fn challenge(scheme: &str) -> Vec<u8> {
    format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {scheme}\r\nContent-Length: 0\r\n\r\n").into()
}

/// A folder with everything that a holder needs, and its settings.
struct Prepared {
    folder: Folder,
    settings: String,
    variables: Vec<(&'static str, String)>,
    is_usable: bool,
}

fn prepare(holder: &Holder, targets: &Targets) -> Prepared {
    let folder = Folder::new();
    folder.write("token", SECRET);
    folder.write("netrc", format!("machine 127.0.0.1 login user password {SECRET}\n"));
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scrape/tls/keys");
    // A password that is wrong is as secret as one that is right.
    folder.write("key.pem", std::fs::read(keys.join("ec-aes256.pem")).unwrap());
    folder.write("cert.pem", rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem());
    let (path, free) = (folder.path(""), targets.nobody.address.to_string());
    let filled = |text: &str| {
        let text = text.replace("SECRET", SECRET).replace("hunter2hunter2HUNTER2hunter2hunter2", SECRET);
        let text = text.replace("INTAKE", &targets.intake.address.to_string());
        text.replace("FOLDER/", &format!("{}/", path.display()).replace("//", "/")).replace("NOBODY", &free)
    };
    let mut settings = filled(holder.global);
    let _ = writeln!(settings, "admin_listen: 127.0.0.1:0\ninstances:");
    for url in &targets.urls {
        let _ = writeln!(settings, "  - openmetrics_endpoint: {}", (holder.endpoint)(url));
        let _ = writeln!(
            settings,
            "    metrics: ['.+']\n    read_timeout: 0.2\n    tls_verify: false\n    min_collection_interval: 0.5"
        );
        for line in filled(holder.options).lines() {
            let _ = writeln!(settings, "    {line}");
        }
    }
    let variables = holder.variables.iter().map(|(name, value)| (*name, filled(value))).collect();
    folder.write("conf.yaml", &settings);
    Prepared { folder, settings, variables, is_usable: holder.is_usable }
}

/// Everything that commands print which look once.
async fn look_once(prepared: &Prepared) -> Vec<(String, String)> {
    let settings = prepared.folder.path("conf.yaml").display().to_string();
    let recording = prepared.folder.path("recording").display().to_string();
    let commands: [&[&str]; 6] = [
        // With settings that can be used it would not end.
        if prepared.is_usable { &["--version"] } else { &["run", &settings] },
        &["check", &settings],
        &["check", &settings, "--explain", "--format", "json"],
        &["explain", &settings, "good"],
        &["validate", &settings],
        &["record", &settings, &recording],
    ];
    let mut printed = Vec::new();
    for args in commands {
        let mut command = command();
        command
            .args(args)
            .env("RETRIEVER_LOG", "trace")
            .envs(prepared.variables.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(!texts[1].contains("panicked"), "{}", texts[1]);
        printed.push((args[0].to_owned(), texts.concat()));
    }
    for entry in walk(&prepared.folder.path("recording")) {
        printed.push((entry.display().to_string(), std::fs::read_to_string(&entry).unwrap()));
    }
    printed
}

/// The files in a folder and its folders.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// Everything that `run` says at the most talkative level, prints, and shows on its pages.
async fn run(prepared: Prepared, targets: &Targets) -> Vec<(String, String)> {
    let mut variables: Vec<_> = prepared.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("RETRIEVER_LOG", "trace"));
    let mut running = Running::start_in(prepared.folder, &[], &variables);
    running.until_said(PAGES).await;
    let said = running.stderr();
    let admin = said.split(PAGES).nth(1).and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
    for url in &targets.urls {
        let authority = url.split('/').nth(2).unwrap();
        running.until_said(&format!("endpoint={}://{authority}/", url.split(':').next().unwrap())).await;
    }
    let mut printed = Vec::new();
    for page in ["/metrics", "/-/ready", "/"] {
        printed.push((page.to_owned(), ask(admin, page).await));
    }
    let finished = running.stop().await;
    assert_eq!(finished.code, Some(0), "{finished}");
    printed.push(("run".to_owned(), finished.to_string()));
    printed
}

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    use http_body_util::{BodyExt, Empty};
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::builder().method(Method::GET).uri(path).header("host", "localhost");
    let answer = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await.unwrap();
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn holds(holder: Holder) {
    let name = holder.name;
    let targets = Targets::start().await;
    let prepared = prepare(&holder, &targets);
    let config = Config::read(&prepared.settings, "test", &NoSurroundings);
    assert_hidden(name, &format!("{config:?}"));
    for (what, text) in look_once(&prepared).await {
        assert_hidden(&format!("{name}, {what}"), &text);
    }
    if !prepared.is_usable {
        return;
    }
    for (what, text) in run(prepared, &targets).await {
        assert_hidden(&format!("{name}, {what}"), &text);
    }
    let requests = targets.requests();
    match holder.sent {
        Some(sent) => {
            assert!(requests.iter().any(|request| request.contains(sent)), "{name}");
            let astray: Vec<_> = targets.stranger.requests().into_iter().filter(|it| it.contains(sent)).collect();
            assert!(!targets.stranger.requests().is_empty() && astray.is_empty(), "{name}: {astray:?}");
        }
        None => assert!(!requests.iter().any(|request| shows_secret(request)), "{name}: {requests:?}"),
    }
    let delivered = targets.intake.requests();
    assert_eq!(
        delivered.iter().any(|request| shows_secret(request)),
        holder.global.contains("INTAKE"),
        "{delivered:?}"
    );
    for request in targets.stranger.requests() {
        assert_hidden(&format!("{name}, what another host is sent"), &request);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_shown_nowhere_and_go_nowhere_else() {
    let mut holding = tokio::task::JoinSet::new();
    for holder in holders() {
        holding.spawn(holds(holder));
        if holding.len() >= 8 {
            holding.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(held) = holding.join_next().await {
        held.unwrap();
    }
}

/// The test is not blind.
#[test]
fn the_secret_is_found_where_it_is() {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{SECRET}"));
    assert!(shows_secret(&basic) && shows_secret(&format!("a{SECRET}b")) && !shows_secret("hunter2"));
}
