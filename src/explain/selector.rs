//! What somebody asks for: a name as exposed or as Datadog knows it, and labels in the notation of Prometheus.

use std::fmt;

use crate::relabel::{AnchoredRegex, RelabelRegexError};

/// The label that stands for the name.
const NAME: &str = "__name__";

/// A name, labels, or both.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    name: Option<String>,
    matchers: Vec<LabelMatcher>,
}

/// A condition on one label. A label that a series does not have is empty.
#[derive(Clone, Debug)]
pub struct LabelMatcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: text, or a regular expression that has to match all of the label's value.
    pub value: String,
    regex: Option<AnchoredRegex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

impl Operator {
    /// Longer ones first, as each is the beginning of another.
    const ALL: [(&'static str, Self); 4] =
        [("=~", Self::Matches), ("!=", Self::NotEqual), ("!~", Self::MatchesNot), ("=", Self::Equal)];

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

/// Why a selector cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the selector `{selector}` cannot be read: {problem}")]
pub struct SelectorError {
    selector: String,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it names nothing; expected a metric, such as `http_requests_total{{code=\"500\"}}`")]
    Nothing,
    #[error("the braces are not closed; expected `}}` at the end")]
    Open,
    #[error("`{0}` stands behind the closing brace; expected nothing")]
    Behind(String),
    #[error("expected a label at `{0}`")]
    Label(String),
    #[error("expected `=`, `!=`, `=~` or `!~` behind the label `{0}`")]
    Operator(String),
    #[error(
        "expected a quoted value for the label `{0}`, as in `{0}=\"...\"`; in a shell, put the selector in single quotes"
    )]
    Value(String),
    #[error("expected `,` or `}}` at `{0}`")]
    Separator(String),
    #[error("the name is given twice")]
    TwoNames,
    #[error(transparent)]
    Regex(#[from] RelabelRegexError),
}

impl Selector {
    /// Reads a selector: `name`, `name{label="value", other=~"a|b"}` or `{label="value"}`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        read(text.trim()).map_err(|problem| SelectorError { selector: text.to_owned(), problem })
    }

    /// The name, if one is asked for.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The conditions on labels.
    pub fn matchers(&self) -> &[LabelMatcher] {
        &self.matchers
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl LabelMatcher {
    /// Whether a label with this value is meant; the value of a label that is not there is empty.
    pub fn accepts(&self, value: &str) -> bool {
        let matches = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.operator {
            Operator::Equal => value == self.value,
            Operator::NotEqual => value != self.value,
            Operator::Matches => matches(),
            Operator::MatchesNot => !matches(),
        }
    }
}

impl fmt::Display for LabelMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.label, self.operator.as_str(), self.value)
    }
}

fn read(text: &str) -> Result<Selector, Problem> {
    let (name, labels) = match text.split_once('{') {
        Some((name, rest)) => (name.trim(), Some(rest)),
        None => (text, None),
    };
    let mut selector = Selector {
        text: text.to_owned(),
        name: (!name.is_empty()).then(|| name.to_owned()),
        matchers: labels.map_or_else(|| Ok(Vec::new()), read_labels)?,
    };
    let named =
        selector.matchers.iter().position(|matcher| matcher.label == NAME && matcher.operator == Operator::Equal);
    if let Some(place) = named {
        let matcher = selector.matchers.remove(place);
        if selector.name.replace(matcher.value).is_some() {
            return Err(Problem::TwoNames);
        }
    }
    if selector.name.is_none() && selector.matchers.is_empty() { Err(Problem::Nothing) } else { Ok(selector) }
}

/// Reads from behind the opening brace to the end.
fn read_labels(mut rest: &str) -> Result<Vec<LabelMatcher>, Problem> {
    let mut matchers = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            let behind = behind.trim();
            return if behind.is_empty() { Ok(matchers) } else { Err(Problem::Behind(behind.to_owned())) };
        }
        let (matcher, behind) = read_matcher(rest)?;
        matchers.push(matcher);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.starts_with('}') => {}
            None if rest.is_empty() => return Err(Problem::Open),
            None => return Err(Problem::Separator(rest.to_owned())),
        }
    }
}

fn read_matcher(text: &str) -> Result<(LabelMatcher, &str), Problem> {
    if text.is_empty() {
        return Err(Problem::Open);
    }
    let (label, rest) = quoted(text).unwrap_or_else(|| {
        let end = text.find(|c: char| "=!~,{}\"'".contains(c) || c.is_whitespace()).unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    });
    let rest = rest.trim_start();
    if label.is_empty() {
        return Err(Problem::Label(text.to_owned()));
    }
    let found = Operator::ALL.iter().find_map(|(word, operator)| Some((*operator, rest.strip_prefix(word)?)));
    let Some((operator, rest)) = found else {
        // A quoted name in braces, as names that need quotes are written.
        if text.starts_with(['"', '\'']) && (rest.starts_with([',', '}'])) {
            let name = LabelMatcher { label: NAME.to_owned(), operator: Operator::Equal, value: label, regex: None };
            return Ok((name, rest));
        }
        return Err(Problem::Operator(label));
    };
    let Some((value, rest)) = quoted(rest.trim_start()) else { return Err(Problem::Value(label)) };
    let regex = match operator {
        Operator::Equal | Operator::NotEqual => None,
        Operator::Matches | Operator::MatchesNot => Some(AnchoredRegex::new(&value)?),
    };
    Ok((LabelMatcher { label, operator, value, regex }, rest))
}

/// Text in quotes at the front of `text`, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c))?;
    let mut value = String::new();
    let mut characters = text[1..].char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            // Between backticks everything is literal.
            '\\' if quote != '`' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"' | '\'') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ if character == quote => return Some((value, &text[1 + at + 1..])),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, Vec<String>) {
        let selector = Selector::parse(text).unwrap();
        (selector.name().map(str::to_owned), selector.matchers().iter().map(ToString::to_string).collect())
    }

    fn problem(text: &str) -> String {
        Selector::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn names_and_labels_are_told_apart() {
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(parts("up"), (name("up"), vec![]));
        assert_eq!(parts(" node.cpu.seconds.count "), (name("node.cpu.seconds.count"), vec![]));
        assert_eq!(parts("up{}"), (name("up"), vec![]));
        assert_eq!(
            parts("up { a = \"1\", b!='x}', c=~`\\d+`,d!~\"\",}"),
            (name("up"), ["a=\"1\"", "b!=\"x}\"", "c=~\"\\\\d+\"", "d!~\"\""].map(str::to_owned).to_vec())
        );
        assert_eq!(parts("{a=\"\\\"\\n\\d\"}"), (None, vec!["a=\"\\\"\\n\\\\d\"".to_owned()]));
        assert_eq!(parts("{__name__=\"up\"}"), (name("up"), vec![]));
        assert_eq!(parts("{\"wéird name\",\"lábel\"=\"1\"}"), (name("wéird name"), vec!["lábel=\"1\"".to_owned()]));
    }

    #[test]
    fn a_series_as_exposed_is_a_selector_of_itself() {
        let selector = Selector::parse("a{path=\"C:\\\\x\",q=\"\\\"\"}").unwrap();
        assert!(selector.matchers()[0].accepts("C:\\x") && selector.matchers()[1].accepts("\""));
    }

    #[test]
    fn a_label_that_is_missing_is_empty() {
        let accepts = |text: &str, value: &str| Selector::parse(text).unwrap().matchers()[0].accepts(value);
        assert!(accepts("{a=\"\"}", "") && accepts("{a!=\"x\"}", "") && accepts("{a=~\"x?\"}", ""));
        assert!(!accepts("{a=\"x\"}", "") && !accepts("{a!~\"x?\"}", ""));
        // The whole value has to match.
        assert!(accepts("{a=~\"5..\"}", "500") && !accepts("{a=~\"5\"}", "500"));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_what_was_expected() {
        for (text, expected) in [
            ("", "it names nothing"),
            ("{}", "it names nothing"),
            ("a{b=\"1\"", "expected `}` at the end"),
            ("a{", "expected `}` at the end"),
            ("a{b=\"1\"}c", "`c` stands behind the closing brace"),
            ("a{=\"1\"}", "expected a label at `=\"1\"}`"),
            ("a{b\"1\"}", "expected `=`, `!=`, `=~` or `!~` behind the label `b`"),
            ("a{b=1}", "expected a quoted value for the label `b`, as in `b=\"...\"`"),
            ("a{b=\"1}", "expected a quoted value"),
            ("a{b=\"1\" c=\"2\"}", "expected `,` or `}` at `c=\"2\"}`"),
            ("a{__name__=\"b\"}", "the name is given twice"),
            ("a{b=~\"(\"}", "`(`"),
        ] {
            let problem = problem(text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
