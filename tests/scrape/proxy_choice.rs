//! Which proxy is chosen, compared with what Datadog's check chose; and what is said of settings that cannot be used.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use retriever::config::{Config, ConfiguredInstance, HttpSettings, Instance, NoSurroundings, Surroundings};
use retriever::scrape::Client;
use serde_json::{Value, json};

/// An environment without files.
#[derive(Default)]
pub(crate) struct Environment(HashMap<String, String>);

impl Environment {
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl Surroundings for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The settings of one instance that has these options, as YAML.
pub(crate) fn all_settings(options: &str, variables: &[(&str, &str)]) -> HttpSettings {
    let text = format!("instances:\n  - openmetrics_endpoint: http://localhost/\n    {options}\n");
    let config = Config::read(&text, "conf.yaml", &Environment::of(variables));
    instance(&config).http.clone()
}

/// Those about proxies, and else those of the other tests.
pub(crate) fn settings(options: &str, variables: &[(&str, &str)]) -> HttpSettings {
    HttpSettings { proxy: all_settings(options, variables).proxy, ..crate::patient() }
}

fn instance(config: &Config) -> &Instance {
    match &config.instances[0] {
        ConfiguredInstance::Valid(instance) => instance,
        ConfiguredInstance::Invalid { errors, .. } => panic!("{errors:?}"),
    }
}

fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let config = Config::read(text, "conf.yaml", &Environment::of(variables));
    config.problems.iter().map(ToString::to_string).collect()
}

/// Scheme, host and port of a URL, as the client sees them.
fn parts(url: &str) -> (bool, String, Option<u16>) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().unwrap())),
        _ => (authority, None),
    };
    (scheme == "https", host.to_owned(), port)
}

/// `tools/proxy_oracle.py` made the table with the check itself.
#[test]
fn the_proxy_is_the_one_that_the_check_uses() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/vectors/proxies.json")).unwrap();
    assert!(cases.len() > 2000, "{}", cases.len());
    for case in &cases {
        let mut instance = case.get("instance").cloned().unwrap_or_else(|| json!({}));
        instance["openmetrics_endpoint"] = case["url"].clone();
        // JSON is YAML.
        let text = json!({"proxy": case["agent"], "init_config": case["init_config"], "instances": [instance]});
        let variables = case["environment"].as_object().into_iter().flatten();
        let environment = variables.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let config = Config::read(&text.to_string(), "conf.yaml", &Environment(environment));
        assert_eq!(config.problems, [], "{case}");
        let (tls, host, port) = parts(case["url"].as_str().unwrap());
        let chosen = self::instance(&config).http.proxy.choose(tls, &host, port).map(|proxy| proxy.address());
        assert_eq!(chosen.as_deref(), case["proxy"].as_str(), "{case}");
    }
}

#[test]
fn nothing_is_no_proxy() {
    let config = Config::read("instances: [{openmetrics_endpoint: http://a}]", "conf.yaml", &NoSurroundings);
    assert_eq!(instance(&config).http.proxy, HttpSettings::default().proxy);
    assert!(HttpSettings::default().proxy.choose(true, "a", None).is_none());
}

#[test]
fn the_variables_of_the_agent_override_its_proxy() {
    let file = "proxy:\n  http: http://file:1\n  https: http://file:2\n  no_proxy: [a.example]\n\
                instances:\n  - openmetrics_endpoint: http://localhost/\n";
    let chosen = |variables: &[(&str, &str)], tls: bool, host: &str| {
        let config = Config::read(file, "conf.yaml", &Environment::of(variables));
        instance(&config).http.proxy.choose(tls, host, None).map(ToString::to_string)
    };
    let top = |port: u16| Some(format!("`http://file:{port}` (set by `proxy` at the top of the settings)"));
    let usual = ("HTTP_PROXY", "http://usual:9");
    assert_eq!(chosen(&[usual], false, "b.example"), top(1));
    assert_eq!(chosen(&[usual], true, "b.example"), top(2));
    assert_eq!(chosen(&[usual], false, "a.example"), None);
    let own = [usual, ("DD_PROXY_HTTP", "own:3"), ("DD_PROXY_NO_PROXY", "b.example,  c.example 10.0.0.0/8")];
    assert_eq!(
        chosen(&own, false, "a.example"),
        Some("`http://own:3` (set by the environment variable `DD_PROXY_HTTP`)".to_owned())
    );
    assert_eq!(chosen(&own, true, "a.example"), top(2));
    for host in ["b.example", "x.c.example", "10.1.1.1"] {
        assert_eq!(chosen(&own, false, host), None, "{host}");
    }
    // Set but empty is an answer, too.
    assert_eq!(chosen(&[usual, ("DD_PROXY_HTTP", "")], false, "b.example"), None);
}

#[test]
fn says_what_is_wrong_with_proxies() {
    let instance = |options: &str| format!("instances:\n  - openmetrics_endpoint: http://a\n    {options}\n");
    for (options, problem) in [
        ("proxy: {http: 'socks4://p'}", "the URL of `proxy` for `http` uses SOCKS4"),
        ("proxy: {https: 'gopher://p'}", "the URL of `proxy` for `https` has a scheme that no proxy is spoken to with"),
        ("proxy: {http: 'http://u:hunter2@:1'}", "the URL of `proxy` for `http` names no host"),
        ("proxy: {http: 5}", "`http` is the number `5`; expected text"),
        ("proxy: {no_proxy: [5]}", "entry 1 of `no_proxy` is the number `5`; expected text"),
        ("proxy: {no_proxy: {a: b}}", "`no_proxy` is a mapping; expected a list"),
        ("proxy: http://p", "`proxy` is text; expected a mapping"),
        ("skip_proxy: '${env:NOPE}'", "the environment variable `NOPE` is not set"),
    ] {
        let said = problems(&instance(options), &[]);
        assert!(said.len() == 1 && said[0].starts_with("conf.yaml:3:"), "{said:?}");
        assert!(said[0].contains(&format!("error: {problem}")) && !said[0].contains("hunter2"), "{said:?}");
    }
    assert_eq!(
        problems(&instance("proxy: {htp: 'http://p'}"), &[]),
        ["conf.yaml:3:13: warning: `proxy` has no option `htp`; did you mean `http`?"]
    );
}

#[test]
fn a_faulty_variable_counts_only_where_it_is_looked_at() {
    let faulty = [("HTTP_PROXY", "socks4://u:hunter2@p")];
    let refused = |options: &str| {
        let client = Client::new(&settings(options, &faulty), "retriever/test");
        client.err().map(|error| error.to_string())
    };
    let expected = "the environment variable `HTTP_PROXY` uses SOCKS4, which cannot be used; expected `socks5://` or \
                    `socks5h://`; correct it, or set `skip_proxy: true` for this instance";
    assert_eq!(refused("").as_deref(), Some(expected));
    for options in ["skip_proxy: true", "proxy: {http: 'http://p'}", "proxy: {http: ''}"] {
        assert_eq!(refused(options), None, "{options}");
    }
    // The variables of the Agent are settings; nobody is fetched past a proxy that is faulty.
    let file = "instances:\n  - openmetrics_endpoint: http://a\n  - openmetrics_endpoint: http://b\n";
    assert_eq!(
        problems(file, &[("DD_PROXY_HTTPS", "http://p:port")]),
        ["environment variable `DD_PROXY_HTTPS`: error: has no valid port; expected 1 to 65535"]
    );
    let usable = |text: &str, variables: &[(&str, &str)]| {
        let config = Config::read(text, "conf.yaml", &Environment::of(variables));
        assert!(config.has_errors());
        Client::new(&instance(&config).http, "retriever/test").is_ok()
    };
    assert!(!usable(file, &[("DD_PROXY_HTTPS", "http://p:port")]));
    assert!(!usable(&format!("init_config: {{proxy: {{http: 'gopher://p'}}}}\n{file}"), &[]));
    assert!(!usable(&format!("proxy: {{http: 'http://p', https: 'socks4://p'}}\n{file}"), &[]));
}
