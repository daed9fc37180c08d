//! Credentials through the program: they come from where the settings and the environment say, and are shown nowhere.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use server::{Server, Step, response};
use support::program::{Finished, Folder, command};

/// Runs the program in an environment with these variables too.
async fn run(args: &[&str], variables: &[(&str, &str)]) -> Finished {
    let mut command = command();
    command.args(args).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let finished = Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!format!("{finished}").contains("hunter2"), "{finished}");
    finished
}

/// Takes `Authorization: <good>` and nothing else.
async fn guarded(good: &'static str) -> Server {
    Server::start(move |request| {
        let fine = request.contains(&format!("Authorization: {good}\r\n"));
        let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec();
        vec![Step::Send(if fine { response("", "up 1\n") } else { refusal })]
    })
    .await
}

fn settings(url: &str, options: &str) -> (Folder, String) {
    let options = options.replace('\n', "\n    ");
    Folder::with_settings(&format!(
        "instances:\n  - openmetrics_endpoint: {url}\n    namespace: a\n    metrics: [{{up: {{type: gauge}}}}]\n    {options}\n"
    ))
}

#[tokio::test]
async fn a_token_that_cannot_be_read_makes_the_health_critical() {
    let server = guarded("Bearer hunter2").await;
    let folder = Folder::new();
    let file = folder.path("token").display().to_string();
    let options = format!(
        "auth_token:\n  reader: {{type: file, path: {file}}}\n  writer: {{type: header, name: Authorization, value: Bearer <TOKEN>}}"
    );
    let (settings, path) = settings(&server.url("/metrics"), &options);
    let check = ["check", &path, "--format", "json"];
    let finished = run(&check, &[]).await;
    let health = finished.assert_code(1).json()["instances"][0]["scrapes"][0]["service_checks"][0].clone();
    assert_eq!((health["name"].as_str(), health["status"].as_str()), (Some("a.openmetrics.health"), Some("CRITICAL")));
    let message = format!(
        "`{}` cannot be scraped: `{file}`, the file of the token (`auth_token`), cannot be read: No such file or \
         directory (os error 2)",
        server.url("/metrics")
    );
    assert_eq!(health["message"], message);
    assert!(server.requests().is_empty());

    folder.write("token", "hunter2\n");
    run(&check, &[]).await.assert_code(0);
    run(&["validate", &path], &[]).await.assert_code(0);
    // What is recorded has neither the token nor where it comes from.
    let recording = settings.path("recording").display().to_string();
    run(&["record", &path, &recording], &[]).await.assert_code(0);
    for name in ["1.http", "check.yaml"] {
        let kept = std::fs::read_to_string(settings.path("recording").join(name)).unwrap();
        assert!(!kept.contains("hunter2") && !kept.contains("auth_token"), "{kept}");
    }
}

#[tokio::test]
async fn the_bearer_token_of_the_legacy_form_is_shown_to_the_target() {
    let server = guarded("Bearer hunter2").await;
    let folder = Folder::new();
    let token = folder.write("token", "hunter2\n");
    let path = folder.write(
        "conf.yaml",
        format!(
            "instances:\n  - prometheus_url: {}\n    bearer_token_auth: true\n    bearer_token_path: {token}\n    metrics: [up]\n",
            server.url("/metrics")
        ),
    );
    run(&["check", &path], &[]).await.assert_code(0);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn netrc_is_found_as_other_programs_find_it() {
    // `me:hunter2`
    let server = guarded("Basic bWU6aHVudGVyMg==").await;
    let (folder, path) = settings(&server.url("/metrics"), "timeout: 10");
    let entry = "machine 127.0.0.1 login me password hunter2";
    folder.write(".netrc", entry);
    let mine = folder.write("mine", entry);
    let home = folder.path("").display().to_string();
    for (variables, code) in [
        (&[][..], 1),
        (&[("HOME", home.as_str())], 0),
        (&[("NETRC", mine.as_str())], 0),
        (&[("HOME", home.as_str()), ("NETRC", "/none")], 1),
    ] {
        run(&["check", &path], variables).await.assert_code(code);
    }
}

#[tokio::test]
async fn where_a_token_comes_from_is_checked_with_the_settings() {
    let reader = "{type: oauth, url: 'http://idp.example/token', client_id: c, client_secret: hunter2}";
    let options = format!("auth_token:\n  reader: {reader}\n  writer: {{type: header, name: Authorization}}");
    let (_folder, path) = settings("http://localhost:1/", &options);
    let finished = run(&["validate", &path], &[]).await;
    let said = "`url` is not a URL that can be asked for credentials: it must begin with `https://`, because secrets are \
                sent there";
    assert!(finished.assert_code(2).stdout.contains(said), "{finished}");
}
