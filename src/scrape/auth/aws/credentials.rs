//! Finds credentials of AWS in the places where its programs look for them, and keeps them until they end.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::calendar::from_rfc3339;
use crate::config::{
    AwsContainer, AwsKeys, AwsSources, ContainerAuthorization, HttpSettings, ProxySettings, Secret, TlsSettings,
};
use crate::discover::Location;
use crate::scrape::auth::error::AuthError;
use crate::scrape::auth::exchange::{Call, Exchange, Reply};
use crate::scrape::auth::{files, secret_value};
use crate::scrape::error::{ClientError, ClientProblem};
use crate::time::UnixTime;

const CREDENTIALS: &str = "shared credentials file of AWS";
const CONFIG: &str = "shared configuration file of AWS";
const CONTAINER: &str = "credentials endpoint of the container";
const INSTANCE: &str = "metadata service of the instance";

/// Temporary credentials are replaced so long before they end. Seconds.
const MARGIN: f64 = 300.0;

/// Endpoints of credentials are near; where there is none, a scrape should not wait for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long credentials of files are taken without another look. Seconds.
const FILES: f64 = 60.0;

const METADATA_TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const METADATA_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// The places in their order, and what was found.
pub(super) struct CredentialChain {
    sources: AwsSources,
    container: Option<Location>,
    instance: Option<Location>,
    exchange: Exchange,
    kept: Mutex<Option<Found>>,
}

/// Credentials and when to look again; none: never.
#[derive(Clone)]
struct Found {
    keys: AwsKeys,
    until: Option<UnixTime>,
}

impl CredentialChain {
    pub(super) fn new(sources: &AwsSources, http: &HttpSettings) -> Result<Self, ClientError> {
        let location = |option: &'static str, url: &str| {
            let parsed = Location::parse(url).map(|(location, _)| location);
            parsed.map_err(|error| ClientProblem::TokenUrl { option, problem: error.to_string() })
        };
        let container = sources.container.as_ref().map(|container| endpoint_of_container(container, location));
        let instance = sources.instance_metadata.as_ref();
        let near = HttpSettings { connect_timeout: PATIENCE.min(http.connect_timeout), ..http.clone() };
        let timeout = Some(PATIENCE.min(http.read_timeout));
        Ok(Self {
            container: container.transpose()?,
            instance: instance.map(|url| location("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)).transpose()?,
            sources: sources.clone(),
            exchange: Exchange::new(&near, TlsSettings::default(), ProxySettings::default(), timeout)?,
            kept: Mutex::default(),
        })
    }

    /// The credentials to sign with now.
    pub(super) async fn keys(&self, now: UnixTime) -> Result<AwsKeys, AuthError> {
        let mut kept = self.kept.lock().await;
        if let Some(found) = kept.as_ref().filter(|found| found.until.is_none_or(|until| now < until)) {
            return Ok(found.keys.clone());
        }
        let found = self.find(now).await?;
        *kept = Some(found.clone());
        Ok(found.keys)
    }

    async fn find(&self, now: UnixTime) -> Result<Found, AuthError> {
        if let Some(keys) = &self.sources.keys {
            return Ok(Found { keys: keys.clone(), until: None });
        }
        if let Some(keys) = self.profile().await? {
            return Ok(Found { keys, until: Some(UnixTime::from_seconds(now.seconds() + FILES)) });
        }
        if let (Some(container), Some(location)) = (&self.sources.container, &self.container) {
            return self.of_container(container, location, now).await;
        }
        match &self.instance {
            Some(location) => {
                self.of_instance(location, now).await.map_err(|error| AuthError::NoAwsCredentials(error.to_string()))
            }
            None => Err(AuthError::NoAwsCredentials("the metadata service is turned off".to_owned())),
        }
    }

    /// The keys of the profile; of the two files, that of the credentials wins.
    async fn profile(&self) -> Result<Option<AwsKeys>, AuthError> {
        let profile = &self.sources.profile;
        let of_config =
            if profile.name == "default" { profile.name.clone() } else { format!("profile {}", profile.name) };
        let places =
            [(&profile.credentials_file, CREDENTIALS, &profile.name), (&profile.config_file, CONFIG, &of_config)];
        for (path, what, section) in places {
            let Some(path) = path.as_deref().filter(|path| path.exists()) else { continue };
            let options = section_of(&files::read(path, what).await?, section);
            if let Some(keys) = keys_of(&options, path, what)? {
                return Ok(Some(keys));
            }
        }
        Ok(None)
    }

    async fn of_container(
        &self,
        container: &AwsContainer,
        location: &Location,
        now: UnixTime,
    ) -> Result<Found, AuthError> {
        let token = match &container.authorization {
            None => None,
            Some(ContainerAuthorization::Token(token)) => Some(token.clone()),
            Some(ContainerAuthorization::File(path)) => {
                let text = files::read(path, "token file of the container (`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`)");
                Some(Secret::new(text.await?.trim()))
            }
        };
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, secret_value(token.expose().as_bytes()).ok_or(AuthError::TokenCharacters)?);
        }
        let reply = self.ask(CONTAINER, Method::GET, location, headers).await?;
        found(&reply, now).ok_or_else(|| bad(CONTAINER, location, "answered with no credentials"))
    }

    /// By version 2 of the service: first a token, then the name of the role, then its credentials.
    async fn of_instance(&self, base: &Location, now: UnixTime) -> Result<Found, AuthError> {
        const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
        let at = |path: &str| base.resolve(path).map_err(|_| bad(INSTANCE, base, "named a role that is none"));
        let headers = HeaderMap::from_iter([(METADATA_TTL, HeaderValue::from_static("21600"))]);
        let token = self.ask(INSTANCE, Method::PUT, &at("/latest/api/token")?, headers).await?;
        let token = token.text().and_then(|token| secret_value(token.as_bytes()));
        let token = token.ok_or_else(|| bad(INSTANCE, base, "gave no token"))?;
        let headers = HeaderMap::from_iter([(METADATA_TOKEN, token)]);
        let roles = self.ask(INSTANCE, Method::GET, &at(ROLES)?, headers.clone()).await?;
        let role = roles.text().and_then(|text| text.lines().next()).unwrap_or_default().trim();
        if role.is_empty() {
            return Err(bad(INSTANCE, base, "knows no role of this instance"));
        }
        let location = at(&format!("{ROLES}{role}"))?;
        let reply = self.ask(INSTANCE, Method::GET, &location, headers).await?;
        found(&reply, now).ok_or_else(|| bad(INSTANCE, &location, "answered with no credentials"))
    }

    async fn ask(
        &self,
        what: &'static str,
        method: Method,
        location: &Location,
        headers: HeaderMap,
    ) -> Result<Reply, AuthError> {
        let reply = self.exchange.call(Call { what, method, location, headers, body: Bytes::new() }).await?;
        if !reply.status.is_success() {
            return Err(bad(what, location, &format!("answered {}", reply.status)));
        }
        Ok(reply)
    }
}

fn bad(what: &'static str, location: &Location, problem: &str) -> AuthError {
    AuthError::BadAnswer { url: location.to_string(), what, problem: problem.to_owned() }
}

/// Only over HTTPS, or to the places of which AWS says that they never leave the machine.
fn endpoint_of_container(
    container: &AwsContainer,
    location: impl Fn(&'static str, &str) -> Result<Location, ClientProblem>,
) -> Result<Location, ClientProblem> {
    const OPTION: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const OF_AWS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
    let endpoint = location(OPTION, &container.url)?;
    if endpoint.is_tls() || endpoint.is_local() || OF_AWS.contains(&endpoint.host()) {
        return Ok(endpoint);
    }
    let problem = "it must begin with `https://`, because credentials come from there".to_owned();
    Err(ClientProblem::TokenUrl { option: OPTION, problem })
}

/// The credentials of an endpoint's answer.
fn found(reply: &Reply, now: UnixTime) -> Option<Found> {
    let answer = reply.json()?;
    let text = |name| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let keys = AwsKeys {
        access_key_id: text("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::new(text("SecretAccessKey")?),
        session_token: text("Token").map(Secret::new),
    };
    // Without an end they are looked at again soon.
    let end = text("Expiration").and_then(from_rfc3339).map(|seconds| seconds as f64 - MARGIN);
    let until = end.unwrap_or(0.0).max(now.seconds() + FILES);
    Some(Found { keys, until: Some(UnixTime::from_seconds(until)) })
}

/// The options of one section of a file in the form of INI; names in lower case.
fn section_of(text: &str, wanted: &str) -> HashMap<String, String> {
    let mut inside = false;
    let mut options = HashMap::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let words: Vec<&str> = name.0.split_whitespace().collect();
            inside = words.join(" ") == wanted;
        } else if inside
            && !line.starts_with([' ', '\t'])
            && let Some((name, value)) = trimmed.split_once('=')
        {
            options.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    options
}

/// The keys of a section. A section with half of them is an error, because what would be found elsewhere is not meant.
fn keys_of(options: &HashMap<String, String>, path: &Path, what: &'static str) -> Result<Option<AwsKeys>, AuthError> {
    let option = |name| options.get(name).filter(|value| !value.is_empty());
    match (option("aws_access_key_id"), option("aws_secret_access_key")) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => Ok(Some(AwsKeys {
            access_key_id: id.clone(),
            secret_access_key: Secret::new(secret),
            session_token: option("aws_session_token").or(option("aws_security_token")).map(Secret::new),
        })),
        _ => Err(AuthError::unusable(path, what, "has only one of `aws_access_key_id` and `aws_secret_access_key`")),
    }
}
