//! Tags that do not come from labels, and what is done to all tags of an instance.

use std::borrow::Cow;

use crate::config::Instance;

/// The name of the check that Datadog's users know this work by.
const CHECK_NAME: &str = "openmetrics";

/// Keys that mean something to all of Datadog, and that `disable_generic_tags` keeps for its users.
const GENERIC_KEYS: [&str; 11] = [
    "cluster_name",
    "clustername",
    "cluster",
    "clusterid",
    "cluster_id",
    "env",
    "host_name",
    "hostname",
    "host",
    "service",
    "version",
];

/// The tags of every metric and service check of an instance.
pub(crate) fn static_tags(instance: &Instance) -> Vec<String> {
    let mut tags = instance.tags.clone();
    if instance.tag_by_endpoint {
        tags.push(format!("endpoint:{}", instance.endpoint));
    }
    tags.iter().map(|tag| finished(tag, instance).into_owned()).collect()
}

/// A tag as it is submitted: with `disable_generic_tags` a generic key gets the name of the check.
pub(crate) fn finished<'t>(tag: &'t str, instance: &Instance) -> Cow<'t, str> {
    if !instance.disable_generic_tags {
        return Cow::Borrowed(tag);
    }
    let (key, value) = tag.split_once(':').unwrap_or((tag, ""));
    if !GENERIC_KEYS.contains(&key) {
        return Cow::Borrowed(tag);
    }
    // The original loses the colon where no value follows it.
    let separator = if value.is_empty() { "" } else { ":" };
    Cow::Owned(format!("{CHECK_NAME}_{key}{separator}{value}"))
}
