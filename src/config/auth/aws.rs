//! The options of AWS' signatures, and the places where credentials of AWS are usually found.

use std::path::PathBuf;

use crate::config::expand::{Surroundings, expand_home};
use crate::config::problem::Position;
use crate::config::secret::Secret;
use crate::config::section::Section;

/// Signature version 4 of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuth {
    /// The host that is signed (`aws_host`).
    pub host: String,
    /// The region that is signed (`aws_region`).
    pub region: String,
    /// The service that is signed (`aws_service`).
    pub service: String,
    /// Where credentials come from.
    pub sources: AwsSources,
}

/// The places that may have credentials, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSources {
    /// Those of the environment: `AWS_ACCESS_KEY_ID` and its kin.
    pub keys: Option<AwsKeys>,
    /// The shared files.
    pub profile: AwsProfile,
    /// The endpoint that containers have.
    pub container: Option<AwsContainer>,
    /// The URL of the instance metadata service; none where `AWS_EC2_METADATA_DISABLED` forbids it.
    pub instance_metadata: Option<String>,
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// The identifier, which requests show.
    pub access_key_id: String,
    /// The key that signs.
    pub secret_access_key: Secret,
    /// The token that goes with a temporary key.
    pub session_token: Option<Secret>,
}

/// A profile in the shared files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsProfile {
    /// Its name.
    pub name: String,
    /// `~/.aws/credentials`, or what `AWS_SHARED_CREDENTIALS_FILE` names.
    pub credentials_file: Option<PathBuf>,
    /// `~/.aws/config`, or what `AWS_CONFIG_FILE` names.
    pub config_file: Option<PathBuf>,
}

/// The endpoint that gives a container its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsContainer {
    /// Its URL.
    pub url: String,
    /// What it wants to be shown.
    pub authorization: Option<ContainerAuthorization>,
}

/// The token for the endpoint of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerAuthorization {
    /// The token itself.
    Token(Secret),
    /// A file that holds it.
    File(PathBuf),
}

/// The options as they are set, before it is known whether requests are signed.
pub(super) struct AwsOptions {
    required: [(&'static str, Option<String>); 3],
    sources: AwsSources,
}

impl AwsAuth {
    pub(super) fn read(section: &Section<'_>) -> AwsOptions {
        let required = ["aws_host", "aws_region", "aws_service"];
        let required = required.map(|option| (option, section.text_if_any(option).filter(|text| !text.is_empty())));
        AwsOptions { required, sources: AwsSources::of(section.reading().surroundings) }
    }
}

impl AwsOptions {
    /// The settings, where requests are signed; `at` is where that is asked for.
    pub(super) fn finish(self, section: &Section<'_>, at: Position) -> Option<AwsAuth> {
        for (option, value) in &self.required {
            if value.is_none() {
                section.error(at, format!("`auth_type: aws` needs `{option}`"));
            }
        }
        let [(_, host), (_, region), (_, service)] = self.required;
        Some(AwsAuth { host: host?, region: region?, service: service?, sources: self.sources })
    }
}

impl AwsSources {
    /// What the environment says about credentials.
    fn of(surroundings: &dyn Surroundings) -> Self {
        let variable = |name| surroundings.variable(name).filter(|value| !value.is_empty());
        let file = |name, usual| {
            let home = || surroundings.variable("HOME").map(|_| String::from(usual));
            variable(name).or_else(home).map(|path| expand_home(&path, surroundings))
        };
        let disabled =
            variable("AWS_EC2_METADATA_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true"));
        let metadata =
            variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| "http://169.254.169.254".to_owned());
        Self {
            keys: variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY")).map(|(id, key)| AwsKeys {
                access_key_id: id,
                secret_access_key: Secret::new(key),
                session_token: variable("AWS_SESSION_TOKEN").or(variable("AWS_SECURITY_TOKEN")).map(Secret::new),
            }),
            profile: AwsProfile {
                name: variable("AWS_PROFILE").or(variable("AWS_DEFAULT_PROFILE")).unwrap_or_else(|| "default".into()),
                credentials_file: file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
                config_file: file("AWS_CONFIG_FILE", "~/.aws/config"),
            },
            container: AwsContainer::of(&variable),
            instance_metadata: (!disabled).then_some(metadata),
        }
    }
}

impl AwsContainer {
    fn of(variable: &dyn Fn(&'static str) -> Option<String>) -> Option<Self> {
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = relative
            .map(|path| format!("http://169.254.170.2{path}"))
            .or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
        let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        let authorization = file.map(|path| ContainerAuthorization::File(path.into())).or_else(|| {
            variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| ContainerAuthorization::Token(Secret::new(token)))
        });
        Some(Self { url, authorization })
    }
}
