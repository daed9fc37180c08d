//! Regular expressions of rules: RE2's syntax, matched against the whole text.

use std::fmt;
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::syntax::{SyntaxProblem, Translated, translate};
use crate::interned::Interned;

/// How many bytes a compiled expression may take: alternatives of tens of thousands of names fit.
const SIZE_LIMIT: usize = 32 << 20;

/// How deep groups, alternatives and repetitions may be nested: compiling them goes as deep.
const NEST_LIMIT: u32 = 250;

/// An expression that matches a whole text or does not match it; `.` means line feeds too.
#[derive(Clone)]
pub struct AnchoredRegex(Arc<Compiled>);

struct Compiled {
    text: String,
    regex: Regex,
    /// The names of the groups from the first on; the whole match is none of them.
    names: Vec<Option<String>>,
}

impl AnchoredRegex {
    /// Compiles an expression as Prometheus 3 does, with Go's reading of it.
    pub fn new(text: &str) -> Result<Self, RelabelRegexError> {
        static COMPILED: Interned<Compiled> = Interned::new();
        COMPILED.get_or_make(text, || Compiled::new(text)).map(Self)
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether all of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.regex.is_match(text)
    }

    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.0.regex.captures(text)
    }

    /// The groups that a reference means: one for a number, all of that name otherwise.
    pub(super) fn groups(&self, reference: &str) -> Vec<usize> {
        let canonical = reference == "0" || !reference.starts_with('0');
        let digits = reference.bytes().all(|byte| byte.is_ascii_digit());
        if digits
            && canonical
            && let Ok(number) = reference.parse::<usize>()
        {
            return if number <= self.0.names.len() { vec![number] } else { Vec::new() };
        }
        let named = self.0.names.iter().enumerate().filter(|(_, name)| name.as_deref() == Some(reference));
        named.map(|(i, _)| i + 1).collect()
    }
}

impl Compiled {
    fn new(text: &str) -> Result<Self, RelabelRegexError> {
        let failed = |problem| RelabelRegexError { text: text.to_owned(), problem };
        let Translated { text: translated, names } = translate(text).map_err(|problem| {
            // Then it is the parenthesis around the expression that was escaped.
            let trailing = problem == SyntaxProblem::MissingParenthesis && text.ends_with('\\');
            failed(if trailing { SyntaxProblem::TrailingBackslash } else { problem })
        })?;
        let regex = RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).nest_limit(NEST_LIMIT).build();
        match regex {
            Ok(regex) => Ok(Self { text: text.to_owned(), regex, names }),
            Err(regex::Error::CompiledTooBig(limit)) => Err(failed(SyntaxProblem::TooBig { limit })),
            // What is translated is valid but for its depth.
            Err(_) => Err(failed(SyntaxProblem::TooDeep { limit: NEST_LIMIT })),
        }
    }
}

impl fmt::Debug for AnchoredRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnchoredRegex({:?})", self.0.text)
    }
}

impl fmt::Display for AnchoredRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

/// A text that is no regular expression of RE2's syntax.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a regular expression of RE2's syntax: {problem}")]
pub struct RelabelRegexError {
    text: String,
    problem: SyntaxProblem,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: what Go's parser says of the expression, by the rules of `regexp/syntax`.
    #[test]
    fn reads_what_re2_reads_and_rust_does_not() {
        for (text, matching, other) in [
            ("a{", "a{", "a"),
            ("a{,2}", "a{,2}", "aa"),
            ("a{01}", "a{01}", "a"),
            ("a{ 2 }", "a{ 2 }", "aa"),
            ("{x}", "{x}", "x"),
            (r"\<a\>", "<a>", "a"),
            (r"a\b{start}", "a{start}", "a"),
            (r"\Qa.b\E+", "a.bb", "axb"),
            (r"a\Q\E*", "aaa", "b"),
            (r"\012\x41\x{42}", "\nAB", "12AB"),
            (r"\a\v\_", "\u{7}\u{b}_", "av_"),
            ("[a&&b]+", "a&b", "c"),
            ("[a[b]+", "[ab", "a]b"),
            ("[+--b]+", ",b", "c"),
            ("[]a]+", "]a", "b"),
            ("[^]a]", "b", "]"),
            (r"[\d-z]+", "1-z", "m"),
            ("[[:^alpha:]]", "é", "e"),
            ("[[:a]+", "[:a", "]"),
            ("(?)a", "a", "b"),
            ("(?ii)A", "a", "b"),
            ("(?<1x>a)(?P<1x>b)", "ab", "a"),
            (r"\p{^Greek}", "a", "α"),
            (r"\P{^Greek}", "α", "a"),
            (r"\pN", "٣", "a"),
            (r"\p{letter}", "é", "1"),
            ("a)(b", "ab", "a"),
            ("#x y", "#x y", "xy"),
            ("(?-s).", "a", "\n"),
            ("^*a$", "a", "b"),
        ] {
            let regex = AnchoredRegex::new(text).unwrap();
            assert!(regex.is_match(matching), "{text} matches {matching}");
            assert!(!regex.is_match(other), "{text} does not match {other}");
        }
    }

    #[test]
    fn perl_classes_and_word_boundaries_are_ascii() {
        for (text, matching, other) in [
            (r"\w+", "a_9", "é"),
            (r"\W", "é", "_"),
            (r"\d", "3", "٣"),
            (r"\D", "٣", "3"),
            (r"\s", "\t", "\u{a0}"),
            (r"\s", "\u{c}", "\u{b}"),
            (r"\S", "\u{a0}", " "),
            (r"[\w.]+", "a.b", "é"),
            (r"[^\W_]", "a", "é"),
            (r"é\bx", "éx", "ex"),
            (r"é\Bö", "éö", "é"),
            // Folding comes before the classes are joined, and Unicode has a third k and a third s.
            (r"(?i)\w", "\u{212a}", "é"),
            (r"(?i)É", "é", "e"),
            (r"(?i)[^k]", "é", "\u{212a}"),
        ] {
            let regex = AnchoredRegex::new(text).unwrap();
            assert!(regex.is_match(matching), "{text} matches {matching:?}");
            assert!(!regex.is_match(other), "{text} does not match {other:?}");
        }
    }

    #[test]
    fn flags_last_until_their_group_ends() {
        for (text, matching, other) in [
            ("(?:a(?i)b|c)d", "Cd", "CD"),
            ("(?i:a)b", "Ab", "AB"),
            ("(?i)a(?-i)b", "Ab", "AB"),
            ("(?m)a$\n^b", "a\nb", "ab"),
        ] {
            let regex = AnchoredRegex::new(text).unwrap();
            assert!(regex.is_match(matching), "{text} matches {matching:?}");
            assert!(!regex.is_match(other), "{text} does not match {other:?}");
        }
    }

    #[test]
    fn says_what_re2_does_not_read() {
        for (text, part) in [
            ("(", "a `(` is not closed"),
            ("a)", "a `)` closes nothing"),
            ("[a", "a `[` is not closed"),
            (r"a\", "nothing follows the last `\\`"),
            ("*a", "`*` has nothing to repeat"),
            ("a|{2}", "`{2}` has nothing to repeat"),
            ("a**", "repeats a repetition"),
            ("a{2}{3}", "repeats a repetition"),
            ("a+??", "repeats a repetition"),
            ("a{1001}", "more than 1000 times"),
            ("a{99999999999}", "more than 1000 times"),
            ("((?:a{10}){10}b){11}", "more than 1000 times"),
            ("a{3,2}", "`{3,2}` ends before it begins"),
            (r"(a)\1", "no back-references"),
            (r"a\Z", r"`\Z` is no escape"),
            (r"\u0041", r"`\u` is no escape"),
            (r"\C", r"`\C` is no escape"),
            (r"[\b]", r"`\b` is no escape"),
            (r"\x{110000}", r"`\x{110000}` is no escape"),
            (r"\x4", r"`\x4` is no escape"),
            (r"\x{41", r"`\x{41` is no escape"),
            (r"\p{L", r"no class of characters `\p{L`"),
            ("(?<a", "`a` is no name of a group"),
            ("(?=a)", "no look-around"),
            ("(?<!a)", "no look-around"),
            ("(?x)a", "`(?x` begins no group"),
            ("(?i-)a", "`(?i-)` begins no group"),
            ("(?>a)", "`(?>` begins no group"),
            ("(?P<a b>c)", "`a b` is no name of a group"),
            ("[z-a]", "`z-a` is no range"),
            (r"\p{Alphabetic}", r"no class of characters `\p{Alphabetic}`"),
            (r"\p{gc=L}", r"no class of characters `\p{gc=L}`"),
            ("[[:foo:]]", "no class of characters `[:foo:]`"),
            (&format!("{}{}", "(".repeat(1_000), ")".repeat(1_000)), "nested more than 250 deep"),
            (r"(\pL{1000}\pL{1000}){1}\pL{1000}", "bytes when compiled"),
        ] {
            let message = AnchoredRegex::new(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn takes_all_that_re2_repeats() {
        assert!(AnchoredRegex::new("(?:a{10}){100}(?:b{0}){1000}(?:c{500,}){2}").is_ok());
        assert!(AnchoredRegex::new(r"\w{1000}.{0,1000}").is_ok());
        let nested = format!("{}a{}", "(".repeat(200), ")".repeat(200));
        assert!(AnchoredRegex::new(&nested).unwrap().is_match("a"));
    }
}
