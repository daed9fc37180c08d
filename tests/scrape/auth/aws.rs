//! Signatures of AWS, against those that AWS published and those of its own client library.

use std::path::PathBuf;

use retriever::config::{
    AuthScheme, AwsAuth, AwsContainer, AwsKeys, AwsProfile, AwsSources, ContainerAuthorization, HttpSettings, Secret,
};
use retriever::scrape::Client;
use serde_json::Value;

use super::{Answer, App, Now, Seen, fine, refuse, settings, succeed};

fn keys(id: &str, token: Option<&str>) -> AwsKeys {
    AwsKeys {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.map(Secret::new),
    }
}

fn signing(host: &str, region: &str, service: &str, sources: AwsSources) -> HttpSettings {
    let (host, region, service) = (host.to_owned(), region.to_owned(), service.to_owned());
    settings(AuthScheme::Aws(AwsAuth { host, region, service, sources }))
}

fn client(settings: &HttpSettings, now: &Now) -> Client {
    Client::with_clock(settings, "retriever/test", now.clock()).unwrap()
}

#[tokio::test]
async fn signs_as_aws_does() {
    let text = include_str!("../../../fixtures/vectors/aws_sigv4.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let server = App::start(|_| fine()).await;
    let vectors = document["vectors"].as_array().unwrap();
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let url = text("url").strip_prefix("https://").unwrap();
        let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
        let keys = Some(keys("AKIDEXAMPLE", vector["session_token"].as_str()));
        let sources = AwsSources { keys, ..AwsSources::default() };
        let settings = signing(host, text("region"), text("service"), sources);
        let now = Now::at(vector["time"].as_u64().unwrap());
        succeed(&client(&settings, &now), &server.url(path)).await;
        let seen = server.seen().pop().unwrap();
        for (name, value) in vector["headers"].as_object().unwrap() {
            assert_eq!(seen.header(name), value.as_str(), "{}: {name}", text("name"));
        }
    }
    assert_eq!(vectors.len(), 13);
}

/// The access key that signed a request, and the token beside it.
fn signer(seen: &Seen) -> (String, Option<String>) {
    let text = seen.authorization().unwrap().strip_prefix("AWS4-HMAC-SHA256 Credential=").unwrap();
    (text.split('/').next().unwrap().to_owned(), seen.header("x-amz-security-token").map(str::to_owned))
}

async fn signer_of(sources: AwsSources) -> (String, Option<String>) {
    let server = App::start(|_| fine()).await;
    succeed(&client(&signing("h", "r", "s", sources), &Now::at(1_700_000_000)), &server.url("/")).await;
    signer(&server.seen()[0])
}

#[tokio::test]
async fn finds_credentials_in_the_shared_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> Option<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let credentials_file = file(
        "credentials",
        "# mine\n[default]\naws_access_key_id = ONE\naws_secret_access_key=x\n\n[ other ]\nAWS_ACCESS_KEY_ID=TWO\n\
         aws_secret_access_key = y\naws_session_token = t\n[half]\naws_access_key_id=x\n",
    );
    let config_file = file(
        "config",
        "[default]\naws_access_key_id=no\naws_secret_access_key=no\n[profile third]\nregion = x\ns3 =\n  \
         aws_access_key_id = nested\naws_access_key_id=THREE\naws_secret_access_key=z\n",
    );
    let sources = |name: &str| AwsSources {
        profile: AwsProfile {
            name: name.to_owned(),
            credentials_file: credentials_file.clone(),
            config_file: config_file.clone(),
        },
        ..AwsSources::default()
    };
    assert_eq!(signer_of(sources("default")).await, ("ONE".into(), None));
    assert_eq!(signer_of(sources("other")).await, ("TWO".into(), Some("t".into())));
    assert_eq!(signer_of(sources("third")).await, ("THREE".into(), None));
    let with_keys = AwsSources { keys: Some(keys("ENV", None)), ..sources("default") };
    assert_eq!(signer_of(with_keys).await, ("ENV".into(), None));

    let target = App::start(|_| fine()).await;
    let now = Now::at(0);
    let message = refuse(&client(&signing("h", "r", "s", sources("half")), &now), &target.url("/")).await;
    assert!(message.contains("has only one of `aws_access_key_id` and `aws_secret_access_key`"), "{message}");
    let message = refuse(&client(&signing("h", "r", "s", sources("none")), &now), &target.url("/")).await;
    assert!(message.contains("no credentials of AWS were found"), "{message}");
    assert!(target.seen().is_empty());
}

fn temporary(id: &str, end: &str) -> Answer {
    let body =
        format!(r#"{{"AccessKeyId": "{id}", "SecretAccessKey": "hunter2", "Token": "tok", "Expiration": "{end}"}}"#);
    Answer(200, Vec::new(), body)
}

#[tokio::test]
async fn asks_the_endpoint_of_a_container_again_before_credentials_end() {
    // An hour after the clock of the test.
    let metadata = App::start(|seen| {
        assert_eq!((seen.target.as_str(), seen.authorization()), ("/v2/credentials/x", Some("Bearer c")));
        temporary("CONTAINER", "2023-11-14T23:13:20Z")
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "Bearer c\n").unwrap();
    for authorization in
        [ContainerAuthorization::File(file.clone()), ContainerAuthorization::Token(Secret::new("Bearer c"))]
    {
        let container =
            Some(AwsContainer { url: metadata.url("/v2/credentials/x"), authorization: Some(authorization) });
        let now = Now::at(1_700_000_000);
        let settings = signing("h", "r", "s", AwsSources { container, ..AwsSources::default() });
        let (target, client) = (App::start(|_| fine()).await, client(&settings, &now));
        let before = metadata.seen().len();
        for (seconds, asked) in [(0, 1), (3_299, 1), (1, 2)] {
            now.pass(seconds);
            succeed(&client, &target.url("/")).await;
            assert_eq!(metadata.seen().len() - before, asked, "{seconds}");
        }
        assert_eq!(signer(&target.seen()[0]), ("CONTAINER".into(), Some("tok".into())));
    }
}

#[tokio::test]
async fn asks_the_metadata_service_of_an_instance() {
    let metadata = App::start(|seen| match (seen.method.as_str(), seen.target.as_str()) {
        ("PUT", "/latest/api/token") => {
            assert_eq!(seen.header("x-aws-ec2-metadata-token-ttl-seconds"), Some("21600"));
            Answer(200, Vec::new(), "session".to_owned())
        }
        _ if seen.header("x-aws-ec2-metadata-token") != Some("session") => Answer(401, Vec::new(), String::new()),
        ("GET", "/latest/meta-data/iam/security-credentials/") => Answer(200, Vec::new(), "my-role\n".to_owned()),
        ("GET", "/latest/meta-data/iam/security-credentials/my-role") => temporary("INSTANCE", "soon"),
        _ => Answer(404, Vec::new(), String::new()),
    })
    .await;
    let sources = AwsSources { instance_metadata: Some(metadata.url("")), ..AwsSources::default() };
    assert_eq!(signer_of(sources).await, ("INSTANCE".into(), Some("tok".into())));

    let empty = App::start(|_| Answer(404, Vec::new(), String::new())).await;
    let sources = AwsSources { instance_metadata: Some(empty.url("")), ..AwsSources::default() };
    let target = App::start(|_| fine()).await;
    let message = refuse(&client(&signing("h", "r", "s", sources), &Now::at(0)), &target.url("/")).await;
    assert!(message.contains("no credentials of AWS were found") && message.contains("404 Not Found"), "{message}");
}

#[tokio::test]
async fn signatures_stay_at_their_origin() {
    let stranger = App::start(|_| fine()).await;
    let away = stranger.url("/");
    let home = App::start(move |_| Answer(302, vec![("location", away.clone())], String::new())).await;
    let sources = AwsSources { keys: Some(keys("ID", Some("hunter2"))), ..AwsSources::default() };
    succeed(&client(&signing("h", "r", "s", sources), &Now::at(0)), &home.url("/")).await;
    let request = &stranger.seen()[0];
    assert!(request.headers.keys().all(|name| !name.as_str().starts_with("x-amz")), "{request:?}");
    assert_eq!(request.authorization(), None);
}
