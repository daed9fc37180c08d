//! Tokens of an OAuth server by the grant of client credentials (RFC 6749, section 4.4).

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::basic::{basic_authorization, latin1_or_utf8};
use super::error::AuthError;
use super::exchange::{Call, Exchange, Reply, quoted};
use super::token::Kept;
use super::{header_name, secret_value};
use crate::config::{HttpSettings, OAuthReader, ProxySettings, Secret, TlsSettings};
use crate::discover::Location;
use crate::scrape::error::{ClientError, ClientProblem};
use crate::time::UnixTime;

/// How long a token is kept whose lifetime the server does not tell. Seconds.
const LIFETIME: f64 = 300.0;

const SERVER: &str = "token endpoint of `auth_token`";

/// A client of an OAuth server.
pub(super) struct OAuth {
    exchange: Exchange,
    location: Location,
    headers: HeaderMap,
    /// The form that is posted.
    body: Secret,
    secret: Secret,
}

impl OAuth {
    pub(super) fn new(settings: &OAuthReader, proxy: &ProxySettings, http: &HttpSettings) -> Result<Self, ClientError> {
        let location = location(&settings.url)?;
        let tls = TlsSettings { verify: settings.verify, ca_cert: settings.ca_cert.clone(), ..TlsSettings::default() };
        let timeout = settings.timeout.filter(|timeout| *timeout > Duration::ZERO);
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(settings.parameters.iter().map(|(name, value)| (name.as_str(), value.expose())));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if settings.in_body {
            form.push(("client_id", &settings.client_id));
            form.push(("client_secret", settings.client_secret.expose()));
        } else {
            headers.insert(AUTHORIZATION, basic_authorization(&settings.client_id, settings.client_secret.expose()));
        }
        for (name, value) in &settings.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        let body = Secret::new(encoded(&form));
        let secret = settings.client_secret.clone();
        Ok(Self { exchange: Exchange::new(http, tls, proxy.clone(), timeout)?, location, headers, body, secret })
    }

    /// A new token, good from now on.
    pub(super) async fn fetch(&self, now: UnixTime) -> Result<Kept, AuthError> {
        let call = Call {
            what: SERVER,
            method: Method::POST,
            location: &self.location,
            headers: self.headers.clone(),
            body: Bytes::copy_from_slice(self.body.expose().as_bytes()),
        };
        let reply = self.exchange.call(call).await?;
        let (token, lifetime) = granted(&reply, &self.secret).map_err(|problem| AuthError::BadAnswer {
            url: self.location.to_string(),
            what: SERVER,
            problem,
        })?;
        Ok(Kept { token, until: Some(UnixTime::from_seconds(now.seconds() + lifetime)) })
    }
}

/// Where secrets are sent: over HTTPS, or not over a network at all.
fn location(url: &str) -> Result<Location, ClientError> {
    let problem = |problem| ClientProblem::TokenUrl { option: "url", problem };
    let (location, user) = Location::parse(url).map_err(|error| problem(error.to_string()))?;
    if user.is_some() {
        return Err(problem("it must not hold a user name or password".to_owned()).into());
    }
    if !location.is_tls() && !location.is_local() {
        return Err(problem("it must begin with `https://`, because secrets are sent there".to_owned()).into());
    }
    Ok(location)
}

fn header(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), ClientError> {
    let value = secret_value(&latin1_or_utf8(value.expose()));
    Ok((header_name(name)?, value.ok_or_else(|| ClientProblem::HeaderValue(name.to_owned()))?))
}

/// The token of an answer and the seconds for which it is good, or what is wrong with the answer, without the secret that
/// it was asked with.
fn granted(reply: &Reply, secret: &Secret) -> Result<(Secret, f64), String> {
    let status = reply.status;
    // It may repeat what it was sent, which is taken out before the text is cut short.
    let quoted = |text: &str| quoted(&text.replace(secret.expose(), "***"));
    let answer = reply.json().ok_or_else(|| format!("answered {status}, and no JSON"))?;
    let text = |name| answer.get(name).and_then(Value::as_str);
    if let Some(error) = answer.get("error") {
        let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let description = text("error_description").map(|text| format!(": {}", quoted(text))).unwrap_or_default();
        return Err(format!("answered {status} with the error {}{description}", quoted(&error)));
    }
    let token = text("access_token").filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| format!("answered {status}, and no `access_token`"))?;
    let lifetime = match answer.get("expires_in") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<i64>().ok().map(|seconds| seconds as f64),
        _ => None,
    };
    Ok((Secret::new(token), lifetime.unwrap_or(LIFETIME)))
}

/// A form as browsers send it.
fn encoded(form: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{}={}", quote(name), quote(value))).collect();
    pairs.join("&")
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => quoted.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) => quoted.push(char::from(byte)),
            _ => quoted.extend(format!("%{byte:02X}").chars()),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    fn answer(status: u16, body: &str) -> Result<(String, f64), String> {
        let reply = Reply { status: StatusCode::from_u16(status).unwrap(), body: body.into() };
        granted(&reply, &Secret::new("hunter2")).map(|(token, lifetime)| (token.expose().to_owned(), lifetime))
    }

    #[test]
    fn reads_lifetimes_of_all_kinds() {
        for (lifetime, seconds) in [
            ("60", 60.0),
            ("59.5", 59.5),
            ("\"120\"", 120.0),
            ("\"1.5\"", 300.0),
            ("\"soon\"", 300.0),
            ("null", 300.0),
            ("[1]", 300.0),
        ] {
            let body = format!(r#"{{"access_token": "t", "expires_in": {lifetime}}}"#);
            assert_eq!(answer(200, &body), Ok(("t".into(), seconds)), "{lifetime}");
        }
        assert_eq!(answer(200, r#"{"access_token": "t"}"#), Ok(("t".into(), 300.0)));
    }

    #[test]
    fn says_what_is_wrong_with_an_answer() {
        for (status, body, problem) in [
            (200, r#"{"error": "invalid_scope", "access_token": "t"}"#, "200 OK with the error `invalid_scope`"),
            (
                401,
                r#"{"error": "invalid_client", "error_description": "no\nsuch `client`"}"#,
                "answered 401 Unauthorized with the error `invalid_client`: `no such  client `",
            ),
            (
                400,
                &format!(r#"{{"error": "e", "error_description": "{}hunter2"}}"#, "x".repeat(195)),
                &format!("`{}***`", "x".repeat(195)),
            ),
            (502, "<html>", "answered 502 Bad Gateway, and no JSON"),
            (200, "{}", "answered 200 OK, and no `access_token`"),
            (200, r#"{"access_token": 5}"#, "no `access_token`"),
        ] {
            let said = answer(status, body).unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
    }

    #[test]
    fn encodes_forms() {
        assert_eq!(encoded(&[("a b", "c&d=e"), ("f", "\u{e9}-_.*~")]), "a+b=c%26d%3De&f=%C3%A9-_.*%7E");
    }

    #[test]
    fn secrets_go_over_https_only() {
        let refused = |url| location(url).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused("http://idp.example/token").contains("must begin with `https://`"));
        assert!(refused("https://a:b@idp.example/token").contains("must not hold a user name"));
        assert!(refused("idp.example").contains("no scheme"));
        for fine in ["https://idp.example/token", "http://localhost:1/", "http://127.0.0.9/", "http://[::1]/"] {
            assert_eq!(refused(fine), "");
        }
    }
}
