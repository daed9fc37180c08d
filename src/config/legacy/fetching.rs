//! How a target of the legacy form is fetched: bearer tokens and certificates.

use crate::config::expand::expand;
use crate::config::node::{Node, Value};
use crate::config::problem::Position;

use super::{Translation, mapping};

/// Where a pod finds the token of its service account.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What `bearer_token_auth` comes to.
enum Token {
    Off,
    /// `tls_only`, and the endpoint is not fetched over TLS.
    WithoutTls,
    On,
}

fn token(translation: &Translation<'_>) -> Token {
    let section = &translation.section;
    match section.present("bearer_token_auth").map(|node| &node.value) {
        Some(Value::Text(text)) if text == "tls_only" => {
            // A reference that fails is reported where the endpoint is read.
            let url = translation.url().and_then(|url| expand(url, section.reading().surroundings).ok());
            let encrypted = url.is_some_and(|url| url.starts_with("https://"));
            if encrypted { Token::On } else { Token::WithoutTls }
        }
        _ if section.affirmative("bearer_token_auth", false) => Token::On,
        _ => Token::Off,
    }
}

pub(super) fn bearer_token(translation: &mut Translation<'_>, at: Position) {
    if translation.is_superseded("bearer_token_auth", "auth_token", at) {
        return;
    }
    match token(translation) {
        Token::Off => translation.section.note(at, "`bearer_token_auth` is off and needs no option in its place"),
        Token::WithoutTls => {
            let message = "`bearer_token_auth: tls_only` needs no option in its place: the endpoint is not fetched over \
                           TLS, so no token is sent";
            translation.section.note(at, message);
        }
        Token::On => {
            let path = translation.section.present("bearer_token_path");
            let path = path.cloned().unwrap_or_else(|| Node::text(SERVICE_ACCOUNT_TOKEN, at));
            let text = |text| Node::text(text, at);
            let reader = mapping(at, [("type", text("file")), ("path", path)]);
            let header = [("type", text("header")), ("name", text("Authorization")), ("value", text("Bearer <TOKEN>"))];
            let value = mapping(at, [("reader", reader), ("writer", mapping(at, header))]);
            translation.note_value("bearer_token_auth", at, "auth_token", &value);
            translation.put("auth_token", value, at);
        }
    }
}

pub(super) fn bearer_token_path(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if matches!(node.value, Value::Null) || translation.is_superseded("bearer_token_path", "auth_token", at) {
        return;
    }
    if let Token::On = token(translation) {
        translation.section.note(at, "`bearer_token_path` is read as the `path` of the `reader` of `auth_token`");
    } else {
        translation.section.warning(at, "`bearer_token_path` has no effect: `bearer_token_auth` asks for no token");
    }
}

pub(super) fn bearer_token_refresh(translation: &mut Translation<'_>, at: Position) {
    let message = "`bearer_token_refresh_interval` has no effect: the token of `auth_token` is read again when a request \
                   was refused, and not after a time";
    translation.section.warning(at, message);
}

/// In the legacy form, `false` in place of the path of a CA means that certificates are not verified, whatever
/// `ssl_verify` says.
fn is_ca_off(translation: &Translation<'_>) -> bool {
    matches!(translation.section.node("ssl_ca_cert"), Some(Node { value: Value::Bool(false), .. }))
}

pub(super) fn verify(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if is_ca_off(translation) {
        translation.section.warning(at, "`ssl_verify` has no effect beside `ssl_ca_cert: false`");
    } else {
        translation.rename("ssl_verify", "tls_verify", at, node);
    }
}

pub(super) fn ca_cert(translation: &mut Translation<'_>, at: Position, node: &Node) {
    if !is_ca_off(translation) {
        translation.rename("ssl_ca_cert", "tls_ca_cert", at, node);
    } else if !translation.is_superseded("ssl_ca_cert", "tls_verify", at) {
        translation.section.note(at, "`ssl_ca_cert: false` is read as `tls_verify: false`");
        translation.put("tls_verify", node.clone(), at);
    }
}
