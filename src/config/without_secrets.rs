//! The settings of an instance as a fixture keeps them: without how the target is fetched, where secrets are.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::node::{Node, Value};

/// The options that say how an endpoint is fetched and who asks; a replay needs none of them but the format.
const LEFT_OUT: [&str; 12] = [
    "username",
    "password",
    "headers",
    "extra_headers",
    "auth_token",
    "auth_type",
    "ntlm_domain",
    "proxy",
    "tls_cert",
    "tls_private_key",
    "tls_private_key_password",
    "tls_ca_cert",
];

/// One settings file for each instance of a document, references to secrets unexpanded.
pub(crate) fn instances(document: &Node) -> Vec<String> {
    let Value::Mapping(entries) = &document.value else { return Vec::new() };
    let instances = entries.iter().find(|(key, _)| key.key_text().as_deref() == Some("instances"));
    let Some((_, Node { value: Value::List(list), .. })) = instances else { return Vec::new() };
    list.iter().map(|node| settings(node).unwrap_or_default()).collect()
}

fn settings(instance: &Node) -> Option<String> {
    #[derive(Serialize)]
    struct File<'a> {
        init_config: Option<()>,
        instances: [Kept<'a>; 1],
    }
    serde_yaml::to_string(&File { init_config: None, instances: [Kept(instance)] }).ok()
}

/// An instance without what is left out.
struct Kept<'a>(&'a Node);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Mapping(entries) = &self.0.value else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in entries {
            let Some(name) = key.key_text().filter(|name| !LEFT_OUT.contains(&name.as_str())) else { continue };
            match &value.value {
                Value::Text(url) if name == "openmetrics_endpoint" => map.serialize_entry(&name, &without_user(url))?,
                _ => map.serialize_entry(&name, value)?,
            }
        }
        map.end()
    }
}

/// A URL without the user name and password in it.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_i128(*value),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(list) => serializer.collect_seq(list),
            Value::Mapping(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}
