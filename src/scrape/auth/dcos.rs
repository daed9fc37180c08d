//! Tokens of DC/OS: a service account proves with a signed statement who it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::error::AuthError;
use super::exchange::{Call, Exchange};
use super::files;
use super::token::Kept;
use crate::config::{DcosReader, HttpSettings, ProxySettings, Secret, TlsSettings};
use crate::discover::Location;
use crate::scrape::error::{ClientError, ClientProblem};
use crate::time::UnixTime;

const SERVER: &str = "login of DC/OS (`auth_token`)";
const KEY: &str = "private key of DC/OS (`private_key_path`)";

/// A service account.
pub(super) struct Dcos {
    settings: DcosReader,
    location: Location,
    exchange: Exchange,
}

impl Dcos {
    pub(super) fn new(settings: &DcosReader, proxy: &ProxySettings, http: &HttpSettings) -> Result<Self, ClientError> {
        let (location, _) = Location::parse(&settings.login_url)
            .map_err(|error| ClientProblem::TokenUrl { option: "login_url", problem: error.to_string() })?;
        // The certificate of a cluster is its own; what is sent is no secret, and good for a short time only.
        let tls = TlsSettings { verify: false, ..TlsSettings::default() };
        Ok(Self { settings: settings.clone(), location, exchange: Exchange::new(http, tls, proxy.clone(), None)? })
    }

    /// A new token, good until it fails.
    pub(super) async fn fetch(&self, now: UnixTime) -> Result<Kept, AuthError> {
        let expiration = now.whole_seconds().saturating_add(self.settings.expiration);
        let uid = &self.settings.service_account;
        let token = sign(&self.key().await?, &json!({"uid": uid, "exp": expiration}))
            .map_err(|problem| self.unusable_key(problem))?;
        let login = json!({"uid": uid, "token": token, "exp": expiration});
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let (method, body) = (Method::POST, Bytes::from(login.to_string()));
        let call = Call { what: SERVER, method, location: &self.location, headers, body };
        let reply = self.exchange.call(call).await?;
        let bad = |problem| AuthError::BadAnswer { url: self.location.to_string(), what: SERVER, problem };
        if !reply.status.is_success() {
            return Err(bad(format!("answered {}", reply.status)));
        }
        let answer = reply.json();
        let token = answer.as_ref().and_then(|answer| answer.get("token")).and_then(Value::as_str);
        match token.filter(|token| !token.is_empty()) {
            Some(token) => Ok(Kept { token: Secret::new(token), until: None }),
            None => Err(bad(format!("answered {}, and no `token`", reply.status))),
        }
    }

    async fn key(&self) -> Result<RsaKeyPair, AuthError> {
        let text = files::read(&self.settings.private_key, KEY).await?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| self.unusable_key("holds no private key in PEM form without a password"))?;
        let pair = match &key {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err(self.unusable_key("holds no RSA key")),
        };
        pair.map_err(|cause| self.unusable_key(&format!("holds no RSA key that can be used: {cause}")))
    }

    fn unusable_key(&self, problem: &str) -> AuthError {
        AuthError::unusable(&self.settings.private_key, KEY, problem)
    }
}

/// A JSON web token with the signature RS256.
fn sign(key: &RsaKeyPair, claims: &Value) -> Result<String, &'static str> {
    let header = json!({"typ": "JWT", "alg": "RS256"});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).map_err(|_| "cannot sign")?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
