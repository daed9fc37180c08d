//! Reads what a target asks for: the header `WWW-Authenticate`.

use hyper::header::{HeaderMap, WWW_AUTHENTICATE};

/// One way to authenticate that a target offers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case.
    pub(super) scheme: String,
    /// What stands alone behind the scheme, as NTLM and Negotiate have it.
    pub(super) token: Option<String>,
    /// Names in lower case, values without quotes.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// All that is offered, in the order of the target; what cannot be read is left out.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values.flat_map(|value| parse(&String::from_utf8_lossy(value.as_bytes()))).collect()
}

/// The parameters of a header such as `Authentication-Info`, which has no scheme.
pub(super) fn parameters(value: &str) -> Vec<(String, String)> {
    elements(value).into_iter().filter_map(parameter).collect()
}

/// Several challenges may stand in one value, divided by the same commas as their parameters (RFC 9110, section
/// 11.6.1): an element begins a challenge if a word stands before its first parameter.
fn parse(value: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for element in elements(value) {
        let (first, rest) = element.split_once([' ', '\t']).unwrap_or((element, ""));
        if first.contains('=') || rest.trim_start().starts_with('=') {
            if let (Some(challenge), Some(parameter)) = (found.last_mut(), parameter(element)) {
                challenge.parameters.push(parameter);
            }
            continue;
        }
        let mut challenge = Challenge { scheme: first.to_ascii_lowercase(), ..Challenge::default() };
        let rest = rest.trim();
        let is_token = !rest.trim_end_matches('=').contains(['=', '"', ' ']);
        if !rest.is_empty() && is_token {
            challenge.token = Some(rest.to_owned());
        } else {
            challenge.parameters.extend(parameter(rest));
        }
        found.push(challenge);
    }
    found
}

/// The parts between commas outside of quotes.
fn elements(value: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = value.split(move |c: char| {
        let separates = c == ',' && !quoted;
        if !escaped && c == '"' {
            quoted = !quoted;
        }
        escaped = quoted && !escaped && c == '\\';
        separates
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let value = value.trim();
    let value = match value.strip_prefix('"').map(|inner| inner.strip_suffix('"').unwrap_or(inner)) {
        Some(inner) => unescaped(inner),
        None => value.to_owned(),
    };
    Some((name.trim().to_ascii_lowercase(), value))
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_challenges_from_parameters() {
        let found = parse(
            r#"Digest realm="a, \"b\"" , nonce = "n==", qop="auth,auth-int",stale=TRUE, NTLM, Negotiate YII=, basic realm=x"#,
        );
        let schemes: Vec<_> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["digest", "ntlm", "negotiate", "basic"]);
        assert_eq!(found[0].get("realm"), Some("a, \"b\""));
        assert_eq!(found[0].get("nonce"), Some("n=="));
        assert_eq!(found[0].get("qop"), Some("auth,auth-int"));
        assert_eq!(found[0].get("stale"), Some("TRUE"));
        assert_eq!((found[1].token.as_deref(), found[2].token.as_deref()), (None, Some("YII=")));
        assert_eq!(found[3].get("realm"), Some("x"));
    }

    #[test]
    fn survives_what_is_none() {
        for value in ["", ",,,", "=", "\"", "Digest realm=\"", "Digest \\", "a=b", "Digest =, =x", "\\\",\\"] {
            parse(value);
            parameters(value);
        }
        assert_eq!(parameters(r#"nextnonce="x", nc=1"#), [("nextnonce".into(), "x".into()), ("nc".into(), "1".into())]);
    }
}
