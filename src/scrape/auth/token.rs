//! The token of `auth_token`: reads it, keeps it as long as it is good, and writes its header.

use std::path::Path;

use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;

use super::basic::latin1_or_utf8;
use super::dcos::Dcos;
use super::error::AuthError;
use super::oauth::OAuth;
use super::{Freshness, files, header_name, secret_value};
use crate::config::{HttpSettings, Secret, TokenFile, TokenReader, TokenSettings};
use crate::scrape::error::ClientError;
use crate::time::UnixTime;

/// A token and its header.
pub(super) struct Token {
    reader: Reader,
    name: HeaderName,
    around: (Secret, Secret),
    /// Locked while a token is fetched, so that scrapes at the same time fetch one.
    kept: Mutex<Option<Kept>>,
}

enum Reader {
    File(TokenFile),
    OAuth(Box<OAuth>),
    Dcos(Box<Dcos>),
}

/// A token, and when it ends; none: it is good until it fails.
pub(super) struct Kept {
    pub(super) token: Secret,
    pub(super) until: Option<UnixTime>,
}

/// The header of a token.
pub(super) struct TokenHeader {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    /// Like that of [`Kept`].
    pub(super) until: Option<UnixTime>,
}

const FILE: &str = "file of the token (`auth_token`)";

impl Token {
    pub(super) fn new(settings: &TokenSettings, http: &HttpSettings) -> Result<Self, ClientError> {
        let reader = match &settings.reader {
            TokenReader::File(file) => Reader::File(file.clone()),
            TokenReader::OAuth(oauth) => Reader::OAuth(Box::new(OAuth::new(oauth, &settings.proxy, http)?)),
            TokenReader::Dcos(dcos) => Reader::Dcos(Box::new(Dcos::new(dcos, &settings.proxy, http)?)),
        };
        let (name, around) = (header_name(&settings.writer.name)?, settings.writer.around.clone());
        Ok(Self { reader, name, around, kept: Mutex::default() })
    }

    pub(super) fn header_name(&self) -> &HeaderName {
        &self.name
    }

    /// The header for a scrape that begins now.
    pub(super) async fn header(&self, freshness: Freshness, now: UnixTime) -> Result<TokenHeader, AuthError> {
        let mut kept = self.kept.lock().await;
        if freshness == Freshness::Renewed {
            *kept = None;
        }
        let good = kept.as_ref().is_some_and(|kept| kept.until.is_none_or(|until| now < until));
        match &self.reader {
            // Read for each scrape, so that a change counts at once; while it cannot be read, the last one does.
            Reader::File(file) => match read(file).await {
                Ok(token) => *kept = Some(Kept { token, until: None }),
                Err(error) if kept.is_none() => return Err(error),
                Err(error) => tracing::debug!("{error}; the token that was read before is used"),
            },
            _ if good => {}
            Reader::OAuth(oauth) => *kept = Some(oauth.fetch(now).await?),
            Reader::Dcos(dcos) => *kept = Some(dcos.fetch(now).await?),
        }
        let token = kept.as_ref().map(|kept| kept.token.expose()).unwrap_or_default();
        let text = format!("{}{token}{}", self.around.0.expose(), self.around.1.expose());
        let value = secret_value(&latin1_or_utf8(&text)).ok_or(AuthError::TokenCharacters)?;
        Ok(TokenHeader { name: self.name.clone(), value, until: kept.as_ref().and_then(|kept| kept.until) })
    }
}

async fn read(file: &TokenFile) -> Result<Secret, AuthError> {
    let text = files::read(&file.path, FILE).await?;
    let unusable = |problem| AuthError::unusable(Path::new(&file.path), FILE, problem);
    let token = match &file.pattern {
        None => text.trim(),
        Some(pattern) => pattern
            .group_in(&text)
            .ok_or_else(|| unusable(format!("does not hold anything that matches the pattern `{pattern}`")))?,
    };
    if token.is_empty() {
        return Err(unusable("holds no token".to_owned()));
    }
    Ok(Secret::new(token))
}
