//! The intakes that get everything beside the main one: `additional_endpoints`, as the Agent reads them.

use super::node::Value;
use super::output::Intake;
use super::overridden::Overridden;
use super::proxy::IntakeProxy;
use super::secret::Secret;

const OPTION: &str = "additional_endpoints";
const VARIABLE: &str = "DD_ADDITIONAL_ENDPOINTS";

/// Each URL with each of its keys, in the order of the settings.
pub(super) fn read_additional(options: &Overridden<'_, '_>) -> Vec<Intake> {
    let configured = if options.section.present(OPTION).is_some() { read_option(options) } else { Vec::new() };
    let urls = options.variable(&[VARIABLE]).map_or(configured, |text| read_variable(options, &text));
    let mut intakes: Vec<Intake> = Vec::new();
    for (url, keys) in urls {
        if !is_url(&url) {
            options.error(
                OPTION,
                &[VARIABLE],
                &format!("has `{url}`, which does not begin with `http://` or `https://`"),
            );
            continue;
        }
        for key in keys {
            let key = trimmed(&key);
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic()) {
                options.error(
                    OPTION,
                    &[VARIABLE],
                    &format!("has a key for `{url}` that is empty or holds characters that no API key holds"),
                );
                continue;
            }
            let intake = Intake {
                url: url.trim_end_matches('/').to_owned(),
                api_key: Secret::new(key),
                proxy: IntakeProxy::default(),
            };
            if !intakes.contains(&intake) {
                intakes.push(intake);
            }
        }
    }
    intakes
}

/// The key without what copying it may have added; a stray line feed is the usual cause of a refused key.
fn trimmed(key: &str) -> String {
    key.trim_matches(|c: char| c.is_whitespace() || c.is_control()).to_owned()
}

/// Whether this is the beginning of a URL of an intake.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A mapping from URLs to a key or a list of keys.
fn read_option(options: &Overridden<'_, '_>) -> Vec<(String, Vec<String>)> {
    let Some(mapping) = options.section.mapping(OPTION) else { return Vec::new() };
    let pairs = mapping.pairs().map(|(url, at, node)| {
        let what = format!("the key of `{url}`");
        let keys = match &node.value {
            Value::List(list) => list.iter().filter_map(|key| mapping.expect_text(&what, key)).collect(),
            Value::Text(_) => mapping.expect_text(&what, node).into_iter().collect(),
            _ => {
                mapping.error(at, format!("`{url}` has {}; expected a list of API keys", node.describe()));
                Vec::new()
            }
        };
        (url.to_owned(), keys)
    });
    pairs.collect()
}

/// The same as a JSON object.
fn read_variable(options: &Overridden<'_, '_>, text: &str) -> Vec<(String, Vec<String>)> {
    let Ok(serde_json::Value::Object(urls)) = serde_json::from_str(text) else {
        let message =
            "is no JSON object from URLs to lists of API keys, such as `{\"https://api.datadoghq.eu\": [\"KEY\"]}`";
        options.variable_error(VARIABLE, message);
        return Vec::new();
    };
    let pairs = urls.into_iter().map(|(url, value)| {
        let keys = match value {
            serde_json::Value::String(key) => vec![key],
            serde_json::Value::Array(list) => {
                list.into_iter().map(|key| key.as_str().unwrap_or_default().to_owned()).collect()
            }
            _ => {
                options.variable_error(VARIABLE, &format!("has no list of API keys for `{url}`"));
                Vec::new()
            }
        };
        (url, keys)
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use crate::config::{Config, Surroundings};

    struct Variable(Option<&'static str>);

    impl Surroundings for Variable {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.filter(|_| name == super::VARIABLE).map(str::to_owned)
        }

        fn file(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn read(text: &str, variable: Option<&'static str>) -> (Vec<(String, String)>, Vec<String>) {
        let text = format!("api_key: main\n{text}\ninstances:\n- openmetrics_endpoint: http://a\n");
        let config = Config::read(&text, "test", &Variable(variable));
        let Some(api) = config.global.api else { panic!("there is a key") };
        let pairs = api.intakes().map(|intake| (intake.url.clone(), intake.api_key.expose().to_owned()));
        (pairs.collect(), config.problems.iter().map(ToString::to_string).collect())
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(url, key)| ((*url).to_owned(), (*key).to_owned())).collect()
    }

    #[test]
    fn each_key_of_each_url_is_an_intake_after_the_main_one() {
        let text = "additional_endpoints:\n  https://api.datadoghq.eu/: [one, ' two ', one]\n  http://proxy: three\n";
        let expected = owned(&[
            ("https://api.datadoghq.com", "main"),
            ("https://api.datadoghq.eu", "one"),
            ("https://api.datadoghq.eu", "two"),
            ("http://proxy", "three"),
        ]);
        assert_eq!(read(text, None), (expected.clone(), Vec::new()));
        let json = r#"{"https://api.datadoghq.eu": ["one", "two\n"], "http://proxy": "three"}"#;
        assert_eq!(read("additional_endpoints: {http://other: [x]}", Some(json)), (expected, Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said_without_any_key() {
        for (text, variable, words) in [
            ("additional_endpoints: {datadoghq.eu: [hunter2]}", None, "`datadoghq.eu`"),
            ("additional_endpoints: {http://a: [hunter2, 'hunter 2']}", None, "`http://a`"),
            ("additional_endpoints: {http://a: 7}", None, "expected a list of API keys"),
            ("additional_endpoints: hunter2", None, "expected a mapping"),
            ("", Some("hunter2"), "DD_ADDITIONAL_ENDPOINTS"),
            ("", Some(r#"{"http://a": 2}"#), "`http://a`"),
        ] {
            let (_, problems) = read(text, variable);
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            assert!(problems[0].contains(words) && !problems[0].contains("hunter"), "{problems:?}");
        }
    }
}
