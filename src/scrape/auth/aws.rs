//! Signature version 4 of AWS: each request is signed with a key that lasts a day.

mod credentials;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName};
use ring::{digest, hmac};

use self::credentials::CredentialChain;
use super::digest::hex;
use super::error::AuthError;
use super::secret_value;
use crate::calendar::rfc3339;
use crate::config::{AwsAuth, AwsKeys, HttpSettings};
use crate::discover::Location;
use crate::scrape::error::ClientError;
use crate::time::UnixTime;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What is signed for, and who signs.
pub(super) struct Aws {
    host: String,
    region: String,
    service: String,
    credentials: CredentialChain,
}

impl Aws {
    pub(super) fn new(settings: &AwsAuth, http: &HttpSettings) -> Result<Self, ClientError> {
        Ok(Self {
            host: settings.host.clone(),
            region: settings.region.clone(),
            service: settings.service.clone(),
            credentials: CredentialChain::new(&settings.sources, http)?,
        })
    }

    /// Adds the headers that make a signed request.
    pub(super) async fn sign(
        &self,
        location: &Location,
        headers: &mut HeaderMap,
        now: UnixTime,
    ) -> Result<(), AuthError> {
        let keys = self.credentials.keys(now).await?;
        for (name, value) in self.headers(&keys, location.path_and_query(), &Stamp::of(now)) {
            let value = secret_value(value.as_bytes()).ok_or(AuthError::TokenCharacters)?;
            headers.insert(name, value);
        }
        Ok(())
    }

    /// The headers of a GET without a body. Signed are the host and the headers of AWS itself.
    fn headers(&self, keys: &AwsKeys, path_and_query: &str, stamp: &Stamp) -> Vec<(HeaderName, String)> {
        let nothing = hex(digest::digest(&digest::SHA256, b"").as_ref());
        let mut added = vec![(DATE, stamp.moment.clone())];
        if self.service == "s3" {
            added.push((CONTENT, nothing.clone()));
        }
        added.extend(keys.session_token.as_ref().map(|token| (TOKEN, token.expose().to_owned())));
        let mut signed: Vec<(&str, &str)> = vec![("host", &self.host)];
        signed.extend(added.iter().map(|(name, value)| (name.as_str(), value.trim())));
        signed.sort_unstable();
        let names: Vec<&str> = signed.iter().map(|&(name, _)| name).collect();
        let names = names.join(";");
        let lines: Vec<String> = signed.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let lines = lines.join("\n");
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let (path, query) = (self.canonical_path(path), canonical_query(query));
        let request = format!("GET\n{path}\n{query}\n{lines}\n\n{names}\n{nothing}");
        let scope = format!("{}/{}/{}/aws4_request", stamp.day, self.region, self.service);
        let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{request}", stamp.moment);
        let signature = hex(mac(&self.key(keys, stamp), &text).as_ref());
        let id = &keys.access_key_id;
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        added.push((AUTHORIZATION, authorization));
        added
    }

    fn key(&self, keys: &AwsKeys, stamp: &Stamp) -> hmac::Key {
        let secret = format!("AWS4{}", keys.secret_access_key.expose());
        let first = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        [stamp.day.as_str(), &self.region, &self.service, "aws4_request"]
            .into_iter()
            .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, mac(&key, part).as_ref()))
    }

    /// Encoded once more, without empty segments; S3 takes paths as they are.
    fn canonical_path(&self, path: &str) -> String {
        if self.service == "s3" {
            return path.to_owned();
        }
        let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(encoded).collect();
        let slash = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
        format!("/{}{slash}", segments.join("/"))
    }
}

fn mac(key: &hmac::Key, text: &str) -> hmac::Tag {
    hmac::sign(key, text.as_bytes())
}

/// Parameters in the order of their names and values, each with nothing but unreserved characters.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (escaped_only(name), escaped_only(value))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent signs too.
fn encoded(text: &str) -> String {
    text.bytes().map(encoded_byte).collect()
}

/// What is encoded already stays so.
fn escaped_only(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'%' { "%".to_owned() } else { encoded_byte(byte) }).collect()
}

fn encoded_byte(byte: u8) -> String {
    match byte {
        _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// A moment as AWS writes it.
struct Stamp {
    /// `20150830`
    day: String,
    /// `20150830T123600Z`
    moment: String,
}

impl Stamp {
    fn of(now: UnixTime) -> Self {
        let moment = rfc3339(now.whole_seconds()).replace(['-', ':'], "");
        let day = moment.split('T').next().unwrap_or_default().to_owned();
        Self { day, moment }
    }
}
