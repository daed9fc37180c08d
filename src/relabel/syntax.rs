//! Brings regular expressions of RE2's syntax, as Go's parser reads it, into the syntax of the `regex` crate.
//!
//! The two match alike but are written differently: a lone brace, `\Q`, octal numbers and flags given twice mean
//! something to one of them only, `\w` and its kin are ASCII in RE2, and inside of brackets Rust has operators of its
//! own. So every expression is read by RE2's rules, and written with what both understand.

use super::class::{perl_class, push_class, push_literal, read_escape, unicode_class};

/// The most that a counted repetition repeats, those inside of it included.
const MAX_REPEAT: u32 = 1_000;

/// An expression in the syntax of the `regex` crate.
pub(super) struct Translated {
    pub(super) text: String,
    /// The names of its groups from the first on. They are not in the text: Go has names that Rust does not have.
    pub(super) names: Vec<Option<String>>,
}

/// What RE2 does not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxProblem {
    #[error("a `(` is not closed")]
    MissingParenthesis,
    #[error("a `)` closes nothing")]
    UnexpectedParenthesis,
    #[error("a `[` is not closed")]
    MissingBracket,
    #[error("nothing follows the last `\\`")]
    TrailingBackslash,
    #[error("`{0}` has nothing to repeat")]
    NothingToRepeat(String),
    #[error("`{0}` repeats a repetition; put that into `(?:...)`")]
    RepeatedRepetition(String),
    #[error("`{0}` repeats something more than {MAX_REPEAT} times, nested repetitions multiplied")]
    TooManyRepeats(String),
    #[error("`{0}` ends before it begins")]
    DescendingRepeat(String),
    #[error("`{0}` is no escape")]
    Escape(String),
    #[error("`{0}` is no escape; there are no back-references")]
    BackReference(String),
    #[error("`{0}` begins no group; there is no look-around")]
    LookAround(String),
    #[error("`{0}` begins no group")]
    Group(String),
    #[error("`{0}` is no name of a group; expected letters, digits and `_`")]
    GroupName(String),
    #[error("`{0}` is no range of characters")]
    Range(String),
    #[error("there is no class of characters `{0}`")]
    Class(String),
    #[error("its groups, alternatives and repetitions are nested more than {limit} deep")]
    TooDeep { limit: u32 },
    #[error("it needs more than {limit} bytes when compiled")]
    TooBig { limit: usize },
}

/// What Prometheus 3 puts around an expression: it matches whole texts, and `.` means line feeds too.
const AROUND: (&str, &str) = ("^(?s:", ")$");

/// Translates an expression that is to match whole texts.
pub(super) fn translate(text: &str) -> Result<Translated, SyntaxProblem> {
    let text = [AROUND.0, text, AROUND.1].concat();
    let mut translator = Translator {
        rest: &text,
        text: String::new(),
        names: Vec::new(),
        around: Vec::new(),
        repeats: 1,
        last: Last::Nothing,
    };
    while let Some(next) = translator.rest.chars().next() {
        translator.item(next)?;
    }
    if translator.around.is_empty() {
        Ok(Translated { text: translator.text, names: translator.names })
    } else {
        Err(SyntaxProblem::MissingParenthesis)
    }
}

struct Translator<'t> {
    rest: &'t str,
    text: String,
    names: Vec<Option<String>>,
    /// The `repeats` of the groups around this place, from outside in.
    around: Vec<u32>,
    /// How often the most repeated item of this group is repeated, the last item left out.
    repeats: u32,
    last: Last,
}

/// What a repetition would repeat, with how often something inside of it is repeated already.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Item(u32),
    Repetition(u32),
}

impl Last {
    fn repeats(self) -> u32 {
        match self {
            Self::Nothing => 1,
            Self::Item(repeats) | Self::Repetition(repeats) => repeats,
        }
    }
}

/// The numbers of `{2,3}`; none is no end.
type Count = (u32, Option<u32>);

impl<'t> Translator<'t> {
    fn item(&mut self, next: char) -> Result<(), SyntaxProblem> {
        match next {
            '(' => self.open(),
            ')' => self.close(),
            '|' => {
                self.take(1);
                self.settle(Last::Nothing);
                self.text.push('|');
                Ok(())
            }
            '^' | '$' | '.' => {
                self.take(1);
                self.raw(next.encode_utf8(&mut [0; 4]));
                Ok(())
            }
            '[' => {
                self.settle(Last::Item(1));
                self.rest = push_class(&mut self.text, self.rest)?;
                Ok(())
            }
            '*' | '+' | '?' => self.repeat(1, None),
            '{' => {
                if let Some((count, length)) = read_count(self.rest) {
                    return self.repeat(length, Some(count));
                }
                self.take(1);
                self.literal('{');
                Ok(())
            }
            '\\' => self.escape(),
            _ => {
                self.take(next.len_utf8());
                self.literal(next);
                Ok(())
            }
        }
    }

    /// The next bytes, which are read with that.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Counts the last item, which nothing can repeat any more, and puts another in its place.
    fn settle(&mut self, next: Last) {
        self.repeats = self.repeats.max(self.last.repeats());
        self.last = next;
    }

    fn raw(&mut self, text: &str) {
        self.settle(Last::Item(1));
        self.text.push_str(text);
    }

    fn literal(&mut self, character: char) {
        self.settle(Last::Item(1));
        push_literal(&mut self.text, character);
    }

    fn open(&mut self) -> Result<(), SyntaxProblem> {
        if !self.rest.starts_with("(?") {
            self.take(1);
            self.names.push(None);
            self.enter("(");
            return Ok(());
        }
        let named = ["(?P<", "(?<"].into_iter().find(|prefix| self.rest.starts_with(prefix));
        match named {
            Some(prefix) => self.open_named(prefix),
            None => self.open_flags(),
        }
    }

    /// Goes into a group that begins with `text`.
    fn enter(&mut self, text: &str) {
        self.settle(Last::Nothing);
        self.around.push(self.repeats);
        self.repeats = 1;
        self.text.push_str(text);
    }

    fn open_named(&mut self, prefix: &str) -> Result<(), SyntaxProblem> {
        let after = &self.rest[prefix.len()..];
        if prefix == "(?<" && after.starts_with(['=', '!']) {
            return Err(SyntaxProblem::LookAround(self.rest[..=prefix.len()].to_owned()));
        }
        let Some((name, _)) = after.split_once('>') else { return Err(SyntaxProblem::GroupName(as_written(after))) };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(SyntaxProblem::GroupName(name.to_owned()));
        }
        self.take(prefix.len() + name.len() + 1);
        self.names.push(Some(name.to_owned()));
        self.enter("(");
        Ok(())
    }

    /// `(?i)`, `(?i-s:` and the like.
    fn open_flags(&mut self) -> Result<(), SyntaxProblem> {
        let (mut on, mut off, mut negative) = (String::new(), String::new(), false);
        for (at, character) in self.rest.char_indices().skip(2) {
            let end = at + character.len_utf8();
            let unknown = || {
                let text = self.rest[..end].to_owned();
                if matches!(character, '=' | '!') {
                    SyntaxProblem::LookAround(text)
                } else {
                    SyntaxProblem::Group(text)
                }
            };
            match character {
                'i' | 'm' | 's' | 'U' => {
                    let flags = if negative { &mut off } else { &mut on };
                    if !flags.contains(character) {
                        flags.push(character);
                    }
                }
                '-' if !negative => negative = true,
                ':' | ')' if !negative || !off.is_empty() => {
                    // A flag that is set and cleared is cleared: that comes last.
                    on.retain(|flag| !off.contains(flag));
                    let flags = if negative { format!("{on}-{off}") } else { on };
                    self.take(end);
                    if character == ':' {
                        self.enter(&format!("(?{flags}:"));
                        return Ok(());
                    }
                    self.settle(Last::Nothing);
                    if !flags.is_empty() {
                        self.text.extend(["(?", &flags, ")"]);
                    }
                    return Ok(());
                }
                _ => return Err(unknown()),
            }
        }
        Err(SyntaxProblem::Group(as_written(self.rest)))
    }

    fn close(&mut self) -> Result<(), SyntaxProblem> {
        self.settle(Last::Nothing);
        let outside = self.around.pop().ok_or(SyntaxProblem::UnexpectedParenthesis)?;
        self.last = Last::Item(self.repeats);
        self.repeats = outside;
        self.take(1);
        self.text.push(')');
        Ok(())
    }

    /// An operator of `length` bytes, and whether it is the other of greedy and lazy.
    fn repeat(&mut self, length: usize, count: Option<Count>) -> Result<(), SyntaxProblem> {
        let operator = self.take(length);
        let inside = match self.last {
            Last::Nothing => return Err(SyntaxProblem::NothingToRepeat(operator.to_owned())),
            Last::Repetition(_) => return Err(SyntaxProblem::RepeatedRepetition(operator.to_owned())),
            Last::Item(repeats) => repeats,
        };
        let repeats = match count {
            Some((min, Some(max))) if min > max => return Err(SyntaxProblem::DescendingRepeat(operator.to_owned())),
            Some((_, Some(0))) => 1,
            Some((min, max)) => inside.saturating_mul(max.unwrap_or(min).max(1)),
            None => inside,
        };
        if repeats > MAX_REPEAT || count.is_some_and(|(min, _)| min > MAX_REPEAT) {
            return Err(SyntaxProblem::TooManyRepeats(operator.to_owned()));
        }
        self.text.push_str(operator);
        if self.rest.starts_with('?') {
            self.take(1);
            self.text.push('?');
        }
        self.last = Last::Repetition(repeats);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxProblem> {
        let mut following = self.rest.chars().skip(1);
        match following.next() {
            Some(anchor @ ('A' | 'z')) => {
                self.take(2);
                self.raw(if anchor == 'A' { r"\A" } else { r"\z" });
            }
            Some(boundary @ ('b' | 'B')) => {
                self.take(2);
                self.raw(if boundary == 'b' { r"(?-u:\b)" } else { r"(?-u:\B)" });
            }
            Some('Q') => {
                self.take(2);
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                quoted.chars().for_each(|character| self.literal(character));
                if let Last::Repetition(repeats) = self.last {
                    // As for Go, an empty quotation parts one repetition from the next.
                    self.last = Last::Item(repeats);
                }
                self.rest = rest;
            }
            Some('p' | 'P') => {
                let (class, rest) = unicode_class(self.rest)?;
                self.rest = rest;
                self.raw(&class);
            }
            Some(letter) if perl_class(letter).is_some() => {
                self.take(2);
                self.raw(perl_class(letter).unwrap_or_default());
            }
            _ => {
                let (character, rest) = read_escape(self.rest)?;
                self.rest = rest;
                self.literal(character);
            }
        }
        Ok(())
    }
}

/// What is left of the expression as it is written, for messages.
pub(super) fn as_written(rest: &str) -> String {
    rest.strip_suffix(AROUND.1).unwrap_or(rest).to_owned()
}

/// Reads `{2}`, `{2,}` or `{2,3}` with its length. Anything else is no repetition, and the brace means itself.
fn read_count(text: &str) -> Option<(Count, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let count = match inner.split_once(',') {
        None => (read_number(inner)?, Some(read_number(inner)?)),
        Some((min, "")) => (read_number(min)?, None),
        Some((min, max)) => (read_number(min)?, Some(read_number(max)?)),
    };
    Some((count, inner.len() + 2))
}

/// Digits without leading zeros; a number of any size, those that are far too large being equal.
fn read_number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().unwrap_or(u32::MAX))
}
