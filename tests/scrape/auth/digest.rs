//! Digest authentication: the server computes every hash itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use md5::{Digest as _, Md5};
use retriever::config::{AuthScheme, AuthSettings, DigestAuth, Secret};

use super::{Answer, App, Seen, ask, challenge, fine, settings, succeed};
use crate::client;

fn bob(password: &str) -> AuthSettings {
    AuthScheme::Digest(DigestAuth { username: Secret::new("bob \"b\""), password: Secret::new(password) }).into()
}

fn hash(algorithm: &str, text: &str) -> String {
    let bytes = match algorithm {
        "MD5" | "MD5-sess" => Md5::digest(text).to_vec(),
        "SHA-256" | "SHA-256-sess" => sha(&ring::digest::SHA256, text),
        "SHA-512-256" => sha(&ring::digest::SHA512_256, text),
        other => panic!("{other}"),
    };
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn sha(algorithm: &'static ring::digest::Algorithm, text: &str) -> Vec<u8> {
    ring::digest::digest(algorithm, text.as_bytes()).as_ref().to_vec()
}

/// The parameters of the header, split by hand: no value of these tests holds a comma.
fn parts(seen: &Seen) -> Option<HashMap<String, String>> {
    let text = seen.authorization()?.strip_prefix("Digest ")?;
    let pairs = text.split(", ").map(|part| {
        let (name, value) = part.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').replace("\\\"", "\""))
    });
    Some(pairs.collect())
}

/// Whether the response is the one that RFC 7616, section 3.4.1, has for these parameters and this password.
fn proves(parts: &HashMap<String, String>, target: &str, password: &str) -> bool {
    let get = |name: &str| parts.get(name).map(String::as_str).unwrap_or_default();
    let algorithm = if get("algorithm").is_empty() { "MD5" } else { get("algorithm") };
    let mut first = hash(algorithm, &format!("bob \"b\":the realm:{password}"));
    if algorithm.ends_with("-sess") {
        first = hash(algorithm, &format!("{first}:{}:{}", get("nonce"), get("cnonce")));
    }
    let second = hash(algorithm, &format!("GET:{target}"));
    let middle = match get("qop") {
        "" => get("nonce").to_owned(),
        qop => format!("{}:{}:{}:{qop}", get("nonce"), get("nc"), get("cnonce")),
    };
    get("uri") == target && get("response") == hash(algorithm, &format!("{first}:{middle}:{second}"))
}

/// Asks for a proof in the given way, and takes each count of a nonce once.
async fn server(rest: &'static str) -> App {
    let used = Mutex::new(Vec::new());
    App::start(move |seen| {
        let Some(parts) = parts(seen) else {
            return challenge(format!("Digest realm=\"the realm\", nonce=\"n=1\", opaque=\"o\"{rest}"));
        };
        let count = parts.get("nc").cloned();
        let mut used = used.lock().unwrap();
        let fresh = count.is_none() || !used.contains(&count);
        used.push(count);
        assert_eq!(parts["opaque"], "o");
        if fresh && proves(&parts, &seen.target, "hunter2") { fine() } else { challenge("Basic realm=\"no\"") }
    })
    .await
}

#[tokio::test]
async fn proves_the_password_in_all_ways() {
    for rest in [
        "",
        ", qop=\"auth\"",
        ", algorithm=MD5, qop=\"auth-int,auth\"",
        ", algorithm=MD5-sess, qop=\"auth\"",
        ", algorithm=SHA-256, qop=auth",
        ", algorithm=SHA-256-sess, qop=\"auth\"",
        ", algorithm=SHA-512-256, qop=\"auth\"",
    ] {
        let server = server(rest).await;
        let client = client(&settings(bob("hunter2")));
        for _ in 0..3 {
            succeed(&client, &server.url("/metrics?a=b%20c")).await;
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 4, "{rest}: the nonce is used again");
        assert!(seen.iter().all(|seen| seen.connection == 0), "{rest}");
        if rest.contains("qop") {
            let counts: Vec<_> = seen.iter().filter_map(|seen| Some(parts(seen)?["nc"].clone())).collect();
            assert_eq!(counts, ["00000001", "00000002", "00000003"], "{rest}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = server(", qop=\"auth\"").await;
    let client = client(&settings(bob("wrong")));
    assert_eq!(ask(&client, &server.url("/")).await.unwrap().0, 401);
    assert_eq!(server.seen().len(), 2);
    // A server that gives a new nonce each time is not tried more often.
    let number = AtomicU32::new(0);
    let server = App::start(move |_| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        challenge(format!("Digest realm=\"r\", nonce=\"{number}\", qop=\"auth\""))
    })
    .await;
    assert_eq!(ask(&client, &server.url("/")).await.unwrap().0, 401);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_stale_nonce_is_replaced() {
    // Each nonce is good for one request only; the first two that are given out are too old at once.
    let given = AtomicU32::new(0);
    let server = App::start(move |seen| {
        let last = given.load(Ordering::Relaxed);
        let parts = parts(seen);
        let stale = parts.is_some();
        if let Some(parts) = parts
            && parts["nonce"] == last.to_string()
            && parts["nc"] == "00000001"
            && last > 2
        {
            assert!(proves(&parts, &seen.target, "hunter2"));
            return fine();
        }
        let next = given.fetch_add(1, Ordering::Relaxed) + 1;
        challenge(format!("Digest realm=\"the realm\", nonce=\"{next}\", qop=\"auth\", stale={stale}"))
    })
    .await;
    let client = client(&settings(bob("hunter2")));
    succeed(&client, &server.url("/")).await;
    assert_eq!(server.seen().len(), 4);
    succeed(&client, &server.url("/")).await;
    assert_eq!(server.seen().len(), 6, "an old nonce costs one more request");
}

#[tokio::test]
async fn a_server_that_always_says_stale_is_left() {
    let number = AtomicU32::new(0);
    let server = App::start(move |_| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        challenge(format!("Digest realm=\"r\", nonce=\"{number}\", stale=true"))
    })
    .await;
    assert_eq!(ask(&client(&settings(bob("hunter2"))), &server.url("/")).await.unwrap().0, 401);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn takes_the_first_way_it_knows_and_the_next_nonce() {
    let server = App::start(|seen| {
        let Some(parts) = parts(seen) else {
            let offers = "Digest realm=\"the realm\", nonce=\"a\", algorithm=SHA-1, qop=\"auth\", \
                          Digest realm=\"the realm\", nonce=\"b\", algorithm=SHA-256, qop=\"auth\", Basic realm=\"x\"";
            return challenge(offers);
        };
        assert!(proves(&parts, &seen.target, "hunter2"));
        assert_eq!((parts["nonce"].as_str(), parts["nc"].as_str()), ("b", "00000001"));
        Answer(200, vec![("authentication-info", "nextnonce=\"b\", qop=auth".to_owned())], "up 1\n".to_owned())
    })
    .await;
    let client = client(&settings(bob("hunter2")));
    succeed(&client, &server.url("/")).await;
    succeed(&client, &server.url("/")).await;
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_nonce_is_for_its_origin_and_proofs_stay_there() {
    let stranger = App::start(|_| challenge("Digest realm=\"the realm\", nonce=\"x\", qop=\"auth\"")).await;
    let away = stranger.url("/");
    let home = App::start(move |seen| match parts(seen) {
        None => challenge("Digest realm=\"the realm\", nonce=\"n\", qop=\"auth\""),
        Some(_) => Answer(302, vec![("location", away.clone())], String::new()),
    })
    .await;
    let client = client(&settings(bob("hunter2")));
    assert_eq!(ask(&client, &home.url("/")).await.unwrap().0, 401);
    let [request] = &stranger.seen()[..] else { panic!("{:?}", stranger.seen()) };
    assert_eq!(request.authorization(), None);
}
