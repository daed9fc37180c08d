//! `auth_token` with those who give out tokens: OAuth and DC/OS.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use retriever::config::{DcosReader, OAuthReader, Secret, TokenReader};
use retriever::scrape::Client;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::token::with_reader;
use super::{Answer, App, Now, ask, fine, refuse, succeed};
use crate::free;

fn oauth(url: &str) -> OAuthReader {
    OAuthReader {
        url: url.to_owned(),
        client_id: "retriever".into(),
        client_secret: Secret::new("hunter2"),
        in_body: false,
        parameters: Vec::new(),
        headers: Vec::new(),
        verify: true,
        ca_cert: None,
        timeout: None,
    }
}

fn client_of(reader: OAuthReader, now: &Now) -> Client {
    client_with(TokenReader::OAuth(Box::new(reader)), now)
}

fn client_with(reader: TokenReader, now: &Now) -> Client {
    Client::with_clock(&with_reader(reader), "retriever/test", now.clock()).unwrap()
}

/// Gives out `t1`, `t2` and so on, with something about their lifetime.
async fn issuer(lifetime: &'static str) -> App {
    let number = AtomicU32::new(0);
    App::start(move |_| {
        let number = number.fetch_add(1, Ordering::Relaxed) + 1;
        Answer(200, Vec::new(), format!(r#"{{"access_token": "t{number}", "token_type": "bearer"{lifetime}}}"#))
    })
    .await
}

fn shown(app: &App) -> Vec<String> {
    app.seen().iter().map(|seen| seen.authorization().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn asks_as_rfc_6749_has_it() {
    let (issuer, target) = (issuer("").await, App::start(|_| fine()).await);
    let mut reader = oauth(&issuer.url("/oauth/token?tenant=a"));
    reader.parameters = vec![("scope".into(), Secret::new("a b")), ("audience".into(), Secret::new("https://x/?y"))];
    succeed(&client_of(reader.clone(), &Now::at(0)), &target.url("/")).await;
    reader.in_body = true;
    reader.headers = vec![("X-Tenant".into(), Secret::new("t"))];
    succeed(&client_of(reader, &Now::at(0)), &target.url("/")).await;
    let [header, body] = &issuer.seen()[..] else { panic!() };
    assert_eq!((header.method.as_str(), header.target.as_str()), ("POST", "/oauth/token?tenant=a"));
    assert_eq!(header.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header.header("accept"), Some("application/json"));
    // `retriever:hunter2`
    assert_eq!(header.authorization(), Some("Basic cmV0cmlldmVyOmh1bnRlcjI="));
    let form = "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fx%2F%3Fy";
    assert_eq!(header.body, form);
    assert_eq!((body.authorization(), body.header("x-tenant")), (None, Some("t")));
    assert_eq!(body.body, format!("{form}&client_id=retriever&client_secret=hunter2"));
    assert_eq!(shown(&target), ["Bearer t1", "Bearer t2"]);
}

#[tokio::test]
async fn keeps_a_token_for_as_long_as_it_is_good() {
    for (lifetime, seconds) in [(r#", "expires_in": 60"#, 60), (r#", "expires_in": "90""#, 90), ("", 300)] {
        let (issuer, target) = (issuer(lifetime).await, App::start(|_| fine()).await);
        let now = Now::at(1_000_000);
        let client = client_of(oauth(&issuer.url("/")), &now);
        succeed(&client, &target.url("/")).await;
        now.pass(seconds - 1);
        succeed(&client, &target.url("/")).await;
        now.pass(1);
        succeed(&client, &target.url("/")).await;
        assert_eq!(shown(&target), ["Bearer t1", "Bearer t1", "Bearer t2"], "{lifetime}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let issuer = issuer("").await;
    let target = App::start(|seen| match seen.authorization() {
        Some("Bearer t2") => fine(),
        _ => Answer(401, Vec::new(), String::new()),
    })
    .await;
    let client = client_of(oauth(&issuer.url("/")), &Now::at(0));
    succeed(&client, &target.url("/")).await;
    succeed(&client, &target.url("/")).await;
    assert_eq!(shown(&target), ["Bearer t1", "Bearer t2", "Bearer t2"]);
    let never = App::start(|_| Answer(500, Vec::new(), String::new())).await;
    assert_eq!(ask(&client, &never.url("/")).await.unwrap().0, 500);
    assert_eq!(shown(&never), ["Bearer t2", "Bearer t3"]);
}

#[tokio::test]
async fn scrapes_at_the_same_time_share_a_token() {
    let (issuer, target) = (issuer("").await, App::start(|_| fine()).await);
    let client = client_of(oauth(&issuer.url("/")), &Now::at(0));
    let url = target.url("/");
    tokio::join!(succeed(&client, &url), succeed(&client, &url), succeed(&client, &url));
    assert_eq!(issuer.seen().len(), 1);
}

#[tokio::test]
async fn what_the_server_says_is_told() {
    let target = App::start(|_| fine()).await;
    let issuer = App::start(|_| {
        let body = r#"{"error": "invalid_client", "error_description": "no client for hunter2"}"#;
        Answer(401, Vec::new(), body.to_owned())
    })
    .await;
    let message = refuse(&client_of(oauth(&issuer.url("/token")), &Now::at(0)), &target.url("/")).await;
    let expected = format!(
        "`{}` cannot be scraped: `{}`, the token endpoint of `auth_token`, answered 401 Unauthorized with the error \
         `invalid_client`: `no client for ***`",
        target.url("/"),
        issuer.url("/token")
    );
    assert_eq!(message, expected);
    let nobody = free().await;
    let client = client_of(oauth(&format!("http://{nobody}/")), &Now::at(0));
    let error = ask(&client, &target.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("gave no answer: the connection was refused"), "{error}");
    assert!(error.is_connection_error(), "as the original has it, `ignore_connection_errors` covers this");
    assert!(target.seen().is_empty());
}

// --- DC/OS ------------------------------------------------------------------------------------------------------------

fn key() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scrape/auth/dcos_key.pem"))
}

fn dcos(url: String, private_key: PathBuf) -> TokenReader {
    TokenReader::Dcos(DcosReader { login_url: url, service_account: "scraper".into(), private_key, expiration: 300 })
}

#[tokio::test]
async fn logs_in_to_dcos_with_a_signed_statement() {
    let number = AtomicU32::new(0);
    let (login, _) = App::with_tls(move |_| {
        let number = number.fetch_add(1, Ordering::Relaxed) + 1;
        Answer(200, Vec::new(), json!({"token": format!("d{number}")}).to_string())
    })
    .await;
    let target = App::start(|seen| match seen.authorization() {
        Some("Bearer d1") => fine(),
        _ => Answer(401, Vec::new(), String::new()),
    })
    .await;
    let now = Now::at(1_700_000_000);
    let client = client_with(dcos(login.url("/acs/api/v1/auth/login").replace("http:", "https:"), key()), &now);
    succeed(&client, &target.url("/")).await;
    // It is kept for good, until it fails.
    now.pass(86_400);
    succeed(&client, &target.url("/")).await;
    let [login] = &login.seen()[..] else { panic!() };
    assert_eq!((login.method.as_str(), login.header("content-type")), ("POST", Some("application/json")));
    let login: Value = serde_json::from_str(&login.body).unwrap();
    assert_eq!((&login["uid"], &login["exp"]), (&json!("scraper"), &json!(1_700_000_300)));
    let token = login["token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let parts: Vec<Value> =
        signed.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
    assert_eq!(parts, [json!({"typ": "JWT", "alg": "RS256"}), json!({"uid": "scraper", "exp": 1_700_000_300})]);
    let PrivateKeyDer::Pkcs8(pair) = PrivateKeyDer::from_pem_file(key()).unwrap() else { panic!() };
    let pair = RsaKeyPair::from_pkcs8(pair.secret_pkcs8_der()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
}

#[tokio::test]
async fn says_why_there_is_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.pem");
    std::fs::write(&bad, "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n").unwrap();
    let ec = folder.path().join("ec.pem");
    std::fs::write(&ec, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let target = App::start(|_| fine()).await;
    let refusing = App::start(|_| Answer(403, Vec::new(), "{}".to_owned())).await;
    let empty = App::start(|_| Answer(200, Vec::new(), "{}".to_owned())).await;
    for (server, key, part) in [
        (&refusing, key(), "the login of DC/OS (`auth_token`), answered 403 Forbidden"),
        (&empty, key(), "answered 200 OK, and no `token`"),
        (&empty, folder.path().join("none"), "the private key of DC/OS (`private_key_path`), cannot be read: No such"),
        (&empty, bad, "holds no RSA key that can be used"),
        (&empty, ec, "holds no RSA key that can be used"),
    ] {
        let message = refuse(&client_with(dcos(server.url("/login"), key), &Now::at(0)), &target.url("/")).await;
        assert!(message.contains(part), "{message}");
    }
    assert!(target.seen().is_empty());
}
