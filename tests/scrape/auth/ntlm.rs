//! NTLM: the server computes the proof and the check of the messages itself.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest as _, Md4};
use md5::Md5;
use retriever::config::{AuthScheme, AuthSettings, HttpSettings, NtlmAuth, Secret, TlsSettings};

use super::{Answer, App, Seen, ask, challenge, fine, refuse, settings, succeed};
use crate::client;
use crate::server::{Server, Step};

const NONCE: &[u8; 8] = b"\x01\x23\x45\x67\x89\xab\xcd\xef";

fn bob(password: &str) -> AuthSettings {
    let (user, password) = (Secret::new("b\u{f6}b"), Secret::new(password));
    AuthScheme::Ntlm(NtlmAuth { domain: "Corp".into(), user, password }).into()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The second message, as a server of the domain writes it; with a time it wants messages to be checked.
fn type_2(with_time: bool) -> Vec<u8> {
    let mut about = Vec::new();
    let mut pair = |id: u16, value: &[u8]| {
        about.extend(id.to_le_bytes());
        about.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        about.extend(value);
    };
    pair(2, &wide("CORP"));
    pair(1, &wide("WEB1"));
    if with_time {
        pair(7, &0x01d9_0000_1234_5678_u64.to_le_bytes());
    }
    pair(0, b"");
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    let name = wide("CORP");
    message.extend([8, 0, 8, 0, 56, 0, 0, 0]);
    message.extend(0xe28a_8235_u32.to_le_bytes());
    message.extend(NONCE);
    message.extend([0; 8]);
    let length = u16::try_from(about.len()).unwrap().to_le_bytes();
    message.extend([length, length].concat());
    message.extend(64_u32.to_le_bytes());
    message.extend([10, 0, 0x61, 0x4a, 0, 0, 0, 15]);
    assert_eq!(message.len(), 56);
    message.extend(name);
    message.extend(about);
    message
}

fn field(message: &[u8], at: usize) -> &[u8] {
    let length = usize::from(u16::from_le_bytes([message[at], message[at + 1]]));
    let offset = u32::from_le_bytes(message[at + 4..at + 8].try_into().unwrap()) as usize;
    &message[offset..offset + length]
}

/// Whether the third message proves the password, by [MS-NLMP], sections 3.3.2 and 3.2.5.1.2.
fn proves(type_1: &[u8], type_2: &[u8], type_3: &[u8]) -> bool {
    assert_eq!(&type_3[..12], b"NTLMSSP\0\x03\0\0\0");
    assert_eq!((field(type_3, 28), field(type_3, 36)), (&*wide("Corp"), &*wide("b\u{f6}b")));
    let response = field(type_3, 20);
    let (proof, blob) = response.split_at(16);
    let key = mac(&Md4::digest(wide("hunter2")), &[wide("B\u{d6}B"), wide("Corp")].concat());
    if mac(&key, &[NONCE, blob].concat()) != proof {
        return false;
    }
    assert_eq!(&blob[..8], [1, 1, 0, 0, 0, 0, 0, 0]);
    let with_time = type_2.windows(4).any(|window| window == [7, 0, 8, 0]);
    if with_time {
        assert_eq!(blob[8..16], 0x01d9_0000_1234_5678_u64.to_le_bytes());
        assert!(field(type_3, 12).iter().all(|byte| *byte == 0));
        let spn = wide("HTTP/127.0.0.1");
        assert!(blob.windows(spn.len()).any(|window| window == spn));
        let mut unchecked = type_3.to_vec();
        unchecked[72..88].fill(0);
        let session_key = mac(&key, proof);
        assert_eq!(mac(&session_key, &[type_1, type_2, &unchecked].concat()), type_3[72..88]);
    } else {
        // 2023-11-14T22:13:20Z in ticks since 1601.
        assert_eq!(blob[8..16], ((1_700_000_000_u64 + 11_644_473_600) * 10_000_000).to_le_bytes());
        let lm = field(type_3, 12);
        assert_eq!(lm[..16], mac(&key, &[NONCE, &lm[16..]].concat()));
        assert_eq!(lm[16..], blob[16..24]);
    }
    true
}

/// Where each connection is: the first message, or that it is authenticated.
type Connections = Mutex<HashMap<usize, Option<Vec<u8>>>>;

async fn server(scheme: &'static str, with_time: bool) -> App {
    App::start(answers(scheme, with_time)).await
}

fn answers(scheme: &'static str, with_time: bool) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    let connections = Connections::default();
    move |seen: &Seen| {
        let mut connections = connections.lock().unwrap();
        let token = seen.authorization().map(|value| {
            let (shown, token) = value.split_once(' ').unwrap();
            assert_eq!(shown, scheme);
            BASE64.decode(token).unwrap()
        });
        match (connections.get(&seen.connection).cloned(), token) {
            (Some(None), None) => fine(),
            (None, Some(first)) => {
                assert_eq!(&first[..12], b"NTLMSSP\0\x01\0\0\0");
                connections.insert(seen.connection, Some(first));
                challenge(format!("{scheme} {}", BASE64.encode(type_2(with_time))))
            }
            (Some(Some(first)), Some(third)) if proves(&first, &type_2(with_time), &third) => {
                connections.insert(seen.connection, None);
                fine()
            }
            _ => {
                connections.remove(&seen.connection);
                challenge(scheme)
            }
        }
    }
}

fn on_a_clock(settings: &HttpSettings) -> retriever::scrape::Client {
    retriever::scrape::Client::with_clock(settings, "x", super::Now::at(1_700_000_000).clock()).unwrap()
}

#[tokio::test]
async fn authenticates_a_connection_once() {
    for (scheme, with_time) in [("NTLM", true), ("NTLM", false), ("Negotiate", true)] {
        let server = server(scheme, with_time).await;
        let client = on_a_clock(&settings(bob("hunter2")));
        for _ in 0..3 {
            succeed(&client, &server.url("/metrics")).await;
        }
        let seen = server.seen();
        assert_eq!(seen.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0; 5], "{scheme} {with_time}");
        let shown: Vec<_> = seen.iter().map(|seen| seen.authorization().is_some()).collect();
        assert_eq!(shown, [false, true, true, false, false]);
    }
}

#[tokio::test]
async fn each_connection_is_authenticated_for_itself() {
    let server = server("NTLM", true).await;
    let client = on_a_clock(&HttpSettings { persist_connections: false, ..settings(bob("hunter2")) });
    succeed(&client, &server.url("/")).await;
    succeed(&client, &server.url("/")).await;
    assert_eq!(server.seen().iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
}

#[tokio::test]
async fn the_proof_is_tied_to_the_certificate() {
    let (server, certificate) = App::with_tls(answers("NTLM", true)).await;
    let tls = TlsSettings { verify: false, ..TlsSettings::default() };
    let client = on_a_clock(&HttpSettings { tls, ..settings(bob("hunter2")) });
    succeed(&client, &server.url("/").replace("http:", "https:")).await;
    let third = BASE64.decode(&server.seen()[2].authorization().unwrap()[5..]).unwrap();
    let binding =
        [b"tls-server-end-point:", ring::digest::digest(&ring::digest::SHA256, &certificate).as_ref()].concat();
    let length = u32::try_from(binding.len()).unwrap().to_le_bytes();
    let pair = [&[10, 0, 16, 0], Md5::digest([&[0; 16], &length[..], &binding].concat()).as_slice()].concat();
    assert!(third.windows(pair.len()).any(|window| window == pair));
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = server("NTLM", true).await;
    assert_eq!(ask(&client(&settings(bob("wrong"))), &server.url("/")).await.unwrap().0, 401);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn other_offers_are_left_alone() {
    let server = App::start(|_| challenge("Basic realm=\"x\", Digest realm=\"y\", nonce=\"z\"")).await;
    assert_eq!(ask(&client(&settings(bob("hunter2"))), &server.url("/")).await.unwrap().0, 401);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn says_what_is_wrong_with_a_challenge() {
    for (text, part) in [
        ("NTLM", "the target gave no challenge"),
        ("NTLM !", "is no challenge of NTLM"),
        ("NTLM TlRMTVNTUAAD", "is no challenge of NTLM"),
    ] {
        let server =
            App::start(move |seen| challenge(if seen.authorization().is_some() { text } else { "NTLM" })).await;
        let message = refuse(&client(&settings(bob("hunter2"))), &server.url("/")).await;
        assert!(message.contains("NTLM authentication failed: ") && message.contains(part), "{message}");
    }
    // A box between that closes after each response.
    let server = Server::start(|request| {
        let answer = BASE64.encode(type_2(true));
        let answer = if request.contains("Authorization") { answer } else { String::new() };
        let head = format!("HTTP/1.1 401 Who\r\nWWW-Authenticate: NTLM {answer}\r\nContent-Length: 99\r\n\r\nshort");
        vec![Step::Send(head.into()), Step::Close]
    })
    .await;
    let message = refuse(&client(&settings(bob("hunter2"))), &server.url("/")).await;
    assert!(message.contains("closed the connection in the middle of it"), "{message}");
}

#[tokio::test]
async fn a_stranger_gets_no_connection_that_is_authenticated() {
    // The target sends away, and the stranger back.
    let (there, back) =
        (std::sync::Arc::new(Mutex::new(String::new())), std::sync::Arc::new(Mutex::new(String::new())));
    let (to_stranger, to_home) = (std::sync::Arc::clone(&there), std::sync::Arc::clone(&back));
    let stranger =
        App::start(move |_| Answer(302, vec![("location", to_home.lock().unwrap().clone())], String::new())).await;
    let home =
        App::start(move |seen| match (seen.target.as_str(), seen.authorization().map(|value| value.len() > 100)) {
            ("/back", _) => fine(),
            (_, None) if seen.connection == 0 => challenge("NTLM"),
            (_, Some(false)) => challenge(format!("NTLM {}", BASE64.encode(type_2(true)))),
            _ => Answer(302, vec![("location", to_stranger.lock().unwrap().clone())], String::new()),
        })
        .await;
    *there.lock().unwrap() = stranger.url("/");
    *back.lock().unwrap() = home.url("/back");
    succeed(&client(&settings(bob("hunter2"))), &home.url("/")).await;
    let connections: Vec<_> = home.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0, 1]);
}
